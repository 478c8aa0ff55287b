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
        """Return whether the page shown belongs to it."""
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
    Entry(
        "portal.profile",
        lazy_gettext("Profile"),
        Right.PROFILE,
        ("portal.save_profile", "portal.handover", "portal.start_handover", "portal.email", "portal.change_email"),
    ),
    Entry("portal.password", lazy_gettext("Change password")),
    Entry(
        "portal.security",
        lazy_gettext("Account security"),
        pages=(
            "portal.totp",
            "portal.start_totp",
            "portal.switch_totp",
            "portal.renew_codes",
            "portal.remove_passkey",
            "portal.turn_sso",
            "portal.revoke_grant",
            "portal.sessions",
        ),
    ),
    Entry("portal.contacts", lazy_gettext("Contacts/sub-accounts"), Right.CONTACTS, ("portal.contact",)),
    Entry("portal.users", lazy_gettext("Manage users"), Right.CONTACTS, ("portal.user", "portal.invite")),
    Entry("portal.notices", lazy_gettext("E-mail notifications"), pages=("portal.choose_notices",)),
    Entry("portal.mails", lazy_gettext("Sent e-mail messages"), Right.EMAILS, ("portal.mail",)),
    Entry("portal.privacy", lazy_gettext("Your data"), None, ("portal.export",)),
)

# What the bar has between "Home" and "My account"; a group of several pages shows them as tabs.
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
    "domains": Group(
        lazy_gettext("Domains"),
        (
            Entry(
                "portal.domains",
                lazy_gettext("Domains"),
                Right.DOMAINS,
                ("portal.dns_", "portal.add_dns_", "portal.change_dns_", "portal.save_dns_"),
            ),
        ),
    ),
    "documents": Group(
        lazy_gettext("Pro-formas"),
        (
            Entry("portal.documents", lazy_gettext("Pro-formas"), Right.INVOICES, ("portal.document", "portal.storno")),
            Entry("portal.credit", lazy_gettext("Payments and credit"), Right.INVOICES),
            Entry("portal.quotes", lazy_gettext("Quotes"), Right.QUOTES, ("portal.quote",)),
        ),
    ),
    "tickets": Group(
        lazy_gettext("Tickets"),
        (
            Entry(
                "portal.tickets",
                lazy_gettext("Tickets"),
                pages=("portal.ticket", "portal.new_ticket", "portal.open_ticket", "portal.answer_ticket"),
            ),
        ),
    ),
    "chat": Group(
        lazy_gettext("Live chat"),
        (Entry("portal.chat", lazy_gettext("Live chat"), pages=("portal.past_chat",)),),
    ),
}

# What the person icon at the top right leads to: one's own sign-in, whatever the account.
PERSON: tuple[Entry, ...] = (
    Entry("portal.security", lazy_gettext("Security settings")),
    Entry("portal.password", lazy_gettext("Change password")),
    Entry("portal.email", lazy_gettext("Change e-mail address")),
    Entry("portal.sessions", lazy_gettext("Sessions")),
)

HOME = Entry("portal.home", lazy_gettext("Home"))
MY_ACCOUNT = Group(lazy_gettext("My account"), ACCOUNT)


def init_app(app: Flask) -> None:
    """Let the pages ask for their menus."""
    app.jinja_env.globals.update(
        portal_bar=bar,
        portal_my_account=my_account,
        portal_account_menu=account_menu,
        portal_group_menu=group_menu,
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
    links = _links((HOME,), mine, account)
    if mine is not None:
        links += [link for group in GROUPS.values() for link in _group_link(group, mine, account)]
    return links


def my_account(mine: Membership | None, account: str | None) -> list[Link]:
    """Return the entry "My account", none on no account: in the bar, or on a phone in the person's menu."""
    return _group_link(MY_ACCOUNT, mine, account) if mine is not None else []


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


def person_menu(account: str | None) -> list[Link]:
    """Return the pages about one's own sign-in."""
    return _links(PERSON, None, account)


def switcher(accounts: Sequence[Membership] | None = None) -> list[tuple[Membership, str]]:
    """Return each of the person's accounts with where it leads: to the same page there, where one may open it.

    Args:
        accounts: all of them, where the page has read them already.
    """
    accounts = own_accounts() if accounts is None else accounts
    here = next((entry for entry in (HOME, *_in_groups(), *ACCOUNT) if entry.endpoint == request.endpoint), HOME)
    return [
        (one, url_for((here if _may_open(here, one) else HOME).endpoint, account=one.customer.number))
        for one in accounts
    ]


def list_of(right: Right, mine: Membership) -> str | None:
    """Return the address of the list that a right opens, where the bar has one."""
    entry = next((one for one in _in_groups() if one.right is right and _may_open(one, mine)), None)
    return url_for(entry.endpoint, account=mine.customer.number) if entry is not None else None


def _in_groups() -> list[Entry]:
    return [entry for group in GROUPS.values() for entry in group.entries]


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
