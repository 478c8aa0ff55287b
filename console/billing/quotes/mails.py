"""The mail that brings a quote."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from console.billing.quotes.models import Quote
from console.core.context import settings
from console.core.db import db
from console.customers.models import Membership, Person
from console.customers.rights import MailCategory, Right
from console.mail.service import write_to


def write_quote(quote: Quote) -> None:
    """Write to the account's people who see quotes and get mail about invoices; where there are none, to its owner."""
    customer = quote.customer
    query = (
        select(Membership)
        .join(Membership.person)
        .options(contains_eager(Membership.person))
        .where(Membership.customer_id == customer.id, Membership.removed_at.is_(None))
        .order_by(Membership.id)
    )
    members = list(db.session.scalars(query))
    readers: list[Person] = [
        one.person for one in members if MailCategory.INVOICE.value in one.mail and Right.QUOTES in one.held_rights()
    ]
    for person in readers or [one.person for one in members if one.is_owner]:
        write_to(
            person,
            customer,
            "quote_sent",
            about=f"quote:{quote.number}",
            number=quote.number,
            lines=[line.description for line in quote.lines],
            total=quote.total,
            currency=quote.currency,
            valid_until=quote.valid_until,
            note=quote.note,
            portal=settings().portal_brand,
            path=f"/moj/quotes/{quote.number}",
        )
