"""How many promises a change of hours touches: counted so far, never further than one reads."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, func, select

from console.core.db import db
from console.tickets.sla.models import SlaTarget


def running(most: int) -> int:
    """Count the promises that are not kept yet; ``most + 1`` where there are more than ``most``."""
    return _count(most)


def due_within(start: datetime, end: datetime, most: int) -> int:
    """Count the promises that are due in an interval; ``most + 1`` where there are more than ``most``."""
    return _count(most, SlaTarget.due_at >= start, SlaTarget.due_at < end)


def _count(most: int, *conditions: ColumnElement[bool]) -> int:
    some = select(SlaTarget.id).where(SlaTarget.met_at.is_(None), *conditions).limit(most + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(some)) or 0
