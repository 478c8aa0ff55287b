"""The customer page: what is not opened is not in it, in no part, for nobody."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.billing.models import Proforma, Storno
from console.core import clock, money
from console.core.db import db
from console.core.transaction import transaction
from console.customers.account.models import Correction
from console.customers.models import Customer, CustomerKind, MemberRole, Membership, Verification
from console.customers.rights import READING_RIGHTS, Right
from console.customers.service import close_customer
from console.customers.verification.guards import ALLOWED
from console.customers.verification.service import verify
from console.hosting.models import Domain, ProductKind, Service
from console.identity.models import DeviceRecovery
from console.mail.models import Mail
from console.staff.roles import Role
from tests import factories
from tests.conftest import Clock
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries

# What a page shows does not depend on the database; what does is marked for both.
pytestmark = pytest.mark.only("sqlite")

TABS = ("", "?tab=people", "?tab=services", "?tab=documents", "?tab=mail", "?tab=history", "?tab=%00", "?tab=nema")


@dataclass(frozen=True)
class Secrets:
    """Every value of one account, by the right that opens it."""

    customer: Customer
    owner: Membership
    values: dict[Right, set[str]]
    named: set[str]

    def all(self) -> set[str]:
        return set().union(*self.values.values()) | self.named


def word(rng: random.Random) -> str:
    """Return a made-up word that stands nowhere else on a page."""
    return "".join(rng.choice("bcdfghklmnprstvz") + rng.choice("aeiou") for _ in range(5))


@pytest.fixture
def secrets(session: Session, rng: random.Random) -> Secrets:
    """An account full of values that are found nowhere else."""
    names = [word(rng).title() for _ in range(12)]
    phones = [f"+3816{rng.randrange(10**7, 10**8)}" for _ in range(3)]
    customer = factories.make_customer(
        CustomerKind.COMPANY,
        name=f"{names[0]} {names[1]} d.o.o.",
        address=f"{names[2]} {rng.randrange(100, 999)}",
        city=names[3],
        postcode=str(rng.randrange(20000, 38000)),
        phone=phones[0],
        owner=factories.make_person(
            email=f"{word(rng)}@{word(rng)}.example.test", name=f"{names[4]} {names[5]}", phone=phones[1]
        ),
    )
    owner = factories.owner_of(customer)
    contact = factories.make_member(
        customer,
        MemberRole.CONTACT,
        person=factories.make_person(
            email=f"{word(rng)}@{word(rng)}.example.test", name=f"{names[6]} {names[7]}", phone=phones[2], sign_in=False
        ),
        rights=[Right.INVOICES],
    )
    hosting = factories.make_service(
        customer, factories.make_product(name=f"Paket {names[8]}"), label=f"{word(rng)}.example.rs", price=1_234_501
    )
    named = factories.make_service(
        customer, factories.make_product(ProductKind.DOMAIN, name=f"Domen {names[9]}"), label=f"{word(rng)}.example.rs"
    )
    domain = factories.make_domain(named, f"{word(rng)}.example.rs")
    amount = rng.randrange(10_000_000, 90_000_000)
    proforma = factories.make_proforma(customer, [factories.LineSpec(hosting, amount)])
    cancelled = factories.make_proforma(customer, cancelled=True)
    storno = db.session.scalars(select(Storno).where(Storno.proforma_id == cancelled.id)).one()
    # An agent of yesterday was told these, and the owner was mailed.
    with transaction():
        pin = factories.pin_of(owner)
        verify(factories.actor_of(factories.make_staff()), email=owner.person.email, pin=pin, channel="phone")
    mail = db.session.scalars(select(Mail).where(Mail.customer_id == customer.id)).one()
    both = {owner.person.name, contact.person.name}
    assert isinstance(domain, Domain) and isinstance(hosting, Service) and isinstance(proforma, Proforma)
    return Secrets(
        customer,
        owner,
        {
            Right.PROFILE: {
                *(customer.pib or "", customer.mb or "", customer.address, customer.city, customer.postcode),
                *(customer.phone, owner.person.email, owner.person.name),
            },
            Right.CONTACTS: {*both, contact.person.email, owner.person.email, contact.person.phone, owner.person.phone},
            Right.PRODUCTS: {hosting.product.name, hosting.label, hosting.number, money.write(hosting.price)},
            Right.DOMAINS: {named.product.name, named.label, domain.name, named.number},
            Right.INVOICES: {proforma.number, cancelled.number, storno.number, money.write(proforma.total)},
            Right.EMAILS: {mail.subject, mail.to_address},
        },
        {customer.name, names[0], names[1]},
    )


def everything(client: ConsoleClient, number: str) -> str:
    """Return all that the page's address ever answers: each part, and the JSON."""
    path = f"/console/customers/{number}"
    pages = [client.get(path + tab) for tab in TABS]
    assert {page.status_code for page in pages} == {200}
    answer = client.get_json(path)
    payload = json.dumps(answer.json, ensure_ascii=False)
    return "\n".join(unescape(page.text) for page in pages) + payload


