"""Pro-formas made by hand: amounts to the para, periods, guards, the contract with programs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.billing.issuing.data import MAX_PRICE, ItemData, ProformaData
from console.billing.issuing.service import make_proforma
from console.billing.models import BilledPeriod, Proforma, ProformaStatus
from console.billing.service import today
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Reused
from console.core.money import CURRENCIES
from console.core.transaction import transaction
from console.customers.models import Customer, CustomerStatus, TaxStatus
from console.customers.rights import MailCategory
from console.hosting.models import ServiceStatus
from console.mail.models import Mail
from console.staff.roles import Role
from tests import factories
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries

pytestmark = pytest.mark.only("sqlite")


@pytest.fixture
def customer(session: Session) -> Customer:
    return factories.make_customer()


def due() -> date:
    return today() + timedelta(days=8)


def make(customer: Customer, *items: ItemData, role: Role = Role.BILLING, key: str = "", **changes: Any) -> Proforma:
    actor = factories.make_staff(role).actor()
    data = replace(ProformaData("RSD", due(), items), **changes)
    with transaction():
        answer = make_proforma(actor, customer, data, key or uuid4().hex)
    return db.session.scalars(select(Proforma).where(Proforma.number == answer["number"])).one()


def test_it_shows_what_was_agreed_and_is_mailed(customer: Customer) -> None:
    reader = factories.make_member(customer, rights=[], mail=[MailCategory.INVOICE])
    factories.make_member(customer, rights=[], mail=[MailCategory.PRODUCT])
    made = make(
        customer,
        ItemData("Prenos sajta", 450_000, quantity=2, discount=50_000, discount_bp=1_000),
        ItemData("Knjiga", 100_000, tax_bp=1_000),
        note="Hvala, PIN 482913",
    )
    assert (made.net, made.tax, made.total, made.owed) == (550_000, 100_000, 650_000, 650_000)
    first = made.lines[0]
    assert (first.quantity, first.price, first.discount, first.discount_bp) == (2, 500_000, 50_000, 1_000)
    assert "482913" not in made.note
    to = set(db.session.scalars(select(Mail.to_address).where(Mail.template == "proforma_issued")))
    assert to == {factories.owner_of(customer).person.email, reader.person.email}
    mails = db.session.scalars(select(Mail).where(Mail.template == "proforma_issued")).all()
    assert {one["name"] for mail in mails for one in mail.attachments} == {f"{made.number}.pdf"}
    assert db.session.scalar(select(AuditEntry.subject).where(AuditEntry.action == "proforma.issued")) == made.number


AMOUNTS = (0, 1, 2, 3, 25, 99_999, 999_999_999_999, 9_999_999_999_999)


@pytest.mark.parametrize("currency", CURRENCIES)
def test_amounts_are_as_an_exact_reference_has_them(customer: Customer, currency: str) -> None:
    items = [ItemData("x", net, tax_bp=rate) for net in AMOUNTS for rate in (0, 1, 50, 1_000, 2_000, 3_333, 10_000)]
    made = make(customer, *items, currency=currency)
    for line, item in zip(made.lines, items, strict=True):
        exact = Fraction(item.net) * item.tax_bp / 10_000
        half_up = exact.numerator * 2 // exact.denominator + 1  # of non-negative amounts: half goes up
        assert line.tax == half_up // 2 and line.net == item.net
    assert made.total == sum(line.net + line.tax for line in made.lines)


def test_a_thousand_lines_of_three_para(customer: Customer) -> None:
    made = make(customer, *[ItemData("x", 3)] * 1_000)
    assert (made.net, made.tax, made.total) == (3_000, 1_000, 4_000)  # 0.6 para each, rounded per line


def test_nothing_to_pay_is_paid_at_once_and_renews(customer: Customer) -> None:
    service = factories.make_service(customer)
    before = service.paid_until
    made = make(customer, ItemData("Poklon", 0, service_id=service.id))
    assert (made.status, made.owed) == (ProformaStatus.PAID, 0)
    assert service.paid_until > before


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("currency", {"currency": "USD"}),
        ("due_on", {"due_on": "yesterday"}),
        ("due_on", {"due_on": "too far"}),
        ("note", {"note": "x" * 2_001}),
        ("lines", {"items": ()}),
        ("lines", {"items": (ItemData("", 1),)}),
        ("lines", {"items": (ItemData("x", -1),)}),
        ("lines", {"items": (ItemData("x", 1, quantity=0),)}),
        ("lines", {"items": (ItemData("x", 1, tax_bp=10_001),)}),
        ("lines", {"items": (ItemData("x", 1, discount=-1),)}),
        ("lines", {"items": (ItemData("x", MAX_PRICE + 1),)}),
        ("lines", {"items": (ItemData("x", 1, service_id=99),)}),
        ("lines", {"items": (ItemData("x", 1),) * 1_001}),
    ],
)
def test_what_is_wrong_is_said_at_its_field(customer: Customer, field: str, changes: dict[str, Any]) -> None:
    days = {"yesterday": today() - timedelta(days=1), "too far": today() + timedelta(days=400)}
    changes = {name: days.get(value, value) if isinstance(value, str) else value for name, value in changes.items()}
    with pytest.raises(Invalid) as caught:
        make(customer, **{"items": (ItemData("x", 1),)} | changes)
    assert set(caught.value.fields) == {field}
    assert db.session.scalar(select(func.count()).select_from(Proforma)) == 0


def test_only_billing_makes_them(customer: Customer) -> None:
    for role in (Role.AGENT, Role.SUPERVISOR, Role.ADMIN):
        with pytest.raises(NotFound):
            make(customer, ItemData("x", 1), role=role)


def test_a_closed_account_and_a_service_of_another_are_refused(customer: Customer) -> None:
    others = factories.make_service(factories.make_customer())
    with pytest.raises(Conflict):
        make(customer, ItemData("x", 1, service_id=others.id))
    with transaction():
        customer.status = CustomerStatus.CLOSED
    with pytest.raises(Conflict) as caught:
        make(customer, ItemData("x", 1))
    assert caught.value.code == "closed"


def test_a_repeated_call_makes_one_and_another_content_is_a_conflict(customer: Customer) -> None:
    actor = factories.make_staff(Role.BILLING).actor()
    data = ProformaData("RSD", due(), (ItemData("x", 1),))
    answers = []
    for _ in range(2):
        with transaction():
            answers.append(make_proforma(actor, customer, data, "k" * 8))
    assert answers[0] == answers[1] and db.session.scalar(select(func.count()).select_from(Proforma)) == 1
    with pytest.raises(Reused), transaction():
        make_proforma(actor, customer, ProformaData("RSD", due(), (ItemData("x", 2),)), "k" * 8)


def test_lines_bill_one_period_after_another(customer: Customer) -> None:
    service = factories.make_service(customer)
    made = make(
        customer,
        ItemData("Prva", 1_000, service_id=service.id),
        ItemData("Još dve", 2_000, quantity=2, service_id=service.id),
        ItemData("Rad", 500, service_id=service.id, renews=False),
    )
    one, two, work = made.lines
    assert one.period_from == service.paid_until + timedelta(days=1)
    assert one.period_to and two.period_from == one.period_to + timedelta(days=1)
    assert two.period_to and (two.period_to - two.period_from).days in (729, 730)  # of twelve months each
    assert work.period_from is None
    later = make(customer, ItemData("Četvrta", 1_000, service_id=service.id))
    assert later.lines[0].period_from == two.period_to + timedelta(days=1)
    assert db.session.scalar(select(func.count()).select_from(BilledPeriod)) == 3


def test_a_cancelled_service_is_not_renewed_nor_one_for_eleven_years(customer: Customer) -> None:
    service = factories.make_service(customer)
    with pytest.raises(Invalid):
        make(customer, ItemData("x", 1, quantity=11, service_id=service.id))
    with transaction():
        service.status = ServiceStatus.CANCELLED
    with pytest.raises(Invalid):
        make(customer, ItemData("x", 1, service_id=service.id))
    assert make(customer, ItemData("Račun za rad", 1, service_id=service.id, renews=False)).total == 1


def test_credit_is_used_first_where_the_customer_wants_it(customer: Customer) -> None:
    from console.billing.payments.service import correct_credit

    actor = factories.make_staff(Role.BILLING).actor()
    with transaction():
        correct_credit(actor, customer.id, "RSD", 1_000, "Poklon", uuid4().hex)
        customer.credit_first = True
    made = make(customer, ItemData("x", 2_000))
    assert (made.paid, made.owed, made.status) == (1_000, 1_400, ProformaStatus.PART_PAID)


# The page and the contract -----------------------------------------------------------------------------------------


def post(client: ConsoleClient, customer: str, lines: Any, **changes: Any) -> Any:
    fields = {"customer": customer, "currency": "RSD", "due_on": due().isoformat(), "idempotency_key": uuid4().hex}
    return client.submit("/console/proformas/new", json=True, **fields | {"lines": json.dumps(lines)} | changes)


def test_a_program_makes_one(client: ConsoleClient, customer: Customer) -> None:
    sign_in(client, Role.BILLING)
    service = factories.make_service(customer)
    lines = [
        {"description": "Hosting", "net": 12_345, "tax_bp": 2000, "quantity": 1, "service": service.number},
        {"description": "Rad", "net": 5, "tax_bp": 1000, "quantity": 3},
    ]
    answer = post(client, customer.number, lines)
    assert answer.status_code == 201, answer.text
    made = answer.json["proforma"]
    assert made["total"] == made["owed"] == 12_345 + 2_469 + 5 + 1 and made["number"].startswith("PR-")
    by_email = post(client, factories.owner_of(customer).person.email, [{"description": "x", "net": 1}])
    assert by_email.status_code == 201 and by_email.json["proforma"]["reference"]


@pytest.mark.parametrize(
    "lines",
    [
        "nonsense", {"description": "x"}, [1], [{"description": "x", "net": "5"}], [{"description": "x", "net": 1.5}],
        [{"description": "x"}], [{"net": 1}], [{"description": "x", "net": -1}], [{"description": 5, "net": 1}],
        [{"description": "x", "net": 10**30}], [{"description": "x", "net": 1, "quantity": True}],
        [{"description": "x", "net": 1, "service": "U-1"}], [{"description": "\0", "net": 1}],
    ],
)  # fmt: skip
def test_bad_lines_are_refused(client: ConsoleClient, customer: Customer, lines: Any) -> None:
    sign_in(client, Role.BILLING)
    answer = post(client, customer.number, lines)
    assert answer.status_code == 422 and "lines" in answer.json["error"]["fields"]


def test_other_bad_fields_are_refused(client: ConsoleClient, customer: Customer) -> None:
    sign_in(client, Role.BILLING)
    good = [{"description": "x", "net": 1}]
    assert "customer" in post(client, "K-99999", good).json["error"]["fields"]
    assert "due_on" in post(client, customer.number, good, due_on="31.02.2027").json["error"]["fields"]
    assert "currency" in post(client, customer.number, good, currency="").json["error"]["fields"]
    assert post(client, customer.number, good, idempotency_key="").status_code == 422


def rows(**columns: list[str]) -> dict[str, list[str]]:
    names = ("service", "description", "quantity", "price", "discount", "tax")
    longest = max(map(len, columns.values()))
    return {name: columns.get(name, [""] * longest) for name in names}


def form(customer: Customer, **more: Any) -> dict[str, Any]:
    fields = {"customer": customer.number, "currency": "RSD", "due_on": due().isoformat()}
    return fields | {"idempotency_key": uuid4().hex} | more


def test_the_page_previews_and_issues(app: Flask, client: ConsoleClient, customer: Customer) -> None:
    sign_in(client, Role.BILLING)
    service = factories.make_service(customer)
    page = client.get(f"/console/proformas/new?customer={customer.number}")
    assert page.status_code == 200 and service.label in page.text
    typed = form(
        customer,
        **rows(
            service=[f"renew:{service.id}", "", ""],
            description=["", "Rad", ""],
            quantity=["", "3", ""],
            price=["", "1.000,05", ""],
            discount=["10%", "0,15", ""],
        ),
    )
    with count_queries(app) as queries:
        response = client.submit("/console/proformas/new/preview", headers={"HX-Request": "true"}, **typed)
    assert len(queries) <= 8
    assert "13.320,00" not in response.text and "12.960,00" in response.text  # 10.800,00 and its PDV
    assert "3.000,00" in response.text and db.session.scalar(select(func.count()).select_from(Proforma)) == 0
    answer = client.submit("/console/proformas/new", **typed)
    assert answer.status_code == 303
    made = db.session.scalars(select(Proforma)).one()
    assert [(line.net, line.discount, line.discount_bp) for line in made.lines] == [
        (1_080_000, 120_000, 1_000), (300_000, 15, None),
    ]  # fmt: skip
    page = client.get(answer.headers["Location"])
    assert page.status_code == 200 and "10%" in page.text


def test_what_was_typed_stays_with_what_is_wrong(client: ConsoleClient, customer: Customer) -> None:
    sign_in(client, Role.BILLING)
    typed = form(customer, **rows(description=["Rad", "Još"], price=["1.234", "-5"], discount=["", "200%"]))
    answer = client.submit("/console/proformas/new", headers={"Accept-Language": "en"}, **typed)
    assert answer.status_code == 422 and 'value="1.234"' in answer.text
    assert "Line 1: Enter a price like 1.234,50." in answer.text and "Line 2" in answer.text
    assert client.get("/console/proformas/new?customer=K-99999").status_code == 404


def test_a_buyer_abroad_pays_no_pdv(session: Session) -> None:
    made = make(factories.make_customer(tax_status=TaxStatus.ABROAD), ItemData("x", 100), currency="EUR")
    assert (made.tax, made.tax_note) == (0, "abroad")
