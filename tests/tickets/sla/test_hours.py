"""SLA targets are measured in the opening hours, follow their changes, and explain which hours counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask, render_template_string
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.db import db
from console.core.texts import in_language
from console.core.transaction import transaction
from console.hours.calendar import Interval, SpecialKind
from console.hours.service import SpecialData, add_special, set_week
from console.staff.roles import Role
from console.tickets.models import NO_DUE, Priority, Ticket, TicketStatus
from console.tickets.service import messages as ticket_messages
from console.tickets.service import properties, questions
from console.tickets.service.messages import Writing
from console.tickets.sla import jobs as sla_jobs
from console.tickets.sla import queries
from console.tickets.sla.models import SlaTarget
from console.tickets.sla.rules import TargetKind, TargetState
from console.views.shared.labels.sla import lines
from tests.factories.tickets import make_ticket
from tests.support.queries import count_queries

pytestmark = pytest.mark.both

FIRST, NEXT, SOLUTION = TargetKind
ActorOf = Callable[[Role | str], Actor]
At = Callable[..., datetime]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def at() -> Iterator[At]:
    """Let the clock stand at an hour of a November day in Belgrade: ``at(20, 16, 30)`` is a Friday."""
    with ExitStack() as stack:

        def stand(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
            instant = belgrade(day, hour, minute, month)
            stack.enter_context(clock.standing_at(instant))
            return instant

        yield stand


def belgrade(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour - 1, minute, tzinfo=UTC)  # winter time


def row(ticket: Ticket, kind: TargetKind) -> SlaTarget:
    query = select(SlaTarget).where(SlaTarget.ticket_id == ticket.id, SlaTarget.kind == kind)
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def due(ticket: Ticket) -> datetime:
    db.session.rollback()
    return db.session.get_one(Ticket, ticket.id).due_at


def explained(ticket: Ticket, kind: TargetKind = FIRST) -> list[tuple[str, str]]:
    """Return the counting in English."""
    (view,) = [one for one in queries.for_ticket(ticket, clock.now()) if one.kind is kind]
    with in_language("en"):
        return [(line.text, line.value) for line in lines(view)]


@pytest.mark.only("sqlite")
def test_friday_afternoon_is_due_on_monday(app: Flask, session: Session, at: At) -> None:
    at(20, 16, 30)
    ticket = make_ticket(SYSTEM, priority=Priority.HIGH)  # two hours
    assert ticket.due_at == belgrade(23, 10, 30)
    at(23, 9, 50)
    with app.test_request_context():
        assert explained(ticket) == [
            ("Fri 16:30–17:00", "30 min"),
            ("Fri after 17:00", "not counted"),
            ("Sat – Sun", "not counted"),
            ("Mon until 09:00", "not counted"),
            ("Mon 09:00–09:50", "50 min"),
        ]


def test_a_pause_over_the_weekend(app: Flask, session: Session, actor: ActorOf, at: At) -> None:
    at(20, 10)
    ticket = make_ticket(SYSTEM, priority=Priority.URGENT)  # four hours to the solution
    at(20, 16)
    with transaction():
        properties.set_priority(actor("agent"), [ticket.id], Priority.NORMAL)
    with transaction():
        ticket_messages.reply(
            actor("agent"), ticket.id, Writing("Recite nam lozinku?", "c1", then=TicketStatus.WAITING, anyway=True)
        )
    assert due(ticket) == NO_DUE
    at(23, 11)
    with transaction():
        questions.add_question(SYSTEM, db.session.get_one(Ticket, ticket.id), "Evo.", client_id="q1", via="link")
    solution = row(ticket, SOLUTION)
    # Six hours on Friday, the rest of 24 from Monday 11:00 on.
    assert solution.due_at == belgrade(25, 13)
    assert row(ticket, NEXT).due_at == belgrade(24, 11)
    assert due(ticket) == belgrade(24, 11)
    at(23, 12)
    with app.test_request_context():
        assert explained(ticket, SOLUTION) == [
            ("Fri 10:00–16:00", "6 h"),
            ("Fri 16:00 – Mon 11:00, waiting for the customer", "pause"),
            ("Mon 11:00–12:00", "1 h"),
        ]


@pytest.mark.only("sqlite")
def test_a_closure_and_a_holiday_are_named(app: Flask, session: Session, actor: ActorOf, at: At) -> None:
    at(10, 16, 30, month=2)
    with transaction():
        add_special(SYSTEM, SpecialData(date(2026, 2, 12), SpecialKind.CLOSED, "Selidba"))
    at(12, 10, month=2)
    ticket = make_ticket(SYSTEM, priority=Priority.LOW)  # a working day
    assert ticket.due_at == belgrade(13, 17, month=2)
    assert row(ticket, SOLUTION).due_at == belgrade(23, 17, month=2)
    at(18, 9, 30, month=2)
    with app.test_request_context():
        assert explained(ticket, SOLUTION) == [
            ("Thu 12 Feb after 10:00, Selidba", "not counted"),
            ("Fri until 09:00", "not counted"),
            ("Fri 09:00–17:00", "8 h"),
            ("Fri after 17:00", "not counted"),
            ("Sat", "not counted"),
            ("Sun – Mon, Statehood Day", "not counted"),
            ("Tue, Statehood Day (observed)", "not counted"),
            ("Wed until 09:00", "not counted"),
            ("Wed 09:00–09:30", "30 min"),
        ]


def test_new_hours_move_what_runs(session: Session, actor: ActorOf, at: At) -> None:
    at(23, 11)
    tickets = [make_ticket(SYSTEM, priority=Priority.NORMAL) for _ in range(3)]  # four hours
    with transaction():
        ticket_messages.reply(
            actor("agent"), tickets[0].id, Writing("Gotovo.", "c1", then=TicketStatus.SOLVED, anyway=True)
        )
    over = row(tickets[0], SOLUTION).due_at
    sla_jobs.update_targets()
    assert due(tickets[1]) == belgrade(23, 15)

    with transaction():
        set_week(SYSTEM, [Interval(day, 9 * 60, 12 * 60) for day in range(5)])
    sla_jobs.update_targets()
    assert [due(ticket) for ticket in tickets] == [NO_DUE, belgrade(24, 12), belgrade(24, 12)]
    assert row(tickets[0], SOLUTION).due_at == over

    with transaction():
        add_special(SYSTEM, SpecialData(date(2026, 11, 24), SpecialKind.CLOSED, "Praznik firme"))
    sla_jobs.update_targets()
    assert due(tickets[1]) == belgrade(25, 12)


@pytest.mark.only("sqlite")
def test_hours_that_never_open_set_no_due_time(session: Session, at: At) -> None:
    at(23, 11)
    ticket = make_ticket(SYSTEM)
    with transaction():
        set_week(SYSTEM, [])
    sla_jobs.update_targets()
    assert due(ticket) == NO_DUE
    (view, *_rest) = queries.for_ticket(db.session.get_one(Ticket, ticket.id), clock.now())
    assert view.state is TargetState.RUNNING
    with transaction():
        set_week(SYSTEM, [Interval(0, 9 * 60, 17 * 60)])
    sla_jobs.update_targets()
    assert due(ticket) == belgrade(23, 15)


@pytest.mark.only("postgresql")
def test_hours_changed_while_a_ticket_is_opened(app: Flask, session: Session, at: At) -> None:
    """Whatever was opened by the old hours is counted by the new ones in the end."""
    at(23, 11)
    make_ticket(SYSTEM)
    sla_jobs.update_targets()
    with app.app_context(), transaction():
        ticket = make_ticket(SYSTEM, priority=Priority.NORMAL)  # by the old hours, not committed yet
        with app.app_context():
            with transaction():
                set_week(SYSTEM, [Interval(day, 9 * 60, 12 * 60) for day in range(5)])
            sla_jobs.update_targets()
            db.session.remove()
        key = ticket.id
    sla_jobs.update_targets()
    db.session.rollback()
    assert session.get_one(Ticket, key).due_at == belgrade(24, 12)


@pytest.mark.only("sqlite")
def test_one_query_beside_the_hours(app: Flask, session: Session, actor: ActorOf, at: At) -> None:
    at(23, 11)
    ticket = make_ticket(SYSTEM)
    for number in range(7):
        at(23, 12, number)
        with transaction():
            ticket_messages.reply(actor("agent"), ticket.id, Writing("Da?", f"c{number}", anyway=True))
        with transaction():
            questions.add_question(
                SYSTEM, db.session.get_one(Ticket, ticket.id), "Ne.", client_id=f"q{number}", via="link"
            )
    ticket, now = db.session.get_one(Ticket, ticket.id), clock.now()
    db.session.rollback()
    ticket = db.session.get_one(Ticket, ticket.id)
    with count_queries(app) as seen:
        views = queries.for_ticket(ticket, now)
    assert seen.count <= 2, seen
    assert len(views) == 9
    assert [view.is_over for view in views] == sorted(view.is_over for view in views)


@pytest.mark.only("sqlite")
def test_a_long_counting_is_summed_up(app: Flask, session: Session, at: At) -> None:
    at(2, 9)
    ticket = make_ticket(SYSTEM, priority=Priority.LOW)
    at(27, 13)
    with app.test_request_context():
        words = explained(ticket, SOLUTION)
        (view,) = [one for one in queries.for_ticket(ticket, clock.now()) if one.kind is SOLUTION]
    assert len(words) <= 14
    assert any(text.startswith("…") for text, _ in words)
    assert view.elapsed == timedelta(hours=19 * 8 + 4 - 8)  # the eleventh is Armistice Day
    assert view.state is TargetState.OVERDUE


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(("language", "words"), [("en", "How it is calculated"), ("sr_Latn", 'class="explain"')])
def test_the_card(app: Flask, session: Session, actor: ActorOf, at: At, language: str, words: str) -> None:
    """Every state of a target is drawn."""
    at(23, 11)
    ticket = make_ticket(SYSTEM, priority=Priority.URGENT)
    template = "{% import 'admin/tickets/page/sla.html' as card with context %}{{ card.sla_card(sla_targets) }}"

    def draw() -> str:
        db.session.rollback()
        found = queries.for_ticket(db.session.get_one(Ticket, ticket.id), clock.now())
        with app.test_request_context(), in_language(language):
            return render_template_string(template, sla_targets=found)

    assert 'data-step="1"' in draw() and words in draw()
    at(23, 11, 16)
    assert 'data-step="2"' in draw()
    at(23, 11, 25)
    assert 'data-step="3"' in draw() and "progress-warn" in draw()
    at(23, 11, 40)
    assert 'data-step="4"' in draw()
    assert 'max="30" value="30"' in draw()
    with transaction():
        ticket_messages.reply(actor("agent"), ticket.id, Writing("Da?", "c1", then=TicketStatus.WAITING, anyway=True))
    drawn = draw()
    assert "data-step" not in drawn
    assert "status-danger" in drawn
    with transaction():
        db.session.execute(delete(SlaTarget))
    assert "explain" not in draw()
