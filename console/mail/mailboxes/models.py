"""Mailboxes, the IMAP account that each is read by, how reading it does, and what of it cannot be read.

What mail goes out by is :class:`Mailbox` alone: its name, address, language and signature. The one of the settings has
the key ``default``: the pipe's, and that of ``CONSOLE_IMAP_URL``, whose account is in the settings and not in a row.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.core.context import settings
from console.core.db import Base, enum_column

DEFAULT = "default"
MAX_NAME, MAX_HOST, MAX_USER, MAX_FOLDER, MAX_SIGNATURE = 80, 253, 254, 200, 2000
MAX_DETAIL = 300
# A mailbox of which nothing was read yet.
FRESH: dict[str, Any] = {
    "place": "", "old_below": 0, "last_uid": 0, "waiting": 0, "problem": "", "detail": "", "failures": 0,
}  # fmt: skip


class ImapTls(StrEnum):
    """How a connection is secured."""

    WHOLE = "tls"  # from the first byte, port 993
    STARTTLS = "starttls"  # port 143
    NONE = "none"  # this machine alone


class SignIn(StrEnum):
    """What an account is signed in with."""

    PASSWORD = "password"  # noqa: S105
    OAUTH2 = "oauth2"  # XOAUTH2 with a token that a refresh token gets


class Mailbox(Base):
    """What a message came in by, and what its answers go out by.

    ``department_id``: empty for the first public department; ``address``: empty for ``CONSOLE_MAIL_FROM``. One that
    was deleted stays, because mail came by it.
    """

    __tablename__ = "mailboxes"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(MAX_NAME), default="")  # empty: its address
    address: Mapped[str] = mapped_column(String(254), default="")
    department_id: Mapped[int | None] = mapped_column(ForeignKey("departments.id"))
    language: Mapped[str] = mapped_column(String(10), default="")  # empty: the installation's
    signature: Mapped[str] = mapped_column(Text, default="")
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    account: Mapped[ImapAccount | None] = relationship(back_populates="mailbox", cascade="all, delete-orphan")

    @property
    def from_address(self) -> str:
        """Return the address that its answers come from."""
        return self.address or settings().mail_from


class ImapAccount(Base):
    """Where a mailbox is read, and the secrets for it, sealed."""

    __tablename__ = "imap_accounts"

    mailbox_id: Mapped[int] = mapped_column(ForeignKey("mailboxes.id"), primary_key=True, autoincrement=False)
    host: Mapped[str] = mapped_column(String(MAX_HOST))
    port: Mapped[int]
    tls: Mapped[ImapTls] = mapped_column(enum_column(ImapTls), default=ImapTls.WHOLE)
    user: Mapped[str] = mapped_column(String(MAX_USER))
    folder: Mapped[str] = mapped_column(String(MAX_FOLDER), default="INBOX")
    sign_in: Mapped[SignIn] = mapped_column(enum_column(SignIn), default=SignIn.PASSWORD)
    sealed_password: Mapped[str | None] = mapped_column(Text)
    token_url: Mapped[str] = mapped_column(String(500), default="")
    client_id: Mapped[str] = mapped_column(String(300), default="")
    sealed_client_secret: Mapped[str | None] = mapped_column(Text)
    sealed_refresh_token: Mapped[str | None] = mapped_column(Text)

    mailbox: Mapped[Mailbox] = relationship(back_populates="account", innerjoin=True)


class ImapState(Base):
    """How reading a mailbox does: how far it came, who reads it now, and what is wrong since when.

    UIDs count within one UIDVALIDITY (RFC 3501, 2.3.1.1): where the server gives the folder another, reading begins
    again, and what came before is not stored twice.
    """

    __tablename__ = "imap_states"

    mailbox_id: Mapped[int] = mapped_column(ForeignKey("mailboxes.id"), primary_key=True, autoincrement=False)
    place: Mapped[str] = mapped_column(String(64), default="")  # a digest of server, user and folder
    # Of what a first look finds, and one after a new UIDVALIDITY, older messages are left; nothing: none is.
    since: Mapped[datetime | None]
    old_below: Mapped[int] = mapped_column(BigInteger, default=0)  # what had a smaller UID was there at that look
    uid_validity: Mapped[int | None] = mapped_column(BigInteger)
    last_uid: Mapped[int] = mapped_column(BigInteger, default=0)  # every message up to it was taken in, or is noted
    waiting: Mapped[int] = mapped_column(default=0)  # messages on the server that are still to be read
    checked_at: Mapped[datetime | None]  # when it was last reached and all was read
    received_at: Mapped[datetime | None]  # when the last message was taken in
    problem: Mapped[str] = mapped_column(String(40), default="")  # see console.mail.mailboxes.labels
    detail: Mapped[str] = mapped_column(String(MAX_DETAIL), default="")  # what the server said
    failures: Mapped[int] = mapped_column(default=0)  # in a row
    failing_since: Mapped[datetime | None]
    next_try_at: Mapped[datetime | None]
    lease: Mapped[str | None] = mapped_column(String(80))  # which worker reads it
    leased_until: Mapped[datetime | None]


class UnreadMessage(Base):
    """A message on the server that could not be fetched: tried again so many times, then left, and shown."""

    __tablename__ = "imap_unread"
    __table_args__ = (UniqueConstraint("mailbox_id", "uid_validity", "uid"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    mailbox_id: Mapped[int] = mapped_column(ForeignKey("mailboxes.id"))
    uid_validity: Mapped[int] = mapped_column(BigInteger)
    uid: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    problem: Mapped[str] = mapped_column(String(40))
    detail: Mapped[str] = mapped_column(String(MAX_DETAIL), default="")
    attempts: Mapped[int] = mapped_column(default=0)
    found_at: Mapped[datetime]
    next_try_at: Mapped[datetime | None]  # nothing: it is not tried any more
    incoming_id: Mapped[int | None] = mapped_column(ForeignKey("incoming_mail.id"))  # what became of its beginning
