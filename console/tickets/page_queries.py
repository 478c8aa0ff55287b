"""What the page of one ticket shows, in two statements: the ticket with what is the reader's own, and its timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Integer, Select, and_, bindparam, case, func, literal_column, select
from sqlalchemy.orm import aliased

from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound
from console.mail.models import Mail, MailState
from console.tickets.list_queries import KEPT
from console.tickets.models import (
    MessageKind,
    Ticket,
    TicketAttachment,
    TicketDraft,
    TicketMessage,
    TicketRead,
)
from console.tickets.queries import ticket_key, tree, visible, with_names

Along = tuple[tuple[str, Select[Any]], ...]
SHOWN = 100  # entries of one page, the newest


@dataclass
class Opened:
    """A ticket as one member of staff opens it.

    Args:
        read_seq: how far they have read it.
        drafts: what they have begun to write, by kind.
        pending: what they uploaded and did not send.
        along: what else was asked for with it, by name.
    """

    ticket: Ticket
    read_seq: int
    drafts: dict[MessageKind, TicketDraft] = field(default_factory=dict)
    pending: list[TicketAttachment] = field(default_factory=list)
    along: dict[str, Any] = field(default_factory=dict)


class Sending(NamedTuple):
    """How the mail of an entry goes."""

    id: int
    state: MailState
    send_after: datetime
    sent_at: datetime | None
    attempts: int
    error: str


@dataclass
class Entry:
    """One entry, its mail and its files."""

    message: TicketMessage
    mail: Sending | None
    files: list[TicketAttachment] = field(default_factory=list)


class Counts(NamedTuple):
    """How many entries of each sort a ticket has."""

    said: int  # to and from the requester
    notes: int
    events: int

    @property
    def all(self) -> int:
        return self.said + self.notes + self.events


@dataclass(frozen=True)
class Timeline:
    """A part of a ticket's timeline, oldest first. ``earlier`` and ``later``: there is more on that side."""

    entries: Sequence[Entry]
    counts: Counts
    earlier: bool = False
    later: bool = False

    @property
    def last(self) -> int:
        """Return the key of its newest entry."""
        return self.entries[-1].message.id if self.entries else 0


def open_for(actor: Actor, number: str, *, along: Along = ()) -> Opened:
    """Return the ticket called ``number`` and what about it is the reader's own, in one statement.

    Args:
        along: names, and selects of one value each, to be read in the same statement; the same ones every time.

    Raises:
        NotFound: no such ticket, or not for this reader.
    """
    rows: Sequence[Any] = db.session.execute(_opening(actor, along), {"ticket": ticket_key(number) or 0}).all()
    if not rows:
        raise NotFound
    opened = Opened(
        rows[0][0], rows[0][1] or 0, along={name: rows[0][4 + place] for place, (name, _) in enumerate(along)}
    )
    for _ticket, _seq, draft, file, *_along in rows:
        if draft is not None:
            opened.drafts[draft.kind] = draft
        if file is not None and file not in opened.pending:
            opened.pending.append(file)
    return opened


# The statements of the page are made once a reader and kept: making them took longer than asking them.


@lru_cache(maxsize=KEPT)
def _opening(actor: Actor, along: Along) -> Select[Any]:
    mine = TicketAttachment
    return (
        with_names(select(Ticket))
        .where(Ticket.id == bindparam("ticket"), visible(actor))
        .outerjoin(TicketRead, and_(TicketRead.ticket_id == Ticket.id, TicketRead.staff_id == actor.id))
        .outerjoin(TicketDraft, and_(TicketDraft.ticket_id == Ticket.id, TicketDraft.staff_id == actor.id))
        .outerjoin(mine, and_(mine.ticket_id == Ticket.id, mine.staff_id == actor.id, mine.message_id.is_(None)))
        .add_columns(TicketRead.seq, TicketDraft, mine)
        .add_columns(*(query.scalar_subquery().label(f"along_{name}") for name, query in along))
        .order_by(mine.id)
    )


def read_timeline(
    ticket_id: int, *, after: int = 0, before: int | None = None, most: int = SHOWN, key: int | None = None
) -> Timeline:
    """Return a part of a ticket's timeline with files and mail, in one statement.

    Args:
        ticket_id: the ticket's; entries of tickets merged into it are among them.
        after: only entries with a greater key.
        before: only entries with a smaller key.
        most: no more than so many, the newest.
        key: one entry alone.
    """
    asked = {"ticket": ticket_id, "after": after or None, "before": before, "key": key}
    statement = _statement(most, after=after > 0, before=before is not None, key=key is not None)
    rows = db.session.execute(statement, {name: value for name, value in asked.items() if value is not None}).all()
    entries: dict[int, Entry] = {}
    for row in rows:
        message, file = row[0], row[1]
        entry = entries.get(message.id)
        if entry is None:
            mail = None if row.mail_key is None else Sending(*row[2:8])
            entry = entries[message.id] = Entry(message, mail)
        if file is not None:
            entry.files.append(file)
    found = list(entries.values())[::-1]
    counts = Counts(*rows[0][8:11]) if rows else Counts(0, 0, 0)
    return Timeline(found[-most:], counts, earlier=len(found) > most, later=before is not None)


@cache
def _statement(most: int, *, after: bool, before: bool, key: bool) -> Select[Any]:
    """Select entries, one row for each of its files, the newest first, one further than is shown."""
    said, whole = TicketMessage, tree(bindparam("ticket", type_=Integer()))
    keys = select(said.id).where(said.ticket_id.in_(whole))
    if after:  # where it is always there, PostgreSQL may go through the messages of all tickets by it
        keys = keys.where(said.id > bindparam("after"))
    if before:
        keys = keys.where(said.id < bindparam("before"))
    if key:
        keys = keys.where(said.id == bindparam("key"))
    # Written out: where the limit is a parameter, PostgreSQL plans the statement anew each time it is asked.
    shown = keys.order_by(said.id.desc()).limit(literal_column(str(most + 1), Integer)).subquery("shown")
    every = aliased(TicketMessage)
    kinds = (
        select(
            func.coalesce(func.sum(case((every.kind.in_(["question", "reply"]), 1), else_=0)), 0).label("said"),
            func.coalesce(func.sum(case((every.kind == MessageKind.NOTE, 1), else_=0)), 0).label("notes"),
            func.coalesce(func.sum(case((every.kind == MessageKind.EVENT, 1), else_=0)), 0).label("events"),
        )
        .where(every.ticket_id.in_(whole))
        .subquery("kinds")
    )
    return (
        select(
            said,
            TicketAttachment,
            Mail.id.label("mail_key"),
            Mail.state,
            Mail.send_after,
            Mail.sent_at,
            Mail.attempts,
            Mail.last_error,
            kinds.c.said,
            kinds.c.notes,
            kinds.c.events,
        )
        .join(shown, shown.c.id == said.id)
        .outerjoin(TicketAttachment, TicketAttachment.message_id == said.id)
        .outerjoin(Mail, Mail.id == said.mail_id)
        .join(kinds, kinds.c.said >= 0)
        .order_by(said.id.desc(), TicketAttachment.id)
    )
