"""Booking payments as they come in, one or many at once: matched by reference and amount, or kept for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from sqlalchemy import Table, select
from sqlalchemy.orm import make_transient_to_detached

from console.audit.service import record
from console.billing.ledger.models import Account, EntryKind
from console.billing.ledger.service import Draft, Posting, post_many
from console.billing.models import ACTIVE_STATUSES, Proforma, ProformaStatus
from console.billing.payments.mails import write_received
from console.billing.payments.models import Payment, PaymentSource, PaymentState, UnmatchedReason
from console.billing.payments.service.credit import MAX_AMOUNT
from console.billing.payments.service.paying import Split, lock_documents, settling, split
from console.billing.periods import renew
from console.billing.references import possible_keys, reference_key
from console.core import clock
from console.core.actor import Actor
from console.core.bulk import insert_keyed
from console.core.context import settings
from console.core.db import db
from console.core.errors import Invalid, Text
from console.core.money import CURRENCIES
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.staff.roles import Permission

MAX_REFERENCE = 60
MAX_PAYER = 200
MAX_ACCOUNT = 40
MAX_PURPOSE = 500
_CHUNK = 5_000  # keys in one statement
_TABLE = cast("Table", Payment.__table__)
_COLUMNS = tuple(name for name in _TABLE.c.keys() if name != "id")  # noqa: SIM118  (names, not columns)


@dataclass(frozen=True)
class IncomingPayment:
    """A payment to be booked. ``amount`` in minor units, above zero."""

    reference: str
    amount: int
    currency: str
    paid_on: date
    payer: str = ""
    payer_account: str = ""
    purpose: str = ""
    source: PaymentSource = PaymentSource.MANUAL
    statement_line_id: int | None = None


@dataclass
class _Booking:
    """A payment, the document it goes to and how; or why to none."""

    payment: Payment
    document: Proforma | None
    parts: Split | None
    whole: bool = False


def receive(actor: Actor, incoming: Sequence[IncomingPayment], *, by_person: bool) -> list[Payment]:
    """Book payments in this order, each to the one active document with its reference, or to none.

    Args:
        by_person: a person typed it: less than is owed is a part-payment, and what is over goes to the credit of the
            document's customer. Otherwise only what is owed, to the para, is matched.

    Raises:
        Invalid: an amount that is none, an unknown currency, a day to come.
    """
    actor.require(Permission.RECORD_PAYMENTS)
    for one in incoming:
        _check(one)
    found = _lock_candidates(incoming, credit=by_person)
    bookings = [_book(actor, one, found, by_person=by_person) for one in incoming]
    _store([booking.payment for booking in bookings])
    _post(actor, bookings)
    for booking in bookings:
        _record(actor, booking)
        if by_person:
            write_received(booking.payment)
    return [booking.payment for booking in bookings]


def _store(payments: Sequence[Payment]) -> None:
    """Insert payments in as few statements as the database allows; they are the session's afterwards."""
    session = db.session()
    session.flush()  # what is paid on the documents
    values = [{name: getattr(payment, name) for name in _COLUMNS} for payment in payments]
    for payment, key in zip(payments, insert_keyed(session, _TABLE, values), strict=True):
        payment.id = key
        make_transient_to_detached(payment)
        session.add(payment)


def _check(one: IncomingPayment) -> None:
    wrong: dict[str, list[Text]] = {}
    if not 0 < one.amount <= MAX_AMOUNT:
        wrong["amount"] = [lazy_gettext("Enter an amount above zero.")]
    if one.currency not in CURRENCIES:
        wrong["currency"] = [lazy_gettext("Choose a currency from the list.")]
    if one.source is PaymentSource.MANUAL and one.paid_on > clock.local_date(clock.now(), settings().zone):
        wrong["paid_on"] = [lazy_gettext("This day has not come yet.")]
    if len(one.reference) > MAX_REFERENCE:
        wrong["reference"] = [lazy_gettext("This text is too long.")]
    if wrong:
        raise Invalid(fields=wrong)


