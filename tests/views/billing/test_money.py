"""Money in: by day, week and month, each currency apart, what was sent back left out; as a page and as a file."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy.orm import Session

from console.billing.payments.service import IncomingPayment, correct_credit, receive, refund_credit, resolve
from console.core.actor import SYSTEM
from console.core.transaction import transaction
from console.staff.roles import Role
from tests import factories
from tests.factories.shared import today
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries
from tests.support.spreadsheets import read

MONEY = "/console/money/"
ENGLISH = {"Accept-Language": "en"}


def came(amount: int, days_ago: int, currency: str = "RSD") -> int:
    with transaction():
        incoming = IncomingPayment("nema", amount, currency, today() - timedelta(days=days_ago))
        (payment,) = receive(SYSTEM, [incoming], by_person=False)
    return payment.id


@pytest.fixture
def money(session: Session) -> None:
    """Two payments and one that was sent back, a month ago one more, some euros, and a refund."""
    customer = factories.make_customer()
    for amount, days_ago, currency in ((100, 0, "RSD"), (200, 0, "RSD"), (400, 40, "RSD"), (7, 1, "EUR")):
        came(amount, days_ago, currency)
    back = came(50, 0)
    with transaction():
        resolve(SYSTEM, back, "return", reason="Tuđa uplata", key="k")
        correct_credit(SYSTEM, customer.id, "RSD", 30, "Poklon", "k")
        refund_credit(SYSTEM, customer.id, "RSD", 20, "Traži nazad", "k")


@pytest.mark.both
def test_each_step_sums_its_days(client: ConsoleClient, money: None) -> None:
    sign_in(client, Role.BILLING)
    period = f"from={today() - timedelta(days=60)}&until={today()}"
    for by, days in (("day", 7), ("week", 7), ("month", 31)):  # too fine for two months: weeks
        payload: Any = client.get_json(f"{MONEY}?{period}&by={by}").json
        assert payload["by"] == ("week" if by == "day" else by)
        assert payload["totals"]["RSD"] == {"payments": 3, "amount": 700, "unmatched": 700, "returned": 50}
        assert payload["totals"]["EUR"] == {"payments": 1, "amount": 7, "unmatched": 7, "returned": 0}
        assert payload["refunded"] == {"RSD": 20}
        assert sum(one["RSD"]["amount"] for one in payload["items"]) == 700
        spans = [(date.fromisoformat(one["from"]), date.fromisoformat(one["until"])) for one in payload["items"]]
        assert all((last - first).days < days for first, last in spans)
        assert spans[-1][1] == today()
    assert client.get_json(f"{MONEY}?from=2026-13-01").status_code == 422


@pytest.mark.only("sqlite")
def test_the_page_and_its_files_say_the_same(app: Flask, client: ConsoleClient, money: None) -> None:
    sign_in(client, Role.SUPERVISOR)
    query = f"from={today() - timedelta(days=60)}&until={today()}&by=month"
    with count_queries(app) as seen:
        page = client.get(f"{MONEY}?{query}", headers=ENGLISH).text
    assert seen.count <= 8, seen
    for words in ("7.00 RSD received", "0.07 EUR received", "month by month", "of credit was refunded to customers"):
        assert words in page, words
    wrong = client.get(f"{MONEY}?from=2026-13-01", headers=ENGLISH)
    assert wrong.status_code == 422 and "2026-13-01" in wrong.text
    assert "No payments" in client.get(f"{MONEY}?from=2020-01-01&until=2020-01-31", headers=ENGLISH).text
    rows = read(client.get(f"{MONEY}export/csv/?{query}", headers=ENGLISH).text)
    assert rows[0][2:] == ["Currency", "Payments", "Received", "Of which unmatched", "Sent back to payers"]
    assert sum(float(row[4]) for row in rows[1:] if row[2] == "RSD") == 7
    file = io.BytesIO(client.get(f"{MONEY}export/xlsx/?{query}", headers=ENGLISH).data)
    assert load_workbook(file).worksheets[0].max_row == len(rows)
    assert client.get(f"{MONEY}export/pdf/").status_code == 404
