"""Whose account it is: all may tend their own, ``staff.manage`` opens every one."""

from __future__ import annotations

from console.core.actor import Actor
from console.core.errors import NotFound
from console.staff.roles import Permission


def is_own(actor: Actor, staff_id: int) -> bool:
    """Return whether ``actor`` is this staff member."""
    return actor.kind == "staff" and actor.id == staff_id


def require_own(actor: Actor, staff_id: int) -> None:
    """Raise :class:`NotFound` unless it is the actor's own account."""
    if not is_own(actor, staff_id):
        raise NotFound(code="not_allowed")


def require_own_or_manage(actor: Actor, staff_id: int) -> None:
    """Raise :class:`NotFound` unless it is the actor's own account, or they manage staff."""
    if not is_own(actor, staff_id):
        actor.require(Permission.MANAGE_STAFF)
