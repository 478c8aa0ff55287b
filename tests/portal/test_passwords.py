"""One's own password in the portal: changed with the present one, replaced through a link, and what that holds up."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from console.core import clock as core_clock
from console.core.db import db
from console.customers.models import MemberRole, Membership
from console.mail import links
from console.mail.models import Mail
from tests import factories
from tests.conftest import Clock
from tests.support.client import ConsoleClient, sign_in_person

pytestmark = pytest.mark.only("sqlite")

NEW = "Tri-Sunca7"
ENGLISH = {"Accept-Language": "en"}


def reset_links() -> list[str]:
    found = []
    for mail in db.session.scalars(select(Mail).where(Mail.template == "person_password_reset").order_by(Mail.id)):
        text, _html = links.put_in(mail.text, mail.html, mail.sealed_links)
        found += re.findall(r"(/moj/reset/\S+)", text)
    return found


def test_it_is_changed_with_the_present_one_and_others_are_signed_out(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], owner: Membership
) -> None:
    other = new_client()
    sign_in_person(other, owner.person.email)
    sign_in_person(client, owner.person.email)
    wrong = client.submit("/moj/password", headers=ENGLISH, current="ne", password=NEW, again=NEW)
    assert wrong.status_code == 422 and "Wrong password." in wrong.text
    assert (
        client.submit("/moj/password", current=factories.PASSWORD, password="kratka", again="kratka").status_code == 422
    )
    assert client.submit("/moj/password", current=factories.PASSWORD, password=NEW, again="x").status_code == 422
    assert client.submit("/moj/password", current=factories.PASSWORD, password=NEW, again=NEW).status_code == 303
    assert client.get("/moj/").status_code == 200 and other.get("/moj/").status_code == 302
    assert not owner.person.is_held(core_clock.now())
    (mail,) = db.session.scalars(select(Mail).where(Mail.template == "person_password_changed"))
    assert mail.to_address == owner.person.email
    sign_in_person(new_client(), owner.person.email, NEW)


def test_a_forgotten_one_is_replaced_once_and_holds_things_up(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], owner: Membership, clock: Clock
) -> None:
    sign_in_person(client, owner.person.email)
    guest = new_client()
    assert guest.submit("/moj/forgotten", email=owner.person.email.upper()).status_code == 200
    (link,) = reset_links()
    page = guest.get(link, headers=ENGLISH)
    assert page.status_code == 200 and page.headers["Cache-Control"] == "no-store"
    assert guest.submit(link, password="kratka", again="kratka").status_code == 422
    assert guest.submit(link, password=NEW, again=NEW).status_code == 303
    assert guest.get(link).status_code == 404 and guest.submit(link, password=NEW, again=NEW).status_code == 404
    assert client.get("/moj/").status_code == 302  # whoever was signed in is not any more
    db.session.refresh(owner.person)
    assert owner.person.is_held(core_clock.now())
    sign_in_person(guest, owner.person.email, NEW)
    refused = guest.submit("/moj/users/invite", json=True, email="x@example.rs", permissions=["tickets"])
    assert refused.status_code == 409 and refused.json["error"]["code"] == "held"
    clock.advance(timedelta(hours=72, minutes=1))
    assert not owner.person.is_held(core_clock.now())


@pytest.mark.parametrize("what", ["expired", "used_up_by_another", "changed"])
def test_a_link_that_serves_no_more(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], owner: Membership, clock: Clock, what: str
) -> None:
    for _ in range(2):
        client.submit("/moj/forgotten", email=owner.person.email)
    first, second = reset_links()
    if what == "expired":
        clock.advance(timedelta(hours=1, seconds=1))
    elif what == "used_up_by_another":
        assert client.submit(second, password=NEW, again=NEW).status_code == 303
    else:
        signed_in = new_client()
        sign_in_person(signed_in, owner.person.email)
        assert signed_in.submit("/moj/password", current=factories.PASSWORD, password=NEW, again=NEW).status_code == 303
    assert client.get(first).status_code == 404
    assert client.submit(first, password="Neka-Druga8", again="Neka-Druga8").status_code == 404


def test_answers_do_not_tell_who_is_a_customer(client: ConsoleClient, owner: Membership) -> None:
    contact = factories.make_member(owner.customer, MemberRole.CONTACT)
    answers = {}
    for address in (owner.person.email, contact.person.email, "niko@example.rs"):
        answer = client.submit("/moj/forgotten", headers=ENGLISH, email=address)
        answers[address] = re.sub(r'content="[^"]*"|value="[^"]*"|nonce="[^"]*"', "", answer.text).replace(address, "")
    assert len(set(answers.values())) == 1
    assert len(reset_links()) == 1  # a contact has no sign-in
    for _ in range(5):
        client.submit("/moj/forgotten", email=owner.person.email)
    assert len(reset_links()) == 3  # no mailbox is flooded
