"""The canned replies' pages: who reads, who changes, what the composer is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.core.actor import SYSTEM
from console.core.transaction import transaction
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.canned import service
from console.tickets.canned.defaults import standard_replies
from console.tickets.canned.models import CannedCategory, CannedReply
from tests import factories
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries
from tests.tickets.canned.support import make_ticket

REPLIES = standard_replies()
pytestmark = pytest.mark.only("sqlite")  # the queries behind it run on both in tests/tickets/canned


@pytest.fixture
def standard(session: Session) -> None:
    with transaction():
        service.load_standard(SYSTEM)


def fields(session: Session, **changes: Any) -> dict[str, Any]:
    category = session.scalars(select(CannedCategory.id).order_by(CannedCategory.id)).first()
    return {
        "category_id": str(category),
        "department_id": "",
        "shortcut": "nova",
        "title_sr": "Nova",
        "title_en": "New",
        "body_sr": "Dobar dan, {requester_name}.",
        "body_en": "Hello {requester_name}.",
        "active": "y",
        **changes,
    }


def key_of(session: Session, name: str) -> int:
    return session.scalars(select(CannedReply.id).where(CannedReply.key == name)).one()


def test_the_empty_page_loads_the_standard_ones_once(client: ConsoleClient, session: Session) -> None:
    sign_in(client, Role.SUPERVISOR)
    assert "/console/replies/standard" in client.get("/console/replies/").text
    assert client.submit("/console/replies/standard").status_code == 303
    assert client.submit("/console/replies/standard", json=True).json == {"added": 0}
    assert session.scalar(select(func.count(CannedReply.id))) == len(REPLIES)
    page = client.get("/console/replies/").text
    assert "/2fa" in page and "/console/replies/standard" not in page


def test_the_list_is_narrowed_and_searched(client: ConsoleClient, session: Session, standard: None) -> None:
    sign_in(client, Role.AGENT)
    category = session.scalars(select(CannedCategory).where(CannedCategory.key == "dns")).one()

    def listed(query: str) -> set[str]:
        answer = client.get_json(f"/console/replies/?{query}&page_size=100")
        assert answer.status_code == 200
        return {item["shortcut"] for item in answer.json["items"]}

    assert listed(f"category={category.id}") == {"dns", "dns-izmenjen"}
    assert listed(f"category={category.id}&verified_only=1") == {"dns-izmenjen"}
    assert listed("search=двострука") >= {"2fa", "zastita"}
    assert listed("inactive=1") == set()
    assert len(listed("category=999999&department=x")) == len(REPLIES)  # left out, and said so
    assert client.get("/console/replies/?category=%00&sort=-updated_at").status_code == 200


def test_the_list_costs_the_same_for_any_number(
    app: Flask, client: ConsoleClient, session: Session, standard: None
) -> None:
    sign_in(client, Role.AGENT)
    counts = []
    for size in (1, 20):
        with count_queries(app) as sent:
            assert client.get(f"/console/replies/?page_size={size}").status_code == 200
        counts.append(sent.count)
    assert counts[0] == counts[1] <= 6


def test_an_agent_reads_and_changes_nothing(client: ConsoleClient, session: Session, standard: None) -> None:
    sign_in(client, Role.AGENT)
    key = key_of(session, "two_step")
    page = client.get(f"/console/replies/edit/?id={key}")
    assert page.status_code == 200
    assert "Google Authenticator" in page.text and "<textarea" not in page.text
    assert client.get_json(f"/console/replies/edit/?id={key}").json["bodies"]["en"].startswith("Hello")
    assert client.submit(f"/console/replies/edit/?id={key}", **fields(session)).status_code == 404
    assert client.submit("/console/replies/delete/", id=str(key)).status_code == 404
    assert client.get("/console/replies/new/").status_code == 404
    assert client.get("/console/replies/categories").status_code == 404
    assert client.submit("/console/replies/categories", name_sr="A", name_en="B").status_code == 404


def test_a_reply_is_made_changed_and_removed(client: ConsoleClient, session: Session, standard: None) -> None:
    sign_in(client, Role.ADMIN)
    assert client.submit("/console/replies/new/", **fields(session)).status_code == 303
    made = session.scalars(select(CannedReply).where(CannedReply.shortcut == "nova")).one()
    assert (made.department_id, made.verified_only, made.active) == (None, False, True)
    path = f"/console/replies/edit/?id={made.id}"
    form = client.get(path).text
    assert "Dobar dan, {requester_name}." in form and "data-placeholder" in form
    assert client.submit(path, **fields(session, verified_only="y", title_sr="Novija")).status_code == 303
    session.expire_all()
    assert (made.title_sr, made.verified_only) == ("Novija", True)
    assert client.submit("/console/replies/delete/", id=str(made.id)).status_code == 303
    assert session.scalar(select(func.count()).where(CannedReply.shortcut == "nova")) == 0


WRONG: list[tuple[dict[str, str], str]] = [
    ({"body_sr": "{ime} <script>alert(1)</script>"}, "body_sr"),
    ({"shortcut": "2fa"}, "shortcut"),
    ({"category_id": "abc"}, "category_id"),
    ({"department_id": "999999"}, "department_id"),
    ({"department_id": "x"}, "department_id"),
    ({"position": "1e9"}, "position"),
    ({"title_en": ""}, "title_en"),
]


def test_what_was_typed_stays_when_it_is_refused(client: ConsoleClient, session: Session, standard: None) -> None:
    sign_in(client, Role.SUPERVISOR)
    for changes, field in WRONG:
        answer = client.submit("/console/replies/new/", **fields(session, **changes))
        assert answer.status_code == 422, changes
        assert 'aria-invalid="true"' in answer.text and "Hello {requester_name}." in answer.text
        assert "<script>alert" not in answer.text
        errors = client.submit("/console/replies/new/", json=True, **fields(session, **changes))
        assert list(errors.json["error"]["fields"]) == [field]
    assert session.scalar(select(func.count(CannedReply.id))) == len(REPLIES)


def test_categories_are_saved(client: ConsoleClient, session: Session, standard: None) -> None:
    sign_in(client, Role.SUPERVISOR)
    page = client.get("/console/replies/categories")
    assert page.status_code == 200 and "Svakodnevno" in page.text
    path = "/console/replies/categories"
    made = client.submit(path, json=True, name_sr="Ostalo", name_en="Other", position="9").json["id"]
    assert client.submit(path, id=str(made), name_sr="Razno", name_en="Various", position="8").status_code == 303
    assert session.get_one(CannedCategory, made).name_sr == "Razno"
    assert client.submit(path, id=str(made), name_sr="", name_en="Kept", position="8").status_code == 422
    assert client.submit(path, id="12x", name_sr="A", name_en="B").status_code == 404
    assert client.submit(f"{path}/{made}/remove").status_code == 303
    used = session.scalars(select(CannedCategory.id).where(CannedCategory.key == "dns")).one()
    assert client.submit(f"{path}/{used}/remove", json=True).status_code == 409


def test_the_composer_is_offered_filled_in_replies(client: ConsoleClient, session: Session, standard: None) -> None:
    agent = sign_in(client, Role.AGENT)
    owner = factories.owner_of(factories.make_customer())
    ticket = make_ticket(customer=owner.customer, language="en", requester_name='<img src=x> "Ana"')

    def find(q: str, number: str = ticket.number) -> Any:
        answer = client.get_json("/console/replies/find", query_string={"q": q, "ticket": number})
        return answer.json["items"] if answer.status_code == 200 else answer.status_code

    (greeting, *_more) = find("pozdrav")
    assert set(greeting) == {"id", "title", "category", "shortcut", "body", "greeting", "locked", "locked_reason"}
    assert greeting["body"].startswith('Hello <img src=x> "Ana",') and not greeting["locked"]
    (shut,) = [item for item in find("uplata") if item["shortcut"] == "uplata"]
    assert shut["locked"] and shut["body"] is None and shut["locked_reason"]
    factories.make_verification(agent, owner)
    (opened,) = [item for item in find("uplata") if item["shortcut"] == "uplata"]
    assert not opened["locked"] and "pro-forma" in opened["body"]
    assert find("x", "T-99999999") == find("x", "T-1") == find("x", "';--") == 404
    assert len(find("")) == 20


def test_a_ticket_one_may_not_see_fills_nothing_in(client: ConsoleClient, session: Session, standard: None) -> None:
    sign_in(client, Role.AGENT)
    hidden = make_ticket(department="abuse")
    assert client.get_json(f"/console/replies/find?ticket={hidden.number}").status_code == 404


def test_an_admin_keeps_replies_and_answers_no_tickets(client: ConsoleClient, session: Session, standard: None) -> None:
    sign_in(client, Role.ADMIN)
    assert client.get_json("/console/replies/").status_code == 200
    assert client.get_json("/console/replies/find").status_code == 404


def test_the_form_shows_what_will_be_read(
    new_page: Callable[..., Page], served: str, enter: Callable[..., Staff], axe: Callable[[Page], list[str]]
) -> None:
    with transaction():
        service.load_standard(SYSTEM)
    page = new_page(language="en-GB")
    enter(page, "supervisor", "/console/replies/new/")
    english = page.locator("[data-side=en]")
    english.locator("textarea").fill("<b>Hello</b> {requester_name}, {ime} { deny all; }")
    assert english.locator("[data-text]").inner_text() == "<b>Hello</b> Ana Petrović, {ime} { deny all; }"
    assert english.locator("[data-names]").inner_text() == "{ime}"
    page.click("[data-placeholder='{hours}']")
    assert english.locator("textarea").input_value().endswith("{ deny all; }{hours}")
    assert english.locator("[data-text]").inner_text().endswith("Monday–Friday 09–17")
    assert axe(page) == []
    page.goto(f"{served}/console/replies/categories")
    assert axe(page) == []
