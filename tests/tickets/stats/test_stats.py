"""The figures against a slow and simple count of the same rows; days, percentiles, periods."""

from __future__ import annotations

import random
import statistics
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from console.core import clock
from console.core.transaction import transaction
from console.staff.models import Staff
from console.tickets.models import NO_DUE, OPEN_STATUSES, Priority, Ticket, TicketSource, TicketStatus
from console.tickets.reviews.models import TicketRating
from console.tickets.sla.models import SlaTarget
from console.tickets.sla.rules import TargetKind
from console.tickets.stats import queries
from console.tickets.stats.now import waiting, workload
from console.tickets.stats.numbers import quantile
from console.tickets.stats.periods import MAX_DAYS, Grain, Period, read_period
from tests.factories.tickets import fill_tickets, make_department
from tests.support.queries import count_queries

pytestmark = pytest.mark.both

ZONE = ZoneInfo("Europe/Belgrade")
TODAY = date(2026, 11, 23)
AUTUMN = Period("custom", date(2026, 10, 19), date(2026, 11, 1), ZONE)  # the clock goes back on 25 October
StaffOf = Callable[[str], Staff]


def write_random(rng: random.Random, agents: list[int], departments: list[int], many: int) -> None:
    """Write tickets around the period with SLA targets and ratings, consistent enough for counting."""
    begin = datetime(2026, 10, 15, tzinfo=UTC)
    before: Ticket | None = None
    with transaction() as session:
        for number in range(many):
            created = begin + timedelta(minutes=rng.randrange(18 * 1440))
            status = rng.choice(list(TicketStatus))
            is_open = status in OPEN_STATUSES
            solved = None if is_open else created + timedelta(minutes=rng.randrange(4 * 1440))
            ticket = Ticket(
                subject=f"Pitanje {number}", requester_name="P", requester_email=f"p{number}@example.test",
                language="en", department_id=rng.choice(departments), assignee_id=rng.choice([*agents, None]),
                priority=Priority.NORMAL, status=status, source=TicketSource.MAIL, created_at=created,
                updated_at=solved or created, due_at=NO_DUE, solved_at=solved, reopened=rng.choice([0, 0, 0, 1, 2]),
            )  # fmt: skip
            if status is TicketStatus.CLOSED and before is not None and rng.random() < 0.5:
                ticket.merged_into_id = before.id
            session.add(ticket)
            session.flush()
            before = ticket
            for kind in TargetKind:
                met = rng.random() < 0.7
                late = rng.random() < 0.3
                session.add(
                    SlaTarget(
                        ticket_id=ticket.id,
                        kind=kind,
                        goal=rng.choice([None, 60, 240]),
                        started_at=created,
                        met_at=created + timedelta(hours=2) if met else None,
                        broken_at=created + timedelta(hours=1) if late else None,
                        spent=rng.randrange(300) if met else None,
                        pauses=[],
                        revision=1,
                    )
                )
            if solved and rng.random() < 0.5:
                session.add(
                    TicketRating(
                        ticket_id=ticket.id,
                        score=rng.randint(1, 5),
                        at=solved + timedelta(hours=1),
                        agent_id=ticket.assignee_id,
                        department_id=ticket.department_id,
                    )
                )


def inside(instant: datetime | None, period: Period) -> bool:
    return instant is not None and period.first <= instant.astimezone(ZONE).date() <= period.last


def slowly(session: Session, period: Period, matches: Callable[[Ticket], bool]) -> queries.Stats:
    """Count the same in Python, a row at a time, straight from the definitions."""
    figures = queries.Stats()
    ours = {ticket.id: ticket for ticket in session.query(Ticket) if matches(ticket)}
    for ticket in ours.values():
        count_ticket(figures, ticket, period)
    for sla_target in session.query(SlaTarget):
        if sla_target.ticket_id in ours:
            count_target(figures, sla_target, ours[sla_target.ticket_id], period)
    for rating in session.query(TicketRating):
        if rating.ticket_id in ours and inside(rating.at, period):
            figures.scores[rating.score] += 1
    return figures


def count_ticket(figures: queries.Stats, ticket: Ticket, period: Period) -> None:
    figures.waiting += ticket.status is TicketStatus.WAITING
    figures.open += ticket.is_open and ticket.status is not TicketStatus.WAITING
    if ticket.merged_into_id is not None:
        return
    figures.solved += inside(ticket.solved_at, period)
    if inside(ticket.created_at, period):
        figures.created += 1
        figures.ended += bool(ticket.solved_at or ticket.reopened)
        figures.reopened += ticket.reopened > 0


