"""Two tickets that are one, one that is two: what moves, what stays, what cannot be, and two people at once."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core.actor import SYSTEM, Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Refusal
from console.core.transaction import transaction
from console.customers.masking import MASKED, PinLike
from console.customers.models import Verification
from console.customers.verification import cards
from console.customers.verification.service import verify
from console.mail.models import Mail, MailState
from console.mail.reading import whole
from console.staff.roles import Role
from console.tickets.links import requester_token, ticket_of
from console.tickets.models import (
    NO_DUE,
    TICKET_SEARCH,
    LinkKind,
    MessageKind,
    Ticket,
    TicketAttachment,
    TicketLink,
    TicketMessage,
    TicketSource,
    TicketStatus,
)
from console.tickets.queries import timeline
from console.tickets.service import linking, merging, properties, questions, requester, splitting
from console.tickets.service import messages as ticket_messages
from console.tickets.service.follow_ups import follow_up
from console.tickets.service.messages import Writing
from console.tickets.service.opening import NewTicket
from tests import factories
from tests.factories.tickets import make_department, make_ticket

pytestmark = pytest.mark.both

ActorOf = Callable[[Role | str], Actor]
only_sqlite = pytest.mark.only("sqlite")  # the rules are ours, not the database's
ANA = "ana.petrovic@example.test"


@pytest.fixture
def agent(actor: ActorOf) -> Actor:
    return actor("agent")


def reply(agent: Actor, ticket: Ticket, body: str = "Gledamo.", then: TicketStatus | None = None) -> TicketMessage:
    with transaction():
        return ticket_messages.reply(
            agent,
            ticket.id,
            Writing(body, client_id=f"r{random.random()}", then=then, anyway=True),  # noqa: S311
        )


def ask_again(ticket: Ticket, body: str, files: Sequence[tuple[str, bytes]] = ()) -> TicketMessage:
    with transaction():
        return requester.write(SYSTEM, ticket, body, client_id=f"q{random.random()}", files=files)  # noqa: S311


def merge(agent: Actor, one: Ticket, into: Ticket) -> None:
    with transaction():
        merging.merge(agent, [one.id], into.id, different_requesters=True)


def part(agent: Actor, one: Ticket) -> None:
    with transaction():
        merging.undo_merge(agent, one.id)


def found(session: Session, word: str) -> set[int]:
    hits = TICKET_SEARCH.matches(session, Ticket.id, word)
    assert hits is not None
    return set(session.scalars(select(Ticket.id).where(hits)))


def bodies(ticket: Ticket) -> list[str]:
    return [entry.body for entry in timeline(ticket.id) if entry.kind is not MessageKind.EVENT]


def test_a_merged_ticket_is_read_where_it_went_and_parts_as_it_was(session: Session, agent: Actor) -> None:
    target = make_ticket(SYSTEM, requester_email=ANA, body="Prvo pitanje o sertifikatu")
    other = make_ticket(SYSTEM, requester_email=ANA, body="Drugo pitanje o čajdžinici")
    ask_again(target, "Treće, u međuvremenu")
    merge(agent, other, target)
    assert bodies(target) == ["Prvo pitanje o sertifikatu", "Drugo pitanje o čajdžinici", "Treće, u međuvremenu"]
    assert (other.status, other.due_at, other.merged_into_id) == (TicketStatus.CLOSED, NO_DUE, target.id)
    assert target.id in found(session, "cajdzinici")
    with pytest.raises(Conflict):
        reply(agent, other)
    part(agent, other)
    assert (other.status, other.closed_at, other.merged_into_id) == (TicketStatus.OPEN, None, None)
    assert other.due_at < NO_DUE, "its SLA targets run again"
    assert bodies(target) == ["Prvo pitanje o sertifikatu", "Treće, u međuvremenu"]
    assert found(session, "cajdzinici") == {other.id}
    events = [entry.event for entry in timeline(target.id) if entry.event]
    assert events == ["merged_in", "merge_undone"]


@only_sqlite
@pytest.mark.parametrize("rests", [TicketStatus.WAITING, TicketStatus.SOLVED])
def test_no_question_is_put_to_rest_by_a_merge(session: Session, agent: Actor, rests: TicketStatus) -> None:
    target, question = make_ticket(SYSTEM), make_ticket(SYSTEM)
    reply(agent, target, then=rests)
    merge(agent, question, target)
    assert target.status is TicketStatus.OPEN and target.due_at < NO_DUE
    part(agent, question)
    assert target.status is rests, "it was opened by the merge alone"
    merge(agent, question, target)
    reply(agent, target, "Evo odgovora", then=TicketStatus.OPEN)
    part(agent, question)
    assert target.status is TicketStatus.OPEN, "a message was written since"
    resting = make_ticket(SYSTEM)
    with transaction():
        properties.set_status(agent, [resting.id, target.id], TicketStatus.WAITING)
    merge(agent, resting, target)
    assert target.status == TicketStatus.WAITING.value, "no one waiting for us"


@only_sqlite
def test_what_cannot_be_merged(session: Session, agent: Actor) -> None:
    a, b, c = make_ticket(SYSTEM), make_ticket(SYSTEM), make_ticket(SYSTEM)
    with pytest.raises(Invalid):
        merge(agent, a, a)
    with transaction():
        properties.set_status(agent, [c.id], TicketStatus.CLOSED)
    with pytest.raises(Conflict, match="closed"):
        merge(agent, a, c)
    merge(agent, c, a)  # a closed one may go into an open one
    for one, into in ((b, c), (c, b), (a, c)):
        with pytest.raises(Conflict, match="merged"):
            merge(agent, one, into)
    mine, theirs = (make_ticket(SYSTEM, customer_id=factories.make_customer().id) for _ in range(2))
    with pytest.raises(Conflict, match="other_account"):
        merge(agent, mine, theirs)
    with pytest.raises(Conflict, match="not_merged"):
        part(agent, mine)
    with pytest.raises(NotFound):
        merge(agent, a, Ticket(id=10**8))


def test_what_is_merged_twice_over_is_known_at_the_top(session: Session, agent: Actor) -> None:
    low, middle, top = (make_ticket(SYSTEM, requester_email=ANA, body=f"Pitanje {name}") for name in "ABC")
    ask_again(low, "Reč: limunada")
    answered = reply(agent, low).created_at
    merge(agent, low, middle)
    merge(agent, middle, top)
    assert top.first_answered_at == answered and found(session, "limunada") >= {top.id}
    part(agent, low)
    assert found(session, "limunada") == {low.id}, "neither the middle nor the top is found by it any more"
    assert top.first_answered_at is None and low.first_answered_at == answered
    assert low.merged_into_id is None and middle.merged_into_id == top.id


def test_a_merge_ends_what_was_verified_for_the_ticket(session: Session, agent: Actor, staff_of: Any) -> None:
    owner = factories.owner_of(factories.make_customer())
    one, other = make_ticket(SYSTEM), make_ticket(SYSTEM)
    live = [
        factories.make_verification(staff_of("agent"), owner, channel=f"ticket:{ticket.number}")
        for ticket in (one, other)
    ]
    merge(agent, one, other)
    session.expire_all()
    assert [(row.ended_at is None, row.end_reason) for row in live] == [(False, "channel"), (True, None)]


# --- Two people -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """Tickets of two people, the other's merged into Ana's."""

    ana: Ticket
    petar: Ticket


PETAR = "petar@example.test"


@pytest.fixture
def pair(session: Session, agent: Actor, clock: Any) -> Pair:
    ana = make_ticket(SYSTEM, requester_email=ANA, language="sr_Latn")
    petar = make_ticket(SYSTEM, requester_email=PETAR, language="en", body="Only mine to read")
    merge(agent, petar, ana)
    clock.advance(timedelta(minutes=1))
    return Pair(ana, petar)


def answers(session: Session, state: MailState = MailState.QUEUED) -> dict[str, Mail]:
    """Return the newest answer to each address."""
    query = select(Mail).where(Mail.template == "ticket_reply", Mail.state == state).order_by(Mail.id)
    return {mail.to_address: mail for mail in session.scalars(query)}


@only_sqlite
def test_two_people_are_merged_only_if_it_is_said_explicitly(session: Session, agent: Actor) -> None:
    ana, petar, again = (make_ticket(SYSTEM, requester_email=one) for one in (ANA, PETAR, ANA))
    for ids in ([petar.id], [again.id, petar.id]):
        with pytest.raises(Conflict, match="different_requesters") as refusal, transaction():
            merging.merge(agent, ids, ana.id)
        assert ANA in str(refusal.value.message) and PETAR in str(refusal.value.message)
    with transaction():
        merging.merge(agent, [again.id], ana.id)
    assert (petar.merged_into_id, again.merged_into_id) == (None, ana.id)


@only_sqlite
def test_both_people_get_the_answers_each_with_a_link_of_their_own(session: Session, agent: Actor, pair: Pair) -> None:
    third = make_ticket(SYSTEM, requester_email=PETAR)  # merged one level down, and the same person again
    merge(agent, third, pair.ana)
    message = reply(agent, pair.ana, "Odgovor za oboje")
    sent = answers(session)
    assert set(sent) == {ANA, PETAR}
    assert sent[ANA].id == message.mail_id and requester_token(pair.ana) in whole(sent[ANA]).text
    assert requester_token(third) in whole(sent[PETAR]).text and sent[PETAR].subject.startswith(f"[{third.number}]")
    assert requester_token(pair.ana) not in whole(sent[PETAR]).text and pair.ana.number not in sent[PETAR].text
    assert (sent[ANA].send_after, sent[PETAR].send_after) == (message.held_until,) * 2
    with transaction():
        ticket_messages.take_back(agent, pair.ana.id, message.id)
    assert answers(session) == {} and set(answers(session, MailState.CANCELLED)) == {ANA, PETAR}


@only_sqlite
def test_the_other_reads_the_answers_since_and_nothing_else(
    session: Session, agent: Actor, pair: Pair, clock: Any
) -> None:
    ask_again(pair.ana, "Anino drugo pitanje")
    reply(agent, pair.ana, "Odgovor za oboje")
    assert not requester.conversation(pair.petar).answered, "it may still be taken back"
    clock.advance(timedelta(minutes=1))
    talk = requester.conversation(pair.petar)
    assert [one.body for one in talk.messages] == ["Only mine to read", "Odgovor za oboje"]
    assert talk.apart and talk.answered and not talk.may_say_solved
    with transaction():
        properties.set_status(agent, [pair.ana.id], TicketStatus.SOLVED)
    mails = session.scalars(select(Mail).where(Mail.template == "ticket_solved").order_by(Mail.to_address)).all()
    assert [(mail.to_address, "score=" in mail.text) for mail in mails] == [(ANA, True), (PETAR, False)]
    assert requester.conversation(pair.petar).status is TicketStatus.SOLVED
    with transaction():
        properties.set_status(agent, [pair.ana.id], TicketStatus.OPEN)
    assert {mail.state for mail in mails} == {MailState.CANCELLED}


@only_sqlite
def test_undoing_it_takes_the_answers_back(session: Session, agent: Actor, pair: Pair, clock: Any) -> None:
    reply(agent, pair.ana, "Otišlo oboma")
    clock.advance(timedelta(minutes=1))
    reply(agent, pair.ana, "Još nije otišlo")
    part(agent, pair.petar)
    assert set(answers(session, MailState.CANCELLED)) == {PETAR}, "what has not left yet stays here"
    clock.advance(timedelta(minutes=1))
    reply(agent, pair.ana, "Samo Ani")
    assert answers(session)[PETAR].text.startswith("Otišlo oboma")
    assert [one.body for one in requester.conversation(pair.petar).messages] == ["Only mine to read"]
    merge(agent, pair.petar, pair.ana)
    assert len(requester.conversation(pair.petar).messages) == 1, "nor what was said while it was apart"


@only_sqlite
@pytest.mark.parametrize("via", ["link", "chat", "mail"])
def test_words_stay_in_tickets_of_their_writer(session: Session, agent: Actor, pair: Pair, via: str) -> None:
    """Whichever way they come in: the verb asks whose ticket theirs went into."""

    def write(body: str, client_id: str) -> Ticket:
        with transaction():
            return questions.add_question(SYSTEM, pair.petar, body, client_id=client_id, via=via).ticket

    first = write("Petrove reči", "1")
    assert first.id not in (pair.ana.id, pair.petar.id) and first.requester_email == PETAR
    assert first.source.value == ("web" if via == "link" else via)
    assert write("Petrove reči", "1").id == first.id and write("Još", "2").id == first.id
    assert bodies(first) == ["Petrove reči", "Još"] and "Petrove reči" not in bodies(pair.ana)
    # What continues it may go into hers as well, or be over.
    merge(agent, first, pair.ana)
    second = write("Opet ja", "3")
    assert second.requester_email == PETAR and second.id not in (first.id, pair.ana.id)
    assert write("Petrove reči", "1").id == first.id, "sent again it is still the same"
    with transaction():
        properties.set_status(agent, [pair.ana.id, second.id], TicketStatus.CLOSED)
    assert write("I dalje ja", "4").requester_email == PETAR
    assert bodies(pair.ana).count("Petrove reči") == 1, "read there since that was merged"
    assert not session.scalars(select(Ticket).where(Ticket.requester_email == ANA, Ticket.id > pair.petar.id)).all()


@only_sqlite
def test_another_ticket_of_a_closed_department_is_not_there(session: Session, agent: Actor) -> None:
    shut, mine = make_ticket(SYSTEM, make_department(private=True)), make_ticket(SYSTEM)
    for verb in (
        lambda: merging.merge(agent, [shut.id], mine.id),
        lambda: merging.merge(agent, [mine.id], shut.id),
        lambda: linking.link(agent, mine.id, shut.id),
        lambda: splitting.split(agent, shut.id, [1], "Naslov"),
        lambda: merging.undo_merge(agent, shut.id),
    ):
        with pytest.raises((NotFound, Conflict)) as refusal, transaction():
            verb()
        assert refusal.value.code in ("not_found", "not_merged")
    admin = Actor("staff", agent.id, "Bez tiketa")
    with pytest.raises(NotFound), transaction():
        merging.merge(admin, [mine.id], shut.id)


# --- Splitting --------------------------------------------------------------------------------------------------------


def split(
    agent: Actor, ticket: Ticket, messages: Sequence[TicketMessage | int], subject: str = "Drugo pitanje"
) -> Ticket:
    with transaction():
        keys = [one if isinstance(one, int) else one.id for one in messages]
        return splitting.split(agent, ticket.id, keys, subject)


def test_messages_become_a_ticket_of_their_own(session: Session, agent: Actor, clock: Any) -> None:
    ticket = make_ticket(SYSTEM, requester_email=ANA, body="Prvo: sertifikat", tags=("ssl",))
    second = ask_again(ticket, "Drugo: račun   iz\nprošle godine", files=[("racun.txt", b"x")])
    clock.advance(timedelta(minutes=1))
    new = split(agent, ticket, [second], "  Račun iz\nprošle godine ")
    assert new.subject == "Račun iz prošle godine" and new.requester_email == ANA and new.tags == ["ssl"]
    assert bodies(ticket) == ["Prvo: sertifikat"] and bodies(new) == ["Drugo: račun   iz\nprošle godine"]
    assert ticket.preview == "Prvo: sertifikat" and ticket.last_by == "requester"
    assert new.preview == "Drugo: račun iz prošle godine"
    assert session.scalars(select(TicketAttachment.ticket_id)).all() == [new.id]
    assert found(session, "sertifikat") == {ticket.id} and found(session, "racun") >= {new.id}
    moved = session.get_one(TicketMessage, second.id)
    assert moved.data["origin"] == {"ticket": ticket.number, "seq": 2} and moved.seq == 1
    assert new.due_at < NO_DUE and new.status is TicketStatus.OPEN
    third = ask_again(ticket, "Treće")
    assert third.seq > 2, "numbers are not given out twice"
    merge(agent, new, ticket)
    assert bodies(ticket) == ["Prvo: sertifikat", "Drugo: račun   iz\nprošle godine", "Treće"]


@only_sqlite
def test_what_cannot_be_split(session: Session, agent: Actor, clock: Any) -> None:
    ticket, other = make_ticket(SYSTEM), make_ticket(SYSTEM)
    only = timeline(ticket.id)[0]
    for messages in ([only], [], [timeline(other.id)[0]], [only.id, 10**8], [0]):
        with pytest.raises(Invalid) as refusal:
            split(agent, ticket, messages)
        assert "messages" in refusal.value.fields
    second = ask_again(ticket, "Još nešto")
    for subject in ("", " \n", "x" * 201, "\0"):
        with pytest.raises(Invalid) as refusal:
            split(agent, ticket, [second], subject)
        assert "subject" in refusal.value.fields
    event = next(entry for entry in _events(agent, ticket))
    with pytest.raises(Invalid):
        split(agent, ticket, [event])
    held = reply(agent, ticket)
    with pytest.raises(Conflict, match="held"):
        split(agent, ticket, [held])
    clock.advance(timedelta(minutes=1))
    split(agent, ticket, [held])
    merge(agent, other, ticket)
    with pytest.raises(Invalid):
        split(agent, ticket, [timeline(other.id)[0]])  # it is read here, but belongs to the merged one
    with pytest.raises(Conflict, match="merged"):
        split(agent, other, [timeline(other.id)[0]])
    with pytest.raises(PinLike):
        split(agent, ticket, [second], "Moj PIN je 482913")
    with transaction():
        masked = splitting.split(agent, ticket.id, [second.id], "Moj PIN je 482913", MASKED)
    assert masked.subject == "Moj PIN je ••••••"
    assert not found(session, "482913")


def _events(agent: Actor, ticket: Ticket) -> list[TicketMessage]:
    with transaction():
        properties.tag(agent, [ticket.id], ["hitno"])
    return [entry for entry in timeline(ticket.id) if entry.kind is MessageKind.EVENT]


# --- Links ------------------------------------------------------------------------------------------------------------


@only_sqlite
def test_links_are_made_once_and_origins_stay(session: Session, agent: Actor) -> None:
    a, b = make_ticket(SYSTEM), make_ticket(SYSTEM)
    with transaction():
        linking.link(agent, a.id, b.id)
        linking.link(agent, b.id, a.id)
    assert len(session.scalars(select(TicketLink)).all()) == 1
    with transaction():
        linking.unlink(agent, b.id, a.id)
    with pytest.raises(NotFound), transaction():
        linking.unlink(agent, a.id, b.id)
    with pytest.raises(Invalid), transaction():
        linking.link(agent, a.id, a.id)
    second = ask_again(a, "Drugo")
    new = split(agent, a, [second])
    with pytest.raises(Conflict, match="origin"), transaction():
        linking.unlink(agent, a.id, new.id)
    merge(agent, new, a)
    for one, other in ((new, b), (b, new)):
        with pytest.raises(Conflict, match="merged"), transaction():
            linking.link(agent, one.id, other.id)


@only_sqlite
def test_only_what_is_over_goes_on_elsewhere(session: Session, agent: Actor) -> None:
    old = make_ticket(SYSTEM, requester_email=ANA)
    new = NewTicket(
        subject="Opet", body="Javljamo se ponovo", requester_email=ANA, department_id=old.department_id,
        source=TicketSource.AGENT, as_reply=True,
    )  # fmt: skip
    with pytest.raises(Conflict, match="open"), transaction():
        follow_up(agent, old.id, new)
    with transaction():
        properties.set_status(agent, [old.id], TicketStatus.CLOSED)
    with transaction():
        later = follow_up(agent, old.id, new)
    link = session.scalars(select(TicketLink)).one()
    assert (link.ticket_id, link.other_id, link.kind) == (later.id, old.id, LinkKind.FOLLOW_UP)
    assert requester.goes_on_in(old) == later
    assert ticket_of(requester_token(old)) == old


# --- Two at once ------------------------------------------------------------------------------------------------------


def at_once(app: Flask, calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run the calls in threads that start together; return results or refusals, in order."""
    barrier, results = threading.Barrier(len(calls)), [None] * len(calls)

    def run(place: int, call: Callable[[], Any]) -> None:
        with app.app_context():
            barrier.wait()
            try:
                with transaction():
                    call()
                results[place] = "done"  # type: ignore[call-overload]
            except Refusal as refusal:
                results[place] = refusal  # type: ignore[call-overload]
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_merging_each_into_the_other_at_once_makes_no_circle(
    app: Flask, session: Session, agent: Actor, samples: Callable[[int, int], int], proof: Callable[[str], None]
) -> None:
    rounds = samples(60, 4)
    for _round in range(rounds):
        a, b, c = (make_ticket(SYSTEM).id for _ in range(3))
        session.rollback()
        ways = [(a, b), (b, c), (c, a), (b, a)]
        joins = [partial(merging.merge, agent, [one], into, different_requesters=True) for one, into in ways]
        results = at_once(app, joins)
        session.rollback()
        tickets = {key: session.get_one(Ticket, key) for key in (a, b, c)}
        roots = [ticket for ticket in tickets.values() if ticket.merged_into_id is None]
        done = results.count("done")
        assert roots, "a circle"
        assert done == 3 - len(roots)
        assert all(isinstance(one, Conflict) for one in results if one != "done"), results
        for ticket in tickets.values():
            above: list[Ticket] = [ticket]
            while above[-1].merged_into_id is not None:
                above.append(tickets[above[-1].merged_into_id])
                assert len(above) <= 3
    proof(f"{rounds} rounds of four merges at once in a circle: no circle, each refusal a conflict")


