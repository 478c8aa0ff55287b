"""Reading the hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, Select, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core.context import settings
from console.core.db import db
from console.core.transaction import after_commit, is_writing, pending
from console.hours.calendar import Calendar
from console.hours.holidays import PublicHolidays
from console.hours.models import HEAD, HoursInterval, HoursRevision, HoursSpecial

CHANGED = "hours"  # what a transaction that changes the hours has pending
ACTIONS = ("hours.week_changed", "hours.special_added", "hours.special_removed")


@dataclass(frozen=True)
class Current:
    """The hours as they are, and their number."""

    calendar: Calendar
    number: int
    changed_at: datetime


# The calendar of each database, until its revision row says another: working it out again costs more than that read.
_known: WeakKeyDictionary[Engine, Current] = WeakKeyDictionary()
_looked: WeakKeyDictionary[Engine, float] = WeakKeyDictionary()  # when that row was last read, by the machine's time
_REVISION = select(HoursRevision.number, HoursRevision.changed_at).where(HoursRevision.id == HEAD)
_HEAD = tuple(
    (f"hours_{column.key}", select(column).where(HoursRevision.id == HEAD))
    for column in (HoursRevision.number, HoursRevision.changed_at)
)
MOST_CLOSED = 60  # days in a row without hours: then days count as they come
MAX_AGE = 4.0  # seconds that the hours on a page are cached


def current_calendar() -> tuple[Calendar, int]:
    """Return the hours as they are and their revision's number; one small read a transaction."""
    now = current()
    return now.calendar, now.number


def current() -> Current:
    """Return the hours as they are."""
    session = db.session()
    seen: tuple[Any, Current] | None = session.info.get(CHANGED)
    if seen is not None and seen[0] is session.get_transaction():
        return seen[1]
    found = _load(session)
    session.info[CHANGED] = session.get_transaction(), found
    return found


def working_day_after(start: date, days: int) -> date:
    """Return the working day that comes ``days`` working days after ``start``: by our hours and public holidays."""
    calendar, day = current_calendar()[0], start
    for _count in range(days):
        for _closed in range(MOST_CLOSED):
            day += timedelta(days=1)
            if calendar.day(day).spans:
                break
    return day


def revision_selects() -> tuple[tuple[str, Select[Any]], ...]:
    """Return what to read so that :func:`known_by` need not: selects of one value each, by name."""
    return _HEAD


def known_by(number: int, changed_at: datetime) -> None:
    """Take the present revision from a statement that included :func:`revision_selects`, for this transaction."""
    session = db.session()
    session.info[CHANGED] = session.get_transaction(), _known_by(number, changed_at)


def cached_calendar() -> Calendar:
    """Return the hours from the cache: for what a page shows, not for counting working time.

    Changes of this process show at once, those of others within :data:`MAX_AGE` seconds.
    """
    engine = db.engine
    known, looked = _known.get(engine), _looked.get(engine)
    if known is not None and looked is not None and monotonic() - looked < MAX_AGE:
        return known.calendar
    return current().calendar


def revision() -> int:
    """Return the number of the present hours."""
    return current().number


def invalidate(session: Session) -> None:
    """Note that the open transaction has changed the hours: what it reads now no one else can see yet."""
    session.info.pop(CHANGED, None)
    pending(CHANGED).append(True)
    after_commit(partial(_look_again, db.engine))


def _look_again(engine: Engine) -> None:
    _looked.pop(engine, None)


def week() -> list[HoursInterval]:
    """Return the weekly hours in order."""
    return list(db.session.scalars(select(HoursInterval).order_by(HoursInterval.weekday, HoursInterval.opens)))


def specials(since: date | None = None) -> list[HoursSpecial]:
    """Return closures and openings in order, those before ``since`` left out."""
    query = select(HoursSpecial).order_by(HoursSpecial.day, HoursSpecial.opens, HoursSpecial.id)
    return list(db.session.scalars(query if since is None else query.where(HoursSpecial.day >= since)))


def recent_changes(count: int) -> Sequence[AuditEntry]:
    """Return what the audit log tells of the hours, the newest first."""
    query = select(AuditEntry).where(AuditEntry.action.in_(ACTIONS)).order_by(AuditEntry.id.desc()).limit(count)
    return db.session.scalars(query).all()


def _load(session: Session) -> Current:
    number, changed_at = session.execute(_REVISION).one()
    return _known_by(number, changed_at)


def _known_by(number: int, changed_at: datetime) -> Current:
    engine = db.engine
    known = _known.get(engine)
    changing = is_writing() and bool(pending(CHANGED))
    if not changing:
        _looked[engine] = monotonic()
    if known is not None and (known.number, known.changed_at) == (number, changed_at):
        return known
    calendar = Calendar(
        zone=settings().zone,
        weekly=tuple(row.interval() for row in week()),
        holidays=PublicHolidays(),
        specials=tuple(row.special() for row in specials()),
    )
    found = Current(calendar, number, changed_at)
    if not changing:  # a change that may yet roll back is not remembered
        _known[engine] = found
    return found
