"""What must hold of chats whoever asks, on both databases: claims, the end of the day, presence, limits."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.chat import queries, tokens, writer
from console.chat.models import Assignment, Chat, ChatMessage, ChatStatus, MessageKind, Presence, StaffPresence
from console.chat.service import assignment, blocking, conversion, deadlines, lifecycle, presence
from console.chat.service import settings as chat_settings
from console.chat.service.attachments import attach
from console.chat.service.messages import from_staff, from_visitor
from console.chat.service.opening import MOST_LIVE, Opening, open_chat
from console.core import context
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Refusal, Reused, TooMany
from console.core.transaction import transaction
from console.customers.masking import MASKED
from console.customers.models import PersonSession, Verification
from console.customers.visitors import visitor_actor
from console.mail.models import Mail
from console.settings.live import LiveSettings
from console.tickets.models import Ticket, TicketMessage
from tests import factories
from tests.factories.chat import ask, make_session, monday, sign_in_to_portal, take, visitor
from tests.factories.tickets import make_department

ActorOf = Callable[[str], Actor]
InThreads = Callable[[Callable[[], None], int], None]


@pytest.fixture(autouse=True)
def _office_hours(session: Session, clock: Any) -> None:
    clock.set(monday(11))


def arrive(*actors: Actor, state: str = "available") -> None:
    for one in actors:
        with transaction():
            presence.set_state(one, state)


def events(chat: Chat) -> list[str]:
    query = select(ChatMessage).where(ChatMessage.chat_id == chat.id, ChatMessage.kind == MessageKind.EVENT)
    return [one.data["event"] for one in db.session.scalars(query.order_by(ChatMessage.seq))]


# --- opening -------------------------------------------------------------------------------------------------------


@pytest.mark.both
def test_an_opening_repeated_is_the_same_chat_and_another_s_id_opens_nothing(session: Session) -> None:
    opening = Opening(name="Ana", email="ana@example.test", question="Pitanje", client_id="12345678")
    with transaction():
        first = open_chat(visitor(1), opening)
    with transaction():
        again = open_chat(visitor(2), opening)
    for reused in (
        Opening("Zla", "z@example.test", "Pitanje", "12345678"),
        replace(opening, question="Drugo pitanje"),
        replace(opening, name="Ena"),
        replace(opening, department="sales"),
    ):
        with pytest.raises(Reused) as caught, transaction():
            open_chat(visitor(3), reused)
        assert (caught.value.status, caught.value.code) == (409, "conflict")
    assert session.scalar(select(func.count()).select_from(Chat)) == 1
    other = ask()
    assert first.id == again.id != other.id
    token = tokens.chat_token(first)
    assert tokens.chat_of(token) is first
    for wrong in (
        token[:-1] + ("0" if token[-1] != "0" else "1"),
        f"{other.id}.{token.partition('.')[2]}",
        "1.",
        "",
        5,
    ):
        assert tokens.chat_of(wrong) is None
    assert token.partition(".")[2] not in str(list(session.execute(select(Chat.__table__))))


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", " "), ("email", "ana"), ("email", "a@b\r\nBcc: x@y.rs"), ("question", ""), ("question", "ж" * 9_000),
     ("client_id", "short"), ("department", "nowhere")],
)  # fmt: skip
def test_bad_openings_say_which_field(session: Session, field: str, value: str) -> None:
    plain: dict[str, Any] = {"name": "Ana", "email": "ana@example.test", "question": "?", "client_id": "12345678"}
    with pytest.raises(Invalid) as refusal, transaction():
        open_chat(visitor(), Opening(**(plain | {field: value})))
    assert list(refusal.value.fields) == [field]
    assert session.scalar(select(func.count()).select_from(Chat)) == 0


@pytest.mark.both
def test_limits_and_blocking(session: Session, actor: ActorOf, clock: Any) -> None:
    who = visitor(7)
    for number in range(MOST_LIVE):
        with transaction():
            last = open_chat(who, Opening("A", "a@example.test", "?", f"opening-{number}"))
    with pytest.raises(TooMany), transaction():
        open_chat(who, Opening("A", "a@example.test", "?", "opening-99"))
    with pytest.raises(NotFound), transaction():
        blocking.block(actor("agent"), last.number, "vređa", 7)
    with transaction():
        blocking.block(actor("supervisor"), last.number, "vređa", 7)
    assert last.status is ChatStatus.CLOSED
    for client, email in ((who, "other@example.test"), (visitor(8), "a@example.test")):
        with pytest.raises(Refusal) as refusal, transaction():
            open_chat(client, Opening("A", email, "?", "opening-100"))
        assert refusal.value.code == "blocked"
    clock.advance(timedelta(days=7))
    ask()
    with transaction():
        open_chat(who, Opening("A", "a@example.test", "?", "opening-101"))


@pytest.mark.only("sqlite")
def test_a_limit_counts_what_the_visitor_opened_and_speaks_to_them(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An office behind one address: the colleague of three who have chats open has none."""
    wide = replace(context.environment(), chat_address_limit=7)
    monkeypatch.setitem(app.extensions, "console", app.extensions["console"])  # put back afterwards
    context.attach(app.extensions, wide, LiveSettings(wide))
    office, keys = visitor(9), itertools.count()

    def opens(
        email: str = "info@example.test", browser: str | None = None, session: PersonSession | None = None
    ) -> str:
        try:
            with transaction():
                key = f"opening-{next(keys)}"
                open_chat(office, Opening("A", email, "?", key, visitor=tokens.visitor_of(browser), session=session))
        except TooMany as refusal:
            return refusal.code
        return "opened"

    for number in range(MOST_LIVE):
        assert opens(f"kolega{number}@example.test") == "opened"
    assert opens("cetvrti@example.test") == "opened", "another visitor"
    browser = tokens.new_visitor()
    assert [opens(f"nov{number}@example.test", browser) for number in range(MOST_LIVE)] == ["opened"] * MOST_LIVE
    assert opens("novi@example.test", browser) == "chats", "another e-mail is the same browser"
    assert opens("novi@example.test", tokens.new_visitor()) == "network", "a new browser is the same network"
    assert opens(session=sign_in_to_portal(factories.owner_of(factories.make_customer()).person)) == "network"
    with transaction():
        for chat in queries.live_chats(factories.make_staff().actor()):
            conversion.end_chat(office, chat, "staff")
    assert opens("novi@example.test", browser) == "opened"
    assert [tokens.visitor_of(wrong) for wrong in (None, "", 5, browser[:-1], browser + "a", "x" * 300)] == [None] * 6


