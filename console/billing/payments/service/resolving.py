"""What a person decides about a payment that matched nothing."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from console.audit.service import record
from console.billing.ledger.models import Account, EntryKind
from console.billing.ledger.service import Posting, post
from console.billing.locks import lock_customers
from console.billing.models import ACTIVE_STATUSES, Proforma
from console.billing.payments.mails import write_received
from console.billing.payments.models import Payment, PaymentState
from console.billing.payments.service.credit import checked_reason
from console.billing.payments.service.paying import lock_documents, pay, settling, split
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.idempotency import once
from console.core.ids import customer_key
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.customers.models import Customer
from console.staff.roles import Permission


class Way(StrEnum):
    """Where an unmatched payment may go."""

    DOCUMENT = "document"  # to a pro-forma; what is over to its customer's credit
    CREDIT = "credit"  # to a customer's credit
    RETURN = "return"  # back to the payer


def resolve(
    actor: Actor, payment_id: int, way: Way | str, target: str = "", *, reason: str = "", key: str
) -> dict[str, Any]:
    """Decide where an unmatched payment goes.

    Args:
        target: a pro-forma's number, or a customer's; nothing where it is sent back.
        reason: why; needed where it is sent back.
        key: the caller's idempotency key.

    Returns:
        ``payment``, as programs get it.

    Raises:
        NotFound: no such payment, document or account.
        Conflict: it was resolved already; the document is paid, cancelled or in another currency.
        Invalid: an unknown way, or no reason.
    """
    actor.require(Permission.RECORD_PAYMENTS)
    if way not in tuple(Way):
        raise Invalid(lazy_gettext("Choose what to do with the payment."), code="way")
    way = Way(way)
    reason = checked_reason(reason) if way is Way.RETURN or one_line(reason) else ""

    def work() -> dict[str, Any]:
        return {"payment": to_payload(_WAYS[way](actor, payment_id, target, reason))}

    request = {"way": way.value, "target": target, "reason": reason}
    return once(f"payment.resolve:{payment_id}", key, request, work)


def to_payload(payment: Payment) -> dict[str, Any]:
    """Return a payment as programs get it."""
    return {
        "id": payment.id,
        "number": payment.number,
        "state": payment.state.value,
        "amount": payment.amount,
        "currency": payment.currency,
    } | ({} if payment.proforma is None else {"proforma": payment.proforma.number})


def _to_document(actor: Actor, payment_id: int, target: str, reason: str) -> Payment:
    named = db.session.scalar(select(Proforma).where(Proforma.number == target.strip().upper()))
    if named is None:
        raise NotFound(lazy_gettext("There is no such pro-forma."))
    document = lock_documents([named.id], customer_ids=[named.customer_id])[named.id]
    payment = lock_unmatched(payment_id)
    if document.status not in ACTIVE_STATUSES:
        raise Conflict(lazy_gettext("This pro-forma is already paid or cancelled."))
    if document.currency != payment.currency:
        raise Conflict(lazy_gettext("This pro-forma is in another currency."), code="currency")
    parts = split(payment.amount, document.owed)
    pay([(document, parts.on_document)])
    _move(payment, PaymentState.MATCHED, document.customer_id, document)
    postings = (Posting(Account.UNMATCHED, payment.currency, payment.amount), *settling(document, parts))
    post(actor, EntryKind.MATCHED, postings, reason=reason, payment=payment)
    _record(actor, "payment.matched", payment, proforma=document.number)
    write_received(payment)
    return payment


def _to_credit(actor: Actor, payment_id: int, target: str, reason: str) -> Payment:
    key = customer_key(target)
    found: list[Customer] = lock_customers([key]) if key is not None else []
    if not found:
        raise NotFound(lazy_gettext("There is no such customer."))
    customer, payment = found[0], lock_unmatched(payment_id)
    _move(payment, PaymentState.MATCHED, customer.id, None)
    postings = (
        Posting(Account.UNMATCHED, payment.currency, payment.amount),
        Posting(Account.CREDIT, payment.currency, -payment.amount, customer.id),
    )
    post(actor, EntryKind.CREDITED, postings, reason=reason, payment=payment)
    _record(actor, "payment.credited", payment)
    write_received(payment)
    return payment


def _send_back(actor: Actor, payment_id: int, _target: str, reason: str) -> Payment:
    payment = lock_unmatched(payment_id)
    _move(payment, PaymentState.RETURNED, None, None)
    postings = (
        Posting(Account.UNMATCHED, payment.currency, payment.amount),
        Posting(Account.BANK, payment.currency, -payment.amount),
    )
    post(actor, EntryKind.RETURNED, postings, reason=reason, payment=payment)
    _record(actor, "payment.returned", payment)
    return payment


_WAYS: dict[Way, Callable[[Actor, int, str, str], Payment]] = {
    Way.DOCUMENT: _to_document,
    Way.CREDIT: _to_credit,
    Way.RETURN: _send_back,
}


def lock_payment(payment_id: int) -> Payment:
    """Return a payment, locked. The documents and accounts it is about are locked before.

    Raises:
        NotFound: there is none.
    """
    payment = db.session.get(Payment, payment_id, with_for_update={"of": Payment}, populate_existing=True)
    if payment is None:
        raise NotFound
    return payment


def lock_unmatched(payment_id: int) -> Payment:
    """Return a payment that waits for a decision, locked.

    Raises:
        NotFound: there is none.
        Conflict: ``resolved``: it waits no longer.
    """
    payment = lock_payment(payment_id)
    if payment.state is not PaymentState.UNMATCHED:
        raise Conflict(lazy_gettext("This payment is no longer unmatched. Nothing was done."), code="resolved")
    return payment


def _move(payment: Payment, state: PaymentState, customer_id: int | None, document: Proforma | None) -> None:
    payment.state, payment.customer_id, payment.proforma = state, customer_id, document
    db.session.flush()
    db.session.expire(payment, ["customer"])


def _record(actor: Actor, action: str, payment: Payment, **facts: Any) -> None:
    record(
        actor,
        action,
        payment.number,
        customer_id=payment.customer_id,
        amount=payment.amount,
        currency=payment.currency,
        **facts,
    )
