"""Tickets, their messages, and what belongs to them.

A ticket's timeline is one table: questions, replies, notes and events, numbered
from 1 in each ticket. Nothing in it is edited; a reply can be taken back for ten
seconds, before it is sent.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Dialect,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, query_expression, relationship, validates

from console.core.db import Base, enum_column
from console.core.search import RankedIndex
from console.core.series import Series
from console.customers.models import Customer
from console.staff.models import Department, Staff

TICKET_SEARCH = RankedIndex("search_tickets")
TICKET_BASE = 20_000
NO_DUE = datetime(9999, 12, 31, tzinfo=UTC)  # sorts after everything that is due
MAX_SUBJECT = 200
MAX_BODY = 50_000
UNKNOWN_SENDER = "unknown-sender"  # of an address that stands for none


def ticket_number(key: int) -> str:
    """Return the number of the ticket with this key."""
    return Series.TICKET.number(TICKET_BASE + key)


class TicketStatus(StrEnum):
    OPEN = "open"
    WAITING = "waiting"  # for the customer: SLA targets are paused
    HOLD = "hold"
    SOLVED = "solved"
    CLOSED = "closed"


OPEN_STATUSES = (TicketStatus.OPEN, TicketStatus.WAITING, TicketStatus.HOLD)


class Priority(IntEnum):
    LOW = 1
    NORMAL = 2
    HIGH = 3
    URGENT = 4


class TicketSource(StrEnum):
    """How it began."""

    AGENT = "agent"  # on behalf of a requester
    WEB = "web"
    MAIL = "mail"
    CHAT = "chat"
    PORTAL = "portal"  # by a person who was signed in to Moj Mint


class MessageKind(StrEnum):
    QUESTION = "question"  # from the requester
    REPLY = "reply"  # to the requester
    NOTE = "note"  # for staff only
    EVENT = "event"  # what happened


PUBLIC_KINDS = (MessageKind.QUESTION, MessageKind.REPLY)


class LinkKind(StrEnum):
    RELATED = "related"
    FOLLOW_UP = "follow_up"  # ``ticket`` continues ``other``, which was closed
    SPLIT = "split"  # ``ticket`` was split off ``other``


class PriorityColumn(TypeDecorator[Priority]):
    """A priority, stored as its rank so that it sorts."""

    impl = SmallInteger
    cache_ok = True

    def process_bind_param(self, value: Priority | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else int(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Priority | None:  # noqa: ARG002
        return None if value is None else Priority(value)


class Ticket(Base):
    """One question and everything about it.

    ``is_open``, ``due_at``, ``tags``, ``last_*`` repeat what other columns and tables say, so that a list
    needs one index and one query; the verbs keep them.
    """

    __tablename__ = "tickets"
    __table_args__ = (
        # One for each order that a view is read in.
        Index("ix_tickets_updated_at_id", "updated_at", "id"),
        Index("ix_tickets_is_open_updated_at_id", "is_open", "updated_at", "id"),
        Index("ix_tickets_is_open_due_at_id", "is_open", "due_at", "id"),
        Index("ix_tickets_is_open_priority_id", "is_open", "priority", "id"),
        Index("ix_tickets_status_updated_at_id", "status", "updated_at", "id"),
        Index("ix_tickets_assignee_id_is_open_updated_at_id", "assignee_id", "is_open", "updated_at", "id"),
        Index("ix_tickets_department_id_is_open_updated_at_id", "department_id", "is_open", "updated_at", "id"),
        Index("ix_tickets_customer_id_id", "customer_id", "id"),
        Index("ix_tickets_requester_email_id", "requester_email", "id"),
        Index(
            "ix_tickets_merged_into_id",
            "merged_into_id",
            sqlite_where=text("merged_into_id IS NOT NULL"),
            postgresql_where=text("merged_into_id IS NOT NULL"),
        ),
        Index(
            "ix_tickets_person_id",
            "person_id",
            sqlite_where=text("person_id IS NOT NULL"),
            postgresql_where=text("person_id IS NOT NULL"),
        ),
        Index("ix_tickets_solved_at", "solved_at"),
        Index("ix_tickets_created_at", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(MAX_SUBJECT))
    requester_name: Mapped[str] = mapped_column(String(120))
    requester_email: Mapped[str] = mapped_column(String(254))  # in lower case; proves nothing
    language: Mapped[str] = mapped_column(String(10))  # the requester's
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))  # signed in when they asked; not verified
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    service_id: Mapped[int | None] = mapped_column(ForeignKey("services.id"), index=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("departments.id"))
    priority: Mapped[Priority] = mapped_column(PriorityColumn(), default=Priority.NORMAL)
    status: Mapped[TicketStatus] = mapped_column(enum_column(TicketStatus), default=TicketStatus.OPEN)
    is_open: Mapped[bool] = mapped_column(default=True)
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    source: Mapped[TicketSource] = mapped_column(enum_column(TicketSource))
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    due_at: Mapped[datetime] = mapped_column(default=NO_DUE)  # of the SLA target that is due first
    last_seq: Mapped[int] = mapped_column(default=0)
    last_by: Mapped[str] = mapped_column(String(20), default="")  # requester, staff or system
    preview: Mapped[str] = mapped_column(String(160), default="")
    first_answered_at: Mapped[datetime | None]
    solved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    reopened: Mapped[int] = mapped_column(default=0)  # times
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"))
    status_before_merge: Mapped[TicketStatus | None] = mapped_column(enum_column(TicketStatus))
    link_version: Mapped[int] = mapped_column(default=1)  # raised, every link sent before is void

    customer: Mapped[Customer | None] = relationship()
    department: Mapped[Department] = relationship()
    assignee: Mapped[Staff | None] = relationship()
    # How far the reader of a list has read, and the last entry that names them: console.views.tickets.list.
    read_seq: Mapped[int | None] = query_expression()
    mention_seq: Mapped[int | None] = query_expression()

    @property
    def number(self) -> str:
        """Return the number people read out: ``T-20418``."""
        return ticket_number(self.id)

    @property
    def can_be_mailed(self) -> bool:
        """Return whether its requester has an address; one who wrote a mail without any has not."""
        return not self.requester_email.startswith(f"{UNKNOWN_SENDER}@")

    @validates("status")
    def _keep_is_open(self, _name: str, status: TicketStatus) -> TicketStatus:
        self.is_open = status in OPEN_STATUSES
        return status


class TicketMessage(Base):
    """One entry of a ticket's timeline.

    ``held_until``: until then a reply is not sent and can be taken back.
    ``client_id``: chosen by the composer; sent again, it is the same entry.
    """

    __tablename__ = "ticket_messages"
    __table_args__ = (
        UniqueConstraint("ticket_id", "seq"),
        UniqueConstraint("ticket_id", "client_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"))
    seq: Mapped[int]
    kind: Mapped[MessageKind] = mapped_column(enum_column(MessageKind))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))  # as it was then
    body: Mapped[str] = mapped_column(Text, default="")
    event: Mapped[str | None] = mapped_column(String(40))
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    client_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]
    held_until: Mapped[datetime | None]
    taken_back_at: Mapped[datetime | None]
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("mail.id"))
    via: Mapped[str] = mapped_column(String(20), default="")  # desk, link, mail, chat, portal

    attachments: Mapped[list[TicketAttachment]] = relationship(order_by="TicketAttachment.id")
    ticket: Mapped[Ticket] = relationship()

    def is_public(self, now: datetime) -> bool:
        """Return whether the requester may see it at ``now``."""
        held = self.held_until is not None and now < self.held_until
        return self.kind in PUBLIC_KINDS and self.taken_back_at is None and not held


class TicketAttachment(Base):
    """A file of a message; of its uploader alone until the message is sent. The bytes lie in the file store."""

    __tablename__ = "ticket_attachments"

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("ticket_messages.id"), index=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    name: Mapped[str] = mapped_column(String(120))
    content_type: Mapped[str] = mapped_column(String(80))
    size: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    created_at: Mapped[datetime]


class TicketTag(Base):
    """A tag of a ticket, for filters; pages read ``Ticket.tags``."""

    __tablename__ = "ticket_tags"
    __table_args__ = (Index("ix_ticket_tags_tag_ticket_id", "tag", "ticket_id"),)

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    tag: Mapped[str] = mapped_column(String(40), primary_key=True)


class TicketWatcher(Base):
    """A member of staff who wants to see what happens here."""

    __tablename__ = "ticket_watchers"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True, index=True)


class TicketRead(Base):
    """How far a member of staff has read. ``mention_seq``: the last entry that names them."""

    __tablename__ = "ticket_reads"
    __table_args__ = (Index("ix_ticket_reads_staff_id_ticket_id", "staff_id", "ticket_id"),)

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(default=0)
    mention_seq: Mapped[int] = mapped_column(default=0)


class TicketPersonRead(Base):
    """How far a customer's person has read in Moj Mint."""

    __tablename__ = "ticket_person_reads"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True, index=True)
    seq: Mapped[int] = mapped_column(default=0)


class TicketDraft(Base):
    """What a member of staff has begun to write: one reply and one note. ``based_on``: the last entry they had seen."""

    __tablename__ = "ticket_drafts"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    kind: Mapped[MessageKind] = mapped_column(enum_column(MessageKind), primary_key=True)
    body: Mapped[str] = mapped_column(Text)
    based_on: Mapped[int] = mapped_column(default=0)
    updated_at: Mapped[datetime]


class TicketLink(Base):
    """Two tickets that belong together."""

    __tablename__ = "ticket_links"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    other_id: Mapped[int] = mapped_column(ForeignKey("tickets.id"), primary_key=True, index=True)
    kind: Mapped[LinkKind] = mapped_column(enum_column(LinkKind), default=LinkKind.RELATED)


class SavedView(Base):
    """A saved view of the list: filters, order, columns."""

    __tablename__ = "ticket_views"

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    shared: Mapped[bool] = mapped_column(default=False)
    query: Mapped[dict[str, Any]] = mapped_column(JSON)  # the list's own parameters
    columns: Mapped[list[str]] = mapped_column(JSON, default=list)
    created_at: Mapped[datetime]
