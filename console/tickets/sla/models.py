"""What was promised in each ticket, and the rules it follows."""

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
    """The goals of a priority, in working minutes: of one department, or of every one that has no own.

    An empty goal is no promise.
    """

    __tablename__ = "promise_rules"
    __table_args__ = (
        UniqueConstraint("department_id", "priority"),
        Index(
            "uq_promise_rules_everywhere",
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
    """One row: which rules and hours are the present ones.

    ``revision`` rises with every change of either; a promise that runs and was
    counted under an earlier one is counted again by the worker.
    """

    __tablename__ = "promise_head"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    revision: Mapped[int]
    hours_revision: Mapped[int]  # that ``revision`` has taken in


class SlaTarget(Base):
    """One promise of a ticket. All of it follows from the ticket's history; only what was told stands here alone.

    Without a goal the time is taken and nothing is promised. A promise that is over
    keeps the goal and the hours it was counted by.

    ``due_at``, ``risk_at``: empty while it stands still. ``spent``: working minutes,
    once it is met or while it stands still. ``broken_at``: when it was due and nobody
    had kept it. ``warned_at``, ``escalated_at``: when the worker told of it.
    """

    __tablename__ = "ticket_promises"
    __table_args__ = (
        UniqueConstraint("ticket_id", "kind", "started_at"),
        Index("ix_ticket_promises_risk_at_due_at", "risk_at", "due_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index(
            "ix_ticket_promises_revision_ticket_id", "revision", "ticket_id", sqlite_where=_OPEN, postgresql_where=_OPEN
        ),
        Index("ix_ticket_promises_kind_started_at", "kind", "started_at"),
        Index("ix_ticket_promises_broken_at", "broken_at", sqlite_where=_BROKEN, postgresql_where=_BROKEN),
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
