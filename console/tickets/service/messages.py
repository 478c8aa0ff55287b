"""What staff write in a ticket: replies and notes, and taking a reply back.

A reply is held for ten seconds; until then its author may take it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Reused
from console.core.text import paragraphs
from console.core.texts import lazy_gettext
from console.customers import stored_masking
from console.customers.masking import ASK, MaskedText, PinChoice, mask_for_storage
from console.mail.service import cancel
from console.staff.roles import Permission
from console.tickets import mails
from console.tickets.models import (
    MAX_BODY,
    MessageKind,
    Ticket,
    TicketAttachment,
    TicketMessage,
    TicketStatus,
)
from console.tickets.queries import find_message, lock_ticket, tree
from console.tickets.service import copies, timeline
from console.tickets.service import verification as ticket_verification
from console.tickets.service.attachments import claim
from console.tickets.service.copies import COPIED, Copies
from console.tickets.service.drafts import drop_draft, find_draft, read_up_to, save_draft
from console.tickets.service.mentions import notify
from console.tickets.service.properties import move_status
from console.tickets.service.threads import other_requesters
from console.tickets.sla import service as sla_targets

TAKE_BACK = timedelta(seconds=10)
MAX_CLIENT_ID = 64
COPIES = "copies"  # in the data of a reply: the mails to other requesters, each with the ticket of theirs
NOTICES = "notices"  # the mails to those of the account who are told of replies


@dataclass(frozen=True)
class Writing:
    """What a member of staff has composed.

    Args:
        client_id: one for each composition; sent again, it is the same entry.
        based_on: the key of the newest entry on their page.
        then: the new status of the ticket; ``None`` leaves it.
        anyway: send although something newer arrived.
        pins: their answer about numbers that look like a PIN.
        cc, bcc: addresses that get a copy of a reply, as typed.
    """

    body: str
    client_id: str
    based_on: int = 0
    attachments: tuple[int, ...] = ()
    then: TicketStatus | None = None
    anyway: bool = False
    pins: PinChoice = ASK
    cc: str = ""
    bcc: str = ""


def reply(actor: Actor, ticket_id: int, writing: Writing) -> TicketMessage:
    """Reply to the requester; the mail is sent when the time to take it back is over.

    So is one to each requester of a merged ticket, and a copy to each participant and whom the agent names.

    Raises:
        NotFound: no such ticket for this person.
        Invalid: no text, too long, no client id, a wrong address.
        PinLike: the author has to confirm whether a number is a PIN.
        Reused: another text was sent under this id.
        Conflict: ``newer`` (someone wrote meanwhile), ``merged``, ``closed`` or ``no_address``.
    """
    actor.require(Permission.WORK_TICKETS)
    ticket = lock_ticket(actor, ticket_id)
    masked = mask_in(ticket, _body(writing), writing.pins)
    others = other_requesters(ticket)
    earlier = _again(ticket, writing, actor, MessageKind.REPLY, masked)
    if earlier is not None:
        requesters = [one.requester_email for one in (ticket, *others)]
        if not copies.same(earlier, requesters, writing.cc, writing.bcc):
            raise Reused
        return earlier
    copied = copies.choose(ticket, others, writing.cc, writing.bcc)
    _check_writable(ticket)
    _check_newer(actor, ticket, writing)
    now = clock.now()
    message = timeline.append(
        actor,
        ticket,
        MessageKind.REPLY,
        masked.text,
        client_id=writing.client_id,
        via="desk",
        held_until=now + TAKE_BACK,
        data={"before": ticket.status.value, **masked.data},
    )
    message.attachments = claim(actor, ticket, writing.attachments, message)
    message.data = {**message.data, **_send(ticket, message, others, copied)}
    if ticket.first_answered_at is None:
        ticket.first_answered_at = now
    if ticket.assignee_id is None:
        ticket.assignee_id = actor.id
        timeline.note_event(actor, ticket, "assigned", **{"from": None, "to": actor.name})
    if writing.then is not None:
        move_status(actor, ticket, writing.then)
        message.data = {**message.data, "then": writing.then.value}
    _finish(actor, ticket, MessageKind.REPLY, now)
    record(actor, "ticket.replied", ticket.number, customer_id=ticket.customer_id, message=message.id)
    return message


def _send(ticket: Ticket, message: TicketMessage, others: Sequence[Ticket], copied: Copies) -> dict[str, Any]:
    """Queue every mail of a reply; return what the reply says of them."""
    after = message.held_until
    message.mail_id = mails.reply(ticket, message, cc=copied.visible, send_after=after).id
    merged = [(one.id, mails.reply(ticket, message, to=one, send_after=after).id) for one in others]
    data = copies.send(ticket, message, copied, after)
    notices = [one.id for one in mails.notices(ticket, but=copied.all, send_after=after)]
    if notices:
        data[NOTICES] = notices
    if merged:
        data |= {COPIES: merged, "also": [one.requester_name for one in others]}
    return data


def note(actor: Actor, ticket_id: int, writing: Writing) -> TicketMessage:
    """Write a note for staff; those it mentions with ``@`` see it in their list.

    Raises:
        NotFound, Invalid, PinLike, Reused: see :func:`reply`.
    """
    actor.require(Permission.WORK_TICKETS)
    ticket = lock_ticket(actor, ticket_id)
    masked = mask_in(ticket, _body(writing), writing.pins)
    earlier = _again(ticket, writing, actor, MessageKind.NOTE, masked)
    if earlier is not None:
        return earlier
    message = timeline.append(
        actor,
        ticket,
        MessageKind.NOTE,
        masked.text,
        client_id=writing.client_id,
        via="desk",
        data=dict(masked.data),
    )
    message.attachments = claim(actor, ticket, writing.attachments, message)
    named = notify(actor, ticket, message)
    if named:
        message.data = {**message.data, "mentions": named}
    if writing.then is not None:
        move_status(actor, ticket, writing.then)
    _finish(actor, ticket, MessageKind.NOTE, clock.now())
    record(actor, "ticket.noted", ticket.number, customer_id=ticket.customer_id, message=message.id)
    return message


def take_back(actor: Actor, ticket_id: int, message_id: int) -> TicketMessage:
    """Take a reply back before it is sent; its text is the author's draft again.

    Raises:
        NotFound: no reply of this person's.
        Conflict: ``gone``: the time is over, or the mail is on its way.
    """
    actor.require(Permission.WORK_TICKETS)
    ticket = lock_ticket(actor, ticket_id)
    message, now = find_message(ticket.id, message_id), clock.now()
    if message.kind is not MessageKind.REPLY or message.staff_id != actor.id:
        raise NotFound
    if message.taken_back_at is not None:
        return message
    held = message.held_until is not None and now < message.held_until
    mail_ids = [
        message.mail_id,
        *(mail for _ticket, mail in message.data.get(COPIES, ())),
        *message.data.get(NOTICES, ()),
        *message.data.get(COPIED, ()),
    ]
    if not held or not all(mail is not None and cancel(mail) for mail in mail_ids):
        raise Conflict(lazy_gettext("The reply has already been sent and cannot be undone."), code="gone")
    message.taken_back_at = now
    for file in message.attachments:
        file.message_id = None
    then, before = message.data.get("then"), message.data.get("before")
    if then is not None and before is not None and ticket.status.value == then:
        move_status(actor, ticket, TicketStatus(before))
    ticket.first_answered_at = _first_answer(ticket)
    timeline.note_event(actor, ticket, "taken_back")
    _back_to_draft(actor, ticket, message)
    timeline.index(ticket)
    sla_targets.recalculate(ticket, now)
    read_up_to(actor, ticket)
    record(actor, "ticket.taken_back", ticket.number, customer_id=ticket.customer_id, message=message.id)
    return message


def _back_to_draft(actor: Actor, ticket: Ticket, message: TicketMessage) -> None:
    """Make the text a draft again, in front of a newer draft."""
    begun = find_draft(actor, ticket, MessageKind.REPLY)
    texts = [message.body] if begun is None or begun.body.strip() == message.body else [message.body, begun.body]
    save_draft(actor, ticket, MessageKind.REPLY, "\n\n".join(texts), based_on=message.id)


def _finish(actor: Actor, ticket: Ticket, kind: MessageKind, now: datetime) -> None:
    """Update draft, index, SLA targets and read mark after a message of staff."""
    drop_draft(actor, ticket, kind)
    timeline.index(ticket)
    sla_targets.recalculate(ticket, now)
    read_up_to(actor, ticket)


def _body(writing: Writing) -> str:
    if not 0 < len(writing.client_id) <= MAX_CLIENT_ID:
        raise Invalid(fields={"client_id": [lazy_gettext("Invalid input.")]})
    return check_body(paragraphs(writing.body))


def check_body(body: str) -> str:
    if not body:
        raise Invalid(fields={"body": [lazy_gettext("Write the message.")]})
    if len(body) > MAX_BODY:
        raise Invalid(fields={"body": [lazy_gettext("The message is too long.")]})
    return body


def mask_in(ticket: Ticket, text: str, pins: PinChoice = ASK) -> MaskedText:
    """Return a message for a locked ticket as it is stored.

    Args:
        pins: the answer about numbers that look like a PIN; while a verification card is open for the ticket, only that
            it is to be masked counts.

    Raises:
        PinLike: they have to say first.
    """
    masked = mask_for_storage(text, pins)
    if masked.excused and ticket_verification.has_open_card(ticket):
        return mask_for_storage(text, pins, card=True)
    return masked


def check_same(earlier: TicketMessage, kind: MessageKind, masked: MaskedText, digests: Sequence[str]) -> TicketMessage:
    """Return the entry of a client id if the repeated request has the same content. Texts are compared as stored.

    Args:
        digests: of the files in the repeated request.

    Raises:
        Reused: the content is different.
    """
    files = sorted(file.digest for file in earlier.attachments)
    same_files = earlier.taken_back_at is not None or files == sorted(digests)
    if earlier.kind is kind and same_files and stored_masking.had_text(earlier.body, earlier.data, masked.text):
        return earlier
    raise Reused


def digests_of(attachments: Sequence[int]) -> list[str]:
    """Return the digests of attachments."""
    if not attachments:
        return []
    return list(db.session.scalars(select(TicketAttachment.digest).where(TicketAttachment.id.in_(attachments))))


def _again(
    ticket: Ticket, writing: Writing, actor: Actor, kind: MessageKind, masked: MaskedText
) -> TicketMessage | None:
    """Return the entry of the same composition: a repeated request is no second reply."""
    earlier = db.session.scalar(
        select(TicketMessage).where(TicketMessage.ticket_id == ticket.id, TicketMessage.client_id == writing.client_id)
    )
    if earlier is None:
        return None
    if earlier.staff_id != actor.id:
        raise Invalid(fields={"client_id": [lazy_gettext("Invalid input.")]})
    return check_same(earlier, kind, masked, digests_of(writing.attachments))


def _check_writable(ticket: Ticket) -> None:
    if ticket.merged_into_id is not None:
        raise Conflict(lazy_gettext("This ticket was merged into another. Reply there."), code="merged")
    if ticket.status is TicketStatus.CLOSED:
        raise Conflict(lazy_gettext("This ticket is closed. Open a follow-up."), code="closed")
    if not ticket.can_be_mailed:
        raise Conflict(lazy_gettext("The requester has no e-mail address. Notes can be added."), code="no_address")


def _check_newer(actor: Actor, ticket: Ticket, writing: Writing) -> None:
    """Refuse a reply where something newer was written, unless its author confirms."""
    if writing.anyway:
        return
    newer = db.session.scalar(
        select(TicketMessage.id)
        .where(
            TicketMessage.ticket_id.in_(tree(ticket.id)),
            TicketMessage.id > writing.based_on,
            TicketMessage.kind.in_([MessageKind.QUESTION, MessageKind.REPLY, MessageKind.NOTE]),
            TicketMessage.taken_back_at.is_(None),
            (TicketMessage.staff_id != actor.id) | TicketMessage.staff_id.is_(None),
        )
        .limit(1)
    )
    if newer is not None:
        raise Conflict(
            lazy_gettext("A newer message was added while you were writing. Your text is saved."),
            code="newer",
            details={"seq": ticket.last_seq},
        )


def _first_answer(ticket: Ticket) -> datetime | None:
    return db.session.scalar(
        select(TicketMessage.created_at)
        .where(
            TicketMessage.ticket_id == ticket.id,
            TicketMessage.kind == MessageKind.REPLY,
            TicketMessage.taken_back_at.is_(None),
        )
        .order_by(TicketMessage.id)
        .limit(1)
    )
