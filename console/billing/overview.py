"""Figures of billing's day: what is due, what is overdue and how long, what came in. One statement each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import CompoundSelect, String, case, cast, func, literal, null, select, union_all

from console.billing.ledger.models import Account, EntryKind, LedgerEntry, LedgerPosting
from console.billing.models import ACTIVE_STATUSES, OPEN_STATES, Migration, MigrationState, Proforma
from console.billing.payments.models import Payment, PaymentState
from console.billing.renewals.models import SuspensionRequest, SuspensionState
from console.core.db import db

SUSPENSIONS = "suspensions"
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


@dataclass(frozen=True)
class Waiting:
    """What waits for a decision or a day.

    Args:
        migrations: how many, by open state.
        scheduled, next_at: of those that are approved, how many a worker executes, and when the first of them.
        suspensions: requests to suspend a service that is not paid.
    """

    migrations: Mapping[MigrationState, int]
    scheduled: int
    next_at: datetime | None
    suspensions: int


@dataclass(frozen=True)
class Received:
    """What came in one currency on one day, in minor units. ``returned`` was sent back and is in no other figure.

    Args:
        unmatched: so much of ``amount`` waits for a person.
    """

    payments: int = 0
    amount: int = 0
    unmatched: int = 0
    returned: int = 0

    def __add__(self, other: Received) -> Received:
        return Received(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))


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


def waiting() -> Waiting:
    """Return which migrations wait, and how many suspension requests, in one statement."""
    of_state = func.count().label("waiting")
    migrations = select(
        cast(Migration.state, String).label("state"), of_state, func.count(Migration.scheduled_for).label("scheduled"),
        func.min(Migration.scheduled_for).label("next"),
    ).where(Migration.state.in_(OPEN_STATES)).group_by(Migration.state)  # fmt: skip
    suspensions = select(literal(SUSPENSIONS), func.count(), literal(0), null()).where(
        SuspensionRequest.state == SuspensionState.OPEN
    )
    query: CompoundSelect[Any] = union_all(migrations, suspensions)
    rows: dict[str, Any] = {row.state: row for row in db.session.execute(query)}
    approved = rows.get(MigrationState.APPROVED.value)
    return Waiting(
        {state: rows[state.value].waiting if state.value in rows else 0 for state in OPEN_STATES},
        approved.scheduled if approved else 0,
        approved.next if approved else None,
        rows[SUSPENSIONS].waiting,
    )


def money_in(since: date, until: date) -> dict[tuple[date, str], Received]:
    """Return what came in by the day on which it was paid and by currency, both days included."""
    here, returned = Payment.state.in_(IN), Payment.state == PaymentState.RETURNED
    waits = Payment.state == PaymentState.UNMATCHED
    query = (
        select(
            Payment.paid_on,
            Payment.currency,
            func.count(case((here, Payment.id))),
            *(func.sum(case((which, Payment.amount), else_=0)) for which in (here, waits, returned)),
        )
        .where(Payment.paid_on.between(since, until), here | returned)
        .group_by(Payment.paid_on, Payment.currency)
    )
    rows: Iterable[Any] = db.session.execute(query)
    return {(day, currency): Received(count, *map(int, amounts)) for day, currency, count, *amounts in rows}


def refunded(since: datetime, until: datetime) -> dict[str, int]:
    """Return how much credit went back to customers from ``since`` until before ``until``, by currency."""
    query = (
        select(LedgerPosting.currency, func.sum(-LedgerPosting.amount))
        .join(LedgerEntry, LedgerEntry.id == LedgerPosting.entry_id)
        .where(
            LedgerEntry.kind == EntryKind.REFUNDED,
            LedgerPosting.account == Account.BANK,
            LedgerEntry.at >= since,
            LedgerEntry.at < until,
        )
        .group_by(LedgerPosting.currency)
    )
    return {currency: int(amount) for currency, amount in db.session.execute(query)}
