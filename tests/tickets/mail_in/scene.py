"""Mail that comes in: messages as the usual clients write them, and what is around them."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import format_datetime, make_msgid
from itertools import count
from typing import Any

from sqlalchemy import select

from console.core import clock
from console.core.db import db
from console.mail.models import Mail
from console.mail.receiving.models import IncomingMail
from console.tickets.mail_in.service.receiving import receive
from console.tickets.models import MessageKind, Ticket, TicketMessage

SERVER = "mx.example.test"
ANA = "ana.petrovic@gost.test"
OURS = "podrska@example.test"
_numbers = count(1)


def proven(domain: str = "gost.test", server: str = SERVER) -> str:
    """Return what the trusted server writes of a sender whose domain passed."""
    return (
        f"{server}; dmarc=pass (p=reject dis=none) header.from={domain}; spf=pass smtp.mailfrom=x@{domain}; "
        f"dkim=pass (2048-bit key) header.d={domain} header.s=s1"
    )


def make_raw(
    text: str = "Dobar dan, ne radi mi sajt. Hvala.",
    *,
    sender: str = f"Ana Petrović <{ANA}>",
    to: str = OURS,
    subject: str = "Ne radi sajt",
    auth: str | None = None,
    html: str | None = None,
    **headers: str,
) -> bytes:
    """Return a message. Headers by keyword, ``_`` for ``-``."""
    message = EmailMessage()
    message["Message-ID"] = headers.pop("Message_ID", make_msgid(idstring=str(next(_numbers)), domain="gost.test"))
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = format_datetime(clock.now())
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
    raw = message.as_bytes()
    return raw if auth is None else f"Authentication-Results: {auth}\r\n".encode() + raw


def take(raw: bytes, **more: Any) -> IncomingMail:
    """Receive a message and return its row."""
    return db.session.get_one(IncomingMail, receive(raw, **more), populate_existing=True)


def ticket_of(row: IncomingMail) -> Ticket:
    assert row.ticket_id is not None
    return db.session.get_one(Ticket, row.ticket_id, populate_existing=True)


def entries(ticket: Ticket, kind: MessageKind) -> list[TicketMessage]:
    query = select(TicketMessage).where(TicketMessage.ticket_id == ticket.id, TicketMessage.kind == kind)
    return list(db.session.scalars(query.order_by(TicketMessage.id)))


def mails_to(address: str, template: str | None = None) -> list[Mail]:
    query = select(Mail).where(Mail.to_address == address).order_by(Mail.id)
    return [mail for mail in db.session.scalars(query) if template in (None, mail.template)]


def steps(row: IncomingMail) -> list[str]:
    return [str(step["step"]) for step in row.story]


def incoming_values() -> dict[str, Any]:
    """Take a message with HTML and a file in: for the matrix of who finds what."""
    message = message_from_bytes(make_raw(html="<p>Dobar dan</p>"), policy=default)
    message.add_attachment(b"x", maintype="application", subtype="x-rar", filename="a.rar")
    return {"incoming_page.key": take(message.as_bytes()).id, "incoming_page.number": 1}
