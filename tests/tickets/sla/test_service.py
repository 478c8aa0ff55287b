"""The SLA targets of a ticket follow what is done to it, through the verbs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.db import db
from console.core.errors import Invalid, NotFound
from console.core.transaction import transaction
from console.staff.models import Department
from console.staff.roles import Role
from console.tickets.models import NO_DUE, Priority, Ticket, TicketStatus
from console.tickets.service import merging, properties, questions, splitting
from console.tickets.service import messages as ticket_messages
from console.tickets.service.messages import Writing
from console.tickets.sla import calendar as sla_calendar
from console.tickets.sla import queries, service
from console.tickets.sla.models import SlaPolicy, SlaRevision, SlaTarget
from console.tickets.sla.policies import set_goals
from console.tickets.sla.rules import TargetKind
from tests.factories.tickets import any_department, make_ticket
from tests.support.queries import count_queries

FIRST, NEXT, SOLUTION = TargetKind
ActorOf = Callable[[Role | str], Actor]
Later = Callable[[int], None]
MONDAY = datetime(2026, 11, 23, 10, tzinfo=UTC)  # eleven in Belgrade
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def later() -> Iterator[Callable[[int], None]]:
    """The clock stands at eleven on Monday; ``later(20)`` puts it twenty minutes after that."""
    with ExitStack() as stack:

        def stand(minutes: int) -> None:
            stack.enter_context(clock.standing_at(MONDAY + minutes * MINUTE))

        stand(0)
        yield stand


def stored(ticket: Ticket) -> dict[TargetKind, SlaTarget]:
    query = select(SlaTarget).where(SlaTarget.ticket_id == ticket.id).order_by(SlaTarget.started_at)
    return {row.kind: row for row in db.session.scalars(query)}


def columns(ticket: Ticket) -> list[dict[str, Any]]:
    """Everything stored of a ticket's SLA targets, for comparing."""
    rows = db.session.execute(
        select(SlaTarget.__table__).where(SlaTarget.ticket_id == ticket.id).order_by("id")
    ).mappings()
    return [dict(row) for row in rows]


def say(actor: Actor, ticket: Ticket, text: str = "Gledamo.", then: TicketStatus | None = None) -> Any:
    with transaction():
        return ticket_messages.reply(
            actor, ticket.id, Writing(text, f"c-{text}-{ticket.last_seq}", anyway=True, then=then)
        )


def ask(ticket: Ticket, text: str = "Još ne radi.") -> Any:
    with transaction():
        return questions.add_question(SYSTEM, ticket, text, client_id=f"q-{text}-{ticket.last_seq}", via="link")


def minutes(row: SlaTarget) -> float:
    """How much working time lies before it is due."""
    assert row.due_at is not None
    return sla_calendar.calendar().between(row.started_at, row.due_at) / MINUTE


def test_a_new_ticket_has_two_targets(session: Session) -> None:
    ticket = make_ticket(SYSTEM, priority=Priority.HIGH)
    found = stored(ticket)
    assert set(found) == {FIRST, SOLUTION}
    assert found[FIRST].goal == 120
    assert minutes(found[FIRST]) == 120
    assert ticket.due_at == found[FIRST].due_at
    assert found[FIRST].risk_at == MONDAY + 90 * MINUTE


def test_a_ticket_opened_by_staff_has_a_solution_target_only(session: Session, actor: ActorOf) -> None:
    ticket = make_ticket(actor("agent"), as_reply=True)
    assert set(stored(ticket)) == {SOLUTION}


def test_beginning_equals_counting_again(session: Session, actor: ActorOf) -> None:
    for ours in (False, True):
        ticket = make_ticket(actor("agent"), as_reply=ours)
        begun, due = columns(ticket), ticket.due_at
        with transaction():
            service.recalculate(db.session.get_one(Ticket, ticket.id), MONDAY + MINUTE)
        assert columns(ticket) == begun
        assert db.session.get_one(Ticket, ticket.id).due_at == due


