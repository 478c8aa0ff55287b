"""Quotes: written as drafts or sent, and answered, withdrawn or expired after their last day.

An accepted quote becomes work for staff. Tickets lie above this domain, so they register here what they make of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from console.audit.service import record
from console.billing.quotes import mails
from console.billing.quotes.models import Quote, QuoteLine, QuoteState
from console.billing.service import today
from console.billing.tax import rule_for
from console.core import clock, edit_conflicts
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Text
from console.core.idempotency import once
from console.core.money import BASIS_POINTS, CURRENCIES
from console.core.text import one_line, paragraphs
from console.core.texts import lazy_gettext
from console.customers.access import membership_behind, require_right
from console.customers.masking import mask_pins
from console.customers.models import Customer, CustomerStatus
from console.customers.rights import Right
from console.hosting.models import Product
from console.staff.roles import Permission

MAX_LINES = 30
MAX_DESCRIPTION = 300
MAX_NOTE = 2_000
MAX_QUANTITY = 10_000
MAX_NET = 100_000_000_000
LONGEST = timedelta(days=366)

Accepted = Callable[[Actor, Quote], None]
_accepted: dict[str, Accepted] = {}


@dataclass(frozen=True)
class QuoteLineData:
    """One item. ``net`` is of the whole line, in minor units."""

    description: str
    net: int
    quantity: int = 1
    tax_bp: int = 2000
    product_id: int | None = None


@dataclass(frozen=True)
class QuoteData:
    """What is offered. ``valid_until``: its last day."""

    currency: str
    valid_until: date
    lines: tuple[QuoteLineData, ...]
    note: str = ""


def on_accepted(name: str, make: Accepted) -> None:
    """Register what an accepted quote becomes."""
    _accepted[name] = make


def send_quote(actor: Actor, customer: Customer, data: QuoteData, key: str) -> dict[str, Any]:
    """Make a quote and mail it to the account's people who see quotes.

    Args:
        key: the caller's idempotency key.

    Returns:
        ``number``, ``state`` and ``total``.

    Raises:
        NotFound: the role does not make quotes.
        Invalid: with a message for every wrong field; a line's are at ``lines``.
        Conflict: the account is closed.
    """
    actor.require(Permission.MANAGE_QUOTES)
    return once(f"quote.send:{actor.id}", key, _content(customer, data), lambda: _send(actor, customer, data))


def save_draft(actor: Actor, customer: Customer, data: QuoteData, key: str) -> dict[str, Any]:
    """Store a quote that is not sent yet. Its customer does not see it.

    Args:
        key: the caller's idempotency key.

    Returns:
        ``number``, ``state`` and ``total``.

    Raises:
        NotFound: the role does not make quotes.
        Invalid: with a message for every wrong field.
        Conflict: the account is closed.
    """
    actor.require(Permission.MANAGE_QUOTES)

    def work() -> dict[str, Any]:
        quote = _compose(actor, customer, _checked(data, draft=True))
        db.session.add(quote)
        db.session.flush()
        record(actor, "quote.drafted", quote.number, customer_id=customer.id, total=quote.total)
        return _to_answer(quote)

    return once(f"quote.draft:{actor.id}", key, _content(customer, data), work)


def change_draft(actor: Actor, quote_id: int, data: QuoteData, *, seen: str | None = None) -> Quote:
    """Change a draft.

    Args:
        seen: the :func:`mark_draft` of what was looked at.

    Raises:
        NotFound: the role does not make quotes, or there is none.
        Invalid: with a message for every wrong field.
        Conflict: it was sent already, or a colleague has changed it meanwhile.
    """
    actor.require(Permission.MANAGE_QUOTES)
    quote = _lock_draft(quote_id)
    edit_conflicts.check(seen, _draft_facts(quote))
    _fill(actor, quote, _checked(data, draft=True))
    db.session.flush()
    record(actor, "quote.drafted", quote.number, customer_id=quote.customer_id, total=quote.total)
    return quote


def mark_draft(quote: Quote) -> str:
    """Return the mark of a draft as it is now."""
    return edit_conflicts.mark(_draft_facts(quote))


def send_draft(actor: Actor, quote_id: int) -> Quote:
    """Send a draft as it is, taxed as its buyer is now.

    Raises:
        NotFound: the role does not make quotes, or there is none.
        Invalid: it has no lines, or its last day is over.
        Conflict: it was sent already, or the account is closed.
    """
    actor.require(Permission.MANAGE_QUOTES)
    quote = _lock_draft(quote_id)
    if quote.customer.status is CustomerStatus.CLOSED:
        raise Conflict(lazy_gettext("The account is closed."), code="closed")
    _fill(actor, quote, _checked(data_of(quote)))
    _mark_sent(actor, quote)
    return quote


def discard_draft(actor: Actor, quote_id: int) -> None:
    """Delete a draft, which was never sent.

    Raises:
        NotFound: the role does not make quotes, or there is none.
        Conflict: it was sent already.
    """
    actor.require(Permission.MANAGE_QUOTES)
    quote = _lock_draft(quote_id)
    record(actor, "quote.discarded", quote.number, customer_id=quote.customer_id)
    db.session.delete(quote)
    db.session.flush()


def data_of(quote: Quote) -> QuoteData:
    """Return a quote as its form has it."""
    lines = tuple(
        QuoteLineData(line.description, line.net, line.quantity, line.tax_bp, line.product_id) for line in quote.lines
    )
    return QuoteData(quote.currency, quote.valid_until, lines, quote.note)


def withdraw_quote(actor: Actor, quote_id: int) -> Quote:
    """Take a quote back that was not answered yet.

    Raises:
        NotFound: the role does not make quotes, or there is none.
        Conflict: ``answered``: it was answered, withdrawn or has expired.
    """
    actor.require(Permission.MANAGE_QUOTES)
    quote = _lock_open(quote_id)
    _end(quote, QuoteState.WITHDRAWN)
    record(actor, "quote.withdrawn", quote.number, customer_id=quote.customer_id)
    return quote


def end_for_erasure(actor: Actor, quote: Quote) -> None:
    """Withdraw an open quote of an account whose owner is erased, as part of that."""
    _end(quote, QuoteState.WITHDRAWN)
    record(actor, "quote.withdrawn", quote.number, customer_id=quote.customer_id)


def accept_quote(actor: Actor, quote_id: int) -> Quote:
    """Accept a quote: it binds the account, so it takes the right to order besides the right to see quotes.

    Raises:
        NotFound: there is none on an account where ``actor`` may see quotes and order.
        Conflict: ``answered``: it was answered, withdrawn or has expired.
    """
    quote = _lock_own(actor, quote_id, Right.QUOTES, Right.ORDERS)
    _answer(actor, quote, QuoteState.ACCEPTED, "")
    _accepted["ticket"](actor, quote)
    record(actor, "quote.accepted", quote.number, customer_id=quote.customer_id, total=quote.total)
    return quote


def decline_quote(actor: Actor, quote_id: int, reason: str = "") -> Quote:
    """Decline a quote, with a reason where one is given.

    Raises:
        NotFound: there is none on an account where ``actor`` may see quotes.
        Conflict: ``answered``: it was answered, withdrawn or has expired.
    """
    quote = _lock_own(actor, quote_id, Right.QUOTES)
    _answer(actor, quote, QuoteState.DECLINED, mask_pins(paragraphs(reason))[0][:MAX_NOTE])
    record(actor, "quote.declined", quote.number, customer_id=quote.customer_id)
    return quote


def _content(customer: Customer, data: QuoteData) -> dict[str, Any]:
    return asdict(data) | {"valid_until": data.valid_until.isoformat(), "customer": customer.id}


def _to_answer(quote: Quote) -> dict[str, Any]:
    return {"number": quote.number, "state": quote.state.value, "total": quote.total, "currency": quote.currency}


def _send(actor: Actor, customer: Customer, data: QuoteData) -> dict[str, Any]:
    quote = _compose(actor, customer, _checked(data))
    db.session.add(quote)
    db.session.flush()
    _mark_sent(actor, quote)
    return _to_answer(quote)


def _mark_sent(actor: Actor, quote: Quote) -> None:
    quote.state, quote.sent_at = QuoteState.SENT, clock.now()
    db.session.flush()
    mails.write_quote(quote)
    record(actor, "quote.sent", quote.number, customer_id=quote.customer_id, total=quote.total, currency=quote.currency)


def _compose(actor: Actor, customer: Customer, data: QuoteData) -> Quote:
    if customer.status is CustomerStatus.CLOSED:
        raise Conflict(lazy_gettext("The account is closed."), code="closed")
    quote = Quote(customer=customer, state=QuoteState.DRAFT)
    _fill(actor, quote, data)
    return quote


def _fill(actor: Actor, quote: Quote, data: QuoteData) -> None:
    """Write checked data into a quote, taxed as its buyer is now."""
    if actor.kind != "staff" or actor.id is None:
        raise NotFound(code="not_allowed")
    rule = rule_for(quote.customer.tax_status, issuer_in_vat_system=settings().issuer.in_vat_system)
    quote.lines = [
        QuoteLine(
            position=place,
            product_id=line.product_id,
            description=line.description,
            quantity=line.quantity,
            net=line.net,
            tax_bp=line.tax_bp,
            tax=rule.on(line.net, line.tax_bp),
            total=line.net + rule.on(line.net, line.tax_bp),
        )
        for place, line in enumerate(data.lines, start=1)
    ]
    quote.currency, quote.valid_until, quote.note = data.currency, data.valid_until, data.note
    quote.net = sum(line.net for line in quote.lines)
    quote.tax = sum(line.tax for line in quote.lines)
    quote.total = sum(line.total for line in quote.lines)
    quote.tax_note, quote.changed_at, quote.sent_by_id = rule.note, clock.now(), actor.id


def _draft_facts(quote: Quote) -> dict[str, Any]:
    return {"changed_at": quote.changed_at.isoformat(), "by": quote.sent_by_id, "total": quote.total}


def _lock_draft(quote_id: int) -> Quote:
    quote = db.session.get(Quote, quote_id, with_for_update={"of": Quote}, populate_existing=True)
    if quote is None:
        raise NotFound
    if quote.state is not QuoteState.DRAFT:
        raise Conflict(lazy_gettext("This quote has already been sent."), code="sent")
    return quote


def _checked(data: QuoteData, *, draft: bool = False) -> QuoteData:
    """Return the data with its texts cleaned. A draft may have no lines yet, and a last day that is over.

    Raises:
        Invalid: with a message for every wrong field.
    """
    wrong: dict[str, list[Text]] = {}
    if data.currency not in CURRENCIES:
        wrong["currency"] = [lazy_gettext("Choose a currency.")]
    if not (draft or today() <= data.valid_until) or data.valid_until > today() + LONGEST:
        wrong["valid_until"] = [lazy_gettext("Enter a day from today on, within a year.")]
    if len(data.note) > MAX_NOTE:
        wrong["note"] = [lazy_gettext("This is too long.")]
    if not data.lines and not draft:
        wrong["lines"] = [lazy_gettext("Enter at least one line.")]
    if len(data.lines) > MAX_LINES:
        wrong["lines"] = [lazy_gettext("At most %(count)s lines.", count=MAX_LINES)]
    lines = [
        QuoteLineData(mask_pins(one_line(one.description))[0], one.net, one.quantity, one.tax_bp, one.product_id)
        for one in data.lines
    ]
    if not all(map(_is_line, lines)):
        wrong["lines"] = [lazy_gettext("Each line needs a description, a quantity and an amount without PDV.")]
    if not _are_products([one.product_id for one in lines if one.product_id is not None]):
        wrong["lines"] = [lazy_gettext("A product on a line does not exist.")]
    if wrong:
        raise Invalid(fields=wrong)
    return QuoteData(data.currency, data.valid_until, tuple(lines), mask_pins(paragraphs(data.note))[0])


def _is_line(line: QuoteLineData) -> bool:
    return (
        0 < len(line.description) <= MAX_DESCRIPTION
        and 0 < line.quantity <= MAX_QUANTITY
        and 0 <= line.net <= MAX_NET
        and 0 <= line.tax_bp <= BASIS_POINTS
    )


def _are_products(ids: Sequence[int]) -> bool:
    found = db.session.scalars(select(Product.id).where(Product.id.in_(ids))).all() if ids else []
    return set(found) == set(ids)


def _lock_open(quote_id: int) -> Quote:
    quote = db.session.get(Quote, quote_id, with_for_update={"of": Quote}, populate_existing=True)
    if quote is None:
        raise NotFound
    if quote.state_on(today()) is not QuoteState.SENT:
        raise Conflict(
            lazy_gettext("This quote was already answered or withdrawn, or it has expired."), code="answered"
        )
    return quote


def _lock_own(actor: Actor, quote_id: int, *rights: Right) -> Quote:
    customer_id = db.session.scalar(select(Quote.customer_id).where(Quote.id == quote_id))
    if actor.kind != "person" or customer_id is None:
        raise NotFound(code="not_allowed")
    for right in rights:
        require_right(actor, customer_id, right)
    return _lock_open(quote_id)


def _answer(actor: Actor, quote: Quote, state: QuoteState, text: str) -> None:
    membership = membership_behind(actor, quote.customer_id)
    quote.answered_by_id, quote.answer = (membership.id if membership else None), text
    _end(quote, state)


def _end(quote: Quote, state: QuoteState) -> None:
    quote.state, quote.ended_at = state, clock.now()
    db.session.flush()
