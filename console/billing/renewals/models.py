"""Reminders that were sent, and requests to suspend a service that is not paid."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.billing.models import Proforma
from console.core.db import Base, enum_column
from console.hosting.models import Service
from console.staff.models import Staff


class ProformaReminder(Base):
    """A reminder of one pro-forma. ``step``: days after it was due, negative before; ``None``: sent by a person."""

    __tablename__ = "proforma_reminders"
    __table_args__ = (UniqueConstraint("proforma_id", "step"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    proforma_id: Mapped[int] = mapped_column(ForeignKey("proformas.id"))
    step: Mapped[int | None]
    sent_on: Mapped[date]
    sent_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))

    proforma: Mapped[Proforma] = relationship()


class SuspensionState(StrEnum):
    OPEN = "open"
    DONE = "done"
    DECLINED = "declined"


class SuspensionRequest(Base):
    """Asks staff to suspend a service whose pro-forma is overdue; one document asks once for each of its services."""

    __tablename__ = "suspension_requests"
    __table_args__ = (
        UniqueConstraint("service_id", "proforma_id"),
        Index("ix_suspension_requests_state_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    service_id: Mapped[int] = mapped_column(ForeignKey("services.id"))
    proforma_id: Mapped[int] = mapped_column(ForeignKey("proformas.id"), index=True)
    state: Mapped[SuspensionState] = mapped_column(enum_column(SuspensionState), default=SuspensionState.OPEN)
    requested_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))  # None: no longer needed
    reason: Mapped[str] = mapped_column(String(500), default="")  # why it was declined

    service: Mapped[Service] = relationship()
    proforma: Mapped[Proforma] = relationship()
    decided_by: Mapped[Staff | None] = relationship()
