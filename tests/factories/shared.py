"""What factories of every domain share: numbers, a transaction, the day."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from console.core import clock
from console.core.context import settings
from console.core.transaction import is_writing, transaction

_numbers = count(1)


def next_number() -> int:
    """Return a number that no other row of this run was named by."""
    return next(_numbers)


def writing() -> Any:
    """Open a transaction, unless the caller holds one."""
    return nullcontext() if is_writing() else transaction()


def at(instant: datetime) -> AbstractContextManager[None]:
    """Do something at another time, then go on from where the clock was."""
    return clock.standing_at(instant)


def today() -> date:
    """Return the local day documents would be dated with now."""
    return clock.local_date(clock.now(), settings().zone)


def days_ago(days: int) -> datetime:
    """Return this time of the day so many days ago, as clocks here show it: an hour of summer time moves no day."""
    return clock.now().astimezone(settings().zone) - timedelta(days=days)
