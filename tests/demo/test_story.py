"""The demo's story as it is planned, without a database: whatever day it is, nothing comes before what it needs."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from console.core import clock
from console.core.context import attach
from console.core.settings import Settings
from console.demo import service as demo
from console.demo.ages import WorkingTime
from console.demo.events import Event, Need, StoryError, put_in_order
from console.demo.story import OLD_ENOUGH, Story
from console.hours.calendar import Calendar, Interval
from console.hours.holidays import PublicHolidays
from console.settings.live import LiveSettings

BELGRADE = ZoneInfo("Europe/Belgrade")
HOURS = Calendar(BELGRADE, [Interval(day, 9 * 60, 17 * 60) for day in range(5)], PublicHolidays())
FIRST, DAYS = date(2026, 1, 1), 3 * 365 + 1
TIMES = (time(3, 30), time(11), time(16, 46))  # before it opens, when a story ends, before it closes
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
# On these it broke: two holidays in a row, early hours after a weekend and after New Year.
BROKEN = [
    datetime.fromisoformat(text)
    for text in ("2027-02-15T11:00:00+01:00", "2027-02-01T03:30:00+01:00", "2027-01-04T03:30:00+01:00")
]


def planned(app: Flask, now: datetime, seed: int) -> tuple[Story, list[Event]]:
    """Return the story as ``console demo`` would tell it at ``now``, in its order."""
    with app.app_context(), clock.standing_at(now):
        today = demo.story_day()
    working = WorkingTime(now.replace(minute=0, second=0), HOURS)
    story = demo.tell(seed, today, working, "")
    return story, story.plan()


@pytest.fixture(scope="module")
def clock_set() -> Flask:
    """An app whose clock was set, without a database."""
    app = Flask("story")
    settings = Settings(clock=NOON)
    attach(app.extensions, settings, LiveSettings(settings))
    return app


def check(events: list[Event], now: datetime) -> None:
    """Fail where something comes before what it needs, or lies ahead."""
    instants = [event.at for event in events]
    assert instants == sorted(instants)
    assert instants[-1] <= now
    seen: set[Event] = set()
    for event in events:
        for need in event.needs:
            assert need.event in seen, f"{event} comes before {need.event}"
            assert need.event.at + need.lead <= event.at, f"{event} comes too soon after {need.event}"
        seen.add(event)


def test_any_day_has_a_story(
    clock_set: Flask,
    samples: Callable[[int, int], int],
    rng: random.Random,
    proof: Callable[[str], None],
) -> None:
    days = [datetime.combine(FIRST + timedelta(days=day), hour, BELGRADE) for day, hour in product(range(DAYS), TIMES)]
    count = samples(len(days), 60)
    for now in BROKEN + rng.sample(days, count):
        story, events = planned(clock_set, now, seed=rng.randrange(1_000_000))
        assert len(events) == story.length > 500
        check(events, now)
    proof(f"{count} stories planned, of {DAYS} days at {len(TIMES)} hours; nothing came before what it needs")


@pytest.mark.parametrize("now", BROKEN, ids=str)
def test_who_asks_has_had_the_account_for_two_days(clock_set: Flask, now: datetime) -> None:
    story, events = planned(clock_set, now, seed=1)
    opened = story.known["novi"].account.opened
    askers = [event for event in events if opened in [need.event for need in event.needs]]
    assert len(askers) == 1
    assert askers[0].at - opened.at >= OLD_ENOUGH
    # What was asked keeps its age in working time, which its SLA target is counted in.
    assert askers[0].at == WorkingTime(now.replace(minute=0), HOURS).ago(0.6)


# --- the order ---


def happening(at: int, *needs: Event | Need, act: Callable[[], object] = lambda: None) -> Event:
    """Return an event so many minutes after noon."""
    required = [need if isinstance(need, Need) else Need(need) for need in needs]
    return Event(NOON + timedelta(minutes=at), act, required)


def minutes(*events: Event) -> list[float]:
    return [(event.at - NOON) / timedelta(minutes=1) for event in events]


def test_what_is_needed_moves_and_what_needs_it_stays() -> None:
    account = happening(30)
    question = happening(10, Need(account, timedelta(minutes=5)))
    answer = happening(20, question)
    assert put_in_order([answer, question, account]) == [account, question, answer]
    assert minutes(account, question, answer) == [5, 10, 20]


def test_it_moves_as_far_as_all_that_follows_from_it_asks_for() -> None:
    house = happening(50)
    account = happening(40, house)
    early, late = happening(10, account), happening(60, account)
    assert put_in_order([early, late, account, house]) == [house, account, early, late]
    assert minutes(house, account, early, late) == [10, 10, 10, 60]


def test_at_one_instant_what_is_needed_comes_first_else_what_was_told_first() -> None:
    told_last = happening(0)
    chain = [happening(0, told_last), happening(0)]
    assert put_in_order([*chain, told_last]) == [chain[1], told_last, chain[0]]


def test_two_that_need_each_other_are_refused() -> None:
    one, other = happening(0), happening(0)
    one.needs, other.needs = [Need(other)], [Need(one)]
    with pytest.raises(StoryError, match="each needs the next"):
        put_in_order([one, other])


def test_what_is_not_said_to_be_needed_cannot_be_used_even_if_it_came_first() -> None:
    account = happening(0, act=lambda: "K-1")
    lucky = happening(1, act=lambda: account.outcome)
    right = happening(1, happening(1, account), act=lambda: account.outcome)
    with pytest.raises(StoryError, match="has not happened yet"):
        _ = account.outcome
    account.happen()
    with pytest.raises(StoryError, match="does not say that it needs it"):
        lucky.happen()
    right.happen()
    assert right.outcome == "K-1"
