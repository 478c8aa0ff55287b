"""The mail that brings a quote."""

from __future__ import annotations

from console.billing.quotes.models import Quote
from console.core.context import settings
from console.customers.mail_categories import receivers
from console.customers.rights import MailCategory, Right
from console.mail.service import write_to


def write_quote(quote: Quote) -> None:
    """Write to the account's people who see quotes and get mail about invoices, its owner among them."""
    customer = quote.customer
    for member in receivers(customer, MailCategory.INVOICE):
        if Right.QUOTES not in member.held_rights():
            continue
        write_to(
            member.person,
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
