"""Reading quotes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from console.billing.models import Proforma
from console.billing.quotes.models import Quote, QuoteState, quote_key
from console.core.db import db
from console.customers.models import Membership

INTERNAL = (QuoteState.DRAFT, QuoteState.WITHDRAWN)  # what customers do not see


def list_quotes(customer_id: int, *, before: int | None, limit: int) -> list[Quote]:
    """Return a page of an account's quotes, the newest first. Drafts and withdrawn ones are none of its business."""
    query = (
        select(Quote)
        .where(Quote.customer_id == customer_id, Quote.state.not_in(INTERNAL))
        .options(selectinload(Quote.lines))
        .order_by(Quote.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(Quote.id < before)
    return list(db.session.scalars(query))


def find_quote(number: str, customer_ids: Sequence[int] | None = None) -> Quote | None:
    """Return a quote with all that its page shows.

    Args:
        customer_ids: the accounts of which one must have it, and on which drafts and withdrawn ones are not there.
    """
    query = (
        select(Quote)
        .where(Quote.id == (quote_key(number) or 0))
        .options(
            joinedload(Quote.customer),
            joinedload(Quote.proforma).load_only(Proforma.number, Proforma.status),
            joinedload(Quote.sent_by),
            joinedload(Quote.answered_by).joinedload(Membership.person),
            selectinload(Quote.lines),
        )
    )
    if customer_ids is not None:
        query = query.where(Quote.customer_id.in_(customer_ids), Quote.state.not_in(INTERNAL))
    return db.session.scalar(query)
