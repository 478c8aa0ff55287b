"""What the requester writes in a ticket, through every channel."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.files import content_digest
from console.core.text import paragraphs
from console.customers.masking import ASK, PinChoice
from console.tickets.models import (
    MessageKind,
    Ticket,
    TicketMessage,
    TicketStatus,
)
from console.tickets.queries import tree
from console.tickets.service import timeline
from console.tickets.service.attachments import attach, claim
from console.tickets.service.follow_ups import follow_up_by_requester, writer_name
from console.tickets.service.messages import check_body, check_same, digests_of, mask_in
from console.tickets.service.properties import move_status
from console.tickets.service.threads import Thread, lock_thread
from console.tickets.sla import service as sla_targets

REOPENS = (TicketStatus.WAITING, TicketStatus.HOLD, TicketStatus.SOLVED)


def add_question(
    actor: Actor,
    ticket: Ticket,
    body: str,
    *,
    client_id: str,
    via: str,
    attachments: tuple[int, ...] = (),
    files: Sequence[tuple[str, bytes]] = (),
    pins: PinChoice = ASK,
) -> TicketMessage:
    """Add a message of the requester. It reopens the ticket; a closed one gets a follow-up.

    From every channel it goes into the requester's own ticket: into the one that theirs was merged into only if that
    is theirs too. Else theirs is closed, and the message opens a follow-up in their own name.

    Args:
        actor: the visitor, or the person who is signed in: the requester, or a colleague of theirs.
        ticket: from the link, the mail's thread or the chat: the requester's own; locked here.
        client_id: the same message under the same id is stored once; unique in a ticket.
        via: ``link``, ``mail``, ``chat`` or ``portal``.
        attachments: files uploaded for this ticket before.
        files: names and contents of files in the request.
        pins: their answer about numbers that look like a PIN.

    Returns:
        The entry; of the follow-up where one was opened.

    Raises:
        Invalid: no text, too long, or a file that is not taken.
        PinLike: they have to confirm whether a number is a PIN.
        Reused: another message was sent under this id.
    """
    thread = lock_thread(ticket)
    ticket = thread.ticket
    masked = mask_in(ticket, check_body(paragraphs(body)), pins)
    earlier = _find_earlier(thread, client_id)
    if earlier is not None:
        digests = [*digests_of(attachments), *(content_digest(content) for _name, content in files)]
        return check_same(earlier, MessageKind.QUESTION, masked, digests)
    if ticket.status is TicketStatus.CLOSED:
        return follow_up_by_requester(actor, ticket, masked, client_id=client_id, via=via, files=files)
    attachments = (*attachments, *(attach(actor, ticket, name, content).id for name, content in files))
    message = timeline.append(
        actor,
        ticket,
        MessageKind.QUESTION,
        masked.text,
        client_id=client_id,
        via=via,
        name=writer_name(actor, ticket),
        data=dict(masked.data),
    )
    message.attachments = claim(actor, ticket, attachments, message)
    if ticket.status in REOPENS:
        move_status(actor, ticket, TicketStatus.OPEN)
    timeline.index(ticket)
    sla_targets.recalculate(ticket, clock.now())
    record(actor, "ticket.answered", ticket.number, customer_id=ticket.customer_id, message=message.id)
    return message


def _find_earlier(thread: Thread, client_id: str) -> TicketMessage | None:
    """Return the message of this requester under ``client_id``, in any ticket of the thread."""
    return db.session.scalar(
        select(TicketMessage)
        .join(Ticket, Ticket.id == TicketMessage.ticket_id)
        .where(
            or_(Ticket.id.in_(thread.keys), Ticket.id.in_(tree(thread.ticket.id))),
            Ticket.requester_email == thread.ticket.requester_email,
            TicketMessage.client_id == client_id,
            TicketMessage.kind == MessageKind.QUESTION,
        )
        .limit(1)
    )
