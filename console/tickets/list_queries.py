"""The ticket list's views: the condition of each, and how many tickets are in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, exists, func, literal, or_, select, true, union_all
from sqlalchemy.orm import aliased

from console.core.actor import Actor
from console.core.db import db
from console.core.sorting import sort_key
from console.staff.models import Department, DepartmentMember, Staff
from console.staff.roles import PERMISSIONS, Permission, Role
from console.tickets.models import SavedView, Ticket, TicketRead, TicketStatus, TicketTag, TicketWatcher
from console.tickets.queries import visible

AT_RISK = timedelta(hours=1)  # before an SLA target is due
RECENTLY = timedelta(days=7)
MAX_COUNT = 999  # of a view's tickets; more are "999+"
MOST_VIEWS = 50
MAX_WATCHED = 500
MAX_TAGS = 200
CACHED = 256  # statements in memory: one for each colleague

UPDATED, DUE, PRIORITY, KEY = "updated_at", "due_at", "priority", "id"
ALL_ORDERS = (KEY, UPDATED, DUE, PRIORITY)


@dataclass(frozen=True)
class BuiltIn:
    """A view that is always there.

    Args:
        order: the default; ``-`` in front is descending.
        orders: what it may be sorted by: what has an index, or has few rows.
    """

    condition: Callable[[Actor, datetime], ColumnElement[bool]]
    order: str = "-updated_at"
    orders: tuple[str, ...] = ALL_ORDERS


def at_risk(now: datetime) -> ColumnElement[bool]:
    """Return the condition "an SLA target is overdue or soon will be"."""
    return and_(Ticket.is_open.is_(True), Ticket.due_at <= now + AT_RISK)


def watched(actor: Actor) -> ColumnElement[bool]:
    """Return the condition "one of the newest that ``actor`` watches, or an unread note mentions them"."""
    watches = select(TicketWatcher.ticket_id).where(TicketWatcher.staff_id == actor.id)
    newest = watches.order_by(TicketWatcher.ticket_id.desc()).limit(MAX_WATCHED).subquery()
    named = _mentions(actor).limit(MAX_WATCHED).subquery()
    # One list of keys: with two and OR between them every ticket is read.
    return Ticket.id.in_(union_all(select(newest.c.ticket_id), select(named.c.ticket_id)))


def unread(actor: Actor) -> ColumnElement[bool]:
    """Return the condition "open, and ``actor`` has not read its last entry"."""
    mine = aliased(TicketRead)  # the list joins the table itself
    read = exists().where(mine.ticket_id == Ticket.id, mine.staff_id == actor.id, mine.seq >= Ticket.last_seq)
    return and_(Ticket.is_open.is_(True), ~read)


def mentioned(actor: Actor) -> ColumnElement[bool]:
    """Return the condition "an unread note mentions ``actor``"."""
    return Ticket.id.in_(_mentions(actor))


def _mentions(actor: Actor) -> Select[int]:
    mine = aliased(TicketRead)
    return select(mine.ticket_id).where(mine.staff_id == actor.id, mine.mention_seq > mine.seq)


def tagged(tag: str) -> ColumnElement[bool]:
    """Return the condition "it has this tag"."""
    return Ticket.id.in_(select(TicketTag.ticket_id).where(TicketTag.tag == tag))


def of_my_departments(actor: Actor) -> ColumnElement[bool]:
    """Return the condition "of a department that ``actor`` works in"."""
    return Ticket.department_id.in_(select(DepartmentMember.department_id).where(DepartmentMember.staff_id == actor.id))


def _mine(actor: Actor, _now: datetime) -> ColumnElement[bool]:
    return and_(Ticket.assignee_id == actor.id, Ticket.is_open.is_(True))


def _unassigned(_actor: Actor, _now: datetime) -> ColumnElement[bool]:
    return and_(Ticket.assignee_id.is_(None), Ticket.is_open.is_(True))


def _at_risk(_actor: Actor, now: datetime) -> ColumnElement[bool]:
    return at_risk(now)


def _waiting(_actor: Actor, _now: datetime) -> ColumnElement[bool]:
    return Ticket.status == TicketStatus.WAITING


def _open(_actor: Actor, _now: datetime) -> ColumnElement[bool]:
    return Ticket.is_open.is_(True)


def _watched(actor: Actor, _now: datetime) -> ColumnElement[bool]:
    return watched(actor)


def _solved(_actor: Actor, now: datetime) -> ColumnElement[bool]:
    since = now - RECENTLY
    # The index is on updated_at: what was solved since then was also updated since then.
    return and_(Ticket.status == TicketStatus.SOLVED, Ticket.updated_at >= since, Ticket.solved_at >= since)


def _all(_actor: Actor, _now: datetime) -> ColumnElement[bool]:
    return true()


ALL = "all"
BUILT_IN: dict[str, BuiltIn] = {
    "mine": BuiltIn(_mine, order=DUE),
    "unassigned": BuiltIn(_unassigned, order=DUE),
    "risk": BuiltIn(_at_risk, order=DUE),
    "waiting": BuiltIn(_waiting, order=UPDATED, orders=(KEY, UPDATED)),  # the longest waiting first
    "open": BuiltIn(_open),
    "watched": BuiltIn(_watched, orders=(KEY, UPDATED)),
    "solved": BuiltIn(_solved, orders=(KEY, UPDATED)),
    ALL: BuiltIn(_all, orders=(KEY, UPDATED)),
}


def count_each(queries: Mapping[str, Select[int]]) -> dict[str, int]:
    """Count the tickets of many views in one statement, up to one more than :data:`MAX_COUNT` each.

    Args:
        queries: selects of ticket keys, by the name of the view.
    """
    if not queries:
        return {}
    counts = [
        count_query(keys).with_only_columns(literal(name).label("view"), func.count().label("tickets"))
        for name, keys in queries.items()
    ]
    return {row.view: row.tickets for row in db.session.execute(union_all(*counts))}


def count_query(keys: Select[int]) -> Select[int]:
    """Select the number of ``keys``, up to one more than :data:`MAX_COUNT`."""
    return select(func.count()).select_from(keys.order_by(None).limit(MAX_COUNT + 1).subquery())


@lru_cache(maxsize=CACHED)  # it is on every page
def my_open_query(actor: Actor, limit: int) -> Select[int]:
    """Select the number of the open tickets of ``actor``, up to ``limit``."""
    mine = aliased(Ticket)  # for use inside a statement about a ticket
    keys = select(mine.id).where(mine.assignee_id == actor.id, mine.is_open.is_(True), visible(actor, mine))
    # In the order of the index, so that PostgreSQL reads the index and not the table.
    bounded = keys.order_by(mine.is_open.desc(), mine.updated_at.desc(), mine.id.desc()).limit(limit)
    return select(func.count()).select_from(bounded.subquery())


def saved_views(actor: Actor) -> Sequence[SavedView]:
    """Return this person's own views and the shared ones, by name."""
    views = db.session.scalars(_saved_views(actor.id)).all()
    return sorted(views, key=lambda view: (view.shared, sort_key(view.name), view.id))


