"""Links between tickets: related ones, and follow-ups of closed ones."""

from __future__ import annotations

from sqlalchemy import or_, select

from console.audit.service import record
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.texts import lazy_gettext
from console.staff.roles import Permission
from console.tickets.models import (
    LinkKind,
    TicketLink,
)
from console.tickets.queries import lock_tickets
from console.tickets.service import timeline
from console.tickets.service.threads import require_unmerged


def link(actor: Actor, ticket_id: int, other_id: int, kind: LinkKind = LinkKind.RELATED) -> None:
    """Link two tickets; linking them again changes nothing.

    Raises:
        Invalid: a ticket with itself.
        Conflict: one of them was merged: link the target instead.
    """
    actor.require(Permission.WORK_TICKETS)
    if ticket_id == other_id:
        raise Invalid(lazy_gettext("Choose another ticket."))
    both = {ticket.id: ticket for ticket in lock_tickets(actor, [ticket_id, other_id])}
    ticket, other = both[ticket_id], both[other_id]
    require_unmerged(ticket)
    require_unmerged(other)
    if _links(ticket.id, other.id):
        return
    db.session.add(TicketLink(ticket_id=ticket.id, other_id=other.id, kind=kind))
    timeline.note_event(actor, ticket, "linked", number=other.number, kind=kind.value)
    timeline.note_event(actor, other, "linked", number=ticket.number, kind=kind.value)
    record(actor, "ticket.linked", ticket.number, customer_id=ticket.customer_id, other=other.number)


def unlink(actor: Actor, ticket_id: int, other_id: int) -> None:
    """Remove the link between two tickets.

    Raises:
        NotFound: they are not linked.
        Conflict: one continues the other or was split off it.
    """
    actor.require(Permission.WORK_TICKETS)
    both = {ticket.id: ticket for ticket in lock_tickets(actor, {ticket_id, other_id})}
    found = _links(ticket_id, other_id)
    if not found or len(both) != 2:
        raise NotFound
    if any(row.kind is not LinkKind.RELATED for row in found):
        raise Conflict(lazy_gettext("This link shows where the ticket came from and cannot be removed."), code="origin")
    for row in found:
        db.session.delete(row)
    ticket, other = both[ticket_id], both[other_id]
    timeline.note_event(actor, ticket, "unlinked", number=other.number)
    timeline.note_event(actor, other, "unlinked", number=ticket.number)
    record(actor, "ticket.unlinked", ticket.number, customer_id=ticket.customer_id, other=other.number)


def _links(one: int, other: int) -> list[TicketLink]:
    query = select(TicketLink).where(
        or_(
            (TicketLink.ticket_id == one) & (TicketLink.other_id == other),
            (TicketLink.ticket_id == other) & (TicketLink.other_id == one),
        )
    )
    return list(db.session.scalars(query))
