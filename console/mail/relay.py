"""How the mail server does, and the queue before it: what workers tell each other, and what is shown to people."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from console.core.db import db
from console.core.upsert import insert_missing
from console.mail.models import MAX_ERROR, Mail, MailRelay, MailState

RELAY = 1
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=5)


@dataclass(frozen=True)
class Queue:
    """What waits, by a look at the tables.

    Args:
        waiting: how many mails.
        oldest: when the oldest of them was written.
        failed: how many could not be delivered, ever.
    """

    waiting: int
    oldest: datetime | None
    failed: int


def queue() -> Queue:
    """Return what waits to be sent."""
    count = select(func.count()).select_from(Mail)
    oldest = select(Mail.created_at).where(Mail.state == MailState.QUEUED).order_by(Mail.id).limit(1)
    return Queue(
        waiting=db.session.scalar(count.where(Mail.state == MailState.QUEUED)) or 0,
        oldest=db.session.scalar(oldest),
        failed=db.session.scalar(count.where(Mail.state == MailState.FAILED)) or 0,
    )


def relay() -> MailRelay | None:
    """Return how the mail server did when it last failed; ``None`` while it does not."""
    return db.session.scalar(select(MailRelay).where(MailRelay.id == RELAY, MailRelay.failing_since.is_not(None)))


def note_failure(words: str, now: datetime, *, misconfigured: bool) -> MailRelay:
    """Let all workers wait for the server, longer each time it fails in a row."""
    fresh = {"id": RELAY, "failures": 0, "misconfigured": False, "last_error": "", "checked_at": now}
    insert_missing(MailRelay, [fresh], MailRelay.id)
    row = _locked()
    if row.next_try_at is None or row.next_try_at <= now:  # else another worker has just noted the same
        row.failures += 1
        row.next_try_at = now + pause(row.failures, FIRST_PAUSE, LONGEST_PAUSE)
    row.failing_since = row.failing_since or now
    row.misconfigured = misconfigured
    row.last_error = words[:MAX_ERROR]
    row.checked_at = now
    db.session.flush()
    return row


def note_recovery(now: datetime) -> None:
    """Note that the server takes mail again."""
    row = _locked()
    row.failures, row.failing_since, row.next_try_at = 0, None, None
    row.misconfigured, row.last_error, row.checked_at = False, "", now
    db.session.flush()


def pause(failures: int, first: timedelta, longest: timedelta) -> timedelta:
    """Return how long to wait after so many failures in a row: doubled each time, never quite the same."""
    whole = min(first * (1 << min(failures - 1, 20)), longest)
    return whole * random.uniform(0.8, 1.2)  # noqa: S311  spreads tries, hides nothing


def _locked() -> MailRelay:
    return db.session.get_one(MailRelay, RELAY, with_for_update=True, populate_existing=True)
