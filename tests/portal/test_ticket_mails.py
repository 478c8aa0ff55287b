"""What a requester gets by mail about a ticket."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from console.core.actor import SYSTEM
from console.core.transaction import transaction
from console.mail.links import SecretLink
from console.mail.models import Mail
from console.mail.reading import whole
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets import links, mails
from console.tickets.models import Ticket
from console.tickets.service import messages as ticket_messages
from console.tickets.service.messages import Writing
from tests.tickets.canned.support import make_ticket

pytestmark = pytest.mark.only("sqlite")  # texts depend on no database
EVIL = 'Kupite http://spam.test <script>alert(1)</script> "x"'


def parts(mail: Mail) -> str:
    return f"{mail.subject}\n{mail.text}\n{mail.html}"


def opened(ticket: Ticket) -> Mail:
    with transaction():
        return mails.opened(SYSTEM, ticket)


@pytest.mark.parametrize("language", ["sr_Latn", "en"])
def test_a_confirmation_repeats_nothing_that_was_typed(session: Session, language: str) -> None:
    ticket = make_ticket(subject=EVIL, body=EVIL, requester_name=EVIL, language=language)
    mail = opened(ticket)
    assert mail.subject.startswith(f"[{ticket.number}] ")
    assert "spam" not in parts(mail) and "script" not in parts(mail) and "Kupite" not in parts(mail)
    received = whole(mail)
    for part in (received.text, received.html):
        assert f"/t/{links.requester_token(ticket)}" in part
        assert "PIN" in part


def test_an_answer_is_the_agents_text_and_nothing_runs_in_it(
    session: Session, staff_of: Callable[[Role | str], Staff]
) -> None:
    ticket = make_ticket(subject="Ćirilica и ćošak\r\nBcc: svi@example.test", body="Pitanje koje se ne navodi")
    agent = staff_of("agent")
    with transaction():
        message = ticket_messages.reply(
            agent.actor(), ticket.id, Writing(f"Prvi red {EVIL}\n\nDrugi red", "c", anyway=True)
        )
    mail = session.get_one(Mail, message.mail_id)
    assert mail.subject == f"[{ticket.number}] Ćirilica и ćošak Bcc: svi@example.test"
    assert mail.text.startswith(f"Prvi red {EVIL}\n\nDrugi red\n")
    assert "<script>" not in mail.html and "&lt;script&gt;" in mail.html
    assert "Pitanje koje se ne navodi" not in parts(mail)
    assert agent.name.split()[0] in mail.text and agent.name not in mail.text
    assert "Prodaja" in mail.text  # the department, in the requester's language
    assert f"/t/{links.requester_token(ticket)}" in whole(mail).text


@pytest.mark.parametrize("language", ["sr_Latn", "en"])
def test_who_is_asked_to_verify_is_told_where_not_to_write_the_pin(session: Session, language: str) -> None:
    ticket = make_ticket(language=language, requester_name="<b>Ana</b>")
    with transaction():
        mail = mails.verification_asked(ticket, SecretLink("https://podrska.example.test/v/", "abc"), 60)
        done = mails.solved(ticket)
    received = whole(mail)
    for part in (received.text, received.html):
        assert "https://podrska.example.test/v/abc" in part and "60" in part and "/moj/" in part
    assert "<b>Ana" not in mail.html + done.html
    assert mail.subject.startswith(f"[{ticket.number}] ") and done.subject == f"[{ticket.number}] {ticket.subject}"
    assert "%(" not in parts(mail) + parts(done) and "{{" not in parts(mail) + parts(done)
