"""Reviewing: scoring, passing over, picking, answering; who may do what, and what the trail says of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core import clock as core_clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Reused
from console.core.transaction import transaction
from console.mail.models import Mail
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.models import TICKET_SEARCH, Ticket
from console.tickets.queries import timeline
from console.tickets.reviews import queries, rubric, service
from console.tickets.reviews import stats as chat_stats
from console.tickets.reviews.models import Review, ReviewCriterion, ReviewReason, ReviewState
from console.tickets.reviews.rubric import CriterionData
from console.tickets.reviews.service import Scoring
from console.tickets.reviews.stats import months_until
from tests import factories
from tests.tickets.canned.support import make_ticket
from tests.tickets.reviews.scene import done, points, rated, reply, waiting, worked

StaffOf = Callable[[Role | str], Staff]
ActorOf = Callable[[Role | str], Actor]
InThreads = Callable[[Callable[[], None], int], None]
only_sqlite = pytest.mark.only("sqlite")  # what it asks of the database is asked on both elsewhere


def updates(of: Actor) -> int:
    """What the badge says: unread reviews of one's own work, and for supervisors new answers of agents."""
    return db.session.scalar(queries.count_updates(of, 10)) or 0


def new_answers(to: Actor) -> list[int]:
    return list(db.session.scalars(select(Review.id).where(*queries.new_answers(to))))


def audit_entries(action: str) -> list[AuditEntry]:
    return list(db.session.scalars(select(AuditEntry).where(AuditEntry.action == action)))


@pytest.mark.both
def test_scored_once_and_read_by_its_agent(session: Session, staff_of: StaffOf, actor: ActorOf) -> None:
    agent, supervisor = staff_of("agent"), staff_of("supervisor")
    ticket = worked(agent, "Prvi odgovor", "Drugi odgovor")
    message = reply(agent, ticket, "Treći")
    review = waiting(agent, ticket)
    first, second, *rest = queries.criteria(active=True)
    values = points(4, **{f"c{first.id}": 1, f"c{second.id}": None})
    with transaction():
        service.score(
            actor("supervisor"), review.id, Scoring(values, "  Lepo.\r\n\r\nPIN 123456 ", {message.id: " red \n dva "})
        )
    weights = first.weight + sum(one.weight for one in rest)
    assert review.total == round(10_000 * (first.weight + 4 * sum(one.weight for one in rest)) / (4 * weights))
    assert review.note.startswith("Lepo.\n\nPIN ") and "123456" not in review.note
    assert [(one.message_id, one.remark) for one in review.quotes] == [(message.id, "red dva")]
    assert {one.criterion_id: one.points for one in review.scores} == values
    assert (review.state, review.reviewer_id, review.version) == (ReviewState.DONE, supervisor.id, 1)
    # What was said stays between them: not in the trail, not in mail, not on the ticket.
    (entry,) = audit_entries("review.scored")
    assert "Lepo" not in str(entry.data) and entry.subject == ticket.number
    assert not [mail for mail in session.scalars(select(Mail)) if "Lepo" in mail.text]
    assert updates(agent.actor()) == 1
    assert queries.load_review(agent.actor(), review.id).review.id == review.id
    with transaction():
        service.mark_read(agent.actor(), review.id)
    assert updates(agent.actor()) == 0


def test_a_correction_is_unread_again_and_keeps_its_day(session: Session, staff_of: StaffOf, actor: ActorOf) -> None:
    agent, supervisor, other = staff_of("agent"), staff_of("supervisor"), factories.make_staff(Role.SUPERVISOR)
    review = done(supervisor, waiting(agent), 1)
    written = review.reviewed_at
    with transaction():
        service.mark_read(agent.actor(), review.id)
    # What the rubric says later does not change what was scored.
    lines = [CriterionData(None, "Novo", "New", "", "", 7, active=True)]
    with transaction():
        rubric.save_rubric(actor("supervisor"), lines, 3)
    with pytest.raises(Conflict) as refused, transaction():
        service.score(other.actor(), review.id, Scoring(points(4), version=review.version))
    assert refused.value.code == "done"
    scores = {one.criterion_id: 4 for one in review.scores}
    with transaction():
        service.score(supervisor.actor(), review.id, Scoring(scores, "Ipak dobro", version=1))
    assert (review.total, review.reviewed_at, review.agent_read_at, review.version) == (10_000, written, None, 2)
    assert len(audit_entries("review.corrected")) == 1
    with pytest.raises(Conflict) as stale, transaction():
        service.score(supervisor.actor(), review.id, Scoring(scores, version=1))
    assert stale.value.code == "changed"


