"""The only source of time.

Rules take ``now`` as an argument; entry points and verbs ask here. A demo or a
test may start the clock elsewhere; it then runs on from there.

The telephones of our people do not move with a demo: what must agree with
them asks ``machine_now``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_offset = timedelta(0)
_machine_offset = timedelta(0)
_standing: datetime | None = None


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC) + _offset if _standing is None else _standing


def machine_now() -> datetime:
    """Return the machine's own time, aware, in UTC, whatever the console's clock says."""
    return datetime.now(UTC) + _machine_offset


def start_at(instant: datetime, *, machine: bool = False) -> None:
    """Let the clock run on from ``instant`` (aware). Never called in production.

    Args:
        machine: pretend that the machine's time moved as well, as a test of passing days wants it.
    """
    global _offset, _machine_offset
    _offset = instant.astimezone(UTC) - datetime.now(UTC)
    if machine:
        _machine_offset = _offset


def reset() -> None:
    """Go back to the machine's own time."""
    global _offset, _machine_offset, _standing
    _offset, _machine_offset, _standing = timedelta(0), timedelta(0), None


@contextmanager
def standing_at(instant: datetime) -> Iterator[None]:
    """Stop the clock at ``instant`` (aware), then go on as before: demo data that repeats exactly."""
    global _standing
    before, _standing = _standing, instant.astimezone(UTC)
    try:
        yield
    finally:
        _standing = before


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """Return the calendar day of ``instant`` in ``zone``: the day documents are dated with."""
    return instant.astimezone(zone).date()