@lru_cache(maxsize=CACHED)
def _saved_views(staff_id: int | None) -> Select[SavedView]:
    return (
        select(SavedView)
        .where(or_(SavedView.staff_id == staff_id, SavedView.shared.is_(True)))
        .order_by(SavedView.shared, SavedView.name, SavedView.id)
        .limit(MOST_VIEWS)
    )


@dataclass(frozen=True)
class Names:
    """Departments and colleagues, for filters and for the rows of a list."""

    departments: dict[int, tuple[str, str]]  # in Serbian, in English; active ones first
    inactive_departments: frozenset[int]
    staff: dict[int, str]
    former_staff: frozenset[int]  # no longer active, or in a role that does not work on tickets


def load_names() -> Names:
    """Return the names of all departments and staff, in one statement: with two a search would take nine."""
    rows = db.session.execute(_names()).all()
    departments = [row for row in rows if row.kind == "department"]
    staff = [row for row in rows if row.kind == "staff"]
    return Names(
        {row.id: (row.name, row.name_en) for row in departments},
        frozenset(row.id for row in departments if not row.active),
        {row.id: row.name for row in staff},
        frozenset(row.id for row in staff if not (row.active and works_on_tickets(Role(row.role)))),
    )


@cache
def _names() -> Select[*tuple[Any, ...]]:
    departments = select(
        literal("department").label("kind"),
        Department.id.label("id"),
        Department.active.label("active"),
        Department.name_sr.label("name"),
        Department.name_en.label("name_en"),
        literal("").label("role"),
        Department.position.label("position"),
        literal("").label("sort_key"),
    )
    staff = select(
        literal("staff"),
        Staff.id,
        Staff.active,
        Staff.name,
        literal(""),
        cast(Staff.role, String),
        literal(0),
        Staff.name_key,
    )
    rows = union_all(departments, staff).subquery("names")
    return select(rows).order_by(
        rows.c.kind, rows.c.active.desc(), rows.c.position, rows.c.sort_key, rows.c.name, rows.c.id
    )


def works_on_tickets(role: Role) -> bool:
    """Return whether ``role`` works on tickets."""
    return Permission.WORK_TICKETS in PERMISSIONS[role]


def known_tags() -> list[str]:
    """Return the tags in use, to suggest."""
    return list(db.session.scalars(select(TicketTag.tag).distinct().order_by(TicketTag.tag).limit(MAX_TAGS)))
