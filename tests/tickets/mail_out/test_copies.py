"""Copies of replies: who gets them, what is in them, who knows of them, and that they open nothing."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Invalid, NotFound, Reused
from console.core.transaction import transaction
from console.mail import sending
from console.mail.models import Mail, MailState
from console.mail.receiving.models import IncomingState
from console.tickets.mail_in.service import participants
from console.tickets.models import MessageKind, Ticket, TicketMessage
from console.tickets.service import messages
from tests.conftest import Clock
from tests.factories.tickets import make_ticket
from tests.support.smtp import Received, SmtpServer
from tests.tickets.mail_in.scene import ANA, entries, mails_to, make_raw, proven, take

MANY = ",".join(f"a{n}@b.test" for n in range(11))
BOSS, TRI, QUIET = "sef@gost.test", "treci@tri.test", "tiho@cetiri.test"
VISITOR = Actor(kind="visitor", id=None, name="Ana Petrović")


@pytest.fixture
def ticket() -> Ticket:
    return make_ticket(VISITOR, requester_email=ANA, requester_name="Ana Petrović", subject="Ne radi sajt")


def reply(agent: Actor, ticket: Ticket, text: str = "Rešeno.", **more: Any) -> TicketMessage:
    with transaction():
        writing = messages.Writing(text, client_id=f"odgovor-{text}", anyway=True, **more)
        return messages.reply(agent, ticket.id, writing)


def deliver(clock: Clock, smtp: SmtpServer) -> dict[str, Received]:
    clock.advance(messages.TAKE_BACK)
    sending.send_due()
    return {mail.recipients[0]: mail for mail in smtp.received}


def test_each_copy_says_whom_the_reply_is_for_and_no_one_sees_a_blind_one(
    agent: Actor, ticket: Ticket, clock: Clock, smtp: SmtpServer
) -> None:
    reply(agent, ticket, cc=f"Šef <{BOSS}>; {TRI.upper()}", bcc=f"{QUIET}, {BOSS}")
    sent = deliver(clock, smtp)
    assert sent.keys() == {ANA, BOSS, TRI, QUIET}
    for address, mail in sent.items():
        assert str(mail.message["To"].addresses[0].addr_spec) == ANA
        assert [one.addr_spec for one in mail.message["Cc"].addresses] == [BOSS, TRI]
        assert mail.message["Bcc"] is None
        assert QUIET.encode() not in mail.content
        assert "Auto-Submitted" not in mail.message
        assert (b"/t/" in mail.content) == (address == ANA)
        text = mail.message.get_body(["plain"])
        assert text is not None and "Rešeno." in text.get_content()
    addresses = {address: str(mail.message["Reply-To"]) for address, mail in sent.items()}
    assert "+t." in addresses[ANA]
    assert all("+c." in addresses[one] for one in (BOSS, TRI, QUIET))


def test_a_participant_gets_copies_until_removed(agent: Actor, ticket: Ticket) -> None:
    with transaction():
        participants.add(agent, ticket.id, TRI)
        participants.add(agent, ticket.id, f" {TRI} ")
    assert [one.event for one in entries(ticket, MessageKind.EVENT)] == ["participant_added"]
    reply(agent, ticket, "Prvi", cc=TRI)
    (copy,) = mails_to(TRI)
    assert (copy.template, copy.cc, copy.shown_to, copy.customer_id) == ("ticket_copy", [TRI], ANA, None)
    with transaction():
        participants.remove(agent, ticket.id, TRI)
    reply(agent, ticket, "Drugi")
    assert len(mails_to(TRI)) == 1
    with pytest.raises(NotFound), transaction():
        participants.remove(agent, ticket.id, TRI)


@pytest.mark.parametrize(
    ("field", "typed"),
    [("cc", "nije adresa"), ("bcc", "podrska+t.1@example.test"), ("cc", MANY)],
)
def test_a_wrong_address_sends_nothing(agent: Actor, ticket: Ticket, field: str, typed: str) -> None:
    with pytest.raises(Invalid) as refusal:
        reply(agent, ticket, **{field: typed})
    assert list(refusal.value.fields) == [field]
    assert mails_to(ANA, "ticket_reply") == []


def test_the_same_reply_to_others_is_another_one(agent: Actor, ticket: Ticket) -> None:
    first = reply(agent, ticket, cc=BOSS)
    assert reply(agent, ticket, cc=BOSS).id == first.id
    with pytest.raises(Reused):
        reply(agent, ticket, cc=TRI)
    assert len(mails_to(BOSS)) == 1


def test_the_same_reply_is_the_same_after_who_takes_part_has_changed(agent: Actor, ticket: Ticket) -> None:
    with transaction():
        participants.add(agent, ticket.id, QUIET)
    first = reply(agent, ticket, cc=f"{TRI}, {QUIET}", bcc=BOSS)
    with transaction():
        participants.add(agent, ticket.id, TRI)
        participants.remove(agent, ticket.id, QUIET)
    assert reply(agent, ticket, cc=f"{TRI}, {QUIET}", bcc=BOSS).id == first.id
    with pytest.raises(Reused):
        reply(agent, ticket, bcc=BOSS)


def test_undoing_a_reply_undoes_its_copies(agent: Actor, ticket: Ticket) -> None:
    message = reply(agent, ticket, cc=BOSS, bcc=QUIET)
    with transaction():
        messages.take_back(agent, ticket.id, message.id)
    states = select(Mail.state).where(Mail.template.in_(["ticket_reply", "ticket_copy"]))
    assert list(db.session.scalars(states)) == [MailState.CANCELLED] * 3


def test_the_address_of_a_copy_makes_no_one_a_requester(agent: Actor, ticket: Ticket) -> None:
    with transaction():
        participants.add(agent, ticket.id, TRI)
    reply(agent, ticket, cc=BOSS)
    to = str(mails_to(BOSS)[0].reply_to)
    assert "+c." in to
    unproven = take(make_raw("Ja sam Ana", to=to))
    stranger = take(make_raw("Ja bih nešto dodao", sender=BOSS, to=to, auth=proven()))
    assert (unproven.state, unproven.reason) == (IncomingState.WAITING, "unproven")
    assert (stranger.state, stranger.reason) == (IncomingState.WAITING, "stranger")
    proven_one = take(make_raw("I ja", sender=TRI, to=to, auth=proven("tri.test")))
    assert proven_one.state is IncomingState.TICKET
    assert [one.body for one in entries(ticket, MessageKind.QUESTION)][-1] == "I ja"
