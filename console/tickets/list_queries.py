"""The ticket list's views: what each of them shows, and how many tickets there are in each."""

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
from console.core.errors import NotFound
from console.core.sorting import sort_key
from console.staff.models import Department, DepartmentMember, Staff
from console.staff.roles import PERMISSIONS, Permission, Role
from console.tickets.models import SavedView, Ticket, TicketRead, TicketStatus, TicketTag, TicketWatcher
from console.tickets.queries import visible

AT_RISK = timedelta(hours=1)  # before a promise is due
LATELY = timedelta(days=7)
COUNTED = 999  # of a view; more are "999+"
MOST_VIEWS = 50
MOST_FOLLOWED = 500
MOST_TAGS = 200
KEPT = 256  # colleagues whose statements are kept ready

UPDATED, DUE, PRIORITY, KEY = "updated_at", "due_at", "priority", "id"
EVERY_ORDER = (KEY, UPDATED, DUE, PRIORITY)


@dataclass(frozen=True)
class BuiltIn:
    """A view that is always there.

    Args:
        order: how it is read where nobody says otherwise; ``-`` in front is descending.
        orders: what it may be ordered by: what an index serves, or what is few rows.
    """

    condition: Callable[[Actor, datetime], ColumnElement[bool]]
    order: str = "-updated_at"
    orders: tuple[str, ...] = EVERY_ORDER


def at_risk(now: datetime) -> ColumnElement[bool]:
    """Return the condition "a promise is broken or soon will be"."""
    return and_(Ticket.is_open.is_(True), Ticket.due_at <= now + AT_RISK)


def watched(actor: Actor) -> ColumnElement[bool]:
    """Return the condition "one of the newest that ``actor`` watches, or a note not seen yet names them"."""
    watches = select(TicketWatcher.ticket_id).where(TicketWatcher.staff_id == actor.id)
    newest = watches.order_by(TicketWatcher.ticket_id.desc()).limit(MOST_FOLLOWED).subquery()
    named = _mentions(actor).limit(MOST_FOLLOWED).subquery()
    # One list of keys: two with OR between them are looked for in every ticket.
    return Ticket.id.in_(union_all(select(newest.c.ticket_id), select(named.c.ticket_id)))


def unread(actor: Actor) -> ColumnElement[bool]:
    """Return the condition "open, and ``actor`` has not read its last entry"."""
    mine = aliased(TicketRead)  # the list joins the table itself
    read = exists().where(mine.ticket_id == Ticket.id, mine.staff_id == actor.id, mine.seq >= Ticket.last_seq)
    return and_(Ticket.is_open.is_(True), ~read)


def mentioned(actor: Actor) -> ColumnElement[bool]:
    """Return the condition "a note names ``actor``, who has not read it"."""
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
    since = now - LATELY
    # What was solved since was also changed since: that is what the index knows.
    return and_(Ticket.status == TicketStatus.SOLVED, Ticket.updated_at >= since, Ticket.solved_at >= since)


def _all(_actor: Actor, _now: datetime) -> ColumnElement[bool]:
    return true()


ALL = "all"
BUILT_IN: dict[str, BuiltIn] = {
    "mine": BuiltIn(_mine, order=DUE),
    "unassigned": BuiltIn(_unassigned, order=DUE),
    "risk": BuiltIn(_at_risk, order=DUE),
    "waiting": BuiltIn(_waiting, order=UPDATED, orders=(KEY, UPDATED)),  # who waits for the longest comes first
    "open": BuiltIn(_open),
    "watched": BuiltIn(_watched, orders=(KEY, UPDATED)),
    "solved": BuiltIn(_solved, orders=(KEY, UPDATED)),
    ALL: BuiltIn(_all, orders=(KEY, UPDATED)),
}


def count_each(queries: Mapping[str, Select[int]]) -> dict[str, int]:
    """Count many views in one statement, none of them further than :data:`COUNTED` and one more.

    Args:
        queries: the keys of the tickets in each view, by the view's name.
    """
    if not queries:
        return {}
    counts = [
        select(literal(name).label("view"), func.count().label("tickets")).select_from(
            keys.order_by(None).limit(COUNTED + 1).subquery()
        )
        for name, keys in queries.items()
    ]
    return {row.view: row.tickets for row in db.session.execute(union_all(*counts))}


@lru_cache(maxsize=KEPT)  # made once a colleague: it stands on every page
def my_open_query(actor: Actor, most: int) -> Select[int]:
    """Select how many open tickets are those of ``actor``, no further than ``most``."""
    mine = aliased(Ticket)  # it may stand in a statement about a ticket
    keys = select(mine.id).where(mine.assignee_id == actor.id, mine.is_open.is_(True), visible(actor, mine))
    # In the order of the index, so that PostgreSQL reads that and not the table from its beginning.
    bounded = keys.order_by(mine.is_open.desc(), mine.updated_at.desc(), mine.id.desc()).limit(most)
    return select(func.count()).select_from(bounded.subquery())


def saved_views(actor: Actor) -> Sequence[SavedView]:
    """Return this person's own views and the shared ones, by name."""
    views = db.session.scalars(_saved_views(actor.id)).all()
    return sorted(views, key=lambda view: (view.shared, sort_key(view.name), view.id))


@lru_cache(maxsize=KEPT)
def _saved_views(staff_id: int | None) -> Select[SavedView]:
    return (
        select(SavedView)
        .where(or_(SavedView.staff_id == staff_id, SavedView.shared.is_(True)))
        .order_by(SavedView.shared, SavedView.name, SavedView.id)
        .limit(MOST_VIEWS)
    )


def find_view(actor: Actor, key: int) -> SavedView:
    """Return a view of this person's own, or a shared one.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    view = db.session.get(SavedView, key)
    if view is None or not (view.shared or view.staff_id == actor.id):
        raise NotFound
    return view


@dataclass(frozen=True)
class Names:
    """Departments and colleagues, to choose from and to call a row's by."""

    departments: dict[int, tuple[str, str]]  # in Serbian, in English; those in use first
    closed: frozenset[int]  # departments no longer in use
    staff: dict[int, str]
    gone: frozenset[int]  # who does not work on tickets (any more)


def names() -> Names:
    """Return departments and staff in one statement."""
    rows = db.session.execute(_names()).all()
    departments = {row.id: (row.name, row.other) for row in rows if row.kind == "department"}
    staff = {row.id: row.name for row in rows if row.kind == "staff"}
    return Names(
        departments,
        frozenset(row.id for row in rows if row.kind == "department" and not row.active),
        staff,
        frozenset(row.id for row in rows if row.kind == "staff" and not (row.active and works(row.other))),
    )


@cache
def _names() -> Select[Any]:
    parts = union_all(
        select(
            literal("department").label("kind"),
            literal("").label("key"),
            Department.id.label("id"),
            Department.name_sr.label("name"),
            Department.name_en.label("other"),
            Department.active.label("active"),
            Department.position.label("place"),
        ),
        select(
            literal("staff"), Staff.name_key, Staff.id, Staff.name, cast(Staff.role, String), Staff.active, literal(0)
        ),
    ).subquery()
    return select(parts).order_by(
        parts.c.kind, parts.c.active.desc(), parts.c.place, parts.c.key, parts.c.name, parts.c.id
    )


def works(role: str) -> bool:
    """Tell whether ``role`` works on tickets."""
    return Permission.WORK_TICKETS in PERMISSIONS[Role(role)]


def known_tags() -> list[str]:
    """Return the tags in use, to offer while one types."""
    return list(db.session.scalars(select(TicketTag.tag).distinct().order_by(TicketTag.tag).limit(MOST_TAGS)))
