"""Counting failed attempts in the database, so that every process shares the counts.

Each attempt locks two rows, one for its source and one for the e-mail, always in this order; a second attempt waits
and sees the first one's count.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from console.core import clock
from console.core.actor import Actor
from console.core.addresses import source
from console.core.context import sealer
from console.core.db import db
from console.core.errors import TooMany
from console.core.upsert import insert_missing
from console.customers.models import Guard

WINDOW = timedelta(minutes=15)  # in which the failures of one e-mail are counted
ALLOWED = 5  # evaluated failures, then the person is locked out
LOCKOUT = timedelta(minutes=15)  # of a person after too many failures; what is called a lock here is a row's

SOURCE_WINDOW = timedelta(hours=1)
SOURCE_ALLOWED = 20  # failures of one agent or address, then each further one costs a growing wait
SOURCE_WAIT = timedelta(seconds=30)
SOURCE_WAIT_LIMIT = timedelta(minutes=15)


def email_key(email: str) -> str:
    """Return the guard's key of a normalised e-mail: a keyed digest, which does not name the person."""
    return "email:" + sealer().keyed_digest("guard", email)


def source_key(actor: Actor) -> str:
    """Return the guard's key of where attempts come from: a member of staff, else an address.

    Both sort before ``email:``, so rows locked in the order of their keys never deadlock.
    """
    if actor.kind == "staff":
        return f"agent:{actor.id}"
    return "address:" + sealer().keyed_digest("guard", source(actor.address))


def lock_guards(*keys: str) -> list[Guard]:
    """Return the rows of ``keys``, made where missing, locked until the transaction ends."""
    now = clock.now()
    ordered = sorted(keys)
    insert_missing(
        Guard, [{"key": key, "failures": [], "locked_until": None, "updated_at": now} for key in ordered], Guard.key
    )
    query = (
        select(Guard)
        .where(Guard.key.in_(ordered))
        .order_by(Guard.key)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = {guard.key: guard for guard in db.session.scalars(query)}
    return [found[key] for key in keys]


def is_locked_out(guard: Guard, now: datetime) -> bool:
    """Return whether attempts are refused at ``now``."""
    return guard.locked_until is not None and now < guard.locked_until


def count_failure(guard: Guard, now: datetime, window: timedelta) -> int:
    """Add a failure at ``now``; return how many are inside ``window``."""
    recent = [at for at in guard.failures if datetime.fromisoformat(at) > now - window]
    guard.failures = [*recent, now.isoformat()]
    return len(guard.failures)


def check_source(source: Guard, now: datetime) -> None:
    """Refuse a source that must wait. Checked before anything is looked up: known and unknown e-mails wait alike."""
    if source.locked_until is not None and now < source.locked_until:
        left = source.locked_until - now
        raise TooMany(retry_after=max(1, -(-left // timedelta(seconds=1))))


def count_source_failure(source: Guard, now: datetime) -> None:
    """Count a failure of a source; beyond what it is allowed, each further one costs it a growing wait."""
    over = count_failure(source, now, SOURCE_WINDOW) - SOURCE_ALLOWED
    if over >= 0:
        source.locked_until = now + min(SOURCE_WAIT * 2 ** min(over, 10), SOURCE_WAIT_LIMIT)


def clear(guard: Guard) -> None:
    """Reset the failures and unlock."""
    guard.failures = []
    guard.locked_until = None
