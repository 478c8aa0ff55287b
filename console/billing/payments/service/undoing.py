"""Undoing what was done with a payment, by reversing entries."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import aliased, selectinload

from console.audit.service import record
from console.billing.ledger.models import Account, EntryKind, LedgerEntry, LedgerPosting
from console.billing.ledger.queries import credit_of
from console.billing.ledger.service import Posting, post
from console.billing.models import Proforma, ProformaStatus
from console.billing.payments.models import Payment, PaymentSource, PaymentState, UnmatchedReason
from console.billing.payments.service.credit import checked_reason
from console.billing.payments.service.paying import lock_documents, unpay
from console.billing.payments.service.resolving import lock_payment
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, NotFound
from console.core.texts import lazy_gettext
from console.customers.owners import owner_of
from console.staff.roles import Permission

_DECISIONS = (EntryKind.MATCHED, EntryKind.CREDITED, EntryKind.RETURNED)


def undo(actor: Actor, payment_id: int, reason: str, *, seen: int | None = None) -> Payment:
    """Undo the last step that was done with a payment.

    What was matched, put on credit or sent back is unmatched again, and what it renewed is not. One that a person
    typed, and that is unmatched, never came.

    Args:
        seen: the last ledger entry of the payment that the person saw. Sent twice, or from a page that a colleague
            has overtaken, it takes back nothing else.

    Raises:
        NotFound: there is none.
        Conflict: ``stale``: something else was done since; ``renewed_since``: a later renewal builds on it; ``used``:
            the credit was used since, or its document was cancelled; nothing of it can be undone.
        Invalid: no reason.
    """
    actor.require(Permission.RECORD_PAYMENTS)
    reason = checked_reason(reason)
    found = db.session.get(Payment, payment_id)
    if found is None:
        raise NotFound
    seen_entries = _standing(found)
    ids = {one.proforma_id for entry in seen_entries for one in entry.postings if one.proforma_id is not None}
    documents = lock_documents(sorted(ids), customer_ids=[] if found.customer_id is None else [found.customer_id])
    payment = lock_payment(payment_id)
    entries = _standing(payment)
    if [entry.id for entry in entries] != [entry.id for entry in seen_entries]:
        raise Conflict
    _check_seen(payment, seen)
    if not entries:
        raise Conflict(lazy_gettext("This payment has already been voided."), code="void")
    customer_id, before = payment.customer_id, payment.state
    if payment.state is PaymentState.UNMATCHED:
        _check_typed(payment)
        payment.state = PaymentState.VOID
    else:
        _take_back(payment, [one for entry in entries for one in entry.postings], documents)
        payment.state = PaymentState.UNMATCHED
        payment.unmatched_reason = payment.unmatched_reason or UnmatchedReason.UNDONE
        payment.proforma, payment.customer_id, payment.mail_due = None, None, False
    db.session.flush()
    for entry in entries:
        postings = [
            Posting(one.account, one.currency, -one.amount, one.customer_id, one.proforma_id) for one in entry.postings
        ]
        post(actor, EntryKind.UNDONE, postings, reason=reason, payment=payment, reverses=entry)
    record(
        actor,
        "payment.undone",
        payment.number,
        customer_id=customer_id,
        about=owner_of(customer_id),
        personal={"reason": reason},
        was=before.value,
        amount=payment.amount,
        currency=payment.currency,
    )
    return payment


def _check_seen(payment: Payment, seen: int | None) -> None:
    if seen is None:
        return
    last = db.session.scalar(select(func.max(LedgerEntry.id)).where(LedgerEntry.payment_id == payment.id))
    if last != seen:
        raise Conflict(
            lazy_gettext("Something else was done with this payment since you opened the page. Nothing was undone."),
            code="stale",
        )


def _standing(payment: Payment) -> list[LedgerEntry]:
    """Return the entries that are to be reversed: those of the last decision, or of the receipt where there is none.

    A decision has several where the payment was split over documents. One that was undone is reversed already.
    """
    reversal = aliased(LedgerEntry)
    query = (
        select(LedgerEntry)
        .outerjoin(reversal, reversal.reverses_id == LedgerEntry.id)
        .options(selectinload(LedgerEntry.postings))
        .where(
            LedgerEntry.payment_id == payment.id,
            LedgerEntry.kind.in_((*_DECISIONS, EntryKind.RECEIVED)),
            reversal.id.is_(None),
        )
        .order_by(LedgerEntry.id)
    )
    entries = list(db.session.scalars(query))
    return [entry for entry in entries if entry.kind is not EntryKind.RECEIVED] or entries


def _check_typed(payment: Payment) -> None:
    if payment.source is not PaymentSource.MANUAL:
        raise Conflict(lazy_gettext("This payment is on a bank statement: decide where it goes."), code="statement")


def _take_back(payment: Payment, postings: Sequence[LedgerPosting], documents: dict[int, Proforma]) -> None:
    """Take amounts from the documents and the credit they went to.

    Raises:
        Conflict: they are no longer there.
    """
    on_credit = -sum(one.amount for one in postings if one.account is Account.CREDIT)
    if on_credit and payment.customer_id is not None:
        available = credit_of(payment.customer_id).get(payment.currency, 0)
        if available < on_credit:
            raise Conflict(lazy_gettext("The credit from this payment has since been used."), code="used")
    for one in postings:
        if one.account is Account.DOCUMENT and one.proforma_id is not None:
            document = documents[one.proforma_id]
            if document.status is ProformaStatus.CANCELLED:
                raise Conflict(
                    lazy_gettext("The pro-forma has since been cancelled, and what was paid on it is now credit."),
                    code="used",
                )
            unpay(document, -one.amount)