def count_target(figures: queries.Stats, sla_target: SlaTarget, ticket: Ticket, period: Period) -> None:
    query = inside(sla_target.started_at, period)
    if sla_target.goal is not None and query:
        figures.met += sla_target.met_at is not None and sla_target.broken_at is None
        figures.missed += sla_target.broken_at is not None
    if sla_target.met_at is None or sla_target.spent is None:
        return
    if sla_target.kind is TargetKind.FIRST_ANSWER and query:
        figures.first_answers[sla_target.spent] += 1
    if sla_target.kind is TargetKind.SOLUTION and ticket.merged_into_id is None and inside(ticket.solved_at, period):
        figures.solutions[sla_target.spent] += 1


def of_agent(agent: int | None) -> Callable[[Ticket], bool]:
    return lambda ticket: ticket.assignee_id == agent


def of_department(key: int) -> Callable[[Ticket], bool]:
    return lambda ticket: ticket.department_id == key


@pytest.fixture
def people(staff_of: StaffOf) -> list[int]:
    return [staff_of("agent").id, staff_of("billing").id]


def test_statistics_equal_the_slow_count(
    session: Session, people: list[int], rng: random.Random, samples: Callable[[int, int], int]
) -> None:
    departments = [make_department().id, make_department().id]
    write_random(rng, people, departments, samples(3_000, 250))
    compared = queries.compare(AUTUMN)
    report, before = compared.now, AUTUMN.before()
    assert compared.before.whole == replace(slowly(session, before, lambda _ticket: True), open=0, waiting=0)
    assert compared.before.whole.created > 10
    assert report.whole == slowly(session, AUTUMN, lambda _ticket: True)
    assert report.whole.created > 50 and report.whole.first_answers.total() > 20 and report.whole.scores.total() > 10
    for agent in [*people, None]:
        assert report.of_agent(agent) == slowly(session, AUTUMN, of_agent(agent))
    for key, figures in report.by_department().items():
        assert figures == slowly(session, AUTUMN, of_department(key))
    assert report.by_department().keys() == set(departments)

    scope = queries.Scope(departments[0], people[0])
    both = slowly(session, AUTUMN, lambda t: of_agent(people[0])(t) and of_department(departments[0])(t))
    assert queries.compare(AUTUMN, scope).now.whole == both


@pytest.mark.parametrize("grain", list(Grain))
def test_steps_equal_the_slow_count(session: Session, people: list[int], rng: random.Random, grain: Grain) -> None:
    department = make_department().id
    write_random(rng, people, [department], 120)
    period = replace(AUTUMN, first=date(2026, 10, 10), last=date(2026, 11, 12))
    steps = period.steps(grain)
    assert [one.first for one in steps[1:]] == [one.last + timedelta(days=1) for one in steps[:-1]]
    assert (steps[0].first, steps[-1].last) == (period.first, period.last)
    for agent in (None, people[0]):
        scope = queries.Scope(agent_id=agent)
        compared = queries.compare(period, scope, steps=steps)
        if grain is period.grain:
            assert queries.flow(period, scope) == compared.flow
        for step, moved, outcome in zip(steps, compared.flow, compared.outcomes, strict=True):
            part = replace(period, first=step.first, last=step.last)
            slow = slowly(session, part, lambda _t: True) if agent is None else slowly(session, part, of_agent(agent))
            assert (moved.created, moved.solved) == (slow.created, slow.solved)
            assert (outcome.met, outcome.missed) == (slow.met, slow.missed)


def test_as_many_statements_however_much_there_is(
    app: Flask, session: Session, people: list[int], rng: random.Random
) -> None:
    departments = [make_department().id]
    counts = []
    for many in (3, 60):
        write_random(rng, people, departments, many)
        with count_queries(app) as sent:
            queries.compare(AUTUMN)
            queries.flow(AUTUMN)
            workload(clock.now())
        counts.append(sent.count)
    assert counts == [7, 7]


def test_what_is_due_and_what_waits(session: Session, people: list[int]) -> None:
    """Most urgent first; what waits for the customer is not waiting for staff; without a target nothing is due."""
    now = clock.now()
    fill_tickets(2, assignee_id=people[0], due_in=timedelta(hours=1), now=now - timedelta(days=2))
    fill_tickets(1, assignee_id=people[0], due_in=timedelta(minutes=-5), now=now)
    fill_tickets(3, assignee_id=people[1], now=now - timedelta(days=9))
    fill_tickets(4, status=TicketStatus.WAITING, now=now - timedelta(days=30))
    fill_tickets(5, status=TicketStatus.SOLVED, now=now - timedelta(days=60))
    mine = Ticket.assignee_id == people[0]
    found, everyone = waiting(2, mine, scalars={}), waiting(10, scalars={})
    due = found.due
    assert [ticket.due_at for ticket in due] == sorted(ticket.due_at for ticket in due)
    assert len(due) == 2 and len(everyone.due) == 3
    oldest, own = everyone.oldest, found.oldest
    assert oldest is not None and oldest.assignee_id == people[1]
    assert own is not None and own.assignee_id == people[0]
    nothing = waiting(2, Ticket.id == 0, scalars={"answer": select(literal(42))})
    assert (nothing.due, nothing.oldest, nothing.values) == ([], None, {"answer": 42})
    loads = workload(now)
    assert [(one.agent_id, one.open, one.waiting, one.late) for one in loads] == [
        (one, open_, waiting, late)
        for one, open_, waiting, late in sorted(
            [(people[0], 3, 0, 3), (people[1], 3, 0, 0)], key=lambda row: session.get_one(Staff, row[0]).name
        )
    ] + [(None, 0, 4, 0)]


