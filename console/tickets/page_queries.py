"""The page of one ticket, in two statements: the ticket with what is the reader's own, and its timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Integer, Row, Select, Subquery, and_, bindparam, case, func, literal_column, select, true
from sqlalchemy.orm import aliased

from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound
from console.mail.models import Mail, MailState
from console.mail.receiving.models import IncomingMail
from console.tickets.list_queries import CACHED
from console.tickets.models import (
    PUBLIC_KINDS,
    MessageKind,
    Ticket,
    TicketAttachment,
    TicketDraft,
    TicketMessage,
    TicketRead,
)
from console.tickets.queries import ticket_key, tree, visible, with_names

Scalars = tuple[tuple[str, Select[Any]], ...]
PAGE_SIZE = 100  # entries, the newest


@dataclass
class TicketView:
    """A ticket as one member of staff sees it.

    Args:
        read_seq: the last entry they have read.
        drafts: their unsent texts, by kind.
        uploads: their files that are not sent yet.
        scalars: the values read in the same statement, by name.
    """

    ticket: Ticket
    read_seq: int
    drafts: dict[MessageKind, TicketDraft] = field(default_factory=dict)
    uploads: list[TicketAttachment] = field(default_factory=list)
    scalars: dict[str, Any] = field(default_factory=dict)


class EntryMail(NamedTuple):
    """The mail of an entry, and how far it is."""

    id: int
    state: MailState
    send_after: datetime
    sent_at: datetime | None
    attempts: int
    error: str


@dataclass
class Entry:
    """One entry, its mail and its files. ``original``: the received mail that it came as, while that is there."""

    message: TicketMessage
    mail: EntryMail | None
    original: int | None = None
    files: list[TicketAttachment] = field(default_factory=list)


class Counts(NamedTuple):
    """How many entries of each sort a ticket has."""

    replies: int  # and questions
    notes: int
    events: int

    @property
    def all(self) -> int:
        return self.replies + self.notes + self.events


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


def load_ticket(actor: Actor, number: str, *, scalars: Scalars = ()) -> TicketView:
    """Return the ticket called ``number`` with what is the reader's own, in one statement.

    Args:
        scalars: names, and selects of one value each, to be read in the same statement; the same ones every time.

    Raises:
        NotFound: no such ticket, or not for this reader.
    """
    rows = db.session.execute(_ticket(actor, scalars), {"ticket": ticket_key(number) or 0}).all()
    if not rows:
        raise NotFound
    first = rows[0]
    view = TicketView(
        first.Ticket, first.read_seq or 0, scalars={name: getattr(first, f"scalar_{name}") for name, _query in scalars}
    )
    for row in rows:
        if row.TicketDraft is not None:
            view.drafts[row.TicketDraft.kind] = row.TicketDraft
        if row.TicketAttachment is not None and row.TicketAttachment not in view.uploads:
            view.uploads.append(row.TicketAttachment)
    return view


@lru_cache(maxsize=CACHED)
def _ticket(actor: Actor, scalars: Scalars) -> Select[*tuple[Any, ...]]:
    """Select one row for each draft and upload of the reader."""
    upload = TicketAttachment
    return (
        with_names(select(Ticket))
        .where(Ticket.id == bindparam("ticket"), visible(actor))
        .outerjoin(TicketRead, and_(TicketRead.ticket_id == Ticket.id, TicketRead.staff_id == actor.id))
        .outerjoin(TicketDraft, and_(TicketDraft.ticket_id == Ticket.id, TicketDraft.staff_id == actor.id))
        .outerjoin(
            upload, and_(upload.ticket_id == Ticket.id, upload.staff_id == actor.id, upload.message_id.is_(None))
        )
        .add_columns(TicketRead.seq.label("read_seq"), TicketDraft, upload)
        .add_columns(*(query.scalar_subquery().label(f"scalar_{name}") for name, query in scalars))
        .order_by(upload.id)
    )


def read_timeline(
    ticket_id: int, *, after: int = 0, before: int | None = None, limit: int = PAGE_SIZE, key: int | None = None
) -> Timeline:
    """Return a part of a ticket's timeline with files and mail, in one statement.

    Args:
        ticket_id: the ticket's; entries of tickets merged into it are among them.
        after: only entries with a greater key.
        before: only entries with a smaller key.
        limit: the newest of them.
        key: one entry alone.
    """
    bounds = {"after": after or None, "before": before, "key": key}
    params = {name: value for name, value in bounds.items() if value is not None}
    rows = db.session.execute(_timeline(limit, frozenset(params)), {"ticket": ticket_id, **params}).all()
    entries: dict[int, Entry] = {}
    for row in rows:
        entry = entries.setdefault(row.TicketMessage.id, Entry(row.TicketMessage, _entry_mail(row), row.original))
        if row.TicketAttachment is not None:
            entry.files.append(row.TicketAttachment)
    newest = list(entries.values())[::-1]
    counts = Counts(rows[0].replies, rows[0].notes, rows[0].events) if rows else Counts(0, 0, 0)
    return Timeline(newest[-limit:], counts, earlier=len(newest) > limit, later=before is not None)


def _entry_mail(row: Row[*tuple[Any, ...]]) -> EntryMail | None:
    if row.mail_key is None:
        return None
    return EntryMail(row.mail_key, row.state, row.send_after, row.sent_at, row.attempts, row.last_error)


@cache
def _timeline(limit: int, bounds: frozenset[str]) -> Select[*tuple[Any, ...]]:
    """Select entries, one row for each of its files, the newest first, one entry more than ``limit``."""
    message, whole = TicketMessage, tree(bindparam("ticket", type_=Integer()))
    keys = select(message.id).where(message.ticket_id.in_(whole))
    # Only the bounds that are set: with all of them PostgreSQL may go through the messages of every ticket.
    if "after" in bounds:
        keys = keys.where(message.id > bindparam("after"))
    if "before" in bounds:
        keys = keys.where(message.id < bindparam("before"))
    if "key" in bounds:
        keys = keys.where(message.id == bindparam("key"))
    # Written out: where the limit is a parameter, PostgreSQL plans the statement at each execution.
    newest = keys.order_by(message.id.desc()).limit(literal_column(str(limit + 1), Integer)).subquery("newest")
    counts = _counts(whole)
    return (
        select(
            message,
            TicketAttachment,
            Mail.id.label("mail_key"),
            Mail.state,
            Mail.send_after,
            Mail.sent_at,
            Mail.attempts,
            Mail.last_error,
            IncomingMail.id.label("original"),
            counts.c.replies,
            counts.c.notes,
            counts.c.events,
        )
        .join(newest, newest.c.id == message.id)
        .outerjoin(TicketAttachment, TicketAttachment.message_id == message.id)
        .outerjoin(Mail, Mail.id == message.mail_id)
        .outerjoin(IncomingMail, IncomingMail.id == message.data["incoming"].as_integer())
        .join(counts, true())
        .order_by(message.id.desc(), TicketAttachment.id)
    )


def _counts(whole: Select[int]) -> Subquery:
    """Select how many entries of each sort a ticket has, in one row."""
    message = aliased(TicketMessage)

    def count(*kinds: MessageKind) -> Any:
        return func.coalesce(func.sum(case((message.kind.in_(kinds), 1), else_=0)), 0)

    return (
        select(
            count(*PUBLIC_KINDS).label("replies"),
            count(MessageKind.NOTE).label("notes"),
            count(MessageKind.EVENT).label("events"),
        )
        .where(message.ticket_id.in_(whole))
        .subquery("counts")
    )
