"""What an erasure reaches of mail: copies, forwards, what came back, and reports about them, in tickets of others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.chat import retention as chat_retention
from console.core.context import files as store
from console.core.db import db
from console.core.settings import Settings
from console.core.transaction import transaction
from console.mail.models import Mail
from console.mail.receiving import raw
from console.mail.receiving.models import IncomingMail
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.mail_in.service import decisions, participants
from console.tickets.models import Ticket, TicketAttachment
from console.tickets.service import forwarding, messages
from tests import factories
from tests.conftest import Clock
from tests.factories.tickets import make_ticket
from tests.privacy.people import Someone, someone
from tests.privacy.test_erasure import DOCUMENTS, erase, tables_with
from tests.tickets.mail_in.scene import OURS, SERVER, mails_to, make_raw, proven, take

PARTNER, OTHER = "partner@spolja.test", "kukuruz@ljudi.example.rs"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, mail_authserv_id=SERVER, mail_from=OURS)


@pytest.fixture
def staff(session: Session, monkeypatch: pytest.MonkeyPatch) -> Staff:
    monkeypatch.setattr(chat_retention, "UNTOUCHED", 0)
    return factories.make_staff(Role.AGENT)


@pytest.mark.both
def test_nothing_of_them_is_found_in_copies_and_forwards(staff: Staff, clock: Clock) -> None:
    one = someone("vetrenjaca", staff)
    theirs = db.session.scalars(select(Ticket.id).where(Ticket.requester_email == one.email)).one()
    in_tickets_of_others(staff, make_ticket(staff.actor(), requester_email=OTHER, requester_name="Drugi"), one)
    in_their_own(staff, theirs, one)
    sent = set(db.session.scalars(select(TicketAttachment.digest).where(TicketAttachment.name.contains("vetrenjaca"))))
    assert len(sent) == 3
    erase(one, clock)
    for trace in one.traces:
        assert tables_with(trace) <= DOCUMENTS, trace
    assert not any(store().exists(digest) for digest in sent)
    originals = list(raws())
    assert originals and not any(b"vetrenjaca" in text for text in originals)
    assert any(b"Samo od kukuruza" in text for text in originals)


def in_tickets_of_others(staff: Staff, ticket: Ticket, one: Someone) -> None:
    """Let the person be copied, take part, be forwarded to and be out of reach, all on the ticket of another."""
    actor = staff.actor()
    take(make_raw("Samo od kukuruza.", sender=OTHER, auth=proven("ljudi.example.rs")))
    take(make_raw("Šaljem i njima.", sender=OTHER, auth=proven("ljudi.example.rs"), Cc=f"X <{one.email}>"))
    waiting = take(letter(one, str(mails_to(OTHER)[-1].reply_to), auth=proven("ljudi.example.rs")))
    assert waiting.reason == "stranger"
    with transaction():
        decisions.add_to_ticket(actor, waiting.id)
        participants.add(actor, ticket.id, one.email, one.name)
        messages.reply(actor, ticket.id, messages.Writing("Rešeno.", "r-1", anyway=True, bcc=PARTNER, cc=one.email))
        sent = forwarding.Forwarding(one.email, "Šta mislite?", "f-1")
        forwarding.forward(actor, ticket.id, sent)
    forwarded = next(mail for mail in mails_to(one.email) if mail.template == "ticket_forward")
    take(letter(one, str(forwarded.reply_to), auth=proven("ljudi.example.rs")))
    copy = next(mail for mail in mails_to(one.email) if mail.template == "ticket_copy")
    take(report(copy))


def in_their_own(staff: Staff, key: int, one: Someone) -> None:
    """Copy an answer to a partner, forward the ticket to them, and let them answer."""
    actor = staff.actor()
    with transaction():
        writing = messages.Writing(f"Poštovani {one.name}", "r-2", anyway=True, cc=PARTNER)
        messages.reply(actor, key, writing)
        forwarding.forward(actor, key, forwarding.Forwarding(PARTNER, "Pogledajte.", "f-2"))
    forwarded = next(mail for mail in mails_to(PARTNER) if mail.template == "ticket_forward")
    take(make_raw(f"O vetrenjaca: {one.name}", sender=PARTNER, to=str(forwarded.reply_to)))


def letter(one: Someone, to: str, auth: str) -> bytes:
    """Return a message of the person with a file."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = f"{one.name} <{one.email}>", to, f"Od {one.word}"
    message["Message-ID"] = f"<{to.partition('@')[0]}@gost.test>"
    message.set_content(f"Piše {one.word} mejlom")
    message.add_attachment(f"datoteka {to}".encode(), "text", "plain", filename=f"{one.word}.txt")
    return f"Authentication-Results: {auth}\r\n".encode() + message.as_bytes()


def report(mail: Mail) -> bytes:
    """Return a server's report that a mail was not delivered."""
    return (
        f"From: MAILER-DAEMON@mx.test\r\nTo: {OURS}\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=r\r\n\r\n--r\r\n\r\nNot delivered.\r\n"
        "--r\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n\r\n"
        f"Final-Recipient: rfc822; {mail.to_address}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        f"Diagnostic-Code: smtp; 550 {mail.to_address} unknown\r\n\r\n"
        f"--r\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {mail.message_id}\r\n"
        f"To: {mail.to_address}\r\n\r\nx\r\n"
        "--r--\r\n"
    ).encode()


def raws() -> Iterator[bytes]:
    """Yield the received messages that are still stored."""
    for row in db.session.scalars(select(IncomingMail).where(IncomingMail.raw_file.is_not(None))):
        yield raw.load(row)
