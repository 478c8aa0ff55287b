"""A transfer that begins in the portal: proven by a fresh sign-in and the support PIN, on its owner's side alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.billing import migration as migrate
from console.billing.models import Migration, MigrationState
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.settings import Settings
from console.core.transaction import transaction
from console.customers import holds
from console.customers.models import Customer, Guard, TaxStatus, Verification
from console.customers.queries import live_verification, verifications_of
from console.customers.rights import Right
from console.hosting.models import Service
from console.mail.models import Mail
from console.staff.roles import Role
from tests import factories
from tests.conftest import Clock
from tests.customers.test_people import actor_of
from tests.factories import Persona
from tests.factories.migrations import Move, make_move
from tests.support.client import ConsoleClient, sign_in, sign_in_person
from tests.support.queries import count_queries

ENGLISH = {"Accept-Language": "en"}
REASON = "Sajt je prodat"


@pytest.fixture
def ana(session: Session) -> Persona:
    return factories.ana()


def request_for(ana: Persona, to: str, **changes: Any) -> migrate.Request:
    return replace(migrate.Request((ana.services[0].id,), to, 0, REASON), **changes)


def ask(ana: Persona, to: str, *, pin: str | None = None, key: str = "", **changes: Any) -> dict[str, Any] | None:
    pin = pin or factories.pin_of(ana.owner)
    with transaction():
        return migrate.request_in_portal(
            actor_of(ana.owner), ana.customer, request_for(ana, to, **changes), pin, key or uuid4().hex
        )


def fields(ana: Persona, to: str, **changes: Any) -> dict[str, Any]:
    return {
        "service": [ana.services[0].id], "to_customer": to, "reason": REASON, "pin": factories.pin_of(ana.owner),
        "idempotency_key": uuid4().hex,
    } | changes  # fmt: skip


@pytest.mark.both
def test_the_person_verifies_themselves_and_asks_in_one_transaction(ana: Persona) -> None:
    new = factories.make_customer()
    answer = ask(ana, new.number)
    assert answer is not None and answer["state"] == "requested" and len(answer["along"]) == 1
    migration = db.session.scalars(select(Migration)).one()
    verification = migration.verification
    assert migration.from_portal and verification.staff_id is None and verification.channel == "portal"
    assert verification.membership_id == ana.owner.id
    templates = db.session.scalars(select(Mail.template).where(Mail.to_address == ana.owner.person.email)).all()
    assert sorted(templates) == ["migration_requested", "verification"]
    actions = db.session.scalars(select(AuditEntry.action).where(AuditEntry.actor_kind == "person")).all()
    assert {"verification.started", "migration.requested"} <= set(actions)


@pytest.mark.only("sqlite")
def test_it_opens_nothing_for_staff(ana: Persona, staff_of: Callable[[Role], Any]) -> None:
    ask(ana, factories.make_customer().number)
    for role in (Role.AGENT, Role.SUPERVISOR):
        assert live_verification(staff_of(role).actor(), ana.customer.id) is None
    (past,) = verifications_of(ana.customer.id)
    assert past.staff is None
    stolen = request_for(ana, factories.make_customer().number, verification=past.verification.id)
    with pytest.raises(Invalid) as caught, transaction():
        migrate.request_migration(staff_of(Role.AGENT).actor(), stolen, uuid4().hex)
    assert caught.value.code == "unverified"


@pytest.mark.both
def test_a_wrong_pin_counts_and_nothing_else_happens(ana: Persona) -> None:
    new = factories.make_customer()
    right = factories.pin_of(ana.owner)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    assert ask(ana, new.number, pin=wrong) is None
    assert db.session.scalar(select(func.count()).select_from(Migration)) == 0
    assert db.session.scalar(select(func.count()).select_from(Verification)) == 0
    assert any(guard.failures for guard in db.session.scalars(select(Guard)))
    for _ in range(4):
        ask(ana, new.number, pin=wrong)
    assert ask(ana, new.number, pin=right) is None  # locked out, as on every other channel


@pytest.mark.only("sqlite")
def test_the_pin_of_another_account_of_the_same_person_does_not_count(ana: Persona) -> None:
    other = factories.make_customer(owner=ana.owner.person)
    pin = factories.pin_of(factories.owner_of(other))
    assert ask(ana, factories.make_customer().number, pin=pin) is None


@pytest.mark.only("sqlite")
def test_only_who_holds_transfer_and_is_on_no_hold(ana: Persona, staff_of: Callable[[Role], Any]) -> None:
    new = factories.make_customer()
    user = factories.make_member(ana.customer, rights=set(Right) - {Right.TRANSFER})
    stranger = factories.owner_of(new)
    refused: list[Actor] = [actor_of(user), actor_of(stranger), staff_of(Role.SUPERVISOR).actor()]
    for actor in refused:
        with pytest.raises(NotFound), transaction():
            migrate.request_in_portal(actor, ana.customer, request_for(ana, new.number), "123456", uuid4().hex)
    with transaction():
        holds.begin(actor_of(ana.owner), ana.owner.person, "password_reset")
    with pytest.raises(Conflict) as caught:
        ask(ana, new.number)
    assert caught.value.code == "held"
    assert db.session.scalar(select(func.count()).select_from(Verification)) == 0  # both or neither


@pytest.mark.only("sqlite")
def test_the_same_obstacles_hold(ana: Persona) -> None:
    new = factories.make_customer()
    cases: list[tuple[str, dict[str, Any]]] = [
        ("no_match", {"to": "nikog@example.rs"}),
        ("same_owner", {"to": ana.customer.number}),
        ("abuse", {"services": (factories.make_abuser(ana.customer).id,)}),
        ("transfer_locked", {"services": (factories.make_locked(ana.customer).id,)}),
        ("no_match", {"services": (factories.make_service(new).id,)}),
        ("no_reason", {"reason": "  "}),
    ]
    for code, changes in cases:
        with pytest.raises((Invalid, Conflict)) as caught:
            ask(ana, changes.pop("to", new.number), **changes)
        assert caught.value.code == code
    assert ask(ana, new.number) is not None
    with pytest.raises(Conflict) as caught:
        ask(ana, new.number)
    assert caught.value.code == "in_migration"


@pytest.mark.both
def test_a_repeated_request_gets_the_first_answer(
    ana: Persona, app: Flask, in_threads: Callable[[Callable[[], None], int], None]
) -> None:
    new, pin, key = factories.make_customer().number, factories.pin_of(ana.owner), uuid4().hex
    actor, request, customer_id = actor_of(ana.owner), request_for(ana, new), ana.customer.id
    answers: list[Any] = []

    def work() -> None:
        with app.app_context(), transaction() as session:
            customer = session.get_one(type(ana.customer), customer_id)
            answers.append(migrate.request_in_portal(actor, customer, request, pin, key))

    in_threads(work, 4)
    db.session.rollback()
    assert len(answers) == 4 and all(one == answers[0] for one in answers)
    assert db.session.scalar(select(func.count()).select_from(Migration)) == 1
    mails = select(func.count()).select_from(Mail).where(Mail.template == "verification")
    assert db.session.scalar(mails) == 1
    with pytest.raises(Conflict):
        ask(ana, new, key=key, reason="Nešto drugo")


@pytest.mark.only("sqlite")
def test_the_page_previews_asks_and_withdraws(client: ConsoleClient, ana: Persona, clock: Clock, app: Flask) -> None:
    new = factories.make_customer()
    sign_in_person(client, ana.owner.person.email)
    shop, tearoom = ana.services
    step = client.get(f"/moj/migrations/new?service={shop.id}", headers=ENGLISH).text
    assert ana.proformas[0].number in step and "moves too" in step
    assert "11,880.00 RSD" in step and "5,400.60 RSD" in step  # what goes, and what stays with PDV
    clock.advance(timedelta(minutes=11))
    sent = fields(ana, new.number)
    stale = client.submit("/moj/migrations/new", json=True, **sent)
    assert stale.status_code == 403 and stale.json["error"]["code"] == "reauth"
    page = client.submit("/moj/migrations/new", headers=ENGLISH, **sent)
    assert page.status_code == 403 and sent["pin"] not in page.text and f'value="{new.number}"' in page.text
    done = client.submit("/moj/migrations/new", json=True, **sent, own_password=factories.PASSWORD)
    assert done.status_code == 201
    ref = done.json["migration"]["ref"]
    assert client.submit("/moj/migrations/new", json=True, **sent).json["migration"]["ref"] == ref
    html = client.get(f"/moj/migrations/{ref}", headers=ENGLISH).text
    assert "Nothing has moved yet" in html and ana.proformas[0].number in html and "Withdraw the request" in html
    with count_queries(app) as queries:
        assert client.get("/moj/migrations/").status_code == 200
    assert queries.count <= 8
    assert client.submit(f"/moj/migrations/{ref}/withdraw", json=True).json["migration"]["state"] == "withdrawn"
    assert not db.session.scalars(select(Migration.end_reason)).one(), "no words of ours as theirs"
    assert client.submit(f"/moj/migrations/{ref}/withdraw", json=True).status_code == 409
    assert "Withdraw the request" not in client.get(f"/moj/migrations/{ref}", headers=ENGLISH).text
    assert tearoom.customer_id == ana.customer.id


@pytest.mark.both
def test_the_request_page_takes_eight_queries(app: Flask, client: ConsoleClient, ana: Persona) -> None:
    """Of linked services, one of them left behind, and of a document that was issued to another tax status."""
    shop, tearoom = ana.services
    cart = factories.make_service(ana.customer, hosted_with=shop)
    factories.make_proforma(ana.customer, [cart, tearoom])
    with transaction() as session:
        session.get_one(Customer, ana.customer.id).tax_status = TaxStatus.EXEMPT
    sign_in_person(client, ana.owner.person.email)
    number, document, left = ana.customer.number, ana.proformas[0].number, f"service={shop.id}&leave={cart.id}"
    for query in (f"service={shop.id}", f"service={cart.id}", f"service={tearoom.id}&{left}"):
        with count_queries(app) as queries:
            page = client.get(f"/moj/migrations/new?account={number}&{query}")
        assert page.status_code == 200 and document in page.text
        assert queries.count <= 8, (query, queries)


@pytest.mark.only("sqlite")
def test_what_is_wrong_is_said_in_the_customers_words(client: ConsoleClient, ana: Persona) -> None:
    sign_in_person(client, ana.owner.person.email)
    wrong = client.submit("/moj/migrations/new", headers=ENGLISH, **fields(ana, "K-99999"))
    assert wrong.status_code == 422 and "Check the new owner." in wrong.text and "verified account" not in wrong.text
    missing = client.submit("/moj/migrations/new", json=True, **fields(ana, "", reason="", service=[]))
    assert set(missing.json["error"]["fields"]) == {"to_customer", "reason", "service"}
    pin = fields(ana, "K-99999")["pin"]
    bad = client.submit("/moj/migrations/new", json=True, **fields(ana, "K-1", pin=f"{(int(pin) + 1) % 10**6:06d}"))
    assert bad.status_code == 422 and "pin" in bad.json["error"]["fields"]
    for odd in ("x", "", "12345"):
        assert client.submit("/moj/migrations/new", json=True, **fields(ana, "K-1", pin=odd)).status_code == 422


@pytest.mark.only("sqlite")
def test_who_receives_a_service_sees_no_more_than_the_mail_says(client: ConsoleClient, ana: Persona) -> None:
    new = factories.make_customer()
    answer = ask(ana, new.number)
    assert answer is not None
    sign_in_person(client, factories.owner_of(new).person.email)
    row = client.get_json(f"/moj/migrations/{answer['ref']}").json["migration"]
    assert row["direction"] == "in" and "to" not in row
    page = client.get(f"/moj/migrations/{answer['ref']}", headers=ENGLISH).text
    listed = client.get("/moj/migrations/", headers=ENGLISH).text
    for text in (page, listed):
        assert answer["ref"] in text and ana.services[0].label in text
        assert ana.customer.name not in text and ana.customer.number not in text and REASON not in text
    assert ana.proformas[0].number not in page and "Withdraw" not in page
    assert client.submit(f"/moj/migrations/{answer['ref']}/withdraw").status_code == 404


@pytest.mark.only("sqlite")
def test_no_one_else_reads_or_withdraws_it(client: ConsoleClient, ana: Persona) -> None:
    answer = ask(ana, factories.make_customer().number)
    assert answer is not None
    other = factories.make_member(ana.customer, rights=[Right.TRANSFER, Right.PRODUCTS])
    sign_in_person(client, other.person.email)
    assert client.get(f"/moj/migrations/{answer['ref']}").status_code == 200  # a colleague who transfers services
    assert client.submit(f"/moj/migrations/{answer['ref']}/withdraw").status_code == 404
    assert ana.proformas[0].number not in client.get(f"/moj/migrations/{answer['ref']}").text
    sign_in_person(client, factories.owner_of(factories.make_customer()).person.email)
    for path in (answer["ref"], "M-9999", "x"):
        assert client.get(f"/moj/migrations/{path}").status_code == 404


@pytest.mark.only("sqlite")
def test_the_console_says_where_it_came_from_and_carries_it_out(client: ConsoleClient, ana: Persona) -> None:
    new = factories.make_customer()
    answer = ask(ana, new.number)
    assert answer is not None
    ref = answer["ref"]
    sign_in(client, Role.BILLING)
    page = client.get(f"/console/migrations/{ref}", headers=ENGLISH).text
    assert "from the portal" in page and "the customer, in the portal" in page
    assert client.get_json(f"/console/migrations/{ref}").json["migration"]["origin"] == "portal"
    assert "from the portal" in client.get("/console/migrations/", headers=ENGLISH).text
    for step in ("approve", "execute"):
        plan = client.get_json(f"/console/migrations/{ref}/preview").json["plan"]
        done = client.submit(f"/console/migrations/{ref}/{step}", json=True, plan=plan, idempotency_key=uuid4().hex)
        assert done.status_code == 200
    assert db.session.get_one(Service, ana.services[0].id).customer_id == new.id
    migration = db.session.scalars(select(Migration)).one()
    assert migration.state is MigrationState.EXECUTED
    sign_in_person(client, ana.owner.person.email)
    html = client.get(f"/moj/migrations/{ref}", headers=ENGLISH).text
    assert "The new owner has had the services" in html and new.name not in html


@pytest.fixture
def received(ana: Persona) -> Move:
    """A transfer of ana's that was carried out, to another account."""
    move = make_move(ana.customer, factories.make_customer(), ana.services[:1]).to_approved()
    move.execute()
    return move


