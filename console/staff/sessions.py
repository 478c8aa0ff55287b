"""Sign-in sessions of staff: when they count, and ending them."""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import select, update

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import NotFound
from console.staff import notifications
from console.staff.access import require_own_or_manage
from console.staff.models import Staff, StaffSession
from console.staff.roles import Role


class HasAccount(Protocol):
    """A staff account, or the columns of one that decide."""

    @property
    def active(self) -> bool: ...
    @property
    def password_temporary(self) -> bool: ...
    @property
    def totp_secret(self) -> str | None: ...
    @property
    def role(self) -> Role: ...


def totp_obligatory(staff: HasAccount) -> bool:
    """Return whether the role demands a second step."""
    return staff.role.value in settings().totp_roles


def may_be_in(staff: HasAccount) -> bool:
    """Return whether a session of ``staff`` counts now: checked on every request."""
    return (
        staff.active and not staff.password_temporary and (staff.totp_secret is not None or not totp_obligatory(staff))
    )


def revoke_session(actor: Actor, session_id: int) -> None:
    """End one session: one's own, or with ``staff.manage`` another person's. Ending it twice is no error.

    Raises:
        NotFound: there is none, or it is another person's.
    """
    row = db.session.scalar(select(StaffSession).where(StaffSession.id == session_id))
    if row is None:
        raise NotFound
    require_own_or_manage(actor, row.staff_id)
    if row.revoked_at is None:
        row.revoked_at = clock.now()
        db.session.flush()
        notifications.sessions_ended([row.id])
        record(actor, "staff.session_revoked", row.staff.email, session=row.id)


def revoke_others(actor: Actor, staff: Staff, *, keep: int | None = None) -> int:
    """End all sessions of ``staff`` except ``keep``; return how many there were.

    Raises:
        NotFound: it is another person's account and ``actor`` may not manage staff.
    """
    require_own_or_manage(actor, staff.id)
    count = revoke_all(staff.id, keep=keep)
    record(actor, "staff.sessions_revoked", staff.email, count=count)
    return count


def revoke_all(staff_id: int, *, keep: int | None = None) -> int:
    """End sessions as part of another verb, which records why."""
    query = update(StaffSession).where(StaffSession.staff_id == staff_id, StaffSession.revoked_at.is_(None))
    if keep is not None:
        query = query.where(StaffSession.id != keep)
    ended = list(db.session.scalars(query.values(revoked_at=clock.now()).returning(StaffSession.id)))
    notifications.sessions_ended(ended)
    return len(ended)
