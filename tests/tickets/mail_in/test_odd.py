"""Odd mail gives no error and is not lost: each is in a ticket, or in a state that says why not."""

from __future__ import annotations

import base64
import os
import random
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core.errors import Conflict
from console.core.transaction import transaction
from console.mail.receiving import raw as raw_store
from console.mail.receiving.message import read_message
from console.mail.receiving.models import IncomingMail, IncomingState
from console.staff.roles import Role
from console.tickets.models import MessageKind, TicketStatus
from console.tickets.service import messages, properties
from tests import factories
from tests.factories.tickets import make_department
from tests.mail.receiving import odd
from tests.mail.receiving.odd import CYRILLIC, KINDS, SERBIAN, multipart, odd_mails
from tests.mail.receiving.serbian import CYRILLIC as CYRILLIC_TEXT
from tests.mail.receiving.serbian import LATIN, serbian_mails
from tests.tickets.mail_in.scene import entries, mails_to, make_raw, take, ticket_of

Samples = Callable[[int, int], int]
READ = {  # what its text must say
    "utf8": SERBIAN, "cp1250": SERBIAN, "latin2": SERBIAN, "cp1251": CYRILLIC, "cyrillic utf8": CYRILLIC,
    "koi8": "Привет", "utf16": SERBIAN, "unknown charset": SERBIAN, "file": SERBIAN, "program": SERBIAN,
    "invitation": "Sastanak", "card": "Ana", "html alone": "Zdravo", "no end": SERBIAN, "nested": "Duboko unutra",
    "html and a plain footer": "Zdravo\n\nProvereno od virusa.", "deep html": "Dno",
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


def test_serbian_is_read_as_it_was_written(
    session: Session, rng: random.Random, samples: Samples, proof: Callable[[str], None]
) -> None:
    make_department()
    mails = serbian_mails(rng)
    for name, raw, text in rng.sample(mails, samples(len(mails), 12)):
        ticket = ticket_of(take(raw))
        assert entries(ticket, MessageKind.QUESTION)[0].body == text, name
        assert ticket.subject in ("Proba", LATIN, CYRILLIC_TEXT), name
    for name, raw, text in mails:
        assert read_message(raw).text == text, name
    proof(f"{len(mails)} mails in Serbian, two scripts, eight charsets, right or wrong, three codings: 0 wrong letters")


def test_the_messages_of_the_standard_library(session: Session, samples: Samples, proof: Callable[[str], None]) -> None:
    """The parser's own tests have mails that were hard to read; a Python without its tests has none."""
    package = find_spec("test.test_email")
    folder = Path(package.origin).parent / "data" if package is not None and package.origin else Path("-")
    files = sorted(folder.glob("*.txt"))
    make_department()
    for file in files[:: samples(1, 6)]:
        row = take(file.read_bytes())
        assert row.ticket_id is not None or row.reason, file.name
    proof(f"{len(files)} messages of the standard library's tests, 0 lost")


# Outlook's own packing: its file is one of the ticket's.
def test_winmail_opens(session: Session, rng: random.Random) -> None:
    make_department()
    part = b"Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    raw = multipart(part + base64.encodebytes(odd._WINMAIL))(rng, b"1")
    (file,) = entries(ticket_of(take(raw)), MessageKind.QUESTION)[0].attachments
    assert file.name == "ponuda.txt"


@pytest.mark.full
def test_of_25_megabytes(session: Session) -> None:
    make_department()
    part = "Content-Type: application/zip; name=a{}.zip\r\nContent-Disposition: attachment\r\n\r\nPK\x03\x04{}"
    body = "".join(f"--gr\r\n{part.format(place, 'x' * 8_300_000)}\r\n" for place in range(3))
    head = "Message-ID: <velika@gost.test>\r\nFrom: a@gost.test\r\nMIME-Version: 1.0\r\n"
    head += 'Content-Type: multipart/mixed; boundary="gr"\r\n\r\n'
    ticket = ticket_of(take(f"{head}{body}--gr--\r\n".encode()))
    assert len(entries(ticket, MessageKind.QUESTION)[0].attachments) == 3


@pytest.mark.full
@pytest.mark.only("sqlite")
def test_25_megabytes_take_bounded_memory(
    session: Session, database: str, tmp_path: Path, rng: random.Random, proof: Callable[[str], None]
) -> None:
    """What a mail server starts, as a process of its own: how much it held at most."""
    make_department()
    session.commit()
    text = base64.encodebytes(b"PK\x03\x04" + rng.randbytes(7_000_000))
    parts = [
        b'Content-Type: application/zip; name="a%d.zip"\r\nContent-Transfer-Encoding: base64\r\n\r\n%s' % (place, text)
        for place in range(3)
    ]  # fmt: skip
    raw = multipart(*parts)(rng, b"25")
    code = (  # VmHWM: ru_maxrss of a new process begins with what this one holds
        "import sys; from console.__main__ import main\n"
        "try: main()\n"
        "finally: print([l.split()[1] for l in open('/proc/self/status') if 'VmHWM' in l][0], file=sys.stderr)"
    )
    peaks = []
    for message in (make_raw(), raw):
        done = subprocess.run(
            [sys.executable, "-c", code, "receive-mail"], input=message, capture_output=True, check=False, timeout=120,
            env=os.environ | {"CONSOLE_DATABASE_URL": database, "CONSOLE_FILES": str(tmp_path / "files")},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stderr.split()[-1]) / 1024)
    size = len(raw) / 2**20
    proof(f"a mail of {size:.0f} MB took {peaks[1] - peaks[0]:.0f} MB of memory more than one of 1 KB")
    assert peaks[1] - peaks[0] < 15 * size


def test_what_cannot_be_read_is_a_ticket_with_the_raw_file(session: Session) -> None:
    make_department()
    agent = factories.make_staff(Role.AGENT).actor()
    row = take(b"\x00\x01 nema zaglavlja")
    message = entries(ticket_of(row), MessageKind.QUESTION)[0]
    assert row.state is IncomingState.FAILED
    assert [file.name for file in message.attachments] == ["message.eml"]
    assert ticket_of(row).requester_name == "nepoznata adresa"
    assert message.data["unreadable"] == "header"
    with pytest.raises(Conflict) as refusal, transaction():
        messages.reply(agent, ticket_of(row).id, messages.Writing("Kome?", "r-1"))
    assert refusal.value.code == "no_address"
    with transaction():
        properties.set_status(agent, [ticket_of(row).id], TicketStatus.SOLVED)
    assert mails_to(ticket_of(row).requester_email) == []
    assert take(b"\x00\x02 ni ovde").id != row.id
