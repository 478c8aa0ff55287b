"""The only source of time.

Rules take ``now`` as an argument; entry points and verbs ask here. A demo or a
test may start the clock elsewhere; it then runs on from there.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_offset = timedelta(0)


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC) + _offset


def start_at(instant: datetime) -> None:
    """Let the clock run on from ``instant`` (aware). Never called in production."""
    global _offset
    _offset = instant.astimezone(UTC) - datetime.now(UTC)


def reset() -> None:
    """Go back to the machine's own time."""
    global _offset
    _offset = timedelta(0)


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """Return the calendar day of ``instant`` in ``zone``: the day documents are dated with."""
    return instant.astimezone(zone).date()
