"""Reading staff and their sessions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import func, select

from console.core import clock
from console.core.context import settings
from console.core.db import db
from console.core.emails import normal_email
from console.core.errors import NotFound
from console.staff.models import RecoveryCode, Staff, StaffSession
from console.staff.roles import PERMISSIONS, Permission


def staff_by_email(email: str) -> Staff | None:
    """Return who signs in with ``email``."""
    return db.session.scalar(select(Staff).where(Staff.email == normal_email(email)))


def lock_staff(key: int) -> Staff:
    """Return one staff member as they are now, locked until the transaction ends.

    Raises:
        NotFound: there is none with that id.
    """
    query = select(Staff).where(Staff.id == key).with_for_update().execution_options(populate_existing=True)
    staff = db.session.scalar(query)
    if staff is None:
        raise NotFound
    return staff


def staff_who_may(permission: Permission) -> list[Staff]:
    """Return the active staff whose role allows ``permission``, by name."""
    roles = [role for role, permissions in PERMISSIONS.items() if permission in permissions]
    query = select(Staff).where(Staff.active, Staff.role.in_(roles)).order_by(Staff.name, Staff.id)
    return list(db.session.scalars(query))


def live_sessions(staff_id: int) -> list[StaffSession]:
    """Return the sessions that still count, last used first."""
    now = clock.now()
    query = (
        select(StaffSession)
        .where(
            StaffSession.staff_id == staff_id,
            StaffSession.revoked_at.is_(None),
            StaffSession.expires_at > now,
            StaffSession.seen_at > now - timedelta(minutes=settings().session_idle_minutes),
        )
        .order_by(StaffSession.seen_at.desc(), StaffSession.id.desc())
    )
    return list(db.session.scalars(query))


def last_seen(staff_ids: Collection[int]) -> dict[int, datetime]:
    """Return when each was last here, in one query; without an entry: never."""
    query = (
        select(StaffSession.staff_id, func.max(StaffSession.seen_at))
        .where(StaffSession.staff_id.in_(staff_ids))
        .group_by(StaffSession.staff_id)
    )
    return dict(db.session.execute(query).all())


def recovery_codes_left(staff_id: int) -> int:
    """Return how many recovery codes still serve."""
    query = select(func.count()).where(RecoveryCode.staff_id == staff_id, RecoveryCode.used_at.is_(None))
    return db.session.scalar(query) or 0
