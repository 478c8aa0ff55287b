"""The hours in words: open or closed and until when, a day's hours, and what is missing.

Templates find :func:`hours_status`, :func:`hours_warning` and :func:`hours_signs`; the dashboard and the top bar
draw them with ``admin/shared/hours.html``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from flask import Flask
from flask_babel import format_date

from console.audit.models import AuditEntry
from console.core import clock
from console.core.context import settings
from console.core.texts import gettext, pgettext
from console.hours import queries
from console.hours.calendar import Calendar, Hours, Piece, Special, SpecialKind, Why
from console.hours.holidays import is_covered
from console.hours.preview import Look
from console.staff.roles import Permission
from console.views.shared.labels.sla import day_and_hour, duration_label
from console.views.shared.labels.states import Label
from console.web.answers import local_time
from console.web.filters import hour, language
from console.web.identity import current_actor

SIGNS = 3  # what the top bar says now and after the next changes, so that it stays true on a page left open
_LONG = timedelta(hours=24)  # of a longer opening the end is named, not the hours left
_MINUTE = timedelta(minutes=1)
_DASH = "–"


def init_app(app: Flask) -> None:
    """Give templates these words."""
    app.jinja_env.globals.update(
        hours_status=hours_status, hours_warning=hours_warning, hours_signs=hours_signs, weekday_name=weekday_name
    )
    app.jinja_env.filters.update(
        hours_label=hours_label,
        long_date=long_date,
        month_day=month_day,
        shift_label=shift_label,
        special_label=special_label,
        look_state=look_state,
    )


# --- Now --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HoursStatus:
    """Whether it is open, until when, and why not.

    Attributes:
        until: the next change; ``None`` where there is none.
        reason: a holiday's name or a closure's reason, where it is closed by one.
    """

    is_open: bool
    at: datetime
    until: datetime | None
    why: Why | None = None
    reason: str = ""

    @property
    def label(self) -> Label:
        """Return it as a badge."""
        return (
            Label(pgettext("hours", "Open"), "ok", "ok")
            if self.is_open
            else Label(pgettext("hours", "Closed"), "moon", "void")
        )

    @property
    def sentence(self) -> str:
        """Return it as one sentence, the reason first."""
        if self.is_open:
            return gettext("Around the clock.") if self.until is None else self._open_until(self.until)
        reason = self.reason or (gettext("Closed on this day of the week.") if self.why is Why.DAY_OFF else "")
        if reason and not reason.endswith("."):
            reason += "."
        if self.until is None:
            opens = gettext("No opening hours are set.")
        else:
            opens = gettext("Opens %(when)s.", when=near_label(self.until, self.at))
        return f"{reason} {opens}".strip()

    def _open_until(self, until: datetime) -> str:
        return gettext(
            "Until %(when)s, %(left)s left.", when=near_label(until, self.at), left=left_label(until - self.at)
        )


def hours_status(at: datetime | None = None) -> HoursStatus:
    """Return whether it is open, until when, or when next, and why; one query, of the hours' revision."""
    return status_at(queries.cached_calendar(), at or clock.now())


def status_at(calendar: Calendar, at: datetime) -> HoursStatus:
    """Return the status by ``calendar``."""
    if calendar.is_open(at):
        return HoursStatus(is_open=True, at=at, until=calendar.next_close(at))
    (piece, *_rest) = calendar.explain(at, at + _MINUTE)
    return HoursStatus(False, at, calendar.next_open(at), piece.why, reason_label(piece))


def reason_label(piece: Piece) -> str:
    """Return the name of what keeps it closed, nothing for an ordinary night."""
    if piece.why is Why.HOLIDAY and piece.holiday is not None:
        return piece.holiday.name(language())
    return piece.reason


def hours_warning() -> int | None:
    """Return the coming year if it has no list of holidays and the reader is one who can do something about it."""
    if not current_actor().may(Permission.EDIT_HOURS):
        return None
    return uncovered(clock.local_date(clock.now(), settings().zone))


def uncovered(today: date) -> int | None:
    """Return the first of this year and the next that has no list of holidays."""
    return next((year for year in (today.year, today.year + 1) if not is_covered(year)), None)


# --- The sign in the top bar ------------------------------------------------------------------------------------------


def hours_signs() -> Sequence[Mapping[str, object]]:
    """Return what the top bar says from now on: ``at``, ``open``, ``text`` (``#`` is the time left), ``until``."""
    return _signs(queries.cached_calendar(), clock.now().replace(second=0, microsecond=0), language())


@lru_cache(maxsize=16)  # on every page, and true for a minute: it opens and closes at whole ones
def _signs(calendar: Calendar, at: datetime, _language: str) -> Sequence[Mapping[str, object]]:
    return [
        {
            "at": local_time(status.at),
            "open": status.is_open,
            "until": local_time(status.until),
            "text": sign_label(status),
            "left": "" if status.until is None else left_label(status.until - status.at),
        }
        for status in _following(calendar, at)
    ]