def test_what_is_refused_changes_nothing(session: Session, staff_of: StaffOf, actor: ActorOf) -> None:
    agent = staff_of("agent")
    review = waiting(agent)
    strange = reply(agent, worked(agent))
    some = queries.criteria(active=True)[0].id
    for scoring, field in (
        (Scoring({}), f"points-{some}"),
        (Scoring(points(5)), f"points-{some}"),
        (Scoring(points(True)), f"points-{some}"),
        (Scoring(points() | {99_999: 1}), "points-99999"),
        (Scoring(points(), "x" * 10_001), "note"),
        (Scoring(points(), quotes={strange.id: ""}), "quote"),
        (Scoring(points(), quotes={2**31 - 1: ""}), "quote"),
    ):
        with pytest.raises(Invalid) as refused, transaction():
            service.score(actor("supervisor"), review.id, scoring)
        assert field in refused.value.fields
    for who in ("agent", "billing", "admin"):
        for deed in (
            lambda by: service.score(by, review.id, Scoring(points())),
            lambda by: service.skip(by, review.id, "x"),
            lambda by: service.settle(by, review.id),
            lambda by: service.pick(by, review.ticket_id or 0),
            lambda by: service.answer(by, review.id, "x", "x"),
        ):
            with pytest.raises(NotFound), transaction():
                deed(actor(who))
    assert (review.state, review.version, audit_entries("review.scored")) == (ReviewState.WAITING, 0, [])


def test_no_one_reviews_their_own_work(session: Session, staff_of: StaffOf) -> None:
    one = staff_of("supervisor")
    review = waiting(one)
    with pytest.raises(Conflict) as refused, transaction():
        service.score(one.actor(), review.id, Scoring(points()))
    assert refused.value.code == "own"
    assert queries.next_waiting(one.actor()) is None
    other = factories.make_staff(Role.SUPERVISOR)
    with pytest.raises(Conflict), transaction():
        service.skip(one.actor(), review.id, "moje")
    found = queries.next_waiting(other.actor())
    assert found is not None and found.id == review.id
    done(other, review)
    with transaction():
        service.answer(one.actor(), review.id, "Hvala", "a")
    # Their own answer is news to the other, not to themselves.
    assert (new_answers(one.actor()), new_answers(other.actor())) == ([], [review.id])
    with pytest.raises(Conflict), transaction():
        service.settle(one.actor(), review.id)


def test_a_sole_supervisor_can_skip_reviews_of_their_own_work(session: Session, staff_of: StaffOf) -> None:
    one = staff_of("supervisor")
    review = waiting(one)
    with transaction():
        service.skip(one.actor(), review.id, " Nema \n drugog ")
    assert (review.state, review.skip_reason, review.reviewer_id) == (ReviewState.SKIPPED, "Nema drugog", one.id)
    other = waiting(one).id
    with pytest.raises(Invalid), transaction():
        service.skip(one.actor(), other, " \n ")


def test_what_was_passed_over_can_be_reviewed(session: Session, staff_of: StaffOf) -> None:
    agent, supervisor = staff_of("agent"), staff_of("supervisor")
    review = waiting(agent)
    with transaction():
        service.skip(supervisor.actor(), review.id, "Sitnica")
    done(supervisor, review)
    assert (review.state, review.total) == (ReviewState.DONE, 7_500)
    with pytest.raises(Conflict) as refused, transaction():
        service.skip(supervisor.actor(), review.id, "x")
    assert refused.value.code == "done"


@pytest.mark.both
def test_two_supervisors_at_once_store_one(
    app: Flask, session: Session, staff_of: StaffOf, in_threads: InThreads
) -> None:
    review_id = waiting(staff_of("agent")).id
    people = iter([staff_of("supervisor").actor(), factories.make_staff(Role.SUPERVISOR).actor()])
    values = points()
    outcomes: list[str] = []
    db.session.rollback()

    def work() -> None:
        who = next(people)
        with app.app_context():
            try:
                with transaction():
                    service.score(who, review_id, Scoring(values, who.name))
                outcomes.append("stored")
            except Conflict as refusal:
                outcomes.append(refusal.code)
            db.session.remove()

    in_threads(work, 2)
    assert sorted(outcomes) == ["done", "stored"]
    assert len(audit_entries("review.scored")) == 1


