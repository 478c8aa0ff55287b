"""Copies of data that were asked for, and erasures."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.core.db import Base, enum_column
from console.core.leases import Leased
from console.customers.models import Customer, Person


class ExportState(StrEnum):
    QUEUED = "queued"  # also while it is prepared: then it is leased
    READY = "ready"
    FAILED = "failed"
    DELETED = "deleted"  # after its time, downloaded or not, or with an erased person


class DataExport(Leased, Base):
    """A copy of a person's data, with the accounts they own; or of one account of theirs alone.

    ``lease``: which worker prepares it. ``digest``: the archive, in the file store.
    """

    __tablename__ = "data_exports"
    __table_args__ = (Index("ix_data_exports_person_id_id", "person_id", "id"), Index("ix_data_exports_state", "state"))

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))  # who asked for it, for the caller
    state: Mapped[ExportState] = mapped_column(enum_column(ExportState), default=ExportState.QUEUED)
    requested_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    ready_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    downloaded_at: Mapped[datetime | None]
    digest: Mapped[str | None] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger, default=0)

    person: Mapped[Person] = relationship()
    customer: Mapped[Customer | None] = relationship()


class ErasureState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    CANCELLED = "cancelled"


class Erasure(Base):
    """The erasure of a person: waiting for some days, in which they can take it back, then done. On the record."""

    __tablename__ = "erasures"
    __table_args__ = (
        Index("ix_erasures_person_id_id", "person_id", "id"),
        Index("ix_erasures_state_due_at", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))  # who began it, for the caller
    state: Mapped[ErasureState] = mapped_column(enum_column(ErasureState), default=ErasureState.WAITING)
    requested_at: Mapped[datetime]
    due_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    counts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # how much of what became anonymous

    person: Mapped[Person] = relationship()
