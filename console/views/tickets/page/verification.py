"""Who is behind a ticket: asking for a verification, and what one opens.

A verification made for this ticket opens here, and only here and on the account's page, exactly what the
person's rights open. What is not opened is not in the page, and not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask.typing import ResponseReturnValue
from flask_admin import expose

from console.core.actor import Actor
from console.core.errors import NotFound, Text
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers import labels
from console.customers.rights import Right
from console.staff.roles import Permission
from console.tickets.queries import find_ticket
from console.tickets.service import verification as ticket_verification
from console.tickets.sidebar import queries as sidebar
from console.views.shared.base import Page
from console.views.shared.customer_data import FIRST_RIGHTS, load_group
from console.views.shared.labels.states import SERVICE_STATUS, proforma_label
from console.views.shared.labels.tickets import status_label, ticket_url
from console.views.tickets.page.answers import done
from console.web.identity import current_actor

if TYPE_CHECKING:
    _Base = Page
else:
    _Base = object

# What a verification may open, by the part of the column: its name, icon and the rights of which one is enough.
GROUPS: dict[str, tuple[Text, str, tuple[Right, ...]]] = {
    "services": (lazy_gettext("Services and domains"), "server", (Right.PRODUCTS, Right.DOMAINS)),
    "documents": (lazy_gettext("Open pro-formas"), "file", (Right.INVOICES,)),
    "people": (lazy_gettext("People and permissions"), "users", (Right.CONTACTS,)),
    "tickets": (lazy_gettext("The account’s tickets"), "ticket", (Right.TICKETS,)),
    "mail": (lazy_gettext("E-mails"), "mail", (Right.EMAILS,)),
}


class TicketWho(_Base):
    """Verifying on a ticket (a mixin of its page)."""

    who_permissions = dict.fromkeys(("ask_verification", "withdraw", "opened"), Permission.VERIFY)

    @expose("/ask-verification", methods=["POST"])
    def ask_verification(self, number: str) -> ResponseReturnValue:
        """Mail the requester a link that opens once, for e-mail and PIN."""
        ticket = find_ticket(current_actor(), number)
        with transaction():
            ticket_verification.ask_requester(current_actor(), ticket.id)
        return done(ticket.number, gettext("The link was sent. You will see only the result here."))

    @expose("/withdraw-verification", methods=["POST"])
    def withdraw(self, number: str) -> ResponseReturnValue:
        """Make the link void that waits for the requester."""
        ticket = find_ticket(current_actor(), number)
        with transaction():
            gone = ticket_verification.withdraw(current_actor(), ticket.id)
        if gone:
            return done(ticket.number, gettext("The link was revoked."))
        return done(ticket.number, gettext("There was no active link."), kind="info")

    @expose("/opened/<group>")
    def opened(self, number: str, group: str) -> ResponseReturnValue:
        """Show one group of what the verification for this ticket opens now."""
        actor, ticket = current_actor(), find_ticket(current_actor(), number)
        verification = sidebar.verification_for(actor, ticket)
        if group not in GROUPS or verification is None:
            raise NotFound
        rights = verification.opened_rights()
        if not rights.intersection(GROUPS[group][2]):
            raise NotFound
        page: str = self.render(
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


def who_context(actor: Actor, told: sidebar.Around) -> dict[str, Any]:
    """Return what the card of the verification shows."""
    rights = told.live.rights if told.live is not None else frozenset()
    return {
        "groups": [
            (key, name, symbol, bool(rights.intersection(wanted)), wanted[0])
            for key, (name, symbol, wanted) in GROUPS.items()
        ],
        "first_rights": FIRST_RIGHTS,
        "may_verify": actor.may(Permission.VERIFY),
        "may_override": actor.may(Permission.OVERRIDE),
        "may_migrate": actor.may(Permission.REQUEST_MIGRATION) and Right.TRANSFER in rights,
        "labels": labels,
    }
