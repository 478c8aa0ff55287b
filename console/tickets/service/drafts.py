"""Drafts and read marks, private to each member of staff."""

from __future__ import annotations

from sqlalchemy import select, update

from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.text import clean
from console.core.upsert import insert_missing, insert_or_find
from console.staff.roles import Permission
from console.tickets.models import MAX_BODY, MessageKind, Ticket, TicketDraft, TicketMessage, TicketRead


def save_draft(
    actor: Actor, ticket: Ticket, kind: MessageKind, body: str, *, based_on: int, composition: str = ""
) -> TicketDraft | None:
    """Keep a draft in place of the one before of its kind; an empty one is none, nor is one that was sent.

    Args:
        based_on: the key of the newest entry its author had before them.
        composition: the id it is to be sent with; a draft that arrives after its own reply is dropped.

    Raises:
        NotFound: the role does not work on tickets.
    """
    actor.require(Permission.WORK_TICKETS)
    body = clean(body)[:MAX_BODY]
    if not body or _was_sent(ticket, composition):
        drop_draft(actor, ticket, kind)
        return None
    draft = find_draft(actor, ticket, kind)
    written = {"body": body, "based_on": based_on, "updated_at": clock.now()}
    if draft is None:
        row = {"ticket_id": ticket.id, "staff_id": actor.id, "kind": kind, **written}
        draft, _fresh = insert_or_find(TicketDraft, row, TicketDraft.ticket_id, TicketDraft.staff_id, TicketDraft.kind)
    for name, value in written.items():
        setattr(draft, name, value)
    db.session.flush()
    return draft


def _was_sent(ticket: Ticket, composition: str) -> bool:
    sent = select(TicketMessage.id).where(TicketMessage.ticket_id == ticket.id, TicketMessage.client_id == composition)
    return bool(composition) and db.session.scalar(sent) is not None


def find_draft(actor: Actor, ticket: Ticket, kind: MessageKind) -> TicketDraft | None:
    """Return what this person has begun to write."""
    return db.session.get(TicketDraft, (ticket.id, actor.id, kind), with_for_update=True)


def drop_draft(actor: Actor, ticket: Ticket, kind: MessageKind) -> None:
    """Forget this person's draft of a reply, or of a note."""
    draft = find_draft(actor, ticket, kind)
    if draft is not None:
        db.session.delete(draft)
        db.session.flush()


def read_up_to(actor: Actor, ticket: Ticket, seq: int | None = None) -> None:
    """Note that this person has read the ticket, up to entry ``seq`` or all of it."""
    if actor.kind != "staff" or actor.id is None:
        return
    seq = ticket.last_seq if seq is None else max(0, min(seq, ticket.last_seq))
    insert_missing(
        TicketRead,
        [{"ticket_id": ticket.id, "staff_id": actor.id, "seq": 0, "mention_seq": 0}],
        TicketRead.ticket_id,
        TicketRead.staff_id,
    )
    db.session.execute(
        update(TicketRead)
        .where(TicketRead.ticket_id == ticket.id, TicketRead.staff_id == actor.id, TicketRead.seq < seq)
        .values(seq=seq)
        .execution_options(synchronize_session="fetch")
    )
