"""What stands beside a ticket's timeline: promises, facts, who is verified, and the header's actions.

``side_context`` gives the two templates of this part what they show; the verbs are a mixin of the page.
"""

from __future__ import annotations

from typing import Any

from flask import flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext, lazy_gettext

from console.core import clock
from console.core.actor import Actor
from console.core.errors import Invalid
from console.core.transaction import transaction
from console.customers.queries import live_verification
from console.staff.roles import Permission
from console.tickets import handling, identity
from console.tickets.models import Ticket, TicketStatus
from console.tickets.promises.queries import for_ticket
from console.tickets.queries import find_ticket
from console.views.ticket_labels import PRIORITY, ticket_url
from console.web.answers import wants_json
from console.web.identity import current_actor


def side_context(actor: Actor, ticket: Ticket) -> dict[str, Any]:
    """Return what ``ticket_side.html`` and ``ticket_actions.html`` show."""
    customer = ticket.customer_id
    return {
        "promises": for_ticket(ticket, clock.now()),
        "live": live_verification(actor, customer) if customer is not None else None,
        "channel": identity.channel(ticket),
        "priority": PRIORITY[ticket.priority],
    }


class TicketSide:
    """The verbs of the side column and of the header; mixed into the ticket's page."""

    side_permissions = dict.fromkeys(("take", "move", "ask_verification"), Permission.WORK_TICKETS)

    @expose("/assign", methods=["POST"])
    def take(self, number: str) -> ResponseReturnValue:
        """Take the ticket over."""
        ticket = find_ticket(current_actor(), number)
        with transaction():
            handling.assign(current_actor(), [ticket.id], current_actor().id)
        return done(number, gettext("The ticket is yours."))

    @expose("/status", methods=["POST"])
    def move(self, number: str) -> ResponseReturnValue:
        """Move the ticket to another state."""
        ticket, status = find_ticket(current_actor(), number), read_status(request.form.get("status", ""))
        if status is None:
            raise Invalid(fields={"status": [lazy_gettext("Not a valid choice.")]})
        with transaction():
            handling.set_status(current_actor(), [ticket.id], status)
        return done(number, gettext("Saved."))

    @expose("/ask-verification", methods=["POST"])
    def ask_verification(self, number: str) -> ResponseReturnValue:
        """Mail the requester a link that opens once, for e-mail and PIN."""
        ticket = find_ticket(current_actor(), number)
        with transaction():
            identity.ask_requester(current_actor(), ticket.id)
        return done(number, gettext("The link is on its way. Only the result comes back here."))


def read_status(value: str) -> TicketStatus | None:
    """Return the status called ``value``, or nothing."""
    return TicketStatus(value) if value in set(TicketStatus) else None


def done(number: str, words: str) -> ResponseReturnValue:
    """Answer a verb that went well: programs that it is done, people with the ticket and a word."""
    if wants_json():
        return jsonify(done=True)
    flash(words, "success")
    return redirect(ticket_url(number), 303)
