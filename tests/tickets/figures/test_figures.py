"""The figures against a slow and simple count of the same rows; days, percentiles, periods."""

from __future__ import annotations

import random
import statistics
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from console.core.transaction import transaction
from console.staff.models import Staff
from console.tickets.figures import queries
from console.tickets.figures.numbers import quantile
from console.tickets.figures.periods import MOST_DAYS, Period, read_period
from console.tickets.models import NO_DUE, OPEN_STATUSES, Priority, Ticket, TicketSource, TicketStatus
from console.tickets.promises.models import TicketPromise
from console.tickets.promises.rules import PromiseKind
from console.tickets.reviews.models import TicketRating
from tests.support.queries import count_queries
from tests.tickets.rows import make_department

ZONE = ZoneInfo("Europe/Belgrade")
TODAY = date(2026, 11, 23)
AUTUMN = Period("custom", date(2026, 10, 19), date(2026, 11, 1), ZONE)  # the clock goes back on 25 October
StaffOf = Callable[[str], Staff]


def write_random(rng: random.Random, agents: list[int], departments: list[int], many: int) -> None:
    """Write tickets around the period with promises and ratings, consistent enough for counting."""
    begin = datetime(2026, 10, 17, tzinfo=UTC)
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
            session.add(ticket)
            session.flush()
            for kind in PromiseKind:
                met = rng.random() < 0.7
                late = rng.random() < 0.3
                session.add(
                    TicketPromise(
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


def slowly(session: Session, period: Period, wanted: Callable[[Ticket], bool]) -> queries.Figures:
    """Count the same in Python, a ticket at a time, straight from the definitions."""
    figures = queries.Figures()
    ours = {ticket.id: ticket for ticket in session.query(Ticket) if wanted(ticket)}

    def inside(instant: datetime | None) -> bool:
        return instant is not None and period.first <= instant.astimezone(ZONE).date() <= period.last

    for ticket in ours.values():
        figures.waiting += ticket.status is TicketStatus.WAITING
        figures.open += ticket.is_open and ticket.status is not TicketStatus.WAITING
        figures.solved += inside(ticket.solved_at)
        if inside(ticket.created_at):
            figures.created += 1
            figures.ended += bool(ticket.solved_at or ticket.reopened)
            figures.reopened += ticket.reopened > 0
    for promise in session.query(TicketPromise):
        if promise.ticket_id not in ours:
            continue
        if promise.goal is not None and inside(promise.started_at):
            figures.kept += promise.met_at is not None and promise.broken_at is None
            figures.broken += promise.broken_at is not None
        if promise.met_at is None or promise.spent is None:
            continue
        if promise.kind is PromiseKind.FIRST_ANSWER and inside(promise.started_at):
            figures.first_answers[promise.spent] += 1
        if promise.kind is PromiseKind.SOLUTION and inside(ours[promise.ticket_id].solved_at):
            figures.solutions[promise.spent] += 1
    for rating in session.query(TicketRating):
        if rating.ticket_id in ours and inside(rating.at):
            figures.scores[rating.score] += 1
    return figures


@pytest.fixture
def people(staff_of: StaffOf) -> list[int]:
    return [staff_of("agent").id, staff_of("billing").id]


def test_figures_equal_the_slow_count(
    session: Session, people: list[int], rng: random.Random, samples: Callable[[int, int], int]
) -> None:
    departments = [make_department().id, make_department().id]
    write_random(rng, people, departments, samples(3_000, 250))
    report = queries.report(AUTUMN)
    assert report.whole == slowly(session, AUTUMN, lambda _ticket: True)
    assert report.whole.created > 50 and report.whole.first_answers.total() > 20 and report.whole.scores.total() > 10
    for agent in [*people, None]:
        assert report.of_agent(agent) == slowly(session, AUTUMN, lambda t, agent=agent: t.assignee_id == agent)
    by_department = report.by_department()
    for key in departments:
        assert by_department[key] == slowly(session, AUTUMN, lambda t, key=key: t.department_id == key)

    days = queries.days(AUTUMN)
    tickets = session.query(Ticket).all()
    created = Counter(ticket.created_at.astimezone(ZONE).date() for ticket in tickets)
    solved = Counter(ticket.solved_at.astimezone(ZONE).date() for ticket in tickets if ticket.solved_at)
    assert [(one.day, one.created, one.solved) for one in days] == [
        (day, created[day], solved[day]) for day in AUTUMN.days
    ]
    mine = queries.days(AUTUMN, agent_id=people[0])
    assert sum(one.created for one in mine) == report.of_agent(people[0]).created


def test_as_many_statements_however_much_there_is(
    app: Flask, session: Session, people: list[int], rng: random.Random
) -> None:
    departments = [make_department().id]
    counts = []
    for many in (3, 60):
        write_random(rng, people, departments, many)
        with count_queries(app) as sent:
            queries.report(AUTUMN)
            queries.days(AUTUMN)
        counts.append(sent.count)
    assert counts == [9, 9]


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
    assert queries.Figures().score is None and queries.Figures().kept_percent is None


@pytest.mark.parametrize(
    ("asked", "first", "last"),
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
def test_periods(asked: dict[str, str], first: str, last: str) -> None:
    period = read_period(asked, TODAY, ZONE)
    assert (period.first.isoformat(), period.last.isoformat()) == (first, last)
    assert len(period.days) <= MOST_DAYS
    assert read_period(period.query(), TODAY, ZONE).days == period.days


@pytest.mark.parametrize(
    "asked",
    [
        {"period": "yesterday"},
        {"from": "2026-13-01"},
        {"from": "2026-11-10", "until": "2026-11-09"},
        {"from": "2027-01-01", "until": "2027-02-01"},
        {"from": "0001-01-01", "until": "0001-01-01"},
        {"from": "\0"},
    ],
)
def test_what_is_no_period(asked: dict[str, str]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        read_period(asked, TODAY, ZONE)