# --- claiming ------------------------------------------------------------------------------------------------------


@pytest.mark.both
def test_a_claim_is_exclusive(
    app: Flask, session: Session, actor: ActorOf, in_threads: InThreads, samples: Callable[[int, int], int],
    proof: Callable[[str], None],
) -> None:  # fmt: skip
    two = [actor("agent"), factories.make_staff().actor()]
    rounds = samples(1_000, 25)
    won: Counter[int] = Counter()
    for _ in range(rounds):
        number = ask().number
        outcomes: list[str] = []
        turns = list(two)

        def race(number: str = number, outcomes: list[str] = outcomes, turns: list[Actor] = turns) -> None:
            me = turns.pop()
            with app.app_context():
                try:
                    with transaction():
                        won[assignment.claim(me, number).assignee_id or 0] += 1
                    outcomes.append("won")
                except Conflict as refusal:
                    outcomes.append(refusal.code)
                db.session.remove()

        in_threads(race, 2)
        assert sorted(outcomes) == ["conflict", "won"]
    session.rollback()
    active = select(func.count()).where(Chat.status == ChatStatus.ACTIVE, Chat.assignee_id.is_not(None))
    assert session.scalar(active) == rounds == won.total()
    proof(f"{rounds} races of two agents for one chat: one winner each ({dict(won)})")


