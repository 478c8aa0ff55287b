"""The append-only log: every entry is chained to the one before by a keyed digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.core.db import Base


class AuditEntry(Base):
    """Who did what to whom, when. ``id`` is the place in the chain, without gaps."""

    __tablename__ = "audit_entries"
    __allow_unmapped__ = True  # for ``opened``
    __table_args__ = (
        Index("ix_audit_entries_customer_id_id", "customer_id", "id"),
        Index("ix_audit_entries_subject_id", "subject", "id"),
        Index("ix_audit_entries_action_id", "action", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[int | None]
    actor_name: Mapped[str] = mapped_column(String(120))
    address: Mapped[str | None] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(80))
    customer_id: Mapped[int | None]  # no foreign key: the audit log outlives what it is about
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    # Name and address of the person who acted, under their key; those above are empty then (console.audit.sealing).
    sealed: Mapped[str | None] = mapped_column(Text)
    key_id: Mapped[str] = mapped_column(String(12))
    previous: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))

    # What it says with what was sealed in it, where that was opened for many entries at once (sealing.open_all).
    opened: dict[str, Any] | None = None

    person_key: Mapped[PersonKey | None] = relationship(
        primaryjoin="and_(foreign(AuditEntry.actor_id) == PersonKey.person_id, AuditEntry.actor_kind == 'person')",
        viewonly=True,
    )


@dataclass(slots=True)
class NewEntry:
    """An entry that waits for its place in the chain, and what is to be sealed in it for ``about``.

    Plain values: very many may be written at once, and none of them is read again as an object.
    """

    at: datetime
    actor_kind: str
    actor_id: int | None
    actor_name: str
    address: str | None
    action: str
    subject: str
    customer_id: int | None
    data: dict[str, Any]
    about: int | None
    personal: Mapping[str, Any]
    sealed: str | None = None
    id: int = 0
    previous: str = ""

    def row(self, key_id: str, digest: str) -> dict[str, Any]:
        """Return it as it is stored."""
        return {
            "id": self.id,
            "at": self.at,
            "actor_kind": self.actor_kind,
            "actor_id": self.actor_id,
            "actor_name": self.actor_name,
            "address": self.address,
            "action": self.action,
            "subject": self.subject,
            "customer_id": self.customer_id,
            "data": self.data,
            "sealed": self.sealed,
            "key_id": key_id,
            "previous": self.previous,
            "digest": digest,
        }


class PersonKey(Base):
    """What seals one person's values in the log; itself sealed. ``None`` once it was destroyed."""

    __tablename__ = "person_keys"

    person_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # no foreign key, as above
    sealed_key: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    destroyed_at: Mapped[datetime | None]


class AuditHead(Base):
    """The chain's last place and digest, itself keyed: what was cut off the end is missed."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
    key_id: Mapped[str] = mapped_column(String(12))
    mac: Mapped[str] = mapped_column(String(64))
