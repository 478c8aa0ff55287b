"""Billing's home: each figure is that of the list behind it, both currencies apart, in few statements."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from console.billing.migration import plan_for
from console.billing.migration.scheduling import schedule
from console.billing.payments.service import IncomingPayment, receive
from console.billing.renewals.models import SuspensionRequest
from console.core import clock
from console.core.actor import SYSTEM
from console.core.transaction import transaction
from console.staff.roles import Role
from tests import factories
from tests.factories.billing import pay_proforma
from tests.factories.migrations import make_move
from tests.factories.shared import today
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries

pytestmark = pytest.mark.only("sqlite")
HOME = "/console/billing/"
TOTAL = 1_440_000


def rows_behind(client: ConsoleClient, url: str) -> int:
    joint = "&" if "?" in url else "?"
    return len(client.get_json(f"{url}{joint}page_size=100").json["items"])


@pytest.fixture
def day(session: Session) -> None:
    """Documents due today, overdue by every age, paid and cancelled; payments that match and that do not."""
    customer, foreign = factories.make_customer(), factories.make_customer(currency="EUR")
    for days in (0, 0, 1, 30, 31, 60, 61, 90, 91, 400):
        factories.make_proforma(customer, issued_days_ago=days + 8)
        factories.make_proforma(foreign, issued_days_ago=days + 8)
    factories.make_proforma(customer, issued_days_ago=20, paid=-1)
    factories.make_proforma(customer, issued_days_ago=20, cancelled=True)
    factories.make_proforma(customer, issued_days_ago=20, paid=1_000_000)
    factories.make_proforma(customer)
    with transaction():
        receive(SYSTEM, [IncomingPayment("97-1", 5_000, "EUR", today())], by_person=False)
    make_move().request()
    planned = make_move().to_approved()
    day_after = today() + timedelta(days=2)
    with transaction() as work:
        digest = plan_for(planned.migration(), day_after).digest
        schedule(planned.billing, planned.ref, digest, day_after, uuid4().hex, lose_exemption=True)
        service, late = factories.make_service(customer), factories.make_proforma(customer)
        work.add(SuspensionRequest(service_id=service.id, proforma_id=late.id, requested_at=clock.now()))


@pytest.mark.both
def test_each_figure_is_the_number_of_rows_behind_it(client: ConsoleClient, day: None) -> None:
    sign_in(client, Role.BILLING)
    payload: Any = client.get_json(HOME).json
    figures = payload["figures"]
    assert {key: one["count"] for key, one in figures.items()} == {
        "due": 4, "unmatched": 1, "migrations": 1, "suspensions": 1, "duties": 0,
    }  # fmt: skip
    assert figures["due"]["amounts"] == {"RSD": 2 * TOTAL, "EUR": 2 * TOTAL}
    assert rows_behind(client, figures["due"]["url"]) == 4
    for key in ("suspensions", "migrations"):
        assert rows_behind(client, figures[key]["url"]) == figures[key]["count"] + (key == "migrations"), key
    assert figures["unmatched"]["amounts"] == {"EUR": 5_000}
    assert {key: one["count"] for key, one in payload["overdue"].items()} == {"30": 5, "60": 4, "90": 4, "more": 4}
    assert payload["overdue"]["30"]["amounts"] == {"RSD": 2 * TOTAL + 440_000, "EUR": 2 * TOTAL}
    for one in payload["overdue"].values():
        assert rows_behind(client, one["url"]) == one["count"], one


def test_the_page_says_the_same_and_draws_what_came_in(client: ConsoleClient, day: None) -> None:
    sign_in(client, Role.BILLING)
    page = client.get(HOME, headers={"Accept-Language": "en"}).text
    assert "24,400.00 RSD received in 14 days" in page  # a paid and a part-paid document
    assert "50.00 EUR received in 14 days" in page
    assert "33,200.00" in page and "up to 30 days" in page
    day_after = (today() + timedelta(days=2)).strftime("%-d %b %Y")
    assert f"next {day_after} 07:00" in page
    (planned,) = re.findall(r'href="([^"]*scheduled=yes)"', page)
    assert rows_behind(client, planned.replace("&amp;", "&")) == 1
    for url in re.findall(r'href="(/console/(?:proformas|duties|migrations|unmatched|suspensions|money)/[^"]*)"', page):
        assert client.get(url.replace("&amp;", "&")).status_code == 200, url


def test_an_empty_day_says_so(client: ConsoleClient, session: Session) -> None:
    sign_in(client, Role.BILLING)
    page = client.get(HOME, headers={"Accept-Language": "en"}).text
    assert "No payments in 14 days" in page and "none waiting" in page


def test_it_takes_at_most_eight_statements(app: Flask, client: ConsoleClient, day: None) -> None:
    sign_in(client, Role.BILLING)
    client.get(HOME)
    with count_queries(app) as seen:
        assert client.get(HOME).status_code == 200
    assert seen.count <= 8, "\n".join(seen)


def test_billing_begins_there_and_others_at_the_dashboard(client: ConsoleClient, session: Session) -> None:
    for role in Role:
        staff = factories.make_staff(role)
        answer = client.submit("/login", email=staff.email, password=factories.PASSWORD)
        assert answer.location == (HOME if role is Role.BILLING else "/console/"), role
        assert client.get(HOME).status_code == (200 if role is Role.BILLING else 404)
        client.submit("/logout")
    staff = factories.make_staff(Role.BILLING)
    answer = client.submit("/login", email=staff.email, password=factories.PASSWORD, next="/console/migrations/")
    assert answer.location == "/console/migrations/"


def test_the_chart_counts_fourteen_days(client: ConsoleClient, session: Session) -> None:
    sign_in(client, Role.BILLING)
    for days, amount in ((13, 1_000_000), (14, 9_000_000)):
        incoming = IncomingPayment("1", amount, "RSD", today() - timedelta(days=days))
        with transaction():
            receive(SYSTEM, [incoming], by_person=False)
    pay_proforma(factories.make_proforma(factories.make_customer()), TOTAL)
    page = client.get(HOME, headers={"Accept-Language": "en"}).text
    assert "24,400.00 RSD received in 14 days" in page and "in thousands of RSD" in page
