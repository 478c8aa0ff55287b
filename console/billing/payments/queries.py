"""Reading payments: one with what became of it, those that wait, and what came on a document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from console.billing.ledger.models import Account, EntryKind, LedgerEntry, LedgerPosting
from console.billing.models import BilledPeriod, Proforma, ProformaLine
from console.billing.payments.models import Payment, PaymentState
from console.core.db import db
from console.hosting.models import Service
from console.staff.models import Staff

Renewal = tuple[Service, BilledPeriod]
QUEUE = 50  # payments that the queue shows at once


@dataclass(frozen=True)
class Step:
    """An entry of the ledger about a payment, as its page tells it."""

    entry: LedgerEntry
    by: str  # the member of staff; empty for the console itself


@dataclass(frozen=True)
class DocumentPayment:
    """An amount that came to a document, or was taken from it where it is below zero."""

    at: datetime
    kind: EntryKind
    amount: int
    payment_id: int | None
    paid_on: date | None


def find_payment(payment_id: int) -> Payment | None:
    """Return a payment with the document and the account that it went to."""
    query = (
        select(Payment)
        .options(joinedload(Payment.proforma), joinedload(Payment.customer))
        .where(Payment.id == payment_id)
    )
    return db.session.scalar(query)


def steps_of(payment: Payment) -> list[Step]:
    """Return what was done with a payment, the first first."""
    query = (
        select(LedgerEntry, Staff.name)
        .outerjoin(Staff, Staff.id == LedgerEntry.staff_id)
        .options(selectinload(LedgerEntry.postings).joinedload(LedgerPosting.proforma).load_only(Proforma.number))
        .where(LedgerEntry.payment_id == payment.id)
        .order_by(LedgerEntry.id)
    )
    return [Step(entry, name or "") for entry, name in db.session.execute(query)]


def list_unmatched(limit: int = QUEUE, *, named: int | None = None) -> list[Payment]:
    """Return payments that wait for a person, the longest waiting first.

    Args:
        named: one that is among them wherever it stands, if it waits.
    """
    query = select(Payment).where(Payment.state == PaymentState.UNMATCHED)
    order = [Payment.id] if named is None else [(Payment.id != named), Payment.id]
    return sorted(db.session.scalars(query.order_by(*order).limit(limit)), key=lambda one: one.id)


def find_unmatched(payment_id: int) -> Payment | None:
    """Return a payment if it waits for a person."""
    return db.session.scalar(
        select(Payment).where(Payment.id == payment_id, Payment.state == PaymentState.UNMATCHED).limit(1)
    )


def next_unmatched(payment_id: int) -> int | None:
    """Return the key of the payment that waits after this one; of the first where it was the last."""
    waits = select(Payment.id).where(Payment.state == PaymentState.UNMATCHED)
    order = ((Payment.id < payment_id), Payment.id)
    return db.session.scalar(waits.order_by(*order).limit(1))


def payments_of(proforma: Proforma) -> list[DocumentPayment]:
    """Return what came to a document and what was taken from it, the first first."""
    query = (
        select(LedgerEntry.at, LedgerEntry.kind, LedgerPosting.amount, LedgerEntry.payment_id, Payment.paid_on)
        .join(LedgerPosting, LedgerPosting.entry_id == LedgerEntry.id)
        .outerjoin(Payment, Payment.id == LedgerEntry.payment_id)
        .where(LedgerPosting.proforma_id == proforma.id, LedgerPosting.account == Account.DOCUMENT)
        .order_by(LedgerEntry.id, LedgerPosting.id)
    )
    return [
        DocumentPayment(at, kind, -amount, payment_id, paid_on)
        for at, kind, amount, payment_id, paid_on in db.session.execute(query)
    ]


def documents_of(payment: Payment) -> list[Proforma]:
    """Return the documents that a payment is on, in the order it was split over them."""
    on = (
        select(LedgerPosting.proforma_id, func.min(LedgerPosting.id).label("place"))
        .join(LedgerEntry)
        .where(LedgerEntry.payment_id == payment.id, LedgerPosting.account == Account.DOCUMENT)
        .group_by(LedgerPosting.proforma_id)
        .having(func.sum(LedgerPosting.amount) < 0)
        .subquery()
    )
    return list(db.session.scalars(select(Proforma).join(on, on.c.proforma_id == Proforma.id).order_by(on.c.place)))


def renewals_of(proforma_ids: Sequence[int]) -> dict[int, list[Renewal]]:
    """Return, by document, which services paying it renews, or renewed, with the period."""
    if not proforma_ids:
        return {}
    query = (
        select(ProformaLine.proforma_id, BilledPeriod)
        .join(ProformaLine, ProformaLine.id == BilledPeriod.proforma_line_id)
        .options(joinedload(BilledPeriod.service))
        .where(ProformaLine.proforma_id.in_(proforma_ids))
        .order_by(ProformaLine.proforma_id, ProformaLine.position)
    )
    found: dict[int, list[Renewal]] = {}
    for proforma_id, period in db.session.execute(query):
        found.setdefault(proforma_id, []).append((period.service, period))
    return found