@pytest.mark.both
def test_picked_by_hand_once_while_it_waits(session: Session, staff_of: StaffOf, actor: ActorOf) -> None:
    agent, billing = staff_of("agent"), staff_of("billing")
    ticket = worked(agent, "Jedan", "Dva")
    reply(billing, ticket, "Tri")
    with transaction():
        review = service.pick(actor("supervisor"), ticket.id, None, "  Ton\n prema korisniku ")
    assert (review.agent_id, review.reason, review.remark) == (agent.id, ReviewReason.PICKED, "Ton prema korisniku")
    with transaction():
        assert service.pick(actor("supervisor"), ticket.id).id == review.id
        other = service.pick(actor("supervisor"), ticket.id, billing.id)
    assert other.id != review.id
    done(staff_of("supervisor"), review)
    with transaction():
        again = service.pick(actor("supervisor"), ticket.id)
    assert again.id not in (review.id, other.id)
    assert len(audit_entries("review.picked")) == 3
    for ticket_id, agent_id in ((ticket.id, 99_999), (make_ticket().id, None)):
        with pytest.raises(Invalid), transaction():
            service.pick(actor("supervisor"), ticket_id, agent_id)
    with pytest.raises(Invalid), transaction():
        service.pick(actor("supervisor"), ticket.id, None, "x" * 501)


def test_agent_and_supervisor_answer_each_other(session: Session, staff_of: StaffOf, actor: ActorOf) -> None:
    agent, supervisor = staff_of("agent"), staff_of("supervisor")
    review = waiting(agent)
    with pytest.raises(NotFound), transaction():
        service.answer(agent.actor(), review.id, "Pre vremena", "a")
    done(supervisor, review)
    with transaction():
        service.mark_read(agent.actor(), review.id)
        question = service.answer(agent.actor(), review.id, "Zašto 3? <script>", "a")
    with transaction():
        assert service.answer(agent.actor(), review.id, "Zašto 3? <script>", "a").id == question.id
    with pytest.raises(Reused), transaction():
        service.answer(agent.actor(), review.id, "Zašto 3?", "a")
    assert updates(supervisor.actor()) == 1
    assert queries.count_states(supervisor.actor(), 9) == {"waiting": 0, "done": 1, "skipped": 0, "answered": 1}
    with transaction():
        service.answer(supervisor.actor(), review.id, "Zbog tona.", "b")
    assert (review.answered, review.agent_read_at) == (False, None)
    with transaction():
        service.answer(agent.actor(), review.id, "Jasno.", "c")
        service.settle(supervisor.actor(), review.id)
    assert updates(supervisor.actor()) == 0
    for body, client_id in (("", "x"), ("x" * 4_001, "x"), ("x", ""), ("x", "x" * 65)):
        with pytest.raises(Invalid), transaction():
            service.answer(agent.actor(), review.id, body, client_id)
    with pytest.raises(NotFound), transaction():
        service.answer(factories.make_staff(Role.AGENT).actor(), review.id, "Ja sam drugi", "z")


# --- The rubric -------------------------------------------------------------------------------------------------------


def as_data(row: ReviewCriterion, **changes: object) -> CriterionData:
    values = {name: getattr(row, name) for name in ("id", "name_sr", "name_en", "about_sr", "about_en", "weight")}
    return CriterionData(**{**values, "active": row.active, **changes})


def test_the_rubric_is_changed_and_the_used_stay(session: Session, staff_of: StaffOf, actor: ActorOf) -> None:
    review = done(staff_of("supervisor"), waiting(staff_of("agent")))
    before = [(one.name_sr, one.weight) for one in review.scores]
    rows = list(queries.criteria())
    with transaction():
        new = CriterionData(None, "Brzina", "Speed", "", "", 2, active=True)
        assert rubric.save_rubric(actor("supervisor"), [as_data(rows[1], name_sr="Drugačije"), new], 4, version=0)
    speed = next(one for one in queries.criteria() if one.name_en == "Speed")
    assert [one.name_sr for one in queries.criteria(active=True)] == ["Drugačije", "Brzina"]
    assert {one.id for one in queries.criteria()} == {one.id for one in rows} | {speed.id}
    assert [(one.name_sr, one.weight) for one in review.scores] == before
    # One that never was scored goes; nothing different writes nothing; an old form is refused.
    with transaction():
        assert rubric.save_rubric(actor("supervisor"), [as_data(one) for one in rows], 4)
    assert speed.id not in {one.id for one in queries.criteria()}
    changes = len(audit_entries("review.rubric_changed"))
    with transaction():
        assert not rubric.save_rubric(actor("supervisor"), [as_data(one) for one in queries.criteria()], 4)
    assert len(audit_entries("review.rubric_changed")) == changes == 2
    with pytest.raises(Conflict), transaction():
        rubric.save_rubric(actor("supervisor"), [as_data(rows[0])], 1, version=0)
    # A reviewer who was scoring by the old one gets a conflict.
    behind = waiting(staff_of("agent")).id
    with pytest.raises(Conflict) as refused, transaction():
        service.score(actor("supervisor"), behind, Scoring(points(), rubric=0))
    assert refused.value.code == "rubric"


