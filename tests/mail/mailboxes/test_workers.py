"""Worker processes that read one mailbox and are killed at random moments."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.core.settings import Settings
from console.mail.receiving.models import IncomingMail, IncomingState
from console.tickets.mail_in.watching import LOOKS_AGAIN
from console.tickets.models import MessageKind, Ticket, TicketMessage
from tests.mail.mailboxes.conftest import MakeBox
from tests.support import processes
from tests.support.dovecot import Dovecot
from tests.support.server import ROOT, environment
from tests.tickets.mail_in.scene import OURS, SERVER, make_raw, proven

EACH = 25  # mails of one sender, who gets no more than 30 an hour in


def conversation(senders: int, each: int) -> Iterable[bytes]:
    """Yield mails of so many people, in turns: each answers the one before of theirs."""
    for place in range(each):
        for sender in range(senders):
            before = {} if place == 0 else {"In_Reply_To": f"<{sender}.{place - 1}@gost.test>"}
            yield make_raw(
                f"Poruka broj {place} u ovom tiketu.", sender=f"osoba{sender}@gost.test", subject=f"Tema {sender}",
                auth=proven(), Message_ID=f"<{sender}.{place}@gost.test>", **before,
            )  # fmt: skip


def start(settings: Settings, log: Path) -> subprocess.Popen[bytes]:
    env = environment(
        DATABASE_URL=settings.database_url, AUDIT_ANCHOR=settings.audit_anchor, FILES=settings.files,
        IMAP_CA=settings.imap_ca, MAIL_AUTHSERV_ID=SERVER, MAIL_FROM=OURS,
    )  # fmt: skip
    with log.open("ab") as output:
        return processes.start([sys.executable, "-m", "console", "worker"], log=output, env=env, cwd=ROOT)


@pytest.mark.timeout(3600)
def test_killed_at_random_moments_and_never_alone(
    session: Session, settings: Settings, dovecot: Dovecot, make_box: MakeBox, samples: Callable[[int, int], int],
    rng: random.Random, proof: Callable[[str], None], tmp_path: Path,
) -> None:  # fmt: skip
    """Two workers on one mailbox that has waited for days: each mail comes in once, and in the order of its ticket."""
    senders, each, kills = samples(200, 12), samples(EACH, 5), samples(50, 2)
    number = dovecot.fill(conversation(senders, each))
    make_box()
    log = tmp_path / "log"
    workers = [start(settings, log), start(settings, log)]
    began = time.monotonic()
    try:
        for kill in range(kills):
            _until(lambda: _stored(session) > number * kill // (kills + 1), workers, log)  # noqa: B023
            time.sleep(rng.uniform(0, 0.3))
            victim = workers.pop(rng.randrange(2))
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            workers.append(start(settings, log))
        _until(lambda: _stored(session) == number and _unread(session) == 0, workers, log)
        seconds = time.monotonic() - began
        dovecot.put(make_raw("Još jedno.", sender="poslednja@gost.test", auth=proven()))
        came = time.monotonic()  # the server tells the worker, which would look itself much later
        _until(lambda: _stored(session) == number + 1 and _unread(session) == 0, workers, log)
        assert time.monotonic() - came < LOOKS_AGAIN / 2
    finally:
        for worker in workers:
            processes.stop(worker)

    session.rollback()
    rows = session.scalars(select(IncomingMail)).all()
    assert len(rows) == number + 1 and {row.state for row in rows} == {IncomingState.TICKET}
    assert len({row.message_id for row in rows}) == number + 1
    assert session.scalar(select(func.count(Ticket.id))) == senders + 1
    query = select(TicketMessage.ticket_id, TicketMessage.body).where(TicketMessage.kind == MessageKind.QUESTION)
    bodies: dict[int, list[str]] = {}
    for ticket_id, body in session.execute(query.order_by(TicketMessage.ticket_id, TicketMessage.seq)):
        bodies.setdefault(ticket_id, []).append(body)
    bodies.pop(max(bodies))  # the last one
    assert all(found == [f"Poruka broj {place} u ovom tiketu." for place in range(each)] for found in bodies.values())
    assert "Traceback" not in log.read_text()
    proof(
        f"{number:,} mails waited, two workers, {kills} kills -9: each came in once and in order in its ticket, "
        f"in {seconds:.0f} s"
    )


def _stored(session: Session) -> int:
    session.rollback()
    return session.scalar(select(func.count(IncomingMail.id))) or 0


def _unread(session: Session) -> int:
    query = select(func.count(IncomingMail.id)).where(IncomingMail.state == IncomingState.RECEIVED)
    return session.scalar(query) or 0


def _until(done: Callable[[], bool], workers: list[subprocess.Popen[bytes]], log: Path) -> None:
    until = time.monotonic() + 900
    while not done():
        assert time.monotonic() < until and all(one.poll() is None for one in workers), log.read_text()[-3000:]
        time.sleep(0.05)
