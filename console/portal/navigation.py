"""The portal's menus: what stands in the bar of every page, and under "My account" the pages of one account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Flask, request, url_for

from console.core.texts import LazyText, lazy_gettext
from console.customers.models import Membership
from console.customers.rights import Right
from console.portal.accounts import own_accounts


@dataclass(frozen=True)
class Entry:
    """One entry of a menu. ``pages``: the endpoints whose pages belong to it, by how they begin."""

    endpoint: str
    label: LazyText
    right: Right | None = None
    pages: tuple[str, ...] = ()

    def is_current(self) -> bool:
        """Tell whether the page shown belongs to it."""
        return (request.endpoint or "").startswith((self.endpoint, *self.pages))


@dataclass(frozen=True)
class Link:
    """An entry as a page shows it."""

    url: str
    label: LazyText
    is_current: bool


# What the account's menu has, in the order and the words of the customer FAQ.
ACCOUNT: tuple[Entry, ...] = (
    Entry(
        "portal.profile",
        lazy_gettext("Profile"),
        Right.PROFILE,
        ("portal.save_profile", "portal.handover", "portal.start_handover"),
    ),
    Entry("portal.password", lazy_gettext("Change password")),
    Entry("portal.contacts", lazy_gettext("Contacts/sub-accounts"), Right.CONTACTS, ("portal.contact",)),
    Entry("portal.users", lazy_gettext("Manage users"), Right.CONTACTS, ("portal.user", "portal.invite")),
    Entry("portal.mails", lazy_gettext("Sent e-mail messages"), Right.EMAILS, ("portal.mail",)),
)

# What the bar has between "Home" and "My account".
SUBJECTS: tuple[Entry, ...] = ()

# What the person icon at the top right leads to: one's own sign-in, whatever the account.
PERSON: tuple[Entry, ...] = (
    Entry("portal.password", lazy_gettext("Change password")),
    Entry("portal.email", lazy_gettext("Change e-mail address")),
    Entry("portal.sessions", lazy_gettext("Sessions")),
)

HOME = Entry("portal.home", lazy_gettext("Home"))


def init_app(app: Flask) -> None:
    """Let the pages ask for their menus."""
    app.jinja_env.globals.update(
        portal_bar=bar,
        portal_account_menu=account_menu,
        portal_person_menu=person_menu,
        portal_switcher=switcher,
        portal_list_of=list_of,
    )


def bar(mine: Membership | None, account: str | None) -> list[Link]:
    """Return the entries of the bar that this person may open.

    Args:
        mine: the person's membership of the account shown, if there is one.
        account: the account's number, where the person has several.
    """
    links = _links((HOME, *SUBJECTS) if mine is not None else (HOME,), mine, account)
    if mine is not None:
        first = next(entry for entry in ACCOUNT if _may_open(entry, mine))
        current = any(entry.is_current() for entry in ACCOUNT)
        links.append(Link(url_for(first.endpoint, account=account), lazy_gettext("My account"), current))
    return links


def account_menu(mine: Membership) -> list[Link]:
    """Return the pages under "My account" that this person may open."""
    return _links(ACCOUNT, mine, mine.customer.number)


def person_menu(account: str | None) -> list[Link]:
    """Return the pages about one's own sign-in."""
    return _links(PERSON, None, account)


def switcher() -> list[tuple[Membership, str]]:
    """Return each of the person's accounts with where it leads: to the same page there, where one may open it."""
    accounts = own_accounts()
    here = next((entry for entry in (HOME, *SUBJECTS, *ACCOUNT) if entry.endpoint == request.endpoint), HOME)
    return [
        (one, url_for((here if _may_open(here, one) else HOME).endpoint, account=one.customer.number))
        for one in accounts
    ]


def list_of(right: Right, mine: Membership) -> str | None:
    """Return the address of the list that a right opens, where the bar has one."""
    entry = next((one for one in SUBJECTS if one.right is right and _may_open(one, mine)), None)
    return url_for(entry.endpoint, account=mine.customer.number) if entry is not None else None


def _links(entries: Sequence[Entry], mine: Membership | None, account: str | None) -> list[Link]:
    return [
        Link(url_for(entry.endpoint, account=account), entry.label, entry.is_current())
        for entry in entries
        if _may_open(entry, mine)
    ]


def _may_open(entry: Entry, mine: Membership | None) -> bool:
    return entry.right is None or (mine is not None and entry.right in mine.held_rights())
