"""Ten mails both ways, through a real SMTP server and a real IMAP server, as the usual programs write: one ticket."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core.actor import Actor
from console.core.db import db
from console.core.transaction import transaction
from console.mail.mailboxes.models import Mailbox
from console.mail.receiving.models import IncomingMail, IncomingState
from console.mail.sending import send_due
from console.staff.roles import Role
from console.tickets.mail_in.watching import read_once
from console.tickets.models import MessageKind, Ticket, TicketMessage
from console.tickets.service import messages
from console.tickets.service.messages import TAKE_BACK, Writing
from tests.conftest import Clock
from tests.mail.mailboxes.conftest import MakeBox
from tests.support.dovecot import Dovecot
from tests.support.smtp import SmtpServer
from tests.tickets.mail_in.scene import ANA, make_raw, proven

PROGRAMS = ("thunderbird", "outlook", "gmail", "apple", "thunderbird")


def thread(program: str, ours: EmailMessage, before: list[str]) -> dict[str, str]:
    """Return the headers with which a program answers ``ours``."""
    answered = str(ours["Message-ID"])
    all_before = " ".join([*before, answered])
    return {
        "thunderbird": {"In_Reply_To": answered, "References": all_before, "User_Agent": "Mozilla Thunderbird"},
        "outlook": {"In_Reply_To": answered, "References": f"<AM9P@eurprd.test> {answered}", "Thread_Topic": "x",
                    "Thread_Index": "AQHZc3V0", "X_MS_Has_Attach": ""},
        "gmail": {"In_Reply_To": answered, "References": all_before},
        "apple": {"In_Reply_To": answered, "References": answered, "X_Mailer": "Apple Mail (2.3774.300.61)"},
    }[program]  # fmt: skip


def test_ten_mails_both_ways_are_one_ticket_and_another_address_is_asked_about(
    session: Session,
    dovecot: Dovecot,
    smtp: SmtpServer,
    make_box: MakeBox,
    actor: Callable[[Role | str], Actor],
    clock: Clock,
) -> None:
    box, agent = make_box(), actor("agent")
    dovecot.put(make_raw("Dobar dan, ne radi mi sajt.", auth=proven()))
    ticket = _read(box, session)
    before: list[str] = []
    for number, program in enumerate(PROGRAMS):
        with transaction():
            messages.reply(agent, ticket.id, Writing(body=f"Odgovor {number}.", client_id=f"o-{number}", anyway=True))
        clock.advance(TAKE_BACK + timedelta(seconds=1))
        send_due()
        ours = smtp.to(ANA)[-1].message
        assert f"Odgovor {number}." in ours.get_body(("plain",)).get_content()
        text = f"Poruka {number}.\n\nDana 23.11.2026. Mint podrška je napisao/la:\n> Odgovor {number}."
        headers = thread(program, ours, before)
        before.append(str(ours["Message-ID"]))
        dovecot.put(
            make_raw(text, to=str(ours["Reply-To"]), subject=f"Re: {ours['Subject']}", auth=proven(), **headers)
        )
        assert _read(box, session).id == ticket.id, program
    assert _bodies(session, ticket, MessageKind.QUESTION)[1:] == [
        f"Poruka {number}." for number in range(len(PROGRAMS))
    ]

    ours = smtp.to(ANA)[-1].message
    raw = make_raw(
        "Pišem s druge adrese.", sender="Ana Petrović <ana@privatno.test>", to=str(ours["Reply-To"]),
        auth=proven("privatno.test"), In_Reply_To=str(ours["Message-ID"]),
    )  # fmt: skip
    dovecot.put(raw)
    read_once(box.id)
    session.rollback()
    row = session.scalars(select(IncomingMail).order_by(IncomingMail.id.desc()).limit(1)).one()
    assert (row.state, row.reason, row.ticket_id) == (IncomingState.WAITING, "stranger", ticket.id)
    assert len(_bodies(session, ticket, MessageKind.QUESTION)) == len(PROGRAMS) + 1
    assert session.scalars(select(Ticket)).all() == [ticket]


def _read(box: Mailbox, session: Session) -> Ticket:
    """Read the mailbox and return the ticket of what came in."""
    assert read_once(box.id) == 1
    session.rollback()
    row = session.scalars(select(IncomingMail).order_by(IncomingMail.id.desc()).limit(1)).one()
    assert row.state is IncomingState.TICKET, (row.reason, row.story)
    return db.session.get_one(Ticket, row.ticket_id)


def _bodies(session: Session, ticket: Ticket, kind: MessageKind) -> list[str]:
    query = select(TicketMessage).where(TicketMessage.ticket_id == ticket.id, TicketMessage.kind == kind)
    return [one.body.split("\n")[0] for one in session.scalars(query.order_by(TicketMessage.seq))]
