"""What the requester does behind their link: reads what was said to them, answers, says that it is solved.

The link opens what this address wrote and was answered, and nothing else. A ticket may have been merged into
another: where that one is of the same address they are one conversation here as well. Where it is somebody
else's, neither sees a word of the other: this requester keeps their own part, reads that it is handled together
with another question, and what they write now becomes a ticket of its own, because in the other one the other
requester would read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload, selectinload

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Invalid, NotFound
from console.core.files import content_digest
from console.core.text import paragraphs
from console.core.texts import lazy_gettext
from console.customers.masking import ASK, PinChoice, Settled
from console.tickets.attachments import MOST, attach
from console.tickets.handling import move_status
from console.tickets.masking import mask_own, settle_in
from console.tickets.merging import continue_in
from console.tickets.models import (
    MAX_BODY,
    OPEN_STATUSES,
    PUBLIC_KINDS,
    LinkKind,
    MessageKind,
    Ticket,
    TicketAttachment,
    TicketLink,
    TicketMessage,
    TicketSource,
    TicketStatus,
)
from console.tickets.opening import NewTicket, open_ticket
from console.tickets.promises import service as promises
from console.tickets.queries import tree
from console.tickets.writing import requester_writes, said_before, the_same

SHOWN = 200  # entries of one page, the newest
MOST_MERGES = 50
File = tuple[str, bytes]  # name and content


@dataclass(frozen=True)
class Conversation:
    """What a requester's link opens.

    Args:
        ticket: which is shown and answered: the one of the link, or where it was merged, if that is theirs too.
        messages: what they may read, oldest first.
        apart: handled together with a question of somebody else.
        cut: there is more than is shown.
    """

    ticket: Ticket
    messages: Sequence[TicketMessage]
    apart: bool
    cut: bool


def conversation(linked: Ticket) -> Conversation:
    """Return what the link of ``linked`` opens now."""
    root = _root(linked)
    apart = root.requester_email != linked.requester_email
    ticket = linked if apart else root
    query = (
        _readable(ticket, clock.now())
        .options(selectinload(TicketMessage.attachments), joinedload(TicketMessage.ticket))
        .order_by(TicketMessage.id.desc())
        .limit(SHOWN + 1)
    )
    found = list(db.session.scalars(query))
    return Conversation(ticket, found[:SHOWN][::-1], apart, len(found) > SHOWN)


def find_file(linked: Ticket, attachment_id: int) -> TicketAttachment:
    """Return a file of a message that the link opens.

    Raises:
        NotFound: it hangs on none of them.
    """
    root = _root(linked)
    ticket = root if root.requester_email == linked.requester_email else linked
    readable = _readable(ticket, clock.now()).with_only_columns(TicketMessage.id)
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
    linked = _lock(linked)
    settled = settle_in(linked, _checked(body), pins)
    earlier = said_before(linked, client_id)
    if earlier is not None:
        digests = [content_digest(content) for _name, content in files]
        return the_same(earlier, MessageKind.QUESTION, settled, digests)
    if len(files) > MOST:
        raise Invalid(fields={"files": [lazy_gettext("At most %(num)d files go with one message.", num=MOST)]})
    where = _lock(_root(linked))
    if where.requester_email != linked.requester_email:
        where = linked  # closed by the merge
    if where.status is TicketStatus.CLOSED:
        later = goes_on_in(where)
        where = _lock(later) if later is not None else where
    try:
        if where.status is TicketStatus.CLOSED:
            return _continue(source, where, settled, client_id, files)
        kept = tuple(attach(source, where, name, content).id for name, content in files)
        return requester_writes(source, where, body, client_id=client_id, via="link", attachments=kept, pins=pins)
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
    root = _lock(_root(_lock(linked)))
    ticket = root if root.requester_email == linked.requester_email else linked
    message = db.session.scalar(_readable(ticket, clock.now()).where(TicketMessage.id == message_id))
    if message is None:
        raise NotFound
    return mask_own(source, ticket, message, token)


def say_solved(source: Actor, linked: Ticket) -> bool:
    """Note that the requester says it is solved; tell whether it was open until now.

    Raises:
        NotFound: it is handled together with somebody else's question, which is not theirs to settle.
    """
    root = _lock(_root(_lock(linked)))
    if root.requester_email != linked.requester_email:
        raise NotFound
    if root.status not in OPEN_STATUSES:
        return False
    move_status(source, root, TicketStatus.SOLVED)
    promises.recount(root, clock.now())
    record(source, "ticket.moved", root.number, customer_id=root.customer_id, to=TicketStatus.SOLVED.value)
    return True


def _checked(body: str) -> str:
    body = paragraphs(body)
    if not body or len(body) > MAX_BODY:
        raise Invalid(
            fields={"body": [lazy_gettext("The message is too long.") if body else lazy_gettext("Write the message.")]}
        )
    return body


def _continue(source: Actor, linked: Ticket, settled: Settled, client_id: str, files: Sequence[File]) -> TicketMessage:
    """Open a ticket that continues this one."""
    new = open_ticket(
        source,
        NewTicket(
            subject=linked.subject,
            body=settled.text,
            requester_email=linked.requester_email,
            requester_name=linked.requester_name,
            language=linked.language,
            customer_id=linked.customer_id,
            service_id=linked.service_id,
            department_id=linked.department_id,
            priority=linked.priority,
            source=TicketSource.WEB,
            files=tuple(files),
            data=dict(settled.data),
            settled=True,
        ),
    )
    continue_in(source, linked, new)
    first = db.session.scalars(
        select(TicketMessage).where(TicketMessage.ticket_id == new.id, TicketMessage.kind == MessageKind.QUESTION)
    ).one()
    first.client_id = client_id
    db.session.flush()
    return first


def goes_on_in(closed: Ticket) -> Ticket | None:
    """Return the newest ticket in which the same requester continued a closed one."""
    return db.session.scalar(
        select(Ticket)
        .join(TicketLink, TicketLink.ticket_id == Ticket.id)
        .where(
            TicketLink.other_id == closed.id,
            TicketLink.kind == LinkKind.FOLLOW_UP,
            Ticket.requester_email == closed.requester_email,
        )
        .order_by(Ticket.id.desc())
        .limit(1)
    )


def _readable(ticket: Ticket, now: datetime) -> Select[TicketMessage]:
    """Select what was said between us and the requester of ``ticket``, as they may read it at ``now``."""
    return (
        select(TicketMessage)
        .join(Ticket, Ticket.id == TicketMessage.ticket_id)
        .where(
            TicketMessage.ticket_id.in_(tree(ticket.id)),
            Ticket.requester_email == ticket.requester_email,
            TicketMessage.kind.in_(PUBLIC_KINDS),
            TicketMessage.taken_back_at.is_(None),
            or_(TicketMessage.held_until.is_(None), TicketMessage.held_until <= now),
        )
    )


def _root(ticket: Ticket) -> Ticket:
    """Return the ticket that ``ticket`` was merged into, at any depth; itself where it was not."""
    for _step in range(MOST_MERGES):
        if ticket.merged_into_id is None:
            break
        ticket = db.session.get_one(Ticket, ticket.merged_into_id)
    return ticket


def _lock(ticket: Ticket) -> Ticket:
    query = select(Ticket).where(Ticket.id == ticket.id).with_for_update(of=Ticket)
    return db.session.scalars(query.execution_options(populate_existing=True)).one()
