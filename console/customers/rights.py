"""What a customer's people may do, and which field groups each right opens.

The first twelve keys are those of other hosting consoles; ``transfer`` is ours: giving a service away is none of them.
"""

from __future__ import annotations

from enum import StrEnum


class Right(StrEnum):
    """One permission a person holds on one account."""

    PROFILE = "profile"
    CONTACTS = "contacts"
    PRODUCTS = "products"
    MANAGE_PRODUCTS = "manageproducts"
    PRODUCT_SSO = "productsso"
    DOMAINS = "domains"
    MANAGE_DOMAINS = "managedomains"
    INVOICES = "invoices"
    QUOTES = "quotes"
    TICKETS = "tickets"
    EMAILS = "emails"
    ORDERS = "orders"
    TRANSFER = "transfer"


ALL_RIGHTS = frozenset(Right)
# A supervisor's reasoned override reads; it never changes or gives away, and it does not open the account's mail, which
# was written to its people.
READING_RIGHTS = frozenset(
    {
        Right.PROFILE, Right.CONTACTS, Right.PRODUCTS, Right.DOMAINS,
        Right.INVOICES, Right.QUOTES, Right.TICKETS,
    }
)  # fmt: skip


class MailCategory(StrEnum):
    """The five kinds of mail a person may receive about an account."""

    GENERAL = "general"
    PRODUCT = "product"
    DOMAIN = "domain"
    INVOICE = "invoice"
    SUPPORT = "support"
