"""Opening an account: nothing is there before the address is confirmed, and no answer tells who is known."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console import worker
from console.core.db import db
from console.customers.models import Customer, MemberRole, Membership, Person, Registration
from console.mail import links
from console.mail.models import Mail
from tests import factories
from tests.conftest import Clock
from tests.support.client import ConsoleClient

pytestmark = pytest.mark.only("sqlite")

ENGLISH = {"Accept-Language": "en"}
PASSWORD = "Tri-Sunca7"
PERSON = {"name": "Jovana Đurić", "email": "jovana@example.rs", "password": PASSWORD, "kind": "person"}
COMPANY = {
    "name": "Petar Šarić", "email": "petar@firma.example.rs", "password": PASSWORD, "kind": "company",
    "company": "Mlekara Jasen d.o.o.", "pib": "100000024", "mb": "20000017",
}  # fmt: skip


def links_sent() -> list[str]:
    found = []
    for mail in db.session.scalars(select(Mail).where(Mail.template == "registration").order_by(Mail.id)):
        text, _html = links.put_in(mail.text, mail.html, mail.sealed_links)
        found += re.findall(r"(/moj/register/\S+)", text)
    return found


def count(kind: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(kind)) or 0


@pytest.mark.parametrize("fields", [PERSON, COMPANY], ids=["person", "company"])
def test_an_account_opens_when_the_address_is_confirmed(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], session: Session, fields: dict[str, str]
) -> None:
    answer = client.submit("/moj/register", json=True, **fields)
    assert answer.json == {"sent": True}
    assert count(Customer) == count(Person) == 0
    (link,) = links_sent()
    guest = new_client()
    page = guest.get(link, headers=ENGLISH)
    assert page.status_code == 200 and page.headers["Cache-Control"] == "no-store"
    assert guest.submit(link, own_password="pogrešna").status_code == 422
    assert count(Customer) == 0
    assert guest.submit(link, own_password=PASSWORD).status_code == 303
    home = guest.get("/moj/")
    assert home.status_code == 200
    member = db.session.scalars(select(Membership)).one()
    assert member.role is MemberRole.OWNER and member.person.email == fields["email"]
    customer = member.customer
    assert (customer.kind.value, customer.name, customer.pib, customer.mb) == (
        fields["kind"], fields.get("company", fields["name"]), fields.get("pib"), fields.get("mb"),
    )  # fmt: skip
    assert customer.number in home.text
    assert guest.get(link).status_code == 404 and guest.submit(link, own_password=PASSWORD).status_code == 404
    assert count(Registration) == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " \u200b"}, "name"), ({"email": "nije"}, "email"), ({"password": "kratka"}, "password"),
        ({"password": "Petar-Šarić-1"}, "password"), ({"company": ""}, "company"), ({"pib": "123456789"}, "pib"),
        ({"mb": "12"}, "mb"), ({"kind": "other"}, "kind"), ({"again": "x"}, "again"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field(
    client: ConsoleClient, session: Session, change: dict[str, str], field: str
) -> None:
    answer = client.submit("/moj/register", json=True, **COMPANY | change)
    assert answer.status_code == 422 and set(answer.json["error"]["fields"]) == {field}
    assert count(Registration) == count(Mail) == 0


def test_a_known_address_gets_the_same_answer_and_only_its_mailbox_knows(
    client: ConsoleClient, session: Session
) -> None:
    known = factories.owner_of(factories.make_customer()).person
    answers = {}
    for address in (known.email, "niko@example.rs"):
        answer = client.submit("/moj/register", headers=ENGLISH, **PERSON | {"email": address})
        answers[address] = re.sub(r'content="[^"]*"|value="[^"]*"|nonce="[^"]*"', "", answer.text).replace(address, "")
    assert len(set(answers.values())) == 1
    sent = {mail.to_address: mail.template for mail in db.session.scalars(select(Mail))}
    assert sent == {known.email: "registration_known", "niko@example.rs": "registration"}
    assert db.session.scalars(select(Registration.email)).all() == ["niko@example.rs"]


def test_a_mailbox_is_not_flooded(client: ConsoleClient, session: Session) -> None:
    statuses = [client.submit("/moj/register", json=True, **PERSON).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


def test_of_two_the_first_confirmed_opens_the_account(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], session: Session
) -> None:
    client.submit("/moj/register", json=True, **PERSON)
    client.submit("/moj/register", json=True, **PERSON | {"password": "Neka-Druga8"})
    first, second = links_sent()
    assert new_client().submit(first, own_password="Neka-Druga8").status_code == 422
    assert new_client().submit(second, own_password="Neka-Druga8").status_code == 303
    assert new_client().get(first).status_code == 404
    assert count(Customer) == 1


def test_a_contact_elsewhere_becomes_a_person_with_a_sign_in(client: ConsoleClient, session: Session) -> None:
    contact = factories.make_member(
        factories.make_customer(),
        MemberRole.CONTACT,
        person=factories.make_person(email=PERSON["email"], sign_in=False),
    )
    client.submit("/moj/register", json=True, **PERSON)
    (link,) = links_sent()
    assert client.submit(link, own_password=PASSWORD).status_code == 303
    owned = db.session.scalars(select(Membership).where(Membership.role == MemberRole.OWNER)).all()
    assert contact.person_id in {one.person_id for one in owned}


def test_what_nobody_confirms_is_forgotten(client: ConsoleClient, session: Session, clock: Clock) -> None:
    client.submit("/moj/register", json=True, **PERSON)
    (link,) = links_sent()
    clock.advance(timedelta(hours=24, seconds=1))
    assert client.get(link).status_code == 404
    worker.clear_old_rows()
    assert count(Registration) == 0
