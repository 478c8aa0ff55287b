"""How many SLA targets a change of the opening hours affects, up to a limit."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, func, select

from console.core.db import db
from console.tickets.sla.models import SlaTarget


def count_running(limit: int) -> int:
    """Count the targets that are not met yet; ``limit + 1`` where there are more than ``limit``."""
    return _count(limit)


def count_due_within(start: datetime, end: datetime, limit: int) -> int:
    """Count the targets that are due in an interval; ``limit + 1`` where there are more than ``limit``."""
    return _count(limit, SlaTarget.due_at >= start, SlaTarget.due_at < end)


def _count(limit: int, *conditions: ColumnElement[bool]) -> int:
    targets = select(SlaTarget.id).where(SlaTarget.met_at.is_(None), *conditions).limit(limit + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(targets)) or 0
