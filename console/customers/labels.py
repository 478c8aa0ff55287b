"""Rights, mail categories and channels in words."""

from __future__ import annotations

from console.core.errors import Text
from console.core.texts import lazy_gettext
from console.customers.models import MemberRole, TaxStatus
from console.customers.rights import MailCategory, Right

RIGHT_NAMES: dict[Right, Text] = {
    Right.PROFILE: lazy_gettext("Change the account’s profile"),
    Right.CONTACTS: lazy_gettext("See and manage contacts"),
    Right.PRODUCTS: lazy_gettext("See products and services"),
    Right.MANAGE_PRODUCTS: lazy_gettext("See and manage passwords"),
    Right.PRODUCT_SSO: lazy_gettext("Single sign-on to services"),
    Right.DOMAINS: lazy_gettext("See domains"),
    Right.MANAGE_DOMAINS: lazy_gettext("Manage domains"),
    Right.INVOICES: lazy_gettext("See and pay pro-formas and invoices"),
    Right.QUOTES: lazy_gettext("See quotes"),
    Right.TICKETS: lazy_gettext("See tickets"),
    Right.EMAILS: lazy_gettext("See e-mail messages"),
    Right.ORDERS: lazy_gettext("Orders, upgrades, cancellations"),
    Right.TRANSFER: lazy_gettext("Transfer services"),
}
# The same in a word or two, for lists of many.
RIGHT_WORDS: dict[Right, Text] = {
    Right.PROFILE: lazy_gettext("profile"),
    Right.CONTACTS: lazy_gettext("contacts"),
    Right.PRODUCTS: lazy_gettext("services"),
    Right.MANAGE_PRODUCTS: lazy_gettext("passwords"),
    Right.PRODUCT_SSO: lazy_gettext("single sign-on"),
    Right.DOMAINS: lazy_gettext("domains"),
    Right.MANAGE_DOMAINS: lazy_gettext("managing domains"),
    Right.INVOICES: lazy_gettext("pro-formas"),
    Right.QUOTES: lazy_gettext("offers"),
    Right.TICKETS: lazy_gettext("tickets"),
    Right.EMAILS: lazy_gettext("e-mail messages"),
    Right.ORDERS: lazy_gettext("orders"),
    Right.TRANSFER: lazy_gettext("transfer"),
}
ROLE_NAMES: dict[MemberRole, Text] = {
    MemberRole.OWNER: lazy_gettext("account owner"),
    MemberRole.USER: lazy_gettext("independent user"),
    MemberRole.CONTACT: lazy_gettext("contact"),
}
MAIL_NAMES: dict[MailCategory, Text] = {
    MailCategory.GENERAL: lazy_gettext("general"),
    MailCategory.PRODUCT: lazy_gettext("about products"),
    MailCategory.DOMAIN: lazy_gettext("about domains"),
    MailCategory.INVOICE: lazy_gettext("about invoices"),
    MailCategory.SUPPORT: lazy_gettext("from support"),
}
# In the words of the customer FAQ, where they are chosen.
MAIL_CHOICES: dict[MailCategory, Text] = {
    MailCategory.GENERAL: lazy_gettext("General messages: notices, a new password"),
    MailCategory.PRODUCT: lazy_gettext("Messages about products: order details, welcome messages"),
    MailCategory.DOMAIN: lazy_gettext("Messages about domains: renewals, registration confirmations"),
    MailCategory.INVOICE: lazy_gettext("Messages about invoices: invoices and pro-formas"),
    MailCategory.SUPPORT: lazy_gettext("Messages from support: that your questions were answered"),
}
_CHANNELS: dict[str, Text] = {
    "phone": lazy_gettext("by phone"),
    "mail": lazy_gettext("by e-mail"),
    "chat": lazy_gettext("in a chat"),
    "ticket": lazy_gettext("on a ticket"),
    "override": lazy_gettext("opened by a supervisor"),
    "portal": lazy_gettext("in the portal"),
}
TAX_STATUS: dict[TaxStatus, Text] = {
    TaxStatus.DOMESTIC: lazy_gettext("domestic buyer"),
    TaxStatus.ABROAD: lazy_gettext("buyer abroad"),
    TaxStatus.EXEMPT: lazy_gettext("exempt buyer"),
}


def channel_name(channel: str) -> Text:
    """Return how the person reached us, in words: ``ticket:T-19877`` is "on a ticket"."""
    return _CHANNELS[channel.partition(":")[0]]
