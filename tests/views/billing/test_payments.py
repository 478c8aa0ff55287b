"""Payments by HTTP: the contract, the pages, the queue, the statement, in the console and in the portal."""

from __future__ import annotations

import csv
import io
import re
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.billing import periods
from console.billing.ledger.queries import credit_of
from console.billing.models import Proforma, ProformaStatus
from console.billing.payments.models import Payment, PaymentSource, PaymentState
from console.billing.payments.service import IncomingPayment, correct_credit, receive
from console.core.actor import SYSTEM
from console.core.transaction import transaction
from console.mail.models import Mail
from console.staff.roles import Role
from tests import factories
from tests.factories import LineSpec
from tests.support.client import ConsoleClient, sign_in, sign_in_person
from tests.support.queries import count_queries

pytestmark = pytest.mark.only("sqlite")
TOTAL = 1_440_000
ENGLISH = {"Accept-Language": "en"}
SERBIAN = {"Accept-Language": "sr"}


def fields(reference: str, amount: object = TOTAL, **more: Any) -> dict[str, Any]:
    return {
        "reference": reference,
        "amount": amount,
        "currency": "RSD",
        "paid_on": factories.today().isoformat(),
        "idempotency_key": uuid4().hex,
    } | more


def from_bank(reference: str, amount: int = TOTAL) -> Payment:
    incoming = IncomingPayment(reference, amount, "RSD", factories.today(), source=PaymentSource.STATEMENT)
    with transaction():
        (payment,) = receive(SYSTEM, [incoming], by_person=False)
    return payment


def test_the_contract(client: ConsoleClient, session: Session) -> None:
    """A payment is recorded once under a key; with other content the key is a conflict."""
    document = factories.make_proforma(factories.make_customer())
    sign_in(client, Role.BILLING)
    sent = fields(document.reference)
    answer = client.submit("/console/payments/", json=True, **(sent))
    assert answer.status_code == 201
    payment = answer.json["payment"]
    assert (payment["state"], payment["proforma"]) == ("matched", document.number)
    assert client.submit("/console/payments/", json=True, **(sent)).json["payment"] == payment
    assert client.submit("/console/payments/", json=True, **(sent | {"amount": 1})).status_code == 409
    unknown = client.submit("/console/payments/", json=True, **(fields("42"))).json["payment"]
    assert (unknown["state"], unknown.get("proforma")) == ("unmatched", None)
    (first, second) = client.get_json("/console/payments/").json["items"]
    assert (first["id"], first["reason"], second["proforma"]) == (unknown["id"], "unknown", document.number)
    assert client.get_json(f"/console/payments/{payment['id']}").json["payment"]["customer"] == document.customer.number


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"amount": "0"}, "amount"),
        ({"amount": "-5"}, "amount"),
        ({"amount": "12,5"}, "amount"),
        ({"amount": ""}, "amount"),
        ({"amount": "9" * 30}, "amount"),
        ({"currency": "USD"}, "currency"),
        ({"paid_on": "2099-01-01"}, "paid_on"),
        ({"paid_on": "juče"}, "paid_on"),
        ({"reference": " "}, "reference"),
        ({"idempotency_key": ""}, None),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    client: ConsoleClient, session: Session, wrong: dict[str, str], field: str | None
) -> None:
    sign_in(client, Role.BILLING)
    answer = client.submit("/console/payments/", json=True, **(fields("42") | wrong))
    assert answer.status_code == 422
    assert list(answer.json["error"].get("fields", {})) == ([field] if field else [])
    assert session.scalar(select(Payment.id)) is None


def test_a_person_records_one_from_a_pro_formas_page(client: ConsoleClient, session: Session) -> None:
    document = factories.make_proforma(factories.make_customer(name="Mlekara Jasen"), paid=40_000)
    sign_in(client, Role.BILLING)
    page = client.get(f"/console/proformas/{document.number}", headers=SERBIAN).text
    assert "400,00 RSD" in page and f"/console/payments/new?proforma={document.number}" in page
    form = client.get(f"/console/payments/new?proforma={document.number}", headers=SERBIAN).text
    assert document.reference in form and 'value="14.000,00"' in form and "Mlekara Jasen" in form
    typed = fields(document.reference, "4.000,00")
    answer = client.submit("/console/payments/new", headers=SERBIAN, **typed)
    assert answer.status_code == 303
    session.expire_all()
    assert (document.paid, document.status) == (440_000, ProformaStatus.PART_PAID)
    assert client.submit("/console/payments/new", **fields(document.number.lower(), "1,00")).status_code == 303
    session.expire_all()
    assert document.paid == 440_100, "its number is as good as its reference"
    wrong = client.submit("/console/payments/new", headers=SERBIAN, **fields(document.reference, "malo"))
    assert wrong.status_code == 422 and "Unesite iznos" in wrong.text and "malo" in wrong.text


