"""What a changed sign-in address does to the tickets that its person asked for: they stay theirs.

Replies go to the new address, and the portal finds the tickets by it. The links in the old mailbox are void: it may be
the reason for the change.
"""

from __future__ import annotations

from sqlalchemy import select

from console.audit.service import record
from console.core.actor import Actor
from console.core.db import db
from console.customers.account.hooks import register_address_changed
from console.customers.models import Person
from console.tickets.models import Ticket, TicketStatus
from console.tickets.service import timeline
from console.tickets.service.handover import send_held_again
from console.tickets.service.threads import root_of

EVENT = "address_changed"


def follow(actor: Actor, person: Person, old: str) -> None:
    """Give what was asked from a person's old address their new one."""
    query = select(Ticket).where(Ticket.requester_email == old).order_by(Ticket.id).with_for_update(of=Ticket)
    tickets = db.session.scalars(query.execution_options(populate_existing=True)).all()
    for ticket in tickets:
        ticket.requester_email = person.email
        ticket.link_version += 1
        if ticket.status is not TicketStatus.CLOSED:
            timeline.note_event(actor, ticket, EVENT)
    for ticket in tickets:
        send_held_again(ticket)
        timeline.index(root_of(ticket))
        timeline.index(ticket)
    if tickets:
        record(actor, "ticket.address_changed", f"person:{person.id}", count=len(tickets))


register_address_changed("tickets", follow)
