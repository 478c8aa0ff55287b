"""Mail that comes in after an absence: how many a second become tickets, and in how much memory."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from email.message import EmailMessage
from random import Random

from imapclient import IMAPClient

from benchmarks.place import engine_name, machine, temporary_app
from benchmarks.report import Report, verdict
from console.core import clock
from console.core.db import db
from console.core.imap_url import ImapServer
from console.core.settings import Settings
from console.core.transaction import transaction
from console.mail.mailboxes import state
from console.mail.mailboxes.client import trusted
from console.mail.receiving.models import IncomingMail, IncomingState
from console.setup import prepare_database
from console.staff.models import Department
from console.tickets.mail_in import watching
from console.tickets.mail_in.service.receiving import receive_many

SEED = 1
GROUP = 25
GOAL = 50.0  # a second, on SQLite
MAX_GROWTH = 64  # MiB, from the first tenth to the end
WORDS = (
    "molim",
    "proverite",
    "server",
    "nalog",
    "sajt",
    "pošta",
    "domen",
    "račun",
    "lozinka",
    "ne",
    "radi",
    "od",
    "jutros",
    "hvala",
    "pozdrav",
)


def run(count: int, server: str | None, command: str) -> Report:
    """Receive ``count`` mails, each a question of another sender with a file, a tenth of them HTML."""
    raws = [_mail(Random(SEED * 1_000_003 + number), number) for number in range(count)]  # noqa: S311
    with temporary_app(server) as app, app.app_context():
        prepare_database()
        with transaction() as session:
            session.add(Department(key="bench", name_sr="Podrška", name_en="Support"))
        receive_many(raws[:GROUP])
        begun, first = time.perf_counter(), _peak()
        for place in range(GROUP, count, GROUP):
            receive_many(raws[place : place + GROUP])
            first = _peak() if place <= count / 10 else first
            db.session.remove()
        seconds = time.perf_counter() - begun
        tickets = db.session.query(IncomingMail).filter(IncomingMail.state == IncomingState.TICKET).count()
    return _report(
        f"Mail in ({engine_name(server)})",
        command,
        _Measured(count, (count - GROUP) / seconds, seconds, _peak() - first, tickets),
        section=f"receiving-{engine_name(server).lower()}",
        note=f"stored sealed {GROUP} in a transaction, then read and delivered each in its own: ticket, SLA "
        f"targets, search entry, confirmation, audit entry; one process, its first {GROUP} not counted; seed {SEED}",
    )


def read(count: int, server: str | None, command: str) -> Report:
    """Read ``count`` mails that waited in the mailbox of ``CONSOLE_IMAP_URL``, and let them come in."""
    settings_given = Settings.from_environ()
    access = settings_given.imap
    if access is None:
        raise SystemExit("CONSOLE_IMAP_URL is not set")
    with (
        temporary_app(server, imap_url=settings_given.imap_url, imap_ca=settings_given.imap_ca) as app,
        app.app_context(),
    ):
        with transaction() as session:
            session.add(Department(key="bench", name_sr="Podrška", name_en="Support"))
        (mailbox_id,) = state.due()  # so that all that comes now is new
        with _signed_in(access) as client:
            for number in range(count):
                client.append(access.folder, _mail(Random(SEED * 1_000_003 + number), number))  # noqa: S311
        begun, first = time.perf_counter(), _peak()
        watching.read_once(mailbox_id)
        seconds = time.perf_counter() - begun
        tickets = db.session.query(IncomingMail).filter(IncomingMail.state == IncomingState.TICKET).count()
    return _report(
        f"Mail read by IMAP ({engine_name(server)})",
        command,
        _Measured(count, count / seconds, seconds, _peak() - first, tickets),
        section=f"mailbox-{engine_name(server).lower()}",
        note="as in the section on mail in, but fetched over TLS from a server on this machine",
    )


@dataclass(frozen=True)
class _Measured:
    """What a run of ``count`` mails took. ``growth``: of the memory, in MiB; ``tickets``: made of them."""

    count: int
    rate: float
    seconds: float
    growth: float
    tickets: int


def _report(title: str, command: str, measured: _Measured, *, section: str, note: str) -> Report:
    rate, growth = measured.rate, measured.growth
    return Report(
        section=section,
        title=title,
        command=command,
        verdicts=[
            verdict(f"at least {GOAL:.0f} mails a second ({rate:.0f})", holds=rate >= GOAL),
            verdict(f"memory grows by at most {MAX_GROWTH} MiB ({growth:.0f})", holds=growth <= MAX_GROWTH),
            verdict("every mail is in a ticket", holds=measured.tickets == measured.count),
        ],
        header=["mails", "a second", "seconds", "peak memory"],
        rows=[[f"{measured.count:,}", f"{rate:.0f}", f"{measured.seconds:.1f}", f"{_peak():.0f} MiB"]],
        notes=[f"{note}; {machine()}"],
    )


def _signed_in(access: ImapServer) -> IMAPClient:
    client = IMAPClient(access.host, port=access.port, ssl_context=trusted(), timeout=60)
    client.login(access.user, access.password)
    return client


def _mail(rng: Random, number: int) -> bytes:
    message = EmailMessage()
    message["Message-ID"] = f"<bench-{number}@gost.test>"
    message["From"] = f"Osoba {number} <osoba{number}@gost{number % 97}.test>"
    message["To"] = "podrska@example.test"
    message["Subject"] = " ".join(rng.choices(WORDS, k=5))
    message["Date"] = clock.now()
    text = "\n\n".join(" ".join(rng.choices(WORDS, k=40)) for _paragraph in range(4))
    message.set_content(text)
    if number % 10 == 0:
        message.add_alternative(
            f"<html><body><p>{text}</p><img src='https://x.test/a.png'></body></html>", subtype="html"
        )
    if number % 5 == 0:
        message.add_attachment(rng.randbytes(20_000).hex(), filename="dnevnik.txt")
    return message.as_bytes()


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
