"""Chats and tickets as channels of a verification: their guards hold for every caller of the verb."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.chat.models import Chat
from console.core.actor import SYSTEM, Actor
from console.core.errors import Conflict, NotFound
from console.core.transaction import transaction
from console.customers.models import Verification, VerificationCard
from console.customers.verification import cards, channels
from console.customers.verification.service import verify
from console.staff.roles import Role
from console.tickets.models import TicketMessage, TicketStatus
from console.tickets.service import merging, properties
from tests import factories
from tests.chat.past import end
from tests.conftest import Clock
from tests.factories.chat import ask, monday, take, visitor
from tests.factories.tickets import make_ticket
from tests.support.server import ROOT

CONSOLE = ROOT / "console"

pytestmark = pytest.mark.only("sqlite")  # the rules are ours, not the database's


@pytest.fixture
def agent(actor: Callable[[Role | str], Actor]) -> Actor:
    return actor("agent")


def test_every_kind_is_registered(session: Session) -> None:
    assert channels.registered() == set(channels.KINDS)


def test_without_its_guards_a_channel_verifies_no_one(
    session: Session, agent: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = factories.owner_of(factories.make_customer())
    spoken = {"email": owner.person.email, "pin": factories.pin_of(owner), "channel": "chat:C-50417"}
    monkeypatch.setattr(channels, "_locks", {})
    with pytest.raises(KeyError), transaction():
        verify(agent, **spoken)
    assert session.scalars(select(Verification)).all() == []


def test_a_ticket_that_is_over_refuses_both_entries(session: Session, agent: Actor) -> None:
    owner = factories.owner_of(factories.make_customer())
    pin = factories.pin_of(owner)
    closed, merged, other = (make_ticket(SYSTEM) for _ in range(3))
    with transaction():
        properties.set_status(agent, [closed.id], TicketStatus.CLOSED)
        merging.merge(agent, [merged.id], other.id, different_requesters=True)
    for ticket, code in ((closed, "closed"), (merged, "merged")):
        name = f"ticket:{ticket.number}"
        for verb in (
            lambda name=name: verify(agent, email=owner.person.email, pin=pin, channel=name),
            lambda name=name: cards.ask(agent, name),
        ):
            with pytest.raises(Conflict) as refusal, transaction():
                verb()
            assert refusal.value.code == code
    assert session.scalars(select(Verification)).all() == session.scalars(select(VerificationCard)).all() == []


def test_a_chat_is_verified_in_by_its_agent_while_it_lasts(session: Session, clock: Clock) -> None:
    clock.set(monday(11))
    owner = factories.owner_of(factories.make_customer())
    agent, colleague = factories.make_staff().actor(), factories.make_staff().actor()
    chat = take(agent, ask())
    name, pin = f"chat:{chat.number}", factories.pin_of(owner)
    spoken = {"email": owner.person.email, "pin": pin, "channel": name}

    def refused(who: Actor) -> None:
        for verb in (lambda: verify(who, **spoken), lambda: cards.ask(who, name), lambda: cards.withdraw(who, name)):
            with pytest.raises(Conflict) as refusal, transaction():
                verb()
            assert refusal.value.code == "not_yours"

    refused(colleague)
    with pytest.raises(NotFound) as none, transaction():
        cards.submit_in(visitor(), name, email=owner.person.email, pin=pin)
    assert none.value.code == "no_card"
    with transaction():
        cards.ask(agent, name)
    with transaction():
        made = cards.submit_in(visitor(), name, email=owner.person.email, pin=pin).verification
    assert made is not None and session.get_one(Chat, chat.id).verified_until == made.expires_at
    end(agent, chat)
    session.expire_all()
    assert made.end_reason == "channel"
    refused(agent)


def test_cards_need_a_conversation_and_someone_who_verifies(
    session: Session, agent: Actor, actor: Callable[[Role | str], Actor]
) -> None:
    ticket = make_ticket(SYSTEM)
    for who, channel in (
        (agent, "phone"), (agent, "mail"), (agent, "chat:C-50417"), (agent, "ticket:T-99999999"), (agent, ""),
        (actor("admin"), f"ticket:{ticket.number}"), (SYSTEM, f"ticket:{ticket.number}"),
    ):  # fmt: skip
        for verb in (cards.ask, cards.withdraw):
            with pytest.raises(NotFound), transaction():
                verb(who, channel)
    assert session.scalars(select(VerificationCard)).all() == []


def test_a_call_passes_no_chat_and_no_ticket(session: Session, agent: Actor) -> None:
    owner = factories.owner_of(factories.make_customer())
    make_ticket(SYSTEM)
    spoken = {"email": owner.person.email, "pin": factories.pin_of(owner), "channel": "phone"}
    files: set[str] = set()

    def note(frame: FrameType, _event: str, _argument: object) -> None:
        files.add(frame.f_code.co_filename)

    with transaction():
        sys.setprofile(note)
        try:
            made = verify(agent, **spoken)
        finally:
            sys.setprofile(None)
    assert made is not None and made.channel == "phone"
    assert "verified" not in set(session.scalars(select(TicketMessage.event)))
    passed = {Path(file).relative_to(CONSOLE).parts for file in files if Path(file).is_relative_to(CONSOLE)}
    assert ("customers", "verification", "channels.py") in passed
    assert {parts[0] for parts in passed}.isdisjoint({"chat", "tickets", "views"})
