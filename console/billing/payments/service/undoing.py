"""Taking back what became of a payment, by entries that reverse."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import aliased, selectinload

from console.audit.service import record
from console.billing.ledger.models import Account, EntryKind, LedgerEntry
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


def undo(actor: Actor, payment_id: int, reason: str) -> Payment:
    """Take back the last thing that was done with a payment.

    What was matched, put on credit or sent back is unmatched again, and what it renewed is not. One that a person
    typed, and that is unmatched, never came.

    Raises:
        NotFound: there is none.
        Conflict: ``renewed_since``: a later renewal builds on it; ``used``: the credit was used since, or its document
            was cancelled; nothing of it can be undone.
        Invalid: no reason.
    """
    actor.require(Permission.RECORD_PAYMENTS)
    reason = checked_reason(reason)
    seen = db.session.get(Payment, payment_id)
    if seen is None:
        raise NotFound
    ids = [] if seen.proforma_id is None else [seen.proforma_id]
    documents = lock_documents(ids, customer_ids=[] if seen.customer_id is None else [seen.customer_id])
    payment = lock_payment(payment_id)
    if (payment.proforma_id, payment.customer_id) != (next(iter(ids), None), seen.customer_id):
        raise Conflict
    customer_id, before = payment.customer_id, payment.state
    entry = _last(payment)
    if payment.state is PaymentState.UNMATCHED:
        _check_typed(payment)
        payment.state = PaymentState.VOID
    else:
        _take_back(payment, entry, documents)
        payment.state = PaymentState.UNMATCHED
        payment.unmatched_reason = payment.unmatched_reason or UnmatchedReason.UNDONE
        payment.proforma, payment.customer_id, payment.mail_due = None, None, False
    db.session.flush()
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


def _last(payment: Payment) -> LedgerEntry:
    """Return the entry that is to be reversed: the last of the payment that is not yet.

    Raises:
        Conflict: there is none.
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
        .order_by(LedgerEntry.id.desc())
        .limit(1)
    )
    entry = db.session.scalar(query)
    if entry is None:
        raise Conflict(lazy_gettext("This payment was already taken off the books."), code="void")
    return entry


def _check_typed(payment: Payment) -> None:
    if payment.source is not PaymentSource.MANUAL:
        raise Conflict(lazy_gettext("This payment is on a bank statement: decide where it goes."), code="statement")


def _take_back(payment: Payment, entry: LedgerEntry, documents: dict[int, Proforma]) -> None:
    """Take an entry's amounts from the document and the credit it went to.

    Raises:
        Conflict: they are no longer there.
    """
    on_credit = -sum(one.amount for one in entry.postings if one.account is Account.CREDIT)
    if on_credit and payment.customer_id is not None:
        available = credit_of(payment.customer_id).get(payment.currency, 0)
        if available < on_credit:
            raise Conflict(lazy_gettext("The credit from this payment was used since."), code="used")
    for one in entry.postings:
        if one.account is Account.DOCUMENT and one.proforma_id is not None:
            document = documents[one.proforma_id]
            if document.status is ProformaStatus.CANCELLED:
                raise Conflict(
                    lazy_gettext("The pro-forma was cancelled since, and what was paid on it is on credit."),
                    code="used",
                )
            unpay(document, -one.amount)
