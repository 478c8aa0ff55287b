"""The portal's menus: what stands in the bar of every page, and under "My account" the pages of one account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Flask, request, url_for

from console.core.texts import LazyText, lazy_gettext
from console.customers.models import Membership
from console.customers.rights import Right


@dataclass(frozen=True)
class Entry:
    """One entry of a menu.

    Args:
        pages: the endpoints whose pages belong to it, by how they begin.
        other_right: opens it too.
    """

    endpoint: str
    label: LazyText
    right: Right | None = None
    pages: tuple[str, ...] = ()
    other_right: Right | None = None

    def is_current(self) -> bool:
        """Tell whether the page shown belongs to it."""
        return (request.endpoint or "").startswith((self.endpoint, *self.pages))


@dataclass(frozen=True)
class Group:
    """Pages that share one entry of the bar, which leads to the first of them that a person may open."""

    label: LazyText
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Link:
    """An entry as a page shows it."""

    url: str
    label: LazyText
    is_current: bool


# What the account's menu has, in the order and the words of the customer FAQ.
ACCOUNT: tuple[Entry, ...] = (
    Entry("portal.password", lazy_gettext("Change password")),
    Entry("portal.sessions", lazy_gettext("Sessions")),
    Entry("portal.contacts", lazy_gettext("Contacts/sub-accounts"), Right.CONTACTS, ("portal.contact",)),
    Entry("portal.users", lazy_gettext("Manage users"), Right.CONTACTS, ("portal.user", "portal.invite")),
    Entry("portal.mails", lazy_gettext("Sent e-mail messages"), Right.EMAILS, ("portal.mail",)),
)

# What the bar has between "Home" and "My account".
SUBJECTS: tuple[Entry, ...] = ()

# The same, of several pages each; the pages show the group's entries as tabs.
GROUPS: dict[str, Group] = {
    "services": Group(
        lazy_gettext("Services"),
        (
            Entry("portal.services", lazy_gettext("All services"), Right.PRODUCTS, ("portal.service",), Right.DOMAINS),
            Entry(
                "portal.requests",
                lazy_gettext("Orders and requests"),
                Right.ORDERS,
                ("portal.order",),
                Right.MANAGE_PRODUCTS,
            ),
            Entry("portal.migrations", lazy_gettext("Service transfers"), Right.TRANSFER, ("portal.migration",)),
        ),
    ),
    "documents": Group(
        lazy_gettext("Pro-formas"),
        (
            Entry("portal.documents", lazy_gettext("Pro-formas"), Right.INVOICES, ("portal.document", "portal.storno")),
            Entry("portal.quotes", lazy_gettext("Quotes"), Right.QUOTES, ("portal.quote",)),
        ),
    ),
}

HOME = Entry("portal.home", lazy_gettext("Home"))


def init_app(app: Flask) -> None:
    """Let the pages ask for their menus."""
    app.jinja_env.globals.update(portal_bar=bar, portal_account_menu=account_menu, portal_group_menu=group_menu)


def bar(mine: Membership | None, account: str | None) -> list[Link]:
    """Return the entries of the bar that this person may open.

    Args:
        mine: the person's membership of the account shown, if there is one.
        account: the account's number, where the person has several.
    """
    links = _links((HOME, *SUBJECTS) if mine is not None else (HOME,), mine, account)
    if mine is not None:
        links += [link for group in GROUPS.values() for link in _group_link(group, mine, account)]
        first = next(entry for entry in ACCOUNT if _may_open(entry, mine))
        current = any(entry.is_current() for entry in ACCOUNT)
        links.append(Link(url_for(first.endpoint, account=account), lazy_gettext("My account"), current))
    return links


def account_menu(mine: Membership) -> list[Link]:
    """Return the pages under "My account" that this person may open."""
    return _links(ACCOUNT, mine, mine.customer.number)


def group_menu(key: str, mine: Membership) -> list[Link]:
    """Return the pages of a group that this person may open."""
    return _links(GROUPS[key].entries, mine, mine.customer.number)


def _group_link(group: Group, mine: Membership, account: str | None) -> list[Link]:
    """Return the bar's entry of a group, none where the person may open none of its pages."""
    open_entries = [entry for entry in group.entries if _may_open(entry, mine)]
    if not open_entries:
        return []
    current = any(entry.is_current() for entry in open_entries)
    return [Link(url_for(open_entries[0].endpoint, account=account), group.label, current)]


def _links(entries: Sequence[Entry], mine: Membership | None, account: str | None) -> list[Link]:
    return [
        Link(url_for(entry.endpoint, account=account), entry.label, entry.is_current())
        for entry in entries
        if _may_open(entry, mine)
    ]


def _may_open(entry: Entry, mine: Membership | None) -> bool:
    if entry.right is None:
        return True
    if not mine:  # a page for who is on no account names none
        return False
    return not mine.held_rights().isdisjoint({entry.right, entry.other_right})
