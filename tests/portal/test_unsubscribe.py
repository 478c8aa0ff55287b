"""Turning a kind of mail off by one click: only that kind, only by a link of ours, never by opening it."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from console.core import clock
from console.core.transaction import transaction
from console.customers.mail_categories import CATEGORIES, addressee, receivers
from console.customers.models import Membership
from console.customers.rights import MailCategory
from console.mail import unsubscribing
from tests import factories
from tests.portal.things import leave_token

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def member(session: Session) -> Membership:
    return factories.make_member(factories.make_customer(), mail=[MailCategory.INVOICE, MailCategory.DOMAIN])


def left(member: Membership, session: Session) -> list[str]:
    session.rollback()
    return list(session.get_one(Membership, member.id, populate_existing=True).mail)


def test_a_mail_program_turns_it_off_without_a_cookie(app: Flask, member: Membership, session: Session) -> None:
    address = f"/unsubscribe/{leave_token(member)}"
    client = app.test_client(use_cookies=False)
    assert "<form" in client.get(address).text
    assert left(member, session) == ["domain", "invoice"], "scanners of mail open links"
    for _ in range(2):
        answer = client.post(address, data=ONE_CLICK)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert left(member, session) == ["domain"]
    assert "<form" not in client.get(f"{address}?lang=en").text
    assert member.id not in [one.id for one in receivers(member.customer, MailCategory.INVOICE)]


def test_a_forged_link_and_one_of_who_left_do_nothing(app: Flask, member: Membership, session: Session) -> None:
    token, client = leave_token(member), app.test_client()
    for forged in (token[:-1] + ("0" if token[-1] != "0" else "1"), token.replace("invoice", "domain"), "x"):
        assert client.post(f"/unsubscribe/{forged}", data=ONE_CLICK).status_code == 404
    owner = factories.owner_of(member.customer)
    assert client.post(f"/unsubscribe/{leave_token(owner)}", data=ONE_CLICK).status_code == 404
    assert left(member, session) == ["domain", "invoice"]
    with transaction():
        session.get_one(Membership, member.id).removed_at = clock.now()
    assert client.post(f"/unsubscribe/{token}", data=ONE_CLICK).status_code == 404


def test_only_what_may_be_turned_off_says_so(member: Membership) -> None:
    person, owner = addressee(member), addressee(factories.owner_of(member.customer))
    offered = {template for template in CATEGORIES if person.leaves(template)}
    assert {CATEGORIES[one] for one in offered} == {MailCategory.INVOICE, MailCategory.DOMAIN}
    assert not any(owner.leaves(template) for template in CATEGORIES)
    key = person.leaves("proforma_reminder")
    assert key is not None and unsubscribing.read(unsubscribing.url(key).rpartition("/")[2]) == key
