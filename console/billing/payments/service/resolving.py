"""What a person decides about a payment that matched nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from console.audit.service import record
from console.billing.ledger.models import Account, EntryKind
from console.billing.ledger.service import Draft, Posting, post, post_many
from console.billing.locks import lock_customers
from console.billing.models import ACTIVE_STATUSES, Proforma
from console.billing.payments.mails import write_received
from console.billing.payments.models import Payment, PaymentState
from console.billing.payments.service.credit import checked_reason
from console.billing.payments.service.paying import Split, lock_documents, pay, settling, split_over
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.idempotency import once
from console.core.ids import customer_key
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.customers.models import Customer
from console.staff.roles import Permission

MOST_DOCUMENTS = 20  # that one payment is split over


class Way(StrEnum):
    """Where an unmatched payment may go."""

    DOCUMENT = "document"  # to a pro-forma, or several of one customer; what is over to the customer's credit
    CREDIT = "credit"  # to a customer's credit
    RETURN = "return"  # back to the payer


def resolve(
    actor: Actor,
    payment_id: int,
    way: Way | str,
    target: str = "",
    *,
    reason: str = "",
    key: str,
    owed: int | None = None,
) -> dict[str, Any]:
    """Decide where an unmatched payment goes.

    Args:
        target: a pro-forma's number, or a customer's; nothing where it is sent back. Several pro-formas of one
            customer, with a comma or a space between, are paid in this order.
        reason: why; required when it is sent back.
        key: the caller's idempotency key.
        owed: what was owed on the pro-formas when the person was told what this would do, in minor units.

    Returns:
        ``payment``, as programs get it.

    Raises:
        NotFound: no such payment, document or account.
        Conflict: it was resolved already; a document is paid, cancelled or in another currency; ``customers``: they
            are of more than one; ``stale``: not ``owed`` is owed on them now.
        Invalid: an unknown way, or no reason; ``reach``: the amount ends before the last of the documents.
    """
    actor.require(Permission.RECORD_PAYMENTS)
    if way not in tuple(Way):
        raise Invalid(lazy_gettext("Choose what to do with the payment."), code="way")
    way = Way(way)
    reason = checked_reason(reason) if way is Way.RETURN or one_line(reason) else ""

    def work() -> dict[str, Any]:
        decision = _Decision(payment_id, target, reason, owed)
        return {"payment": to_payload(_WAYS[way](actor, decision))}

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


@dataclass(frozen=True)
class _Decision:
    """Which payment goes where, and why."""

    payment_id: int
    target: str
    reason: str
    owed: int | None


def _to_documents(actor: Actor, decision: _Decision) -> Payment:
    documents = _lock_named(decision.target)
    payment = lock_unmatched(decision.payment_id)
    if any(document.status not in ACTIVE_STATUSES for document in documents):
        raise Conflict(lazy_gettext("This pro-forma is already paid or cancelled."))
    if any(document.currency != payment.currency for document in documents):
        raise Conflict(lazy_gettext("This pro-forma is in another currency."), code="currency")
    if decision.owed not in (None, sum(document.owed for document in documents)):
        raise Conflict(
            lazy_gettext(
                "The amount owed on this pro-forma has changed since you opened the page. Nothing was done; check it"
                " again."
            ),
            code="stale",
        )
    paid = list(zip(documents, split_over(payment.amount, documents), strict=True))
    for document, part in paid:
        if document.owed and not part.on_document:
            raise Invalid(
                lazy_gettext("The payment does not cover %(number)s: leave it out.", number=document.number),
                code="reach",
            )
    pay([(document, part.on_document) for document, part in paid])
    _move(payment, PaymentState.MATCHED, documents[0].customer_id, documents[0])
    # An entry for each: what is due for the accountant is due by document.
    drafts = [
        Draft(
            EntryKind.MATCHED,
            (
                Posting(Account.UNMATCHED, payment.currency, part.on_document + part.on_credit),
                *settling(document, part),
            ),
            reason=decision.reason,
            payment_id=payment.id,
        )
        for document, part in paid
        if part != Split(0, 0)  # a document of nothing
    ]
    post_many(actor, drafts)
    _record(actor, "payment.matched", payment, proforma=", ".join(document.number for document in documents))
    write_received(payment)
    return payment


def _lock_named(target: str) -> list[Proforma]:
    """Return the pro-formas with these numbers, locked, in the order of the numbers.

    Raises:
        NotFound: there is none with one of them.
        Conflict: they are not of one customer.
        Invalid: there are too many.
    """
    whole = target.strip().upper()
    numbers = list(dict.fromkeys(whole.replace(",", " ").split()))
    if len(numbers) > MOST_DOCUMENTS:
        raise Invalid(lazy_gettext("Choose at most %(count)s pro-formas.", count=MOST_DOCUMENTS))
    query = select(Proforma.number, Proforma.id, Proforma.customer_id)
    rows = db.session.execute(query.where(Proforma.number.in_([whole, *numbers])))
    found = {number: (key, customer_id) for number, key, customer_id in rows}
    if whole in found:  # a number of an older system may have a space in it
        numbers = [whole]
    if not numbers or not found.keys() >= set(numbers):
        raise NotFound(lazy_gettext("There is no such pro-forma."))
    found = {number: found[number] for number in numbers}
    customer_ids = {customer_id for _key, customer_id in found.values()}
    if len(customer_ids) > 1:
        raise Conflict(lazy_gettext("These pro-formas belong to different customers."), code="customers")
    locked = lock_documents(sorted(key for key, _customer_id in found.values()), customer_ids=customer_ids)
    return [locked[found[number][0]] for number in numbers]


def _to_credit(actor: Actor, decision: _Decision) -> Payment:
    key = customer_key(decision.target)
    found: list[Customer] = lock_customers([key]) if key is not None else []
    if not found:
        raise NotFound(lazy_gettext("There is no such customer."))
    customer, payment = found[0], lock_unmatched(decision.payment_id)
    _move(payment, PaymentState.MATCHED, customer.id, None)
    postings = (
        Posting(Account.UNMATCHED, payment.currency, payment.amount),
        Posting(Account.CREDIT, payment.currency, -payment.amount, customer.id),
    )
    post(actor, EntryKind.CREDITED, postings, reason=decision.reason, payment=payment)
    _record(actor, "payment.credited", payment)
    write_received(payment)
    return payment


def _send_back(actor: Actor, decision: _Decision) -> Payment:
    payment = lock_unmatched(decision.payment_id)
    _move(payment, PaymentState.RETURNED, None, None)
    postings = (
        Posting(Account.UNMATCHED, payment.currency, payment.amount),
        Posting(Account.BANK, payment.currency, -payment.amount),
    )
    post(actor, EntryKind.RETURNED, postings, reason=decision.reason, payment=payment)
    _record(actor, "payment.returned", payment)
    return payment


_WAYS: dict[Way, Callable[[Actor, _Decision], Payment]] = {
    Way.DOCUMENT: _to_documents,
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