@pytest.mark.both
def test_the_longest_waiting_comes_first_and_private_ones_only_to_their_own(
    session: Session, actor: ActorOf, clock: Any
) -> None:
    closed = make_department(key="closed", private=True)
    first = ask()
    clock.advance(timedelta(seconds=5))
    second = ask()
    with transaction():
        first.department_id = closed.id
    agent = actor("agent")
    with pytest.raises(NotFound), transaction():
        assignment.claim(agent, first.number)
    for wrong in (first.id, str(first.id), [first.number], True, None, {"a": 1}, "C-", "C-99999999", "c-50001"):
        with pytest.raises(NotFound), transaction():
            assignment.claim(agent, wrong)
    with transaction():
        assert assignment.claim_next(agent).id == second.id
    with pytest.raises(NotFound), transaction():
        assignment.claim_next(agent)
    with transaction():
        assert assignment.claim_next(actor("supervisor")).id == first.id


@pytest.mark.both
def test_pushed_to_whoever_has_room_and_the_backlog_when_they_come(
    session: Session, actor: ActorOf, clock: Any
) -> None:
    with transaction():
        chat_settings.set_rules(actor("supervisor"), chat_settings.DeskRules(Assignment.PUSH, 2, 5, 15, 30, 45))
    early = ask()
    assert early.status is ChatStatus.QUEUED, "nobody is there"
    one, two = actor("agent"), factories.make_staff().actor()
    arrive(one)
    session.refresh(early)
    assert early.assignee_id == one.id
    arrive(two)
    chats = [ask() for _ in range(4)]
    load = Counter(chat.assignee_id for chat in [early, *chats])
    assert load == {one.id: 2, two.id: 2, None: 1}
    assert chats[-1].status is ChatStatus.QUEUED
    with transaction():
        lifecycle.close(one, early.number)
    session.refresh(chats[-1])
    assert chats[-1].assignee_id == one.id
    arrive(one, state="busy")
    arrive(two, state="away")
    assert ask().status is ChatStatus.QUEUED
    clock.advance(timedelta(seconds=50))
    arrive(one)
    assert {c.assignee_id for c in queries.live_chats(actor("supervisor"))} >= {one.id}


# --- the writer ----------------------------------------------------------------------------------------------------


def store_message(chat: Chat, body: str, key: str) -> writer.Stored:
    return writer.current_writer().submit(from_visitor(chat, chat.name, body, key, None, MASKED))


@pytest.mark.both
def test_numbers_have_no_gap_and_a_bad_message_fails_alone(session: Session, actor: ActorOf) -> None:
    chats = [ask() for _ in range(3)]
    with transaction():
        lifecycle.end_by_visitor(visitor(), chats[2].id)
    group = [from_visitor(chats[n % 3], "A", f"poruka {n}", f"key-{n % 20}", None) for n in range(30)]
    group.append(from_visitor(10**6, "A", "ničija", "x", None))
    outcomes = writer.store_messages(group)
    assert isinstance(outcomes[-1], NotFound)
    assert all(isinstance(o, Conflict) and o.code == "ticketed" for o in outcomes[2:30:3])
    session.expire_all()
    for place, chat in enumerate(chats[:2]):
        stored = session.scalars(
            select(ChatMessage).where(ChatMessage.chat_id == chat.id).order_by(ChatMessage.seq)
        ).all()
        assert [one.seq for one in stored] == list(range(1, len(stored) + 1)) and chat.last_seq == len(stored)
        words = [one for one in stored if one.kind is MessageKind.VISITOR][1:]
        assert len(words) == len({f"key-{n % 20}" for n in range(30) if n % 3 == place}), "each once"
        assert chat.preview == words[-1].body
    again = writer.store_messages(group[:2])
    assert [o.seq for o in again if isinstance(o, writer.Stored)] == [
        o.seq for o in outcomes[:2] if isinstance(o, writer.Stored)
    ]


