"""Follow-ups: a ticket that continues one that is over, opened by an agent or by what its requester writes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict
from console.core.texts import lazy_gettext
from console.customers.masking import MaskedText
from console.hosting.models import Service
from console.staff.roles import Permission
from console.tickets.models import (
    OPEN_STATUSES,
    LinkKind,
    MessageKind,
    Ticket,
    TicketLink,
    TicketMessage,
    TicketSource,
)
from console.tickets.queries import lock_ticket
from console.tickets.service import timeline
from console.tickets.service.opening import NewTicket, open_ticket
from console.tickets.service.threads import has_left, require_unmerged

_SOURCES = {"mail": TicketSource.MAIL, "chat": TicketSource.CHAT, "portal": TicketSource.PORTAL}


def follow_up(actor: Actor, closed_id: int, new: NewTicket) -> Ticket:
    """Open a ticket that continues one that is over.

    Raises:
        NotFound, Invalid: see :func:`console.tickets.service.opening.open_ticket`.
        Conflict: the old one is not over (``open``), or was merged.
    """
    actor.require(Permission.WORK_TICKETS)
    closed = lock_ticket(actor, closed_id)
    require_unmerged(closed)
    if closed.status in OPEN_STATUSES:
        raise Conflict(lazy_gettext("%(number)s is still open. Reply there.", number=closed.number), code="open")
    return _open(actor, closed, new)


def follow_up_by_requester(
    actor: Actor,
    closed: Ticket,
    masked: MaskedText,
    *,
    client_id: str,
    via: str,
    files: Sequence[tuple[str, bytes]],
) -> TicketMessage:
    """Open a ticket that continues a closed one, locked, in the name of its requester; return their message.

    Who is no longer on the account asks for themselves: its people do not read it.
    """
    left = has_left(closed.customer_id, closed.requester_email)
    new = _open(
        actor,
        closed,
        NewTicket(
            subject=closed.subject,
            body=masked.text,
            requester_email=closed.requester_email,
            requester_name=closed.requester_name,
            language=closed.language,
            customer_id=None if left else closed.customer_id,
            service_id=None if left else _service_of(closed),
            department_id=closed.department_id,
            priority=closed.priority,
            source=_SOURCES.get(via, TicketSource.WEB),
            person_id=closed.person_id,
            files=tuple(files),
            data=dict(masked.data),
            notify_requester=via != "mail",  # a mail is answered as one: ``console.tickets.mail_in``
            continues=True,
            masked=True,
        ),
    )
    first = db.session.scalars(
        select(TicketMessage).where(TicketMessage.ticket_id == new.id, TicketMessage.kind == MessageKind.QUESTION)
    ).one()
    first.client_id, first.name = client_id, writer_name(actor, new)
    db.session.flush()
    return first


def _service_of(closed: Ticket) -> int | None:
    """Return the service that a closed ticket was about, if it has not moved to another account since."""
    service = None if closed.service_id is None else db.session.get(Service, closed.service_id)
    return service.id if service is not None and service.customer_id == closed.customer_id else None


def writer_name(actor: Actor, ticket: Ticket) -> str:
    """Return whose name a message on the requester's side carries: a colleague who is signed in has their own."""
    return actor.name if actor.kind == "person" else ticket.requester_name


def _open(actor: Actor, closed: Ticket, new: NewTicket) -> Ticket:
    """Open the ticket and note on both that it continues the other."""
    ticket = open_ticket(actor, new)
    db.session.add(TicketLink(ticket_id=ticket.id, other_id=closed.id, kind=LinkKind.FOLLOW_UP))
    timeline.note_event(actor, closed, "follow_up", number=ticket.number)
    timeline.note_event(actor, ticket, "linked", number=closed.number, kind=LinkKind.FOLLOW_UP.value)
    return ticket
