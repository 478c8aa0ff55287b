"""SLA policies, and the targets of each ticket."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from console.core.db import Base, enum_column
from console.tickets.models import Priority, PriorityColumn, Ticket
from console.tickets.sla.rules import TargetKind

HEAD = 1
_OPEN = text("met_at IS NULL")
_BROKEN = text("broken_at IS NOT NULL")
_EVERYWHERE = text("department_id IS NULL")


class SlaPolicy(Base):
    """The goals of a priority, in working minutes: of one department, or of every one without a policy of its own.

    Without a goal there is no target.
    """

    __tablename__ = "sla_policies"
    __table_args__ = (
        UniqueConstraint("department_id", "priority"),
        Index(
            "uq_sla_policies_everywhere",
            "priority",
            unique=True,
            sqlite_where=_EVERYWHERE,
            postgresql_where=_EVERYWHERE,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    department_id: Mapped[int | None] = mapped_column(ForeignKey("departments.id"))
    priority: Mapped[Priority] = mapped_column(PriorityColumn())
    first_answer: Mapped[int | None]
    next_answer: Mapped[int | None]
    solution: Mapped[int | None]

    def goals(self) -> dict[TargetKind, int | None]:
        """Return the working minutes by kind."""
        return {kind: getattr(self, kind.value) for kind in TargetKind}


class SlaRevision(Base):
    """One row: the revision of policies and opening hours.

    ``revision`` rises with every change of either; the worker measures running
    targets of an earlier revision again.
    """

    __tablename__ = "sla_revision"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    revision: Mapped[int]
    hours_revision: Mapped[int]  # the opening hours that ``revision`` includes


class SlaTarget(Base):
    """One target of a ticket, derived from the ticket's history but for ``warned_at`` and ``escalated_at``.

    Without a goal the time is measured and nothing is due. A target that is met
    keeps the goal and the hours it was measured by.

    ``due_at``, ``risk_at``: empty while it is paused. ``spent``: working minutes,
    once it is met or while it is paused. ``broken_at``: when it was due and missed.
    ``warned_at``, ``escalated_at``: when the worker sent the mails.
    """

    __tablename__ = "sla_targets"
    __table_args__ = (
        UniqueConstraint("ticket_id", "kind", "started_at"),
        Index("ix_sla_targets_risk_at_due_at", "risk_at", "due_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_sla_targets_revision_ticket_id", "revision", "ticket_id", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_sla_targets_kind_started_at", "kind", "started_at"),
        Index("ix_sla_targets_broken_at", "broken_at", sqlite_where=_BROKEN, postgresql_where=_BROKEN),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey(Ticket.id))
    kind: Mapped[TargetKind] = mapped_column(enum_column(TargetKind))
    goal: Mapped[int | None]
    started_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    risk_at: Mapped[datetime | None]
    met_at: Mapped[datetime | None]
    broken_at: Mapped[datetime | None]
    warned_at: Mapped[datetime | None]
    escalated_at: Mapped[datetime | None]
    paused_since: Mapped[datetime | None]
    spent: Mapped[int | None]
    pauses: Mapped[list[Any]] = mapped_column(JSON, default=list)  # [start, end or null, status]
    revision: Mapped[int]