@pytest.mark.both
def test_one_poisoned_row_does_not_take_the_group_with_it(session: Session) -> None:
    chat = ask()
    good, bad = from_visitor(chat, "A", "dobra", "k1", None), from_visitor(chat, "A", "loša", "k2", None)
    bad.data = {"never": object()}  # cannot be written
    outcomes = writer.store_messages([good, bad])
    assert isinstance(outcomes[0], writer.Stored) and isinstance(outcomes[1], Refusal)
    bodies = session.scalars(select(ChatMessage.body).where(ChatMessage.chat_id == chat.id)).all()
    assert "dobra" in bodies and "loša" not in bodies


def test_who_may_write_is_asked_in_the_writer(session: Session, actor: ActorOf, staff_of: Any) -> None:
    chat, agent, other = ask(), actor("agent"), factories.make_staff().actor()
    take(agent, chat)
    mine, theirs = (make_session(one.id) for one in (agent, other))

    def reply(who: Actor, key: int, client: str = "k") -> Any:
        message = from_staff(who, key, chat.id, MessageKind.REPLY, "Dobar dan", client, None)
        return writer.store_messages([message])[0]

    assert isinstance(reply(agent, mine), writer.Stored)
    refused = reply(other, theirs)
    assert isinstance(refused, Refusal) and refused.code == "not_yours"
    assert isinstance(reply(other, 10**6), Refusal)
    from console.staff.sessions import revoke_all

    with transaction():
        revoke_all(agent.id or 0)
    ended = reply(agent, mine, "k2")
    assert isinstance(ended, Refusal) and ended.code == "sign_in"
    repeated = reply(agent, mine)
    assert isinstance(repeated, Refusal), "not even what was stored before is told to a session that has ended"


# --- the end of the day --------------------------------------------------------------------------------------------


@pytest.mark.both
def test_the_day_ends(session: Session, actor: ActorOf, clock: Any) -> None:
    agent = actor("agent")

    def at(hour: int, minute: int, second: int = 0) -> int:
        clock.set(monday(hour, minute, second))
        arrive(agent)  # their connection is alive
        changed = deadlines.sweep()
        session.expire_all()
        return changed

    arrive(agent)
    talked = take(agent, ask("Vodim razgovor"))
    at(16, 44)
    assert talked.noticed_at is None
    clock.set(monday(16, 46))
    waiting = ask("Čekam")
    assert at(16, 46) == 2 and at(16, 46) == 0, "each is told once"
    assert "closing_soon" in events(talked) and "closing_soon" in events(waiting)
    clock.set(monday(16, 50))
    late = ask("Došao kasno")
    at(16, 50)
    assert "closing_soon" in events(late)
    assert at(16, 52) == 1
    assert waiting.status is ChatStatus.TICKETED and waiting.ticket is not None, "five minutes without an answer"
    assert events(waiting)[-1] == "ticketed" and late.status is ChatStatus.QUEUED
    at(17, 0)
    assert late.status is ChatStatus.TICKETED, "the queue is empty when we close"
    assert talked.status is ChatStatus.ACTIVE, "what is spoken may end in peace"
    at(17, 29, 59)
    assert talked.status is ChatStatus.ACTIVE
    at(17, 30)
    assert talked.status is ChatStatus.TICKETED
    assert session.scalar(select(func.count()).select_from(Ticket)) == 3
    mails = session.scalars(select(Mail).where(Mail.template == "ticket_opened")).all()
    assert {mail.to_address for mail in mails} == {talked.email, late.email, waiting.email}
    assert all("Čekam" not in mail.text and "Čekam" not in mail.html for mail in mails)


