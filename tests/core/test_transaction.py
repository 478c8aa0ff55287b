"""One way to write: all or nothing, hooks only after the commit, nothing outside."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.audit.service import record
from console.billing.models import NumberSeries
from console.core.actor import SYSTEM, Actor
from console.core.db import db
from console.core.errors import Busy
from console.core.transaction import after_commit, before_commit, is_writing, transaction
from console.staff.models import Staff
from console.staff.roles import Role
from tests import factories

pytestmark = pytest.mark.both

THREADS, EACH = 8, 25


class Boom(Exception):
    """Something goes wrong in a verb."""


def count(session: Session, model: type[Staff] | type[AuditEntry]) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(model)) or 0


def add_one_and_say_so() -> None:
    member = factories.make_staff(Role.AGENT)
    record(SYSTEM, "staff.added", member.email)


def test_commits_business_and_audit_rows_together(session: Session) -> None:
    with transaction():
        add_one_and_say_so()
    assert count(session, Staff) == 1
    assert count(session, AuditEntry) == 1


def test_rollback_leaves_nothing(session: Session) -> None:
    with pytest.raises(Boom), transaction():
        add_one_and_say_so()
        raise Boom
    assert count(session, Staff) == 0
    assert count(session, AuditEntry) == 0
    assert not is_writing()


def test_a_failing_commit_leaves_nothing(session: Session) -> None:
    """Also what fails as late as the commit itself takes everything with it."""

    def fail(_session: Session) -> None:
        raise Boom

    with pytest.raises(Boom), transaction():
        add_one_and_say_so()
        before_commit("fails", fail)
    assert count(session, Staff) == 0
    assert count(session, AuditEntry) == 0


def test_after_commit_hooks_see_what_was_committed(app: Flask, session: Session) -> None:
    seen: list[int] = []

    def look() -> None:
        # From a connection of its own: what another process would see.
        with db.engine.connect() as connection:
            seen.append(connection.execute(select(func.count()).select_from(Staff)).scalar_one())

    with transaction():
        add_one_and_say_so()
        after_commit(look)
        assert seen == []
    assert seen == [1]


def test_after_commit_hooks_never_run_on_rollback(session: Session) -> None:
    ran: list[str] = []
    with pytest.raises(Boom), transaction():
        after_commit(lambda: ran.append("no"))
        raise Boom
    with transaction():
        pass
    assert ran == []


def test_a_failing_hook_undoes_nothing_and_stops_nobody(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    ran: list[str] = []

    def fail() -> None:
        raise Boom

    with transaction():
        add_one_and_say_so()
        after_commit(fail)
        after_commit(lambda: ran.append("next"))
    assert ran == ["next"]
    assert count(session, Staff) == 1
    assert "after-commit hook failed" in caplog.text


def test_before_commit_runs_once_for_a_name(session: Session) -> None:
    ran: list[str] = []
    with transaction():
        for _ in range(3):
            before_commit("same", lambda _session: ran.append("x"))
    assert ran == ["x"]


def test_hooks_need_a_transaction(session: Session) -> None:
    with pytest.raises(RuntimeError, match="no transaction"):
        after_commit(lambda: None)
    with pytest.raises(RuntimeError, match="no transaction"):
        record(SYSTEM, "nothing.done", "nobody")


def test_stray_rows_are_refused(session: Session, actor: Callable[[str], Actor]) -> None:
    member = session.get_one(Staff, actor("agent").id)
    member.name = "Someone Else"
    with pytest.raises(RuntimeError, match="outside of transaction"):
        session.flush()
    session.rollback()
    assert session.get_one(Staff, member.id).name != "Someone Else"


def test_stray_statements_are_refused(session: Session, actor: Callable[[str], Actor]) -> None:
    actor("agent")
    with pytest.raises(RuntimeError, match="outside of transaction"):
        session.execute(update(Staff).values(name="Everyone"))


def test_changes_made_before_a_transaction_are_refused(session: Session, actor: Callable[[str], Actor]) -> None:
    session.get_one(Staff, actor("agent").id).name = "Changed too early"
    with pytest.raises(RuntimeError, match="outside of a transaction"), transaction():
        pass


def test_nested_is_refused_and_takes_the_outer_with_it(session: Session) -> None:
    def verb() -> None:
        with transaction():
            pass

    with pytest.raises(RuntimeError, match="already open"), transaction():
        add_one_and_say_so()
        verb()
    assert count(session, Staff) == 0


def test_a_transaction_reads_what_is_true_now(app: Flask, session: Session, actor: Callable[[str], Actor]) -> None:
    """A read that began earlier ends, or the verb would decide on what was true then."""
    identifier = actor("agent").id
    assert session.get_one(Staff, identifier).name
    with db.engine.begin() as other:
        other.execute(update(Staff).values(name="New Name"))
    with transaction() as fresh:
        assert fresh.get_one(Staff, identifier).name == "New Name"


def test_parallel_numbering_has_no_gap_and_no_duplicate(
    app: Flask, session: Session, in_threads: Callable[..., None]
) -> None:
    """Read, add one, write, in eight threads: the plain driver's transactions fail here, ours do not."""
    with transaction():
        session.add(NumberSeries(series="TEST", year=2026, last=0))
    numbers: list[int] = []

    def number_some() -> None:
        with app.app_context():
            for _ in range(EACH):
                with transaction() as own:
                    row = own.scalars(select(NumberSeries).with_for_update()).one()
                    row.last += 1
                    number = row.last
                numbers.append(number)
            db.session.remove()

    in_threads(number_some, THREADS)
    assert sorted(numbers) == list(range(1, THREADS * EACH + 1))


@pytest.mark.only("sqlite")
def test_a_lock_held_too_long_is_busy(app: Flask, session: Session) -> None:
    with db.engine.connect() as holder:
        session.execute(text("PRAGMA busy_timeout = 50"))  # on the connection the transaction will use
        session.rollback()
        holder.exec_driver_sql("COMMIT")  # the deferred BEGIN of this connection
        holder.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(Busy), transaction():
            pytest.fail("entered while another connection writes")
        holder.exec_driver_sql("ROLLBACK")
        holder.exec_driver_sql("BEGIN")
    with transaction():
        add_one_and_say_so()
    assert count(session, Staff) == 1


@pytest.mark.only("sqlite")
def test_sqlite_is_opened_safely(session: Session) -> None:
    pragmas = {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2}
    assert {name: session.scalar(text(f"PRAGMA {name}")) for name in pragmas} == pragmas
