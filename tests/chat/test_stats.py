"""The chat's figures against a slow and simple count of the same rows, written as the verbs write them."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.chat import stats as chat_stats
from console.chat.models import Chat, ChatMessage, ChatStatus, MessageKind
from console.chat.service import lifecycle
from console.chat.stats import ChatStats
from console.core import clock
from console.core.transaction import transaction
from console.staff.roles import Role
from console.tickets.stats.periods import Period
from console.tickets.stats.queries import Scope
from tests import factories
from tests.chat.past import answer, end, make_past
from tests.factories.chat import ask, monday, take, visitor
from tests.factories.tickets import make_department
from tests.support.queries import count_queries

pytestmark = pytest.mark.both

ZONE = ZoneInfo("Europe/Belgrade")
AUTUMN = Period("custom", date(2026, 10, 19), date(2026, 11, 1), ZONE)  # the clock goes back on 25 October
BEGIN = datetime(2026, 10, 17, tzinfo=UTC)


def write_random(rng: random.Random, agents: list[int], departments: list[int], many: int) -> None:
    """Write chats around the period: answered, given up, made tickets of, left outside of hours, still waiting."""
    with transaction() as session:
        for number in range(many):
            created = BEGIN + timedelta(seconds=rng.randrange(18 * 86_400), microseconds=rng.randrange(1_000_000))
            status = rng.choice(list(ChatStatus))
            outside = status is ChatStatus.TICKETED and rng.random() < 0.4
            answered = None
            if not outside and status is not ChatStatus.QUEUED and rng.random() < 0.7:
                answered = created + timedelta(seconds=rng.randrange(900), microseconds=rng.randrange(1_000_000))
            over = status in (ChatStatus.CLOSED, ChatStatus.TICKETED)
            ended = (answered or created) + timedelta(seconds=rng.randrange(4_000)) if over else None
            chat = Chat(
                open_key=f"{number}-{rng.random()}", status=status, name="P", email=f"p{number}@example.test",
                language="en", department_id=rng.choice(departments),
                assignee_id=rng.choice(agents) if answered else rng.choice([*agents, None]), source="x",
                created_at=created, waits_since=created, queued_at=created, last_at=created, ended_at=ended,
                first_answered_at=answered, verified_name="P" if rng.random() < 0.2 else None,
                rating=rng.randint(1, 5) if ended and rng.random() < 0.5 else None,
            )  # fmt: skip
            session.add(chat)
            session.flush()
            if status is ChatStatus.TICKETED:
                why = "closed_hours" if outside else rng.choice(["agent", "closing", "unclaimed"])
                session.add(
                    ChatMessage(
                        chat_id=chat.id, seq=1, kind=MessageKind.EVENT, name="", client_key="e",
                        data={"event": "ticketed", "why": why, "number": "T-1"}, at=created,
                    )
                )  # fmt: skip


def slowly(session: Session, period: Period, matches: Callable[[Chat], bool]) -> ChatStats:
    """Count the same in Python, a row at a time, straight from the definitions."""
    outside = {
        message.chat_id
        for message in session.scalars(select(ChatMessage).where(ChatMessage.kind == MessageKind.EVENT))
        if message.data.get("why") == "closed_hours"
    }
    found = ChatStats()
    for chat in session.scalars(select(Chat)):
        if not matches(chat) or not period.first <= chat.created_at.astimezone(ZONE).date() <= period.last:
            continue
        if chat.id in outside:
            found.outside += 1
            continue
        found.begun += 1
        found.verified += chat.verified_name is not None
        if chat.rating is not None:
            found.scores[chat.rating] += 1
        if chat.first_answered_at is None:
            found.missed += chat.status is ChatStatus.TICKETED
            found.closed += chat.status is ChatStatus.CLOSED
            continue
        found.answered += 1
        found.handed += chat.status is ChatStatus.TICKETED
        begun = int(chat.created_at.timestamp())
        found.waits[int(chat.first_answered_at.timestamp()) - begun] += 1
        if chat.ended_at is not None:
            found.lengths[int(chat.ended_at.timestamp()) - begun] += 1
    return found


def of_agent(agent: int | None) -> Callable[[Chat], bool]:
    return lambda chat: chat.assignee_id == agent


def of_department(key: int) -> Callable[[Chat], bool]:
    return lambda chat: chat.department_id == key


def test_as_a_slow_count_has_it(session: Session, rng: random.Random) -> None:
    agents = [factories.make_staff(Role.AGENT).id for _ in range(3)]
    departments = [make_department().id, make_department().id]
    write_random(rng, agents, departments, 160)
    compared = chat_stats.compare(AUTUMN)
    report = compared.now
    assert compared.before.whole == slowly(session, AUTUMN.before(), lambda _chat: True)
    assert compared.before.whole.begun > 0
    whole = slowly(session, AUTUMN, lambda _chat: True)
    assert report.whole == whole
    assert min(whole.missed, whole.closed, whole.outside, whole.handed, whole.verified, whole.scores.total()) > 0
    assert report.by_agent() == {agent: slowly(session, AUTUMN, of_agent(agent)) for agent in [*agents, None]}
    for key, found in report.by_department().items():
        assert found == slowly(session, AUTUMN, of_department(key))
        assert chat_stats.compare(AUTUMN, Scope(department_id=key)).now.whole == found
    mine = Scope(agent_id=agents[0])
    assert chat_stats.compare(AUTUMN, mine).now.whole == report.by_agent()[agents[0]]
    for step in compared.flow:
        one = Period("custom", step.step.first, step.step.last, ZONE)
        day = slowly(session, one, lambda _chat: True)
        assert (step.answered, step.unanswered) == (day.answered, day.unanswered), step.step
    local = [chat.created_at.astimezone(ZONE) for chat in session.scalars(select(Chat))]
    inside = [at.hour for at in local if AUTUMN.first <= at.date() <= AUTUMN.last]
    assert chat_stats.by_hour(AUTUMN) == {hour: inside.count(hour) for hour in set(inside)}


def test_the_verbs_leave_what_is_counted(session: Session) -> None:
    """Answered, given up, nobody came, asked at night: as they happen, not as the rows above imagine them."""
    agent = factories.make_staff(Role.AGENT)
    with clock.standing_at(monday(11)):
        make_past(agent.actor(), score=4)
        waiting = ask()
    with clock.standing_at(monday(11, 2)):
        late = take(agent.actor(), waiting)
    with clock.standing_at(monday(11, 3)):
        answer(agent.actor(), late)
    with clock.standing_at(monday(11, 9)):
        end(agent.actor(), late)
        end(agent.actor(), take(agent.actor(), ask()))
    with clock.standing_at(monday(11, 30)), transaction():
        lifecycle.to_ticket(agent.actor(), late.number)  # later: it did not last longer for that
    with clock.standing_at(monday(19)):
        night = ask("Radite li noću?")
    with transaction():
        lifecycle.rate(visitor(), night.id, 1, "")
    monday_alone = Period("custom", monday(11).date(), monday(11).date(), ZONE)
    found = chat_stats.compare(monday_alone).now.whole
    assert (found.begun, found.answered, found.closed, found.missed, found.outside, found.handed) == (3, 2, 1, 0, 1, 1)
    assert (found.waits, found.lengths, found.scores) == ({0: 1, 180: 1}, {0: 1, 540: 1}, {4: 1})
    assert chat_stats.by_hour(monday_alone) == {11: 3, 19: 1}


def test_as_many_statements_however_much_there_is(app: Flask, session: Session, rng: random.Random) -> None:
    agents, departments = [factories.make_staff(Role.AGENT).id], [make_department().id]
    for many in (3, 60):
        write_random(rng, agents, departments, many)
        with count_queries(app) as sent:
            chat_stats.compare(AUTUMN)
            chat_stats.by_hour(AUTUMN)
        assert sent.count == 5
