"""Forwarding to an outside address: what goes out, and that what comes back stays among colleagues."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Reused
from console.core.transaction import transaction
from console.customers.masking import PinLike
from console.mail.receiving.models import IncomingMail, IncomingState
from console.staff.roles import Role
from console.tickets.mail_in.service import decisions
from console.tickets.models import MessageKind, Ticket, TicketMessage, TicketRead
from console.tickets.service import forwarding, messages, requester
from tests.factories.tickets import make_ticket
from tests.tickets.mail_in.scene import ANA, entries, mails_to, make_raw, proven, take

OUTSIDE = "tehnika@dobavljac.test"
VISITOR = Actor(kind="visitor", id=None, name="Ana Petrović")


@pytest.fixture
def ticket(agent: Actor) -> Ticket:
    ticket = make_ticket(
        VISITOR, requester_email=ANA, requester_name="Ana Petrović", subject="Ne radi sajt", body="Od jutros."
    )
    with transaction():
        messages.note(agent, ticket.id, messages.Writing("Samo za nas.", client_id="beleska"))
    return ticket


def forward(agent: Actor, ticket: Ticket, text: str = "Možete li da proverite?", **more: Any) -> TicketMessage:
    values = {"address": OUTSIDE, "client_id": f"dalje-{text}"} | more
    with transaction():
        return forwarding.forward(agent, ticket.id, forwarding.Forwarding(text=text, **values))


def test_what_is_public_is_forwarded_and_the_rest_is_not(agent: Actor, ticket: Ticket, session: Session) -> None:
    note = forward(agent, ticket)
    (mail,) = mails_to(OUTSIDE)
    assert (mail.subject, mail.customer_id, mail.in_reply_to) == ("Fwd: Ne radi sajt", None, None)
    assert "Možete li" in mail.text and "Od jutros." in mail.text and "Samo za nas" not in mail.text + mail.html
    assert "/t/" not in mail.text + mail.html and ANA not in mail.text + mail.html
    assert "+f." in str(mail.reply_to)
    assert (note.kind, note.data["forwarded"], note.mail_id) == (MessageKind.NOTE, OUTSIDE, mail.id)
    assert session.scalar(select(AuditEntry.action).order_by(AuditEntry.id.desc()).limit(1)) == "ticket.forwarded"
    assert forward(agent, ticket).id == note.id
    with pytest.raises(Reused):
        forward(agent, ticket, address="drugi@dobavljac.test")


def test_every_file_of_a_conversation_goes_along(agent: Actor, ticket: Ticket) -> None:
    for part in range(2):
        files = [(f"zapis-{part}-{number}.txt", f"{part} {number}".encode()) for number in range(7)]
        with transaction():
            requester.write(VISITOR, ticket, f"Evo zapisa {part}.", client_id=f"zapis-{part}", files=files)
    forward(agent, ticket)
    names = [file["name"] for file in mails_to(OUTSIDE)[0].attachments]
    assert sorted(names) == sorted(f"zapis-{part}-{number}.txt" for part in range(2) for number in range(7))


@pytest.mark.parametrize("way", ["address", "thread", "colleague"])
def test_the_answer_is_a_note(agent: Actor, ticket: Ticket, way: str) -> None:
    forward(agent, ticket)
    (mail,) = mails_to(OUTSIDE)
    more = {"In_Reply_To": mail.message_id} if way == "thread" else {"to": str(mail.reply_to)}
    sender = "kolega@dobavljac.test" if way == "colleague" else OUTSIDE
    row = take(make_raw("Greška je kod nas.", sender=sender, auth=proven("dobavljac.test"), **more))
    assert (row.state, row.reason) == (IncomingState.TICKET, "forward")
    note = entries(ticket, MessageKind.NOTE)[-1]
    assert (note.body, note.data["forwarded_to"], note.data["waits"]) == ("Greška je kod nas.", OUTSIDE, "")
    assert note.data.get("other_sender", False) is (way == "colleague")
    assert len(entries(ticket, MessageKind.QUESTION)) == 1
    assert mails_to(sender, "ticket_opened") == []
    read = db.session.scalar(select(TicketRead).where(TicketRead.staff_id == agent.id))
    assert read is not None and read.mention_seq == note.seq
    with pytest.raises(Conflict), transaction():
        decisions.add_to_ticket(agent, row.id)


def test_one_that_waited_is_a_note_when_it_is_added(agent: Actor, ticket: Ticket) -> None:
    forward(agent, ticket)
    to = str(mails_to(OUTSIDE)[0].reply_to)
    for place in range(30):
        take(make_raw(f"Poruka {place}", sender=OUTSIDE, auth=proven("dobavljac.test")))
    row: IncomingMail = take(make_raw("Trideset prva", sender=OUTSIDE, to=to, auth=proven("dobavljac.test")))
    assert (row.state, row.reason) == (IncomingState.WAITING, "flood")
    with transaction():
        decisions.add_to_ticket(agent, row.id)
    assert entries(ticket, MessageKind.NOTE)[-1].body == "Trideset prva"
    assert len(entries(ticket, MessageKind.QUESTION)) == 1


def test_one_message_goes_alone_and_a_note_never(agent: Actor, ticket: Ticket) -> None:
    with transaction():
        messages.reply(agent, ticket.id, messages.Writing("Gledamo.", client_id="odgovor", anyway=True))
    question, note = entries(ticket, MessageKind.QUESTION)[0], entries(ticket, MessageKind.NOTE)[0]
    forward(agent, ticket, message_id=question.id)
    assert "Gledamo." not in mails_to(OUTSIDE)[0].text
    with pytest.raises(NotFound):
        forward(agent, ticket, "Drugo", message_id=note.id)


def test_what_is_refused(agent: Actor, ticket: Ticket, actor: Callable[[Role | str], Actor]) -> None:
    for address in ("", "nije adresa", "podrska@example.test", ANA):
        with pytest.raises(Invalid) as refusal:
            forward(agent, ticket, address=address)
        assert list(refusal.value.fields) == ["address"]
    with pytest.raises(PinLike):
        forward(agent, ticket, "PIN je 482913")
    with pytest.raises(NotFound):
        forward(Actor(kind="staff", id=agent.id, name="x"), ticket)
    assert mails_to(OUTSIDE) == []
