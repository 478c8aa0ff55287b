"""Working time equals what an independent reference counts minute by minute; Serbia's days equal the facts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from console.hours.calendar import Calendar, Day, Holiday, Interval, Special, SpecialKind, Why
from console.hours.holidays import PublicHolidays, is_covered, of_year
from console.hours.spans import merged, without
from tests.hours.minutes import ByTheMinute, Span, Table, utc

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
BELGRADE = ZoneInfo("Europe/Belgrade")
NINE_TO_FIVE = tuple(Interval(weekday, 9 * 60, 17 * 60) for weekday in range(5))
SPAN_DAYS = 7  # how long the reference looks
NAMED = Holiday("Praznik", "Holiday")
# Ordinary, by half an hour, at midnight, over midnight, at one minute past it, a day left out, none but odd minutes.
ZONES = {
    "Europe/Belgrade": range(2025, 2029),
    "Australia/Lord_Howe": range(2025, 2029),
    "America/Santiago": range(2025, 2029),
    "America/Asuncion": range(2021, 2025),
    "Africa/Cairo": range(2023, 2027),
    "Asia/Beirut": range(2024, 2027),
    "America/Havana": range(2024, 2027),
    "Atlantic/Azores": range(2024, 2027),
    "America/Nuuk": range(2023, 2027),
    "America/St_Johns": range(2008, 2012),
    "Asia/Kathmandu": range(1985, 1987),
    "Pacific/Apia": range(2011, 2013),
}


@cache
def changes(name: str) -> tuple[datetime, ...]:
    """Return when the clocks of a zone change, found by asking every hour."""
    zone, years = ZoneInfo(name), ZONES[name]
    found, hour, last = [], utc(years.start, 1, 1), utc(years.stop, 1, 1)
    while hour < last:
        if (hour + 60 * MINUTE).astimezone(zone).utcoffset() != hour.astimezone(zone).utcoffset():
            found.append(hour)
        hour += 60 * MINUTE
    return tuple(found)


@dataclass(frozen=True)
class Case:
    """A calendar, the same one minute by minute, and a stretch of time."""

    calendar: Calendar
    table: Table
    start: datetime
    end: datetime
    pauses: tuple[Span, ...]


# The minutes around which clocks change and days begin come up more often than others.
MINUTES = st.one_of(st.sampled_from([0, 1, 30, 60, 90, 120, 150, 180, 1380, 1410, 1439, 1440]), st.integers(0, 1440))
PART = st.tuples(MINUTES, MINUTES).filter(lambda two: two[0] != two[1]).map(lambda two: (min(two), max(two)))
HOURS = PART | PART | PART | st.just((0, 1440))  # whole days meet at midnight
WEEK = st.lists(st.tuples(st.integers(0, 6), HOURS), max_size=18)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    name = draw(st.sampled_from(sorted(ZONES)))
    zone, years = ZoneInfo(name), ZONES[name]
    anywhere = st.integers(0, 365 * (years.stop - years.start) - 1).map(lambda n: utc(years.start, 1, 1) + n * DAY)
    near = st.sampled_from(changes(name) or (utc(years.start, 6, 1),))
    first = draw(near | near | anywhere).replace(minute=0) - draw(st.integers(0, 3)) * DAY
    table_first, table_minutes = first, SPAN_DAYS * 24 * 60
    local = first.astimezone(zone).date()
    days = st.integers(-1, SPAN_DAYS + 1).map(lambda n: local + n * DAY)
    weekly = [(weekday, *hours) for weekday, hours in draw(WEEK)]
    holidays = dict.fromkeys(draw(st.lists(days, max_size=3)), NAMED)
    closures = [
        (day, *(hours or (0, 1440)), reason)
        for day, hours, reason in draw(
            st.lists(st.tuples(days, st.none() | HOURS, st.sampled_from(["Selidba", "Popis"])), max_size=3)
        )
    ]
    openings = [(day, *hours) for day, hours in draw(st.lists(st.tuples(days, HOURS), max_size=3))]
    anytime = st.integers(0, table_minutes * 60 - 1).map(lambda seconds: table_first + timedelta(seconds=seconds))
    inside = [change for change in changes(name) if table_first + DAY < change < table_first + (SPAN_DAYS - 1) * DAY]
    about = st.sampled_from(inside or [table_first + DAY]).flatmap(
        lambda change: st.integers(-90, 150).map(lambda minutes: change + minutes * MINUTE)
    )
    instants = anytime | about
    start, end = sorted(draw(st.tuples(instants, instants)))
    pauses = tuple((min(two), max(two)) for two in draw(st.lists(st.tuples(instants, instants), max_size=4)))
    specials = [
        *(Special(day, SpecialKind.CLOSED, a, b, why) if (a, b) != (0, 1440) else _whole(day, why)
          for day, a, b, why in closures),
        *(Special(day, SpecialKind.OPEN, a, b) for day, a, b in openings),
    ]  # fmt: skip
    return Case(
        Calendar(zone, [Interval(*one) for one in weekly], holidays, specials),
        Table(ByTheMinute(zone, weekly, holidays, closures, openings), table_first, table_minutes),
        start,
        end,
        pauses,
    )


def _whole(day: date, reason: str) -> Special:
    return Special(day, SpecialKind.CLOSED, reason=reason)


def _as_rows(case: Case) -> list[tuple[datetime, datetime, tuple[object, ...]]]:
    return [
        (piece.start, piece.end, (piece.kind.value, piece.why and piece.why.value, piece.holiday, piece.reason))
        for piece in case.calendar.explain(case.start, case.end, case.pauses)
    ]


@given(cases())
def test_every_answer_equals_the_reference(case: Case) -> None:
    calendar, table = case.calendar, case.table
    spans = table.spans(case.start, case.end)
    assert calendar.spans(case.start, case.end) == spans
    assert calendar.between(case.start, case.end) == table.between(case.start, case.end)
    assert calendar.between(case.start, case.end, case.pauses) == table.between(case.start, case.end, case.pauses)
    assert calendar.days_worked(case.start, case.end, case.pauses) == _days(spans, case)
    assert calendar.is_open(case.start) == table.is_open(case.start)
    for begin, finish in spans:  # half-open, to the last microsecond
        assert calendar.is_open(begin) and calendar.is_open(finish - timedelta(microseconds=1))
        assert not calendar.is_open(finish) or finish == case.end
        assert calendar.closes_at(begin) == calendar.next_close(begin)
    _same_or_later(calendar.next_open(case.start), table.next_open(case.start), table.end)
    _same_or_later(calendar.next_close(case.start), table.next_close(case.start), table.end)
    assert _as_rows(case) == table.pieces(case.start, case.end, case.pauses)


def _days(spans: list[Span], case: Case) -> int:
    """Count the local days that what is left of spans lies on."""
    zone, days = case.calendar.zone, set()
    for begin, end in without(spans, merged(case.pauses)):
        day, last = begin.astimezone(zone).date(), (end - timedelta(microseconds=1)).astimezone(zone).date()
        days |= {day + DAY * number for number in range((last - day).days + 1)}
    return len(days)


@given(cases(), st.integers(0, SPAN_DAYS * 24 * 3600))
def test_adding_equals_the_reference_and_undoes_between(case: Case, seconds: int) -> None:
    calendar, table, time = case.calendar, case.table, timedelta(seconds=seconds)
    _same_or_later(calendar.add(case.start, time, case.pauses), table.add(case.start, time, case.pauses), table.end)
    found = calendar.add(case.start, time, case.pauses)
    if found is not None:
        assert calendar.between(case.start, found, case.pauses) == time
        if time:  # the first such instant: a moment before it is not over
            assert calendar.between(case.start, found - timedelta(microseconds=1), case.pauses) < time
    worked = calendar.between(case.start, case.end, case.pauses)
    back = calendar.add(case.start, worked, case.pauses)
    assert back is not None
    assert back <= case.end or not worked
    assert calendar.between(back, case.end, case.pauses) == timedelta()


def _same_or_later(found: datetime | None, expected: datetime | None, seen_until: datetime) -> None:
    """Compare as far as the reference has looked."""
    if expected is None:
        assert found is None or found >= seen_until
    else:
        assert found == expected


def test_how_many_were_compared(proof: Callable[[str], None], prove: bool) -> None:
    examples = hypothesis_settings.default.max_examples if hypothesis_settings.default else 0
    assert examples >= (1_000 if prove else 1)
    assert sum(len(changes(name)) for name in ZONES) > 60
    assert all(changes(name) for name in ZONES)
    proof(
        f"2 x {examples:,} random calendars in {len(ZONES)} zones, {sum(len(changes(name)) for name in ZONES)} clock "
        f"changes among them, each over {SPAN_DAYS} days minute by minute: add, between, spans, is_open, next_open, "
        "next_close and explain all equal the reference"
    )


# --- Single facts -----------------------------------------------------------------------------------------------------


def belgrade(*parts: int, fold: int = 0) -> datetime:
    """Return an instant of Belgrade, in UTC: adding to it adds time that passes."""
    return datetime(*parts, fold=fold, tzinfo=BELGRADE).astimezone(UTC)  # type: ignore[arg-type,misc]


def weekdays(*hours: tuple[int, int]) -> Calendar:
    """Return a calendar with the same hours on every day of the week."""
    return Calendar(BELGRADE, [Interval(day, *one) for day in range(7) for one in hours])


def test_five_o_clock_is_closed() -> None:
    calendar = Calendar(BELGRADE, NINE_TO_FIVE)
    five = belgrade(2026, 11, 23, 17)
    assert calendar.is_open(belgrade(2026, 11, 23, 9))
    assert calendar.is_open(five - timedelta(microseconds=1))
    assert not calendar.is_open(five)
    assert calendar.next_open(five) == belgrade(2026, 11, 24, 9)
    assert calendar.closes_at(five) is None
    assert calendar.closes_at(five - MINUTE) == calendar.next_close(five - MINUTE) == five
    assert calendar.add(belgrade(2026, 11, 23, 16), 60) == five  # over with the day, not with the next morning


def test_open_all_day_and_all_week() -> None:
    always = weekdays((0, 1440))
    now = belgrade(2026, 3, 28, 12)
    assert always.next_close(now) is None and always.closes_at(now) is None
    assert always.between(now, now + 2 * DAY) == 2 * DAY
    never = Calendar(BELGRADE)
    assert never.next_open(now) is None and never.next_close(now) is None and never.add(now, 1) is None
    assert never.between(now, now + 400 * DAY) == timedelta()
    once = Calendar(BELGRADE, specials=[Special(date(2030, 5, 6), SpecialKind.OPEN, 600, 660, "Smotra")])
    assert once.next_open(now) == belgrade(2030, 5, 6, 10)
    assert once.add(now, 60) == belgrade(2030, 5, 6, 11)
    assert once.add(now, 61) is None


def test_the_spring_night_of_2026() -> None:
    """On 29 March 02:00 is followed by 03:00: a day of 23 hours, and no 02:30."""
    night = date(2026, 3, 29)
    assert weekdays((0, 1440)).day(night).spans == ((belgrade(2026, 3, 29, 0), belgrade(2026, 3, 30, 0)),)
    midnight, next_midnight = belgrade(2026, 3, 29), belgrade(2026, 3, 30)
    assert weekdays((0, 1440)).between(midnight, next_midnight) == timedelta(hours=23)
    assert weekdays((120, 180)).day(night).spans == ()  # a wall clock never shows it
    one_to_four = weekdays((60, 240))
    assert one_to_four.between(midnight, next_midnight) == timedelta(hours=2)
    assert one_to_four.day(night).spans == ((utc(2026, 3, 29, 0), utc(2026, 3, 29, 2)),)
    assert one_to_four.add(midnight, 120) == utc(2026, 3, 29, 2)  # 04:00 in Belgrade
    calendar = Calendar(BELGRADE, NINE_TO_FIVE)
    assert calendar.add(belgrade(2026, 3, 27, 16), 120) == belgrade(2026, 3, 30, 10)
    assert calendar.add(belgrade(2026, 3, 27, 16), 120) == utc(2026, 3, 30, 8)  # an hour earlier than on Friday


def test_the_autumn_night_of_2026() -> None:
    """On 25 October 03:00 is followed by 02:00: a day of 25 hours, and 02:30 twice."""
    midnight, next_midnight = belgrade(2026, 10, 25), belgrade(2026, 10, 26)
    always = weekdays((0, 1440))
    assert always.between(midnight, next_midnight) == timedelta(hours=25)
    twice = weekdays((120, 180))
    assert twice.day(date(2026, 10, 25)).spans == ((utc(2026, 10, 25, 0), utc(2026, 10, 25, 2)),)
    halves = weekdays((150, 165))
    assert halves.day(date(2026, 10, 25)).spans == (
        (utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 0, 45)),
        (utc(2026, 10, 25, 1, 30), utc(2026, 10, 25, 1, 45)),
    )
    assert halves.is_open(belgrade(2026, 10, 25, 2, 30)) and halves.is_open(belgrade(2026, 10, 25, 2, 30, fold=1))
    assert halves.add(utc(2026, 10, 25, 0, 30), 20) == utc(2026, 10, 25, 1, 35)
    calendar = Calendar(BELGRADE, NINE_TO_FIVE)
    assert calendar.add(belgrade(2026, 10, 23, 16), 120) == utc(2026, 10, 26, 9)  # 10:00, an hour later than on Friday


def test_a_clock_that_goes_back_over_midnight() -> None:
    """In Newfoundland 00:01 was followed by 23:01 of the day before: Sunday had begun, and Saturday came back."""
    zone = ZoneInfo("America/St_Johns")
    calendar = Calendar(zone, [Interval(5, 23 * 60, 1440)])  # Saturday evenings
    back = utc(2010, 11, 7, 2, 31)
    sunday_for_a_minute = back - timedelta(seconds=30)
    assert sunday_for_a_minute.astimezone(zone).weekday() == 6
    assert not calendar.is_open(sunday_for_a_minute)
    assert calendar.next_open(sunday_for_a_minute) == back
    assert calendar.is_open(back)
    assert calendar.between(sunday_for_a_minute, back + 2 * DAY) == 59 * MINUTE
    assert calendar.add(sunday_for_a_minute, 10) == back + 10 * MINUTE
    both = Calendar(zone, [Interval(5, 23 * 60, 1440), Interval(6, 0, 1)])  # its minute of Sunday comes in between
    assert both.add(back - 2 * MINUTE, timedelta(seconds=90)) == back - timedelta(seconds=30)
    assert both.next_close(back - 2 * MINUTE) == back + 60 * MINUTE


# --- Serbia -----------------------------------------------------------------------------------------------------------

# Every weekday on which nobody answers, as the law has it, with its names; weekends are closed anyway.
CLOSED = {
    2026: [
        ("2026-01-01", "Nova godina", "New Year's Day"),
        ("2026-01-02", "Nova godina", "New Year's Day"),
        ("2026-01-07", "Božić", "Orthodox Christmas Day"),
        ("2026-02-16", "Dan državnosti Srbije", "Statehood Day"),
        ("2026-02-17", "Dan državnosti Srbije (slobodan dan)", "Statehood Day (observed)"),
        ("2026-04-10", "Veliki petak", "Good Friday"),
        ("2026-04-13", "Drugi dan Vaskrsa", "Easter Monday"),
        ("2026-05-01", "Praznik rada", "Labor Day"),
        ("2026-11-11", "Dan primirja u Prvom svetskom ratu", "Armistice Day"),
    ],
    2027: [
        ("2027-01-01", "Nova godina", "New Year's Day"),
        ("2027-01-07", "Božić", "Orthodox Christmas Day"),
        ("2027-02-15", "Dan državnosti Srbije", "Statehood Day"),
        ("2027-02-16", "Dan državnosti Srbije", "Statehood Day"),
        ("2027-04-30", "Veliki petak", "Good Friday"),
        ("2027-05-03", "Drugi dan Vaskrsa", "Easter Monday"),
        ("2027-05-04", "Praznik rada (slobodan dan)", "Labor Day (observed)"),
        ("2027-11-11", "Dan primirja u Prvom svetskom ratu", "Armistice Day"),
    ],
}


@pytest.mark.parametrize("year", CLOSED)
def test_the_serbian_year(year: int) -> None:
    calendar = Calendar(BELGRADE, NINE_TO_FIVE, PublicHolidays())
    days = [date(year, 1, 1) + count * DAY for count in range(366) if (date(year, 1, 1) + count * DAY).year == year]
    closed = [day for day in days if day.weekday() < 5 and not calendar.day(day).hours]
    closures = [
        (day.isoformat(), one.name("sr_Latn"), one.name("en"))
        for day in closed
        if (one := calendar.day(day).holiday) is not None and calendar.day(day).why is Why.HOLIDAY
    ]
    assert closures == CLOSED[year]
    assert len(closed) == len(closures)
    assert all(calendar.day(day).hours == ((540, 1020),) for day in days if day.weekday() < 5 and day not in closed)
    assert not any(calendar.day(day).hours for day in days if day.weekday() >= 5)


def test_the_days_of_easter_and_those_that_moved() -> None:
    """10 to 13 April and 17 February 2026; 30 April to 4 May 2027: weekends of them too."""
    easter = [date(2026, 4, day) for day in range(10, 14)] + [date(2026, 2, 17)]
    moved = [date(2027, 4, 30), *(date(2027, 5, day) for day in range(1, 5))]
    holidays = PublicHolidays()
    assert all(holidays.get(day) is not None for day in easter + moved)
    assert holidays.get(date(2026, 4, 14)) is holidays.get(date(2027, 5, 5)) is None
    met = holidays.get(date(2027, 5, 2))
    assert met is not None
    assert (met.name_sr, met.name_en) == ("Vaskrs, Praznik rada", "Easter Sunday, Labor Day")


def test_names_are_latin_and_years_end() -> None:
    for year in range(2024, 2036):
        assert is_covered(year)
        for holiday in of_year(year).values():
            assert (holiday.name_sr + holiday.name_en).isascii() or holiday.name_sr.encode("iso8859-2")
            assert ";" not in holiday.name_sr + holiday.name_en
    assert not is_covered(2101)
    assert PublicHolidays().get(date(2101, 1, 1)) is None


# --- What it costs ----------------------------------------------------------------------------------------------------


class CountedWork(Calendar):
    """Counts the days it looks at."""

    looked: list[date]

    def day(self, day: date) -> Day:
        self.__dict__.setdefault("looked", []).append(day)
        return super().day(day)


def calls(work: Callable[[], object]) -> int:
    """Count the calls of functions, our own and built in, that ``work`` makes."""
    made = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return made


def test_a_year_is_days_and_not_minutes(proof: Callable[[str], None]) -> None:
    """A year has 525,600 minutes: nothing here is done half as often as a twentieth of that."""
    start, end = utc(2026, 1, 1), utc(2027, 1, 1)
    minutes = (end - start) // MINUTE
    calendar = CountedWork(BELGRADE, NINE_TO_FIVE, PublicHolidays())
    calendar.between(start, end)
    assert len(calendar.looked) <= 365 + 14 * 3  # each month's sum looks at its neighbours' ends
    looked = len(calendar.looked)
    worked = calendar.between(start, end)
    assert len(calendar.looked) <= looked + 2 * 3  # a year that is known is twelve sums
    assert worked == timedelta(hours=8 * (261 - len(CLOSED[2026])))
    pauses = [(start + n * DAY, start + n * DAY + 17 * MINUTE) for n in range(0, 365, 2)]
    work: dict[str, Callable[[Calendar], object]] = {
        "between": lambda made: made.between(start, end),
        "add": lambda made: made.add(start, worked),
        "spans": lambda made: made.spans(start, end),
        "between with 183 pauses": lambda made: made.between(start, end, pauses),
        "explain": lambda made: made.explain(start, end),
    }
    cost = {}
    for name, do in work.items():
        fresh = Calendar(BELGRADE, NINE_TO_FIVE, PublicHolidays())
        cost[name] = calls(partial(do, fresh))
        assert cost[name] < minutes / 5, f"{name}: {cost[name]}"
        assert calls(partial(do, fresh)) < cost[name], "what is known of a day is worked out once"
    summary = ", ".join(f"{name} {count:,}" for name, count in cost.items())
    proof(f"a year of {minutes:,} minutes: {len(set(calendar.looked))} days looked at; calls made: {summary}")
