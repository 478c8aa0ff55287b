"""Changing what a ticket is: two at once, links called back, what ends with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core.actor import SYSTEM, Actor
from console.core.errors import Conflict, Invalid, NotFound
from console.core.transaction import transaction
from console.customers.models import VerificationCard
from console.customers.verification import cards
from console.customers.verification import service as verifications
from console.mail.models import Mail, MailState
from console.mail.reading import whole
from console.staff.roles import Role
from console.tickets.links import requester_token, ticket_of
from console.tickets.models import Priority, Ticket, TicketMessage, TicketStatus
from console.tickets.service import merging, properties, property_forms, requester
from console.tickets.service import verification as ticket_verification
from tests import factories
from tests.factories.tickets import make_department, make_ticket
from tests.tickets.test_merging import at_once

pytestmark = pytest.mark.both

ActorOf = Callable[[Role | str], Actor]
only_sqlite = pytest.mark.only("sqlite")  # the rules are ours, not the database's
ANA = "ana.petrovic@example.test"


@pytest.fixture
def agent(actor: ActorOf) -> Actor:
    return actor("agent")


def events(session: Session, ticket: Ticket, kind: str) -> int:
    query = select(TicketMessage).where(TicketMessage.ticket_id == ticket.id, TicketMessage.event == kind)
    return len(session.scalars(query).all())


def card_of(session: Session) -> str:
    mail = session.scalars(select(Mail).where(Mail.template == "verification_asked").order_by(Mail.id.desc())).first()
    assert mail is not None
    found = re.search(r"/v/([\w-]+)", whole(mail).text)
    assert found is not None
    return found[1]


# --- Links that were sent ---------------------------------------------------------------------------------------------


def test_every_link_that_leads_here_is_void_and_no_other(session: Session, agent: Actor) -> None:
    old = make_ticket(SYSTEM, requester_email=ANA)
    with transaction():
        properties.set_status(agent, [old.id], TicketStatus.CLOSED)
        message = requester.write(SYSTEM, old, "Opet ne radi", client_id="x" * 20)
    goes_on = message.ticket
    merged, stranger, apart = (
        make_ticket(SYSTEM, requester_email=ANA), make_ticket(SYSTEM), make_ticket(SYSTEM, requester_email=ANA),
    )  # fmt: skip
    with transaction():
        merging.merge(agent, [merged.id, stranger.id], goes_on.id, different_requesters=True)
        cards.ask(agent, ticket_verification.channel(goes_on))
    card, tokens = card_of(session), {one.id: requester_token(one) for one in (old, goes_on, merged, stranger, apart)}
    with transaction():
        properties.void_links(agent, goes_on.id, "Sanduče je preuzeto")
    for ticket in (old, goes_on, merged):
        with pytest.raises(NotFound):
            ticket_of(tokens[ticket.id])
    assert ticket_of(tokens[stranger.id]) == stranger, "another person's link opens their own part"
    assert ticket_of(tokens[apart.id]) == apart
    with pytest.raises(NotFound):
        cards.find_card(card)
    assert ticket_of(requester_token(goes_on)) == goes_on, "the next mail's link works"
    assert events(session, goes_on, "links_voided") == 1


@only_sqlite
@pytest.mark.parametrize("reason", ["", "  ", "ne", "x" * 501, "\0\0\0\0\0\0"])
def test_links_are_not_voided_without_a_reason(session: Session, agent: Actor, reason: str) -> None:
    ticket = make_ticket(SYSTEM)
    with pytest.raises(Invalid) as refusal, transaction():
        properties.void_links(agent, ticket.id, reason)
    assert "reason" in refusal.value.fields and ticket.link_version == 1


# --- What ends with it ------------------------------------------------------------------------------------------------


def test_a_verification_and_its_card_end_when_the_ticket_closes(session: Session, agent: Actor, staff_of: Any) -> None:
    ticket, other = make_ticket(SYSTEM), make_ticket(SYSTEM)
    owner = factories.owner_of(factories.make_customer())
    here = factories.make_verification(staff_of("agent"), owner, channel=f"ticket:{ticket.number}")
    by_phone = factories.make_verification(staff_of("agent"), owner)
    elsewhere = factories.make_verification(staff_of("agent"), owner, channel=f"ticket:{other.number}")
    with transaction():
        cards.ask(agent, ticket_verification.channel(ticket))
    with transaction():
        properties.set_status(agent, [ticket.id], TicketStatus.SOLVED)
    session.expire_all()
    assert here.ended_at is None, "a solved ticket may be opened again in a moment"
    with transaction():
        properties.set_status(agent, [ticket.id], TicketStatus.CLOSED)
    session.expire_all()
    assert here.end_reason == "channel" and by_phone.ended_at is None and elsewhere.ended_at is None
    assert session.scalars(select(VerificationCard)).one().ended_at is not None
    with pytest.raises(Conflict, match="closed"), transaction():
        cards.ask(agent, ticket_verification.channel(ticket))
    with pytest.raises(Conflict, match="closed"), transaction():
        verifications.verify(agent, email="a@example.test", pin="123456", channel=f"ticket:{ticket.number}")


@only_sqlite
def test_a_card_is_withdrawn_once(session: Session, agent: Actor) -> None:
    ticket = make_ticket(SYSTEM)
    with transaction():
        cards.ask(agent, ticket_verification.channel(ticket))
    token = card_of(session)
    with transaction():
        assert cards.withdraw(agent, ticket_verification.channel(ticket))
        assert not cards.withdraw(agent, ticket_verification.channel(ticket))
    with pytest.raises(NotFound):
        cards.find_card(token)
    assert events(session, ticket, "verification_withdrawn") == 1


@only_sqlite
def test_a_spoken_verification_is_noted_in_its_ticket_only(session: Session, agent: Actor) -> None:
    owner = factories.owner_of(factories.make_customer())
    ticket = make_ticket(SYSTEM)
    spoken = {"email": owner.person.email, "channel": f"ticket:{ticket.number.lower()}"}
    pin = factories.pin_of(owner)
    with transaction():
        assert verifications.verify(agent, pin=f"{(int(pin) + 1) % 10**6:06d}", **spoken) is None
    assert events(session, ticket, "verification_failed") == 1
    with transaction():
        made = verifications.verify(agent, pin=pin, **spoken)
    assert made is not None and made.channel == f"ticket:{ticket.number}", "written in one way"
    assert ticket.customer_id == owner.customer_id
    with transaction():
        verifications.end(agent, made.id)
        verifications.end(agent, made.id)
    assert events(session, ticket, "verification_ended") == 1
    assert not [row for row in session.scalars(select(TicketMessage)) if pin in f"{row.body}{row.data}"]


@only_sqlite
def test_solved_and_reopened_at_once_sends_no_mail(session: Session, agent: Actor, clock: Any) -> None:
    ticket = make_ticket(SYSTEM)

    def move(status: TicketStatus) -> list[MailState]:
        with transaction():
            properties.set_status(agent, [ticket.id], status)
        query = select(Mail.state).where(Mail.template == "ticket_solved").order_by(Mail.id)
        return list(session.scalars(query))

    assert move(TicketStatus.SOLVED) == [MailState.QUEUED]
    mail = session.scalars(select(Mail).where(Mail.template == "ticket_solved")).one()
    assert mail.send_after - mail.created_at > properties.SOLVED_WAITS - timedelta(seconds=1)
    assert move(TicketStatus.OPEN) == [MailState.CANCELLED]
    assert move(TicketStatus.SOLVED) == [MailState.CANCELLED, MailState.QUEUED]
    assert move(TicketStatus.CLOSED) == [MailState.CANCELLED, MailState.QUEUED], "closed is solved as well"


# --- Facts ------------------------------------------------------------------------------------------------------------


@only_sqlite
def test_bad_facts_change_nothing(session: Session, agent: Actor, staff_of: Any) -> None:
    ticket, shut = make_ticket(SYSTEM), make_department(private=True)
    mine, theirs = factories.make_customer(), factories.make_customer()
    service = factories.make_service(theirs)
    gone = factories.make_staff(active=False)
    seq = ticket.last_seq
    verbs: tuple[Callable[[], Any], ...] = (
        lambda: properties.set_language(agent, ticket.id, "de"),
        lambda: properties.set_subject(agent, ticket.id, " \0 "),
        lambda: properties.set_customer(agent, ticket.id, mine, service.id),
        lambda: properties.set_customer(agent, ticket.id, None, service.id),
        lambda: properties.assign(agent, [ticket.id], gone.id),
        lambda: properties.assign(agent, [ticket.id], staff_of("admin").id),
        lambda: properties.assign(agent, [ticket.id], 10**8),
        lambda: properties.set_department(agent, [ticket.id], 10**8),
        lambda: properties.tag(agent, [ticket.id], ["x" * 41]),
    )
    for verb in verbs:
        with pytest.raises(Invalid), transaction():
            verb()
    session.expire_all()
    assert ticket.last_seq == seq
    with transaction():
        properties.assign(agent, [ticket.id], agent.id)
        properties.set_department(agent, [ticket.id], shut.id)
    assert ticket.assignee_id is None, "who does not see it cannot look after it"
    with pytest.raises(NotFound), transaction():
        properties.set_priority(agent, [ticket.id], Priority.HIGH)


def test_two_at_once_are_one_after_the_other(
    app: Flask, session: Session, agent: Actor, actor: ActorOf, clock: Any
) -> None:
    ticket = make_ticket(SYSTEM)
    key, colleague = ticket.id, actor("supervisor")
    session.rollback()
    results = at_once(
        app,
        [
            lambda: properties.assign(agent, [key], agent.id),
            lambda: properties.assign(colleague, [key], colleague.id),
            lambda: properties.set_status(agent, [key], TicketStatus.SOLVED),
            lambda: properties.set_status(colleague, [key], TicketStatus.SOLVED),
            lambda: properties.tag(agent, [key], ["hitno", "dns"]),
            lambda: properties.tag(colleague, [key], ["hitno", "ssl"]),
        ],
    )
    session.rollback()
    assert results == ["done"] * 6
    ticket = session.get_one(Ticket, key)
    assert ticket.assignee_id in (agent.id, colleague.id) and events(session, ticket, "assigned") == 2
    assert ticket.status is TicketStatus.SOLVED and events(session, ticket, "status") == 1
    assert len(session.scalars(select(Mail).where(Mail.template == "ticket_solved")).all()) == 1
    assert ticket.tags == ["dns", "hitno", "ssl"]
    seqs = session.scalars(select(TicketMessage.seq).where(TicketMessage.ticket_id == key)).all()
    assert sorted(seqs) == list(range(1, ticket.last_seq + 1))
    assert clock.now() - ticket.updated_at < timedelta(minutes=1)


@only_sqlite
def test_a_fact_is_set_only_where_it_is_as_it_was_looked_at(session: Session, actor: ActorOf) -> None:
    """Asked by the verb, whichever page or program calls it."""
    agent, ticket = actor("agent"), make_ticket(actor("agent"), subject="Pre")
    with transaction():
        assert property_forms.set_fact(agent, ticket.id, "subject", "Posle", had="Pre") == ("Pre", "Posle")
    with pytest.raises(property_forms.FactChanged) as refused, transaction():
        property_forms.set_fact(agent, ticket.id, "subject", "Kasno", had="Pre")
    assert (refused.value.code, ticket.subject) == ("changed", "Posle")
    with pytest.raises(NotFound), transaction():
        property_forms.set_fact(agent, ticket.id, "requester_email", "x@example.test")
