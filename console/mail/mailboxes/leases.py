"""Which worker reads a mailbox: one at a time, by a lease in a row. Who is killed loses it."""

from __future__ import annotations

import hashlib
import os
import socket
from contextlib import suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from secrets import token_hex

from sqlalchemy import select

from console.core import clock
from console.core.db import db
from console.core.transaction import transaction
from console.mail.mailboxes.models import ImapState

LEASE = timedelta(seconds=90)  # longer than the server may take for one answer
RENEW_AFTER = 20.0  # seconds


class LeaseLost(Exception):
    """Another worker reads this mailbox now, or it was changed, switched off or deleted."""


def new_name() -> str:
    """Return a name of one reading greenlet: where it runs, its process, itself."""
    return f"{_machine()}:{os.getpid()}:{token_hex(8)}"


def take(mailbox_id: int, me: str) -> bool:
    """Lease a mailbox that no worker reads; return whether that succeeded."""
    with transaction():
        state = _locked(mailbox_id)
        if state is None or not is_free(state):
            return False
        state.lease, state.leased_until = me, clock.now() + LEASE
    return True


def hold(mailbox_id: int, me: str) -> ImapState:
    """Return the state of a mailbox that ``me`` reads, locked, its lease renewed.

    Raises:
        LeaseLost: it is not ours any more.
    """
    state = _locked(mailbox_id)
    if state is None or state.lease != me:
        raise LeaseLost
    state.leased_until = clock.now() + LEASE
    return state


def give_back(mailbox_id: int, me: str) -> None:
    """Let others read a mailbox."""
    with transaction():
        state = _locked(mailbox_id)
        if state is not None and state.lease == me:
            state.lease = state.leased_until = None


def is_free(state: ImapState) -> bool:
    """Return whether no worker reads a mailbox: none has it, its lease ran out, or its process is gone."""
    if state.lease is None or state.leased_until is None or state.leased_until <= clock.now():
        return True
    machine, process, _own = state.lease.split(":", 2)
    if machine != _machine():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _locked(mailbox_id: int) -> ImapState | None:
    query = select(ImapState).where(ImapState.mailbox_id == mailbox_id).with_for_update()
    return db.session.scalar(query.execution_options(populate_existing=True))


@cache
def _machine() -> str:
    """Return what is the same for processes that see each other's ids: this machine, and in it one container."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
