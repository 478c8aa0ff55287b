"""Recording received payments, one or many: matched by reference and amount, or left unmatched for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from sqlalchemy import Table, select

from console.audit.service import record
from console.billing.ledger.models import Account, EntryKind
from console.billing.ledger.service import Draft, Posting, post_many
from console.billing.models import ACTIVE_STATUSES, Proforma, ProformaStatus
from console.billing.payments.mails import write_received
from console.billing.payments.models import Payment, PaymentSource, PaymentState, UnmatchedReason, payment_number
from console.billing.payments.service.credit import MAX_AMOUNT
from console.billing.payments.service.paying import Payable, Split, lock_payable, settling, split, write_paid
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


@dataclass(slots=True)
class _Booking:
    """A payment as it is stored, the document it goes to and how; or why to none."""

    values: dict[str, Any]
    document: Payable | None = None
    parts: Split | None = None
    whole: bool = False
    payment_id: int = 0


def receive(actor: Actor, incoming: Sequence[IncomingPayment], *, by_person: bool) -> list[Payment]:
    """Record payments in this order, each matched to the one active document with its reference, or unmatched.

    Args:
        by_person: a person typed it: less than is owed is a part-payment, and what is over goes to the credit of the
            document's customer. Otherwise only what is owed, to the para, is matched.

    Raises:
        Invalid: an amount that is none, an unknown currency, a day to come.
    """
    bookings = _receive(actor, incoming, by_person=by_person)
    payments = [db.session.get_one(Payment, booking.payment_id) for booking in bookings]
    if by_person:
        for payment in payments:
            write_received(payment)
    return payments


def receive_from_bank(actor: Actor, incoming: Sequence[IncomingPayment]) -> Counter[PaymentState]:
    """Book what a bank has reported, as :func:`receive`; very many make no objects, only rows.

    Returns:
        How many were matched, and how many were not.
    """
    return Counter(booking.values["state"] for booking in _receive(actor, incoming, by_person=False))


def _receive(actor: Actor, incoming: Sequence[IncomingPayment], *, by_person: bool) -> list[_Booking]:
    actor.require(Permission.RECORD_PAYMENTS)
    for one in incoming:
        _check(one)
    found = _lock_candidates(incoming, credit=by_person)
    bookings = [_book(actor, one, found, by_person=by_person) for one in incoming]
    _store(bookings)
    _post(actor, bookings)
    for booking in bookings:
        _record(actor, booking)
    return bookings


def _store(bookings: Sequence[_Booking]) -> None:
    """Write what is paid on the documents, and insert the payments: a statement each, where the database allows."""
    paid = {booking.document.id: booking.document for booking in bookings if booking.document is not None}
    if paid:
        write_paid(list(paid.values()))
    keys = insert_keyed(db.session(), _TABLE, [booking.values for booking in bookings])
    for booking, key in zip(bookings, keys, strict=True):
        booking.payment_id = key


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


def _lock_candidates(incoming: Sequence[IncomingPayment], *, credit: bool) -> Mapping[str, list[Payable]]:
    """Return every document that a reference may mean, by its key, all locked."""
    keys = sorted({key for one in incoming for key in possible_keys(one.reference)})
    ids, customers = [], set()
    for chunk in _chunks(keys):
        query = select(Proforma.id, Proforma.customer_id).where(Proforma.reference_key.in_(chunk))
        for proforma_id, customer_id in db.session.execute(query):
            ids.append(proforma_id)
            customers.add(customer_id)
    found: dict[str, list[Payable]] = {}
    for document in lock_payable(sorted(ids), customer_ids=customers if credit else ()):
        found.setdefault(document.reference_key, []).append(document)
    return found


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _CHUNK):
        yield keys[start : start + _CHUNK]


def _book(actor: Actor, one: IncomingPayment, found: Mapping[str, list[Payable]], *, by_person: bool) -> _Booking:
    """Decide where a payment goes, and count it there: the next one in the same group sees it."""
    document, reason = _match(one, found, by_person=by_person)
    values = {
        "source": one.source,
        "reference": one_line(one.reference)[:MAX_REFERENCE],
        "reference_key": document.reference_key if document else reference_key(one.reference),
        "amount": one.amount,
        "currency": one.currency,
        "paid_on": one.paid_on,
        "payer": one_line(one.payer)[:MAX_PAYER],
        "payer_account": one_line(one.payer_account)[:MAX_ACCOUNT],
        "purpose": one_line(one.purpose)[:MAX_PURPOSE],
        "state": PaymentState.UNMATCHED if document is None else PaymentState.MATCHED,
        "unmatched_reason": reason,
        "proforma_id": document.id if document else None,
        "customer_id": document.customer_id if document else None,
        "statement_line_id": one.statement_line_id,
        "mail_due": document is not None and not by_person,
        "recorded_at": clock.now(),
        "recorded_by_id": actor.id if actor.kind == "staff" else None,
    }
    if document is None:
        return _Booking(values)
    parts = split(one.amount, document.owed)
    return _Booking(values, document, parts, document.count(parts.on_document))


def _match(
    one: IncomingPayment, found: Mapping[str, list[Payable]], *, by_person: bool
) -> tuple[Payable | None, UnmatchedReason | None]:
    candidates = {row.id: row for key in possible_keys(one.reference) for row in found.get(key, ())}
    active = [row for row in candidates.values() if row.status in ACTIVE_STATUSES]
    if not candidates:
        return None, UnmatchedReason.UNKNOWN
    if len(active) > 1:
        return None, UnmatchedReason.CANDIDATES
    if not active:
        paid = any(row.status is ProformaStatus.PAID for row in candidates.values())
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
        currency, amount, key = booking.values["currency"], booking.values["amount"], booking.payment_id
        bank = Posting(Account.BANK, currency, amount)
        waiting = Posting(Account.UNMATCHED, currency, -amount)
        drafts.append(Draft(EntryKind.RECEIVED, (bank, waiting), payment_id=key))
        if booking.document is not None and booking.parts is not None:
            matched = Posting(Account.UNMATCHED, currency, amount)
            postings = (matched, *settling(booking.document, booking.parts))
            drafts.append(Draft(EntryKind.MATCHED, postings, payment_id=key))
    post_many(actor, drafts)
    renew([booking.document.id for booking in bookings if booking.whole and booking.document is not None])


def _record(actor: Actor, booking: _Booking) -> None:
    values, reason = booking.values, booking.values["unmatched_reason"]
    facts: dict[str, Any] = {"state": values["state"].value, "amount": values["amount"], "currency": values["currency"]}
    if booking.document is not None:
        facts["proforma"] = booking.document.number
    if reason is not None:
        facts["reason"] = reason.value
    number = payment_number(booking.payment_id)
    record(actor, "payment.received", number, customer_id=values["customer_id"], **facts)
