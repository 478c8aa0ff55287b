"""Who is not who they seem: nothing of it enters a conversation unseen, whatever a header says or hides."""

from __future__ import annotations

import base64

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from console.core.actor import SYSTEM
from console.core.transaction import transaction
from console.mail.mailboxes.models import Mailbox
from console.mail.receiving import authentication
from console.mail.receiving.models import IncomingState, Proof
from console.tickets.models import MessageKind, Ticket
from tests.conftest import Clock
from tests.factories.tickets import make_department, make_ticket
from tests.tickets.mail_in.scene import ANA, OURS, SERVER, entries, mails_to, make_raw, proven, steps, take, ticket_of

ZLI = "zli@zli.test"


@pytest.fixture(autouse=True)
def _department(session: Session) -> None:
    make_department()


@pytest.fixture
def ticket() -> Ticket:
    return ticket_of(take(make_raw(auth=proven())))


def with_from(sender: str, **more: str) -> bytes:
    """Return a message whose From is written as it stands here."""
    raw = make_raw("Pošaljite mi lozinku.", sender="x@x.test", **more)
    return raw.replace(b"From: x@x.test", b"From: " + sender.encode(), 1)


def stays_out(ticket: Ticket, raw: bytes) -> str:
    """Take a message in, and return why it stands outside of the conversation, for an agent to see."""
    row = take(raw)
    assert [message.body for message in entries(ticket, MessageKind.QUESTION)[1:]] == []
    assert row.state is IncomingState.WAITING or row.ticket_id not in (None, ticket.id)
    return row.reason


SENDERS = {
    "name": (f'"{ANA}" <{ZLI}>', "zli.test", "stranger"),
    "name in words": (f"=?utf-8?q?{ANA.replace('@', '=40')}?= <{ZLI}>", "zli.test", "stranger"),
    "comment": (f"{ZLI} ({ANA})", "zli.test", "stranger"),
    "comment first": (f"({ANA}) {ZLI}", "zli.test", "stranger"),
    "two brackets": (f"<{ANA}> <{ZLI}>", "zli.test", "forged"),
    "all in words": (f"=?utf-8?B?{base64.b64encode(f'Ana <{ANA}>'.encode()).decode()}?=", "gost.test", "forged"),
    "letter of another script": ("аna.petrovic@gost.test", "gost.test", "stranger"),
    "domain of another script": ("ana.petrovic@gоst.test", "xn--gst-0nd.test", "stranger"),
    "punycode": ("ana.petrovic@xn--gst-0nd.test", "xn--gst-0nd.test", "stranger"),
    "group": (f"Podnosioci: {ANA}, {ZLI};", "zli.test", "forged"),
    "group of one": (f"{ANA}: {ZLI};", "zli.test", "forged"),
    "two": (f"{ZLI}, {ANA}", "gost.test", "forged"),
    "two, hers first": (f"{ANA}, {ZLI}", "zli.test", "forged"),
    "route": (f"<@gost.test:{ZLI}>", "zli.test", "stranger"),
    "domain below": ("ana.petrovic@gost.test.zli.test", "gost.test.zli.test", "stranger"),
    "with a plus": ("ana.petrovic+x@gost.test", "gost.test", "stranger"),
}


@pytest.mark.parametrize(("sender", "domain", "why"), SENDERS.values(), ids=SENDERS)
def test_a_sender_who_seems_another_waits(ticket: Ticket, sender: str, domain: str, why: str) -> None:
    address = str(mails_to(ANA)[-1].reply_to)  # stolen
    assert stays_out(ticket, with_from(sender, to=address, auth=proven(domain))) == why


HEADERS = {
    "sender": f"Sender: {ANA}",
    "reply-to": f"Reply-To: {ANA}",
    "resent": f"Resent-From: {ANA}",
    "second from": f"From: {ANA}",
    "from in another case": f"FROM: {ANA}",
    "from with a space": f"From : {ANA}",
    "line that is none": f"X-Note: a\u2028From: {ANA}",
    "vertical tab": f"X-Note: a\x0bFrom: {ANA}",
    "bare return": f"X-Note: a\rFrom: {ANA}",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_another_header_makes_no_sender(ticket: Ticket, header: str) -> None:
    address = str(mails_to(ANA)[-1].reply_to)
    raw = header.encode() + b"\n" + with_from(ZLI, to=address)
    auth = f"Authentication-Results: {proven('zli.test')}\r\n".encode()
    assert stays_out(ticket, auth + raw) in ("stranger", "forged")


RESULTS = {
    "below": f"{SERVER}; dmarc=fail header.from=gost.test\nAuthentication-Results: {proven()}",
    "of another": f"mx.zli.test; dmarc=pass header.from=gost.test\nAuthentication-Results: {SERVER}; none",
    "name in a comment": f"mx.zli.test ({SERVER}); dmarc=pass header.from=gost.test",
    "name before a comment": f"({SERVER}) mx.zli.test; dmarc=pass header.from=gost.test",
    "name with an end": f"{SERVER}.zli.test; dmarc=pass header.from=gost.test",
    "result in a comment": f"{SERVER}; spf=none (; dmarc=pass header.from=gost.test)",
    "result in a nested comment": f"{SERVER}; spf=none (a (b ; dmarc=pass header.from=gost.test) c)",
    "quote in a comment": f'{SERVER}; spf=none (a " b); dmarc=fail header.from=gost.test (c " d)',
    "bracket in a quote": f'{SERVER}; spf=none smtp.mailfrom="("@zli.test; dmarc=fail header.from=gost.test (x)',
    "result in a quote": f'{SERVER}; spf=fail smtp.mailfrom="a; dmarc=pass header.from=gost.test"@zli.test',
    "escaped quote": f'{SERVER}; spf=fail smtp.mailfrom="a\\"; dmarc=pass header.from=gost.test; x=\\""@zli.test',
    "comment without an end": f"{SERVER}; spf=none (a; dmarc=pass header.from=gost.test",
    "quote without an end": f'{SERVER}; dmarc=pass header.from=gost.test; spf=none reason="a',
    "reason": f'{SERVER}; spf=fail reason="dmarc=pass header.from=gost.test" smtp.mailfrom=x@zli.test',
    "of no domain": f"{SERVER}; dmarc=pass",
    "folded, of another": f"\n {SERVER};\n dmarc=pass (p=none)\n header.from=zli.test",
    "folded, failed": f"{SERVER};\n\tdmarc=fail\n\theader.from=gost.test;\n\tdkim=pass header.d=gost.test",
    "signature of another": f"{SERVER}; dkim=pass header.d=zli.test header.i=@gost.test",
    "path of a quoted address": f'{SERVER}; spf=pass smtp.mailfrom="x@gost.test"@zli.test',
    "temporary": f"{SERVER}; dmarc=temperror header.from=gost.test; spf=softfail smtp.mailfrom=x@gost.test",
}


@pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)
def test_a_result_that_is_forged_or_says_nothing_proves_nothing(ticket: Ticket, result: str) -> None:
    raw = make_raw("Ja sam.", sender=ANA, In_Reply_To=mails_to(ANA)[-1].message_id)
    assert stays_out(ticket, f"Authentication-Results: {result}\n".encode() + raw) in ("unproven", "forged")