def _following(calendar: Calendar, at: datetime) -> Iterator[HoursStatus]:
    for _ in range(SIGNS):
        status = status_at(calendar, at)
        yield status
        if status.until is None:
            return
        at = status.until


def sign_label(status: HoursStatus) -> str:
    """Write a sign; ``#`` is the place of the time left, which runs."""
    if status.until is None:
        return gettext("Open around the clock") if status.is_open else pgettext("hours", "Closed")
    when = near_label(status.until, status.at)
    if not status.is_open:
        return gettext("Closed until %(when)s", when=when)
    if status.until - status.at > _LONG:
        return gettext("Open until %(when)s", when=when)
    return gettext("Open, %(left)s left", left="#")


def left_label(left: timedelta) -> str:
    """Write how long it stays open: to the minute, the begun one whole."""
    return duration_label(-(-left // _MINUTE))


def near_label(value: datetime, at: datetime) -> str:
    """Write an instant by its hour, with the day where it is another one."""
    zone = settings().zone
    if clock.local_date(value, zone) == clock.local_date(at, zone):
        return hour(value)
    return day_and_hour(value)


# --- Days -------------------------------------------------------------------------------------------------------------


def hours_label(hours: Sequence[Hours]) -> str:
    """Write a day's hours: ``09–12:30, 13–17``; nothing for none."""
    return ", ".join(f"{_short(opens)}{_DASH}{_short(closes)}" for opens, closes in hours)


def _short(minutes: int) -> str:
    whole, rest = divmod(minutes, 60)
    return f"{whole:02}:{rest:02}" if rest else f"{whole:02}"


def weekday_name(weekday: int) -> str:
    """Return the name of a day of the week, 0 for Monday."""
    name = str(format_date(date(2024, 1, 1 + weekday), "EEEE"))  # that year began with a Monday
    return name[:1].upper() + name[1:]


def long_date(value: date) -> str:
    """Write a day in full, without its year: ``sreda, 11. novembar``."""
    return str(format_date(value, "EEEE, d. MMMM" if language() == "sr_Latn" else "EEEE, d MMMM"))


def month_day(value: date) -> str:
    """Write a day in short, as a calendar does: ``11. nov``."""
    return str(format_date(value, "d. MMM" if language() == "sr_Latn" else "d MMM"))


def shift_label(shift: timedelta) -> str:
    """Write by how much the clocks change."""
    amount = duration_label(abs(shift))
    if shift > timedelta():
        return gettext("clocks go forward %(amount)s", amount=amount)
    return gettext("clocks go back %(amount)s", amount=amount)


def special_label(special: Special) -> str:
    """Write what a closure or an opening is about: its hours, or the whole day."""
    return gettext("all day") if special.whole_day else hours_label([special.hours])


def look_state(look: Look) -> str:
    """Return the day's classes in the outlook."""
    today = clock.local_date(clock.now(), settings().zone)
    states = {
        "is-closed": not look.day.hours,
        "is-past": look.date < today,
        "is-today": look.date == today,
        "is-changed": look.before is not None,
    }
    return " ".join(name for name, holds in states.items() if holds)


def kind_label(kind: SpecialKind) -> Label:
    """Return whether a single day is closed or open."""
    if kind is SpecialKind.CLOSED:
        return Label(pgettext("hours", "closed"), "ban", "warn")
    return Label(pgettext("hours", "open"), "clock", "ok")


def clock_field(minutes: int | None) -> str:
    """Write minutes after midnight for a field: ``09:00``; the end of the day is ``24:00``."""
    return "" if minutes is None else f"{minutes // 60:02}:{minutes % 60:02}"


# --- What was changed -------------------------------------------------------------------------------------------------

_CODES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")  # as the trail writes them


def change_label(entry: AuditEntry) -> str:
    """Write what the trail tells of one change: the day of a special, the intervals of the week that came and went."""
    data = entry.data
    if entry.action == "hours.week_changed":
        before, after = data.get("before", []), data.get("after", [])
        gone = [f"\N{MINUS SIGN} {_audited_interval(one)}" for one in before if one not in after]
        new = [f"+ {_audited_interval(one)}" for one in after if one not in before]
        return ", ".join([*gone, *new])
    parts = [month_day(date.fromisoformat(entry.subject)), str(data.get("times", "")), str(data.get("reason", ""))]
    return ", ".join(part.replace("-", _DASH) if part == data.get("times") else part for part in parts if part)


def _audited_interval(text: str) -> str:
    """Write ``mon 09:00-17:00`` in the reader's language."""
    code, _, times = text.partition(" ")
    if code not in _CODES:
        return text
    name = format_date(date(2024, 1, 1 + _CODES.index(code)), "EEE")
    return f"{name} {times.replace('-', _DASH)}"