@pytest.mark.both
def test_beginning_is_cheap(app: Flask, session: Session) -> None:
    ticket = make_ticket(SYSTEM)
    with transaction():
        db.session.delete(stored(ticket)[FIRST])
        db.session.delete(stored(ticket)[SOLUTION])
    with transaction():
        ticket = db.session.get_one(Ticket, ticket.id)
        with count_queries(app) as queries_:
            service.insert_targets(ticket, service.plan_targets(ticket, MONDAY))
    assert queries_.count <= 3, queries_  # rules with their revision, hours, one insert
    assert len(stored(ticket)) == 2


@pytest.mark.both
def test_answer_pause_question_solution(session: Session, actor: ActorOf, later: Later) -> None:
    agent, ticket = actor("agent"), make_ticket(SYSTEM)
    later(20)
    say(agent, ticket, then=TicketStatus.WAITING)
    found = stored(ticket)
    assert found[FIRST].spent == 20
    assert found[SOLUTION].paused_since is not None
    assert found[SOLUTION].due_at is None
    assert ticket.due_at == NO_DUE

    later(50)
    ask(ticket)
    found = stored(ticket)
    assert minutes(found[NEXT]) == found[NEXT].goal == 480
    assert found[SOLUTION].pauses[0][2] == "waiting"
    assert found[SOLUTION].paused_since is None
    assert ticket.due_at == found[NEXT].due_at

    later(60)
    say(agent, ticket, "Rešeno.", then=TicketStatus.SOLVED)
    found = stored(ticket)
    assert found[NEXT].spent == 10
    assert found[SOLUTION].spent == 30
    assert ticket.due_at == NO_DUE


def test_a_reply_taken_back_was_never_said(session: Session, actor: ActorOf, later: Later) -> None:
    agent, ticket = actor("agent"), make_ticket(SYSTEM)
    before = stored(ticket)[FIRST].due_at
    later(5)
    message = say(agent, ticket)
    assert stored(ticket)[FIRST].met_at is not None
    with transaction():
        ticket_messages.take_back(agent, ticket.id, message.id)
    assert stored(ticket)[FIRST].met_at is None
    assert db.session.get_one(Ticket, ticket.id).due_at == before


def test_reopening_goes_on_with_the_same_row(session: Session, actor: ActorOf, later: Later) -> None:
    agent, ticket = actor("agent"), make_ticket(SYSTEM)
    key = stored(ticket)[SOLUTION].id
    say(agent, ticket, then=TicketStatus.SOLVED)
    assert stored(ticket)[SOLUTION].met_at is not None
    later(40)
    ask(ticket)
    again = stored(ticket)[SOLUTION]
    assert (again.id, again.met_at, again.spent) == (key, None, None)
    assert again.pauses[0][2] == "solved"


@pytest.mark.both
def test_priority_and_department_change_what_runs_and_not_what_is_over(
    session: Session, actor: ActorOf, later: Later
) -> None:
    agent, ticket = actor("agent"), make_ticket(SYSTEM)
    say(agent, ticket)
    with transaction():
        properties.set_priority(agent, [ticket.id], Priority.URGENT)
    found = stored(ticket)
    assert found[FIRST].goal == 240
    assert found[SOLUTION].goal == 240
    other = db.session.scalars(select(Department).where(Department.key == "sales")).one()
    with transaction():
        set_goals(actor("supervisor"), other.id, {Priority.URGENT: {FIRST: 5, NEXT: 5, SOLUTION: None}})
    with transaction():
        properties.set_department(agent, [ticket.id], other.id)
    assert stored(ticket)[SOLUTION].goal is None
    assert stored(ticket)[SOLUTION].due_at is None
    assert db.session.get_one(Ticket, ticket.id).due_at == NO_DUE


@pytest.mark.both
def test_merging_ends_what_ran_and_undoing_brings_it_back(session: Session, actor: ActorOf, later: Later) -> None:
    agent = actor("agent")
    target, other = make_ticket(SYSTEM), make_ticket(SYSTEM)
    before = columns(other)
    later(1)
    with transaction():
        merging.merge(agent, [other.id], target.id, different_requesters=True)
    assert stored(other) == {}
    assert set(stored(target)) == {FIRST, SOLUTION}
    with transaction():
        merging.undo_merge(agent, other.id)
    assert [{**row, "id": 0} for row in columns(other)] == [{**row, "id": 0} for row in before]


