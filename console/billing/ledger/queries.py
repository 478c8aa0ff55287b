"""Reading the ledger: what a customer has on credit, and their statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import func, select

from console.billing.ledger.models import Account, EntryKind, LedgerEntry, LedgerPosting
from console.billing.models import Migration, Proforma
from console.billing.payments.models import Payment
from console.core.context import settings
from console.core.db import db

_THEIRS = (Account.CREDIT, Account.DOCUMENT)


def credit_of(customer_id: int) -> dict[str, int]:
    """Return what a customer has on credit, by currency; nothing where it is zero."""
    return credits_of([customer_id]).get(customer_id, {})


def credits_of(customer_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Return what customers have on credit, by customer and currency; nothing where it is zero."""
    balance = -func.sum(LedgerPosting.amount)
    query = (
        select(LedgerPosting.customer_id, LedgerPosting.currency, balance)
        .where(LedgerPosting.customer_id.in_(customer_ids), LedgerPosting.account == Account.CREDIT)
        .group_by(LedgerPosting.customer_id, LedgerPosting.currency)
        .having(balance != 0)
        .order_by(LedgerPosting.currency.desc())
    )
    found: dict[int, dict[str, int]] = {}
    for customer_id, currency, amount in db.session.execute(query):
        if customer_id is not None:
            found.setdefault(customer_id, {})[currency] = int(amount)
    return found


@dataclass(frozen=True)
class StatementRow:
    """One entry as a customer sees it: ``credit`` came to them, ``debit`` was used or sent back."""

    at: datetime
    kind: EntryKind
    reason: str
    debit: int
    credit: int
    balance: int  # on credit after it
    proforma: str | None = None  # its number
    payment_id: int | None = None
    migration: str | None = None  # its reference
    paid_on: date | None = None


@dataclass(frozen=True)
class Statement:
    """What moved on an account in one currency between two days, both included."""

    currency: str
    since: date | None
    until: date
    opening: int
    rows: list[StatementRow] = field(default_factory=list)

    @property
    def closing(self) -> int:
        """Return the credit at its end."""
        return self.rows[-1].balance if self.rows else self.opening

    @property
    def debit(self) -> int:
        return sum(row.debit for row in self.rows)

    @property
    def credit(self) -> int:
        return sum(row.credit for row in self.rows)


def currencies_of(customer_id: int) -> list[str]:
    """Return the currencies in which anything ever moved on an account, RSD first."""
    query = (
        select(LedgerPosting.currency)
        .where(LedgerPosting.customer_id == customer_id)
        .distinct()
        .order_by(LedgerPosting.currency.desc())
    )
    return list(db.session.scalars(query))


def statement(customer_id: int, currency: str, since: date | None, until: date) -> Statement:
    """Return what moved on an account in one currency, the oldest first.

    What is paid on a document comes in and is used at once; the balance is what stays on credit.

    Args:
        since: the first day; all that ever was where not given.
        until: the last day.
    """
    theirs = (LedgerPosting.customer_id == customer_id, LedgerPosting.currency == currency)
    opening = 0
    if since is not None:
        before = select(func.coalesce(-func.sum(LedgerPosting.amount), 0)).join(LedgerEntry)
        opening = int(
            db.session.scalar(
                before.where(*theirs, LedgerPosting.account == Account.CREDIT, LedgerEntry.at < _midnight(since))
            )
            or 0
        )
    query = (
        select(LedgerEntry, LedgerPosting.account, LedgerPosting.amount, Proforma.number, Payment.paid_on, Migration)
        .join(LedgerPosting, LedgerPosting.entry_id == LedgerEntry.id)
        .outerjoin(Proforma, Proforma.id == LedgerPosting.proforma_id)
        .outerjoin(Payment, Payment.id == LedgerEntry.payment_id)
        .outerjoin(Migration, Migration.id == LedgerEntry.migration_id)
        .where(*theirs, LedgerPosting.account.in_(_THEIRS), LedgerEntry.at < _midnight(until + timedelta(days=1)))
        .order_by(LedgerEntry.at, LedgerEntry.id, LedgerPosting.id)
    )
    if since is not None:
        query = query.where(LedgerEntry.at >= _midnight(since))
    return Statement(currency, since, until, opening, _rows(db.session.execute(query).all(), opening))


def _rows(found: Sequence[Any], opening: int) -> list[StatementRow]:
    """Put the postings of each entry together. The opening entry has many documents, each a row of its own."""
    grouped: dict[tuple[int, str | None], list[Any]] = {}
    for row in found:
        entry, _account, _amount, number, *_rest = row
        key = (entry.id, number if entry.kind is EntryKind.OPENING else None)
        grouped.setdefault(key, []).append(row)
    rows, balance = [], opening
    for group in grouped.values():
        entry, paid_on, migration = group[0][0], group[0][4], group[0][5]
        on_credit = -sum(row[2] for row in group if row[1] is Account.CREDIT)
        on_documents = -sum(row[2] for row in group if row[1] is Account.DOCUMENT)
        outside = on_credit + on_documents
        balance += on_credit
        rows.append(
            StatementRow(
                at=entry.at,
                kind=entry.kind,
                reason=entry.reason,
                debit=max(on_documents, 0) + max(-outside, 0),
                credit=max(-on_documents, 0) + max(outside, 0),
                balance=balance,
                proforma=next((row[3] for row in group if row[3] is not None), None),
                payment_id=entry.payment_id,
                migration=None if migration is None else migration.ref,
                paid_on=paid_on,
            )
        )
    return rows


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=settings().zone)


def released_from(proforma_id: int) -> int:
    """Return what had been paid on a cancelled document and was put on credit, in minor units of its currency."""
    query = (
        select(func.sum(LedgerPosting.amount))
        .join(LedgerEntry)
        .where(
            LedgerPosting.proforma_id == proforma_id,
            LedgerEntry.kind == EntryKind.RELEASED,
            LedgerPosting.account == Account.DOCUMENT,
        )
    )
    return int(db.session.scalar(query) or 0)


def released_by(migration_id: int) -> dict[int, int]:
    """Return what a migration put on credit, by the cancelled document it had been paid on."""
    query = (
        select(LedgerPosting.proforma_id, LedgerPosting.amount)
        .join(LedgerEntry)
        .where(
            LedgerEntry.migration_id == migration_id,
            LedgerEntry.kind == EntryKind.RELEASED,
            LedgerPosting.account == Account.DOCUMENT,
        )
    )
    return {key: amount for key, amount in db.session.execute(query) if key is not None}
