from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Flask
from sqlalchemy.orm import Session

from tests import factories
from tests.conftest import Clock


def test_documents_are_dated_back_by_days_also_over_summer_time(
    sqlite_app: Flask, session: Session, clock: Clock
) -> None:
    """In its last hour a winter's day reached back to another one of the summer, and figures by age were off by one."""
    clock.set(datetime(2027, 1, 31, 22, 30, tzinfo=UTC))  # 23:30 in Belgrade
    proforma = factories.make_proforma(factories.make_customer(), issued_days_ago=99)
    assert proforma.issued_on == factories.today() - timedelta(days=99)
