"""How content the requester was: once, when there is something to rate; a low score is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.errors import Conflict, Invalid
from console.core.transaction import transaction
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.models import Ticket, TicketMessage, TicketStatus
from console.tickets.reviews import queries
from console.tickets.reviews.models import Review, ReviewReason, TicketRating
from console.tickets.service import merging, properties, ratings
from console.tickets.service.ratings import may_rate, rate, read_score
from tests.tickets.canned.support import make_ticket
from tests.tickets.reviews.scene import VISITOR, reply, solve, worked

StaffOf = Callable[[Role | str], Staff]
InThreads = Callable[[Callable[[], None], int], None]


def stored() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(TicketRating)) or 0


@pytest.mark.both
def test_rated_once_with_whose_work_it_was(session: Session, staff_of: StaffOf) -> None:
    agent, billing = staff_of("agent"), staff_of("billing")
    ticket = make_ticket()
    reply(billing, ticket)
    for text in ("Jedan", "Dva"):
        reply(agent, ticket, text)
    solve(ticket)
    assert may_rate(ticket)
    with transaction():
        rated = rate(VISITOR, ticket, 5, " Hvala!\r\nPIN mi je 123 456 ")
    assert (rated.score, rated.agent_id, rated.department_id) == (5, agent.id, ticket.department_id)
    assert rated.comment.startswith("Hvala!\n") and "123" not in rated.comment
    assert not may_rate(ticket)
    found = queries.rating_of(ticket.id)
    assert found is not None and found.score == 5
    event = session.scalars(select(TicketMessage).where(TicketMessage.event == "rated")).one()
    assert (event.data, event.name) == ({"score": 5}, VISITOR.name)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "ticket.rated")).one()
    assert entry.data["score"] == 5 and "Hvala" not in str(entry.data)
    with pytest.raises(Conflict) as refused, transaction():
        rate(VISITOR, ticket, 1)
    assert refused.value.code == "rated"
    assert session.scalar(select(func.count()).select_from(Review)) == 0


def test_a_low_score_is_looked_at(session: Session, staff_of: StaffOf) -> None:
    agent = staff_of("agent")
    for score in ratings.SCORES:
        ticket = worked(agent)
        with transaction():
            rate(VISITOR, ticket, score)
    reviews = session.scalars(select(Review)).all()
    assert [(one.reason, one.agent_id) for one in reviews] == [(ReviewReason.RATING, agent.id)] * 2
    # No agent's work: there is no one to talk to about it.
    ticket = make_ticket()
    solve(ticket)
    with transaction():
        assert rate(VISITOR, ticket, 1).agent_id is None
    assert len(session.scalars(select(Review)).all()) == 2


def test_when_there_is_nothing_to_rate(session: Session, staff_of: StaffOf) -> None:
    agent = staff_of("agent")
    opened = make_ticket()
    again = worked(agent)
    with transaction():
        properties.set_status(SYSTEM, [again.id], TicketStatus.OPEN)
    gone, root = worked(agent), worked(agent)
    with transaction():
        merging.merge(agent.actor(), [gone.id], root.id)
    for ticket, code in ((opened, "open"), (again, "open"), (gone, "merged")):
        assert not may_rate(session.get_one(Ticket, ticket.id))
        with pytest.raises(Conflict) as refused, transaction():
            rate(VISITOR, ticket, 5)
        assert refused.value.code == code
    assert stored() == 0
    # What was rated and came back keeps its rating.
    with transaction():
        rate(VISITOR, root, 4)
        properties.set_status(SYSTEM, [root.id], TicketStatus.OPEN)
    solve(root)
    with pytest.raises(Conflict), transaction():
        rate(VISITOR, root, 1)
    assert stored() == 1


@pytest.mark.only("sqlite")
def test_what_is_no_score(session: Session, staff_of: StaffOf) -> None:
    ticket = worked(staff_of("agent"))
    wrong: list[Any] = [0, 6, -1, True, 5.0, "5", None]
    for score in wrong:
        with pytest.raises(Invalid) as refused, transaction():
            rate(VISITOR, ticket, score)
        assert list(refused.value.fields) == ["score"]
    with pytest.raises(Invalid), transaction():
        rate(VISITOR, ticket, 5, "x" * 2_001)
    assert stored() == 0
    assert [read_score(text, written=True) for text in "12345"] == [1, 2, 3, 4, 5]
    assert read_score(5) == 5
    for value in ("0", "6", " 5", "５", "5.0", "", None, 5):
        with pytest.raises(Invalid):
            read_score(value, written=True)
    for other in ("5", 5.0, True, None, [5]):
        with pytest.raises(Invalid):
            read_score(other)


@pytest.mark.both
def test_sent_twice_at_once_it_is_stored_once(
    app: Flask, session: Session, staff_of: StaffOf, in_threads: InThreads
) -> None:
    ticket_id = worked(staff_of("agent")).id
    db.session.rollback()
    outcomes: list[str] = []

    def work() -> None:
        with app.app_context():
            try:
                with transaction() as own:
                    rate(VISITOR, own.get_one(Ticket, ticket_id), 2)
                outcomes.append("stored")
            except Conflict as refusal:
                outcomes.append(refusal.code)
            db.session.remove()

    in_threads(work, 4)
    assert sorted(outcomes) == ["rated", "rated", "rated", "stored"]
    assert stored() == 1
    assert session.scalar(select(func.count()).select_from(Review)) == 1
