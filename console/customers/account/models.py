"""What waits until others confirm it: corrections of the holder's data, new sign-in addresses, handovers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.core.db import Base, enum_column
from console.customers.models import Customer, CustomerKind, Membership, Person

_OPEN = text("ended_at IS NULL")


class CorrectionState(StrEnum):
    OPEN = "open"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class HandoverState(StrEnum):
    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class EmailChangeState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Correction(Base):
    """A wrongly written name, PIB, MB or country of an account's holder, until staff have looked at it."""

    __tablename__ = "profile_corrections"
    __table_args__ = (
        Index("uq_profile_corrections_open", "customer_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_profile_corrections_state_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    state: Mapped[CorrectionState] = mapped_column(enum_column(CorrectionState), default=CorrectionState.OPEN)
    before: Mapped[dict[str, str]] = mapped_column(JSON)  # ``name``, ``pib``, ``mb``, ``country`` …: those that change
    after: Mapped[dict[str, str]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(Text)
    requested_by_id: Mapped[int | None] = mapped_column(ForeignKey("memberships.id"))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))  # who wrote it down for a caller
    requested_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    answer: Mapped[str] = mapped_column(Text, default="")  # why it was refused

    customer: Mapped[Customer] = relationship()
    requested_by: Mapped[Membership | None] = relationship()


class EmailChange(Base):
    """A new sign-in address of a person, until the links in both mailboxes were used."""

    __tablename__ = "email_changes"
    __table_args__ = (
        Index("uq_email_changes_open", "person_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    old_email: Mapped[str] = mapped_column(String(254))
    new_email: Mapped[str] = mapped_column(String(254))  # in lower case
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    old_confirmed_at: Mapped[datetime | None]
    new_confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    state: Mapped[EmailChangeState] = mapped_column(enum_column(EmailChangeState), default=EmailChangeState.WAITING)

    person: Mapped[Person] = relationship()

    def is_open(self, now: datetime) -> bool:
        """Return whether it can still be confirmed at ``now``."""
        return self.ended_at is None and now < self.expires_at


class Handover(Base):
    """An account on its way to another holder, from the owner's request until the new address answers."""

    __tablename__ = "handovers"
    __table_args__ = (
        Index("uq_handovers_open", "customer_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    state: Mapped[HandoverState] = mapped_column(enum_column(HandoverState), default=HandoverState.WAITING)
    owner_id: Mapped[int] = mapped_column(ForeignKey("memberships.id"))  # who gives it away
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))  # who wrote it down for a caller
    verification_id: Mapped[int | None] = mapped_column(ForeignKey("verifications.id"))

    email: Mapped[str] = mapped_column(String(254))  # of the new owner, in lower case
    person_name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[CustomerKind] = mapped_column(enum_column(CustomerKind))
    name: Mapped[str] = mapped_column(String(200))  # of the new holder
    pib: Mapped[str | None] = mapped_column(String(20))
    mb: Mapped[str | None] = mapped_column(String(20))
    address: Mapped[str] = mapped_column(String(200), default="")
    postcode: Mapped[str] = mapped_column(String(20), default="")
    city: Mapped[str] = mapped_column(String(100), default="")
    country: Mapped[str] = mapped_column(String(2), default="RS")
    phone: Mapped[str] = mapped_column(String(40), default="")
    keeps_users: Mapped[bool] = mapped_column(default=False)
    keeps_contacts: Mapped[bool] = mapped_column(default=False)

    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    customer: Mapped[Customer] = relationship()
    owner: Mapped[Membership] = relationship()

    def is_open(self, now: datetime) -> bool:
        """Return whether the new address can still answer at ``now``."""
        return self.ended_at is None and now < self.expires_at
