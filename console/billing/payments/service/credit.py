"""The credit of a customer: what comes to it, and what is used, sent back and corrected."""

from __future__ import annotations

from typing import Any

from console.audit.service import record
from console.billing.ledger.models import Account, EntryKind
from console.billing.ledger.queries import credit_of
from console.billing.ledger.service import Posting, post
from console.billing.locks import lock_customers
from console.billing.models import ACTIVE_STATUSES, Proforma
from console.billing.payments.service.paying import lock_documents, pay
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.idempotency import once
from console.core.money import CURRENCIES
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.customers.access import require_right
from console.customers.masking import mask_pins
from console.customers.models import Customer
from console.customers.owners import owner_of
from console.customers.rights import Right
from console.staff.roles import Permission

MAX_REASON = 500
MAX_AMOUNT = 10**15  # in minor units: what sums of these stay far below 64 bits

TOO_LITTLE = lazy_gettext("There is not that much credit in this currency.")


def use_credit(actor: Actor, proforma: Proforma, amount: int | None = None) -> int:
    """Pay a document from its customer's credit, as far as that goes.

    Args:
        amount: at most this; where not given, all that is owed.

    Returns:
        What was used, nothing where there is no credit or nothing is owed.

    Raises:
        Conflict: ``credit``: less is on credit than ``amount``; the document is paid or cancelled.
        Invalid: more than is owed, or nothing.
    """
    actor.require(Permission.RECORD_PAYMENTS)
    document = lock_documents([proforma.id], customer_ids=[proforma.customer_id])[proforma.id]
    available = credit_of(document.customer_id).get(document.currency, 0)
    if amount is None:
        amount = min(available, document.owed)
        if amount == 0:
            return 0
    elif document.status not in ACTIVE_STATUSES:
        raise Conflict(lazy_gettext("This pro-forma is already paid or cancelled."))
    elif amount > available:
        raise Conflict(TOO_LITTLE, code="credit")
    elif not 0 < amount <= document.owed:
        raise Invalid(lazy_gettext("The amount does not match what is outstanding on this pro-forma."))
    pay([(document, amount)])
    post(
        actor,
        EntryKind.CREDIT_USED,
        (
            Posting(Account.CREDIT, document.currency, amount, document.customer_id),
            Posting(Account.DOCUMENT, document.currency, -amount, document.customer_id, document.id),
        ),
    )
    record(
        actor,
        "credit.used",
        document.number,
        customer_id=document.customer_id,
        amount=amount,
        currency=document.currency,
    )
    return amount


def apply_credit(actor: Actor, proforma_id: int, amount: int, key: str) -> dict[str, Any]:
    """Pay a document from its customer's credit, as a person decided on its page.

    Args:
        amount: just this, as the page said: where less is there or less is owed by now, nothing is done.
        key: the caller's idempotency key.

    Returns:
        ``used``, and what is ``owed`` then.

    Raises:
        NotFound: there is no such document, or the role records no payments.
        Conflict, Invalid: as :func:`use_credit`.
    """
    actor.require(Permission.RECORD_PAYMENTS)

    def work() -> dict[str, Any]:
        document = db.session.get(Proforma, proforma_id)
        if document is None:
            raise NotFound
        used = use_credit(actor, document, amount)
        return {"used": used, "owed": document.owed, "currency": document.currency}

    return once(f"credit.apply:{proforma_id}", key, {"amount": amount}, work)


def refund_credit(actor: Actor, customer_id: int, currency: str, amount: int, reason: str, key: str) -> dict[str, Any]:
    """Note that credit was sent back to a customer's bank account.

    Args:
        key: the caller's idempotency key.

    Returns:
        ``entry`` and ``credit``, what is left.

    Raises:
        Invalid: no reason, not an amount.
        Conflict: ``credit``: less is there.
    """
    return _move(actor, "refunded", customer_id, currency, -amount, reason, key)


def correct_credit(actor: Actor, customer_id: int, currency: str, amount: int, reason: str, key: str) -> dict[str, Any]:
    """Give a customer credit, or take some back where ``amount`` is negative, for a reason on the record.

    Args:
        key: the caller's idempotency key.

    Returns:
        ``entry`` and ``credit``, what there is then.

    Raises:
        Invalid: no reason, not an amount.
        Conflict: ``credit``: less is there than is taken.
    """
    return _move(actor, "corrected", customer_id, currency, amount, reason, key)


def _move(
    actor: Actor, kind: str, customer_id: int, currency: str, change: int, reason: str, key: str
) -> dict[str, Any]:
    actor.require(Permission.RECORD_PAYMENTS)
    reason = checked_reason(reason)
    refund = kind == "refunded"
    if currency not in CURRENCIES or not 0 < abs(change) <= MAX_AMOUNT or (refund and change > 0):
        raise Invalid(fields={"amount": [lazy_gettext("Enter an amount above zero.")]})

    def work() -> dict[str, Any]:
        customer = _lock(customer_id)
        left = credit_of(customer.id).get(currency, 0) + change
        if left < 0:
            raise Conflict(TOO_LITTLE, code="credit")
        other = Account.BANK if refund else Account.ADJUSTMENT
        entry = post(
            actor,
            EntryKind(kind),
            (Posting(Account.CREDIT, currency, -change, customer.id), Posting(other, currency, change)),
            reason=reason,
        )
        record(
            actor,
            f"credit.{kind}",
            customer.number,
            customer_id=customer.id,
            about=owner_of(customer.id),
            personal={"reason": reason},
            amount=abs(change) if refund else change,
            currency=currency,
        )
        return {"entry": entry.id, "credit": left, "currency": currency}

    request = {"currency": currency, "change": change, "reason": reason}
    return once(f"credit.{kind}:{customer_id}", key, request, work)


def checked_reason(reason: str) -> str:
    """Return a reason in one line.

    Raises:
        Invalid: there is none, or it is too long.
    """
    reason = one_line(reason)
    if not reason:
        raise Invalid(fields={"reason": [lazy_gettext("Enter a reason.")]})
    if len(reason) > MAX_REASON:
        raise Invalid(fields={"reason": [lazy_gettext("This text is too long.")]})
    return mask_pins(reason)[0]


def _lock(customer_id: int) -> Customer:
    found = lock_customers([customer_id])
    if not found:
        raise NotFound
    return found[0]


def set_credit_first(actor: Actor, customer_id: int, on: bool) -> bool:
    """Choose whether credit pays new pro-formas before anything else: billing, or a person who pays them.

    Returns:
        Whether that was a change.

    Raises:
        NotFound: ``actor`` may not.
    """
    if not actor.may(Permission.RECORD_PAYMENTS):
        require_right(actor, customer_id, Right.INVOICES)
    customer = _lock(customer_id)
    if customer.credit_first == on:
        return False
    customer.credit_first = on
    db.session.flush()
    record(actor, "credit.preference", customer.number, customer_id=customer.id, first=on)
    return True
