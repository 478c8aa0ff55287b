"""What stands under a reply, and which address it comes from."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from console.core.actor import Actor
from console.core.clock import now
from console.core.errors import Invalid, NotFound
from console.core.transaction import transaction
from console.mail import sending
from console.mail.mailboxes.models import Mailbox
from console.staff.models import Staff
from console.staff.signature import MAX_LINES, set_signature
from console.tickets.models import MessageKind, Ticket
from console.tickets.service import messages, splitting
from tests.conftest import Clock
from tests.support.smtp import SmtpServer
from tests.tickets.mail_in.scene import ANA, entries, mails_to, make_raw, proven, take, ticket_of


def reply(agent: Actor, ticket: Ticket) -> str:
    with transaction():
        messages.reply(agent, ticket.id, messages.Writing("Rešeno.", client_id="odgovor", anyway=True))
    return mails_to(ANA, "ticket_reply")[-1].text


def test_an_agent_signs_in_the_language_of_who_asked(agent: Actor, session: Session) -> None:
    with transaction():
        set_signature(agent, "Mila Petrović\nsistem inženjer", " ")
    english = ticket_of(take(make_raw("Hello, my site is down. Can you please help me with it?", auth=proven())))
    assert "Rešeno.\n\nMila Petrović\nsistem inženjer\n" in reply(agent, english), "better than none"
    with transaction():
        set_signature(agent, "", "Mila\nSystems")
    serbian = ticket_of(take(make_raw("Dobar dan, ne radi mi sajt. Molim Vas, pogledajte.", auth=proven())))
    assert "\nMila\nSystems\n" in reply(agent, serbian)
    with transaction():
        set_signature(agent, "", "")
    name = session.get_one(Staff, agent.id).name.split()[0]
    last = ticket_of(take(make_raw("Dobar dan, opet ne radi. Molim Vas.", auth=proven())))
    assert f"\n{name}\n" in reply(agent, last)


def test_a_signature_is_short_and_ones_own(agent: Actor) -> None:
    with pytest.raises(Invalid) as refusal, transaction():
        set_signature(agent, "x\n" * (MAX_LINES + 1), "x" * 501)
    assert set(refusal.value.fields) == {"signature_sr", "signature_en"}
    with pytest.raises(NotFound), transaction():
        set_signature(Actor(kind="person", id=1, name="Ana"), "a", "b")


def test_a_ticket_of_a_mailbox_is_answered_from_there(
    agent: Actor, session: Session, clock: Clock, smtp: SmtpServer
) -> None:
    with transaction():
        box = Mailbox(
            key="prodaja", address="prodaja@example.test", signature="Prodaja\nradnim danom 9–17", created_at=now()
        )
        session.add(box)
    ticket = ticket_of(take(make_raw(auth=proven(), to="prodaja@example.test"), mailbox=box))
    assert "Prodaja\nradnim danom 9–17" in reply(agent, ticket)
    clock.advance(messages.TAKE_BACK)
    sending.send_due()
    senders = [one.message["From"].addresses[0].addr_spec for one in smtp.received]
    assert senders == ["prodaja@example.test"] * 2  # the confirmation too


@pytest.mark.both
def test_what_stays_of_a_split_ticket_is_answered_from_its_mailbox(agent: Actor, session: Session) -> None:
    with transaction():
        box = Mailbox(key="prodaja", address="prodaja@example.test", created_at=now())
        session.add(box)
    ticket = ticket_of(take(make_raw(auth=proven(), to="prodaja@example.test"), mailbox=box))
    to = str(mails_to(ANA)[-1].reply_to)
    second = take(make_raw("Još jedno pitanje.", auth=proven(), to=to), mailbox=box)
    (first, _second) = entries(ticket, MessageKind.QUESTION)
    assert second.ticket_id == ticket.id
    with transaction():
        new = splitting.split(agent, ticket.id, [first.id], "Odvojeno")
    for one in (ticket, new):
        reply(agent, one)
        assert mails_to(ANA)[-1].from_address == "prodaja@example.test"
