"""Reading mailboxes all the time: a thread (in a worker: a greenlet) for each, by a lease, as long as nothing is wrong.

The job ``mail.read`` looks every few seconds which mailboxes no one reads, and begins. A reader waits for what comes in
(IDLE, RFC 2177) and looks itself besides, because a server may forget to tell. What goes wrong in one ends that one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic

from flask import Flask, current_app

from console.core.db import db
from console.core.errors import Busy, NoSpace, Unavailable
from console.core.logging import get_logger
from console.core.transaction import transaction
from console.mail.mailboxes import leases, state
from console.mail.mailboxes.access import ImapFailed
from console.mail.mailboxes.client import Connection
from console.mail.mailboxes.leases import LeaseLost
from console.mail.mailboxes.models import Mailbox
from console.mail.mailboxes.reading import Reader
from console.mail.receiving import incoming
from console.tickets.mail_in.service.receiving import deliver_stored, receive_broken, receive_many

log = get_logger(__name__)

LOOKS_AGAIN = 60.0  # seconds after which it looks itself
STEP = 1.0  # seconds in which it notices that it is to stop
SESSION = 1800.0  # seconds, then it connects again, which shows a new UIDVALIDITY


@dataclass
class _Process:
    """What this process reads."""

    stopping: bool = False
    readers: dict[int, threading.Thread] = field(default_factory=dict)


_process = _Process()


class _Receiver:
    """How messages come in."""

    def many(self, raws: Sequence[bytes], mailbox: Mailbox) -> list[int]:
        return receive_many(raws, via="imap", mailbox=mailbox)

    def broken(self, raw: bytes, mailbox: Mailbox, problem: str) -> int:
        return receive_broken(raw, problem, via="imap", mailbox=mailbox)


def read_due() -> None:
    """Begin to read every mailbox that is due and that no one reads (the job ``mail.read``)."""
    if _process.stopping:
        return
    for mailbox_id, reader in list(_process.readers.items()):
        if not reader.is_alive():
            del _process.readers[mailbox_id]
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    for mailbox_id in state.due():
        if mailbox_id not in _process.readers:
            reader = threading.Thread(target=_run, args=(app, mailbox_id), name=f"mailbox-{mailbox_id}", daemon=True)
            _process.readers[mailbox_id] = reader
            reader.start()


def resume() -> None:
    """Be ready to read, as when a worker starts."""
    _process.stopping = False


def finish(seconds: float) -> None:
    """Stop after the message that is being taken in, at most ``seconds`` later."""
    _process.stopping = True
    until = monotonic() + seconds
    while any(one.is_alive() for one in _process.readers.values()) and monotonic() < until:
        time.sleep(0.02)
    _process.readers.clear()


def read_once(mailbox_id: int) -> int | None:
    """Read what is new in one mailbox and return how many messages came in; ``None`` where someone else reads it.

    Raises:
        ImapFailed, Busy, NoSpace, Unavailable: see :meth:`Reader.read`. It is noted.
    """
    me = leases.new_name()
    if not leases.take(mailbox_id, me):
        return None
    try:
        return _read(mailbox_id, me, stays=False)
    except LeaseLost:
        return None


def _run(app: Flask, mailbox_id: int) -> None:
    """Read one mailbox until something goes wrong, or this process ends."""
    with app.app_context():
        try:
            me = leases.new_name()
            if leases.take(mailbox_id, me):
                _read(mailbox_id, me, stays=True)
        except (LeaseLost, ImapFailed, Busy, NoSpace, Unavailable) as reason:
            log.info("mailbox left", mailbox=mailbox_id, reason=type(reason).__name__)
        except Exception:
            log.exception("mailbox left", mailbox=mailbox_id)


def _read(mailbox_id: int, me: str, *, stays: bool) -> int:
    try:
        return _hold_and_read(mailbox_id, me, stays=stays)
    except ImapFailed as failure:
        state.note_failure(mailbox_id, me, failure)
        raise
    except LeaseLost:
        raise
    except (Busy, NoSpace, Unavailable) as outage:
        _note_quietly(mailbox_id, me, ImapFailed("storage", outage.code))
        raise
    except Exception:
        db.session.rollback()
        db.session.expunge_all()
        _note_quietly(mailbox_id, me, ImapFailed("fault"))
        raise
    finally:
        db.session.rollback()


def _note_quietly(mailbox_id: int, me: str, failure: ImapFailed) -> None:
    """Note what is wrong, if the database takes it; else the lease runs out."""
    try:
        state.note_failure(mailbox_id, me, failure)
    except (Busy, NoSpace, Unavailable):
        log.warning("mailbox left without a note", mailbox=mailbox_id)


def _hold_and_read(mailbox_id: int, me: str, *, stays: bool) -> int:
    for keys in iter(lambda: incoming.unread(mailbox_id), []):
        _deliver_in_order(keys, mailbox_id, me)
    access = state.find_access(mailbox_id)
    connection = Connection(access)
    try:
        reader = Reader(mailbox_id, me, access, connection, _Receiver(), lambda: _process.stopping)
        reader.begin()
        count = reader.read()
        until = monotonic() + SESSION
        while stays and not _process.stopping and monotonic() < until:
            _wait(mailbox_id, me, connection)
            if not _process.stopping:
                count += reader.read()
    finally:
        connection.close()
    leases.give_back(mailbox_id, me)
    return count


def _deliver_in_order(keys: Sequence[int], mailbox_id: int, me: str) -> None:
    """Take up what was stored and not delivered, before anything newer comes in."""
    for key in keys:
        with transaction():
            leases.hold(mailbox_id, me)
        deliver_stored(key)


def _wait(mailbox_id: int, me: str, connection: Connection) -> None:
    """Wait for what comes in, and keep the lease meanwhile."""
    renewed = monotonic()

    def go_on() -> bool:
        nonlocal renewed
        if monotonic() - renewed > leases.RENEW_AFTER:
            with transaction():
                leases.hold(mailbox_id, me)
            renewed = monotonic()
        return not _process.stopping

    connection.wait(LOOKS_AGAIN, go_on, STEP)