def test_closed_is_closed_on_holidays_and_over_the_clock_change(session: Session, clock: Any) -> None:
    for instant, opens in (
        (monday(17), "2026-11-24T09:00"),
        (monday(11).replace(day=28), "2026-11-30T09:00"),  # a Saturday
        (monday(11).replace(year=2027, month=1, day=7), "2027-01-08T09:00"),  # Christmas
        (monday(11).replace(month=4, day=10), "2026-04-14T09:00"),  # Orthodox Good Friday
        (monday(8, 59, 59), "2026-11-23T09:00"),
        (monday(12).replace(month=3, day=29), "2026-03-30T09:00"),  # the clock was put ahead that night
    ):
        clock.set(instant)
        chat = ask("Pitanje van radnog vremena")
        assert chat.status is ChatStatus.TICKETED and chat.ticket is not None
        from console.chat.serializers import hours_shape

        shape = hours_shape()
        assert not shape["open"] and shape["next_open"].startswith(opens)
    clock.set(monday(9))
    assert ask().status is ChatStatus.QUEUED


@pytest.mark.both
def test_a_hundred_chats_at_closing_and_two_sweepers_one_of_them_killed(
    app: Flask, session: Session, actor: ActorOf, clock: Any, in_threads: InThreads, rng: random.Random,
    samples: Callable[[int, int], int], proof: Callable[[str], None],
) -> None:  # fmt: skip
    count = samples(100, 24)
    agent = actor("agent")
    clock.set(monday(16, 56))  # it runs on while they are opened
    arrive(agent)
    chats = [ask(f"Pitanje {number}") for number in range(count)]
    for chat in rng.sample(chats, count // 3):
        take(agent, chat)
    with transaction():
        lifecycle.close(agent, next(c for c in chats if c.status is ChatStatus.ACTIVE).number)
    clock.set(monday(16, 59, 59))
    arrive(agent)
    clock.set(monday(17))
    killed = iter([False] * 3 + [True] + [False] * 10_000)
    real = conversion.make_ticket

    def dying(*args: Any) -> Any:
        ticket = real(*args)
        if next(killed):
            raise KeyboardInterrupt  # the process ends inside the transaction
        return ticket

    def work() -> None:
        with app.app_context():
            deadlines.sweep()
            db.session.remove()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conversion, "make_ticket", dying)
        with app.app_context(), pytest.raises(KeyboardInterrupt):
            deadlines.sweep()
        db.session.rollback()
    in_threads(work, 2)
    in_threads(work, 2)
    session.expire_all()
    states = Counter(chat.status for chat in chats)
    assert states[ChatStatus.QUEUED] == 0 and states[ChatStatus.CLOSED] == 1
    assert states[ChatStatus.ACTIVE] == count // 3 - 1
    tickets = session.scalars(select(Ticket)).all()
    assert len(tickets) == states[ChatStatus.TICKETED] == len({c.ticket_id for c in chats if c.ticket_id})
    questions = session.scalars(select(TicketMessage.body).where(TicketMessage.seq == 1)).all()
    assert sorted(questions) == sorted(
        f"Pitanje {number}" for number, c in enumerate(chats) if c.status is ChatStatus.TICKETED
    )
    proof(f"{count} chats at closing, two sweepers, one killed inside: {dict(states)}, {len(tickets)} tickets")


@pytest.mark.only("sqlite")
def test_one_chat_that_cannot_be_swept_stops_no_other(app: Flask, session: Session, clock: Any) -> None:
    broken, unused, other = ask("Prvo"), ask("Drugo"), ask("Treće")
    with transaction():
        broken.email = context.settings().mail_from  # no ticket is opened for our own address
        unused.department_id = (place := make_department()).id
        place.active = False
    clock.set(monday(17))
    deadlines.sweep()
    session.expire_all()
    assert [chat.status for chat in (broken, unused, other)] == [
        ChatStatus.QUEUED, ChatStatus.TICKETED, ChatStatus.TICKETED,
    ]  # fmt: skip
    assert unused.ticket is not None and unused.ticket.department_id == place.id


