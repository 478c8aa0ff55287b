"""Quotes: sent by staff, answered in the portal, over after their last day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.billing.quotes import service
from console.billing.quotes.models import Quote, QuoteState
from console.billing.quotes.service import QuoteLineData
from console.billing.service import today
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.transaction import transaction
from console.customers.models import Customer, TaxStatus
from console.customers.rights import MailCategory, Right
from console.mail.models import Mail
from console.staff.roles import Role
from console.tickets.service_requests.models import RequestKind, ServiceRequest
from tests import factories
from tests.conftest import Clock
from tests.customers.test_people import actor_of
from tests.portal.things import quote_data
from tests.support.client import ConsoleClient, sign_in, sign_in_person
from tests.support.queries import count_queries

pytestmark = pytest.mark.only("sqlite")

ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def customer(session: Session) -> Customer:
    return factories.make_customer()


def send(customer: Customer, *, key: str = "", role: Role = Role.BILLING, **changes: Any) -> Quote:
    staff = factories.make_staff(role)
    with transaction():
        answer = service.send_quote(staff.actor(), customer, quote_data(**changes), key or uuid4().hex)
    return db.session.get_one(Quote, int(answer["number"][2:]))


def test_a_quote_is_taxed_as_its_buyer_mailed_and_on_record(customer: Customer) -> None:
    reader = factories.make_member(customer, rights=[Right.QUOTES], mail=[MailCategory.INVOICE])
    factories.make_member(customer, rights=[Right.TICKETS], mail=[MailCategory.INVOICE])
    factories.make_member(customer, rights=[Right.QUOTES], mail=[MailCategory.PRODUCT])
    quote = send(customer)
    assert (quote.net, quote.tax, quote.total) == (5_400_000, 1_020_000, 6_420_000)  # 20 % of one, 10 % of the other
    sent = set(db.session.scalars(select(Mail.to_address).where(Mail.template == "quote_sent")))
    assert sent == {factories.owner_of(customer).person.email, reader.person.email}
    assert db.session.scalar(select(AuditEntry.subject).where(AuditEntry.action == "quote.sent")) == quote.number
    abroad = send(factories.make_customer(tax_status=TaxStatus.ABROAD), role=Role.SUPERVISOR)
    assert (abroad.tax, abroad.tax_note) == (0, "abroad")


def test_only_billing_and_supervisors_send_and_withdraw(customer: Customer) -> None:
    for role in (Role.AGENT, Role.ADMIN):
        with pytest.raises(NotFound):
            send(customer, role=role)
    quote = send(customer)
    with pytest.raises(NotFound), transaction():
        service.withdraw_quote(factories.make_staff(Role.AGENT).actor(), quote.id)
    with pytest.raises(NotFound), transaction():
        service.withdraw_quote(actor_of(factories.owner_of(customer)), quote.id)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("currency", {"currency": "USD"}),
        ("valid_until", {"valid_until": "yesterday"}),
        ("valid_until", {"valid_until": "too far"}),
        ("lines", {"lines": ()}),
        ("lines", {"lines": (QuoteLineData("", 1),)}),
        ("lines", {"lines": (QuoteLineData("x", -1),)}),
        ("lines", {"lines": (QuoteLineData("x", 1, quantity=0),)}),
        ("lines", {"lines": (QuoteLineData("x", 1, tax_bp=10_001),)}),
        ("lines", {"lines": (QuoteLineData("x", 1, product_id=999),)}),
        ("lines", {"lines": (QuoteLineData("x", 1),) * 31}),
        ("note", {"note": "x" * 2_001}),
    ],
)
def test_what_is_wrong_is_said_at_its_field(customer: Customer, field: str, changes: dict[str, Any]) -> None:
    days = {"yesterday": today() - timedelta(days=1), "too far": today() + timedelta(days=400)}
    changes = {name: days.get(value, value) if isinstance(value, str) else value for name, value in changes.items()}
    with pytest.raises(Invalid) as caught:
        send(customer, **changes)
    assert set(caught.value.fields) == {field}


def test_a_repeated_send_makes_one(customer: Customer) -> None:
    actor = factories.make_staff(Role.BILLING).actor()
    for _ in range(2):
        with transaction():
            service.send_quote(actor, customer, quote_data(), "k" * 10)
    assert db.session.scalar(select(func.count()).select_from(Quote)) == 1


def test_an_accepted_quote_becomes_the_work_of_accounting(customer: Customer) -> None:
    quote = send(customer)
    owner = actor_of(factories.owner_of(customer))
    with transaction():
        service.accept_quote(owner, quote.id)
    assert quote.state is QuoteState.ACCEPTED
    request = db.session.scalars(select(ServiceRequest)).one()
    assert (request.kind, request.quote_id, request.ticket.department.key) == (
        RequestKind.QUOTE, quote.id, "accounting",
    )  # fmt: skip
    for verb in (service.accept_quote, service.decline_quote):
        with pytest.raises(Conflict), transaction():
            verb(owner, quote.id)


def test_who_may_answer(customer: Customer) -> None:
    quote = send(customer)
    reads = factories.make_member(customer, rights=[Right.QUOTES])
    orders = factories.make_member(customer, rights=[Right.ORDERS])
    stranger = factories.owner_of(factories.make_customer())
    for member in (reads, orders, stranger):
        with pytest.raises(NotFound), transaction():
            service.accept_quote(actor_of(member), quote.id)
    for member in (orders, stranger):
        with pytest.raises(NotFound), transaction():
            service.decline_quote(actor_of(member), quote.id)
    with transaction():
        service.decline_quote(actor_of(reads), quote.id, "Skupo, PIN 482913")
    assert quote.state is QuoteState.DECLINED and quote.answer and "482913" not in quote.answer
    assert quote.answered_by_id == reads.id


def test_it_is_over_after_its_last_day(customer: Customer, clock: Clock) -> None:
    quote = send(customer, valid_until=today())
    clock.advance(timedelta(days=1))
    assert quote.state_on(today()) is QuoteState.EXPIRED
    with pytest.raises(Conflict), transaction():
        service.accept_quote(actor_of(factories.owner_of(customer)), quote.id)


@pytest.mark.both
def test_accepting_and_withdrawing_at_once_has_one_outcome(
    customer: Customer, app: Flask, in_threads: Callable[[Callable[[], None], int], None]
) -> None:
    quote = send(customer)
    person, staff, key = actor_of(factories.owner_of(customer)), factories.make_staff(Role.BILLING).actor(), quote.id
    turns = iter([(service.accept_quote, person), (service.withdraw_quote, staff), (service.accept_quote, person)])
    done: list[str] = []

    def work() -> None:
        verb, actor = next(turns)
        with app.app_context():
            try:
                with transaction():
                    done.append(verb(actor, key).state.value)
            except Conflict:
                pass

    in_threads(work, 3)
    db.session.rollback()
    assert len(done) == 1
    requests = db.session.scalar(select(func.count()).select_from(ServiceRequest))
    assert requests == (done == ["accepted"])


def test_the_portal_shows_and_answers(app: Flask, client: ConsoleClient, customer: Customer) -> None:
    quote, withdrawn = send(customer, note="Radimo odmah"), send(customer)
    with transaction():
        service.withdraw_quote(factories.make_staff(Role.BILLING).actor(), withdrawn.id)
    sign_in_person(client, factories.owner_of(customer).person.email)
    with count_queries(app) as queries:
        listed = client.get("/moj/quotes/", headers=ENGLISH).text
    assert queries.count <= 8 and quote.number in listed and withdrawn.number not in listed
    page = client.get(f"/moj/quotes/{quote.number}", headers=ENGLISH).text
    assert "64,200.00 RSD" in page and "Radimo odmah" in page and "Accept the quote" in page
    assert client.get(f"/moj/quotes/{withdrawn.number}").status_code == 404
    assert client.submit(f"/moj/quotes/{quote.number}/accept", json=True).json["quote"]["state"] == "accepted"
    assert client.submit(f"/moj/quotes/{quote.number}/decline").status_code == 409
    other = factories.make_member(customer, rights=[Right.INVOICES])
    sign_in_person(client, other.person.email)
    assert client.get("/moj/quotes/").status_code == 404


def test_the_console_sends_lists_and_withdraws(client: ConsoleClient, customer: Customer) -> None:
    product = factories.make_product(name="Hosting M", price=1_290_000)
    sign_in(client, Role.BILLING)
    fields = {
        "customer": customer.number, "currency": "RSD", "valid_until": (today() + timedelta(days=3)).isoformat(),
        "note": "", "idempotency_key": uuid4().hex, "product": [str(product.id), ""], "description": ["", "Prenos"],
        "quantity": ["2", ""], "net": ["", "1.500,50"], "tax": ["", "10"],
    }  # fmt: skip
    wrong = client.submit("/console/quotes/new", headers=ENGLISH, **fields | {"net": ["", "mnogo"]})
    assert wrong.status_code == 422 and 'value="mnogo"' in wrong.text and "Each line needs" in wrong.text
    for name, odd in (("customer", "K-1"), ("tax", ["", "NaN"]), ("tax", ["", "101"]), ("quantity", ["2", "0"])):
        assert client.submit("/console/quotes/new", json=True, **fields | {name: odd}).status_code == 422
    answer = client.submit("/console/quotes/new", json=True, **fields)
    assert answer.status_code == 201
    number = answer.json["quote"]["number"]
    lines = client.get_json(f"/console/quotes/{number}").json["quote"]["lines"]
    assert [(one["description"], one["quantity"], one["net"], one["tax"]) for one in lines] == [
        ("Hosting M", 2, 2_580_000, 516_000), ("Prenos", 1, 150_050, 15_005),
    ]  # fmt: skip
    assert number in client.get("/console/quotes/", headers=ENGLISH).text
    assert "Withdraw the quote" in client.get(f"/console/quotes/{number}", headers=ENGLISH).text
    assert client.submit(f"/console/quotes/{number}/withdraw", json=True).json["quote"]["state"] == "withdrawn"
    assert client.submit(f"/console/quotes/{number}/withdraw", json=True).status_code == 409


def test_an_agent_reads_a_quote_under_a_verification_alone(client: ConsoleClient, customer: Customer) -> None:
    quote = send(customer)
    agent = sign_in(client, Role.AGENT)
    assert client.get(f"/console/quotes/{quote.number}").status_code == 404
    factories.make_verification(agent, factories.owner_of(customer))
    assert client.get(f"/console/quotes/{quote.number}").status_code == 200
    assert client.get("/console/quotes/").status_code == 404
