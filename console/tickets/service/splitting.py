"""Splitting messages off into a ticket of their own. Merging it back undoes that."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid
from console.core.text import one_line, preview
from console.core.texts import lazy_gettext
from console.customers.masking import ASK, PinChoice, mask_for_storage
from console.mail.receiving.models import IncomingMail
from console.staff.roles import Permission
from console.tickets.models import (
    MAX_SUBJECT,
    LinkKind,
    MessageKind,
    Ticket,
    TicketLink,
    TicketMessage,
    TicketStatus,
    TicketTag,
)
from console.tickets.queries import lock_ticket
from console.tickets.service import timeline
from console.tickets.service.merging import refresh
from console.tickets.service.threads import require_unmerged


def split(actor: Actor, ticket_id: int, messages: Sequence[int], subject: str, pins: PinChoice = ASK) -> Ticket:
    """Move some messages into a ticket of their own; merging it back undoes that.

    Args:
        pins: the answer about numbers that look like a PIN in the subject.

    Raises:
        Invalid: no message chosen, all of them, or no subject.
        PinLike: the writer has to confirm whether a number is a PIN.
    """
    actor.require(Permission.WORK_TICKETS)
    subject = mask_for_storage(one_line(subject), pins, field="subject").text
    if not 0 < len(subject) <= MAX_SUBJECT:
        raise Invalid(fields={"subject": [lazy_gettext("Enter a subject.")]})
    old = lock_ticket(actor, ticket_id)
    require_unmerged(old)
    moving = _chosen(old, messages)
    now = clock.now()
    new = Ticket(
        **{
            name: getattr(old, name)
            for name in (
                "requester_name", "requester_email", "language", "customer_id", "service_id", "department_id",
                "priority", "assignee_id", "source", "tags",
            )
        },
        subject=subject,
        status=TicketStatus.OPEN,
        created_at=now,
        updated_at=now,
    )  # fmt: skip
    db.session.add(new)
    db.session.flush()
    db.session.add_all(TicketTag(ticket_id=new.id, tag=tag) for tag in new.tags)
    for message in moving:
        new.last_seq += 1
        message.data = {**message.data, "origin": {"ticket": old.number, "seq": message.seq}}
        message.ticket_id, message.seq = new.id, new.last_seq
        for file in message.attachments:
            file.ticket_id = new.id
    _move_mail(old, new, moving)
    _update_preview(new, moving[-1])
    _update_preview(old, _newest_message(old, but=moving))
    db.session.add(TicketLink(ticket_id=new.id, other_id=old.id, kind=LinkKind.SPLIT))
    timeline.note_event(actor, old, "split", number=new.number, count=len(moving))
    timeline.note_event(actor, new, "split_from", number=old.number)
    refresh(actor, old, new)
    record(actor, "ticket.split", old.number, customer_id=old.customer_id, new=new.number, messages=len(moving))
    return new


def _move_mail(old: Ticket, new: Ticket, moving: Sequence[TicketMessage]) -> None:
    """Move the received mail with the messages that it became: the answers to it go on in their thread."""
    theirs = IncomingMail.ticket_message_id.in_([message.id for message in moving])
    db.session.execute(update(IncomingMail).where(IncomingMail.ticket_id == old.id, theirs).values(ticket_id=new.id))


def _update_preview(ticket: Ticket, message: TicketMessage) -> None:
    """Make the preview that of the newest message."""
    ticket.preview = preview(message.body)
    ticket.last_by = "requester" if message.kind is MessageKind.QUESTION else "staff"


def _newest_message(ticket: Ticket, *, but: Sequence[TicketMessage]) -> TicketMessage:
    moved = {message.id for message in but}
    return next(message for message in reversed(can_split(ticket)) if message.id not in moved)


def can_split(ticket: Ticket) -> list[TicketMessage]:
    """Return the messages that may be split off: without those of tickets merged into it."""
    query = (
        select(TicketMessage)
        .where(
            TicketMessage.ticket_id == ticket.id,
            TicketMessage.kind != MessageKind.EVENT,
            TicketMessage.taken_back_at.is_(None),
        )
        .order_by(TicketMessage.id)
    )
    with db.session.no_autoflush:
        return list(db.session.scalars(query))


def _chosen(ticket: Ticket, message_ids: Sequence[int]) -> list[TicketMessage]:
    """Return the chosen messages; at least one must stay."""
    messages, keys = can_split(ticket), set(message_ids)
    chosen = [message for message in messages if message.id in keys]
    if not chosen or len(chosen) != len(keys):
        raise Invalid(fields={"messages": [lazy_gettext("Choose the messages to move.")]})
    if len(chosen) == len(messages):
        raise Invalid(fields={"messages": [lazy_gettext("At least one message must stay.")]})
    now = clock.now()
    if any(message.held_until is not None and now < message.held_until for message in chosen):
        raise Conflict(lazy_gettext("One of the replies has not been sent yet. Wait a few seconds."), code="held")
    return chosen