@pytest.mark.only("sqlite")
def test_signing_in_makes_nobody_available_and_the_desk_asks(session: Session, actor: ActorOf, clock: Any) -> None:
    agent = actor("agent")
    with transaction():
        chat_settings.set_rules(actor("supervisor"), chat_settings.DeskRules(Assignment.PUSH, 2, 5, 15, 30, 45))
        first = presence.arrive(agent)
    assert first.state is Presence.AWAY and not presence.is_chosen(first, clock.now()), "a new one is asked"
    signed_in = clock.now()
    arrive(agent)
    assert presence.is_chosen(first, signed_in)

    clock.advance(timedelta(hours=24))
    assert not presence.is_chosen(first, clock.now()), "the next day's sign-in asks again"
    waiting = ask()
    with transaction():
        presence.beat([], [agent.id or 0])  # on another page of the console
    assert queries.available(clock.now(), 45) == []
    with transaction():
        assignment.assign_waiting()
    assert waiting.status is ChatStatus.QUEUED
    with transaction():
        presence.arrive(agent)
    assert waiting.assignee_id == agent.id, "at the desk they are as they were"
    clock.advance(timedelta(minutes=9))
    with transaction():
        presence.beat([], [agent.id or 0])
    assert [one.staff_id for one in queries.available(clock.now(), 45)] == [agent.id], "another page keeps them here"


@pytest.mark.both
def test_an_agent_who_is_gone_hands_over_after_the_grace_period(session: Session, actor: ActorOf, clock: Any) -> None:
    agent = actor("agent")
    arrive(agent)
    chat = take(agent, ask())
    with transaction():
        verification = factories.make_verification(
            session.get_one(StaffPresence, agent.id).staff, factories.owner_of(factories.make_customer())
        )
        session.get_one(Verification, verification.id).channel = f"chat:{chat.number}"
    clock.advance(timedelta(seconds=35))  # of 45; the clock runs on while a busy machine works
    deadlines.sweep()
    session.refresh(chat)
    assert chat.status is ChatStatus.ACTIVE
    clock.advance(timedelta(seconds=11))
    assert deadlines.sweep() == 1
    session.expire_all()
    assert chat.status is ChatStatus.QUEUED and chat.assignee is None and events(chat)[-1] == "requeued"
    assert session.get_one(Verification, verification.id).ended_at is not None, "what was verified ends with it"


# --- passing on, tickets, ratings ----------------------------------------------------------------------------------


def test_passing_on_carries_a_note_and_ends_what_was_verified(session: Session, actor: ActorOf) -> None:
    agent, other = actor("agent"), factories.make_staff().actor()
    chat = take(agent, ask())
    with pytest.raises(Conflict), transaction():
        assignment.hand_over(other, chat.number, agent.id, None, "")
    with transaction():
        assignment.hand_over(agent, chat.number, other.id, None, "Pita za SSL, PIN 123456 je rekla")
    assert chat.assignee_id == other.id
    notes = session.scalars(select(ChatMessage.body).where(ChatMessage.kind == MessageKind.NOTE)).all()
    assert notes == ["Pita za SSL, PIN •••••• je rekla"]
    with pytest.raises(NotFound), transaction():
        assignment.hand_over(other, chat.number, 10**6, None, "")
    place = make_department(key="billing-desk")
    with transaction():
        assignment.hand_over(other, chat.number, None, place.id, "")
    assert chat.status is ChatStatus.QUEUED and chat.department_id == place.id


