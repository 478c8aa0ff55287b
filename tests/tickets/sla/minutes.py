"""A calendar that knows nothing but minutes: weekdays from nine to five, in UTC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from console.tickets.sla.rules import Interval

MINUTE = timedelta(minutes=1)
FAR = 60 * 24 * 60


def works(minute: datetime) -> bool:
    """Return whether the minute that begins then is working time."""
    return minute.weekday() < 5 and 9 <= minute.hour < 17


def works_always(_minute: datetime) -> bool:
    return True


@dataclass(frozen=True)
class ByTheMinute:
    """Counts every minute, one after the other."""

    works: Callable[[datetime], bool] = works

    def add(self, start: datetime, time: timedelta, pauses: Sequence[Interval] = ()) -> datetime | None:
        left, minute = time // MINUTE, start
        for _ in range(FAR):
            if left <= 0:
                return minute
            left -= self._counts(minute, pauses)
            minute += MINUTE
        return None

    def between(self, start: datetime, end: datetime, pauses: Sequence[Interval] = ()) -> timedelta:
        minutes = max(0, (end - start) // MINUTE)
        return sum(self._counts(start + n * MINUTE, pauses) for n in range(minutes)) * MINUTE

    def _counts(self, minute: datetime, pauses: Sequence[Interval]) -> bool:
        return self.works(minute) and not any(begin <= minute < end for begin, end in pauses)
