"""Calendar months before and after an instant, where an office is: how long something is stored is said in these."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


def add_months(instant: datetime, months: int, zone: ZoneInfo) -> datetime:
    """Return the same day and hour so many months later, or earlier; of a month without that day, its last."""
    local = instant.astimezone(zone)
    count = local.year * 12 + local.month - 1 + months
    first = local.replace(year=count // 12, month=count % 12 + 1, day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return first.replace(day=min(local.day, (following - timedelta(days=1)).day))
