"""One way to write: ``with transaction(): verb(...)``.

The verb flushes, never commits. Business rows, audit row and mail rows commit
together or not at all. What others must see at once is sent after the commit.
A write outside of ``transaction()`` raises.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import ORMExecuteState, Session

from console.core import storage
from console.core.db import WRITES, db
from console.core.errors import NoSpace, OutcomeUnknown, Refusal
from console.core.metrics import TRANSACTIONS
from console.core.outages import as_refusal, lost_connection

log = logging.getLogger(__name__)

_WRITING = "writing"
_BEFORE = "before_commit"
_AFTER = "after_commit"
_REFUSED = "after_refusal"
_PENDING = "pending"
_STORED = "stored"  # whether this context has committed something, or may have


@contextmanager
def transaction() -> Iterator[Session]:
    """Open the one write transaction of this context; commit at the end, roll back on any error.

    A read transaction that is still open ends first, so that the verb reads
    what is true now and, on SQLite, holds the write lock from its first read.

    Raises:
        RuntimeError: opened inside another one, or with unflushed changes.
        Busy: the database stayed locked for the whole busy timeout.
        Unavailable: the database is away; nothing of this is stored.
        OutcomeUnknown: it went away during the commit.
        NoSpace: a disk is full; nothing of this is stored.
    """
    session = db.session()
    _start(session)
    try:
        yield session
        session.flush()
        for hook in session.info[_BEFORE].values():
            hook(session)
        session.flush()  # so that the commit does nothing but commit
        _commit(session)
        storage.note_written()
        TRANSACTIONS.labels("committed").inc()
        after = session.info[_AFTER]
    except BaseException as error:
        _roll_back(session)
        refusal = as_refusal(error)
        TRANSACTIONS.labels("rolled back" if refusal is None else "failed").inc()
        session.info[_WRITING] = False
        if isinstance(error, Refusal):
            _note(session.info[_REFUSED])
        if isinstance(refusal, NoSpace):
            storage.note_refused()
        if refusal is not None:
            raise refusal from error
        raise
    finally:
        session.info[_WRITING] = False
    _run(after)


def _start(session: Session) -> None:
    if session.info.get(_WRITING):
        raise RuntimeError("a transaction is already open: verbs do not open their own")
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("changes were made outside of a transaction")
    end_reading(session)
    session.info.update({_WRITING: True, _BEFORE: {}, _AFTER: [], _REFUSED: [], _PENDING: {}})
    options: Any = {WRITES: True}
    try:
        session.connection(execution_options=options)
    except Exception as error:
        session.info[_WRITING] = False
        _roll_back(session)
        refusal = as_refusal(error)
        if refusal is not None:
            raise refusal from error
        raise


def _commit(session: Session) -> None:
    """Commit; where the connection breaks now, the server may have done it and could not say so."""
    try:
        session.commit()
    except SQLAlchemyError as error:
        if not lost_connection(error):
            raise
        session.info[_STORED] = True
        raise OutcomeUnknown from error
    session.info[_STORED] = True


def _roll_back(session: Session) -> None:
    try:
        session.rollback()
    except SQLAlchemyError:  # the connection is gone, and the server undoes what it has not committed
        session.invalidate()


def may_have_stored() -> bool:
    """Return whether this context has committed something, or cannot know: then nothing may be said to be undone."""
    return bool(db.session().info.get(_STORED))


def end_reading(session: Session, *, expire: bool = True) -> None:
    """End the transaction of ``session``, in which nothing was written.

    By COMMIT: at a ROLLBACK psycopg forgets the statements it had PostgreSQL prepare, and planning a page's again
    takes longer than running them. Where the session holds anything that could be written, it is rolled back.

    Args:
        expire: what was read is read again at its next use.
    """
    clean = session.is_active and not (session.new or session.dirty or session.deleted)
    if not (clean and session.in_transaction()):
        session.rollback()
        return
    expires, session.expire_on_commit = session.expire_on_commit, expire
    try:
        session.commit()
    except SQLAlchemyError:  # the connection is gone, and nothing with it
        session.rollback()
    finally:
        session.expire_on_commit = expires


def end_context(_error: BaseException | None = None) -> None:
    """End what an application context has read; ``teardown_appcontext`` calls it."""
    if db.session.registry.has():
        session = db.session()
        if not session.info.get(_WRITING):
            end_reading(session, expire=False)


def _run(hooks: list[Callable[[], None]]) -> None:
    for hook in hooks:
        try:
            hook()
        except Exception:
            # What was committed stays committed; the receiver catches up later.
            log.exception("after-commit hook failed")


def _note(hooks: list[Callable[[], None]]) -> None:
    if not hooks:
        return
    try:
        with transaction():
            for hook in hooks:
                hook()
    except Exception:
        log.exception("what a refusal was to leave on the record was not written")  # it stays a refusal


def after_refusal(hook: Callable[[], None]) -> None:
    """Run ``hook`` in a transaction of its own where the open one ends in a refusal.

    For what must be on the record although nothing was changed.
    """
    _writing_session().info[_REFUSED].append(hook)


def after_commit(hook: Callable[[], None]) -> None:
    """Run ``hook`` once the open transaction has committed; never if it rolls back."""
    _writing_session().info[_AFTER].append(hook)


def before_commit(name: str, hook: Callable[[Session], None]) -> None:
    """Run ``hook`` as the last thing before the commit, once for each ``name``."""
    _writing_session().info[_BEFORE].setdefault(name, hook)


def pending(name: str) -> list[Any]:
    """Return the open transaction's own list called ``name`` (for :func:`before_commit` hooks)."""
    lists: dict[str, list[Any]] = _writing_session().info[_PENDING]
    return lists.setdefault(name, [])


def is_writing() -> bool:
    """Return whether a write transaction is open here."""
    return bool(db.session().info.get(_WRITING))


def _writing_session() -> Session:
    session = db.session()
    if not session.info.get(_WRITING):
        raise RuntimeError("no transaction is open")
    return session


@event.listens_for(Session, "after_begin")
def _read_at_once(session: Session, _transaction: object, connection: Connection) -> None:
    """Let PostgreSQL answer what is read without BEGIN and COMMIT around it: two of a page's eight round trips.

    Each statement sees what is committed when it runs; at READ COMMITTED it is no different inside of a transaction.
    """
    if connection.dialect.name == "postgresql" and not session.info.get(_WRITING):
        from console.core.postgres import set_autocommit  # psycopg is loaded by whom it serves alone

        set_autocommit(connection.connection.dbapi_connection, True)


@event.listens_for(Session, "before_flush")
def _refuse_stray_flush(session: Session, _context: object, _instances: object) -> None:
    if not session.info.get(_WRITING) and (session.new or session.dirty or session.deleted):
        raise RuntimeError("a write outside of transaction()")


@event.listens_for(Session, "do_orm_execute")
def _refuse_stray_statement(state: ORMExecuteState) -> None:
    writes = state.is_insert or state.is_update or state.is_delete
    if writes and not state.session.info.get(_WRITING, False):
        raise RuntimeError("a write outside of transaction()")
