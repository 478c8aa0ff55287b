"""Live chat inside the portal: the page, and who reads which past chats."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from console.chat.service import lifecycle
from console.core import clock
from console.core.transaction import transaction
from console.staff.models import Staff
from console.staff.roles import Role
from tests import factories
from tests.chat.past import make_past, write
from tests.conftest import Clock
from tests.factories.chat import ask, monday, sign_in_to_portal, visitor
from tests.support.client import ConsoleClient, sign_in_person
from tests.support.queries import count_queries

pytestmark = pytest.mark.only("sqlite")
ENGLISH = {"Accept-Language": "en"}


def test_the_page_says_who_is_there_and_has_no_bubble(client: ConsoleClient, session: Session, clock: Clock) -> None:
    owner = factories.owner_of(factories.make_customer())
    clock.set(monday(11))
    sign_in_person(client, owner.person.email)
    page = client.get("/moj/chat", headers=ENGLISH)
    assert "We are here until 17:00" in page.text and "fixed=1" in page.text and "#identity=" in page.text
    assert "widget.js" not in page.text and "widget.js" in client.get("/moj/").text
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    assert "#identity=" not in client.get("/moj/").text  # the loader has it as an attribute, out of every address
    clock.set(monday(17, 1))
    sign_in_person(client, owner.person.email)
    closed = client.get("/moj/chat", headers=ENGLISH).text
    assert "We are away now and back 24 Nov 2026 09:00" in closed and "becomes a ticket" in closed


def test_a_person_reads_their_own_past_chats_and_no_others(
    app: Flask, client: ConsoleClient, new_client: Callable[[], ConsoleClient], staff_of: Callable[[Role | str], Staff]
) -> None:
    agent = staff_of("agent").actor()
    owner, other = (factories.owner_of(factories.make_customer()).person for _ in range(2))
    with clock.standing_at(monday(11)):
        mine = make_past(agent, "Kako da produžim domen?", "Ovako.", session=sign_in_to_portal(owner))
        theirs = make_past(agent, "Tuđe pitanje", session=sign_in_to_portal(other))
        unknown = make_past(agent, "Bez prijave", email=owner.email)  # an address proves nothing
        going_on = ask("Još traje", session=sign_in_to_portal(owner))
    sign_in_person(client, owner.email)
    assert [one["number"] for one in client.get_json("/moj/chat").json["items"]] == [mine.number]
    page = client.get(f"/moj/chat/{mine.number}").text
    assert "Kako da produžim domen?" in page and "Ovako." in page and agent.name not in page
    for chat in (theirs, unknown, going_on):
        assert client.get(f"/moj/chat/{chat.number}").status_code == 404
    with clock.standing_at(monday(11)):
        write(going_on, "Hvala")
        with transaction():
            lifecycle.end_by_visitor(visitor(), going_on.id)
        for _more in range(10):
            make_past(agent, session=sign_in_to_portal(owner))
    with count_queries(app) as queries:
        client.get("/moj/chat")
    assert queries.count <= 8, queries
    first = client.get_json("/moj/chat").json
    second = client.get_json(f"/moj/chat?next={first['next']}").json
    numbers = [one["number"] for one in first["items"] + second["items"]]
    assert len(numbers) == len(set(numbers)) == 12 and second["next"] is None
