"""A ticket's history, as far as its SLA targets depend on it."""

from __future__ import annotations

from sqlalchemy import and_, or_, select

from console.core.db import db
from console.tickets.models import PUBLIC_KINDS, MessageKind, Ticket, TicketMessage, TicketStatus
from console.tickets.queries import tree
from console.tickets.sla.rules import Step, StepKind

_MESSAGES = {MessageKind.QUESTION: StepKind.QUESTION, MessageKind.REPLY: StepKind.REPLY}


def steps_of(ticket: Ticket) -> list[Step]:
    """Return the questions, the replies that were not taken back and the status changes of a ticket.

    Messages of tickets merged into it are among them; status changes of those are not.
    """
    messages = and_(TicketMessage.kind.in_(PUBLIC_KINDS), TicketMessage.taken_back_at.is_(None))
    status_changes = and_(TicketMessage.ticket_id == ticket.id, TicketMessage.event == "status")
    rows = db.session.execute(
        select(TicketMessage.kind, TicketMessage.created_at, TicketMessage.data)
        .where(TicketMessage.ticket_id.in_(tree(ticket.id)), or_(messages, status_changes))
        .order_by(TicketMessage.created_at, TicketMessage.id)
    )
    steps = [
        Step(row.created_at, _MESSAGES[row.kind])
        if row.kind in _MESSAGES
        else Step(row.created_at, StepKind.STATUS, TicketStatus(row.data["to"]))
        for row in rows
    ]
    return _with_current_status(ticket, steps)


def _with_current_status(ticket: Ticket, steps: list[Step]) -> list[Step]:
    """Add the present status where no event says so, as in imported tickets."""
    last = next((step.status for step in reversed(steps) if step.status is not None), TicketStatus.OPEN)
    if ticket.merged_into_id is not None or ticket.status is last:
        return steps
    moved_at = ticket.solved_at or ticket.closed_at or ticket.updated_at
    return [*steps, Step(max([moved_at, *(step.at for step in steps)]), StepKind.STATUS, ticket.status)]