@only_sqlite
def test_a_wrong_rubric_is_refused(session: Session, actor: ActorOf) -> None:
    (row, *_more) = queries.criteria()
    off = [as_data(one, active=False) for one in queries.criteria()]
    for lines, sample, field in (
        ([as_data(row, name_sr="")], 1, "0-name_sr"),
        ([as_data(row, about_en="x" * 301)], 1, "0-about_en"),
        ([as_data(row, weight=0)], 1, "0-weight"),
        ([as_data(row, weight=True)], 1, "0-weight"),
        (off, 1, "rubric"),
        ([as_data(row)], 21, "sample"),
        ([as_data(row)], -1, "sample"),
    ):
        with pytest.raises(Invalid) as refused, transaction():
            rubric.save_rubric(actor("supervisor"), lines, sample)
        assert field in refused.value.fields
    for lines in ([as_data(row), as_data(row)], [as_data(row, id=99_999)]):
        with pytest.raises(Invalid), transaction():
            rubric.save_rubric(actor("supervisor"), lines, 1)
    with pytest.raises(NotFound), transaction():
        rubric.save_rubric(actor("agent"), [as_data(row)], 1)


# --- Figures ----------------------------------------------------------------------------------------------------------


@pytest.mark.both
def test_statistics_by_agent_department_and_month(session: Session, staff_of: StaffOf) -> None:
    agent, billing, supervisor = staff_of("agent"), staff_of("billing"), staff_of("supervisor")
    zone = ZoneInfo("Europe/Belgrade")
    # 23:30 UTC of 31 October is 1 November here.
    for at, whom, value in (
        (datetime(2026, 10, 31, 22, 30, tzinfo=UTC), agent, 1),
        (datetime(2026, 10, 31, 23, 30, tzinfo=UTC), agent, 2),
        (datetime(2026, 11, 5, 9, 0, tzinfo=UTC), billing, 4),
        (datetime(2026, 11, 6, 9, 0, tzinfo=UTC), agent, None),
    ):
        with core_clock.standing_at(at):
            done(supervisor, waiting(whom), value)
    with core_clock.standing_at(datetime(2026, 11, 7, 9, 0, tzinfo=UTC)):
        rated(agent, 1)
        rated(agent, 4)
    for many in (1, 2, 24):
        months = months_until(date(2026, 11, 20), many, zone)
        book = chat_stats.book(supervisor.actor(), months)
        assert len(months.firsts) == many and months.firsts[-1] == date(2026, 11, 1)
        november = book.by_month()[-1]
        assert (november.reviews, november.scored, november.average) == (3, 2, 75.0)
        assert (november.ratings, november.rating, november.low) == (2, 2.5, 1)
    assert [one.reviews for one in book.by_month()[-2:]] == [1, 3]
    assert {key: one.average for key, one in book.by_agent().items()} == {agent.id: 37.5, billing.id: 100.0}
    assert [one.reviews for one in book.by_department().values()] == [4]
    first = queries.criteria(active=True)[0].id
    assert book.of().of(first) == pytest.approx(100 * 7 / 12)
    # Staff who do not review see their own, whatever the filter.
    own = chat_stats.book(agent.actor(), months, agent_id=billing.id)
    assert own.of().reviews == 0
    assert set(chat_stats.book(agent.actor(), months).by_agent()) == {agent.id}


@pytest.mark.both
def test_search_and_lists_of_tickets_know_nothing_of_it(session: Session, staff_of: StaffOf) -> None:
    agent = staff_of("agent")
    review = done(staff_of("supervisor"), waiting(agent), note="Neponovljivareč")
    with transaction():
        service.answer(agent.actor(), review.id, "Neponovljivareč", "a")
    hits = TICKET_SEARCH.matches(session, Ticket.id, "neponovljivarec")
    assert hits is not None
    assert session.scalar(select(func.count()).select_from(Ticket).where(hits)) == 0
    assert not [one for one in timeline(review.ticket_id or 0) if "Neponovljivareč" in one.body]
    assert session.get_one(Review, review.id).ticket.tags == []
