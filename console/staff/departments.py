"""Departments: where questions belong, and who works there."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select

from console.audit.service import record
from console.core import edit_conflicts
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Text
from console.core.text import one_line, words
from console.core.texts import lazy_gettext
from console.core.upsert import insert_or_find
from console.staff import notifications
from console.staff.models import Department, DepartmentMember, Staff
from console.staff.roles import Permission

MAX_NAME = 80
MAX_KEY = 40
_KEY = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True)
class DepartmentData:
    """A department as a form has it. ``key``: its name for programs; made from the English name when empty."""

    name_sr: str
    name_en: str
    key: str = ""
    verified_only: bool = False
    private: bool = False
    active: bool = True
    position: int = 0
    members: Collection[int] = ()


def add_department(actor: Actor, data: DepartmentData) -> Department:
    """Open a department.

    Raises:
        NotFound: ``actor`` may not manage the desk.
        Invalid: a name is missing or too long, the key is taken, a member is not there.
    """
    actor.require(Permission.MANAGE_DESK)
    names = _names(data)
    key = data.key.strip().lower() or "-".join(words(names["name_en"]))[:MAX_KEY].strip("-")
    if not _KEY.fullmatch(key) or len(key) > MAX_KEY:
        raise Invalid(fields={"key": [lazy_gettext("Lowercase letters, digits and dashes, starting with a letter.")]})
    department, fresh = insert_or_find(Department, {"key": key, **names, **_switches(data)}, Department.key)
    if not fresh:
        raise Invalid(fields={"key": [lazy_gettext("A department with this key already exists.")]})
    _set_members(department, data.members)
    notifications.department_changed(department.id)
    record(actor, "department.added", key, **names, **_switches(data), members=sorted(set(data.members)))
    return department


def change_department(actor: Actor, department_id: int, data: DepartmentData, *, seen: str | None = None) -> Department:
    """Change a department; its key stays, because programs and rules name it.

    Args:
        seen: the :func:`mark` of what was looked at.

    Raises:
        NotFound: no such department, or ``actor`` may not manage the desk.
        Invalid: a name is missing or too long, a member is not there.
        Conflict: it is the last one in use, or a colleague has changed it meanwhile.
    """
    actor.require(Permission.MANAGE_DESK)
    query = select(Department).where(Department.id == department_id).with_for_update()
    department = db.session.scalar(query.execution_options(populate_existing=True))
    if department is None:
        raise NotFound
    edit_conflicts.check(seen, _facts(department))
    if department.active and not data.active:
        _keep_one(department)
    new_values: dict[str, Any] = _names(data) | _switches(data)
    before = {name: getattr(department, name) for name, new in new_values.items() if getattr(department, name) != new}
    had = sorted(members_of(department.id))
    for name in before:
        setattr(department, name, new_values[name])
    _set_members(department, data.members)
    has = sorted(set(data.members))
    if has != had:
        before["members"], new_values["members"] = had, has
    if before:
        after = {name: new_values[name] for name in before}
        record(actor, "department.changed", department.key, before=before, after=after)
        notifications.department_changed(department.id)
    return department


def mark(department: Department) -> str:
    """Return the mark of a department as it is now."""
    return edit_conflicts.mark(_facts(department))


def _facts(department: Department) -> dict[str, Any]:
    names = ("name_sr", "name_en", "verified_only", "private", "active", "position")
    facts = {name: getattr(department, name) for name in names}
    return facts | {"members": sorted(members_of(department.id))}


def members_of(department_id: int) -> list[int]:
    """Return who works in a department."""
    query = select(DepartmentMember.staff_id).where(DepartmentMember.department_id == department_id)
    return list(db.session.scalars(query))


def member_counts() -> dict[int, int]:
    """Return how many active colleagues work in each department."""
    query = (
        select(DepartmentMember.department_id, func.count())
        .join(Staff, Staff.id == DepartmentMember.staff_id)
        .where(Staff.active.is_(True))
        .group_by(DepartmentMember.department_id)
    )
    return {department: members for department, members in db.session.execute(query)}  # noqa: C416  (typed so)


def active_staff() -> list[Staff]:
    """Return who can work in a department, by name."""
    return list(db.session.scalars(select(Staff).where(Staff.active.is_(True)).order_by(Staff.name_key, Staff.id)))


def _names(data: DepartmentData) -> dict[str, Any]:
    wrong: dict[str, list[Text]] = {}
    names = {name: one_line(getattr(data, name)) for name in ("name_sr", "name_en")}
    for field, name in names.items():
        if not 0 < len(name) <= MAX_NAME:
            wrong[field] = [lazy_gettext("Enter a name of at most 80 characters.")]
    if wrong:
        raise Invalid(fields=wrong)
    return names


def _switches(data: DepartmentData) -> dict[str, Any]:
    return {
        "verified_only": data.verified_only,
        "private": data.private,
        "active": data.active,
        "position": max(0, min(data.position, 9_999)),
    }


def _set_members(department: Department, members: Collection[int]) -> None:
    keys = set(members)
    known = set(db.session.scalars(select(Staff.id).where(Staff.id.in_(keys)))) if keys else set()
    if known != keys:
        raise Invalid(fields={"members": [lazy_gettext("One of the selected people is not on the staff.")]})
    db.session.execute(delete(DepartmentMember).where(DepartmentMember.department_id == department.id))
    db.session.add_all(DepartmentMember(department_id=department.id, staff_id=key) for key in sorted(keys))
    db.session.flush()


def _keep_one(department: Department) -> None:
    others = select(Department.id).where(Department.active.is_(True), Department.id != department.id).limit(1)
    if db.session.scalar(others) is None:
        raise Conflict(
            lazy_gettext("This is the last active department. Activate another one first."), code="last_department"
        )