@given(st.lists(st.integers(0, 50), min_size=1), st.sampled_from([0.5, 0.9]))
def test_quantiles(values: list[int], share: float) -> None:
    """As ``percentile_cont``: between two values by their distance."""
    found = quantile(Counter(values), share)
    assert found is not None
    if share == 0.5:
        assert found == statistics.median(values)
    elif len(values) > 1:
        assert found == pytest.approx(statistics.quantiles(values, n=10, method="inclusive")[-1])


def test_nothing_has_no_quantile() -> None:
    assert quantile(Counter(), 0.5) is None
    assert queries.Stats().score is None and queries.Stats().met_percent is None


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ({}, "2026-11-23", "2026-11-23"),
        ({"period": "last_week"}, "2026-11-16", "2026-11-22"),
        ({"period": "this_month"}, "2026-11-01", "2026-11-23"),
        ({"period": "last_month"}, "2026-10-01", "2026-10-31"),
        ({"from": "2026-02-03", "until": "2026-02-05"}, "2026-02-03", "2026-02-05"),
        ({"from": "2026-11-20", "until": "2027-01-01"}, "2026-11-20", "2026-11-23"),
        ({"period": "custom", "until": "2026-11-10"}, "2026-11-04", "2026-11-10"),
        ({"from": "2020-01-01", "until": "2026-11-23"}, "2025-10-20", "2026-11-23"),
    ],
)
def test_periods(query: dict[str, str], first: str, last: str) -> None:
    period = read_period(query, TODAY, ZONE)
    assert (period.first.isoformat(), period.last.isoformat()) == (first, last)
    assert len(period.days) <= MAX_DAYS
    assert read_period(period.query(), TODAY, ZONE).days == period.days


@pytest.mark.parametrize(
    "query",
    [
        {"period": "yesterday"},
        {"from": "2026-13-01"},
        {"from": "2026-11-10", "until": "2026-11-09"},
        {"from": "2027-01-01", "until": "2027-02-01"},
        {"from": "0001-01-01", "until": "0001-01-01"},
        {"from": "\0"},
    ],
)
def test_what_is_no_period(query: dict[str, str]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        read_period(query, TODAY, ZONE)


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ({"period": "this_week"}, "2026-11-16", "2026-11-16"),
        ({"period": "last_week"}, "2026-11-09", "2026-11-15"),
        ({"period": "this_month"}, "2026-10-01", "2026-10-23"),
        ({"period": "last_month"}, "2026-09-01", "2026-09-30"),
        ({"from": "2026-11-02", "until": "2026-11-05"}, "2026-10-29", "2026-11-01"),
        ({"from": "2000-01-01", "until": "2000-01-01"}, "1999-12-31", "1999-12-31"),
    ],
)
def test_what_a_period_is_compared_with(query: dict[str, str], first: str, last: str) -> None:
    before = read_period(query, TODAY, ZONE).before()
    assert (before.first.isoformat(), before.last.isoformat()) == (first, last)


def test_a_long_month_is_compared_with_a_short_one() -> None:
    before = read_period({"period": "this_month"}, date(2026, 3, 31), ZONE).before()
    assert (before.first, before.last) == (date(2026, 2, 1), date(2026, 2, 28))


@given(st.dates(date(2001, 1, 1), date(2030, 1, 1)), st.integers(0, MAX_DAYS - 1))
def test_steps_cover_a_period_once_and_are_not_too_many(first: date, length: int) -> None:
    period = Period("custom", first, first + timedelta(days=length), ZONE)
    steps = period.steps()
    days = [one.first + timedelta(days=n) for one in steps for n in range((one.last - one.first).days + 1)]
    assert days == period.days
    assert len(steps) <= 35
    bounds = period.bounds(steps)
    assert (bounds[0][0], bounds[-1][1]) == (period.begin, period.end)
    assert [end for _begin, end in bounds[:-1]] == [begin for begin, _end in bounds[1:]]
