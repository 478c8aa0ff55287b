"""Setting the SLA policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update

from console.audit.service import record
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Invalid, NotFound, Text
from console.core.texts import lazy_gettext
from console.staff.models import Department
from console.staff.roles import Permission
from console.tickets.models import Priority
from console.tickets.sla.models import HEAD, SlaPolicy, SlaRevision
from console.tickets.sla.rules import Goals, TargetKind

MAX_MINUTES = 100 * 8 * 60  # a hundred days of eight hours
EVERYWHERE = "every-department"  # in the audit log

Table = Mapping[Priority, Goals | None]  # None: the goals of all departments


def set_goals(actor: Actor, department_id: int | None, table: Table) -> bool:
    """Set the goals of a department, or of every one that has no policy of its own.

    The worker then measures the targets of open tickets again.

    Args:
        actor: a supervisor.
        department_id: ``None`` for every department.
        table: the goals of each priority in working minutes; the others stay.

    Returns:
        Whether anything changed.

    Raises:
        NotFound: no such department, or the role does not manage the desk.
        Invalid: a goal out of range, a solution due before the first answer.
    """
    actor.require(Permission.MANAGE_DESK)
    department = None if department_id is None else db.session.get(Department, department_id)
    if department_id is not None and department is None:
        raise NotFound
    _check(table)
    # The revision's row is the lock of all policies.
    db.session.execute(select(SlaRevision.id).where(SlaRevision.id == HEAD).with_for_update())
    same = SlaPolicy.department_id.is_(None) if department_id is None else SlaPolicy.department_id == department_id
    stored = {rule.priority: rule for rule in db.session.scalars(select(SlaPolicy).where(same))}
    changes = {
        priority.name.lower(): change
        for priority, goals in table.items()
        if (change := _change(department_id, priority, stored.get(priority), goals)) is not None
    }
    if not changes:
        return False
    db.session.flush()
    db.session.execute(
        update(SlaRevision)
        .where(SlaRevision.id == HEAD)
        .values(revision=SlaRevision.revision + 1)
        .execution_options(synchronize_session=False)
    )
    record(actor, "sla.changed", department.key if department else EVERYWHERE, changes=changes)
    return True


def _change(
    department_id: int | None, priority: Priority, rule: SlaPolicy | None, goals: Goals | None
) -> dict[str, Any] | None:
    """Write one row; return its old and new goals, or ``None`` where they are the same."""
    if goals is None and department_id is None:
        goals = dict.fromkeys(TargetKind)
    before = None if rule is None else rule.goals()
    after = None if goals is None else {kind: goals.get(kind) for kind in TargetKind}
    if before == after:
        return None
    if after is None:
        db.session.delete(rule)
    elif rule is None:
        values: dict[str, Any] = {kind.value: goal for kind, goal in after.items()}
        db.session.add(SlaPolicy(department_id=department_id, priority=priority, **values))
    else:
        for kind, goal in after.items():
            setattr(rule, kind.value, goal)
    return {"from": _to_json(before), "to": _to_json(after)}


def _to_json(goals: Goals | None) -> dict[str, int | None] | None:
    return None if goals is None else {kind.value: goal for kind, goal in goals.items()}


def _check(table: Table) -> None:
    wrong: dict[str, list[Text]] = {}
    for priority, goals in table.items():
        for kind, goal in (goals or {}).items():
            if goal is not None and not 0 < goal <= MAX_MINUTES:
                wrong[field_name(priority, kind)] = [
                    lazy_gettext("Between one minute and %(hours)s hours.", hours=MAX_MINUTES // 60)
                ]
    if not wrong:
        wrong = {
            field_name(priority, TargetKind.SOLUTION): [
                lazy_gettext("The resolution target cannot be shorter than the first response target.")
            ]
            for priority, goals in table.items()
            if goals is not None and _too_soon(goals)
        }
    if wrong:
        raise Invalid(fields=wrong)


def _too_soon(goals: Goals) -> bool:
    first, solution = goals.get(TargetKind.FIRST_ANSWER), goals.get(TargetKind.SOLUTION)
    return first is not None and solution is not None and solution < first


def field_name(priority: Priority, kind: TargetKind) -> str:
    """Return the name of a goal in a form: ``urgent-first_answer``."""
    return f"{priority.name.lower()}-{kind.value}"
