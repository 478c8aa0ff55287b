"""Machines that answer each other, with a real SMTP server on the way out: no loop, and few answers to anyone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.core.settings import Settings
from console.mail.receiving.models import IncomingKind, IncomingMail, IncomingState
from console.mail.sending import send_due
from console.tickets.models import Ticket
from tests.factories.tickets import make_department
from tests.support.smtp import Received, SmtpServer
from tests.tickets.mail_in.scene import ANA, OURS, SERVER, make_raw, proven, take

MOST_ROUNDS = 40
MOST_ANSWERS = 3


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, mail_authserv_id=SERVER, mail_from=OURS)


@pytest.fixture(autouse=True)
def _department(session: Session) -> None:
    make_department()


def absent(received: Received, way: str, turn: int) -> bytes:
    """Return what the other side's machine answers to a mail of ours."""
    mail = received.message
    thread = {"In_Reply_To": str(mail["Message-ID"]), "References": str(mail["Message-ID"])}
    to = str(mail["Reply-To"] or mail["From"])
    text = f"Odsutan sam do ponedeljka. Javite se kolegi. ({turn})"
    if way == "by the standard":
        return make_raw(text, to=to, auth=proven(), Auto_Submitted="auto-replied", **thread)
    if way == "hidden":
        return make_raw(text, to=to, auth=proven(), subject=f"Re: {mail['Subject']}", **thread)
    return make_raw(text, to=OURS, auth=proven(), subject=f"Nisam tu {turn}")  # a new mail for each


@pytest.mark.parametrize("way", ["by the standard", "hidden", "hidden, without a thread"])
def test_out_of_office_against_out_of_office(session: Session, smtp: SmtpServer, way: str) -> None:
    take(make_raw("Imam pitanje o sajtu.", auth=proven()))
    send_due()
    answered = 0
    while answered < len(smtp.received) and answered < MOST_ROUNDS:
        sent = smtp.received[answered]
        assert str(sent.message["Auto-Submitted"]).startswith("auto-")  # who is kind answers it with nothing
        answered += 1
        take(absent(sent, way, answered))
        send_due()
    assert len(smtp.to(ANA)) == len(smtp.received) == (MOST_ANSWERS if way == "hidden, without a thread" else 1)
    kinds = set(session.scalars(select(IncomingMail.kind)))
    assert (IncomingKind.AUTO_REPLY in kinds) is (way == "by the standard")
    assert session.scalar(select(func.count(Ticket.id))) == (4 if way == "hidden, without a thread" else 1)


def test_a_machine_that_writes_on_and_on_is_shown(session: Session, smtp: SmtpServer) -> None:
    for place in range(100):
        take(make_raw(f"Ne radi mi sajt. {place}", subject=f"Prijava {place}", auth=proven()))
    send_due()
    assert len(smtp.to(ANA)) == len(smtp.received) == MOST_ANSWERS
    rows = session.execute(select(IncomingMail.state, IncomingMail.reason, func.count()).group_by(
        IncomingMail.state, IncomingMail.reason
    )).all()  # fmt: skip
    assert {tuple(row) for row in rows} == {(IncomingState.TICKET, "", 30), (IncomingState.WAITING, "flood", 70)}


def test_our_own_address_gets_none(smtp: SmtpServer) -> None:
    for sender in (OURS, OURS.upper(), OURS.replace("@", "+x@"), f"Podrška <{OURS}>"):
        assert take(make_raw("Pitanje", sender=sender, to=OURS, auth=proven("example.test"))).reason == "own"
    send_due()
    assert smtp.received == []
