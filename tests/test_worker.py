"""Periodic jobs: each does its work, a failing one is said, and a process of them stops in order."""

from __future__ import annotations

import errno
import signal
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from console import worker
from console.audit import queries
from console.audit.service import record
from console.core import clock as core_clock
from console.core.actor import SYSTEM
from console.core.context import settings
from console.core.idempotency import IdempotencyKey
from console.core.sessions import open_session
from console.core.transaction import transaction
from console.customers.models import Guard
from console.staff.models import Staff, StaffSession
from console.worker import Job
from tests.conftest import Clock
from tests.factories import make_customer
from tests.support import processes
from tests.support.server import ROOT, environment

pytestmark = pytest.mark.both


def job(name: str) -> Job:
    return next(each for each in worker.JOBS if each.name == name)


def test_the_trails_end_is_noted(app: Flask, session: Session) -> None:
    with transaction():
        record(SYSTEM, "thing.done", "T-1")
    assert worker.run_job(app, job("audit.anchor"))
    assert queries.read_anchor(Path(settings().audit_anchor)) == queries.current_anchor(session)


def test_old_rows_are_cleared_and_young_ones_kept(
    app: Flask, session: Session, clock: Clock, staff_of: Callable[[str], Staff]
) -> None:
    def leave(name: str) -> None:
        with transaction():
            row = StaffSession(staff_id=staff_of("agent").id)
            open_session(session, row, now=core_clock.now(), lasts=timedelta(hours=12), address=None, user_agent=name)
            session.add(Guard(key=name, failures=[], updated_at=core_clock.now()))
            session.add(IdempotencyKey(scope="s", key=name, request="", answer={}, created_at=core_clock.now()))

    staff_of("agent")
    leave("old")
    clock.advance(timedelta(days=120))
    leave("young")
    assert worker.run_job(app, job("rows.clear"))
    session.rollback()
    assert session.scalars(select(StaffSession.user_agent)).all() == ["young"]
    assert session.scalars(select(Guard.key)).all() == ["young"]
    assert session.scalars(select(IdempotencyKey.key)).all() == ["young"]


def test_a_failing_job_is_logged_and_harms_nobody(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError("on purpose")

    assert not worker.run_job(app, Job("failing", timedelta(minutes=1), fail))
    assert "job failed" in caplog.text


def test_a_full_disk_is_one_line_in_the_log(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    assert not worker.run_job(app, Job("failing", timedelta(seconds=5), fail))
    assert "job put off" in caplog.text
    assert "Traceback" not in caplog.text


def test_every_job_runs_on_an_empty_database(app: Flask) -> None:
    assert [each.name for each in worker.JOBS if not worker.run_job(app, each)] == []


@pytest.mark.long
@pytest.mark.only("sqlite")
def test_a_worker_process_works_and_stops(database: str, tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.json"
    env = environment(DATABASE_URL=database, AUDIT_ANCHOR=str(anchor))
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = processes.start([sys.executable, "-m", "console", "worker"], log=output, env=env, cwd=ROOT)
    try:
        deadline = time.monotonic() + 60
        while not anchor.exists():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, log.read_text()
    finally:
        processes.stop(process)
    assert "worker stopped" in log.read_text()


@pytest.mark.only("sqlite")  # a server looks by itself
def test_the_database_knows_how_its_tables_are_filled(session: Session) -> None:
    for _ in range(3):
        make_customer()
    worker.refresh_statistics()
    known = set(session.scalars(text("SELECT tbl FROM sqlite_stat1")))
    assert {"customers", "memberships", "people"} <= known
