"""Labels of SLA targets: kinds, states, durations, and the account of the working time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from flask import Flask
from flask_babel import format_date

from console.core import clock
from console.core.context import settings
from console.core.texts import gettext, lazy_pgettext, ngettext
from console.hours.calendar import PieceKind, Why
from console.hours.spans import merged, without
from console.tickets.sla import calendar as sla_calendar
from console.tickets.sla.labels import KIND, PAUSED
from console.tickets.sla.queries import Part, TargetView
from console.tickets.sla.rules import Interval, TargetState
from console.views.shared.labels.states import Label
from console.views.shared.labels.tickets import due_label
from console.web.filters import hour, language

STATE: dict[TargetState, Label] = {
    TargetState.NONE: Label(lazy_pgettext("SLA target", "no target"), "minus", "void"),
    TargetState.RUNNING: Label(lazy_pgettext("SLA target", "running"), "clock"),
    TargetState.PAUSED: Label(lazy_pgettext("SLA target", "paused"), "pause"),
    TargetState.MET: Label(lazy_pgettext("SLA target", "met"), "ok", "ok"),
    TargetState.OVERDUE: Label(lazy_pgettext("SLA target", "missed"), "alert", "danger"),
}
AT_RISK = Label(lazy_pgettext("SLA target", "at risk"), "half", "warn")
MOST_LINES = 14  # of one counting; of a longer one the middle is summed up
_END_LINES = 5  # lines before and after that
_LONG, _END = timedelta(days=45), timedelta(days=14)  # of a target that runs longer, only both ends are shown
_NEAR = timedelta(days=5)  # within it a day of the week says which
_MINUTE = timedelta(minutes=1)
_DURATION = re.compile(r"(?:(\d{1,5}(?:[.,]\d{1,2})?)\s*h)?\s*(?:(\d{1,6})\s*(?:m|min)?)?", re.IGNORECASE)
_CLOCK = re.compile(r"(\d{1,5}):([0-5]\d)")


def init_app(app: Flask) -> None:
    """Give templates these words."""
    app.jinja_env.filters.update(
        duration_label=duration_label,
        target_label=label,
        target_lines=lines,
        target_kind=KIND.__getitem__,
        day_and_hour=day_and_hour,
        due_label=due_label,
    )


# --- Durations --------------------------------------------------------------------------------------------------------


def duration_label(value: int | timedelta | None) -> str:
    """Write working time: ``1 h 28 min``; a dash where there is no target."""
    if value is None:
        return "—"
    minutes = value // _MINUTE if isinstance(value, timedelta) else value
    hours, rest = divmod(minutes, 60)
    parts = ([f"{hours} h"] if hours else []) + ([f"{rest} min"] if rest or not hours else [])
    return " ".join(parts)


def read_minutes(text: str) -> int | None:
    """Read working time as people write it: ``90``, ``90 min``, ``1:30``, ``1 h 30``, ``1,5 h``; nothing is ``None``.

    Raises:
        ValueError: it is none of these.
    """
    text = text.strip()
    if not text:
        return None
    if found := _CLOCK.fullmatch(text):
        return int(found[1]) * 60 + int(found[2])
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        raise ValueError(text)
    hours = float((found[1] or "0").replace(",", "."))
    return round(hours * 60) + int(found[2] or 0)


# --- States -----------------------------------------------------------------------------------------------------------


def label(view: TargetView) -> Label:
    """Return the state of an SLA target."""
    return AT_RISK if view.state is TargetState.RUNNING and view.at_risk else STATE[view.state]


# --- Account of working time --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One line of the counting. ``counts``: it is working time."""

    text: str
    value: str
    counts: bool


@dataclass(frozen=True)
class _Stretch:
    """Parts that follow each other and are alike."""

    first: Part
    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start


def lines(view: TargetView) -> list[Line]:
    """Explain the working time of an SLA target: hours that count, skipped days and why, pauses."""
    ends = _ends(view)
    if ends is not None:
        first, last = (list(_stretches(view.parts(*end))) for end in ends)
        if min(len(first), len(last)) > _END_LINES + 1:
            middle = _between(view, first[_END_LINES - 1].end, last[-_END_LINES].start)
            return [*map(_line, first[:_END_LINES]), middle, *map(_line, last[-_END_LINES:])]
    stretches = list(_stretches(view.parts()))
    if len(stretches) <= MOST_LINES:
        return [_line(one) for one in stretches]
    middle = _between(view, stretches[_END_LINES].start, stretches[-_END_LINES].start)
    return [*map(_line, stretches[:_END_LINES]), middle, *map(_line, stretches[-_END_LINES:])]


