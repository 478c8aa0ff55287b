"""kill -9 at each step of an import: nothing is half in, and the same file works afterwards, once."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.billing.models import Proforma, ProformaStatus
from console.billing.payments.models import Payment
from console.billing.statements import importing, service
from console.billing.statements.models import BankLine, BankStatement, StatementState
from console.core.actor import SYSTEM
from console.core.settings import Settings
from tests import factories
from tests.billing.ledger import check_books
from tests.billing.statements.importer import run
from tests.billing.statements.scene import bring_in, content, line, statement
from tests.billing.statements.test_import import counts
from tests.conftest import Clock

# Each process is forked off one that has imported the application already.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.support.warmed", "tests.billing.statements.importer"])
LINES, GROUP = 6, 2
pytestmark = pytest.mark.long


def process(settings: Settings, **job: Any) -> int | None:
    """Import in a process of its own; return how many steps that took, ``None`` where it was killed."""
    ours, theirs = PROCESSES.Pipe()
    here = {"database": settings.database_url, "files": settings.files}
    child = PROCESSES.Process(target=run, args=(here | job, theirs))
    child.start()
    theirs.close()
    try:
        return int(ours.recv())
    except (EOFError, ConnectionResetError):
        return None
    finally:
        child.join()
        ours.close()


def a_file() -> tuple[bytes, list[int]]:
    """Return a statement whose lines pay documents, and two that pay none; and the documents."""
    documents = [factories.make_proforma(factories.make_customer()) for _ in range(LINES - 2)]
    lines = [*(line(one) for one in documents), line(purpose=f"Nepoznata {documents[0].number}"), line(amount=-12_345)]
    return content(statement(lines, number=f"{documents[0].id}")), [one.id for one in documents]


def steps_to_kill(every: int, samples: Callable[[int, int], int], rng: random.Random) -> list[int]:
    """Return each step of an import, or some of them."""
    return sorted(rng.sample(range(1, every + 1), min(every, samples(every, 2))))


def check_paid(session: Session, documents: list[int]) -> None:
    """Check that each document was paid by one payment, and the other line that came in is one too."""
    session.rollback()  # SQLite would see again what it saw before
    assert {session.get_one(Proforma, key).status for key in documents} == {ProformaStatus.PAID}
    paying = select(func.count(Payment.id)).where(Payment.proforma_id.in_(documents))
    assert session.scalar(paying) == len(documents)
    statements = session.scalar(select(func.count(BankStatement.id))) or 0
    assert session.scalar(select(func.count(BankLine.id))) == LINES * statements


def test_an_import_that_is_killed_left_nothing(
    session: Session,
    settings: Settings,
    samples: Callable[[int, int], int],
    rng: random.Random,
    proof: Callable[[str], None],
) -> None:
    """A file that is imported in its request: one transaction."""
    file, documents = a_file()
    steps = process(settings, content=file, kill=0)
    assert steps is not None
    check_paid(session, documents)
    kills = steps_to_kill(steps, samples, rng)
    for kill in kills:
        file, documents = a_file()
        before = counts()
        assert process(settings, content=file, kill=kill) is None
        assert counts() == before, f"half imported at step {kill}"
        assert not bring_in(file, actor=SYSTEM).known_file
        check_paid(session, documents)
        after = counts()
        assert bring_in(file, actor=SYSTEM).known_file
        assert counts() == after
    check_books(session)
    proof(f"an import of {steps} steps killed at {len(kills)} of them: nothing half in, the same file works, and once")


def test_a_long_import_that_is_killed_goes_on(
    session: Session,
    settings: Settings,
    samples: Callable[[int, int], int],
    rng: random.Random,
    proof: Callable[[str], None],
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A file that a worker imports: groups of lines are in or not, and the next worker goes on after the last."""
    monkeypatch.setattr(service, "AT_ONCE", 0)
    monkeypatch.setattr(importing, "GROUP", GROUP)
    file, documents = a_file()
    bring_in(file, actor=SYSTEM)
    steps = process(settings, group=GROUP, kill=0)
    assert steps is not None
    check_paid(session, documents)
    kills, places = steps_to_kill(steps, samples, rng), set[int]()
    for kill in kills:
        file, documents = a_file()
        key = bring_in(file, actor=SYSTEM).statements[0].id
        assert process(settings, group=GROUP, kill=kill) is None
        session.rollback()
        row = session.get_one(BankStatement, key)
        stored = session.scalar(select(func.count(BankLine.id)).where(BankLine.statement_id == key))
        taken = row.taken
        assert taken == stored and taken % GROUP == 0, f"half a group at step {kill}"
        assert (row.state is StatementState.IMPORTED) is (taken == LINES)
        places.add(taken)
        check_books(session)
        session.rollback()
        clock.advance(importing.LEASE * 2)  # that of the killed worker has run out
        assert importing.import_due() == (taken < LINES)
        check_paid(session, documents)
        after = counts()
        assert bring_in(file, actor=SYSTEM).known_file and importing.import_due() == 0
        assert counts() == after
    check_books(session)
    proof(
        f"a worker's import of {steps} steps killed at {len(kills)} of them, with {sorted(places)} of {LINES} lines in:"
        " each goes on where it was, no line twice"
    )
