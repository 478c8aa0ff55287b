"""Chats, what was said in them, who is at the desk, and what supervisors set.

A chat's messages are numbered from 1 without a gap, in the order they were stored. Nothing in them is
edited. What a chat repeats of its messages (``last_*``, ``preview``) is kept by the writer.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.core.db import Base, enum_column
from console.core.series import Series
from console.core.text import same_name
from console.customers.models import Customer, Person, PersonSession
from console.staff.models import Department, Staff
from console.tickets.models import Ticket

HEAD = 1
CHAT_BASE = 50_000
_NUMBER = re.compile(r"C-([0-9]{5,9})")
MAX_BODY = 16 * 1024  # bytes of one message
MAX_NAME = 120
MAX_CLIENT_ID = 64
_LIVE = text("status IN ('queued', 'active')")
_KNOWN = text("person_id IS NOT NULL")


def chat_number(key: int) -> str:
    """Return the number of the chat with this key."""
    return Series.CHAT.number(CHAT_BASE + key)


def chat_key(number: object) -> int | None:
    """Return the row's key of a number written ``C-50417``; anything else, a bare number too, is none."""
    found = _NUMBER.fullmatch(number) if isinstance(number, str) else None
    key = int(found[1]) - CHAT_BASE if found else 0
    return key if key > 0 else None


class ChatStatus(StrEnum):
    QUEUED = "queued"
    ACTIVE = "active"
    CLOSED = "closed"
    TICKETED = "ticketed"


LIVE = (ChatStatus.QUEUED, ChatStatus.ACTIVE)


class MessageKind(StrEnum):
    VISITOR = "visitor"
    REPLY = "reply"  # of staff, to the visitor
    NOTE = "note"  # among ourselves
    EVENT = "event"  # what happened; ``data["event"]`` says what, ``data["inside"]`` that only staff see it


class Presence(StrEnum):
    AVAILABLE = "available"
    BUSY = "busy"  # connected, gets no new chats
    AWAY = "away"


class Assignment(StrEnum):
    PULL = "pull"  # agents take the next chat
    PUSH = "push"  # assigned to the agent with the most room


class Chat(Base):
    """One conversation.

    ``waits_since``: since when the visitor waits for a word; decides the order. ``queued_at``: when it last came into
    the queue; decides when no agent came.
    ``open_key``: a digest of the id its visitor opened it with, so that a repeated opening is the same chat.
    ``source``: a keyed digest of the address it came from, for limits and blocking.
    ``visitor``: the id of the browser it was opened in, which the widget keeps; ``None`` where a program opened it.
    """

    __tablename__ = "chats"
    __table_args__ = (
        Index("ix_chats_status_waits_since", "status", "waits_since", sqlite_where=_LIVE, postgresql_where=_LIVE),
        Index("ix_chats_assignee_id_status", "assignee_id", "status"),
        Index("ix_chats_source_created_at", "source", "created_at"),
        Index("ix_chats_visitor_created_at", "visitor", "created_at"),
        Index("ix_chats_customer_id_id", "customer_id", "id"),
        Index("ix_chats_email_id", "email", "id"),
        Index("ix_chats_person_id_id", "person_id", "id", sqlite_where=_KNOWN, postgresql_where=_KNOWN),
        Index("ix_chats_status_id", "status", "id"),
        Index("ix_chats_ended_at", "ended_at"),
        Index("ix_chats_created_at", "created_at"),
        CheckConstraint("rating BETWEEN 1 AND 5", name="one_to_five"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    open_key: Mapped[str] = mapped_column(String(64), unique=True)
    token_version: Mapped[int] = mapped_column(default=1)
    status: Mapped[ChatStatus] = mapped_column(enum_column(ChatStatus))
    name: Mapped[str] = mapped_column(String(MAX_NAME))
    email: Mapped[str] = mapped_column(String(254))  # in lower case; proves nothing
    language: Mapped[str] = mapped_column(String(10))
    department_id: Mapped[int] = mapped_column(ForeignKey("departments.id"))
    # Signed in to the portal: known, not verified.
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    # Their session then: once it has ended, it is no longer known that it is still them (console.chat.tokens).
    person_session_id: Mapped[int | None] = mapped_column(
        ForeignKey("person_sessions.id", ondelete="SET NULL"), index=True
    )
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))  # of the person who was verified
    verified_until: Mapped[datetime | None]
    verified_name: Mapped[str | None] = mapped_column(String(MAX_NAME))
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    source: Mapped[str] = mapped_column(String(64))
    visitor: Mapped[str | None] = mapped_column(String(32))
    page: Mapped[str] = mapped_column(String(300), default="")  # where the widget stood
    created_at: Mapped[datetime]
    waits_since: Mapped[datetime]
    queued_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    first_answered_at: Mapped[datetime | None]
    last_at: Mapped[datetime]
    last_seq: Mapped[int] = mapped_column(default=0)
    last_by: Mapped[str] = mapped_column(String(20), default="visitor")
    unanswered_since: Mapped[datetime | None]  # the first word of the visitor that has no answer yet
    preview: Mapped[str] = mapped_column(String(160), default="")
    seen_by_visitor: Mapped[int] = mapped_column(default=0)  # up to which number
    seen_by_staff: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(20))  # visitor, staff, system
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"), index=True)
    rating: Mapped[int | None] = mapped_column(SmallInteger)
    rating_comment: Mapped[str] = mapped_column(Text, default="")
    rated_at: Mapped[datetime | None]
    noticed_at: Mapped[datetime | None]  # told that closing time is near
    transcript_mailed_at: Mapped[datetime | None]

    department: Mapped[Department] = relationship()
    assignee: Mapped[Staff | None] = relationship()
    customer: Mapped[Customer | None] = relationship()
    person: Mapped[Person | None] = relationship()
    person_session: Mapped[PersonSession | None] = relationship()
    ticket: Mapped[Ticket | None] = relationship()

    @property
    def number(self) -> str:
        """Return the number people read out, and events name it by: ``C-50417``."""
        return chat_number(self.id)

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @property
    def wrote_as(self) -> str | None:
        """The name the visitor gave, where the person verified has another; a badge never stands with it."""
        if self.verified_name is None or same_name(self.verified_name, self.name):
            return None
        return self.name


