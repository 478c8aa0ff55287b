"""Two at once, twenty at once, and a kill at any moment: always the old state or the new."""

from __future__ import annotations

import multiprocessing
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit import queries as audit
from console.audit.models import AuditEntry
from console.billing.models import Migration, MigrationState, Proforma, ProformaStatus, Storno
from console.billing.service import LineDraft, issue_proforma
from console.core.actor import SYSTEM
from console.core.context import sealer
from console.core.db import db
from console.core.errors import Refusal
from console.core.idempotency import IdempotencyKey
from console.core.transaction import transaction
from console.customers.models import Customer, Verification
from console.customers.service import close_customer
from console.customers.verification import service as verification
from console.customers.verification.pins import renew_pin
from console.hosting.models import Service
from tests import factories
from tests.billing.executor import execute
from tests.billing.test_migration_properties import check_numbers
from tests.factories.migrations import Move, make_move

CALLERS = 20
ENOUGH = 100  # kills, to have met both outcomes


def at_once(app: Flask, calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run the calls in threads that start together; return results or refusals, in order."""
    barrier = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(place: int, call: Callable[[], Any]) -> None:
        with app.app_context():
            barrier.wait()
            try:
                results[place] = call()
            except Refusal as refusal:
                results[place] = refusal
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def executed(session: Session, move: Move) -> tuple[int, int, int]:
    """Return how many stornos, new documents and executed migrations there are."""
    session.expire_all()
    return (
        session.scalar(select(func.count(Storno.id))) or 0,
        session.scalar(select(func.count(Proforma.id)).where(Proforma.migration_id.is_not(None))) or 0,
        session.scalar(select(func.count(Migration.id)).where(Migration.state == MigrationState.EXECUTED)) or 0,
    )


def test_twenty_executions_with_one_key_have_one_effect(
    app: Flask, session: Session, proof: Callable[[str], None]
) -> None:
    move = make_move().to_approved()
    digest = move.digest()
    session.rollback()
    results = at_once(app, [lambda: move.execute(digest=digest, key="one")] * CALLERS)
    assert all(result == results[0] for result in results)
    assert results[0]["migration"]["state"] == "executed"
    assert executed(session, move) == (1, 2, 1)
    proof(f"{CALLERS} parallel executions with one key: one effect, {CALLERS} equal answers")


def test_twenty_executions_with_twenty_keys_have_one_winner(
    app: Flask, session: Session, proof: Callable[[str], None]
) -> None:
    move = make_move().to_approved()
    digest = move.digest()
    session.rollback()
    calls = [partial(move.execute, digest=digest, key=str(number)) for number in range(CALLERS)]
    results = at_once(app, calls)
    refusals = [result for result in results if isinstance(result, Refusal)]
    assert Counter(refusal.status for refusal in refusals) == {409: CALLERS - 1}
    assert executed(session, move) == (1, 2, 1)
    assert session.scalar(select(func.count()).where(IdempotencyKey.scope == f"migration.execute:{move.ref}")) == 1
    proof(f"{CALLERS} parallel executions with {CALLERS} keys: one success, {len(refusals)} conflicts (409)")


def test_two_requests_for_one_service_make_one_migration(app: Flask, session: Session) -> None:
    move = make_move()
    session.rollback()
    results = at_once(app, [move.request] * 8)
    assert sum(isinstance(result, dict) for result in results) == 1
    assert {result.code for result in results if isinstance(result, Refusal)} == {"in_migration"}


def test_documents_issued_during_an_execution_go_to_whoever_owns_the_service(app: Flask, session: Session) -> None:
    """Billing issues while the service moves: the document is migrated along or refused, never left behind."""
    move = make_move().to_approved()
    digest = move.digest()
    service_id, old_id = move.services[0].id, move.old.id
    session.rollback()

    def issue() -> str:
        with transaction() as database:
            customer = database.get_one(Customer, old_id)
            return issue_proforma(SYSTEM, customer, [LineDraft("Produženje", 100_00, service_id=service_id)]).number

    results = at_once(app, [issue] * 4 + [lambda: move.execute(digest=digest)] + [issue] * 4)
    session.expire_all()
    left_behind = select(func.count(Proforma.id)).where(
        Proforma.customer_id == old_id,
        Proforma.status == ProformaStatus.OPEN,
        Proforma.lines.any(service_id=service_id),
    )
    if isinstance(results[4], dict):
        assert session.scalar(left_behind) == 0
    else:
        assert results[4].code == "stale_plan"
        assert session.get_one(Service, service_id).customer_id == old_id
    check_numbers(session)


def test_migrations_in_both_directions_do_not_deadlock(app: Flask, session: Session) -> None:
    one, two = factories.make_customer(), factories.make_customer()
    moves = []
    for old, new in ((one, two), (two, one)) * 4:
        service = factories.make_service(old)
        factories.make_proforma(old, [service])
        moves.append(make_move(old, new, [service]).to_approved())
    digests = [move.digest() for move in moves]
    session.rollback()
    calls = [partial(move.execute, digest=digest) for move, digest in zip(moves, digests, strict=True)]
    results = at_once(app, calls)
    assert all(isinstance(result, dict) for result in results), results
    check_numbers(session)


ENDS: dict[str, Callable[[Move], Any]] = {
    "by hand": lambda move: verification.end(move.agent, move.verification_id),
    "with its channel": lambda _move: verification.end_by_channel(SYSTEM, "phone"),
    "with the PIN": lambda move: renew_pin(SYSTEM, factories.owner_of(db.session.get_one(Customer, move.old_id))),
    "with the account": lambda move: close_customer(SYSTEM, db.session.get_one(Customer, move.old_id), "Ugašen"),
}


def _requested_after_its_end(session: Session, move: Move) -> bool:
    """Return whether a request was stored under a verification that had ended, by the audit log, written at commits."""
    session.expire_all()
    ended = session.get_one(Verification, move.verification_id).ended_at
    query = select(AuditEntry.id).where(AuditEntry.customer_id == move.old_id)
    requested = session.scalar(query.where(AuditEntry.action == "migration.requested"))
    ends = ("verification.ended", "pin.renewed", "customer.status_changed")
    end = session.scalar(query.where(AuditEntry.action.in_(ends)).order_by(AuditEntry.id.desc()).limit(1))
    assert ended is not None and end is not None
    return requested is not None and requested > end


@pytest.mark.only("postgresql")
@pytest.mark.parametrize("how", ENDS)
def test_a_request_that_is_being_stored_holds_its_verification(app: Flask, session: Session, how: str) -> None:
    """It ends after the request or before it, never in between."""
    move = make_move()
    session.rollback()
    held, ended = threading.Event(), threading.Event()

    def hold() -> None:
        """Keep the request waiting between its look at the verification and its last statement."""
        with transaction() as database:
            database.get_one(Service, move.service_ids[0], with_for_update=True)
            held.set()
            ended.wait(1)  # what does not wait for the request ends it now

    def request() -> None:
        held.wait(10)
        move.request()

    def end() -> None:
        held.wait(10)
        time.sleep(0.3)  # the request has come to the held row
        with transaction():
            ENDS[how](move)
        ended.set()

    assert at_once(app, [hold, request, end]) == [None, None, None]
    assert not _requested_after_its_end(session, move)


@pytest.mark.only("postgresql")
def test_requests_that_race_the_end_of_their_verification(
    app: Flask,
    session: Session,
    samples: Callable[[int, int], int],
    rng: random.Random,
    proof: Callable[[str], None],
) -> None:
    rounds, outcomes = samples(300, 8), Counter[str]()
    for _ in range(rounds):
        move = make_move()
        session.rollback()
        how, delay = rng.choice(list(ENDS)), rng.uniform(0, 0.03)

        def end(move: Move = move, how: str = how, delay: float = delay) -> None:
            time.sleep(delay)
            with transaction():
                ENDS[how](move)

        answer, _ended = at_once(app, [move.request, end])
        assert not isinstance(_ended, Refusal), _ended
        assert isinstance(answer, dict) or answer.code in ("unverified", "no_right", "closed_source"), answer
        assert not _requested_after_its_end(session, move), how
        outcomes["stored" if isinstance(answer, dict) else "refused"] += 1
    proof(f"{rounds} requests raced the end of their verification: {dict(outcomes)}, none stored after it")


# --- kill -9 ----------------------------------------------------------------------------------------------------------

# Each process is forked off one that has imported the application already.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.support.warmed", "tests.billing.executor"])


def test_a_kill_at_any_moment_leaves_the_old_state_or_the_new(
    app: Flask,
    session: Session,
    database: str,
    samples: Callable[[int, int], int],
    rng: random.Random,
    proof: Callable[[str], None],
) -> None:
    """kill -9 while executing; afterwards nothing is half, and a retry with the same key finishes it."""
    kills = samples(200, 5)
    usual = time_of_one(database)
    outcomes = Counter[str]()
    for _ in range(kills):
        move = make_move().to_approved()
        job = {
            "database": database, "staff": move.billing.id, "ref": move.ref, "digest": move.digest(), "key": "retry",
        }  # fmt: skip
        session.rollback()
        finished = kill_after(job, rng.uniform(0, 1.2) * usual)
        state = state_of(session, move)
        assert state in ("old", "new"), "half a migration"
        assert not (finished and state == "old"), "an answered execution was lost"
        outcomes[state] += 1
        answer = move.execute(digest=str(job["digest"]), key="retry")
        assert answer["migration"]["state"] == "executed"
        assert state_of(session, move) == "new"
    check_numbers(session)
    session.rollback()
    assert list(audit.verify(session, sealer())) == []
    summary = ", ".join(f"{count} {state}" for state, count in sorted(outcomes.items()))
    proof(f"{db.engine.dialect.name}: {kills} kills at random moments: {summary}; none half, each finished by a retry")
    if kills >= ENOUGH:
        assert len(outcomes) == 2, "the kills never met the middle"


def state_of(session: Session, move: Move) -> str:
    """Return which of the two whole states the migration is in; anything else is named."""
    session.rollback()
    session.expire_all()
    migration = move.migration()
    facts = (
        migration.state is MigrationState.EXECUTED,
        session.get_one(Service, move.services[0].id).customer_id == move.new.id,
        session.scalar(select(func.count(Storno.id)).where(Storno.migration_id == migration.id)) == 1,
        session.scalar(select(func.count(Proforma.id)).where(Proforma.migration_id == migration.id)) == 2,
        session.scalar(select(func.count()).where(IdempotencyKey.scope == f"migration.execute:{move.ref}")) == 1,
    )
    if all(facts):
        return "new"
    return "old" if not any(facts) else f"half: {facts}"


@contextmanager
def executor(job: dict[str, Any]) -> Iterator[tuple[Connection, BaseProcess]]:
    """Run a process that executes ``job`` from now on; yield the line on which it says that it is done."""
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=execute, args=(job, theirs))
    process.start()
    theirs.close()  # so that the line ends with the process
    try:
        assert ours.recv() == "ready"
        ours.send("go")
        yield ours, process
    finally:
        process.join()
        process.close()
        ours.close()


def kill_after(job: dict[str, Any], seconds: float) -> bool:
    """Start an execution, kill it after ``seconds``, and tell whether it had answered."""
    with executor(job) as (line, process):
        time.sleep(seconds)
        process.kill()
        process.join()
        try:
            return bool(line.recv() == "done")
        except (EOFError, ConnectionResetError):
            return False


def time_of_one(database: str) -> float:
    """Return how long one execution takes here, so that the kills fall into it."""
    move = make_move().to_approved()
    job = {"database": database, "staff": move.billing.id, "ref": move.ref, "digest": move.digest(), "key": "x"}
    db.session.rollback()
    with executor(job) as (line, _process):
        begun = time.perf_counter()
        assert line.recv() == "done"
        return time.perf_counter() - begun


pytestmark = [pytest.mark.usefixtures("session"), pytest.mark.both]
