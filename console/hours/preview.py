"""The days of the next weeks as people look at them. Pure, like the calendar it asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from console.hours.calendar import Calendar, Day, Hours

WEEKS = 6
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Look:
    """One day of the outlook.

    Attributes:
        shift: by how much the clocks go forward that day (back: less than nothing), ``None`` on others.
        before: its hours by the calendar it is compared with, ``None`` where they are the same.
    """

    day: Day
    shift: timedelta | None = None
    before: tuple[Hours, ...] | None = None

    @property
    def date(self) -> date:
        return self.day.day


def monday_of(day: date) -> date:
    """Return the first day of a day's week."""
    return day - day.weekday() * _DAY


def weeks(calendar: Calendar, today: date, compared: Calendar | None = None, count: int = WEEKS) -> list[list[Look]]:
    """Return whole weeks from the present one on.

    Args:
        calendar: as it would be.
        today: a day of the first week.
        compared: as it is; days that differ say so.
        count: how many weeks.
    """
    looks = list(_looks(calendar, monday_of(today), 7 * count, compared))
    return [looks[first : first + 7] for first in range(0, len(looks), 7)]


def _looks(calendar: Calendar, first: date, count: int, compared: Calendar | None) -> Iterator[Look]:
    for number in range(count):
        day = calendar.day(first + number * _DAY)
        before = compared.day(day.day).hours if compared is not None else day.hours
        yield Look(day, clock_change(calendar, day.day), None if before == day.hours else before)


def clock_change(calendar: Calendar, day: date) -> timedelta | None:
    """Return by how much the clocks change on a day."""
    begins, ends = (_offset(calendar, one) for one in (day, day + _DAY))
    return None if begins == ends else ends - begins


def _offset(calendar: Calendar, day: date) -> timedelta:
    return datetime.combine(day, time(), calendar.zone).utcoffset() or timedelta()