def test_one_message_goes_into_one_ticket(app: Flask, session: Session, agent: Actor) -> None:
    ticket = make_ticket(SYSTEM)
    second = ask_again(ticket, "Drugo").id
    key = ticket.id
    session.rollback()
    results = at_once(
        app,
        [
            *[partial(splitting.split, agent, key, [second], f"Naslov {name}") for name in "ABC"],
            lambda: ticket_messages.reply(agent, key, Writing("Odgovor", client_id="o", anyway=True)),
        ],
    )
    session.rollback()
    assert results[:3].count("done") == 1 and results[3] == "done"
    assert len(session.scalars(select(Ticket)).all()) == 2
    assert session.get_one(TicketMessage, second).ticket_id != key
    seqs = session.scalars(select(TicketMessage.seq).where(TicketMessage.ticket_id == key)).all()
    assert len(seqs) == len(set(seqs))


def test_a_verification_ends_with_its_ticket_even_while_it_is_made(
    app: Flask, session: Session, agent: Actor, staff_of: Any
) -> None:
    owner = factories.owner_of(factories.make_customer())
    pin, email = factories.pin_of(owner), owner.person.email
    for _round in range(3):
        ticket = make_ticket(SYSTEM)
        key, number = ticket.id, ticket.number
        session.rollback()
        results = at_once(
            app,
            [
                partial(verify, agent, email=email, pin=pin, channel=f"ticket:{number}"),
                partial(properties.set_status, agent, [key], TicketStatus.CLOSED),
                partial(cards.ask, agent, f"ticket:{number}"),
            ],
        )
        assert results[1] == "done"
        session.rollback()
        live = session.scalars(
            select(Verification).where(Verification.channel == f"ticket:{number}", Verification.ended_at.is_(None))
        ).all()
        assert not live, results
