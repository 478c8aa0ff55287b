"""Waiting for PostgreSQL under gevent, by the hub itself.

There psycopg waits with a ``poll`` object that gevent imitates: half of what a short statement takes. The hub's own
watcher does the same for a third of it. A page waits ten times, what writes twenty.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from time import monotonic
from typing import Any

import gevent
from gevent.hub import get_hub
from psycopg import errors, waiting

LOOK = 1.0  # seconds after which a silent connection is looked at: it may have been closed beside us


def use_hub() -> None:
    """Let all connections of this process wait by gevent's hub; call it where gevent has patched."""
    waiting.wait = wait


def wait(gen: Generator[int, int, Any], fileno: int, interval: float = 0.0, timeout: float | None = None) -> Any:  # noqa: ARG001
    """Let a database operation go on whenever its socket is ready, until it is done. As ``psycopg.waiting.wait``.

    Args:
        gen: the operation; it yields what it waits for (1: to read, 2: to write) and is sent what is ready.
        fileno: its connection's socket.
        interval: how often others look for Ctrl-C, in seconds; the hub is told of it without.
        timeout: seconds after which it is given up; ``None`` is never.

    Raises:
        OperationalError: the connection was closed meanwhile.
    """
    until = None if timeout is None else monotonic() + timeout
    try:
        wanted = next(gen)
        while True:
            patience = LOOK if until is None else max(0.0, min(LOOK, until - monotonic()))
            if _is_ready(fileno, wanted, patience):
                wanted = gen.send(wanted)
            else:
                _refuse_closed(fileno)
                wanted = gen.send(0)
            if until is not None and monotonic() >= until:
                raise errors._WaitTimeout("wait timeout expired")  # noqa: SLF001  (what its callers wait for)
    except StopIteration as done:
        return done.value


def _is_ready(fileno: int, wanted: int, patience: float) -> bool:
    hub = get_hub()
    watcher = hub.loop.io(fileno, int(wanted))
    limit = gevent.Timeout.start_new(patience)
    try:
        hub.wait(watcher)
    except gevent.Timeout as over:
        if over is not limit:
            raise
        return False
    else:
        return True
    finally:
        limit.close()
        watcher.close()


def _refuse_closed(fileno: int) -> None:
    try:
        os.fstat(fileno)
    except OSError as error:
        raise errors.OperationalError("connection socket closed") from error