@pytest.mark.both
def test_a_chat_becomes_one_ticket_with_what_was_said_and_not_our_notes(session: Session, actor: ActorOf) -> None:
    agent = actor("agent")
    chat = take(agent, ask("Sajt ne radi"))
    key = make_session(agent.id)
    writer.store_messages([
        from_staff(agent, key, chat.id, MessageKind.REPLY, "Gledam.", "k1", None),
        from_staff(agent, key, chat.id, MessageKind.NOTE, "sumnjam na dodatak", "k2", None),
    ])  # fmt: skip
    session.expire_all()
    with pytest.raises(Conflict), transaction():
        lifecycle.to_ticket(factories.make_staff().actor(), chat.number)
    for _ in range(2):
        with transaction():
            lifecycle.to_ticket(agent, chat.number)
    ticket = session.scalars(select(Ticket)).one()
    first = session.scalars(
        select(TicketMessage).where(TicketMessage.ticket_id == ticket.id, TicketMessage.seq == 1)
    ).one()
    assert "Sajt ne radi" in first.body and "Gledam." in first.body and "sumnjam" not in first.body
    assert ticket.subject == "Sajt ne radi" and ticket.assignee_id == agent.id and first.data["chat"] == chat.number
    assert ticket.customer_id is None, "an address proves nothing"


@pytest.mark.only("sqlite")
def test_the_ticket_of_a_long_chat_has_how_it_began_and_how_it_ended(session: Session, actor: ActorOf) -> None:
    agent = actor("agent")
    chat = take(agent, ask("Sajt ne radi"))
    for number in range(12):
        with transaction():
            file = attach(chat, f"slika-{number}.txt", f"{number}".encode())
        body = f"Zapis {number}: " + "a" * 6_000
        writer.store_messages([from_visitor(chat.id, "Ana", body, f"z{number}", [file.id])])
    writer.store_messages([from_visitor(chat.id, "Ana", "A kada će biti gotovo?", "k1", None)])
    session.expire_all()
    with transaction():
        lifecycle.to_ticket(agent, chat.number)
    first = session.scalars(select(TicketMessage).where(TicketMessage.seq == 1)).one()
    assert "Sajt ne radi" in first.body and first.body.endswith("A kada će biti gotovo?")
    assert [file.name for file in first.attachments] == [f"slika-{number}.txt" for number in range(2, 12)]


def test_rated_once_when_it_is_over(session: Session, actor: ActorOf) -> None:
    chat = take(actor("agent"), ask())
    with pytest.raises(Conflict), transaction():
        lifecycle.rate(visitor(), chat.id, 5)
    with transaction():
        lifecycle.end_by_visitor(visitor(), chat.id)
    for wrong in (0, 6, "5", True, None, 4.0):
        with pytest.raises(Invalid), transaction():
            lifecycle.rate(visitor(), chat.id, wrong)
    with transaction():
        lifecycle.rate(visitor(), chat.id, 2, "Moj PIN je 482913")
    assert chat.rating_comment == "Moj PIN je ••••••"
    with pytest.raises(Conflict), transaction():
        lifecycle.rate(visitor(), chat.id, 5)


def test_a_pin_is_nowhere(session: Session, actor: ActorOf) -> None:
    chat = ask(
        "Zovem se Ana, PIN 4 8 2-9.1 3", name="Ana 482-913", page="https://mint.rs/pomoc?pin=482913&x=%D0%B0#pin:482913"
    )
    assert (chat.name, chat.page) == ("Ana ••••••", "https://mint.rs/pomoc?pin=••••••&x=%D0%B0#pin:••••••")
    store_message(chat, "Evo opet: 48 29 13 i 482913", "k1")
    with transaction():
        attach(chat, "pin 482913.png", b"\x89PNG\r\n\x1a\n")
    with transaction():
        lifecycle.end_by_visitor(visitor_actor("Ana 482913", "192.0.2.1"), chat.id)
    tables = [table for table in Chat.metadata.sorted_tables if not table.name.startswith("search")]
    for table in tables:
        text = str([tuple(row) for row in session.execute(select(table))])
        assert "482913" not in text.replace(" ", "").replace(".", "").replace("-", ""), table.name
