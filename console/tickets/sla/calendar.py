"""The opening hours that SLA targets are measured in."""

from __future__ import annotations

from console.hours.calendar import Calendar
from console.hours.queries import current_calendar


def calendar() -> Calendar:
    """Return the present opening hours."""
    return current_calendar()[0]


def revision() -> int:
    """Return the number of the present hours; it rises with every change."""
    return current_calendar()[1]
