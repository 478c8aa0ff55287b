"""What the requester does behind their link: reads what was said to them, answers, says that it is solved.

The link opens what this address wrote and was answered, and nothing else. A ticket may have been merged into
another: where that one is of the same address they are one conversation here as well. Where it is somebody
else's, neither sees a word of the other: this requester keeps their own part, reads that it is handled together
with another question and what we answer to both, and what they write now becomes a ticket of its own, because in
the other one the other requester would read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import joinedload, selectinload

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.texts import lazy_gettext
from console.customers.masking import ASK, PinChoice
from console.tickets.models import (
    OPEN_STATUSES,
    PUBLIC_KINDS,
    MessageKind,
    Ticket,
    TicketAttachment,
    TicketMessage,
    TicketStatus,
)
from console.tickets.queries import tree
from console.tickets.service.attachments import MOST
from console.tickets.service.masking import mask_own
from console.tickets.service.properties import move_status
from console.tickets.service.questions import requester_writes
from console.tickets.service.threads import answers_after_merge, goes_on_in, lock_root, root_of
from console.tickets.sla import service as sla_targets

__all__ = ["Conversation", "conversation", "find_file", "goes_on_in", "say_solved", "write"]

SHOWN = 200  # entries of one page, the newest
File = tuple[str, bytes]  # name and content


@dataclass(frozen=True)
class Conversation:
    """What a requester's link opens.

    Args:
        ticket: which is shown and answered: the one of the link, or where it was merged, if that is theirs too.
        messages: what they may read, oldest first.
        apart: handled together with a question of somebody else.
        cut: there is more than is shown.
        status: how what is handled stands; of the other question, where it is handled together with that.
        answered: there is an answer of ours to read.
    """

    ticket: Ticket
    messages: Sequence[TicketMessage]
    apart: bool
    cut: bool
    status: TicketStatus
    answered: bool

    @property
    def may_say_solved(self) -> bool:
        """Tell whether the requester may say that it is solved."""
        return not self.apart and self.answered and self.status in OPEN_STATUSES


def conversation(linked: Ticket) -> Conversation:
    """Return what the link of ``linked`` opens now."""
    root, ticket = _shown(linked)
    query = (
        _readable(linked, ticket, clock.now())
        .options(selectinload(TicketMessage.attachments), joinedload(TicketMessage.ticket))
        .order_by(TicketMessage.id.desc())
        .limit(SHOWN + 1)
    )
    found = list(db.session.scalars(query))
    cut = len(found) > SHOWN
    answered = any(message.kind is MessageKind.REPLY for message in found) or (cut and _is_answered(linked, ticket))
    return Conversation(ticket, found[:SHOWN][::-1], ticket is not root, cut, root.status, answered)


def _shown(linked: Ticket) -> tuple[Ticket, Ticket]:
    """Return where a ticket went, and the one that its requester is shown: the same, if that is theirs too."""
    root = root_of(linked)
    return root, root if root.requester_email == linked.requester_email else linked


def find_file(linked: Ticket, attachment_id: int) -> TicketAttachment:
    """Return a file of a message that the link opens.

    Raises:
        NotFound: it hangs on none of them.
    """
    _root, shown = _shown(linked)
    readable = _readable(linked, shown, clock.now()).with_only_columns(TicketMessage.id)
    file = db.session.scalar(
        select(TicketAttachment).where(TicketAttachment.id == attachment_id, TicketAttachment.message_id.in_(readable))
    )
    if file is None:
        raise NotFound
    return file


def write(
    source: Actor,
    linked: Ticket,
    body: str,
    *,
    client_id: str,
    files: Sequence[File] = (),
    pins: PinChoice = ASK,
) -> TicketMessage:
    """Store what the requester wrote, once for each ``client_id``: in the ticket, or in one that follows it.

    Args:
        source: the visitor, with their address.
        linked: the ticket of their link; it is locked.
        client_id: made with the form.
        files: what came with it.
        pins: what they said about what looks like a PIN.

    Raises:
        Invalid: no text, too long, too many files, or one that is not taken.
        PinLike: they have to say whether it holds a PIN.
        Reused: something else was sent under this id.
    """
    if len(files) > MOST:
        raise Invalid(fields={"files": [lazy_gettext("At most %(num)d files go with one message.", num=MOST)]})
    try:
        return requester_writes(source, linked, body, client_id=client_id, via="link", files=files, pins=pins)
    except Invalid as refusal:
        if "file" in refusal.fields:
            raise Invalid(refusal.message, fields={"files": refusal.fields["file"]}) from refusal
        raise


def mask(source: Actor, linked: Ticket, message_id: int, token: str | None = None) -> TicketMessage:
    """Mask a number in what the requester wrote and the link opens.

    Raises:
        NotFound: no such message of theirs.
        Invalid: there is no such number in it.
    """
    root = lock_root(linked)
    ticket = root if root.requester_email == linked.requester_email else linked
    message = db.session.scalar(_readable(linked, ticket, clock.now()).where(TicketMessage.id == message_id))
    if message is None:
        raise NotFound
    return mask_own(source, ticket, message, token)


def say_solved(source: Actor, linked: Ticket) -> bool:
    """Note that the requester says it is solved; tell whether it was open until now.

    Raises:
        NotFound: it is handled together with somebody else's question, which is not theirs to settle.
        Conflict: ``unanswered``: nothing of ours that could have solved it was said yet.
    """
    root = lock_root(linked)
    if root.requester_email != linked.requester_email:
        raise NotFound
    if root.status not in OPEN_STATUSES:
        return False
    if not _is_answered(linked, root):
        words = lazy_gettext("We have not replied yet. If you no longer need a reply, let us know.")
        raise Conflict(words, code="unanswered")
    move_status(source, root, TicketStatus.SOLVED)
    sla_targets.recalculate(root, clock.now())
    record(source, "ticket.moved", root.number, customer_id=root.customer_id, to=TicketStatus.SOLVED.value)
    return True


def _is_answered(linked: Ticket, shown: Ticket) -> bool:
    """Tell whether the requester can read an answer of ours."""
    answers = _readable(linked, shown, clock.now()).where(TicketMessage.kind == MessageKind.REPLY)
    return db.session.scalar(answers.with_only_columns(TicketMessage.id).limit(1)) is not None


def _readable(linked: Ticket, shown: Ticket, now: datetime) -> Select[TicketMessage]:
    """Select what the requester of ``linked`` may read at ``now``: what was said between them and us.

    Where their ticket went into another person's, that is their own part, and what we answered since to both.
    """
    theirs: ColumnElement[bool] = and_(
        TicketMessage.ticket_id.in_(tree(shown.id)), Ticket.requester_email == linked.requester_email
    )
    if shown is linked:
        answers = answers_after_merge(linked)
        theirs = theirs if answers is None else or_(theirs, answers)
    return (
        select(TicketMessage)
        .join(Ticket, Ticket.id == TicketMessage.ticket_id)
        .where(
            theirs,
            TicketMessage.kind.in_(PUBLIC_KINDS),
            TicketMessage.taken_back_at.is_(None),
            or_(TicketMessage.held_until.is_(None), TicketMessage.held_until <= now),
        )
    )
