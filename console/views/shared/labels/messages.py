"""Labels of messages: the day above them, the size of a file."""

from __future__ import annotations

from datetime import date, timedelta

from console.core.texts import gettext
from console.web.filters import day_in_words, language


def day_heading(day: date, today: date) -> str:
    """Write a day as a heading: today, yesterday, or in full."""
    if day == today:
        return gettext("Today")
    if day == today - timedelta(days=1):
        return gettext("Yesterday")
    return day_in_words(day)


def file_size(size: int) -> str:
    """Write the size of a file: ``184 kB``."""
    if size < 1_000:
        return f"{size} B"
    if size < 1_000_000:
        return f"{round(size / 1_000)} kB"
    whole, tenth = divmod(round(size / 100_000), 10)
    comma = "," if language() == "sr_Latn" else "."
    return f"{whole}{comma}{tenth} MB"
