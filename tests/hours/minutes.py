"""An opening calendar that knows nothing but single minutes, to hold the real one against.

It shares no code with ``console.hours.calendar``: it asks of every minute what the clock on the wall shows, and
looks that up. Clock changes, midnights and overlaps therefore need no thought here; they take as long as they take.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
Span = tuple[datetime, datetime]
# What an instant is: ("counted", …), ("paused", …) or ("closed", why, holiday, reason).
Say = tuple[str, str | None, object, str]
WORKING: Say = ("counted", None, None, "")
PAUSED: Say = ("paused", None, None, "")


@dataclass(frozen=True)
class ByTheMinute:
    """Opening hours as a question to one minute.

    Args:
        zone: whose wall clock counts.
        weekly: (weekday, opens, closes), minutes after midnight.
        holidays: by day.
        closures: (day, opens, closes, reason).
        openings: (day, opens, closes).
    """

    zone: ZoneInfo
    weekly: Sequence[tuple[int, int, int]]
    holidays: Mapping[date, object]
    closures: Sequence[tuple[date, int, int, str]]
    openings: Sequence[tuple[date, int, int]]

    def say(self, minute: datetime) -> Say:
        """Return what the minute is that begins then."""
        wall = minute.astimezone(self.zone)
        shows, day = wall.hour * 60 + wall.minute, wall.date()
        week = [(opens, closes) for weekday, opens, closes in self.weekly if weekday == day.weekday()]
        for closed_day, opens, closes, reason in self.closures:
            if closed_day == day and opens <= shows < closes:
                return "closed", "closure", None, reason
        holiday = self.holidays.get(day)
        if any(opens <= shows < closes for opened, opens, closes in self.openings if opened == day):
            return WORKING
        if holiday is not None:
            return "closed", "holiday", holiday, ""
        if any(opens <= shows < closes for opens, closes in week):
            return WORKING
        return "closed", "outside" if week else "day_off", None, ""


class Table:
    """Every minute of a stretch of time, asked once."""

    def __init__(self, hours: ByTheMinute, first: datetime, minutes: int) -> None:
        self.first = first
        self.minutes = [hours.say(first + count * MINUTE) for count in range(minutes)]
        self.end = first + minutes * MINUTE

    def at(self, instant: datetime) -> Say:
        """Return what an instant is."""
        return self.minutes[(instant - self.first) // MINUTE]

    def is_open(self, instant: datetime) -> bool:
        return self.at(instant) == WORKING

    def next_open(self, start: datetime) -> datetime | None:
        """Return the first open instant from ``start`` on, as far as the table goes."""
        return next((instant for instant in self._instants(start) if self.is_open(instant)), None)

    def next_close(self, start: datetime) -> datetime | None:
        """Return the first closed instant after an open one, as far as the table goes."""
        was_open = False
        for instant in self._instants(start):
            if was_open and not self.is_open(instant):
                return instant
            was_open = self.is_open(instant)
        return None

    def pieces(
        self, start: datetime, end: datetime, pauses: Sequence[Span] = ()
    ) -> list[tuple[datetime, datetime, Say]]:
        """Cut an interval where anything changes."""
        edges = {start, end, *(edge for pause in pauses for edge in pause)} | set(self._instants(start))
        inside = sorted(edge for edge in edges if start <= edge <= end)
        found: list[tuple[datetime, datetime, Say]] = []
        for begin, finish in pairwise(inside):
            paused = any(a <= begin < b for a, b in pauses)
            kind = PAUSED if paused else self.at(begin)
            if found and found[-1][2] == kind:
                found[-1] = (found[-1][0], finish, kind)
            else:
                found.append((begin, finish, kind))
        return found

    def spans(self, start: datetime, end: datetime) -> list[Span]:
        return [(a, b) for a, b, kind in self.pieces(start, end) if kind == WORKING]

    def between(self, start: datetime, end: datetime, pauses: Sequence[Span] = ()) -> timedelta:
        return sum((b - a for a, b, kind in self.pieces(start, end, pauses) if kind == WORKING), timedelta())

    def add(self, start: datetime, time: timedelta, pauses: Sequence[Span] = ()) -> datetime | None:
        """Return when ``time`` of work has passed, as far as the table goes."""
        if not time:
            return start
        left = time
        for begin, end, kind in self.pieces(start, self.end, pauses):
            if kind != WORKING:
                continue
            if end - begin >= left:
                return begin + left
            left -= end - begin
        return None

    def _instants(self, start: datetime) -> Iterator[datetime]:
        """Yield ``start`` and every full minute after it."""
        yield start
        instant = self.first + ((start - self.first) // MINUTE + 1) * MINUTE
        while instant < self.end:
            yield instant
            instant += MINUTE


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]
