"""Worker processes that are killed, that work side by side, and a server that serves while mail hangs."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import ColumnElement, create_engine, func, select
from sqlalchemy.orm import Session

from console.core import clock as core_clock
from console.core.context import files
from console.core.settings import Settings
from console.mail.models import Mail, MailState
from console.mail.sending import BATCH
from tests.support import processes
from tests.support.server import ROOT, LiveServer, environment
from tests.support.smtp import Behaviour, SmtpServer
from tests.test_contract import person

Make = Callable[..., Mail]
LATER = timedelta(seconds=90)  # longer than a lease at the timeout used here
EACH_TIME = 8
UNKNOWN, BUSY = "nobody", "busy"


@dataclass
class Worker:
    process: subprocess.Popen[bytes]
    log: Path

    def has_logged(self, words: str) -> bool:
        return words in self.log.read_text()

    def comes_to(self, smtp: SmtpServer, done: Callable[[], bool]) -> None:
        """Wait until ``done``, as long as the worker lives."""
        smtp.wait(lambda: self.process.poll() is not None or done(), 300)
        assert self.process.poll() is None and done(), self.log.read_text()[-3000:]


@contextmanager
def working(settings: Settings, log: Path, ahead: timedelta = timedelta(0)) -> Iterator[Worker]:
    """Run ``console worker`` until the end of the block, its clock ``ahead`` of ours.

    A clock that is set starts when the worker has: it is late by what the start takes, and of two workers the earlier
    one would send every mail before the other finds it due.
    """
    env = environment(
        DATABASE_URL=settings.database_url,
        AUDIT_ANCHOR=settings.audit_anchor,
        FILES=settings.files,
        SMTP_URL=settings.smtp_url or "",
        **({"CLOCK": (core_clock.now() + ahead).isoformat()} if ahead else {}),
    )
    command = [sys.executable, "-X", "faulthandler", "-m", "console", "worker"]  # SIGABRT says where it stands
    with log.open("ab") as output:
        process = processes.start(command, log=output, env=env, cwd=ROOT)
    try:
        yield Worker(process, log)
    finally:
        processes.stop(process)


def _where(workers: Sequence[Worker]) -> str:
    """End workers, and return what each wrote and where it stood."""
    for worker in workers:
        worker.process.send_signal(signal.SIGABRT)
        worker.process.wait(30)
    return "\n\n".join(worker.log.read_text()[-4_000:] for worker in workers)


def waiting(session: Session, *which: ColumnElement[bool]) -> int:
    session.rollback()
    query = select(func.count()).select_from(Mail).where(Mail.state == MailState.QUEUED, *which)
    return session.scalar(query) or 0


@pytest.mark.timeout(1800)
def test_killed_at_random_moments(
    session: Session, settings: Settings, smtp: SmtpServer, make_mail: Make, samples: Callable[[int, int], int],
    rng: random.Random, proof: Callable[[str], None], tmp_path: Path,
) -> None:  # fmt: skip
    """Each committed mail arrives or has visibly failed; twice only what a kill met, as the same message."""
    kills = samples(50, 2)
    busy_once: set[str] = set()

    def rcpt(address: str) -> str | None:
        if address.startswith(UNKNOWN):
            return "550 5.1.1 No such mailbox"
        if address.startswith(BUSY) and address not in busy_once:
            busy_once.add(address)
            return "451 4.7.1 Come back later"
        return None

    smtp.behaviour = Behaviour(rcpt=rcpt, seconds=lambda: random.uniform(0, 0.03))  # noqa: S311
    met_by_a_kill: set[str] = set()
    number = 0
    for kill in range(kills):
        for _ in range(EACH_TIME):
            number += 1
            kind = {5: UNKNOWN, 7: BUSY}.get(number % 10, "osoba")
            make_mail(to_address=f"{kind}-{number}@example.test")
        commands = len(smtp.commands)
        with working(settings, tmp_path / "log", LATER * kill) as worker:
            worker.comes_to(smtp, lambda: len(smtp.commands) > commands)  # noqa: B023
            time.sleep(rng.uniform(0, 0.6))
            worker.process.send_signal(signal.SIGKILL)
            worker.process.wait()
        met_by_a_kill.add(smtp.commands[-1].rpartition(" ")[2])
    untried = Mail.attempts == 0
    with working(settings, tmp_path / "log", LATER * kills) as worker:
        worker.comes_to(smtp, lambda: waiting(session, untried) == 0)
    with working(settings, tmp_path / "log", LATER * kills + timedelta(hours=3)) as worker:
        worker.comes_to(smtp, lambda: waiting(session) == 0)

    session.rollback()
    mails = {mail.message_id: mail for mail in session.scalars(select(Mail))}
    arrived = Counter(received.message_id for received in smtp.received)
    assert len(mails) == number and set(arrived) <= set(mails)
    for message_id, mail in mails.items():
        if mail.to_address.startswith(UNKNOWN):
            assert mail.state is MailState.FAILED and mail.last_error.startswith("550") and not arrived[message_id]
        else:
            assert mail.state is MailState.SENT and arrived[message_id] >= 1, mail.last_error
    twice = {mails[message_id].to_address for message_id, times in arrived.items() if times > 1}
    assert twice <= met_by_a_kill and max(arrived.values()) <= kills + 1
    assert sum(arrived.values()) - len(arrived) <= kills
    assert smtp.met == []
    assert "Traceback" not in (tmp_path / "log").read_text()
    proof(
        f"{kills} kills -9 of a worker, {number} mails: each arrived or has visibly failed; "
        f"{sum(arrived.values()) - len(arrived)} arrived twice, all of them being sent when killed, "
        "all with one Message-ID"
    )


@pytest.mark.both
@pytest.mark.timeout(600)
def test_two_workers_never_send_one_mail_at_once(
    session: Session, settings: Settings, smtp: SmtpServer, make_mail: Make, samples: Callable[[int, int], int],
    proof: Callable[[str], None], tmp_path: Path,
) -> None:  # fmt: skip
    mails = samples(1_000, 24)
    smtp.behaviour = Behaviour(seconds=lambda: random.uniform(0, 0.02))  # noqa: S311
    with working(settings, tmp_path / "one") as one, working(settings, tmp_path / "two") as two:
        assert smtp.wait(lambda: one.has_logged("worker started") and two.has_logged("worker started"), 90)
        large = random.randbytes(3_000_000)  # noqa: S311  made into a message off the hub
        file = {"name": "log.gz", "type": "application/gzip", "size": len(large), "digest": files().put(large)}
        make_mail(to_address="large@example.test", attachments=[file])
        made = 1
        until = time.monotonic() + samples(540, 90)
        while made < mails or not (one.has_logged("mail sent") and two.has_logged("mail sent")):
            if made < mails or waiting(session) < 2 * BATCH:  # whoever looks finds more than the other has taken
                make_mail()
                made += 1
            else:
                time.sleep(0.05)
            if time.monotonic() > until:
                pytest.fail(_where([one, two]))
        one.comes_to(smtp, lambda: waiting(session) == 0)
        # Told to stop, they end in order.
        for worker in (one, two):
            worker.process.send_signal(signal.SIGTERM)
            assert worker.process.wait(30) == 0
    assert smtp.met == []
    arrived = Counter(received.message_id for received in smtp.received)
    assert len(arrived) == made and set(arrived.values()) == {1}
    [attached] = smtp.to("large@example.test")[0].message.iter_attachments()
    assert attached.get_content() == large
    shares = [worker.log.read_text().count("mail sent") for worker in (one, two)]
    assert sum(shares) == made and min(shares) > 0
    proof(f"{made} mails, two workers ({shares[0]} and {shares[1]}): each arrived once, none sent by both at a time")


@pytest.mark.sqlite
def test_no_request_waits_for_smtp(own_server: Callable[..., LiveServer], tmp_path: Path) -> None:
    """The mail server accepts and says nothing; pages are answered, mail is queued, and the server stops in time."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        url = f"smtp://127.0.0.1:{silent.getsockname()[1]}?timeout=60"
        live = own_server(demo=True, SMTP_URL=url)
        ana = person(live, "ana")
        assert ana.ask("/moj/pin/new", {}).status == 200  # queues a mail to her
        held, _address = silent.accept()
        with held:
            for _ in range(3):
                begun = time.monotonic()
                assert ana.ask("/moj/pin").status == 200
                assert ana.ask("/moj/pin/new", {}).status == 200
                assert ana.ask("/healthz").status == 200
                assert time.monotonic() - begun < 20  # of the 60 seconds that the sender waits meanwhile
            engine = create_engine(live.environment["CONSOLE_DATABASE_URL"])
            with engine.connect() as connection:
                query = select(Mail.state, Mail.attempts).where(Mail.template == "pin_renewed")
                rows = connection.execute(query.order_by(Mail.id.desc()).limit(4)).all()
                leased = connection.scalar(select(func.count()).where(Mail.lease.is_not(None)))
            engine.dispose()
    assert {(row[0], row[1]) for row in rows} == {(MailState.QUEUED, 0)} and len(rows) == 4
    assert leased, "a worker is trying"
