"""What comes into the queue by itself: the weekly draw, missed SLA targets, overrides; once, whoever gathers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from console import worker
from console.core import clock as core_clock
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.transaction import transaction
from console.customers.models import Verification
from console.customers.verification.supervision import override
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.models import Ticket, TicketStatus
from console.tickets.reviews import jobs as review_jobs
from console.tickets.reviews import queries, service
from console.tickets.reviews.models import Review, ReviewReason, ReviewSettings
from console.tickets.service import properties, ratings
from console.tickets.sla.models import SlaTarget
from tests import factories
from tests.support.queries import count_queries
from tests.tickets.canned.support import make_ticket
from tests.tickets.reviews.scene import VISITOR, done, rated, reply, waiting, worked

pytestmark = pytest.mark.both

StaffOf = Callable[[Role | str], Staff]
InThreads = Callable[[Callable[[], None], int], None]
BELGRADE = ZoneInfo("Europe/Belgrade")
THURSDAY = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def queue(reason: ReviewReason) -> list[Review]:
    db.session.rollback()
    return list(db.session.scalars(select(Review).where(Review.reason == reason).order_by(Review.id)))


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    ("day", "week", "begin", "end"),
    [
        ("2026-11-23", "2026-W47", "2026-11-15T23:00", "2026-11-22T23:00"),
        ("2026-11-29", "2026-W47", "2026-11-15T23:00", "2026-11-22T23:00"),
        ("2027-01-04", "2026-W53", "2026-12-27T23:00", "2027-01-03T23:00"),
        ("2027-01-11", "2027-W01", "2027-01-03T23:00", "2027-01-10T23:00"),
        ("2027-01-01", "2026-W52", "2026-12-20T23:00", "2026-12-27T23:00"),
        ("2026-03-30", "2026-W13", "2026-03-22T23:00", "2026-03-29T22:00"),  # the clocks went forward
        ("2026-10-26", "2026-W43", "2026-10-18T22:00", "2026-10-25T23:00"),  # and back
    ],
)
def test_weeks(day: str, week: str, begin: str, end: str) -> None:
    now = datetime.fromisoformat(f"{day}T12:00+00:00")
    named, first, last = review_jobs.last_week(now, BELGRADE)
    assert (named, f"{first:%Y-%m-%dT%H:%M}", f"{last:%Y-%m-%dT%H:%M}") == (week, begin, end)


def test_weeks_follow_each_other_over_new_year() -> None:
    names = [review_jobs.last_week(MONDAY + timedelta(weeks=number), BELGRADE)[0] for number in range(12)]
    assert names == sorted(names) and len(set(names)) == 12


def solved_last_week(staff: Staff, many: int) -> list[int]:
    with core_clock.standing_at(THURSDAY):
        return [worked(staff).id for _ in range(many)]


def test_some_of_each_agents_week_are_drawn_once(session: Session, staff_of: StaffOf) -> None:
    agent, billing, supervisor = staff_of("agent"), staff_of("billing"), staff_of("supervisor")
    mine, theirs = solved_last_week(agent, 5), solved_last_week(billing, 1)
    solved_last_week(supervisor, 2)  # whose own work is not drawn
    with core_clock.standing_at(THURSDAY):
        worked(factories.make_staff(Role.AGENT, active=False))
        make_ticket()
    had = done(supervisor, waiting(agent, db.session.get(Ticket, mine[0]))).id
    with core_clock.standing_at(MONDAY):
        review_jobs.gather()
        review_jobs.gather()
    drawn = queue(ReviewReason.SAMPLE)
    assert [one.ticket_id for one in drawn if one.agent_id == billing.id] == theirs
    of_agent = {one.ticket_id for one in drawn if one.agent_id == agent.id and one.id != had}
    assert len(of_agent) == 2 and of_agent < set(mine[1:])
    assert {one.agent_id for one in drawn} == {agent.id, billing.id}
    assert queries.settings_row().drawn_week == "2026-W47"


def test_the_draw_is_the_same_in_every_worker(session: Session, staff_of: StaffOf) -> None:
    agent = staff_of("agent")
    solved_last_week(agent, 8)
    found = []
    for _ in range(2):
        with core_clock.standing_at(MONDAY):
            review_jobs.draw()
        found.append([one.ticket_id for one in queue(ReviewReason.SAMPLE)])
        with transaction() as session_:
            session_.query(Review).delete()
            session_.execute(update(ReviewSettings).values(drawn_week=""))
    assert found[0] == found[1] and len(found[0]) == 2


def test_a_sample_of_none_draws_nothing(session: Session, staff_of: StaffOf) -> None:
    solved_last_week(staff_of("agent"), 3)
    with transaction() as session_:
        session_.execute(update(ReviewSettings).values(sample=0))
    with core_clock.standing_at(MONDAY):
        assert review_jobs.draw() == 0


def test_workers_at_once_gather_once(app: Flask, session: Session, staff_of: StaffOf, in_threads: InThreads) -> None:
    agent = staff_of("agent")
    solved_last_week(agent, 6)
    late = broken(agent)
    overridden(staff_of("supervisor"))
    db.session.rollback()

    def work() -> None:
        with app.app_context():
            review_jobs.gather()
            db.session.remove()

    with core_clock.standing_at(MONDAY + timedelta(days=1)):
        in_threads(work, 4)
    assert len(queue(ReviewReason.SAMPLE)) == 2
    assert [one.ticket_id for one in queue(ReviewReason.SLA_TARGET)] == [late]
    assert len(queue(ReviewReason.OVERRIDE)) == 1


def test_killed_in_the_middle_it_is_done_the_next_time(
    session: Session, staff_of: StaffOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = staff_of("agent")
    solved_last_week(agent, 4)
    broken(agent)
    real = service.enqueue

    def cut(rows: list[dict[str, object]]) -> None:
        real(rows)
        raise SystemExit

    for work in (review_jobs.draw, review_jobs.missed_targets):
        with core_clock.standing_at(MONDAY):
            with monkeypatch.context() as patched:
                patched.setattr(service, "enqueue", cut)
                with pytest.raises(SystemExit):
                    work()
            db.session.rollback()
            before = db.session.scalar(select(func.count()).select_from(Review)) or 0
            assert work() == (db.session.scalar(select(func.count()).select_from(Review)) or 0) - before > 0
    assert queries.settings_row().drawn_week == "2026-W47"


def broken(staff: Staff) -> int:
    """Make a ticket whose target was missed on Monday."""
    ticket = make_ticket()
    reply(staff, ticket)
    with transaction() as session:
        session.execute(update(SlaTarget).where(SlaTarget.ticket_id == ticket.id).values(broken_at=MONDAY))
    return ticket.id


def test_missed_targets_are_queued_once_with_their_agent(session: Session, staff_of: StaffOf) -> None:
    agent = staff_of("agent")
    ticket_id = broken(agent)
    nobodys = make_ticket()
    with transaction() as session_:
        session_.execute(update(SlaTarget).where(SlaTarget.ticket_id == nobodys.id).values(broken_at=MONDAY))
    with core_clock.standing_at(MONDAY):
        review_jobs.gather()
        review_jobs.gather()
        (review,) = queue(ReviewReason.SLA_TARGET)
        assert (review.ticket_id, review.agent_id, review.key) == (ticket_id, agent.id, f"sla_target:{ticket_id}")
        done(staff_of("supervisor"), review)
        assert review_jobs.missed_targets() == 0
        with transaction():
            properties.assign(SYSTEM, [nobodys.id], agent.id)
        assert review_jobs.missed_targets() == 1
    with core_clock.standing_at(MONDAY + timedelta(days=15)):
        broken_long_ago = broken(agent)
        assert review_jobs.missed_targets() == 0
    assert broken_long_ago not in {one.ticket_id for one in queue(ReviewReason.SLA_TARGET)}


def overridden(supervisor: Staff, *, work: bool = True) -> Verification:
    """Open an account with a reason on Thursday, and write in a ticket of it."""
    customer = factories.make_customer()
    with core_clock.standing_at(THURSDAY):
        ticket = make_ticket(customer=customer)
        with transaction():
            opened = override(supervisor.actor(), customer, "Poziv direktora, nema PIN")
        if work:
            reply(supervisor, ticket)
    return opened


def test_overrides_come_when_they_are_over(session: Session, staff_of: StaffOf) -> None:
    supervisor = staff_of("supervisor")
    first, second = overridden(supervisor), overridden(supervisor, work=False)
    with core_clock.standing_at(THURSDAY + timedelta(minutes=1)):
        assert review_jobs.overrides() == 0
    with core_clock.standing_at(MONDAY):
        assert review_jobs.overrides() == 2
        assert review_jobs.overrides() == 0
    one, two = queue(ReviewReason.OVERRIDE)
    assert (one.verification_id, one.agent_id) == (first.id, supervisor.id)
    assert one.ticket is not None and one.ticket.customer_id == first.customer_id
    assert (two.verification_id, two.ticket_id, two.subject) == (second.id, None, f"V-{second.id}")


def test_one_that_is_still_open_waits_and_holds_up_none_before_it(session: Session, staff_of: StaffOf) -> None:
    supervisor = staff_of("supervisor")
    old = overridden(supervisor)
    customer = factories.make_customer()
    with core_clock.standing_at(MONDAY):
        with transaction():
            live = override(supervisor.actor(), customer, "Još jedan poziv")
        assert review_jobs.overrides() == 1
        assert review_jobs.overrides() == 0
    with core_clock.standing_at(MONDAY + timedelta(days=1)):
        assert review_jobs.overrides() == 1
    assert [one.verification_id for one in queue(ReviewReason.OVERRIDE)] == [old.id, live.id]


def test_a_low_rating_takes_over_what_waits(session: Session, staff_of: StaffOf) -> None:
    agent = staff_of("agent")
    rated(agent, 3)
    assert queue(ReviewReason.RATING) == []
    ticket = rated(agent, 2)
    assert [one.ticket_id for one in queue(ReviewReason.RATING)] == [ticket.id]
    again = worked(agent)
    sampled = waiting(agent, again)
    with transaction():
        ratings.rate(VISITOR, again, 1)
    assert [one.id for one in queue(ReviewReason.RATING)][-1] == sampled.id
    assert len(queue(ReviewReason.RATING)) == 2


def test_nothing_to_gather_writes_nothing(app: Flask, session: Session, staff_of: StaffOf) -> None:
    with core_clock.standing_at(MONDAY):
        review_jobs.gather()
        with count_queries(app) as seen:
            review_jobs.gather()
    assert all(statement.startswith("SELECT") for statement in seen), seen
    assert seen.count <= 4


def test_the_worker_gathers(app: Flask, session: Session, staff_of: StaffOf) -> None:
    ticket_id = broken(staff_of("agent"))
    with transaction():
        properties.set_status(SYSTEM, [ticket_id], TicketStatus.SOLVED)
    db.session.rollback()
    job = next(one for one in worker.JOBS if one.name == "reviews.gather")
    with core_clock.standing_at(MONDAY):
        assert worker.run_job(app, job)
    assert [one.ticket_id for one in queue(ReviewReason.SLA_TARGET)] == [ticket_id]