def test_the_queue_says_why_and_what_each_choice_does(app: Flask, client: ConsoleClient, session: Session) -> None:
    hosting = factories.make_service(factories.make_customer(name="Knjižara Đerdap"))
    spec = LineSpec(hosting, period=periods.next_period(hosting))
    document = factories.make_proforma(hosting.customer, [spec])
    payment, other = from_bank(document.reference, TOTAL + 500), from_bank("nema")
    sign_in(client, Role.BILLING)
    with count_queries(app) as queries:
        page = client.get("/console/unmatched/", headers=SERBIAN).text
    assert len(queries) <= 8, queries
    for words in ("Iznos se razlikuje", document.number, "14.400,00 RSD", "5,00 RSD", hosting.label):
        assert words in page, words
    answer = client.get_json("/console/unmatched/").json
    assert [one["id"] for one in answer["items"]] == [payment.id, other.id]
    first = answer["suggestions"][0]
    assert (first["way"], first["target"], first["on_credit"]) == ("document", document.number, 500)
    sent = {"choice": f"document:{document.number}", "reason": "", "idempotency_key": "k"}
    assert client.submit(f"/console/payments/{payment.id}/resolve", **sent).status_code == 303
    session.expire_all()
    assert (document.status, credit_of(document.customer_id)) == (ProformaStatus.PAID, {"RSD": 500})
    page = client.get(f"/console/unmatched/?payment={other.id}", headers=SERBIAN).text
    assert "Nijedan predračun nema ovaj poziv na broj." in page


def test_something_else_is_typed_by_its_number(client: ConsoleClient, session: Session) -> None:
    document = factories.make_proforma(factories.make_customer())
    one, two = from_bank("nema", 5), from_bank("nema", 7)
    sign_in(client, Role.BILLING)
    for payment, target in ((one, document.number.lower()), (two, document.customer.number)):
        sent = {"choice": "other", "target": f" {target} ", "idempotency_key": uuid4().hex}
        assert client.submit(f"/console/payments/{payment.id}/resolve", **sent).status_code == 303
    session.expire_all()
    assert (document.paid, credit_of(document.customer_id)) == (5, {"RSD": 7})
    three = from_bank("nema", 9)
    sent = {"way": "document", "target": "PR-1", "idempotency_key": "x"}
    gone = client.submit(f"/console/payments/{three.id}/resolve", json=True, **sent)
    assert gone.status_code == 404


def test_why_unmatched_finds_what_still_waits(client: ConsoleClient, session: Session) -> None:
    document = factories.make_proforma(factories.make_customer())
    matched, waits = from_bank("nema", 5), from_bank("nema", 7)
    sign_in(client, Role.BILLING)
    sent = {"choice": "other", "target": document.number, "idempotency_key": uuid4().hex}
    assert client.submit(f"/console/payments/{matched.id}/resolve", **sent).status_code == 303
    items = client.get_json("/console/payments/?reason=unknown").json["items"]
    assert [one["id"] for one in items] == [waits.id]
    exported = client.get("/console/payments/export/csv/", headers=ENGLISH).data.decode("utf-8-sig")
    rows = csv.DictReader(io.StringIO(exported))
    assert {row["Number"]: row["Why unmatched"] for row in rows} == {
        f"UP-{waits.id}": "unknown reference",
        f"UP-{matched.id}": "",
    }


def test_a_refused_decision_keeps_what_was_typed_and_the_next_one_follows(
    client: ConsoleClient, session: Session
) -> None:
    document = factories.make_proforma(factories.make_customer())
    one, two, three = (from_bank("nema", amount) for amount in (5, 7, 9))
    sign_in(client, Role.BILLING)
    address, typed = f"/console/payments/{two.id}/resolve", {"reason": "Javili se telefonom", "idempotency_key": "k"}
    wrong = client.submit(address, headers=SERBIAN, choice="other", target="PR-2026-999", **typed)
    assert wrong.status_code == 404 and 'aria-current="true"' in wrong.text
    for words in ("Takav predračun ne postoji.", "PR-2026-999", "Javili se telefonom", f"UP-{two.id}"):
        assert words in wrong.text, words
    assert client.submit(address, choice="return:", reason=" ", idempotency_key="k").status_code == 422
    done = client.submit(address, choice="other", target=document.number, **typed)
    assert done.status_code == 303 and done.location.endswith(f"?payment={three.id}")
    late = client.submit(address, choice="return:", reason="Kasno", idempotency_key="other")
    assert late.status_code == 303 and late.location.endswith(f"?payment={three.id}")
    last = client.submit(f"/console/payments/{three.id}/resolve", choice="return:", reason="Tuđe", idempotency_key="k")
    assert last.location.endswith(f"?payment={one.id}")


