"""Opening hours and working time. Pure: no database, no request, no clock of its own.

Whether it is open is what the clock on the wall says: hours of 01:30 to 02:30 are
open whenever it shows those minutes, twice in the night it goes back, not at all in
the night it skips them. Everything is half-open: at 17:00:00 it is closed.

A special wins over a holiday, a holiday over the week. An opening adds its hours to
the day, a closure takes its part (or the whole day) away, and where both meet it is closed.

Instants are aware and come back in UTC. Nothing counts minutes: a search goes from day to day, and ends after
:data:`FAR` days.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from console.hours.spans import clipped, cut, merged, without

DAY_MINUTES = 24 * 60
FAR = 3660  # days: what does not come within ten years does not come
LAST_DAY = date(9990, 1, 1)
MOST_DAYS = 2 * FAR  # that one calendar remembers

Span = tuple[datetime, datetime]  # half-open, in UTC
Hours = tuple[int, int]  # half-open, minutes after local midnight

_DAY = timedelta(days=1)
_MONTH = timedelta(days=32)  # from the first of a month into the next
_AHEAD, _BEHIND = timedelta(hours=15), timedelta(hours=13)  # no zone is further from UTC


@dataclass(frozen=True, order=True)
class Interval:
    """Open every week. ``weekday``: 0 is Monday. ``closes``: 1440 is the end of the day."""

    weekday: int
    opens: int
    closes: int


class SpecialKind(StrEnum):
    CLOSED = "closed"
    OPEN = "open"


@dataclass(frozen=True)
class Special:
    """One day that is unlike its week. A closure without times takes the whole day."""

    day: date
    kind: SpecialKind
    opens: int | None = None
    closes: int | None = None
    reason: str = ""

    @property
    def hours(self) -> Hours:
        """Return the part of the day it is about."""
        return self.opens or 0, DAY_MINUTES if self.closes is None else self.closes

    @property
    def whole_day(self) -> bool:
        return self.hours == (0, DAY_MINUTES)


@dataclass(frozen=True)
class Holiday:
    """A public holiday's names."""

    name_sr: str
    name_en: str

    def name(self, language: str) -> str:
        """Return what it is called in ``language`` (``sr_Latn`` or ``en``)."""
        return self.name_en if language == "en" else self.name_sr


class Holidays(Protocol):
    """Public holidays by day; a dictionary will do."""

    def get(self, day: date, /) -> Holiday | None:
        """Return the holiday of a day."""


class Why(StrEnum):
    """Why it is closed."""

    OUTSIDE = "outside"  # before opening, after closing, in between
    DAY_OFF = "day_off"  # a day of the week without hours
    HOLIDAY = "holiday"
    CLOSURE = "closure"


@dataclass(frozen=True)
class Day:
    """One local day: when it is open, and what made it so."""

    day: date
    hours: tuple[Hours, ...]  # by the clock on the wall
    spans: tuple[Span, ...]  # the same as instants
    why: Why  # of whatever is closed that day; ``OUTSIDE`` of ordinary ones
    holiday: Holiday | None = None
    closures: tuple[Special, ...] = ()
    openings: tuple[Special, ...] = ()


class PieceKind(StrEnum):
    WORKING = "counted"
    CLOSED = "closed"
    PAUSED = "paused"


@dataclass(frozen=True)
class Piece:
    """A part of an interval and whether it counts. ``why`` and the rest say why it is closed."""

    kind: PieceKind
    start: datetime
    end: datetime
    why: Why | None = None
    holiday: Holiday | None = None
    reason: str = ""

    @property
    def length(self) -> timedelta:
        return self.end - self.start


