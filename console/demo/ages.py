"""How old things of the demo are: in working time, from its own now."""

from __future__ import annotations

from datetime import datetime, timedelta

from console.core import clock
from console.core.context import settings
from console.hours.calendar import Calendar


def desk_now() -> datetime:
    """Return what the desk's ages are counted from: the last full hour."""
    return clock.now().astimezone(settings().zone).replace(minute=0, second=0, microsecond=0)


class WorkingTime:
    """Counts working time back from an instant.

    Args:
        until: the instant.
        calendar: when the house is open.
    """

    def __init__(self, until: datetime, calendar: Calendar) -> None:
        self.calendar = calendar
        # Twenty weeks of it, the latest first: the oldest case is far younger.
        self._open = calendar.spans(until - timedelta(weeks=20), until)[::-1]
        self._until = until

    def ago(self, hours: float) -> datetime:
        """Return the instant ``hours`` of work before."""
        left = timedelta(hours=hours)
        for begin, end in self._open:
            if end - begin >= left:
                return end - left
            left -= end - begin
        return self._until - timedelta(hours=hours)  # a house that hardly opens: plain time
