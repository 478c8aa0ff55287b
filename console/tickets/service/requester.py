"""What the requester does behind their link: reads the conversation, answers, marks it as solved.

The link opens the messages of this address and the replies to them, and nothing else. A ticket may have been merged
into another: where that one is of the same address, they are one conversation here too. Where it is another
person's, neither reads the messages of the other: this requester sees their own part, a notice that it is handled
together with another question, and the replies to both. A new message becomes a ticket of its own, because in the
other one the other requester would read it.

In Moj Mint a colleague who may read the account's tickets sees the same, as far as it is of that account (``account``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
from console.tickets.service.properties import move_status
from console.tickets.service.questions import add_question
from console.tickets.service.stored_masking import mask_own
from console.tickets.service.threads import answers_after_merge, goes_on_in, lock_root, root_of
from console.tickets.sla import service as sla_targets

__all__ = ["Conversation", "conversation", "find_file", "goes_on_in", "say_solved", "write"]

PAGE_SIZE = 200  # entries, the newest
File = tuple[str, bytes]  # name and content


@dataclass(frozen=True)
class Conversation:
    """What a requester's link opens.

    Args:
        ticket: the one of the link, or the one it was merged into, if that is theirs too.
        messages: what they may read, oldest first.
        apart: handled together with the question of another person.
        cut: there are more messages.
        status: of the ticket, or of the one it is handled together with.
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
        """Return whether the requester may mark it as solved."""
        return not self.apart and self.answered and self.status in OPEN_STATUSES


def conversation(linked: Ticket, account: int | None = None) -> Conversation:
    """Return what the link of ``linked`` opens now.

    Args:
        account: for a colleague of the requester: the account whose tickets they may read.
    """
    root, ticket = _visible(linked, account)
    query = (
        _readable(linked, ticket, account)
        .options(selectinload(TicketMessage.attachments), joinedload(TicketMessage.ticket))
        .order_by(TicketMessage.id.desc())
        .limit(PAGE_SIZE + 1)
    )
    found = list(db.session.scalars(query))
    cut = len(found) > PAGE_SIZE
    answered = any(message.kind is MessageKind.REPLY for message in found) or (
        cut and _is_answered(linked, ticket, account)
    )
    return Conversation(ticket, found[:PAGE_SIZE][::-1], ticket is not root, cut, root.status, answered)


def _visible(linked: Ticket, account: int | None) -> tuple[Ticket, Ticket]:
    """Return the target of a ticket's merge, and the ticket its reader sees: the same, if that is theirs too."""
    root = root_of(linked)
    return root, root if _is_theirs(root, linked, account) else linked


def _is_theirs(root: Ticket, linked: Ticket, account: int | None) -> bool:
    """Return whether what a ticket was merged into is for its reader too."""
    return root.requester_email == linked.requester_email and account in (None, root.customer_id)


def find_file(linked: Ticket, attachment_id: int, account: int | None = None) -> TicketAttachment:
    """Return a file of a message that the link opens.

    Raises:
        NotFound: it is attached to none of them.
    """
    _root, ticket = _visible(linked, account)
    readable = _readable(linked, ticket, account).with_only_columns(TicketMessage.id)
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
    via: str = "link",
) -> TicketMessage:
    """Store a message of the requester, once for each ``client_id``: in the ticket, or in a follow-up.

    Args:
        source: the visitor, with their address; or the person who is signed in.
        linked: the ticket of their link; it is locked.
        client_id: made with the form.
        files: what came with it.
        pins: their answer about numbers that look like a PIN.

    Raises:
        Invalid: no text, too long, too many files, or one that is not taken.
        PinLike: they have to say whether it holds a PIN.
        Reused: something else was sent under this id.
    """
    if len(files) > MOST:
        raise Invalid(fields={"files": [lazy_gettext("Attach at most %(num)d files to one message.", num=MOST)]})
    try:
        return add_question(source, linked, body, client_id=client_id, via=via, files=files, pins=pins)
    except Invalid as refusal:
        if "file" in refusal.fields:
            raise Invalid(refusal.message, fields={"files": refusal.fields["file"]}) from refusal
        raise


def mask(
    source: Actor, linked: Ticket, message_id: int, token: str | None = None, account: int | None = None
) -> TicketMessage:
    """Mask a number in a message of the requester that the link opens.

    Raises:
        NotFound: no such message of theirs.
        Invalid: there is no such number in it.
    """
    root = lock_root(linked)
    ticket = root if _is_theirs(root, linked, account) else linked
    message = db.session.scalar(_readable(linked, ticket, account).where(TicketMessage.id == message_id))
    if message is None:
        raise NotFound
    return mask_own(source, ticket, message, token)


def say_solved(source: Actor, linked: Ticket, account: int | None = None) -> bool:
    """Mark the ticket as solved by the requester; return whether it was open.

    Raises:
        NotFound: it is handled together with another person's question.
        Conflict: ``unanswered``: there is no reply yet.
    """
    root = lock_root(linked)
    if not _is_theirs(root, linked, account):
        raise NotFound
    if root.status not in OPEN_STATUSES:
        return False
    if not _is_answered(linked, root, account):
        words = lazy_gettext("We have not replied yet. If you no longer need a reply, let us know.")
        raise Conflict(words, code="unanswered")
    move_status(source, root, TicketStatus.SOLVED)
    sla_targets.recalculate(root, clock.now())
    record(source, "ticket.moved", root.number, customer_id=root.customer_id, to=TicketStatus.SOLVED.value)
    return True


def _is_answered(linked: Ticket, ticket: Ticket, account: int | None) -> bool:
    """Return whether there is a reply to read."""
    answers = _readable(linked, ticket, account).where(TicketMessage.kind == MessageKind.REPLY)
    return db.session.scalar(answers.with_only_columns(TicketMessage.id).limit(1)) is not None


def _readable(linked: Ticket, ticket: Ticket, account: int | None) -> Select[TicketMessage]:
    """Select what the requester of ``linked`` may read now: the messages between them and us.

    Where their ticket went into another person's, that is their own part, and what we answered since to both. Their
    colleague reads no reply that went to another account.
    """
    now = clock.now()
    theirs: ColumnElement[bool] = and_(
        TicketMessage.ticket_id.in_(tree(ticket.id)), Ticket.requester_email == linked.requester_email
    )
    if account is not None:
        theirs = and_(theirs, or_(Ticket.customer_id == account, Ticket.customer_id.is_(None)))
    elif ticket is linked:
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
