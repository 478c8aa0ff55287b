"""The mail that confirms a payment: to the people of an account who get mail about invoices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from console.billing.ledger.models import Account, LedgerEntry, LedgerPosting
from console.billing.models import Proforma
from console.billing.payments.models import Payment, PaymentState
from console.billing.payments.queries import documents_of, renewals_of
from console.core.context import settings
from console.core.db import db
from console.core.transaction import transaction
from console.customers.mail_categories import addressee, receivers
from console.customers.rights import MailCategory, Right
from console.mail.service import write_to

BATCH = 50


def write_received(payment: Payment) -> None:
    """Mail the customer that the payment was received, what it paid and what it renewed."""
    customer = payment.customer
    if customer is None:
        return
    documents = documents_of(payment)
    whole = [document.id for document in documents if not document.owed]
    renewals = renewals_of(whole)
    renewed = [one for key in whole for one in renewals.get(key, ())]
    values: dict[str, Any] = {
        "amount": payment.amount,
        "currency": payment.currency,
        "paid_on": payment.paid_on,
        "numbers": [document.number for document in documents],
        "owed": sum(document.owed for document in documents),
        "credit": _on_credit(payment),
        "renewed": [(service.label, service.paid_until) for service, period in renewed if period.paid_at],
        "portal": settings().portal_brand,
    }
    for member in receivers(customer, MailCategory.INVOICE):
        if Right.INVOICES in member.held_rights():
            about = f"proforma:{documents[0].number}" if documents else f"payment:{payment.number}"
            write_to(addressee(member), customer, "payment_received", about=about, path=_path(documents), **values)


def send_due(limit: int = BATCH) -> int:
    """Write about payments of a bank statement that were matched, each in a transaction of its own.

    Returns:
        How many.
    """
    for count in range(limit):
        with transaction():
            query = (
                select(Payment)
                .where(Payment.mail_due)
                .order_by(Payment.id)
                .limit(1)
                .with_for_update(of=Payment, skip_locked=True)
            )
            payment = db.session.scalar(query)
            if payment is None:
                return count
            payment.mail_due = False
            if payment.state is PaymentState.MATCHED:
                write_received(payment)
    return limit


def _path(documents: Sequence[Proforma]) -> str:
    if not documents:
        return "/moj/credit/"
    return "/moj/documents/" if len(documents) > 1 else f"/moj/documents/{documents[0].number}"


def _on_credit(payment: Payment) -> int:
    """Return what of a payment is on credit: its entries that still stand are summed with those that reverse."""
    query = (
        select(LedgerPosting.amount)
        .join(LedgerEntry)
        .where(LedgerEntry.payment_id == payment.id, LedgerPosting.account == Account.CREDIT)
    )
    return -sum(db.session.scalars(query))
