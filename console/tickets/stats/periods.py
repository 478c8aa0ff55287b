"""The period of a report. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

MAX_DAYS = 400
CHOICES = ("this_week", "last_week", "this_month", "last_month", "custom")
FIRST_DAY = date(2000, 1, 1)
DAYS_APART, WEEKS_APART = 35, 200  # days: up to 35 a chart shows days, up to 200 weeks, then months
_DAY = timedelta(days=1)


class Grain(StrEnum):
    """The period of one column of a chart."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True)
class Step:
    """A part of a period: whole local days, both ends included."""

    first: date
    last: date


@dataclass(frozen=True)
class Period:
    """Whole local days, both ends included."""

    choice: str
    first: date
    last: date
    zone: ZoneInfo
    cut: bool = False  # the chosen period was longer than the maximum

    @property
    def days(self) -> list[date]:
        """Return every day."""
        return [self.first + _DAY * number for number in range((self.last - self.first).days + 1)]

    @property
    def grain(self) -> Grain:
        """Return the step of its charts, so that no column is thinner than a line."""
        length = (self.last - self.first).days + 1
        return Grain.DAY if length <= DAYS_APART else Grain.WEEK if length <= WEEKS_APART else Grain.MONTH

    def steps(self, grain: Grain | None = None) -> list[Step]:
        """Return its parts: days, weeks from Monday or months, the outer ones cut where the period ends."""
        grain, found, first = grain or self.grain, [], self.first
        while first <= self.last:
            last = min(_end_of(first, grain), self.last)
            found.append(Step(first, last))
            first = last + _DAY
        return found

    def bounds(self, steps: list[Step]) -> list[tuple[datetime, datetime]]:
        """Return the instants from which and up to which each step lasts."""
        return [(midnight(one.first, self.zone), midnight(one.last + _DAY, self.zone)) for one in steps]

    def before(self) -> Period:
        """Return the period to compare with: the same part of the previous week or month, or as many days before it."""
        if self.choice in ("this_week", "last_week"):
            return replace(self, choice="custom", first=self.first - 7 * _DAY, last=self.last - 7 * _DAY, cut=False)
        end = self.first - _DAY
        if self.choice in ("this_month", "last_month"):
            first = end.replace(day=1)
            last = end if self.choice == "last_month" else min(end, first + (self.last - self.first))
            return replace(self, choice="custom", first=first, last=last, cut=False)
        return replace(self, choice="custom", first=end - (self.last - self.first), last=end, cut=False)

    @property
    def begin(self) -> datetime:
        """Return the first instant."""
        return midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """Return the first instant that is no longer part of it."""
        return midnight(self.last + _DAY, self.zone)

    def query(self) -> dict[str, str]:
        """Return it as the parameters of an address."""
        if self.choice != "custom":
            return {"period": self.choice}
        return {"period": "custom", "from": self.first.isoformat(), "until": self.last.isoformat()}


def _end_of(day: date, grain: Grain) -> date:
    """Return the last day of the day, week or month of ``day``."""
    if grain is Grain.DAY:
        return day
    if grain is Grain.WEEK:
        return day + (6 - day.weekday()) * _DAY
    return (day.replace(day=28) + 4 * _DAY).replace(day=1) - _DAY


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return when a local day begins."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def read_period(args: Mapping[str, str], today: date, zone: ZoneInfo) -> Period:
    """Return the period of the parameters ``period``, ``from`` and ``until``; this week by default.

    Days win over a name. Future days are left out, and of more than :data:`MAX_DAYS` the first ones.

    Raises:
        ValueError: an invalid day, an end before its begin, an unknown name.
    """
    choice = "custom" if args.get("from") or args.get("until") else args.get("period") or CHOICES[0]
    if choice != "custom":
        first, last = _named(choice, today)
        return Period(choice, first, min(last, today), zone)
    last = date.fromisoformat(args["until"]) if args.get("until") else today
    first = date.fromisoformat(args["from"]) if args.get("from") else last - 6 * _DAY
    if first > last or first > today or first < FIRST_DAY:
        raise ValueError(choice)
    last = min(last, today)
    earliest = last - (MAX_DAYS - 1) * _DAY
    return Period(choice, max(first, earliest), last, zone, cut=first < earliest)


def named_periods(today: date, zone: ZoneInfo) -> list[Period]:
    """Return the periods that have a name, the latest first."""
    return [read_period({"period": choice}, today, zone) for choice in CHOICES if choice != "custom"]


def latest_days(count: int, today: date, zone: ZoneInfo) -> Period:
    """Return the ``count`` days up to today."""
    return Period("custom", today - (count - 1) * _DAY, today, zone)


def _named(choice: str, today: date) -> tuple[date, date]:
    monday, month = today - _DAY * today.weekday(), today.replace(day=1)
    if choice == "this_week":
        return monday, monday + 6 * _DAY
    if choice == "last_week":
        return monday - 7 * _DAY, monday - _DAY
    if choice == "this_month":
        return month, today
    if choice == "last_month":
        return (month - _DAY).replace(day=1), month - _DAY
    raise ValueError(choice)
