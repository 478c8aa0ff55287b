"""What an error of the database or the disk means to its user: away for now, unknown, or no space left.

Decided by what the drivers document (SQLSTATE, SQLite's codes, ``errno``), never by the text of a message.
"""

from __future__ import annotations

import errno
import sqlite3

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from console.core.errors import Busy, NoSpace, Refusal, Unavailable

# PostgreSQL's appendix A: connection exceptions, operator intervention, too many connections.
_CONNECTION = "08"
_AWAY = frozenset({"57P01", "57P02", "57P03", "57P05", "53300"})
_DISK_FULL = "53100"
_HELD = frozenset({"55P03", "40P01"})  # lock not available, deadlock
_FULL_ERRNO = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FULL_SQLITE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE})
_AWAY_SQLITE = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY})
_HELD_SQLITE = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def as_refusal(error: BaseException) -> Refusal | None:
    """Return what to tell whose request met ``error``; ``None`` where it is a fault of ours."""
    if isinstance(error, PoolTimeout):
        return Unavailable()
    if isinstance(error, DBAPIError):
        if isinstance(error.orig, sqlite3.Error):
            return _of_sqlite(error.orig)
        return Unavailable() if lost_connection(error) else _of_state(_sqlstate(error))
    if isinstance(error, OSError) and error.errno in _FULL_ERRNO:
        return NoSpace()
    return None


def lost_connection(error: BaseException) -> bool:
    """Return whether the connection broke, or never was: what was under way on a server may have been done."""
    if not isinstance(error, DBAPIError) or isinstance(error.orig, sqlite3.Error):
        return False
    state = _sqlstate(error)
    if state is None:  # libpq's own: no server was there to give a code
        return error.connection_invalidated or isinstance(error, OperationalError)
    return error.connection_invalidated or state.startswith(_CONNECTION) or state in _AWAY


def _sqlstate(error: DBAPIError) -> str | None:
    state: str | None = getattr(error.orig, "sqlstate", None)
    return state


def _of_state(state: str | None) -> Refusal | None:
    if state == _DISK_FULL:
        return NoSpace()
    return Busy() if state in _HELD else None


def _of_sqlite(error: sqlite3.Error) -> Refusal | None:
    code = getattr(error, "sqlite_errorcode", None)  # the module's own errors have none
    if code is None:
        return None
    if code in _FULL_SQLITE:
        return NoSpace()
    primary = code & 0xFF
    if primary in _HELD_SQLITE:
        return Busy()
    return Unavailable() if primary in _AWAY_SQLITE else None