def _ends(view: TargetView) -> tuple[Interval, Interval] | None:
    """Return the first and the last days of a long target, those in which it ran."""
    ran = list(without([(view.started_at, view.until)], merged(pause for pause, _status in view.pauses)))
    if sum((end - start for start, end in ran), timedelta()) <= _LONG:
        return None
    return (view.started_at, _after(ran, _END)), (_before(ran, _END), view.until)


def _after(ran: Sequence[Interval], days: timedelta) -> datetime:
    for start, end in ran:
        if end - start >= days:
            return start + days
        days -= end - start
    return ran[-1][1]


def _before(ran: Sequence[Interval], days: timedelta) -> datetime:
    for start, end in reversed(ran):
        if end - start >= days:
            return end - days
        days -= end - start
    return ran[0][0]


def _between(view: TargetView, start: datetime, end: datetime) -> Line:
    """Sum up the time between two instants without looking at every night of years."""
    pauses = [pause for pause, _status in view.pauses]
    calendar = sla_calendar.calendar()
    days = calendar.days_worked(start, end, pauses)
    words = ngettext("… %(num)d more day …", "… %(num)d more days …", days)
    return Line(words, duration_label(calendar.between(start, end, pauses)), counts=True)


def _stretches(parts: Sequence[Part]) -> Iterator[_Stretch]:
    """Put alike neighbours together; the night between two working days is one, a weekend is one."""
    first: Part | None = None
    for one, following in pairwise([*parts, None]):
        if one is None:
            continue
        first = first or one
        if following is None or not _alike(one, following):
            yield _Stretch(first, first.piece.start, one.piece.end)
            first = None


def _alike(one: Part, other: Part) -> bool:
    a, b = one.piece, other.piece
    same = (a.kind, a.why, a.holiday, a.reason, one.paused) == (b.kind, b.why, b.holiday, b.reason, other.paused)
    return same and a.end == b.start and a.kind is not PieceKind.WORKING


def _line(stretch: _Stretch) -> Line:
    when = _when(stretch.start, stretch.end)
    piece = stretch.first.piece
    if piece.kind is PieceKind.WORKING:
        return Line(when, duration_label(stretch.length), counts=True)
    if piece.kind is PieceKind.PAUSED:
        reason = stretch.first.paused
        return Line(f"{when}, {PAUSED[reason]}" if reason in PAUSED else when, gettext("pause"), counts=False)
    why = ""
    if piece.why is Why.HOLIDAY and piece.holiday is not None:
        why = piece.holiday.name(language())
    elif piece.why is Why.CLOSURE:
        why = piece.reason or gettext("closed")
    return Line(f"{when}, {why}" if why else when, gettext("not counted"), counts=False)


def _local(instant: datetime) -> datetime:
    return instant.astimezone(settings().zone)


def _day(value: date) -> str:
    """Write a day by its name, with its date where the name does not say which."""
    near = abs(value - clock.local_date(clock.now(), settings().zone)) <= _NEAR
    return _named(value, "EEE" if near else "EEE d.M." if language() == "sr_Latn" else "EEE d MMM", language())


@lru_cache(maxsize=2_000)  # a page says the same few days again and again
def _named(value: date, pattern: str, _language: str) -> str:
    return str(format_date(value, pattern))


def _when(start: datetime, end: datetime) -> str:
    """Write a time within a day, or from day to day, as one says it."""
    first, last = _local(start), _local(end)
    from_midnight, to_midnight = _is_midnight(first), _is_midnight(last) and end > start
    last_day = last.date() - timedelta(days=1) if to_midnight else last.date()
    if first.date() == last_day:
        return _within(first, last, from_midnight=from_midnight, to_midnight=to_midnight)
    if from_midnight and to_midnight:
        return f"{_day(first.date())} – {_day(last_day)}"
    return f"{_day(first.date())} {hour(start)} – {_day(last.date())} {hour(end)}"


def _within(first: datetime, last: datetime, *, from_midnight: bool, to_midnight: bool) -> str:
    name = _day(first.date())
    if from_midnight and to_midnight:
        return name
    if to_midnight:
        return gettext("%(day)s after %(hour)s", day=name, hour=f"{first:%H:%M}")
    if from_midnight:
        return gettext("%(day)s until %(hour)s", day=name, hour=f"{last:%H:%M}")
    return f"{name} {first:%H:%M}–{last:%H:%M}"


def _is_midnight(local: datetime) -> bool:
    return (local.hour, local.minute, local.second) == (0, 0, 0)


def day_and_hour(instant: datetime) -> str:
    """Write an instant as one would say it: ``Mon 10:30``, ``Mon 30.11. 10:30``."""
    return f"{_day(_local(instant).date())} {hour(instant)}"