def found_in(values: set[str], text: str) -> set[str]:
    return {value for value in values if value in text}


def verify_as(client: ConsoleClient, member: Membership) -> None:
    pin, email = factories.pin_of(member), member.person.email
    answer = client.submit("/console/verify/", json=True, email=email, pin=pin, channel="phone")
    assert answer.json is not None and answer.json["verified"] is True


@pytest.mark.parametrize("role", [Role.AGENT, Role.ADMIN])
def test_a_locked_page_has_none_of_the_customers_values(client: ConsoleClient, secrets: Secrets, role: Role) -> None:
    sign_in(client, role)
    assert found_in(secrets.all(), everything(client, secrets.customer.number)) == set()
    assert client.get_json(f"/console/customers/{secrets.customer.number}").json == {
        "customer": {"number": secrets.customer.number, "status": "active"},
        "rights": [],
        "verification": None,
    }


@pytest.mark.parametrize("role", [Role.BILLING, Role.SUPERVISOR])
def test_who_reads_documents_by_role_reads_these_and_the_services_alone(
    client: ConsoleClient, secrets: Secrets, role: Role
) -> None:
    sign_in(client, role)
    text = everything(client, secrets.customer.number)
    by_role = secrets.values[Right.INVOICES] | secrets.values[Right.PRODUCTS] | secrets.values[Right.DOMAINS]
    assert found_in(by_role | secrets.named, text) == by_role | secrets.named
    assert found_in(secrets.all() - by_role - secrets.named, text) == set()


@pytest.mark.parametrize(
    "right", [Right.PROFILE, Right.CONTACTS, Right.PRODUCTS, Right.DOMAINS, Right.INVOICES, Right.EMAILS, Right.ORDERS]
)
def test_each_right_opens_its_group_and_no_other(client: ConsoleClient, secrets: Secrets, right: Right) -> None:
    caller = factories.make_member(secrets.customer, MemberRole.USER, rights=[right])
    sign_in(client)
    verify_as(client, caller)
    text = everything(client, secrets.customer.number)
    mine = secrets.values.get(right, set())
    assert found_in(mine | secrets.named, text) == mine | secrets.named
    closed = secrets.all() - mine - secrets.named
    if right is Right.EMAILS:  # a mail's subject may name who was verified
        closed -= {value for value in closed if any(value in subject for subject in mine)}
    assert found_in(closed, text) == set()
    assert "/console/migrations/new" not in text


@pytest.mark.only("sqlite", "postgresql")
def test_the_owner_opens_it_all_and_may_give_away(client: ConsoleClient, secrets: Secrets) -> None:
    sign_in(client)
    verify_as(client, secrets.owner)
    text = everything(client, secrets.customer.number)
    assert found_in(secrets.all(), text) == secrets.all()
    assert f"/console/migrations/new?customer={secrets.customer.number}" in text
    answer = client.get_json(f"/console/customers/{secrets.customer.number}").json
    assert answer is not None and set(answer) >= {"customer", "services", "proformas", "contacts", "verification"}
    assert all(isinstance(service["id"], int) for service in answer["services"])


def test_transfer_alone_shows_the_way_and_opens_nothing_else(client: ConsoleClient, secrets: Secrets) -> None:
    caller = factories.make_member(secrets.customer, MemberRole.USER, rights=[Right.TRANSFER])
    sign_in(client)
    verify_as(client, caller)
    text = everything(client, secrets.customer.number)
    assert "/console/migrations/new?customer=" in text
    assert found_in(secrets.all() - secrets.named, text) == set()


