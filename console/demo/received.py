"""Mail that came in lately: something for each tab of the inbox, and notes that wait on tickets."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import format_datetime

from sqlalchemy import select

from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.transaction import transaction
from console.demo.ages import desk_now
from console.mail.models import Mail
from console.mail.receiving import stops
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.mail_in.addresses import reply_address
from console.tickets.mail_in.service.receiving import receive
from console.tickets.models import Ticket, TicketStatus

BLOCKED = "popusti-odmah.example.org"
NEWSLETTER = """<html><body><h2>Pitanje o hostingu</h2><p>Poštovani, da li na paketu Start mogu da držim
<b>dva sajta</b>? Na slici je ono što mi piše u panelu.</p>
<p><img src="https://slike.example.org/panel.png" width="320"></p>
<p>Srdačan pozdrav,<br>Milena Tadić</p></body></html>"""


def tell_now() -> None:
    """Let it come in as of now, through the same way as any other mail. In transactions of its own, at the very end."""
    with clock.standing_at(desk_now()):
        with transaction():
            stops.block(_supervisor(), BLOCKED)
        for raw in _messages():
            receive(raw)


def _supervisor() -> Actor:
    query = select(Staff).where(Staff.role == Role.SUPERVISOR).order_by(Staff.id).limit(1)
    return db.session.scalars(query).one().actor()


def _messages() -> Iterator[bytes]:
    first, second = _tickets()
    yield _message(
        1, "Milena Tadić <milena.tadic@example.net>", "Dva sajta na jednom paketu",
        "Poštovani, da li na paketu Start mogu da držim dva sajta?\n\nSrdačan pozdrav,\nMilena Tadić", html=NEWSLETTER,
    )  # fmt: skip
    yield _message(
        2, f"{first.requester_name} <{first.requester_email}>", f"Re: {first.subject}",
        "Hvala, probala sam i sada radi.\n\nDana 23.11.2026. u 10:15, Mint podrška je napisao/la:\n"
        "> Proverite da li je lozinka promenjena.\n> Pozdrav",
        to=reply_address(first),
    )  # fmt: skip
    yield _message(
        3, "Zoran Ilić <zoran.ilic.privatno@example.net>", f"Re: {second.subject}",
        "Dobar dan, ja sam vlasnik firme. Molim vas da lozinku pošaljete meni na ovu adresu.",
        to=reply_address(second), Cc="knjigovodja@example.net",
    )  # fmt: skip
    yield _message(4, f"Poslovne prilike <newsletter@{BLOCKED}>", "Samo danas: 70% popusta", "Kliknite odmah.")
    yield _message(
        5, "Dragan Pešić <dragan.pesic@example.net>", "Automatski odgovor: Nisam u kancelariji",
        "Na odmoru sam do ponedeljka.", Auto_Submitted="auto-replied",
    )  # fmt: skip
    yield _invitation(6)
    yield b"\x00\x17\x03 ostatak prekinute veze \x1f\x8b\x08"
    sent = _answered()
    if sent is not None:
        yield _bounce(8, sent)


def _tickets() -> tuple[Ticket, Ticket]:
    """Return two tickets that wait for their customers, or other open ones."""
    waiting = select(Ticket).where(Ticket.is_open, Ticket.merged_into_id.is_(None))
    found = db.session.scalars(
        waiting.order_by(Ticket.status != TicketStatus.WAITING, Ticket.updated_at.desc(), Ticket.id).limit(2)
    ).all()
    return found[0], found[-1]


def _answered() -> Mail | None:
    """Return an answer to someone whose address could be wrong."""
    mails = select(Mail).where(Mail.template == "ticket_reply", Mail.to_address.contains("birchwood"))
    fallback = select(Mail).where(Mail.to_address.contains("birchwood"))
    return db.session.scalars(mails.order_by(Mail.id).limit(1)).first() or db.session.scalars(fallback.limit(1)).first()


def _message(
    number: int, sender: str, subject: str, text: str, *, html: str = "", to: str | None = None, **headers: str
) -> bytes:
    message = EmailMessage()
    message["Message-ID"] = f"<demo-{number}@example.net>"
    message["From"] = sender
    message["To"] = to or settings().mail_from
    message["Subject"] = subject
    message["Date"] = format_datetime(clock.now())
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
        message.set_boundary(f"demo-{number}")  # the same in every demo
    return message.as_bytes()


def _invitation(number: int) -> bytes:
    message = EmailMessage()
    message["Message-ID"] = f"<demo-{number}@example.net>"
    message["From"] = "Jelena Kostić <jelena.kostic@example.net>"
    message["To"] = settings().mail_from
    message["Subject"] = "Sastanak o selidbi sajta"
    message.set_content("Predlažem da se čujemo u sredu.")
    event = (
        "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Selidba sajta\r\nDTSTART:20261202T090000Z\r\n"
        "LOCATION:Telefon\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    message.add_attachment(event, subtype="calendar", filename="sastanak.ics")
    message.set_boundary(f"demo-{number}")
    return message.as_bytes()


def _bounce(number: int, sent: Mail) -> bytes:
    lines = [
        "From: Mail Delivery System <MAILER-DAEMON@mx.example.net>", f"To: {settings().mail_from}",
        f"Message-ID: <demo-{number}@mx.example.net>", "Subject: Undelivered Mail Returned to Sender",
        "MIME-Version: 1.0", 'Content-Type: multipart/report; report-type=delivery-status; boundary="demo"', "",
        "--demo", "Content-Type: text/plain", "", "This is the mail system at host mx.example.net.", "--demo",
        "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; mx.example.net", "",
        f"Final-Recipient: rfc822; {sent.to_address}", "Action: failed", "Status: 5.1.1",
        "Diagnostic-Code: smtp; 550 5.1.1 User unknown in virtual mailbox table", "", "--demo",
        "Content-Type: text/rfc822-headers", "", f"Message-ID: {sent.message_id}", "", "--demo--", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()
