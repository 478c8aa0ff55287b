"""Second factors of customers' people, and what a lost device waits for."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.core.db import Base, enum_column
from console.customers.models import Person
from console.staff.models import Staff


class Authenticator(Base):
    """A person's two-step sign-in is on: the secret that their authenticator app has too."""

    __tablename__ = "person_authenticators"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True, autoincrement=False)
    sealed_secret: Mapped[str] = mapped_column(Text)
    last_step: Mapped[int]  # a code serves once
    created_at: Mapped[datetime]


class PersonRecoveryCode(Base):
    """Signs a person in once when the authenticator is lost."""

    __tablename__ = "person_recovery_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64))  # keyed, so that a dump cannot be searched
    used_at: Mapped[datetime | None]


class Passkey(Base):
    """A WebAuthn credential. What is stored opens nothing: the private key is in the person's device."""

    __tablename__ = "passkeys"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    credential_digest: Mapped[str] = mapped_column(String(64), unique=True)  # the id may be longer than an index takes
    credential_id: Mapped[str] = mapped_column(Text)  # base64url, as the browser says it
    public_key: Mapped[str] = mapped_column(Text)  # base64url of COSE
    user_handle: Mapped[str] = mapped_column(String(64))  # random, the same in all of a person's passkeys
    sign_count: Mapped[int] = mapped_column(BigInteger)
    transports: Mapped[list[str]] = mapped_column(JSON, default=list)
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class RecoveryEnd(StrEnum):
    """How the wait after a lost device ended."""

    DONE = "done"
    CANCELLED = "cancelled"  # by a link in one of the mails
    SIGNED_IN = "signed_in"  # a code was at hand after all
    REFUSED = "refused"  # by a supervisor
    EXPIRED = "expired"


class DeviceRecovery(Base):
    """A person lost their device: after the wait, the link in their mail removes the second factors."""

    __tablename__ = "device_recoveries"
    __table_args__ = (
        Index(
            "uq_device_recoveries_open",
            "person_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    started_at: Mapped[datetime]
    ready_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    address: Mapped[str | None] = mapped_column(String(64))  # where it was asked for from
    reviewed_at: Mapped[datetime | None]  # a supervisor lets it go on
    reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    ended_at: Mapped[datetime | None]
    end: Mapped[RecoveryEnd | None] = mapped_column(enum_column(RecoveryEnd))

    person: Mapped[Person] = relationship()
    reviewed_by: Mapped[Staff | None] = relationship(foreign_keys=[reviewed_by_id])

    def is_open(self, now: datetime) -> bool:
        """Return whether it goes on at ``now``."""
        return self.ended_at is None and now < self.expires_at

    def is_ready(self, now: datetime) -> bool:
        """Return whether the wait is over, and the link serves."""
        return self.is_open(now) and now >= self.ready_at
