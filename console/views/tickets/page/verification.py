"""Verifying the requester of a ticket, and what a verification opens.

A verification made for this ticket opens here, and only here and on the account's page, exactly what the
person's rights open. What is not opened is not in the page, and not read.
"""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from console.core.actor import Actor
from console.core.errors import NotFound, Text
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers import labels
from console.customers.rights import Right
from console.customers.verification import cards
from console.staff.roles import Permission
from console.tickets.models import Ticket
from console.tickets.service.verification import channel
from console.tickets.sidebar import Sidebar, find_verification
from console.views.shared.base import Page
from console.views.shared.customer_data import FIRST_RIGHTS, load_group
from console.views.shared.labels.states import SERVICE_STATUS, proforma_label
from console.views.shared.labels.tickets import status_label, ticket_url
from console.views.tickets.page.answers import answer_done
from console.web.identity import current_actor

# What a verification may open: the key of the group, its label, its icon and the rights of which one is enough.
GROUPS: dict[str, tuple[Text, str, tuple[Right, ...]]] = {
    "services": (lazy_gettext("Services and domains"), "server", (Right.PRODUCTS, Right.DOMAINS)),
    "documents": (lazy_gettext("Open pro-formas"), "file", (Right.INVOICES,)),
    "people": (lazy_gettext("People and permissions"), "users", (Right.CONTACTS,)),
    "tickets": (lazy_gettext("The account’s tickets"), "ticket", (Right.TICKETS,)),
    "mail": (lazy_gettext("E-mails"), "mail", (Right.EMAILS,)),
}


def ask_requester(ticket: Ticket) -> ResponseReturnValue:
    """Mail the requester a link that opens once, for e-mail and PIN."""
    with transaction():
        cards.ask(current_actor(), channel(ticket))
    return answer_done(ticket.number, gettext("The link was sent. You will see only the result here."))


def withdraw(ticket: Ticket) -> ResponseReturnValue:
    """Revoke the link that the requester has not used yet."""
    with transaction():
        is_revoked = cards.withdraw(current_actor(), channel(ticket))
    if is_revoked:
        return answer_done(ticket.number, gettext("The link was revoked."))
    return answer_done(ticket.number, gettext("There was no active link."), kind="info")


def show_group(view: Page, ticket: Ticket, group: str) -> ResponseReturnValue:
    """Show one group of what the verification for this ticket opens now."""
    actor = current_actor()
    verification = find_verification(actor, ticket)
    if group not in GROUPS or verification is None:
        raise NotFound
    if not verification.opened_rights().intersection(GROUPS[group][2]):
        raise NotFound
    page: str = view.render(
        "admin/tickets/page/unlocked.html",
        ticket=ticket,
        group=group,
        page=load_group(actor, verification, group),
        service_labels=SERVICE_STATUS,
        proforma_label=proforma_label,
        status_label=status_label,
        ticket_url=ticket_url,
        labels=labels,
        Right=Right,
    )
    return page


def verification_context(actor: Actor, sidebar: Sidebar) -> dict[str, Any]:
    """Return the context of the verification card."""
    rights = sidebar.live.rights if sidebar.live is not None else frozenset()
    return {
        "groups": [
            (key, name, symbol, bool(rights.intersection(rights_of)), rights_of[0])
            for key, (name, symbol, rights_of) in GROUPS.items()
        ],
        "first_rights": FIRST_RIGHTS,
        "may_verify": actor.may(Permission.VERIFY),
        "may_override": actor.may(Permission.OVERRIDE),
        "may_migrate": actor.may(Permission.REQUEST_MIGRATION) and Right.TRANSFER in rights,
        "labels": labels,
    }
