"""PostgreSQL waited for on gevent's hub: one watcher for each wait.

psycopg supports gevent: it finds that the process is patched and waits by ``select.poll``, of which gevent has an
imitation. That starts watchers, an event and a timer for every wait. Here it is one watcher.

Gain: 64 of 232 microseconds of processor for a statement (lowest of 12 rounds of 300, in turn, one process). A group
of chat messages has five round trips, which made this a sixth of the chat's time on PostgreSQL; without it the chat is
at about half of the relay, which is its goal. A page gains about 3 %.

Leans on: ``psycopg.waiting.wait``, which psycopg looks up for every wait, and on what its generators yield and are
sent. ``tests/speedups/test_postgres_wait.py`` notices a change of either.
"""

from __future__ import annotations

from typing import TypeVar

from gevent import get_hub, monkey
from gevent.hub import Waiter
from psycopg import waiting
from psycopg.abc import PQGen

R = TypeVar("R")
_of_psycopg = waiting.wait


def install(*, on: bool) -> None:
    """Let psycopg wait on the hub where gevent has patched the process, or as it does of its own."""
    waiting.wait = wait_on_hub if on and monkey.is_module_patched("select") else _of_psycopg


def wait_on_hub(gen: PQGen[R], fileno: int, interval: float = 0.0, timeout: float | None = None) -> R:
    """Let a generator of psycopg go on whenever its connection is ready; other greenlets run meanwhile.

    Args:
        gen: yields what it waits for (1 to read, 2 to write, 3 either) and is sent what has become possible of it.
        fileno: the connection's.
        interval: after which psycopg would look for Ctrl-C; gevent's hub takes signals itself.
        timeout: seconds; psycopg sets it only to cancel a statement.

    Raises:
        OperationalError: the connection broke.
    """
    if timeout is not None:
        return waiting.wait_poll(gen, fileno, interval, timeout)
    try:
        waits_for = next(gen)
        while True:
            waits_for = gen.send(_ready(fileno, waits_for))
    except StopIteration as ended:
        result: R = ended.value
        return result


def _ready(fileno: int, waits_for: int) -> int:
    """Wait until something of ``waits_for`` is possible, and return what is; more would make libpq spin."""
    hub = get_hub()
    waiter = Waiter(hub)
    watcher = hub.loop.io(fileno, waits_for)
    watcher.start(waiter.switch, pass_events=True)
    try:
        possible: int = waiter.get() & waits_for
        return possible
    finally:
        watcher.stop()
        watcher.close()
