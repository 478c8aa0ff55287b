"""The queue of tax documents: its parts, ticking in rows, each one's page, and the accountant's export."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.billing.duties.models import Duty, DutyState
from console.billing.models import Proforma
from console.billing.periods import next_period
from console.customers.models import CustomerKind
from console.staff.roles import Role
from tests import factories
from tests.conftest import Clock
from tests.factories.billing import LineSpec, pay_proforma
from tests.factories.shared import today
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries
from tests.support.spreadsheets import read

pytestmark = pytest.mark.only("sqlite")
LIST = "/console/duties/"
ENGLISH = {"Accept-Language": "en"}


def paid(kind: CustomerKind = CustomerKind.PERSON, name: str = "Petar Petrović") -> Proforma:
    customer = factories.make_customer(kind=kind, name=name)
    service = factories.make_service(customer)
    proforma = factories.make_proforma(customer, [LineSpec(service, period=next_period(service))])
    pay_proforma(proforma, proforma.total)
    return proforma


@pytest.fixture
def keys(session: Session) -> list[int]:
    """A consumer's three receipts and a company's two invoices."""
    paid()
    paid(CustomerKind.COMPANY, "Jasen d.o.o.")
    return list(session.scalars(select(Duty.id).order_by(Duty.id)))


def kinds(client: ConsoleClient, query: str) -> list[str]:
    return [item["kind"] for item in client.get_json(f"{LIST}?{query}").json["items"]]


@pytest.mark.both
def test_the_parts_of_the_queue(client: ConsoleClient, keys: list[int], clock: Clock) -> None:
    sign_in(client, Role.BILLING)
    assert kinds(client, "when=open&sort=due_on")[0] == "advance_receipt"
    assert kinds(client, "when=today") == kinds(client, "when=overdue") == []
    clock.advance(timedelta(days=30))
    sign_in(client, Role.BILLING)
    assert set(kinds(client, "when=overdue")) == {"advance_receipt", "advance_invoice"}
    assert len(kinds(client, "when=later")) == 3
    assert kinds(client, "kind=credit_note") == []
    month = f"{today() - timedelta(days=30):%Y-%m}"
    assert set(kinds(client, f"month={month}")) == {"advance_receipt", "advance_invoice"}
    answer = client.get_json(f"{LIST}?month=2026-13&when=never")
    assert len(answer.json["ignored"]) == 2
    page = client.get(f"{LIST}?when=open", headers=ENGLISH).text
    assert re.search(r'Overdue <span class="count count-hot">2<', page)
    assert "The rules in force" in page and "efiskalizovan.rs" in page


@pytest.mark.parametrize("many", [2, 6])
def test_it_takes_at_most_eight_statements(app: Flask, client: ConsoleClient, session: Session, many: int) -> None:
    for _ in range(many):
        paid()
    sign_in(client, Role.BILLING)
    client.get(LIST)
    with count_queries(app) as seen:
        assert client.get(f"{LIST}?when=open&sort=due_on").status_code == 200
    assert seen.count <= 8, "\n".join(seen)
    key = session.scalars(select(Duty.id)).first()
    with count_queries(app) as seen:
        assert client.get(f"{LIST}{key}").status_code == 200
    assert seen.count <= 8, "\n".join(seen)


def test_numbers_are_entered_in_the_rows(client: ConsoleClient, session: Session, keys: list[int]) -> None:
    sign_in(client, Role.BILLING)
    address = f"{LIST}?when=open&sort=due_on"
    assert client.get(address).text.count("data-number ") == 5
    fields = {f"number-{keys[0]}": "AB12-AB12-1", f"number-{keys[1]}": " ", f"number-{keys[3]}": "AR-2026-7"}
    answer = client.submit(address, headers=ENGLISH, **fields)
    assert answer.status_code == 303
    assert answer.location.startswith(LIST) and answer.location.endswith("#numbers")
    assert "when=open" in answer.location and "sort=due_on" in answer.location
    assert "2 documents were ticked" in client.get(answer.location, headers=ENGLISH).text
    done = session.scalars(select(Duty.number).where(Duty.state == DutyState.DONE).order_by(Duty.id)).all()
    assert done == ["AB12-AB12-1", "AR-2026-7"]
    assert kinds(client, "when=done") == ["advance_invoice", "advance_receipt"]


def test_what_is_refused_keeps_what_was_typed(client: ConsoleClient, session: Session, keys: list[int]) -> None:
    sign_in(client, Role.BILLING)
    address = f"{LIST}?when=open&sort=due_on"
    answer = client.submit(address, **{f"number-{keys[1]}": "x" * 61, f"number-{keys[2]}": "<b>17</b>"})
    assert answer.status_code == 422
    assert 'value="&lt;b&gt;17&lt;/b&gt;"' in answer.text
    assert client.submit(address).status_code == 422
    assert client.submit(address, **{"number-x": "1"}).status_code == 422
    assert client.submit(address, json=True, **{"number-99999": "1"}).status_code == 404
    response = client.submit(address, json=True, **{f"number-{keys[1]}": "17"})
    assert [one["number"] for one in response.json["done"]] == ["17"]
    assert client.submit(address, json=True, **{f"number-{keys[1]}": "18"}).status_code == 409


def test_one_duty_says_why_and_is_ticked_and_taken_back(client: ConsoleClient, keys: list[int]) -> None:
    sign_in(client, Role.BILLING)
    page = client.get(f"{LIST}{keys[0]}", headers=ENGLISH).text
    assert "next working day" in page and "Receipt Promet-Prodaja" in page
    assert client.submit(f"{LIST}{keys[0]}", number=" ").status_code == 422
    assert client.submit(f"{LIST}{keys[0]}", number="AB-1").location == f"{LIST}{keys[0]}"
    assert client.get_json(f"{LIST}{keys[0]}").json["duty"]["number"] == "AB-1"
    again = client.submit(f"{LIST}{keys[0]}", number="AB-2", headers=ENGLISH)
    assert again.status_code == 409 and "Nothing was saved" in again.text
    refused = client.submit(f"{LIST}{keys[0]}/reopen", reason="")
    assert refused.status_code == 422 and "is-invalid" in refused.text
    assert client.submit(f"{LIST}{keys[0]}/reopen", reason="Nije izdat").status_code == 303
    assert client.get_json(f"{LIST}{keys[0]}").json["duty"]["state"] == "open"
    assert client.get(f"{LIST}99999").status_code == 404
    assert client.get(f"{LIST}{2**40}").status_code == 404


def test_a_supervisor_reads_and_does_not_tick(client: ConsoleClient, keys: list[int]) -> None:
    sign_in(client, Role.SUPERVISOR)
    page = client.get(f"{LIST}?when=open").text
    assert "data-number " not in page and "number-" not in page
    assert '<form class="card-body' not in client.get(f"{LIST}{keys[0]}").text
    assert client.submit(LIST, **{f"number-{keys[0]}": "1"}).status_code == 404


def test_the_accountants_month(client: ConsoleClient, session: Session, keys: list[int]) -> None:
    sign_in(client, Role.BILLING)
    client.submit(LIST, **{f"number-{keys[3]}": "=AR-1"})
    query = f"month={today():%Y-%m}"
    rows = read(client.get(f"{LIST}export/csv/?{query}", headers=ENGLISH).text)
    assert rows[0][:6] == ["Document", "State", "Number issued", "Dated", "Issue by", "Customer"]
    by_kind = {row[0]: row for row in rows[1:]}
    assert set(by_kind) == {"Receipt Avans-Prodaja", "Advance invoice"}
    invoice, duty = by_kind["Advance invoice"], session.get_one(Duty, keys[3])
    assert invoice[1:4] == ["issued", "'=AR-1", duty.dated_on.isoformat()]
    assert invoice[6:8] == ["Jasen d.o.o.", duty.customer.pib] and invoice[12] == "14400.00"
    assert by_kind["Receipt Avans-Prodaja"][7] == ""
    answer = client.get(f"{LIST}export/xlsx/?{query}", headers=ENGLISH)
    cells = list(load_workbook(io.BytesIO(answer.data)).worksheets[0].iter_rows(values_only=True))
    answer.close()
    assert len(cells) == 3 and {row[12] for row in cells[1:]} == {14400}
    assert "=AR-1" in {row[2] for row in cells[1:]}
