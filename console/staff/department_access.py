"""The rule of private departments: their tickets and chats are visible to their members and to supervisors alone.

The one place that says so. Tickets and chats ask here, by a condition in their statements or for one colleague.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select, true

from console.core.actor import Actor
from console.core.db import db
from console.staff.models import Department, DepartmentMember, Staff
from console.staff.roles import PERMISSIONS, Permission

SEES_ALL = Permission.REVIEW


def sees_every_department(actor: Actor) -> bool:
    """Return whether ``actor`` sees private departments too: supervisors do, and so does an actor who is not staff."""
    return actor.kind != "staff" or actor.may(SEES_ALL)


def in_visible_department(actor: Actor, department_id: Any) -> ColumnElement[bool]:
    """Return the condition "the department of this column is visible to ``actor``"."""
    if sees_every_department(actor):
        return true()
    hidden: ColumnElement[bool] = department_id.not_in(_hidden_from(actor.id))
    return hidden


def sees_department(colleague: Staff, department: Department) -> bool:
    """Return whether a colleague sees what is in a department."""
    if not department.private or sees_every_department(colleague.actor()):
        return True
    return db.session.get(DepartmentMember, (department.id, colleague.id)) is not None


def sees_joined_department() -> ColumnElement[bool]:
    """Return the condition "this colleague sees this department", for a statement that joins the two."""
    member = select(DepartmentMember.staff_id).where(
        DepartmentMember.staff_id == Staff.id, DepartmentMember.department_id == Department.id
    )
    roles = [role for role, permissions in PERMISSIONS.items() if SEES_ALL in permissions]
    return or_(Department.private.is_(False), Staff.role.in_(roles), member.exists())


@lru_cache(maxsize=256)  # part of every statement about tickets
def _hidden_from(staff_id: int | None) -> Select[int]:
    """Select the private departments in which a colleague does not work."""
    mine = select(DepartmentMember.department_id).where(DepartmentMember.staff_id == staff_id)
    return select(Department.id).where(Department.private.is_(True), Department.id.not_in(mine))
