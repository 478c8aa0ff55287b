"""Who takes part in a ticket besides its requester, by an agent's choice: their mail enters, they get copies."""

from __future__ import annotations

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.emails import NoAddress, email_problem, read_email
from console.core.errors import Invalid, NotFound
from console.core.texts import lazy_gettext
from console.staff.roles import Permission
from console.tickets.mail_in.models import TicketParticipant
from console.tickets.queries import lock_ticket
from console.tickets.service import timeline


def add(actor: Actor, ticket_id: int, address: str, name: str = "") -> TicketParticipant:
    """Let someone take part. It opens no link and no page, and verifies no one. Twice, it changes nothing.

    Raises:
        NotFound: no such ticket for ``actor``.
        Invalid: no address, one of ours, or the requester's.
    """
    actor.require(Permission.WORK_TICKETS)
    ticket = lock_ticket(actor, ticket_id)
    try:
        address = read_email(address.strip())
    except NoAddress as error:
        raise Invalid(fields={"address": [email_problem(error)]}) from None
    if address == ticket.requester_email:
        raise Invalid(fields={"address": [lazy_gettext("This is the requester, who gets every reply.")]})
    known = db.session.get(TicketParticipant, (ticket.id, address))
    if known is not None:
        return known
    row = TicketParticipant(
        ticket_id=ticket.id, address=address, name=name, added_by=actor.id, added_at=clock.now()
    )  # the ticket is locked: no one else adds them meanwhile
    db.session.add(row)
    db.session.flush()
    timeline.note_event(actor, ticket, "participant_added", address=address)
    record(actor, "ticket.participant_added", ticket.number, customer_id=ticket.customer_id)
    return row


def remove(actor: Actor, ticket_id: int, address: str) -> None:
    """Let someone take part no more.

    Raises:
        NotFound: no such ticket for ``actor``, or they are none of its people.
        Invalid: no address.
    """
    actor.require(Permission.WORK_TICKETS)
    if not address:
        raise Invalid(fields={"address": [lazy_gettext("Invalid input.")]})
    ticket = lock_ticket(actor, ticket_id)
    row = db.session.get(TicketParticipant, (ticket.id, address))
    if row is None:
        raise NotFound
    db.session.delete(row)
    timeline.note_event(actor, ticket, "participant_removed", address=address)
    record(actor, "ticket.participant_removed", ticket.number, customer_id=ticket.customer_id)
