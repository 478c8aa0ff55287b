"""PostgreSQL as a process on gevent asks it: waiting on the hub, and nothing worked out that nobody reads.

psycopg sees that gevent has patched the process and waits by ``select.poll``, of which gevent gives an imitation: it
starts watchers, an event and a timer for each wait, ten times a second anew. On the hub itself one watcher does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, TypeVar, overload

import psycopg
from gevent import get_hub, monkey
from gevent.hub import Waiter
from psycopg import _queries, waiting
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus, TransactionStatus

R = TypeVar("R")
LONGEST = 16_384  # characters of a statement that is remembered; the longest page's has 12,000
_TUPLES = (ExecStatus.TUPLES_OK, ExecStatus.SINGLE_TUPLE, ExecStatus.TUPLES_CHUNK)


def connect_args() -> dict[str, Any]:
    """Return what psycopg is told when it connects; and let it wait on the hub, where there is one."""
    # Longer statements psycopg takes apart anew each time: it counts on them never to be the same. Ours are.
    _queries.MAX_CACHED_STATEMENT_LENGTH = LONGEST
    if monkey.is_module_patched("select"):
        waiting.wait = wait_on_hub  # looked up there for every wait; there is no setting for a function of one's own
    return {"cursor_factory": Cursor}


def set_autocommit(connection: Any, value: bool) -> None:
    """Let each statement be a transaction of its own, or not; a connection that is lost stays as it is."""
    if connection.autocommit != value and connection.pgconn.transaction_status == TransactionStatus.IDLE:
        connection.autocommit = value


def wait_on_hub(gen: PQGen[R], fileno: int, interval: float = 0.0, timeout: float | None = None) -> R:
    """Let a generator of psycopg go on whenever its connection is ready; other greenlets run meanwhile.

    Args:
        gen: yields what it waits for (1 to read, 2 to write, 3 either) and is sent what has become possible of it.
        fileno: the connection's.
        interval: after which psycopg would look for Ctrl-C; gevent's hub takes signals itself.
        timeout: seconds; only asked for when a statement is cancelled.

    Raises:
        OperationalError: the connection broke.
    """
    if timeout is not None:
        return waiting.wait_poll(gen, fileno, interval, timeout)
    try:
        wanted = next(gen)
        while True:
            wanted = gen.send(_ready(fileno, wanted))
    except StopIteration as ended:
        result: R = ended.value
        return result


def _ready(fileno: int, wanted: int) -> int:
    """Wait until something of ``wanted`` is possible, and return what is; more would make libpq spin."""
    hub = get_hub()
    waiter = Waiter(hub)
    watcher = hub.loop.io(fileno, wanted)
    watcher.start(waiter.switch, pass_events=True)
    try:
        possible: int = waiter.get() & wanted
        return possible
    finally:
        watcher.stop()
        watcher.close()


class Cursor(psycopg.Cursor[Any]):
    """Describes its columns when somebody looks: SQLAlchemy only does so at a statement's first run."""

    @property
    def description(self) -> Any:
        """Return the columns of the result, ``None`` where it has none (PEP 249)."""
        result = self.pgresult
        if result is None or not (result.nfields or result.status in _TUPLES):
            return None
        return _Columns(self)


class _Columns(Sequence[psycopg.Column]):
    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    @cached_property
    def _columns(self) -> list[psycopg.Column]:
        return psycopg.Cursor.description.fget(self._cursor) or []  # type: ignore[attr-defined]  # a property

    @overload
    def __getitem__(self, index: int) -> psycopg.Column: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[psycopg.Column]: ...
    def __getitem__(self, index: int | slice) -> psycopg.Column | Sequence[psycopg.Column]:
        return self._columns[index]

    def __len__(self) -> int:
        return len(self._columns)

    def __iter__(self) -> Iterator[psycopg.Column]:
        return iter(self._columns)
