"""Writing a ticket's timeline, and what a ticket repeats of it: the last number, the preview, the search text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.text import preview
from console.customers.models import Customer
from console.tickets import notifications
from console.tickets.models import TICKET_SEARCH, MessageKind, Ticket, TicketMessage
from console.tickets.queries import tree


def append(actor: Actor, ticket: Ticket, kind: MessageKind, body: str = "", **fields: Any) -> TicketMessage:
    """Add an entry to a locked ticket and return it, flushed.

    Args:
        fields: further columns of :class:`TicketMessage`.
    """
    now = clock.now()
    ticket.last_seq += 1
    message = TicketMessage(
        ticket_id=ticket.id,
        seq=ticket.last_seq,
        kind=kind,
        staff_id=actor.id if actor.kind == "staff" else None,
        name=fields.pop("name", actor.name),
        body=body,
        created_at=now,
        **{"attachments": [], **fields},  # none yet: no query for them
    )
    if kind is not MessageKind.EVENT:
        ticket.preview = preview(body)
        ticket.last_by = "requester" if kind is MessageKind.QUESTION else "staff"
    ticket.updated_at = now
    db.session.add(message)
    db.session.flush()
    notifications.push_change(actor, ticket)
    return message


def begin(actor: Actor, ticket: Ticket, kind: MessageKind, body: str, **fields: Any) -> TicketMessage:
    """Return the first entry of a new ticket; both are written at once."""
    ticket.last_seq, ticket.preview = 1, preview(body)
    ticket.last_by = "requester" if kind is MessageKind.QUESTION else "staff"
    return TicketMessage(
        ticket=ticket,
        seq=1,
        kind=kind,
        staff_id=actor.id if actor.kind == "staff" else None,
        name=fields.pop("name", actor.name),
        body=body,
        created_at=ticket.created_at,
        attachments=[],
        **fields,
    )


def note_event(actor: Actor, ticket: Ticket, event: str, **data: Any) -> TicketMessage:
    """Add an event to the timeline."""
    return append(actor, ticket, MessageKind.EVENT, event=event, data=data)


def index(ticket: Ticket) -> None:
    """Index a ticket: subject, requester, account, all its messages. Its service is not for every reader to find."""
    session = db.session()
    session.flush()
    bodies = session.scalars(
        select(TicketMessage.body)
        .where(
            TicketMessage.ticket_id.in_(tree(ticket.id)),
            TicketMessage.kind != MessageKind.EVENT,
            TicketMessage.taken_back_at.is_(None),
        )
        .order_by(TicketMessage.id.desc())
    ).all()
    TICKET_SEARCH.put_titled(session, ticket.id, title(ticket), text(ticket, bodies))


def index_new(ticket: Ticket, body: str) -> None:
    """Index a ticket that was opened in this transaction."""
    TICKET_SEARCH.put_titled(db.session(), ticket.id, title(ticket), text(ticket, [body]), new=True)


def title(ticket: Ticket) -> str:
    """Return the title of a ticket for the index."""
    return f"{ticket.number} {ticket.subject}"


def text(ticket: Ticket, bodies: Sequence[str]) -> str:
    """Return the other words of a ticket for the index."""
    parts = [ticket.requester_name, ticket.requester_email, " ".join(ticket.tags)]
    if ticket.customer_id is not None:
        parts.append(db.session.get_one(Customer, ticket.customer_id).searchable())
    return "\n".join([*parts, *bodies])
