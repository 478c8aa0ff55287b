"""Mails of a ticket stay one conversation: which messages they answer, and under which subject."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.core.actor import Actor
from console.core.db import db
from console.core.transaction import transaction
from console.mail.models import Mail, MailState
from console.mail.receiving.models import IncomingMail
from console.tickets.mail_threads import KEPT_REFERENCES, without_prefix
from console.tickets.models import Ticket, TicketMessage
from console.tickets.service import messages, splitting
from tests.conftest import Clock
from tests.factories.tickets import make_ticket
from tests.tickets.mail_in.scene import ANA, mails_to, make_raw, proven, take, ticket_of

VISITOR = Actor(kind="visitor", id=None, name="Ana Petrović")


def answer(agent: Actor, ticket: Ticket, text: str = "Rešeno.") -> Mail:
    return db.session.get_one(Mail, write(agent, ticket, text).mail_id)


def write(agent: Actor, ticket: Ticket, text: str) -> TicketMessage:
    with transaction():
        writing = messages.Writing(text, client_id=f"odgovor-{text}", anyway=True)
        return messages.reply(agent, ticket.id, writing)


def write_back(mail: Mail, text: str) -> IncomingMail:
    """Answer a mail of ours as mail programs do."""
    return take(
        make_raw(
            text, subject=f"Re: {mail.subject}", auth=proven(), to=str(mail.reply_to), In_Reply_To=mail.message_id,
            References=f"{mail.references or ''} {mail.message_id}".strip(),
        )
    )  # fmt: skip


def test_an_answer_to_a_mail_goes_on_under_its_subject(agent: Actor, clock: Clock) -> None:
    first = take(make_raw(auth=proven(), subject="Re: Ne radi sajt"))
    opened = mails_to(ANA, "ticket_opened")[0]
    assert (opened.in_reply_to, opened.subject) == (first.message_id, "Re: Ne radi sajt")
    clock.advance(timedelta(minutes=1))
    reply = answer(agent, ticket_of(first))
    assert (reply.in_reply_to, reply.subject) == (first.message_id, "Re: Ne radi sajt")
    clock.advance(timedelta(minutes=1))
    second = write_back(reply, "Još jedno pitanje.")
    clock.advance(timedelta(minutes=1))
    again = answer(agent, ticket_of(first), "I to je rešeno.")
    assert again.in_reply_to == second.message_id
    assert (again.references or "").split() == [
        first.message_id, opened.message_id, reply.message_id, second.message_id
    ]  # fmt: skip
    assert again.subject == reply.subject


def test_a_subject_that_nothing_proves_is_not_repeated_to_its_address() -> None:
    take(make_raw(subject="Kupite odmah"))
    assert "Kupite" not in mails_to(ANA, "ticket_opened")[0].subject


def test_a_question_from_the_site_begins_with_its_number(agent: Actor, clock: Clock) -> None:
    ticket = make_ticket(VISITOR, subject="Ne radi sajt")
    first = answer(agent, ticket, "Prvi")
    clock.advance(timedelta(minutes=1))
    second = answer(agent, ticket, "Drugi")
    assert first.subject == f"[{ticket.number}] Ne radi sajt"
    assert (second.subject, second.in_reply_to) == (f"Re: {first.subject}", first.message_id)


def test_a_reply_that_was_undone_is_not_referred_to(agent: Actor) -> None:
    ticket = make_ticket(VISITOR)
    message = write(agent, ticket, "Pogrešno")
    with transaction():
        messages.take_back(agent, ticket.id, message.id)
    undone = db.session.get_one(Mail, message.mail_id)
    assert undone.state is MailState.CANCELLED
    assert undone.message_id not in (answer(agent, ticket, "Ispravno").references or "")


def test_references_are_bounded_and_keep_their_beginning(agent: Actor, clock: Clock) -> None:
    first = take(make_raw(auth=proven()))
    ticket = ticket_of(first)
    for number in range(6):
        clock.advance(timedelta(minutes=3))
        last = write_back(answer(agent, ticket, f"Odgovor {number}"), f"Pitanje {number}")
    clock.advance(timedelta(minutes=3))
    found = (answer(agent, ticket, "Kraj").references or "").split()
    assert len(found) == KEPT_REFERENCES
    assert (found[0], found[-1]) == (first.message_id, last.message_id)


def test_an_answer_in_a_split_ticket_goes_on_in_the_thread_of_its_message(agent: Actor, clock: Clock) -> None:
    first = take(make_raw(auth=proven()))
    ticket = ticket_of(first)
    clock.advance(timedelta(minutes=3))
    second = write_back(mails_to(ANA)[-1], "A šta je sa domenom?")
    assert second.ticket_message_id is not None
    with transaction():
        new = splitting.split(agent, ticket.id, [second.ticket_message_id], "Domen")
    clock.advance(timedelta(minutes=3))
    mail = answer(agent, new)
    assert (mail.in_reply_to, mail.references) == (second.message_id, second.message_id)
    assert ticket_of(second).id == new.id
    assert answer(agent, ticket, "I sajt radi.").in_reply_to == first.message_id


@pytest.mark.parametrize("subject", ["Re: X", "RE: Re: X", "Odg: X", "AW: Re[2]: X", "Fwd: X", "X"])
def test_prefixes_are_known(subject: str) -> None:
    assert without_prefix(subject) == "X"
