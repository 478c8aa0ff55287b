"""Staff accounts, their sessions and recovery codes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.core.actor import Actor
from console.core.db import Base, enum_column
from console.core.sessions import SignInSession
from console.core.sorting import keep_key, key_column
from console.staff.roles import PERMISSIONS, Role


class Staff(Base):
    """One person who works here. ``email`` is stored in lower case."""

    __tablename__ = "staff"
    __table_args__ = (Index("ix_staff_name_key_id", "name_key", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    name_key: Mapped[str] = key_column("name")
    role: Mapped[Role] = mapped_column(enum_column(Role))
    password_hash: Mapped[str]
    password_temporary: Mapped[bool] = mapped_column(default=False)  # known to an admin: serves one sign-in
    active: Mapped[bool] = mapped_column(default=True)
    language: Mapped[str | None] = mapped_column(String(10))
    theme: Mapped[str | None] = mapped_column(String(10))
    signature_sr: Mapped[str] = mapped_column(Text, default="")  # under replies by mail; empty: the first name
    signature_en: Mapped[str] = mapped_column(Text, default="")
    single_keys: Mapped[bool] = mapped_column(default=True)  # WCAG 2.1.4: can be switched off
    totp_secret: Mapped[str | None] = mapped_column(Text)  # sealed; None: not switched on
    totp_last_step: Mapped[int | None]  # a code serves once
    created_at: Mapped[datetime]

    recovery_codes: Mapped[list[RecoveryCode]] = relationship(cascade="all, delete-orphan")

    def signature(self, language: str) -> str:
        """Return what stands under their replies in ``language``: in the other one where this one is empty."""
        first, second = (self.signature_sr, self.signature_en)[:: -1 if language == "en" else 1]
        return first or second

    def actor(self, address: str | None = None) -> Actor:
        """Return the actor that verbs get."""
        return Actor(kind="staff", id=self.id, name=self.name, permissions=PERMISSIONS[self.role], address=address)


keep_key(Staff.name, Staff.name_key)


class RecoveryCode(Base):
    """Opens the account once when the authenticator is lost."""

    __tablename__ = "staff_recovery_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64))  # keyed, so that a dump cannot be searched
    used_at: Mapped[datetime | None]


class Department(Base):
    """Where a question belongs: technical, accounting, sales. Chats and tickets belong to one.

    ``verified_only``: what it answers needs a verified person. ``private``: only its own members and
    supervisors see what lies there.
    """

    __tablename__ = "departments"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    name_sr: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    verified_only: Mapped[bool] = mapped_column(default=False)
    private: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)

    def name(self, language: str) -> str:
        """Return what it is called in ``language`` (``sr_Latn`` or ``en``)."""
        return self.name_en if language == "en" else self.name_sr


class DepartmentMember(Base):
    """A member of staff works in a department; in any number of them."""

    __tablename__ = "department_members"

    department_id: Mapped[int] = mapped_column(ForeignKey("departments.id"), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True, index=True)


class StaffSession(SignInSession, Base):
    """A staff member's sign-in on one browser."""

    __tablename__ = "staff_sessions"

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    staff: Mapped[Staff] = relationship(lazy="joined")


class StaffSocket(Base):
    """A connection of staff, where several processes serve: each must reach those that the others hold.

    ``seen_at``: when its process last said that it holds it; one that was killed says so no more.
    """

    __tablename__ = "staff_sockets"

    sid: Mapped[str] = mapped_column(String(40), primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("staff_sessions.id", ondelete="CASCADE"), index=True)
    seen_at: Mapped[datetime] = mapped_column(index=True)
