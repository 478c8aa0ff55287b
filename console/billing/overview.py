"""Figures of billing's day: what is due, what is overdue and how long, what came in. One statement each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import case, func, select

from console.billing.models import ACTIVE_STATUSES, OPEN_STATES, Migration, MigrationState, Proforma
from console.billing.payments.models import Payment, PaymentState
from console.core.db import db

TODAY = "today"
# Days past due, the first and the last; the last has no end.
AGES: dict[str, tuple[int, int | None]] = {"30": (1, 30), "60": (31, 60), "90": (61, 90), "more": (91, None)}
IN = (PaymentState.MATCHED, PaymentState.UNMATCHED)  # money that is here


@dataclass(frozen=True)
class Owed:
    """How many documents, and how much is owed on them, in minor units."""

    count: int = 0
    amount: int = 0


@dataclass(frozen=True)
class Unmatched:
    """Payments that wait for a person: how many, how much by currency, and since when."""

    count: int
    amounts: dict[str, int]
    oldest: datetime | None


def days_of(age: str, today: date) -> tuple[date | None, date]:
    """Return the due dates of an age, the first (``None``: whenever) and the last."""
    youngest, oldest = AGES[age]
    return None if oldest is None else today - timedelta(days=oldest), today - timedelta(days=youngest)


def receivables(today: date) -> dict[tuple[str, str], Owed]:
    """Return what is owed on documents that are due today or overdue, by age (or :data:`TODAY`) and currency."""
    ages = [(Proforma.due_on >= days_of(age, today)[0], age) for age in AGES if AGES[age][1] is not None]
    age = case((Proforma.due_on == today, TODAY), *ages, else_="more").label("age")
    count, owed = func.count().label("documents"), func.sum(Proforma.total - Proforma.paid).label("owed")
    query = (
        select(age, Proforma.currency, count, owed)
        .where(Proforma.status.in_(ACTIVE_STATUSES), Proforma.due_on <= today)
        .group_by(age, Proforma.currency)
    )
    return {(row.age, row.currency): Owed(row.documents, int(row.owed)) for row in db.session.execute(query)}


def unmatched() -> Unmatched:
    """Return what waits among the unmatched payments."""
    query = (
        select(Payment.currency, func.count(), func.sum(Payment.amount), func.min(Payment.recorded_at))
        .where(Payment.state == PaymentState.UNMATCHED)
        .group_by(Payment.currency)
    )
    rows = db.session.execute(query).all()
    return Unmatched(
        sum(count for _currency, count, _amount, _oldest in rows),
        {currency: int(amount) for currency, _count, amount, _oldest in rows},
        min((oldest for *_rest, oldest in rows), default=None),
    )


def waiting_migrations() -> dict[MigrationState, int]:
    """Return how many migrations wait in each open state."""
    query = select(Migration.state, func.count()).where(Migration.state.in_(OPEN_STATES)).group_by(Migration.state)
    counts: Mapping[MigrationState, int] = dict(db.session.execute(query).all())
    return {state: counts.get(state, 0) for state in OPEN_STATES}


def money_in(since: date, until: date) -> dict[tuple[date, str], int]:
    """Return what came in by day and currency, both days included; what was sent back left out."""
    query = (
        select(Payment.paid_on, Payment.currency, func.sum(Payment.amount))
        .where(Payment.paid_on.between(since, until), Payment.state.in_(IN))
        .group_by(Payment.paid_on, Payment.currency)
    )
    return {(day, currency): int(amount) for day, currency, amount in db.session.execute(query)}