def test_splitting_gives_each_its_own(session: Session, actor: ActorOf, later: Later) -> None:
    agent, ticket = actor("agent"), make_ticket(SYSTEM)
    later(5)
    say(agent, ticket)
    later(10)
    question = ask(ticket)
    assert set(stored(ticket)) == {FIRST, NEXT, SOLUTION}
    later(30)
    with transaction():
        new = splitting.split(agent, ticket.id, [question.id], "Druga stvar")
    assert set(stored(ticket)) == {FIRST, SOLUTION}
    assert set(stored(new)) == {FIRST, SOLUTION}
    assert stored(new)[FIRST].started_at == new.created_at


@pytest.mark.only("sqlite")
def test_loaded_as_it_stood_elsewhere(session: Session) -> None:
    """A row that says "solved" without a move in its history is counted as solved then."""
    ticket = make_ticket(SYSTEM)
    with transaction():
        ticket = db.session.get_one(Ticket, ticket.id)
        ticket.status, ticket.solved_at = TicketStatus.SOLVED, MONDAY + 7 * MINUTE
        service.recalculate(ticket, MONDAY + 9 * MINUTE)
    assert stored(ticket)[SOLUTION].spent == 7
    assert ticket.due_at == NO_DUE


# --- Rules ------------------------------------------------------------------------------------------------------------


@pytest.mark.both
def test_the_most_specific_rule_wins(session: Session, actor: ActorOf) -> None:
    department = any_department()
    with transaction():
        set_goals(actor("supervisor"), department.id, {Priority.NORMAL: {FIRST: 7, NEXT: None, SOLUTION: None}})
    ticket = make_ticket(SYSTEM, department)
    assert stored(ticket)[FIRST].goal == 7
    assert stored(ticket)[SOLUTION].goal is None
    assert queries.rule_for(ticket).goals == {FIRST: 7, NEXT: None, SOLUTION: None}
    with transaction():
        assert set_goals(actor("supervisor"), department.id, {Priority.NORMAL: None})
    assert queries.rule_for(ticket).goals == {FIRST: 240, NEXT: 480, SOLUTION: 1440}


@pytest.mark.only("sqlite")
def test_setting_what_is_set_changes_nothing(session: Session, actor: ActorOf) -> None:
    before = session.scalars(select(SlaRevision.revision)).one()
    with transaction():
        assert not set_goals(actor("supervisor"), None, {Priority.URGENT: {FIRST: 30, NEXT: 60, SOLUTION: 240}})
    assert session.scalars(select(SlaRevision.revision)).one() == before


@pytest.mark.only("sqlite")
def test_goals_out_of_range(session: Session, actor: ActorOf) -> None:
    for goal in (0, -1, 10**9):
        with transaction(), pytest.raises(Invalid) as refused:
            set_goals(actor("supervisor"), None, {Priority.LOW: {FIRST: goal}})
        assert set(refused.value.fields) == {"low-first_answer"}


@pytest.mark.only("sqlite")
def test_a_solution_before_the_first_answer(session: Session, actor: ActorOf) -> None:
    with transaction(), pytest.raises(Invalid) as refused:
        set_goals(actor("supervisor"), None, {Priority.LOW: {FIRST: 60, SOLUTION: 30}})
    assert set(refused.value.fields) == {"low-solution"}


@pytest.mark.only("sqlite")
def test_who_may_change_the_rules(session: Session, actor: ActorOf) -> None:
    for role in ("agent", "billing"):
        with transaction(), pytest.raises(NotFound):
            set_goals(actor(role), None, {Priority.LOW: None})
    with transaction(), pytest.raises(NotFound):
        set_goals(actor("admin"), 10**6, {Priority.LOW: None})


@pytest.mark.both
@pytest.mark.only("postgresql")
def test_two_supervisors_at_once(
    app: Flask, session: Session, actor: ActorOf, in_threads: Callable[[Callable[[], None], int], None]
) -> None:
    supervisor, department = actor("supervisor"), any_department().id
    db.session.rollback()

    def change() -> None:
        with app.app_context():
            with transaction():
                set_goals(supervisor, department, {Priority.LOW: {FIRST: 11, NEXT: 12, SOLUTION: 13}})
            db.session.remove()

    in_threads(change, 4)
    assert len(session.scalars(select(SlaPolicy).where(SlaPolicy.department_id == department)).all()) == 1
