"""Importing long statements, a group of lines at a time."""

from __future__ import annotations

import time
from datetime import timedelta
from itertools import islice

from console.billing.statements.fingerprints import fingerprints
from console.billing.statements.models import BankStatement, StatementState
from console.billing.statements.readers import Statement, read
from console.billing.statements.service import GROUP, import_lines, row_name
from console.core import clock
from console.core.actor import SYSTEM
from console.core.context import files
from console.core.db import db
from console.core.hub import off_the_hub
from console.core.leases import claim
from console.core.logging import get_logger
from console.core.transaction import transaction

log = get_logger(__name__)

LEASE = timedelta(minutes=2)
MOST_TRIES = 3


def import_due() -> int:
    """Import what waits, one statement at a time; return how many were finished."""
    done = 0
    while (claimed := _claim()) is not None:
        key, lease = claimed
        try:
            done += _import(key, lease)
        except Exception:
            log.exception("an import of a statement failed", statement=key)
            with transaction():
                _give_up(key, lease)
            break  # the database or the disk may be away; the next run tries again
    return done


def _claim() -> tuple[int, str] | None:
    waiting = BankStatement.state == StatementState.IMPORTING
    return claim(BankStatement, waiting, LEASE, attempts=BankStatement.attempts + 1)


def _import(key: int, lease: str) -> bool:
    """Import a statement to its end; tell whether this worker did, for a lease may pass to another."""
    row = db.session.get_one(BankStatement, key, populate_existing=True)
    statement, taken = _read_again(row), row.taken
    rest = zip(islice(statement.lines, taken, None), islice(fingerprints(statement), taken, None), strict=True)
    while True:
        with transaction() as session:
            row = session.get_one(BankStatement, key, with_for_update=True, populate_existing=True)
            if row.lease != lease or row.taken != taken:
                return False
            row.leased_until = clock.now() + LEASE
            import_lines(SYSTEM, row, rest, GROUP)
            taken, finished = row.taken, row.state is StatementState.IMPORTED
        db.session.expunge_all()  # nothing of a group stays in memory
        if finished:
            log.info("statement imported", statement=key, lines=taken)
            return True
        time.sleep(0)  # where gevent runs: other requests go on


def _read_again(row: BankStatement) -> Statement:
    """Read the statement from its file, as it was read when it was uploaded."""
    content = files().get(row.file or "")
    return off_the_hub(read, content).statements[row.place]


def _give_up(key: int, lease: str) -> None:
    row = db.session.get_one(BankStatement, key, with_for_update=True, populate_existing=True)
    if row.lease != lease:
        return
    row.lease, row.leased_until = None, None
    if row.attempts >= MOST_TRIES:
        row.state = StatementState.STOPPED
        log.error("the import of a statement stopped", statement=row_name(row))
