"""Incoming mail, and the addresses that automatic mail does not go to.

The raw message lies sealed in the file store; a row has its digest and the key it is sealed with, itself sealed. The
row stays when the raw message is deleted, so that no message comes in twice.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.core.db import Base, enum_column
from console.mail.mailboxes.models import Mailbox

MAX_MESSAGE_ID = 300
MAX_SUBJECT = 300
ARRIVED, DELAYED = "arrived", "delayed"  # reasons: of a delivery report about a mail that did not come back


class IncomingState(StrEnum):
    """How far a message is."""

    RECEIVED = "received"  # stored; not read yet, or to be tried again
    TICKET = "ticket"  # is in a ticket
    WAITING = "waiting"  # for an agent's decision
    IGNORED = "ignored"  # needs nothing: an automatic answer, a bounce, a copy
    SPAM = "spam"
    FAILED = "failed"  # could not be read


class IncomingKind(StrEnum):
    """Who wrote a message: only a person is answered automatically."""

    PERSON = "person"
    AUTO_REPLY = "auto_reply"  # out of office
    AUTOMATIC = "automatic"  # another machine
    LIST = "list"
    NO_REPLY = "no_reply"
    OWN = "own"  # from an address of ours
    BOUNCE = "bounce"
    UNREADABLE = "unreadable"


class Proof(StrEnum):
    """What the trusted mail server says of the sender's domain."""

    PASSED = "passed"
    FAILED = "failed"
    NONE = "none"


class IncomingMail(Base):
    """One message that came in by one mailbox. ``digest`` is of the raw message, ``raw_file`` names it sealed."""

    __tablename__ = "incoming_mail"
    __table_args__ = (
        UniqueConstraint("mailbox_id", "digest"),
        Index("ix_incoming_mail_fingerprint", "fingerprint"),
        Index("ix_incoming_mail_state_id", "state", "id"),
        Index("ix_incoming_mail_kind_id", "kind", "id"),
        Index("ix_incoming_mail_ticket_id_id", "ticket_id", "id"),
        Index("ix_incoming_mail_from_address_received_at", "from_address", "received_at"),
        Index("ix_incoming_mail_received_at", "received_at"),
        Index("ix_incoming_mail_message_id", "message_id"),
        Index("ix_incoming_mail_bounced_id", "bounced_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    mailbox_id: Mapped[int] = mapped_column(ForeignKey("mailboxes.id"))
    digest: Mapped[str] = mapped_column(String(64))
    fingerprint: Mapped[str] = mapped_column(String(64))  # the same message by another way has the same
    raw_file: Mapped[str | None] = mapped_column(String(64))
    sealed_key: Mapped[str | None] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)
    via: Mapped[str] = mapped_column(String(20))  # pipe, imap
    state: Mapped[IncomingState] = mapped_column(enum_column(IncomingState), default=IncomingState.RECEIVED)
    kind: Mapped[IncomingKind | None] = mapped_column(enum_column(IncomingKind))
    proof: Mapped[Proof] = mapped_column(enum_column(Proof), default=Proof.NONE)
    reason: Mapped[str] = mapped_column(String(40), default="")  # why it waits, failed or needs nothing
    attempts: Mapped[int] = mapped_column(default=0)
    received_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    message_id: Mapped[str] = mapped_column(String(MAX_MESSAGE_ID), default="")
    from_address: Mapped[str] = mapped_column(String(254), default="")
    from_name: Mapped[str] = mapped_column(String(120), default="")
    copies: Mapped[list[str]] = mapped_column(JSON, default=list)  # others in To and Cc
    subject: Mapped[str] = mapped_column(String(MAX_SUBJECT), default="")
    sent_at: Mapped[datetime | None]  # as its header says
    # What happened, in order: keys and values that ``console.views.shared.labels.incoming`` puts into words.
    story: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    duplicate_of_id: Mapped[int | None] = mapped_column(ForeignKey("incoming_mail.id"))
    bounced_id: Mapped[int | None] = mapped_column(ForeignKey("mail.id"))  # the mail of ours that it reports about
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"))
    ticket_message_id: Mapped[int | None] = mapped_column(ForeignKey("ticket_messages.id"))

    mailbox: Mapped[Mailbox] = relationship()

    def add_step(self, step: str, **values: Any) -> None:
        """Add a step to its history."""
        self.story = [*self.story, {"step": step, **values}]


class BlockedSender(Base):
    """An address, or a domain with all below it, whose mail is spam."""

    __tablename__ = "blocked_senders"

    id: Mapped[int] = mapped_column(primary_key=True)
    pattern: Mapped[str] = mapped_column(String(254), unique=True)  # ``x@example.com`` or ``example.com``
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime]


class StoppedAddress(Base):
    """An address that permanently rejected a mail: automatic mail is not sent there until staff allow it again."""

    __tablename__ = "stopped_addresses"

    address: Mapped[str] = mapped_column(String(254), primary_key=True)
    incoming_id: Mapped[int | None] = mapped_column(ForeignKey("incoming_mail.id"), index=True)
    status: Mapped[str] = mapped_column(String(20), default="")  # 5.1.1
    diagnostic: Mapped[str] = mapped_column(String(300), default="")
    stopped_at: Mapped[datetime]
