"""Rows that wait for a worker, each taken by a lease: a worker that was killed loses it when it runs out.

Mail and zones are taken by leases too, in ways of their own: many at once, or by when they are due.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, String, and_, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from console.core import clock
from console.core.db import db
from console.core.transaction import transaction


class Leased:
    """Columns of what one worker at a time works on (a mixin)."""

    id: Mapped[int] = mapped_column(primary_key=True)
    lease: Mapped[str | None] = mapped_column(String(40))  # which worker has it
    leased_until: Mapped[datetime | None]


Row = TypeVar("Row", bound=Leased)


def claim(model: type[Row], waiting: ColumnElement[bool], lasts: timedelta, **values: Any) -> tuple[int, str] | None:
    """Take the oldest row that waits and that no worker has, in a transaction of its own.

    Args:
        waiting: the condition of those that wait.
        lasts: how long the lease holds, unless it is renewed.
        values: what else is written on it.

    Returns:
        Its key and the lease; ``None`` where there is none.
    """
    now, lease = clock.now(), token_hex(16)
    free = and_(waiting, or_(model.leased_until.is_(None), model.leased_until < now))
    oldest = select(model.id).where(free).order_by(model.id).limit(1)
    if db.session.scalar(oldest) is None:
        return None  # nothing to write, as a rule
    one = oldest.with_for_update(skip_locked=True).scalar_subquery()
    taken = update(model).where(model.id == one).values(lease=lease, leased_until=now + lasts, **values)
    with transaction() as session:
        key = session.scalar(taken.returning(model.id))
    return None if key is None else (key, lease)