def test_a_folded_result_with_comments_is_read(app: Flask) -> None:
    _name, results = authentication.parse(
        f'{SERVER} (a "b) 1; dmarc=pass (p=reject; (x) "y) header.from=gost.test; spf=pass smtp.mailfrom="a"@gost.test'
    )
    assert [(one.method, one.outcome) for one in results] == [("dmarc", "pass"), ("spf", "pass")]
    assert results[0].properties == {"header.from": "gost.test"}


def test_references_and_tokens_lead_no_stranger_in(ticket: Ticket) -> None:
    other = ticket_of(take(make_raw("Moje pitanje.", sender=ZLI, auth=proven("zli.test"))))
    ours, own = mails_to(ANA)[-1], mails_to(ZLI)[-1]
    auth = proven("zli.test")
    tricks = {
        "references": make_raw("1", sender=ZLI, References=f"<a@zli.test> {ours.message_id}", auth=auth),
        "a reply to a notification": make_raw("2", sender=ZLI, In_Reply_To=ours.message_id, auth=auth),
        "the address, stolen": make_raw("3", sender=ZLI, to=str(ours.reply_to), auth=auth),
        "in a copy": make_raw("4", sender=ZLI, to=OURS, Cc=str(ours.reply_to), auth=auth),
        "noted by a server": make_raw("5", sender=ZLI, Delivered_To=str(ours.reply_to), auth=auth),
        "both addresses": make_raw("6", sender=ZLI, to=f"{ours.reply_to}, {own.reply_to}", auth=auth),
        "a machine's": make_raw("7", sender=ZLI, In_Reply_To=ours.message_id, Auto_Submitted="auto-replied", auth=auth),
    }
    for name, raw in tricks.items():
        row = take(raw)
        assert len(entries(ticket, MessageKind.QUESTION)) == 1, name
        assert row.state is IncomingState.WAITING or row.reason == "machine", name
    notes = entries(ticket, MessageKind.NOTE)
    assert {note.data["from"] for note in notes} == {ZLI}  # each shows who wrote it
    row = take(make_raw("8", sender=ZLI, subject=f"Re: [{ticket.number}] {ours.reply_to}", auth=auth))
    assert row.ticket_id not in (ticket.id, other.id)


def test_a_forged_mail_gets_a_ticket_that_says_so_and_no_confirmation() -> None:
    row = take(make_raw(auth=f"{SERVER}; dmarc=fail header.from=gost.test"))
    (first,) = entries(ticket_of(row), MessageKind.QUESTION)
    assert (row.proof, first.data["forged"], mails_to(ANA)) == (Proof.FAILED, True, [])
    assert "not_answered" in steps(row)


def test_forged_mails_do_not_make_their_victims_mail_wait() -> None:
    for place in range(31):
        take(make_raw(f"Lažno {place}", auth=f"{SERVER}; none"))
    assert take(make_raw("Lažno", auth=f"{SERVER}; none")).reason == "flood"
    assert take(make_raw("Pravo", auth=proven())).state is IncomingState.TICKET


def test_a_name_that_is_an_address_is_not_shown_as_the_sender() -> None:
    row = take(with_from(f'"{ANA}" <{ZLI}>', auth=proven("zli.test")))
    assert (row.from_name, ticket_of(row).requester_name) == ("", "zli")


def test_a_mailbox_of_ours_is_our_own_address(session: Session, clock: Clock) -> None:
    with transaction():
        session.add(Mailbox(
            key="racuni", address="racuni@firma.test", language="", signature="", active=True, created_at=clock.now()
        ))  # fmt: skip
    for sender in ("racuni@firma.test", "racuni+t.1@firma.test"):
        row = take(make_raw(sender=sender, auth=proven("firma.test")))
        assert (row.state, row.reason) == (IncomingState.IGNORED, "own")


def test_another_tickets_address_is_its_own(ticket: Ticket) -> None:
    """Ana's answer to her ticket, sent by the address of a ticket that is not hers, enters neither."""
    with transaction():
        other = make_ticket(SYSTEM, requester_email=ZLI)
    row = take(make_raw("Moje.", to=str(mails_to(ZLI)[-1].reply_to), auth=proven()))
    assert (row.state, row.reason, row.ticket_id) == (IncomingState.WAITING, "stranger", other.id)