def test_an_override_reads_and_starts_nothing(client: ConsoleClient, secrets: Secrets) -> None:
    sign_in(client, Role.SUPERVISOR)
    number = secrets.customer.number
    short = client.submit(f"/console/customers/{number}/override", reason="kratko")
    assert short.status_code == 422 and "kratko" in short.text
    assert found_in(secrets.values[Right.PROFILE], short.text) == set()
    answer = client.submit(f"/console/customers/{number}/override", json=True, reason="Sumnja na preuzet nalog")
    assert answer.json is not None and answer.json["verification"]["kind"] == "override"
    assert set(answer.json["verification"]["rights"]) == {right.value for right in READING_RIGHTS}
    text = everything(client, number)
    written = secrets.values[Right.EMAILS] - secrets.values[Right.PROFILE] - secrets.values[Right.CONTACTS]
    assert written, "the account's mail, which stays shut"
    assert found_in(secrets.all(), text) == secrets.all() - written
    assert "/console/migrations/new" not in text and "/moj/pin" not in text


@pytest.mark.parametrize("role", [Role.AGENT, Role.BILLING, Role.ADMIN])
def test_only_supervisors_override_and_unlock(client: ConsoleClient, secrets: Secrets, role: Role) -> None:
    sign_in(client, role)
    path = f"/console/customers/{secrets.customer.number}"
    assert "override" not in client.get(path).text.replace("overrides", "")
    for address, fields in (("override", {"reason": "Sumnja na preuzet nalog"}), ("unlock", {"membership": "1"})):
        assert client.submit(f"{path}/{address}", **fields).status_code == 404
    assert db.session.scalar(select(Verification.id).where(Verification.kind == "override")) is None


def test_my_verification_opens_nothing_for_a_colleague(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], secrets: Secrets
) -> None:
    sign_in(client)
    verify_as(client, secrets.owner)
    colleague = new_client()
    sign_in(colleague)
    assert found_in(secrets.all(), everything(colleague, secrets.customer.number)) == set()


@pytest.mark.only("sqlite", "postgresql")
@pytest.mark.parametrize("how", ["ended", "over", "renewed", "removed", "closed", "disabled"])
def test_it_closes_at_once(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], secrets: Secrets, clock: Clock, how: str
) -> None:
    staff = sign_in(client)
    number = secrets.customer.number
    caller = factories.make_member(
        secrets.customer, MemberRole.USER, rights=[Right.PROFILE, Right.CONTACTS, Right.PRODUCTS, Right.INVOICES]
    )
    verify_as(client, caller)
    assert found_in(secrets.values[Right.PROFILE], everything(client, number))
    verification = db.session.scalars(select(Verification).where(Verification.membership_id == caller.id)).one()
    if how == "ended":
        assert client.submit(f"/console/verify/{verification.id}/end", json=True).status_code == 200
    elif how == "over":
        for _ in range(3):  # not idle meanwhile
            clock.advance(timedelta(minutes=10, seconds=1))
            client.get("/console/")
    elif how == "renewed":
        portal = new_client()
        portal.submit("/moj/login", email=caller.person.email, password=factories.PASSWORD)
        assert portal.submit("/moj/pin/new", json=True).status_code == 200
    elif how == "removed":
        with transaction():
            factories_remove(caller.id)
    elif how == "closed":
        with transaction():
            close_customer(factories.SYSTEM, db.session.get_one(Customer, secrets.customer.id), "na zahtev")
    else:
        with transaction():
            db.session.get_one(type(staff), staff.id).active = False
        assert client.get(f"/console/customers/{number}").status_code in (302, 303)
        return
    assert found_in(secrets.all(), everything(client, number)) == set()


def factories_remove(member_id: int) -> None:
    from console.customers.people.members import remove_member

    remove_member(factories.SYSTEM, member_id)


def test_a_supervisor_sees_a_lock_and_lifts_it(client: ConsoleClient, secrets: Secrets) -> None:
    attacker = factories.actor_of(factories.make_staff())
    pin = factories.pin_of(secrets.owner)
    wrong = f"{(int(pin) + 1) % 1_000_000:06d}"
    email = secrets.owner.person.email
    for _ in range(ALLOWED):
        with transaction():
            verify(attacker, email=email, pin=wrong, channel="phone")
    sign_in(client, Role.SUPERVISOR)
    path = f"/console/customers/{secrets.customer.number}"
    page = client.get(path).text
    assert f"{path}/unlock" in page and secrets.owner.person.name not in unescape(page)
    stranger = factories.owner_of(factories.make_customer())
    assert client.submit(f"{path}/unlock", membership=str(stranger.id)).status_code == 404
    assert client.submit(f"{path}/unlock", membership="x").status_code == 404
    assert client.submit(f"{path}/unlock", membership=str(secrets.owner.id)).status_code == 303
    assert f"{path}/unlock" not in client.get(path).text
    with transaction():
        assert verify(attacker, email=email, pin=pin, channel="phone")