def test_a_suggestion_does_what_it_said_or_nothing(client: ConsoleClient, session: Session) -> None:
    document = factories.make_proforma(factories.make_customer())
    payment = from_bank(document.reference, TOTAL - 5)
    sign_in(client, Role.BILLING)
    choice = f"document:{document.number}:{TOTAL}"
    assert choice in client.get("/console/unmatched/").text
    factories.pay_proforma(document, 100)
    sent = {"choice": choice, "reason": "", "idempotency_key": "k"}
    stale = client.submit(f"/console/payments/{payment.id}/resolve", **sent)
    assert stale.status_code == 409 and f"{document.number}:{TOTAL - 100}" in stale.text
    session.expire_all()
    assert document.paid == 100


def test_a_payment_further_down_than_the_queue_goes_is_the_one_that_is_shown(
    client: ConsoleClient, session: Session
) -> None:
    incoming = [IncomingPayment("nema", 100 + place, "RSD", factories.today()) for place in range(52)]
    with transaction():
        last = receive(SYSTEM, incoming, by_person=False)[-1]
    sign_in(client, Role.BILLING)
    assert client.get_json(f"/console/unmatched/?payment={last.id}").json["payment"] == last.id
    assert "52 uplate čekaju odluku." in client.get("/console/unmatched/", headers=SERBIAN).text


def test_undo_pressed_twice_takes_back_one_thing(client: ConsoleClient, session: Session) -> None:
    document = factories.make_proforma(factories.make_customer())
    payment = factories.pay_proforma(document, TOTAL)
    sign_in(client, Role.BILLING)
    page, address = f"/console/payments/{payment.id}", f"/console/payments/{payment.id}/undo"
    (seen,) = re.findall(r'name="seen" value="(\d+)"', client.get(page).text)
    for _ in range(2):
        assert client.submit(address, json=True, reason="Greška", seen=seen).json["payment"]["state"] == "unmatched"
    sent = {"choice": f"document:{document.number}", "idempotency_key": "k"}
    assert client.submit(f"{page}/resolve", **sent).status_code == 303
    stale = client.submit(address, json=True, reason="Još jednom", seen=seen)
    assert stale.status_code == 409
    session.expire_all()
    assert (payment.state, document.paid) == (PaymentState.MATCHED, TOTAL)


def test_a_payment_is_undone_on_its_page(app: Flask, client: ConsoleClient, session: Session) -> None:
    document = factories.make_proforma(factories.make_customer())
    payment = factories.pay_proforma(document, TOTAL)
    sign_in(client, Role.BILLING)
    with count_queries(app) as queries:
        page = client.get(f"/console/payments/{payment.id}", headers=SERBIAN).text
    assert len(queries) <= 8, queries
    assert document.number in page and "Poništi" in page
    address = f"/console/payments/{payment.id}/undo"
    assert client.submit(address, json=True, reason=" ").status_code == 422
    assert client.submit(address, reason="Pogrešan kupac").status_code == 303
    session.expire_all()
    assert (document.paid, document.status) == (0, ProformaStatus.OPEN)
    assert "Pogrešan kupac" in client.get(f"/console/payments/{payment.id}", headers=SERBIAN).text


def test_credit_pays_a_document_as_its_page_said_or_not(client: ConsoleClient, session: Session) -> None:
    document = factories.make_proforma(factories.make_customer())
    with transaction():
        correct_credit(SYSTEM, document.customer_id, "RSD", 500_000, "Poklon", "k")
    sign_in(client, Role.BILLING)
    page = client.get(f"/console/proformas/{document.number}", headers=SERBIAN).text
    assert "Iskoristi" in page and 'name="amount" value="500000"' in page
    sent, address = {"amount": "500000", "idempotency_key": "k"}, f"/console/proformas/{document.number}/use-credit"
    for _ in range(2):
        assert client.submit(address, json=True, **sent).json == {"used": 500_000, "owed": 940_000, "currency": "RSD"}
    assert client.submit(address, json=True, **sent | {"idempotency_key": "l"}).status_code == 409
    assert client.submit(address, json=True, amount="x", idempotency_key="m").status_code == 422
    session.expire_all()
    assert (document.paid, credit_of(document.customer_id)) == (500_000, {})
    assert "use-credit" not in client.get(f"/console/proformas/{document.number}").text


