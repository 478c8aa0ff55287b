"""What is done with documents by hand: storno, corrected copy, a quote billed, drafts, many at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.billing.issuing import cancelling
from console.billing.issuing.data import ItemData, ProformaData
from console.billing.issuing.quotes import bill_quote
from console.billing.issuing.service import make_proforma
from console.billing.ledger.queries import credit_of
from console.billing.models import BilledPeriod, Proforma, ProformaStatus, Storno
from console.billing.payments.service import correct_credit, use_credit
from console.billing.quotes import service as quotes
from console.billing.quotes.models import Quote, QuoteLine, QuoteState
from console.billing.renewals.models import SuspensionRequest, SuspensionState
from console.billing.service import today
from console.core import clock
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Refusal
from console.core.transaction import transaction
from console.customers.models import Customer
from console.mail.models import Mail
from console.staff.roles import Role
from console.views.billing.proforma_lines import COLUMNS, read_rows, rows_of, services_for
from tests import factories
from tests.customers.test_people import actor_of
from tests.portal.things import quote_data
from tests.support.client import ConsoleClient, sign_in, sign_in_person
from tests.support.queries import count_queries

once_only = pytest.mark.only("sqlite")


@pytest.fixture
def customer(session: Session) -> Customer:
    return factories.make_customer()


def make(customer: Customer, *items: ItemData, **changes: Any) -> Proforma:
    data = replace(ProformaData("RSD", today() + timedelta(days=8), items), **changes)
    with transaction():
        number = make_proforma(SYSTEM, customer, data, uuid4().hex)["number"]
    return db.session.scalars(select(Proforma).where(Proforma.number == number)).one()


def pay(proforma: Proforma, amount: int) -> None:
    with transaction():
        correct_credit(SYSTEM, proforma.customer_id, "RSD", amount, "Uplata", uuid4().hex)
        use_credit(SYSTEM, proforma, amount)


def mails(template: str) -> list[Mail]:
    return list(db.session.scalars(select(Mail).where(Mail.template == template)))


# Storno ------------------------------------------------------------------------------------------------------------


@once_only
def test_a_storno_frees_the_period_and_what_was_paid_is_credit(customer: Customer) -> None:
    service = factories.make_service(customer)
    made = make(customer, ItemData("Produženje", 100_000, service_id=service.id))
    pay(made, 50_000)
    billing = factories.make_staff(Role.BILLING).actor()
    with pytest.raises(Invalid), transaction():
        cancelling.storno(billing, made.id, "  ", uuid4().hex)
    with pytest.raises(NotFound), transaction():
        cancelling.storno(factories.make_staff(Role.SUPERVISOR).actor(), made.id, "Greška", uuid4().hex)
    with transaction():
        answer = cancelling.storno(billing, made.id, "Greška, PIN 482913", "k")
    assert answer["credited"] == 50_000 and credit_of(customer.id) == {"RSD": 50_000}
    assert (made.status, made.paid) == (ProformaStatus.CANCELLED, 0)
    assert "482913" not in db.session.scalars(select(Storno)).one().reason
    assert db.session.scalar(select(func.count()).select_from(BilledPeriod)) == 0
    assert "500,00" in mails("proforma_cancelled")[0].text
    with transaction():
        assert cancelling.storno(billing, made.id, "Greška, PIN 482913", "k") == answer
    with pytest.raises(Conflict) as caught, transaction():
        cancelling.storno(billing, made.id, "Opet", "other")
    assert caught.value.code == "not_active"


@once_only
def test_what_is_paid_is_not_cancelled(customer: Customer) -> None:
    made = make(customer, ItemData("x", 100))
    pay(made, made.total)
    with pytest.raises(Conflict), transaction():
        cancelling.storno(SYSTEM, made.id, "Greška", uuid4().hex)


# Corrected copy ----------------------------------------------------------------------------------------------------


def correction(*items: ItemData, currency: str = "RSD") -> ProformaData:
    return ProformaData(currency, today() + timedelta(days=8), items)


@once_only
def test_a_corrected_copy_cites_the_original_and_keeps_its_period_and_payment(customer: Customer) -> None:
    service = factories.make_service(customer)
    old = make(customer, ItemData("Produženje", 100_000, service_id=service.id))
    later = make(customer, ItemData("Sledeće", 100_000, service_id=service.id))
    pay(old, 50_000)
    with transaction():
        answer = cancelling.correct(
            SYSTEM, old.id, correction(ItemData("Ispravno", 30_000, service_id=service.id)), "Cena", uuid4().hex
        )
    new = db.session.scalars(select(Proforma).where(Proforma.number == answer["number"])).one()
    assert (new.source_id, old.status, answer["storno"][:3]) == (old.id, ProformaStatus.CANCELLED, "ST-")
    assert (new.lines[0].period_from, new.lines[0].period_to) == (old.lines[0].period_from, old.lines[0].period_to)
    assert later.lines[0].period_from != new.lines[0].period_from
    assert (new.paid, new.status) == (36_000, ProformaStatus.PAID) and credit_of(customer.id) == {"RSD": 14_000}
    assert service.paid_until == new.lines[0].period_to
    assert new.number in mails("proforma_cancelled")[0].text


@once_only
def test_what_a_corrected_copy_costs_more_comes_from_the_credit_too_where_that_is_wanted(customer: Customer) -> None:
    old = make(customer, ItemData("Rad", 50_000))
    pay(old, 20_000)
    with transaction():
        customer.credit_first = True
        correct_credit(SYSTEM, customer.id, "RSD", 200_000, "Uplata", uuid4().hex)
    with transaction():
        answer = cancelling.correct(SYSTEM, old.id, correction(ItemData("Rad", 100_000)), "Cena", uuid4().hex)
    assert answer["owed"] == 0 and credit_of(customer.id) == {"RSD": 100_000}


@once_only
def test_a_correction_that_is_wrong_cancels_nothing(customer: Customer) -> None:
    old = make(customer, ItemData("x", 100))
    others = factories.make_service(factories.make_customer())
    for items in ((), (ItemData("x", -1),), (ItemData("x", 1, service_id=others.id),)):
        with pytest.raises(Refusal), transaction():
            cancelling.correct(SYSTEM, old.id, correction(*items), "Cena", uuid4().hex)
    db.session.expire_all()
    assert old.status is ProformaStatus.OPEN and db.session.scalar(select(func.count()).select_from(Storno)) == 0


@once_only
def test_another_currency_leaves_what_was_paid_as_credit(customer: Customer) -> None:
    old = make(customer, ItemData("x", 100_000))
    pay(old, 50_000)
    with transaction():
        answer = cancelling.correct(SYSTEM, old.id, correction(ItemData("x", 1_000), currency="EUR"), "€", uuid4().hex)
    assert answer["owed"] == 1_200 and credit_of(customer.id) == {"RSD": 50_000}


@pytest.mark.both
def test_a_storno_and_a_correction_at_once_have_one_outcome(
    app: Flask, customer: Customer, in_threads: Callable[[Callable[[], None], int], None]
) -> None:
    service = factories.make_service(customer)
    old_id = make(customer, ItemData("x", 100, service_id=service.id)).id
    service_id = service.id
    db.session.rollback()
    done: list[str] = []

    def work() -> None:
        with app.app_context():
            try:
                with transaction():
                    data = correction(ItemData("x", 1, service_id=service_id))
                    done.append(cancelling.correct(SYSTEM, old_id, data, "Cena", uuid4().hex)["number"])
            except Conflict:
                pass
            finally:
                db.session.remove()

    in_threads(work, 4)
    db.session.expire_all()
    assert len(done) == 1 and db.session.scalar(select(func.count()).select_from(Storno)) == 1
    assert db.session.scalar(select(func.count()).select_from(BilledPeriod)) == 1


# The pages of both -------------------------------------------------------------------------------------------------


@once_only
def test_the_pages_of_a_storno_and_a_corrected_copy(app: Flask, client: ConsoleClient, customer: Customer) -> None:
    sign_in(client, Role.BILLING)
    old = make(customer, ItemData("Rad", 90_000, quantity=2, discount=10_000, discount_bp=1_000), note="Hvala")
    address = f"/console/proformas/{old.number}"
    assert f"{address}/storno" in client.get(address).text
    page = client.get(f"{address}/storno")
    assert page.status_code == 200 and "−1.080,00" in page.text
    with count_queries(app) as queries:
        page = client.get(f"{address}/correct")
    assert page.status_code == 200 and 'value="500,00"' in page.text and 'value="10%"' in page.text
    assert len(queries) <= 8, queries
    assert client.submit(f"{address}/storno", reason="", idempotency_key="a").status_code == 422
    fields = {
        "reason": "Cena", "idempotency_key": "b", "currency": "RSD", "due_on": old.due_on.isoformat(),
        "service": [""], "description": ["Rad"], "quantity": ["1"], "price": ["100"], "discount": [""], "tax": [""],
    }  # fmt: skip
    response = client.submit(f"{address}/correct/preview", headers={"HX-Request": "true"}, **fields)
    assert "120,00" in response.text
    made = client.submit(f"{address}/correct", json=True, **fields)
    assert made.status_code == 201 and made.json["proforma"]["total"] == 12_000
    assert client.submit(f"{address}/storno", json=True, reason="Opet", idempotency_key="c").status_code == 409
    new = f"/console/proformas/{made.json['proforma']['number']}"
    assert old.number in client.get(new).text
    assert client.submit(f"{new}/storno", json=True, reason="x", idempotency_key="d").json["storno"]["credited"] == 0
    assert client.submit(f"{new}/remind", json=True).status_code == 409


@once_only
def test_no_line_of_a_long_document_is_lost_on_the_way_through_its_form(
    client: ConsoleClient, customer: Customer
) -> None:
    sign_in(client, Role.BILLING)
    old = make(customer, *(ItemData(f"Rad {place}", 1_000) for place in range(101)))
    rows = rows_of(old)
    fields: dict[str, Any] = {name: [getattr(row, name) for row in rows] for name in COLUMNS}
    fields |= {"reason": "Cena", "currency": "RSD", "due_on": old.due_on.isoformat()}
    many = {name: fields[name] * 10 for name in COLUMNS}
    address = f"/console/proformas/{old.number}/correct"
    assert client.submit(address, json=True, **fields | many, idempotency_key="a").status_code == 422
    made = client.submit(address, json=True, **fields, idempotency_key="b").json["proforma"]
    assert made["total"] == old.total


@once_only
def test_a_corrected_copy_bills_as_many_periods_though_their_price_cannot_be_divided(customer: Customer) -> None:
    """A program gives the price of the whole line; a form has the price of one."""
    service = factories.make_service(customer)
    items = [
        ItemData("Tri perioda", 100_000, quantity=3, service_id=service.id),
        ItemData("Još tri", 90_001, quantity=3, service_id=service.id, discount=10_000, discount_bp=1_000),
        ItemData("Rad", 100_000, quantity=3),
    ]
    old = make(customer, *items)
    again = read_rows(rows_of(old), customer, services_for(customer))
    assert [one.net for one in again] == [one.net for one in items]
    assert [one.quantity for one in again] == [3, 3, 1]
    with transaction():
        number = cancelling.correct(SYSTEM, old.id, ProformaData("RSD", old.due_on, again), "Opis", uuid4().hex)[
            "number"
        ]
    new = db.session.scalars(select(Proforma).where(Proforma.number == number)).one()
    assert [line.period_to for line in new.lines] == [line.period_to for line in old.lines]


# Quotes ------------------------------------------------------------------------------------------------------------


def accepted(customer: Customer) -> Quote:
    actor = factories.make_staff(Role.BILLING).actor()
    with transaction():
        number = quotes.send_quote(actor, customer, quote_data(), uuid4().hex)["number"]
    quote = db.session.get_one(Quote, int(number[2:]))
    with transaction():
        quotes.accept_quote(actor_of(factories.owner_of(customer)), quote.id)
    return quote


@once_only
def test_an_accepted_quote_becomes_a_proforma_once(customer: Customer) -> None:
    quote = accepted(customer)
    due_on = today() + timedelta(days=8)
    with transaction():
        answer = bill_quote(SYSTEM, quote.id, due_on, "k")
    assert (answer["total"], quote.proforma is not None) == (quote.total, True)
    with transaction():
        assert bill_quote(SYSTEM, quote.id, due_on, "k") == answer
    with pytest.raises(Conflict) as caught, transaction():
        bill_quote(SYSTEM, quote.id, due_on, "other")
    assert caught.value.code == "billed"
    with pytest.raises(NotFound), transaction():
        bill_quote(factories.make_staff(Role.SUPERVISOR).actor(), quote.id, due_on, "x")


@pytest.mark.both
def test_two_who_bill_one_quote_make_one_proforma(
    app: Flask, customer: Customer, in_threads: Callable[[Callable[[], None], int], None]
) -> None:
    quote_id = accepted(customer).id
    db.session.rollback()

    def work() -> None:
        with app.app_context():
            try:
                with transaction():
                    bill_quote(SYSTEM, quote_id, today() + timedelta(days=8), uuid4().hex)
            except Conflict:
                pass
            finally:
                db.session.remove()

    in_threads(work, 4)
    assert db.session.scalar(select(func.count()).select_from(Proforma)) == 1


@once_only
def test_a_quote_that_waits_or_was_declined_is_not_billed(customer: Customer) -> None:
    actor = factories.make_staff(Role.BILLING).actor()
    with transaction():
        number = quotes.send_quote(actor, customer, quote_data(), uuid4().hex)["number"]
    with pytest.raises(Conflict) as caught, transaction():
        bill_quote(SYSTEM, int(number[2:]), today(), uuid4().hex)
    assert caught.value.code == "not_accepted"


@once_only
def test_a_draft_is_seen_by_staff_alone_until_it_is_sent(client: ConsoleClient, customer: Customer) -> None:
    actor = factories.make_staff(Role.BILLING).actor()
    with transaction():
        number = quotes.save_draft(actor, customer, quote_data(), "k")["number"]
    quote = db.session.get_one(Quote, int(number[2:]))
    assert quote.state is QuoteState.DRAFT and mails("quote_sent") == []
    sign_in_person(client, factories.owner_of(customer).person.email)
    assert client.get(f"/moj/quotes/{number}").status_code == 404 and number not in client.get("/moj/quotes/").text
    seen = quotes.mark_draft(quote)
    with transaction():
        quotes.change_draft(actor, quote.id, quote_data(note="Novo", lines=quote_data().lines[:1]), seen=seen)
    assert (quote.note, len(quote.lines)) == ("Novo", 1)
    with pytest.raises(Conflict), transaction():
        quotes.change_draft(actor, quote.id, quote_data(lines=()), seen=seen)
    with transaction():
        quotes.send_draft(actor, quote.id)
    assert quote.state is QuoteState.SENT and len(mails("quote_sent")) == 1
    for verb in (quotes.send_draft, quotes.discard_draft):
        with pytest.raises(Conflict), transaction():
            verb(actor, quote.id)


@once_only
def test_a_draft_may_be_unfinished_but_is_not_sent_so(customer: Customer) -> None:
    actor = factories.make_staff(Role.BILLING).actor()
    with transaction():
        number = quotes.save_draft(actor, customer, quote_data(lines=()), "k")["number"]
    with pytest.raises(Invalid), transaction():
        quotes.send_draft(actor, int(number[2:]))
    with transaction():
        quotes.discard_draft(actor, int(number[2:]))
    assert db.session.scalar(select(func.count()).select_from(Quote)) == 0
    assert db.session.scalar(select(func.count()).select_from(QuoteLine)) == 0


@once_only
def test_the_pages_of_a_draft_and_of_billing_a_quote(client: ConsoleClient, customer: Customer) -> None:
    sign_in(client, Role.BILLING)
    fields = {
        "customer": customer.number, "currency": "RSD", "valid_until": (today() + timedelta(days=5)).isoformat(),
        "note": "", "idempotency_key": "k", "product": [""], "description": ["Rad"], "quantity": ["1"],
        "net": ["1.500,00"], "tax": [""],
    }  # fmt: skip
    number = client.submit("/console/quotes/new", json=True, draft="1", **fields).json["quote"]["number"]
    address = f"/console/quotes/{number}"
    assert f"{address}/edit" in client.get(address).text
    page = client.get(f"{address}/edit")
    assert page.status_code == 200 and "1.500,00" in page.text
    wrong = client.submit(f"{address}/edit", **fields | {"net": ["x"]})
    assert wrong.status_code == 422
    assert client.submit(f"{address}/edit", json=True, draft="1", **fields).json["quote"]["state"] == "draft"
    assert client.submit(f"{address}/send", json=True).status_code == 200
    assert client.get(f"{address}/bill").status_code == 200  # says why it cannot
    quote = accepted(customer)
    address = f"/console/quotes/{quote.number}"
    assert f"{address}/bill" in client.get(address).text
    page = client.get(f"{address}/bill")
    assert "64.200,00" in page.text
    assert client.submit(f"{address}/bill", due_on="", idempotency_key="a").status_code == 422
    answer = client.submit(f"{address}/bill", due_on=today().isoformat(), idempotency_key="b")
    assert answer.status_code == 303 and client.get(answer.headers["Location"]).status_code == 200


@once_only
def test_a_quote_has_every_line_that_was_sent_or_none(client: ConsoleClient, customer: Customer) -> None:
    sign_in(client, Role.BILLING)

    def send(count: int) -> Any:
        lines = {"product": "", "description": "Rad", "quantity": "1", "net": "100", "tax": "20"}
        fields = {name: [value] * count for name, value in lines.items()}
        day = (today() + timedelta(days=8)).isoformat()
        more = {"customer": customer.number, "currency": "RSD", "valid_until": day, "idempotency_key": uuid4().hex}
        return client.submit("/console/quotes/new", json=True, **fields, **more)

    assert send(9).json["quote"]["total"] == 9 * 12_000
    assert send(31).status_code == 422


# Many at once, and the list ----------------------------------------------------------------------------------------


@once_only
def test_several_at_once_say_what_will_happen_and_why_not(client: ConsoleClient, customer: Customer) -> None:
    sign_in(client, Role.BILLING)
    one, two = (factories.make_proforma(customer, issued_days_ago=20) for _ in range(2))
    paid = factories.make_proforma(customer, paid=-1)
    pay(two, 1_000)
    ids = [str(row.id) for row in (one, two, paid)]
    for action in ("send", "remind", "storno"):
        page = client.submit("/console/proformas/action/", action=action, rowid=ids)
        assert page.status_code == 200 and one.number in page.text, action
    assert client.submit("/console/proformas/bulk", action="storno", rowid=ids, idempotency_key="a").status_code == 422
    answer = client.submit("/console/proformas/bulk", json=True, action="remind", rowid=ids, idempotency_key="b")
    assert [row["done"] for row in answer.json["results"]] == [True, True, False]
    again = client.submit("/console/proformas/bulk", json=True, action="remind", rowid=ids, idempotency_key="b")
    assert [row["done"] for row in again.json["results"]] == [True, True, False]
    assert len(mails("proforma_reminder")) == 2
    answer = client.submit(
        "/console/proformas/bulk", json=True, action="storno", rowid=ids, idempotency_key="c", reason="Greška"
    )
    assert [row["done"] for row in answer.json["results"]] == [True, True, False]
    assert credit_of(customer.id) == {"RSD": 1_000}
    page = client.submit("/console/proformas/bulk", action="send", rowid=ids, idempotency_key="d")
    assert page.status_code == 200 and len(mails("proforma_issued")) == 1
    assert client.submit("/console/proformas/bulk", action="delete", rowid=ids, idempotency_key="e").status_code == 404


@once_only
def test_one_that_was_paid_in_part_since_the_preview_is_not_cancelled_with_the_others(
    client: ConsoleClient, customer: Customer
) -> None:
    sign_in(client, Role.BILLING)
    one, two = (factories.make_proforma(customer) for _ in range(2))
    page = client.submit("/console/proformas/action/", action="storno", rowid=[str(one.id), str(two.id)]).text
    visible = re.findall(r'name="paid" value="([0-9:]+)"', page)
    assert visible == [f"{one.id}:0", f"{two.id}:0"]
    pay(two, 1_000)
    sent: dict[str, Any] = {
        "action": "storno",
        "rowid": [str(one.id), str(two.id)],
        "paid": visible,
        "reason": "Greška",
    }
    answer = client.submit("/console/proformas/bulk", json=True, idempotency_key="a", **sent)
    assert [row["done"] for row in answer.json["results"]] == [True, False]
    db.session.expire_all()
    assert [row.status for row in (one, two)] == [ProformaStatus.CANCELLED, ProformaStatus.PART_PAID]


@once_only
def test_the_list_says_what_is_owed_and_how_late(app: Flask, client: ConsoleClient, customer: Customer) -> None:
    sign_in(client, Role.BILLING)
    for days in (0, 10, 40, 80, 200):
        factories.make_proforma(customer, issued_days_ago=days, due_in_days=0)
    factories.make_proforma(customer, issued_days_ago=300, due_in_days=0, paid=-1)
    with count_queries(app) as queries:
        page = client.get("/console/proformas/")
    assert page.status_code == 200 and len(queries) <= 8, queries
    assert "72.000,00" in page.text  # five of 14.400,00
    for age in ("30", "60", "90", "more"):
        assert len(client.get_json(f"/console/proformas/?age={age}").json["items"]) == 1
    assert len(client.get_json("/console/proformas/?unpaid=1").json["items"]) == 5
    assert len(client.get_json("/console/proformas/?owed_from=14.400,00").json["items"]) == 5
    assert client.get_json("/console/proformas/?owed_from=14.400,01").json["items"] == []
    assert client.get_json("/console/proformas/?age=7&owed_until=x").json["ignored"]


@once_only
@pytest.mark.parametrize(("language", "words"), [("sr", "Više nije potrebno."), ("en", "No longer needed.")])
def test_a_request_that_no_longer_applies_says_so_in_the_readers_language(
    client: ConsoleClient, customer: Customer, language: str, words: str
) -> None:
    service = factories.make_service(customer)
    proforma = factories.make_proforma(customer, [service], issued_days_ago=40)
    with transaction() as session:
        closed = {"state": SuspensionState.DECLINED, "decided_at": clock.now()}
        session.add(SuspensionRequest(service=service, proforma=proforma, requested_at=clock.now(), **closed))
    sign_in(client, Role.BILLING)
    assert words in client.get("/console/suspensions/", headers={"Accept-Language": language}).text


@once_only
def test_suspension_requests_are_decided_in_their_list(app: Flask, client: ConsoleClient, customer: Customer) -> None:
    sign_in(client, Role.BILLING)
    ids = []
    for _ in range(3):
        service = factories.make_service(customer)
        proforma = factories.make_proforma(customer, [service], issued_days_ago=40)
        with transaction() as session:
            session.add(row := SuspensionRequest(service=service, proforma=proforma, requested_at=clock.now()))
            session.flush()
            ids.append(str(row.id))
    with count_queries(app) as queries:
        page = client.get("/console/suspensions/?state=open")
    assert page.status_code == 200 and len(queries) <= 8, queries
    client.submit("/console/suspensions/action/", action="suspend", rowid=ids[:1])
    assert client.submit("/console/suspensions/action/", action="decline", rowid=ids[1:]).status_code == 200
    assert client.submit("/console/suspensions/decline", rowid=ids[1:], reason=" ").status_code == 422
    answer = client.submit("/console/suspensions/decline", json=True, rowid=ids, reason="Dogovor")
    assert (answer.json["done"], len(answer.json["problems"])) == (2, 1)
    states = [row["state"] for row in client.get_json("/console/suspensions/").json["items"]]
    assert sorted(states) == ["declined", "declined", "done"]
    assert client.submit("/console/suspensions/action/", action="restore", rowid=ids[:1]).status_code == 200
    assert client.submit("/console/suspensions/restore", rowid=ids[:1], reason=" ").status_code == 422
    answer = client.submit("/console/suspensions/restore", json=True, rowid=ids, reason="Zabuna")
    assert (answer.json["done"], len(answer.json["problems"])) == (1, 2)