def _lock_candidates(incoming: Sequence[IncomingPayment], *, credit: bool) -> Mapping[str, list[Proforma]]:
    """Return every document that a reference may mean, by its key, all locked."""
    keys = sorted({key for one in incoming for key in possible_keys(one.reference)})
    ids, customers = [], set()
    for chunk in _chunks(keys):
        query = select(Proforma.id, Proforma.customer_id).where(Proforma.reference_key.in_(chunk))
        for proforma_id, customer_id in db.session.execute(query):
            ids.append(proforma_id)
            customers.add(customer_id)
    found: dict[str, list[Proforma]] = {}
    for document in lock_documents(sorted(ids), customer_ids=customers if credit else ()).values():
        found.setdefault(document.reference_key, []).append(document)
    return found


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _CHUNK):
        yield keys[start : start + _CHUNK]


def _book(actor: Actor, one: IncomingPayment, found: Mapping[str, list[Proforma]], *, by_person: bool) -> _Booking:
    """Decide where a payment goes, and count it there: the next one in the same group sees it."""
    document, reason = _match(one, found, by_person=by_person)
    payment = Payment(
        source=one.source,
        reference=one_line(one.reference)[:MAX_REFERENCE],
        reference_key=document.reference_key if document else reference_key(one.reference),
        amount=one.amount,
        currency=one.currency,
        paid_on=one.paid_on,
        payer=one_line(one.payer)[:MAX_PAYER],
        payer_account=one_line(one.payer_account)[:MAX_ACCOUNT],
        purpose=one_line(one.purpose)[:MAX_PURPOSE],
        state=PaymentState.UNMATCHED if document is None else PaymentState.MATCHED,
        unmatched_reason=reason,
        proforma_id=document.id if document else None,
        customer_id=document.customer_id if document else None,
        statement_line_id=one.statement_line_id,
        mail_due=document is not None and not by_person,
        recorded_at=clock.now(),
        recorded_by_id=actor.id if actor.kind == "staff" else None,
    )
    if document is None:
        return _Booking(payment, None, None)
    parts = split(one.amount, document.owed)
    document.paid += parts.on_document
    whole = document.paid == document.total
    document.status = ProformaStatus.PAID if whole else ProformaStatus.PART_PAID
    return _Booking(payment, document, parts, whole)


def _match(
    one: IncomingPayment, found: Mapping[str, list[Proforma]], *, by_person: bool
) -> tuple[Proforma | None, UnmatchedReason | None]:
    named = {row.id: row for key in possible_keys(one.reference) for row in found.get(key, ())}
    active = [row for row in named.values() if row.status in ACTIVE_STATUSES]
    if not named:
        return None, UnmatchedReason.UNKNOWN
    if len(active) > 1:
        return None, UnmatchedReason.CANDIDATES
    if not active:
        paid = any(row.status is ProformaStatus.PAID for row in named.values())
        return None, UnmatchedReason.PAID if paid else UnmatchedReason.CANCELLED
    (document,) = active
    if document.currency != one.currency:
        return None, UnmatchedReason.CURRENCY
    if one.amount != document.owed and not by_person:
        return None, UnmatchedReason.AMOUNT
    return document, None


def _post(actor: Actor, bookings: Sequence[_Booking]) -> None:
    """Write what was received, then what it was matched to: undoing takes back the second alone."""
    drafts = []
    for booking in bookings:
        payment = booking.payment
        bank = Posting(Account.BANK, payment.currency, payment.amount)
        waiting = Posting(Account.UNMATCHED, payment.currency, -payment.amount)
        drafts.append(Draft(EntryKind.RECEIVED, (bank, waiting), payment_id=payment.id))
        if booking.document is not None and booking.parts is not None:
            matched = Posting(Account.UNMATCHED, payment.currency, payment.amount)
            postings = (matched, *settling(booking.document, booking.parts))
            drafts.append(Draft(EntryKind.MATCHED, postings, payment_id=payment.id))
    post_many(actor, drafts)
    renew([booking.document.id for booking in bookings if booking.whole and booking.document is not None])


def _record(actor: Actor, booking: _Booking) -> None:
    payment, document = booking.payment, booking.document
    facts: dict[str, Any] = {"state": payment.state.value, "amount": payment.amount, "currency": payment.currency}
    if document is not None:
        facts["proforma"] = document.number
    if payment.unmatched_reason is not None:
        facts["reason"] = payment.unmatched_reason.value
    record(actor, "payment.received", payment.number, customer_id=payment.customer_id, **facts)