class ChatMessage(Base):
    """One entry of a chat. ``client_key``: who sent it and their own id for it; sent again, it is the same entry."""

    __tablename__ = "chat_messages"
    __table_args__ = (UniqueConstraint("chat_id", "client_key"),)

    chat_id: Mapped[int] = mapped_column(ForeignKey("chats.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[MessageKind] = mapped_column(enum_column(MessageKind))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    name: Mapped[str] = mapped_column(String(MAX_NAME))
    body: Mapped[str] = mapped_column(Text, default="")
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    client_key: Mapped[str] = mapped_column(String(90))
    at: Mapped[datetime]

    @property
    def is_public(self) -> bool:
        """Return whether the visitor may see it."""
        return self.kind is not MessageKind.NOTE and not self.data.get("inside")


class ChatFile(Base):
    """A file of a message; of its uploader alone until the message is sent."""

    __tablename__ = "chat_files"
    __table_args__ = (Index("ix_chat_files_chat_id_seq", "chat_id", "seq"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    chat_id: Mapped[int] = mapped_column(ForeignKey("chats.id"))
    seq: Mapped[int | None]  # of the message it belongs to
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    name: Mapped[str] = mapped_column(String(120))
    content_type: Mapped[str] = mapped_column(String(80))
    size: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    created_at: Mapped[datetime]


class ChatDraft(Base):
    """What a member of staff has begun to write in a chat."""

    __tablename__ = "chat_drafts"

    chat_id: Mapped[int] = mapped_column(ForeignKey("chats.id"), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    kind: Mapped[MessageKind] = mapped_column(enum_column(MessageKind))
    body: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[datetime]


class StaffPresence(Base):
    """Whether a member of staff takes chats.

    ``seen_at``: when a process last had a connection of theirs. ``chosen_at``: when they last chose their state;
    ``None`` where they never did.
    """

    __tablename__ = "staff_presence"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True, autoincrement=False)
    state: Mapped[Presence] = mapped_column(enum_column(Presence), default=Presence.AWAY)
    reason: Mapped[str] = mapped_column(String(80), default="")
    changed_at: Mapped[datetime]
    chosen_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None] = mapped_column(index=True)

    staff: Mapped[Staff] = relationship(lazy="joined", innerjoin=True)


class ChatSettings(Base):
    """One row: how the desk works. Also the lock that assignment takes, so that it is done once."""

    __tablename__ = "chat_settings"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    assignment: Mapped[Assignment] = mapped_column(enum_column(Assignment))
    capacity: Mapped[int] = mapped_column(SmallInteger)  # chats at once
    wait_minutes: Mapped[int] = mapped_column(SmallInteger)  # unclaimed for so long, a chat becomes a ticket
    notice_minutes: Mapped[int] = mapped_column(SmallInteger)  # before closing time
    limit_minutes: Mapped[int] = mapped_column(SmallInteger)  # after it an open chat becomes a ticket
    grace_seconds: Mapped[int] = mapped_column(SmallInteger)  # an agent may be unconnected for so long
    announcement_sr: Mapped[str] = mapped_column(String(300), default="")
    announcement_en: Mapped[str] = mapped_column(String(300), default="")
    announced_until: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(Integer, default=1)


class ChatBlock(Base):
    """A source or an address that may not open chats for a while."""

    __tablename__ = "chat_blocks"

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str | None] = mapped_column(String(64), index=True)
    email: Mapped[str | None] = mapped_column(String(254), index=True)
    reason: Mapped[str] = mapped_column(String(200))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime]
    until: Mapped[datetime]
    lifted_at: Mapped[datetime | None]

    staff: Mapped[Staff] = relationship()
