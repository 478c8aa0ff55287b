"""The worker tells once of what is at risk or broken, however many workers there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.db import db
from console.core.transaction import transaction
from console.mail.models import Mail
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.models import Priority, Ticket, TicketMessage, TicketStatus
from console.tickets.service import messages as ticket_messages
from console.tickets.service import properties
from console.tickets.service.messages import Writing
from console.tickets.sla import jobs as sla_jobs
from console.tickets.sla import queries
from console.tickets.sla.models import SlaRevision, SlaTarget
from console.tickets.sla.policies import set_goals
from console.tickets.sla.rules import TargetKind
from tests.factories.tickets import make_ticket
from tests.support.queries import count_queries

pytestmark = pytest.mark.both

FIRST, NEXT, SOLUTION = TargetKind
ActorOf = Callable[[Role | str], Actor]
StaffOf = Callable[[Role | str], Staff]
Later = Callable[[int], None]
InThreads = Callable[[Callable[[], None], int], None]
MONDAY = datetime(2026, 11, 23, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def later() -> Iterator[Callable[[int], None]]:
    """The clock stands at eleven on Monday; ``later(20)`` puts it twenty minutes after that."""
    with ExitStack() as stack:

        def stand(minutes: int) -> None:
            stack.enter_context(clock.standing_at(MONDAY + minutes * MINUTE))

        stand(0)
        yield stand


def events(name: str) -> list[TicketMessage]:
    db.session.rollback()
    query = select(TicketMessage).where(TicketMessage.event == name).order_by(TicketMessage.id)
    return list(db.session.scalars(query))


def mails(template: str) -> list[Mail]:
    db.session.rollback()
    return list(db.session.scalars(select(Mail).where(Mail.template == template).order_by(Mail.id)))


def trail(action: str) -> int:
    return db.session.scalar(select(func.count()).where(AuditEntry.action == action)) or 0


def urgent(many: int = 1, assignee: Staff | None = None) -> list[Ticket]:
    """Tickets whose first answer is due in half an hour."""
    with transaction():
        return [
            make_ticket(
                SYSTEM, priority=Priority.URGENT, assignee_id=assignee.id if assignee else None, notify_requester=False
            )
            for _ in range(many)
        ]


def test_nothing_to_do_writes_nothing(app: Flask, session: Session, later: Later) -> None:
    urgent()
    sla_jobs.update_targets()
    with count_queries(app) as seen:
        sla_jobs.update_targets()
    assert all(statement.startswith("SELECT") for statement in seen), seen
    assert seen.count <= 6


def test_warned_once_then_missed_once(session: Session, staff_of: StaffOf, later: Later) -> None:
    agent, supervisor = staff_of("agent"), staff_of("supervisor")
    (ticket,) = urgent(assignee=agent)
    moved = ticket.updated_at
    later(22)
    sla_jobs.update_targets()
    assert events("sla_target_at_risk") == []
    later(23)  # three quarters of 30 minutes are 22.5
    sla_jobs.update_targets()
    sla_jobs.update_targets()
    (event,) = events("sla_target_at_risk")
    assert event.ticket_id == ticket.id
    assert event.data["kind"] == "first_answer"
    assert datetime.fromisoformat(event.data["due_at"]) == MONDAY + 30 * MINUTE
    (mail,) = mails("sla_targets_at_risk")
    assert mail.to_address == agent.email
    assert ticket.number in mail.text

    later(30)
    sla_jobs.update_targets()
    assert events("sla_target_missed") == []
    later(31)
    sla_jobs.update_targets()
    sla_jobs.update_targets()
    (event,) = events("sla_target_missed")
    assert event.data == {"kind": "first_answer"}
    (mail,) = mails("sla_targets_missed")
    assert mail.to_address == supervisor.email
    assert ticket.number in mail.html
    assert trail("sla.missed") == trail("sla.escalated") == 1
    stored = session.scalars(select(SlaTarget).where(SlaTarget.kind == FIRST)).one()
    assert stored.broken_at == MONDAY + 30 * MINUTE
    assert stored.escalated_at is not None
    assert session.get_one(Ticket, ticket.id).updated_at == moved
    assert len(mails("sla_targets_at_risk")) == 1


def test_a_subject_is_text_in_the_mail(session: Session, staff_of: StaffOf, later: Later) -> None:
    staff_of("supervisor")
    make_ticket(SYSTEM, priority=Priority.URGENT, subject="<img src=x onerror=alert(1)> {{ 7*7 }}")
    later(31)
    sla_jobs.update_targets()
    (mail,) = mails("sla_targets_missed")
    assert "<img" not in mail.html and "&lt;img src=x" in mail.html
    assert "{{ 7*7 }}" in mail.text
    assert "img" not in mail.subject


def test_a_target_missed_between_two_runs_is_not_warned_of(session: Session, staff_of: StaffOf, later: Later) -> None:
    staff_of("supervisor")
    urgent()
    later(45)
    sla_jobs.update_targets()
    assert events("sla_target_at_risk") == []
    assert len(events("sla_target_missed")) == 1


def test_hundreds_at_once_are_one_mail_to_each_supervisor(
    session: Session, staff_of: StaffOf, later: Later, samples: Callable[[int, int], int]
) -> None:
    staff_of("supervisor")
    many = samples(400, 60)
    urgent(many)
    later(31)
    sla_jobs.update_targets()
    assert len(events("sla_target_missed")) == many
    (mail,) = mails("sla_targets_missed")
    assert str(many) in mail.subject
    assert mail.text.count("/console/tickets/") == sla_jobs.LISTED
    assert session.scalar(select(func.count()).where(SlaTarget.escalated_at.is_not(None))) == many


def test_paused_solved_and_answered_are_left_alone(session: Session, actor: ActorOf, later: Later) -> None:
    waiting, solved = urgent(2)
    with transaction():
        properties.set_status(actor("agent"), [waiting.id], TicketStatus.WAITING)
        properties.set_status(actor("agent"), [solved.id], TicketStatus.SOLVED)
    later(600)
    sla_jobs.update_targets()
    assert events("sla_target_at_risk") == events("sla_target_missed") == []


def test_a_target_in_time_again_is_warned_of_again(session: Session, actor: ActorOf, later: Later) -> None:
    (ticket,) = urgent()
    later(29)
    sla_jobs.update_targets()
    with transaction():
        properties.set_priority(actor("agent"), [ticket.id], Priority.LOW)
    with transaction():
        properties.set_priority(actor("agent"), [ticket.id], Priority.URGENT)
    sla_jobs.update_targets()
    assert len(events("sla_target_at_risk")) == 2


def test_a_change_of_policies_is_applied_in_batches(
    session: Session, actor: ActorOf, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sla_jobs, "BATCH", 4)
    tickets = urgent(10)
    with transaction():
        properties.set_status(actor("agent"), [tickets[0].id], TicketStatus.SOLVED)
    with transaction():
        set_goals(actor("supervisor"), None, {Priority.URGENT: {FIRST: 10, NEXT: 60, SOLUTION: None}})
    sla_jobs.update_targets()
    db.session.rollback()
    revision = session.scalars(select(SlaRevision.revision)).one()
    for ticket in session.scalars(select(Ticket).where(Ticket.id != tickets[0].id)):
        assert ticket.due_at == MONDAY + 10 * MINUTE
    running = session.scalars(select(SlaTarget.revision).where(SlaTarget.met_at.is_(None))).all()
    assert set(running) == {revision}
    over = session.scalars(select(SlaTarget).where(SlaTarget.ticket_id == tickets[0].id)).all()
    assert {row.goal for row in over} == {30, 240}


def test_two_workers_tell_once(
    app: Flask, session: Session, staff_of: StaffOf, later: Later, in_threads: InThreads
) -> None:
    agent, _supervisor = staff_of("agent"), staff_of("supervisor")
    many = len(urgent(6, assignee=agent))

    def work() -> None:
        with app.app_context():
            sla_jobs.update_targets()
            db.session.remove()

    db.session.rollback()
    later(25)
    in_threads(work, 3)
    assert len(events("sla_target_at_risk")) == many
    notified = "".join(mail.text for mail in mails("sla_targets_at_risk"))
    assert notified.count("/console/tickets/") == many

    later(31)
    in_threads(work, 3)
    assert len(events("sla_target_missed")) == many
    assert session.scalar(select(func.count()).where(SlaTarget.escalated_at.is_not(None))) == many
    listed = "".join(mail.text for mail in mails("sla_targets_missed"))
    assert listed.count("/console/tickets/") == many
    assert trail("sla.missed") == many


def test_two_workers_notice_new_hours_once(app: Flask, session: Session, in_threads: InThreads) -> None:
    urgent()
    sla_jobs.update_targets()
    before = session.scalars(select(SlaRevision.revision)).one()
    with transaction():
        session.execute(update(SlaRevision).values(hours_revision=-1))

    def work() -> None:
        with app.app_context():
            sla_jobs.apply_new_hours()
            db.session.remove()

    in_threads(work, 3)
    assert session.scalars(select(SlaRevision.revision)).one() == before + 1


def test_lists_find_them(session: Session, later: Later) -> None:
    near, late = urgent(2)
    far = make_ticket(SYSTEM)
    later(25)
    with transaction():
        properties.set_priority(SYSTEM, [late.id], Priority.HIGH)
        set_goals(SYSTEM, None, {Priority.HIGH: {FIRST: 20, NEXT: 20, SOLUTION: 20}})
    sla_jobs.update_targets()
    now = clock.now()

    def found(condition: object) -> set[int]:
        return set(session.scalars(select(Ticket.id).where(condition)))  # type: ignore[arg-type]

    assert found(queries.at_risk(now)) == {near.id}
    assert found(queries.overdue(now)) == {late.id}
    assert far.id not in found(queries.at_risk(now) | queries.overdue(now))


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    ("condition", "index"),
    [
        (queries.at_risk, "ix_sla_targets_risk_at_due_at"),
        (queries.overdue, "ix_tickets_is_open_due_at_id"),
    ],
)
def test_the_plan_names_the_index(session: Session, condition: Any, index: str) -> None:
    query = select(Ticket.id).where(condition(clock.now()))
    compiled = query.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
    plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}").all()
    assert any(index in line[-1] for line in plan), plan


def test_workers_and_agents_do_not_block_each_other(
    app: Flask, session: Session, actor: ActorOf, staff_of: StaffOf, later: Later, in_threads: InThreads
) -> None:
    """Agents answer and move the very tickets that two workers tell of: no deadlock, nothing told twice."""
    agent, _supervisor = actor("agent"), staff_of("supervisor")
    keys = [ticket.id for ticket in urgent(6)]
    db.session.rollback()
    later(31)
    turns = iter(range(4))

    def work() -> None:
        turn = next(turns)
        with app.app_context():
            for number in range(4):
                if turn < 2:
                    sla_jobs.update_targets()
                    continue
                with transaction():
                    properties.set_priority(agent, keys[number : number + 3], Priority(1 + (turn + number) % 4))
                with transaction():
                    ticket_messages.reply(agent, keys[number], Writing("Gledamo.", f"c{turn}-{number}", anyway=True))
            db.session.remove()

    in_threads(work, 4)
    sla_jobs.update_targets()
    missed = [(event.ticket_id, event.data["kind"]) for event in events("sla_target_missed")]
    escalated = session.scalar(select(func.count()).where(SlaTarget.escalated_at.is_not(None))) or 0
    assert escalated <= len(missed)
    assert len(events("sla_target_missed")) == trail("sla.missed")
    for key in keys:
        ticket = session.get_one(Ticket, key)
        running = session.scalars(
            select(SlaTarget.due_at).where(
                SlaTarget.ticket_id == key, SlaTarget.met_at.is_(None), SlaTarget.due_at.is_not(None)
            )
        ).all()
        assert ticket.due_at == min(instant for instant in running if instant is not None)
