"""The opening hours that promises are counted by."""

from __future__ import annotations

from console.hours.calendar import Calendar
from console.hours.queries import current_calendar


def calendar() -> Calendar:
    """Return the hours as they are now."""
    return current_calendar()[0]


def revision() -> int:
    """Return the number of the present hours; it rises with every change."""
    return current_calendar()[1]
