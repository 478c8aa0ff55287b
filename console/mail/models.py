"""The outbox: mail is a row of the transaction that causes it. Sending comes after."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from console.core.db import Base, enum_column


class MailState(StrEnum):
    QUEUED = "queued"
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
    send_after: Mapped[datetime]  # not before
    # What it is about, as ``ticket:418``: mail knows no tickets.
    subject_ref: Mapped[str | None] = mapped_column(String(60))
    in_reply_to: Mapped[str | None] = mapped_column(String(200))
    references: Mapped[str | None] = mapped_column(Text)  # RFC 5322, 3.6.4
    attachments: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)  # name, type, size, digest
    private: Mapped[bool] = mapped_column(default=False)  # a link in it opens something: not for staff to read
