"""Odd mail gives no error and is not lost: each is in a ticket, or in a state that says why not."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.mail.receiving import raw as raw_store
from console.mail.receiving.models import IncomingMail, IncomingState
from console.tickets.models import MessageKind
from tests.mail.receiving.odd import CYRILLIC, KINDS, SERBIAN, odd_mails
from tests.tickets.mail_in.scene import entries, take, ticket_of
from tests.tickets.rows import make_department

Samples = Callable[[int, int], int]
READ = {  # what its text must say
    "utf8": SERBIAN, "cp1250": SERBIAN, "latin2": SERBIAN, "cp1251": CYRILLIC, "cyrillic utf8": CYRILLIC,
    "koi8": "Привет", "utf16": SERBIAN, "unknown charset": SERBIAN, "file": SERBIAN, "program": SERBIAN,
    "invitation": "Sastanak", "card": "Ana", "html alone": "Zdravo", "no end": SERBIAN, "nested": "Duboko unutra",
}  # fmt: skip


def test_nothing_is_lost(
    session: Session, rng: random.Random, samples: Samples, proof: Callable[[str], None],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    make_department()
    count = samples(400, len(KINDS))
    tickets = 0
    for name, raw in odd_mails(rng, count):
        row = take(raw)
        assert row.state is not IncomingState.RECEIVED, name
        assert row.ticket_id is not None or row.reason, (name, row.story)
        assert raw_store.load(row) == raw, name
        if row.ticket_id is not None:
            tickets += 1
            message = entries(ticket_of(row), MessageKind.QUESTION)[0]
            assert message.body
            assert READ.get(name, "") in message.body, (name, message.body)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(session.scalars(select(IncomingMail.id)).all()) == count
    assert tickets > count * 0.9
    proof(f"{count} odd mails, {tickets} in tickets, 0 lost, 0 errors")


@pytest.mark.full
def test_of_25_megabytes(session: Session) -> None:
    make_department()
    part = "Content-Type: application/zip; name=a{}.zip\r\nContent-Disposition: attachment\r\n\r\nPK\x03\x04{}"
    body = "".join(f"--gr\r\n{part.format(place, 'x' * 8_300_000)}\r\n" for place in range(3))
    head = "Message-ID: <velika@gost.test>\r\nFrom: a@gost.test\r\nMIME-Version: 1.0\r\n"
    head += 'Content-Type: multipart/mixed; boundary="gr"\r\n\r\n'
    ticket = ticket_of(take(f"{head}{body}--gr--\r\n".encode()))
    assert len(entries(ticket, MessageKind.QUESTION)[0].attachments) == 3


def test_what_cannot_be_read_is_a_ticket_with_the_raw_file(session: Session) -> None:
    make_department()
    row = take(b"\x00\x01 nema zaglavlja")
    message = entries(ticket_of(row), MessageKind.QUESTION)[0]
    assert row.state is IncomingState.FAILED
    assert [file.name for file in message.attachments] == ["message.eml"]
    assert message.data["unreadable"] == "header"