@dataclass(frozen=True)
class Calendar:
    """When it is open.

    Args:
        zone: whose wall clock counts.
        weekly: in any order; what overlaps is one.
        holidays: closed days by name.
        specials: single closures and openings.
    """

    zone: ZoneInfo
    weekly: Sequence[Interval] = ()
    holidays: Holidays = field(default_factory=dict[date, Holiday])
    specials: Sequence[Special] = ()
    _days: dict[date, Day] = field(default_factory=dict, init=False, repr=False, compare=False)
    _worked: dict[tuple[date, date], timedelta] = field(default_factory=dict, init=False, repr=False, compare=False)
    _open_days: dict[tuple[date, date], int] = field(default_factory=dict, init=False, repr=False, compare=False)
    _shut: dict[date, tuple[Piece, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    # --- open or not ---

    def is_open(self, at: datetime) -> bool:
        """Return whether it is open at that instant."""
        return any(start <= at < end for start, end in self.day(self._local_day(at)).spans)

    def next_open(self, at: datetime) -> datetime | None:
        """Return the first open instant from ``at`` on: ``at`` itself while it is open."""
        return next((start for start, _end in self._from(at)), None)

    def next_close(self, at: datetime) -> datetime | None:
        """Return when the present opening ends, else the next one; ``None``: it never opens, or never closes."""
        found: datetime | None = None
        for start, end in self._from(at):
            if found is not None and start > found:
                return found
            found = end
        return None if found is None or self._too_far(at, found) else found

    def closes_at(self, at: datetime) -> datetime | None:
        """Return when the present opening ends; ``None`` while it is closed."""
        return self.next_close(at) if self.is_open(at) else None

    # --- working time ---

    def add(self, start: datetime, time: timedelta | int, pauses: Sequence[Span] = ()) -> datetime | None:
        """Return the first instant by which ``time`` (or minutes) of work has passed.

        Args:
            start: from when; may be closed.
            time: nothing, or less, ends at ``start``.
            pauses: what does not count, in any order.

        Returns:
            ``None`` where it never passes: the calendar does not open, or not often enough.
        """
        left = time if isinstance(time, timedelta) else timedelta(minutes=time)
        if left <= timedelta():
            return start.astimezone(UTC)
        for begin, end in without(self._from(start), merged(pauses)):
            if end - begin >= left:
                return begin + left
            left -= end - begin
        return None

    def between(self, start: datetime, end: datetime, pauses: Sequence[Span] = ()) -> timedelta:
        """Return the working time of an interval without its pauses."""
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        paused = cut([(start, end)], merged(pauses))
        return self._total(start, end) - sum((self._total(a, b) for a, b in paused), timedelta())

    def spans(self, start: datetime, end: datetime) -> list[Span]:
        """Return when it is open in an interval; what touches is one."""
        return merged(self._from(start, end))

    def explain(self, start: datetime, end: datetime, pauses: Sequence[Span] = ()) -> list[Piece]:
        """Cut an interval into what counts, what is closed (and why) and what is paused, in order.

        The pieces fill the interval without a gap; those that count add up to :meth:`between`. What is paused is
        paused, open or closed.
        """
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        if end <= start:
            return []
        paused = cut([(start, end)], merged(pauses))
        running = list(without([(start, end)], paused))
        pieces = [Piece(PieceKind.PAUSED, a, b) for a, b in paused]
        for begin, finish in running:
            is_open = self.spans(begin, finish)
            pieces += [Piece(PieceKind.WORKING, a, b) for a, b in is_open]
            pieces += self._closed(list(without([(begin, finish)], is_open)))
        return _joined(sorted(pieces, key=lambda piece: piece.start))

    def days_worked(self, start: datetime, end: datetime, pauses: Sequence[Span] = ()) -> int:
        """Return on how many local days an interval has working time outside of its pauses."""
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        paused = cut([(start, end)], merged(pauses))
        bounds = [(self._local_day(a), self._local_day(b)) for a, b in [(start, end), *paused]]
        (first, last), *stopped = bounds
        # Days in the midst of the interval count, those in the midst of a pause do not; where one begins or ends is
        # looked at.
        count = self._days_open(first + _DAY, last)
        count -= sum(self._days_open(a + _DAY, b) for a, b in stopped)
        for day in {day for pair in bounds for day in pair}:
            spans = list(clipped(self.day(day).spans, start, end))
            count += any(without(spans, paused)) - (first < day < last and bool(spans))
        return count

    # --- sums ---

    def _total(self, start: datetime, end: datetime) -> timedelta:
        """Return the working time between two instants. Whole days, by UTC, are worked out once, month by month.

        A target that is years old is worked out again by each page that shows it.
        """
        if end - start <= _DAY:
            return self._sum(start, end)
        first = start.date() if start == _midnight(start.date()) else start.date() + _DAY
        last = end.date()
        if last <= first or last > LAST_DAY:
            return self._sum(start, end)
        return self._sum(start, _midnight(first)) + self._whole(first, last) + self._sum(_midnight(last), end)

    def _whole(self, first: date, last: date) -> timedelta:
        """Return the working time of whole days, ``last`` not among them. Remembered, and so is each month in it."""
        found = self._worked.get((first, last))
        if found is None:
            if last <= _next_month(first):
                found = self._sum(_midnight(first), _midnight(last))
            else:
                found, day = timedelta(), first
                while day < last:
                    until = min(_next_month(day), last)
                    found += self._whole(day, until)
                    day = until
            if len(self._worked) >= MOST_DAYS:
                self._worked.clear()
            self._worked[first, last] = found
        return found

    def _days_open(self, first: date, last: date) -> int:
        """Count the days with working time, ``last`` not among them; each month once."""
        count, day = 0, first
        while day < last:
            until = min(_next_month(day), last)
            key = day, until
            if key not in self._open_days:
                if len(self._open_days) >= MOST_DAYS:
                    self._open_days.clear()
                days = ((day + number * _DAY) for number in range((until - day).days))
                self._open_days[key] = sum(bool(self.day(one).spans) for one in days)
            count += self._open_days[key]
            day = until
        return count

    def _sum(self, start: datetime, end: datetime) -> timedelta:
        # Every instant is of one local day, so the parts of two days never overlap: their order does not matter.
        found = timedelta()
        for day in self._days_from(self._local_day(start) - _DAY, min(LAST_DAY, self._local_day(end) + _DAY)):
            for opens, closes in day.spans:
                if opens < end and start < closes:
                    found += min(closes, end) - max(opens, start)
        return found

    # --- days ---

    def day(self, day: date) -> Day:
        """Return one local day. Remembered: hours that change are another calendar."""
        found = self._days.get(day)
        if found is None:
            if len(self._days) >= MOST_DAYS:
                self._days.clear()
            found = self._days[day] = self._make_day(day)
        return found

    def _make_day(self, day: date) -> Day:
        specials = [special for special in self.specials if special.day == day]
        closures = tuple(special for special in specials if special.kind is SpecialKind.CLOSED)
        openings = tuple(special for special in specials if special.kind is SpecialKind.OPEN)
        holiday = self.holidays.get(day)
        week = [(one.opens, one.closes) for one in self.weekly if one.weekday == day.weekday()]
        hours = [*(week if holiday is None else ()), *(opening.hours for opening in openings)]
        left = tuple(without(merged(hours), merged(closure.hours for closure in closures)))
        if any(closure.whole_day for closure in closures):
            why = Why.CLOSURE
        elif holiday is not None:
            why = Why.HOLIDAY
        else:
            why = Why.OUTSIDE if week else Why.DAY_OFF
        spans = tuple(merged(span for part in left for span in self._instants(day, part)))
        return Day(day, left, spans, why, holiday, closures, openings)

    def _instants(self, day: date, hours: Hours) -> list[Span]:
        """Return when the wall clock of a day shows ``hours``: once, twice, or never."""
        midnight = datetime.combine(day, time(), tzinfo=UTC)  # as if the zone were UTC
        found = []
        for begin, end, offset in self._offsets(midnight - _AHEAD, midnight + _DAY + _BEHIND):
            opens = midnight + timedelta(minutes=hours[0]) - offset
            closes = midnight + timedelta(minutes=hours[1]) - offset
            if max(opens, begin) < min(closes, end):
                found.append((max(opens, begin), min(closes, end)))
        return found

    def _offsets(self, begin: datetime, end: datetime) -> list[tuple[datetime, datetime, timedelta]]:
        """Cut some hours at the clock change that lies in them, if one does."""
        first, last = self._offset(begin), self._offset(end)
        if first == last:
            return [(begin, end, first)]
        before, after = begin, end
        while after - before > timedelta(seconds=1):
            middle = before + (after - before) // 2
            middle = middle.replace(microsecond=0)
            before, after = (middle, after) if self._offset(middle) == first else (before, middle)
        return [(begin, after, first), (after, end, last)]

    def _offset(self, at: datetime) -> timedelta:
        return at.astimezone(self.zone).utcoffset() or timedelta()

    def _local_day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    # --- searching ---

    def _from(self, start: datetime, end: datetime | None = None) -> Iterator[Span]:
        """Yield when it is open, from ``start`` to ``end``, or to where a search gives up."""
        start = start.astimezone(UTC)
        # Where a clock goes back over midnight, a local day has a part after its neighbour has begun: one to spare.
        day = self._local_day(start) - _DAY
        last = min(LAST_DAY, day + FAR * _DAY if end is None else self._local_day(end) + _DAY)
        held: list[Span] = []
        for one in self._days_from(day, last):
            safe = datetime.combine(one.day, time(), tzinfo=UTC) - _AHEAD  # no later day has a part before
            yield from clipped((span for span in held if span[0] < safe), start, end)
            held = sorted([*(span for span in held if span[0] >= safe), *one.spans])
        yield from clipped(held, start, end)

    def _days_from(self, day: date, last: date) -> Iterator[Day]:
        if not self.weekly:  # nothing but single openings: the days between need no look
            openings = {special.day for special in self.specials if special.kind is SpecialKind.OPEN}
            yield from (self.day(one) for one in sorted(openings) if day <= one <= last)
            return
        while day <= last:
            yield self.day(day)
            day += _DAY

    def _too_far(self, start: datetime, found: datetime) -> bool:
        return found - start >= (FAR - 2) * _DAY

    # --- telling ---

    def _closed(self, closed: list[Span]) -> list[Piece]:
        """Return the closed spans in pieces, each with its reason."""
        pieces = []
        for begin, end in closed:
            day, last = self._local_day(begin) - _DAY, self._local_day(end) + _DAY
            while day <= last:
                pieces += [
                    Piece(one.kind, max(one.start, begin), min(one.end, end), one.why, one.holiday, one.reason)
                    for one in self._closed_on(day)
                    if one.start < end and begin < one.end
                ]
                day += _DAY
        return pieces

    def _closed_on(self, day: date) -> tuple[Piece, ...]:
        """Say of what is closed on a local day why it is. Remembered, as the day is."""
        found = self._shut.get(day)
        if found is None:
            if len(self._shut) >= MOST_DAYS:
                self._shut.clear()
            found = self._shut[day] = tuple(self._say_closed(self.day(day)))
        return found

    def _say_closed(self, day: Day) -> list[Piece]:
        rest = list(without(merged(self._instants(day.day, (0, DAY_MINUTES))), day.spans))
        pieces = []
        for closure in day.closures:
            shut = cut(rest, merged(self._instants(day.day, closure.hours)))
            pieces += [Piece(PieceKind.CLOSED, a, b, Why.CLOSURE, reason=closure.reason) for a, b in shut]
            rest = list(without(rest, shut))
        holiday = day.holiday if day.why is Why.HOLIDAY else None
        return pieces + [Piece(PieceKind.CLOSED, a, b, day.why, holiday) for a, b in rest]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _next_month(day: date) -> date:
    return (day.replace(day=1) + _MONTH).replace(day=1)


def _joined(pieces: Iterable[Piece]) -> list[Piece]:
    """Join neighbours that say the same."""
    joined: list[Piece] = []
    for piece in pieces:
        before = joined[-1] if joined else None
        if before is not None and _says(before) == _says(piece):
            joined[-1] = replace(before, end=piece.end)
        else:
            joined.append(piece)
    return joined


def _says(piece: Piece) -> tuple[object, ...]:
    return piece.kind, piece.why, piece.holiday, piece.reason
