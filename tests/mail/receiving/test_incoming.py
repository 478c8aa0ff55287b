"""Bounces stop automatic mail and no other; what is stored goes by its time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core.actor import SYSTEM, Actor
from console.core.context import files
from console.core.errors import Invalid, NotFound
from console.core.transaction import transaction
from console.mail.mailboxes.models import UnreadMessage
from console.mail.models import Mail, MailState
from console.mail.receiving import incoming, retention, stops
from console.mail.receiving import raw as raw_store
from console.mail.receiving.models import IncomingKind, IncomingMail, IncomingState
from console.staff.roles import Role
from console.tickets.models import MessageKind, TicketStatus
from console.tickets.service import messages, properties
from tests.conftest import Clock
from tests.factories.mailboxes import make_mailbox
from tests.factories.tickets import make_department, make_ticket
from tests.mail.receiving.reports import REPORTS
from tests.mail.receiving.test_reading import report
from tests.tickets.mail_in.scene import ANA, entries, mails_to, make_raw, take, ticket_of

ActorOf = Callable[[Role | str], Actor]


@pytest.fixture(autouse=True)
def _department(session: Session) -> None:
    make_department()


@pytest.fixture
def agent(actor: ActorOf) -> Actor:
    return actor("agent")


def bounced(address: str, mail: Mail, status: str = "5.1.1") -> IncomingMail:
    raw = report(status, "failed", f"550 {status} User unknown", original=mail.message_id)
    return take(raw.replace(b"ana@gost.test", address.encode()).replace(b"<r@", f"<r{mail.id}{status}@".encode()))


def test_a_hard_bounce_stops_automatic_mail_until_it_is_lifted(session: Session, agent: Actor) -> None:
    ticket = make_ticket(SYSTEM, requester_email=ANA)
    with transaction():
        messages.reply(
            agent, ticket.id, messages.Writing("Rešeno.", client_id="a" * 20, then=TicketStatus.WAITING, anyway=True)
        )
    reply = mails_to(ANA, "ticket_reply")[0]
    row = bounced(ANA, reply)
    assert (row.state, row.bounced_id, row.ticket_id) == (IncomingState.IGNORED, reply.id, ticket.id)
    assert ticket.status is TicketStatus.OPEN  # the answer reached no one
    assert [event.event for event in entries(ticket, MessageKind.EVENT)][-2:] == ["mail_bounced", "status"]
    with transaction():
        properties.set_status(agent, [ticket.id], TicketStatus.SOLVED)
        messages.reply(agent, ticket.id, messages.Writing("Još.", client_id="b" * 20, anyway=True))
    assert mails_to(ANA, "ticket_solved")[0].state is MailState.FAILED
    assert mails_to(ANA, "ticket_reply")[-1].state is MailState.QUEUED
    with transaction():
        stops.lift(agent, ANA)
    assert stops.stopped(ANA) is None
    (lifted,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "mail.stop_lifted"))
    assert lifted.data == {"address": "a•••@gost.test", "status": "5.1.1"}
    with pytest.raises(NotFound), transaction():
        stops.lift(agent, ANA)


def test_a_report_that_proves_nothing_stops_nothing(agent: Actor) -> None:
    ticket = make_ticket(SYSTEM, requester_email=ANA)
    mail = mails_to(ANA)[0]
    bounced("drugi@gost.test", mail)  # of an address that this mail never went to
    bounced(ANA, mail, "5.2.2")  # a full mailbox
    take(report("5.1.1", "failed", "550 5.1.1 User unknown").replace(b"ana@gost.test", ANA.encode()))
    assert stops.stopped(ANA) is None
    assert stops.stopped("drugi@gost.test") is None
    assert ticket.status is TicketStatus.OPEN


@pytest.mark.parametrize("provider", REPORTS)
def test_ten_servers_reports_stop_automatic_mail_to_that_address(provider: str) -> None:
    with transaction():
        ticket = make_ticket(SYSTEM, requester_email=ANA)
    (mail,) = mails_to(ANA)
    row = take(REPORTS[provider](mail.message_id, ANA))
    assert (row.kind, row.state, row.bounced_id) == (IncomingKind.BOUNCE, IncomingState.IGNORED, mail.id)
    stopped = stops.stopped(ANA)
    assert stopped is not None
    assert stopped.status.startswith("5")
    assert [event.event for event in entries(ticket, MessageKind.EVENT)][-1] == "mail_bounced"


def test_a_report_that_it_arrived_or_about_another_receiver_stops_nothing(session: Session) -> None:
    with transaction():
        ticket = make_ticket(SYSTEM, requester_email=ANA)
    (mail,) = mails_to(ANA)
    row = take(report("2.0.0", "delivered", "250 ok", original=mail.message_id).replace(b"ana@gost.test", ANA.encode()))
    assert row.story[-2]["step"] == "arrived"
    other = "drugi@gost.test\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
    two = f"Final-Recipient: rfc822; {other}Final-Recipient: rfc822; {ANA}"
    raw = report("2.0.0", "relayed", "250 ok", original=mail.message_id)
    take(raw.replace(b"Final-Recipient: rfc822; ana@gost.test", two.encode()).replace(b"<r@", b"<r2@"))
    assert stops.stopped(ANA) is None
    assert "mail_delayed" not in [event.event for event in entries(ticket, MessageKind.EVENT)]


def test_what_arrived_or_is_late_has_not_come_back() -> None:
    with transaction():
        make_ticket(SYSTEM, requester_email=ANA)
    (mail,) = mails_to(ANA)
    for status, action in (("2.0.0", "delivered"), ("4.4.1", "delayed"), ("5.1.1", "failed")):
        assert incoming.returned_among([mail.id]) == frozenset()
        raw = report(status, action, f"{status} said", original=mail.message_id)
        row = take(raw.replace(b"ana@gost.test", ANA.encode()).replace(b"<r@", f"<{action}@".encode()))
        assert row.bounced_id == mail.id
    assert incoming.returned_among([mail.id]) == {mail.id}


def test_a_complaint_is_a_ticket_and_a_receipt_is_answered_by_nothing() -> None:
    kind = 'multipart/report; report-type={}; boundary="gr"'
    for name, sender in (("feedback-report", "fbl@isp.test"), ("disposition-notification", ANA)):
        raw = make_raw("Prijava zloupotrebe.", sender=sender).replace(
            b'Content-Type: text/plain; charset="utf-8"', f"Content-Type: {kind.format(name)}".encode()
        )
        raw = raw.replace(b"\n\n", b"\n\n--gr\n\n", 1) + b"\n--gr--\n"
        row = take(raw)
        assert (row.kind, row.state) == (IncomingKind.AUTOMATIC, IncomingState.TICKET), name
        assert mails_to(sender) == []


def test_blocking_takes_an_address_or_a_domain(session: Session, agent: Actor, actor: ActorOf) -> None:
    with transaction():
        assert stops.block(agent, " Zli@Primer.TEST ") == "zli@primer.test"
        assert stops.block(agent, "@smece.test") == "smece.test"
        assert stops.block(agent, "smece.test") == "smece.test"
    blocked = [one for one in ("zli@primer.test", "x@primer.test", "a@b.smece.test", "a@smece.test.rs")
               if stops.is_blocked(one)]  # fmt: skip
    assert blocked == ["zli@primer.test", "a@b.smece.test"]
    for wrong in ("", "nije adresa", "a b@c.test", "x@"):
        with pytest.raises(Invalid), transaction():
            stops.block(agent, wrong)
    with pytest.raises(NotFound), transaction():
        stops.block(actor("admin"), "a@b.test")
    key = stops.blocked_senders()[0].id
    with transaction():
        stops.unblock(agent, key)
    assert not stops.is_blocked("a@smece.test")
    logged = session.scalars(select(AuditEntry).where(AuditEntry.subject == "mail").order_by(AuditEntry.id))
    assert [one.data["sender"] for one in logged] == ["z•••@primer.test", *["smece.test"] * 3]


def test_what_is_ours_and_the_domains_of_large_providers_cannot_be_blocked(agent: Actor) -> None:
    make_mailbox("Prodaja", address="prodaja@firma.example.net")
    ours = ("podrska@example.test", "podrska+t.1@example.test", "prodaja@firma.example.net", "example.test",
            "firma.example.net", "example.net")  # fmt: skip
    for pattern in (*ours, "gmail.com", "@Eunet.rs"):
        with pytest.raises(Invalid) as refusal, transaction():
            stops.block(agent, pattern)
        assert list(refusal.value.fields) == ["sender"]
    with transaction():
        assert stops.block(agent, "zli@gmail.com") == "zli@gmail.com"
        assert stops.block(agent, "le.test") == "le.test"
    assert not stops.is_blocked("ana@gmail.com")


@pytest.mark.both
def test_raw_messages_go_by_age_and_what_waits_stays(session: Session, clock: Clock) -> None:
    done, waits = take(make_raw("Prva")), take(make_raw("Druga"))
    with transaction():
        session.get_one(IncomingMail, waits.id).state = IncomingState.WAITING
    digest, key = str(done.raw_file), done.id
    with transaction():  # its beginning was all that could be fetched, and no one has taken it off the list
        session.add(UnreadMessage(
            mailbox_id=done.mailbox_id, uid_validity=1, uid=1, problem="too_large", found_at=done.received_at,
            incoming_id=done.id,
        ))  # fmt: skip
    clock.advance(timedelta(days=91))
    gone, digests = retention.delete_due()
    assert (gone, digests) == (1, {digest})
    assert take(make_raw("Treća")).id == waits.id + 1
    rows = {row.id: row for row in session.scalars(select(IncomingMail))}
    with pytest.raises(raw_store.RawGone):
        raw_store.load(rows[done.id])
    assert raw_store.load(rows[waits.id])
    assert ticket_of(rows[done.id]).requester_email == ANA
    clock.advance(timedelta(days=800))
    retention.delete_due()
    assert key not in set(session.scalars(select(IncomingMail.id)))


def test_what_is_stored_is_sealed() -> None:
    row = take(make_raw("Tajna reč"))
    stored = files().get(str(row.raw_file))
    assert b"Tajna" not in stored
    assert b"gost.test" not in stored
    assert b"Tajna re" in raw_store.load(row).replace(b"=C4", b"")
