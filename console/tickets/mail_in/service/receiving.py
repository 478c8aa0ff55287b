"""Receiving a message: stored raw in one transaction, then read and delivered in another.

What ends a process in between leaves a row that the worker takes up again, so many times and no more: then it becomes
a ticket with the raw message attached.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

from console.core.db import db
from console.core.errors import Busy, NoSpace, Unavailable
from console.core.logging import get_logger
from console.core.transaction import transaction
from console.mail.mailboxes.models import Mailbox
from console.mail.receiving import incoming
from console.mail.receiving import raw as raw_store
from console.mail.receiving.message import ReadMail, Unreadable, read_message
from console.mail.receiving.models import IncomingMail, IncomingState
from console.tickets.mail_in.service import delivering

log = get_logger(__name__)
OUTAGES = (Busy, NoSpace, Unavailable)


def receive(raw: bytes, *, via: str = "pipe", mailbox: Mailbox | None = None) -> int:
    """Store a message, once however often it is received, and return the key of its row.

    Args:
        raw: as it came.
        via: ``pipe`` or ``imap``.
        mailbox: by which it came.

    Raises:
        Busy, NoSpace, Unavailable: it must be handed over again; nothing is lost and nothing is done twice.
    """
    return receive_many([raw], via=via, mailbox=mailbox)[0]


def receive_many(raws: Sequence[bytes], *, via: str = "imap", mailbox: Mailbox | None = None) -> list[int]:
    """Receive messages in order: all are stored in one transaction, then each is delivered in its own.

    Raises:
        Busy, NoSpace, Unavailable: see :func:`receive`; those that were stored are delivered later.
    """
    with transaction():
        rows = [incoming.store(raw, via=via, mailbox=mailbox) for raw in raws]
        stored = [(row.id, row.state is IncomingState.RECEIVED) for row in rows]
    for (key, unread), raw in zip(stored, raws, strict=True):
        if unread:
            _deliver(key, raw)
            time.sleep(0)  # others in this process wait
    return [key for key, _unread in stored]


def receive_broken(raw: bytes, problem: str, *, via: str = "imap", mailbox: Mailbox | None = None) -> int:
    """Take in what there is of a message that cannot be had whole: a ticket with it attached, and a mark.

    Raises:
        Busy, NoSpace, Unavailable: see :func:`receive`.
    """
    with transaction():
        row = incoming.store(raw, via=via, mailbox=mailbox)
        key, unread = row.id, row.state is IncomingState.RECEIVED
    if unread:
        _give_up(key, raw, problem)
    return key


def deliver_stored(key: int) -> None:
    """Read and deliver a stored message. The try is counted first, so that no message can crash the worker forever.

    Raises:
        Busy, NoSpace, Unavailable: see :func:`receive`. Such a try does not count.
    """
    with transaction():
        row = incoming.lock(key)
        if row is None or row.state is not IncomingState.RECEIVED:
            return
        row.attempts += 1
        last = row.attempts > incoming.MOST_ATTEMPTS
    try:
        _try(key, row, last=last)
    except OUTAGES:
        with suppress(*OUTAGES), transaction():  # the message is not what failed
            row = incoming.lock(key)
            if row is not None:
                row.attempts -= 1
        raise


def _try(key: int, row: IncomingMail, *, last: bool) -> None:
    try:
        raw = raw_store.load(row)
    except raw_store.RawGone:
        _give_up(key, b"", "gone")
        return
    if last:
        _give_up(key, raw, "attempts")
    else:
        _deliver(key, raw)


def deliver_due() -> None:
    """Retry what was stored and not delivered. Run by the worker.

    What came by IMAP its mailbox's reader takes up before it reads on, so that the order stays.
    """
    for key in incoming.unread():
        deliver_stored(key)


def _deliver(key: int, raw: bytes) -> None:
    mail, problem = _read(key, raw)
    try:
        with transaction():
            delivering.deliver(key, mail, raw, problem)
    except OUTAGES:
        raise
    except Exception:
        log.exception("a message was not delivered", incoming=key)
        db.session.expunge_all()
        _give_up(key, raw, "delivery")


def _read(key: int, raw: bytes) -> tuple[ReadMail | None, str]:
    try:
        return read_message(raw), ""
    except Unreadable as error:
        return None, str(error)
    except Exception:
        log.exception("a message cannot be read", incoming=key)
        return None, "fault"


def _give_up(key: int, raw: bytes, problem: str) -> None:
    """Open a ticket with the raw message that cannot be delivered; if that fails too, mark the message as failed."""
    try:
        with transaction():
            delivering.deliver(key, None, raw, problem)
    except OUTAGES:
        raise
    except Exception:
        log.exception("a message has no ticket", incoming=key)
        db.session.expunge_all()
        with transaction():
            row = incoming.lock(key)
            if row is not None and row.state is IncomingState.RECEIVED:
                row.state, row.reason = IncomingState.FAILED, problem
                row.add_step("failed", problem=problem)


def outcome(key: int) -> IncomingMail:
    """Return the row of the message that was read: for a copy that came another way, the first."""
    return incoming.original(db.session.get_one(IncomingMail, key))