def test_a_document_is_sent_again_once_and_a_storno_does_what_it_said(client: ConsoleClient, session: Session) -> None:
    document = factories.make_proforma(factories.make_customer())
    sign_in(client, Role.BILLING)
    address = f"/console/proformas/{document.number}"
    for _ in range(2):
        assert client.submit(f"{address}/send", idempotency_key="k").status_code == 303
    assert session.scalar(select(func.count()).where(Mail.template == "proforma_issued")) == 1
    form = client.get(f"{address}/storno").text
    assert 'name="paid" type="hidden" value="0"' in form
    factories.pay_proforma(document, 100)
    sent = {"reason": "Odustali", "paid": "0", "idempotency_key": "k"}
    stale = client.submit(f"{address}/storno", headers=SERBIAN, **sent)
    assert stale.status_code == 409 and "Odustali" in stale.text and "1,00" in stale.text
    assert client.submit(f"{address}/storno", **sent | {"paid": "100"}).status_code == 303


def test_lists_take_few_statements(app: Flask, client: ConsoleClient, session: Session) -> None:
    for _ in range(3):
        factories.make_proforma(factories.make_customer(), paid=-1)
    sign_in(client, Role.BILLING)
    with count_queries(app) as queries:
        assert client.get("/console/payments/").status_code == 200
    assert len(queries) <= 8, queries
    document = session.scalars(select(Proforma)).first()
    assert document is not None
    found = client.get_json(f"/console/payments/?reference=97-{document.reference}&state=matched").json["items"]
    assert [row["proforma"] for row in found] == [document.number]
    assert document.number in client.get("/console/payments/export/csv/").text


def test_a_customers_statement_refund_and_preference(app: Flask, client: ConsoleClient, session: Session) -> None:
    customer = factories.make_customer()
    document = factories.make_proforma(customer)
    factories.pay_proforma(document, TOTAL + 5_000)
    sign_in(client, Role.BILLING)
    address = f"/console/customers/{customer.number}/account"
    with count_queries(app) as queries:
        page = client.get(address, headers=SERBIAN).text
    assert len(queries) <= 8, queries
    assert "14.450,00" in page and "50,00 RSD" in page and document.number in page
    sent = {"kind": "refund", "amount": "20,00", "currency": "RSD", "reason": "Na zahtev", "idempotency_key": "a"}
    assert client.submit(address, json=True, **(sent)).json["credit"] == 3_000
    assert client.submit(address, json=True, **(sent | {"amount": "90,00", "idempotency_key": "b"})).status_code == 409
    assert client.submit(address, json=True, **(sent | {"amount": "x", "idempotency_key": "c"})).status_code == 422
    take = sent | {"kind": "take", "amount": "1,00", "idempotency_key": "d"}
    assert client.submit(address, **take).status_code == 303
    assert client.submit(f"{address}/prefer", json=True, credit_first="1").json == {"credit_first": True}
    session.expire_all()
    assert (credit_of(customer.id), customer.credit_first) == ({"RSD": 2_900}, True)
    rows = client.get_json(address).json["statement"]["rows"]
    assert [row["balance"] for row in rows] == [5_000, 3_000, 2_900]
    assert client.get(f"{address}?currency=EUR&since=2026-01-01&until=juče").status_code == 200


def test_the_owner_sees_payments_and_credit_in_the_portal(client: ConsoleClient, session: Session) -> None:
    person = factories.ana()
    document = factories.make_proforma(person.customer)
    factories.pay_proforma(document, TOTAL + 700)
    other = factories.make_proforma(factories.make_customer())
    factories.pay_proforma(other, 100)
    sign_in_person(client, person.owner.person.email)
    page = client.get("/moj/credit/", headers=SERBIAN).text
    assert "7,00 RSD" in page and document.number in page and other.number not in page
    assert client.get_json("/moj/credit/").json["credit"] == {"RSD": 700}
    assert "14.400,00 RSD" in client.get(f"/moj/documents/{document.number}", headers=SERBIAN).text
    assert client.submit("/moj/credit/", credit_first="1").status_code == 303
    session.expire_all()
    assert person.customer.credit_first