class TestBetweenOwnAccounts:
    """A person gives a service to another account of their own: they are on both sides."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(settings, migration_acceptance=True)

    @pytest.mark.only("sqlite")
    def test_they_accept_there_read_each_side_and_may_take_it_back(self, client: ConsoleClient, ana: Persona) -> None:
        firm = factories.make_customer(owner=ana.owner.person)
        answer = ask(ana, firm.number)
        assert answer is not None
        path, there = f"/moj/migrations/{answer['ref']}", f"account={firm.number}"
        sign_in_person(client, ana.owner.person.email)
        assert f"{path}?{there}" in client.get(f"/moj/migrations/?{there}").text
        assert f"{path}?{there}" in client.get(f"/moj/?{there}").text
        page = client.get(f"{path}?{there}", headers=ENGLISH).text
        assert "Accept the transfer" in page and ana.proformas[0].number not in page
        assert "Withdraw the request" in client.get(path, headers=ENGLISH).text
        assert client.submit(f"{path}/accept").headers["Location"].endswith(f"{path}?{there}")
        sign_in(client, Role.BILLING)
        for step in ("approve", "execute"):
            plan = client.get_json(f"/console{path.removeprefix('/moj')}/preview").json["plan"]
            sent = {"plan": plan, "idempotency_key": uuid4().hex}
            assert client.submit(f"/console{path.removeprefix('/moj')}/{step}", json=True, **sent).status_code == 200
        sign_in_person(client, ana.owner.person.email)
        assert f"{path}/reverse" in client.get(f"{path}?{there}").text
        assert client.get(f"{path}/reverse").status_code == 200
        assert client.get(f"{path}/pdf").data != client.get(f"{path}/pdf?{there}").data


@pytest.mark.both
def test_who_received_a_service_asks_for_it_to_go_back(client: ConsoleClient, ana: Persona, received: Move) -> None:
    """In the portal, under a PIN; billing decides; neither side learns whose it was or will be."""
    owner, path = factories.owner_of(received.new), f"/moj/migrations/{received.ref}"
    sign_in_person(client, owner.person.email)
    assert f"{path}/reverse" in client.get(path, headers=ENGLISH).text
    page = client.get(f"{path}/reverse", headers=ENGLISH).text
    assert "11,880.00 RSD" in page and ana.services[0].label in page
    sent = {"reason": "Stigla je greškom", "pin": factories.pin_of(owner), "idempotency_key": "k"}
    assert client.submit(f"{path}/reverse", json=True, **sent | {"reason": " "}).status_code == 422
    assert client.submit(f"{path}/reverse", json=True, **sent | {"pin": "12345"}).status_code == 422
    ref = client.submit(f"{path}/reverse", json=True, **sent).json["migration"]["ref"]
    assert client.submit(f"{path}/reverse", json=True, **sent).json["migration"]["ref"] == ref
    assert client.submit(f"{path}/reverse", json=True, **sent | {"idempotency_key": "l"}).status_code == 409
    back = client.get(f"/moj/migrations/{ref}", headers=ENGLISH).text
    for text in (page, back, client.get("/moj/migrations/", headers=ENGLISH).text):
        assert ana.customer.number not in text and ana.customer.name not in text
    assert "to" not in client.get_json(f"/moj/migrations/{ref}").json["migration"]
    assert "will reverse it" in client.get(path, headers=ENGLISH).text
    sign_in(client, Role.BILLING)
    for step in ("approve", "execute"):
        plan = client.get_json(f"/console/migrations/{ref}/preview").json["plan"]
        done = client.submit(f"/console/migrations/{ref}/{step}", json=True, plan=plan, idempotency_key=uuid4().hex)
        assert done.status_code == 200, done.text
    db.session.expire_all()
    assert db.session.get_one(Service, ana.services[0].id).customer_id == ana.customer.id
    assert db.session.scalars(select(Migration.reverses_id).where(Migration.reverses_id.is_not(None))).one()
    mails = db.session.scalars(select(Mail.customer_id).where(Mail.subject_ref == f"migration:{ref}")).all()
    assert set(mails) == {ana.customer.id, received.new.id}


@pytest.mark.only("sqlite")
def test_taking_back_is_for_who_received_it_and_ends_with_its_time(
    client: ConsoleClient, ana: Persona, received: Move, clock: Clock
) -> None:
    path = f"/moj/migrations/{received.ref}"
    sign_in_person(client, ana.owner.person.email)
    assert "wrong account, write to support" in client.get(path, headers=ENGLISH).text
    assert client.get(f"{path}/reverse").status_code == 404
    clock.advance(timedelta(days=15))
    sign_in_person(client, factories.owner_of(received.new).person.email)
    assert f"{path}/reverse" not in client.get(path).text
    late = client.get(f"{path}/reverse", headers=ENGLISH).text
    assert "The time for reversing" in late and 'name="pin"' not in late
    sent = {"reason": "Kasno", "pin": factories.pin_of(factories.owner_of(received.new)), "idempotency_key": "k"}
    assert client.submit(f"{path}/reverse", json=True, **sent).status_code == 409
