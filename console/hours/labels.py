"""The opening hours as a customer reads them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from console.hours.queries import current_calendar

DAYS = {
    "sr_Latn": ("ponedeljak", "utorak", "sreda", "četvrtak", "petak", "subota", "nedelja"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
AND = {"sr_Latn": " i ", "en": " and "}
NEVER = {"sr_Latn": "po dogovoru", "en": "by arrangement"}
_CONTINUES = 3  # days in a row are named by the first and the last
_HOUR = 60


def week_in_words(intervals: Iterable[tuple[int, int, int]], language: str) -> str:
    """Write weekly hours, days that are alike together: ``ponedeljak–petak 09–17``.

    Args:
        intervals: weekday (Monday is 0), from, until, in minutes after midnight; several a day.
        language: ``sr_Latn`` or ``en``.
    """
    language = language if language in DAYS else "sr_Latn"
    hours: dict[int, list[tuple[int, int]]] = {}
    for weekday, opens, closes in intervals:
        hours.setdefault(weekday, []).append((opens, closes))
    spans = {day: AND[language].join(_span(*one) for one in sorted(hours[day])) for day in sorted(hours)}
    groups: list[list[int]] = []
    for day, span in spans.items():
        if groups and groups[-1][-1] == day - 1 and spans[day - 1] == span:
            groups[-1].append(day)
        else:
            groups.append([day])
    return ", ".join(f"{_days(group, DAYS[language])} {spans[group[0]]}" for group in groups) or NEVER[language]


def hours_in_words(language: str) -> str:
    """Write the opening hours of this installation."""
    calendar, _number = current_calendar()
    return week_in_words([(one.weekday, one.opens, one.closes) for one in calendar.weekly], language)


def _days(group: Sequence[int], names: Sequence[str]) -> str:
    if len(group) >= _CONTINUES:
        return f"{names[group[0]]}–{names[group[-1]]}"
    return ", ".join(names[day] for day in group)


def _span(opens: int, closes: int) -> str:
    return f"{_hour(opens)}–{_hour(closes)}"


def _hour(minutes: int) -> str:
    hour, minute = divmod(minutes, _HOUR)
    return f"{hour:02}:{minute:02}" if minute else f"{hour:02}"
