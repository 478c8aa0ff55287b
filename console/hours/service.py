"""Changing the hours. Every change raises their number, so that SLA targets are worked out again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import delete, select

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Text
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.hours import queries
from console.hours.calendar import DAY_MINUTES, Interval, Special, SpecialKind
from console.hours.models import HEAD, HoursInterval, HoursRevision, HoursSpecial

# Which roles may is said in console.staff.roles, which lies above.
EDIT = "hours.edit"

MAX_REASON = 200
MOST_A_DAY = 6
MOST_INTERVALS = MOST_A_DAY * 7
MOST_SPECIALS = 500
YEARS_AHEAD = timedelta(days=5 * 366)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class SpecialData:
    """A closure or an opening as a form has it."""

    day: date
    kind: SpecialKind
    reason: str
    opens: int | None = None
    closes: int | None = None


def set_week(actor: Actor, intervals: Sequence[Interval], *, seen: int | None = None) -> bool:
    """Replace the weekly hours and tell whether they were different.

    Args:
        intervals: in any order; an empty week never opens but by single openings.
        seen: the number of the hours that were looked at.

    Raises:
        NotFound: ``actor`` may not edit hours.
        Conflict: another person changed the hours after ``seen``.
        Invalid: an interval ends before it begins, or meets another. Its fields are ``opens-<place>``.
    """
    actor.require(EDIT)
    head = _lock(seen)
    check_week(intervals)
    before = [row.interval() for row in queries.week()]
    after = sorted(intervals)
    if before == after:
        return False
    db.session.execute(delete(HoursInterval))
    db.session.add_all(HoursInterval(weekday=i.weekday, opens=i.opens, closes=i.closes) for i in after)
    _changed(head)
    record(actor, "hours.week_changed", "week", before=_words(before), after=_words(after))
    return True


def add_special(actor: Actor, data: SpecialData) -> HoursSpecial:
    """Close a day or a part of it, or open where it would be closed.

    Raises:
        NotFound: ``actor`` may not edit hours.
        Invalid: the day is over or too far, times are missing or wrong, it meets another of that day.
    """
    actor.require(EDIT)
    head = _lock()
    special = Special(data.day, data.kind, data.opens, data.closes, one_line(data.reason))
    check_special(special, queries.specials(), clock.local_date(clock.now(), settings().zone))
    row = HoursSpecial(
        day=special.day,
        kind=special.kind,
        opens=special.opens,
        closes=special.closes,
        reason=special.reason,
        staff_id=actor.id if actor.kind == "staff" else None,
        staff_name=actor.name,
        created_at=clock.now(),
    )
    db.session.add(row)
    _changed(head)
    record(actor, "hours.special_added", special.day.isoformat(), **_facts(special))
    return row


def remove_special(actor: Actor, special_id: int) -> None:
    """Take a closure or an opening back.

    Raises:
        NotFound: there is none, or ``actor`` may not edit hours.
    """
    actor.require(EDIT)
    head = _lock()
    row = db.session.scalar(
        select(HoursSpecial).where(HoursSpecial.id == special_id).execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound
    special = row.special()
    db.session.delete(row)
    _changed(head)
    record(actor, "hours.special_removed", special.day.isoformat(), **_facts(special))


def check_week(intervals: Sequence[Interval]) -> None:
    """Refuse a week that makes no sense.

    Raises:
        Invalid: with a message for each interval, by its place.
    """
    if any(count > MOST_A_DAY for count in Counter(one.weekday for one in intervals).values()):
        raise Invalid(fields={"week": [lazy_gettext("Enter at most six intervals a day.")]})
    wrong: dict[str, list[Text]] = {}
    for place, one in enumerate(intervals):
        if not 0 <= one.weekday <= 6:
            wrong[f"weekday-{place}"] = [lazy_gettext("Choose a day of the week.")]
        elif not 0 <= one.opens < one.closes <= DAY_MINUTES:
            wrong[f"closes-{place}"] = [lazy_gettext("Closing time must be after opening time, 24:00 at the latest.")]
        elif any(_meet(one, other) for other in intervals[:place]):
            wrong[f"opens-{place}"] = [lazy_gettext("These hours overlap with others on the same day.")]
    if wrong:
        raise Invalid(fields=wrong)


def check_special(special: Special, others: Sequence[HoursSpecial], today: date) -> None:
    """Refuse a closure or opening that makes no sense.

    Raises:
        Invalid: with a message for each field.
    """
    wrong: dict[str, list[Text]] = {}
    if not today <= special.day <= today + YEARS_AHEAD:
        wrong["day"] = [lazy_gettext("Choose a day from today up to five years ahead.")]
    if not 0 < len(special.reason) <= MAX_REASON:
        wrong["reason"] = [lazy_gettext("Enter a reason of at most 200 characters.")]
    if len(others) >= MOST_SPECIALS:
        wrong["day"] = [lazy_gettext("There are too many entries. Remove some past ones.")]
    if special.opens is None and special.closes is None:
        if special.kind is SpecialKind.OPEN:
            wrong["opens"] = [lazy_gettext("Enter the opening and closing times.")]
    elif special.opens is None or special.closes is None:
        missing = "opens" if special.opens is None else "closes"
        wrong[missing] = [lazy_gettext("Enter both times, or neither for the whole day.")]
    elif not 0 <= special.opens < special.closes <= DAY_MINUTES:
        wrong["closes"] = [lazy_gettext("Closing time must be after opening time, 24:00 at the latest.")]
    if not wrong and any(other.day == special.day and _overlap(other.special(), special) for other in others):
        wrong["day"] = [lazy_gettext("There is already a closure or opening at that time. Remove it first.")]
    if wrong:
        raise Invalid(fields=wrong)


def _meet(one: Interval, other: Interval) -> bool:
    return one.weekday == other.weekday and one.opens < other.closes and other.opens < one.closes


def _overlap(one: Special, other: Special) -> bool:
    return one.hours[0] < other.hours[1] and other.hours[0] < one.hours[1]


def _lock(seen: int | None = None) -> HoursRevision:
    """Take the one row that every change takes first.

    Raises:
        Conflict: it is not the number that was ``seen``.
    """
    query = select(HoursRevision).where(HoursRevision.id == HEAD).with_for_update()
    head = db.session.scalars(query.execution_options(populate_existing=True)).one()
    if seen is not None and seen != head.number:
        raise Conflict(
            lazy_gettext(
                "The hours were changed by someone else in the meantime. Nothing was saved; check them again."
            ),
            code="hours_changed",
        )
    return head


def _changed(head: HoursRevision) -> None:
    head.number += 1
    head.changed_at = clock.now()
    db.session.flush()
    queries.invalidate(db.session())


def _words(intervals: Sequence[Interval]) -> list[str]:
    return [f"{_WEEKDAYS[one.weekday]} {clock_words(one.opens)}-{clock_words(one.closes)}" for one in intervals]


def _facts(special: Special) -> dict[str, Any]:
    times = "" if special.whole_day else f"{clock_words(special.hours[0])}-{clock_words(special.hours[1])}"
    return {"kind": special.kind.value, "times": times, "reason": special.reason}


def clock_words(minutes: int) -> str:
    """Write minutes after midnight as ``09:00``; the end of the day is ``24:00``."""
    return f"{minutes // 60:02}:{minutes % 60:02}"
