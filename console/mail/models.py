"""The outbox: mail is a row of the transaction that causes it. Sending comes after (``console.mail.sending``)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, query_expression

from console.core.db import Base, enum_column

MAX_ERROR = 500


class MailState(StrEnum):
    QUEUED = "queued"  # also while it is being sent: then it is leased
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"  # before it was sent, as a reply that was taken back


class Mail(Base):
    """One message to one address. ``message_id`` is fixed here, so a repeated sending is the same mail."""

    __tablename__ = "mail"
    __table_args__ = (
        Index("ix_mail_state_id", "state", "id"),
        Index("ix_mail_customer_id_id", "customer_id", "id"),
        Index("ix_mail_subject_ref_id", "subject_ref", "id"),
        Index("ix_mail_to_address_id", "to_address", "id"),
        Index("ix_mail_copy_of_id", "copy_of_id"),
        Index("ix_mail_state_send_after_id", "state", "send_after", "id"),
        Index("ix_mail_counted_as_created_at", "counted_as", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(String(200), unique=True)
    template: Mapped[str] = mapped_column(String(60))
    language: Mapped[str] = mapped_column(String(10))
    to_address: Mapped[str] = mapped_column(String(254))
    to_name: Mapped[str] = mapped_column(String(120), default="")
    subject: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    # The account it is about, for "mail sent" there; a number, because mail knows no customers.
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    state: Mapped[MailState] = mapped_column(enum_column(MailState), default=MailState.QUEUED)
    created_at: Mapped[datetime]
    send_after: Mapped[datetime]  # not before; after a try that failed for the time being, the next one
    # What it is about, as ``ticket:418``: mail knows no tickets.
    subject_ref: Mapped[str | None] = mapped_column(String(60))
    in_reply_to: Mapped[str | None] = mapped_column(String(200))
    references: Mapped[str | None] = mapped_column(Text)  # RFC 5322, 3.6.4
    reply_to: Mapped[str | None] = mapped_column(String(254))  # a signed address, where answers go to a ticket
    from_address: Mapped[str | None] = mapped_column(String(254))  # where it is not ``CONSOLE_MAIL_FROM``
    # A copy shows whom the message is for in its To, not whom this copy goes to; blind ones are in no header at all.
    shown_to: Mapped[str | None] = mapped_column(String(254))
    cc: Mapped[list[str]] = mapped_column(JSON, default=list)  # as its header has them
    leaves: Mapped[str | None] = mapped_column(String(60))  # what its receiver may turn off: console.mail.unsubscribing
    attachments: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)  # see console.mail.attachments
    private: Mapped[bool] = mapped_column(default=False)  # a link in it opens something: not for staff to read
    # What it counts as where an address may get only so many (console.mail.limits); nothing: as many as there are.
    counted_as: Mapped[str | None] = mapped_column(String(340))
    sealed_links: Mapped[str | None] = mapped_column(Text)  # sealed, until it was sent: console.mail.links
    # How sending it goes. Tries that failed because the mail server as a whole did do not count here.
    attempts: Mapped[int] = mapped_column(default=0)
    first_try_at: Mapped[datetime | None]
    last_try_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(String(MAX_ERROR), default="")  # as ``451 4.3.0 try again``
    lease: Mapped[str | None] = mapped_column(String(40))  # who is sending it
    leased_until: Mapped[datetime | None]
    copy_of_id: Mapped[int | None] = mapped_column(ForeignKey("mail.id"))  # a mail resent by hand
    is_readable: Mapped[bool | None] = query_expression()  # by the reader of a list: console.views.mail


class ProvenAddress(Base):
    """An address whose mail is read: a link in one was opened. In its one spelling, see ``console.core.emails``."""

    __tablename__ = "proven_addresses"

    address: Mapped[str] = mapped_column(String(254), primary_key=True)
    proven_at: Mapped[datetime] = mapped_column(index=True)


class MailRelay(Base):
    """How the mail server does, one row for all workers: while it fails, the whole queue waits for it."""

    __tablename__ = "mail_relay"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    failures: Mapped[int] = mapped_column(default=0)  # in a row
    failing_since: Mapped[datetime | None]
    # Refused us as such (sign-in, TLS): a setting is wrong, and no mail fails for that.
    misconfigured: Mapped[bool] = mapped_column(default=False)
    last_error: Mapped[str] = mapped_column(String(MAX_ERROR), default="")
    next_try_at: Mapped[datetime | None]
    checked_at: Mapped[datetime]
