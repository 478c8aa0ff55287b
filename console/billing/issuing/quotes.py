"""An accepted quote becomes a pro-forma, once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from console.audit.service import record
from console.billing import mails
from console.billing.issuing.data import ItemData, ProformaData
from console.billing.issuing.service import issue, settle, to_answer
from console.billing.models import Proforma
from console.billing.quotes.models import Quote, QuoteState
from console.billing.service import today
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import Conflict, NotFound
from console.core.idempotency import once
from console.core.texts import lazy_gettext
from console.staff.roles import Permission


def bill_quote(actor: Actor, quote_id: int, due_on: date, key: str, *, mail: bool = True) -> dict[str, Any]:
    """Issue a pro-forma with the lines of an accepted quote, taxed as its buyer is now.

    Args:
        key: the caller's idempotency key.
        mail: write to the people of the account who get mail about invoices.

    Returns:
        What :func:`console.billing.issuing.service.make_proforma` does.

    Raises:
        NotFound: there is none, or the role issues no documents.
        Invalid: the due date.
        Conflict: ``not_accepted``; ``billed``: it became a pro-forma already; ``closed``: the account is.
    """
    actor.require(Permission.ISSUE_DOCUMENTS)

    def work() -> dict[str, Any]:
        quote = _lock(quote_id)
        document = issue(actor, quote.customer, to_data(quote, due_on))
        settle(actor, document)
        quote.proforma_id = document.id
        db.session.flush()
        record(actor, "quote.billed", quote.number, customer_id=quote.customer_id, proforma=document.number)
        if mail:
            mails.write_issued(document)
        return to_answer(document)

    content = {"due_on": due_on.isoformat(), "mail": mail}
    return once(f"quote.bill:{actor.id}:{quote_id}", key, content, work)


def to_data(quote: Quote, due_on: date) -> ProformaData:
    """Return the pro-forma that a quote becomes."""
    items = tuple(ItemData(line.description, line.net, line.tax_bp, line.quantity) for line in quote.lines)
    return ProformaData(quote.currency, due_on, items, quote.note)


def can_bill(quote: Quote) -> bool:
    """Return whether a quote can become a pro-forma now."""
    return quote.state is QuoteState.ACCEPTED and quote.proforma_id is None


def usual_due_on() -> date:
    """Return when a document of today is due by the issuer's term."""
    return today() + timedelta(days=settings().issuer.terms_days)


def _lock(quote_id: int) -> Quote:
    quote = db.session.get(Quote, quote_id, with_for_update={"of": Quote}, populate_existing=True)
    if quote is None:
        raise NotFound
    if quote.state is not QuoteState.ACCEPTED:
        raise Conflict(
            lazy_gettext("A quote becomes a pro-forma only after the customer has accepted it."), code="not_accepted"
        )
    if quote.proforma_id is not None:
        number = db.session.get_one(Proforma, quote.proforma_id).number
        raise Conflict(
            lazy_gettext("Pro-forma %(number)s was already issued for this quote.", number=number),
            code="billed",
            details={"proforma": number},
        )
    return quote