def test_a_pin_of_another_account_opens_that_one_and_says_so(client: ConsoleClient, session: Session) -> None:
    mine, other = (factories.owner_of(factories.make_customer()) for _ in range(2))
    pin, email = factories.pin_of(other), other.person.email
    sign_in(client)
    answer = client.submit("/console/verify/", email=email, pin=pin, channel="phone", customer=mine.customer.number)
    assert (answer.status_code, answer.location) == (303, f"/console/customers/{other.customer.number}")
    assert other.customer.number in client.get(answer.location).text


def test_nobody_signed_in_and_nobody_elses_verification(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], secrets: Secrets
) -> None:
    number = secrets.customer.number
    assert client.get(f"/console/customers/{number}").status_code in (302, 303)
    assert client.get_json(f"/console/customers/{number}").status_code == 401
    sign_in(client)
    verify_as(client, secrets.owner)
    live = db.session.scalars(select(Verification).order_by(Verification.id.desc())).first()
    assert live is not None
    colleague = new_client()
    sign_in(colleague)
    assert colleague.submit(f"/console/verify/{live.id}/end").status_code == 404
    assert colleague.submit("/console/verify/99999/end").status_code == 404
    assert client.post(f"/console/verify/{live.id}/end").status_code == 400  # without its token
    for unknown in ("K-10000", "K-99999999", "10001", "%00", "K-1%00"):
        assert client.get(f"/console/customers/{unknown}").status_code == 404


@pytest.mark.only("sqlite", "postgresql")
@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR, Role.BILLING])
def test_each_part_takes_eight_queries(app: Flask, client: ConsoleClient, secrets: Secrets, role: Role) -> None:
    """Also where a correction and lost devices wait; a contact's is shown to who reviews it alone."""
    number, opens = secrets.customer.number, role is not Role.BILLING
    contact = factories.make_member(secrets.customer, MemberRole.CONTACT)
    with transaction():
        changed = {"address": "Nova 1"}
        db.session.add(
            Correction(customer=secrets.customer, before=changed, after=changed, reason="", requested_at=clock.now())
        )
        for member in (secrets.owner, contact):
            ready = clock.now() + timedelta(hours=24)
            waits = {"started_at": clock.now(), "ready_at": ready, "expires_at": ready + timedelta(days=7)}
            db.session.add(DeviceRecovery(person_id=member.person_id, **waits))
    sign_in(client, role)
    path, owner, its_contact = f"/console/customers/{number}", secrets.owner.person.email, contact.person.email
    for opened in (False, True) if opens else (False,):
        if opened and role is Role.AGENT:
            verify_as(client, secrets.owner)
        elif opened:
            client.submit(f"{path}/override", reason="A complaint about the last invoice.")
        for tab in (*TABS, "?tab=tickets"):
            client.get(path + tab)
            with count_queries(app) as queries:
                assert client.get(path + tab).status_code == 200
            assert queries.count <= 8, f"{role} {opened} {tab}: {queries}"
        overview = client.get(path).text
        assert (f"({owner})" in overview, "Nova 1" in overview) == (opened, opened)
        assert (f"({its_contact})" in overview) == (opened and role is Role.SUPERVISOR)
        assert overview.count('name="recovery"') == (2 if role is Role.SUPERVISOR else 0)


@pytest.mark.only("sqlite", "postgresql")
@pytest.mark.parametrize("opened", [False, True])
def test_the_number_of_queries_does_not_grow(app: Flask, client: ConsoleClient, session: Session, opened: bool) -> None:
    customer = factories.make_customer()
    sign_in(client)
    if opened:
        verify_as(client, factories.owner_of(customer))

    number = customer.number  # asked for while counting, it would be a query of the test's own

    def count() -> int:
        client.get(f"/console/customers/{number}")  # the opening hours of the top bar are read now and then
        with count_queries(app) as queries:
            assert client.get(f"/console/customers/{number}?tab=people").status_code == 200
            assert client.get(f"/console/customers/{number}?tab=history").status_code == 200
        return queries.count

    few = count()
    with transaction():
        for _ in range(10):
            factories.make_member(customer)
            factories.make_proforma(customer, [factories.make_service(customer)])
            factories.make_proforma(customer, cancelled=True)
    assert count() == few <= (13 if opened else 5)
