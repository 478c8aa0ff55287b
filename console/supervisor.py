"""Several servers under one parent: each a process of its own at its own address, started again when it ends.

gunicorn has no such thing: its workers share one listener, and sockets are spread well by what knows how many each
process holds, which is nginx. A gunicorn master for each process would be a parent without a parent. So the parent is
here, and each child is what serves a single process too: ``console serve``.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import gevent
from gevent.event import Event

from console.core.binds import Bind
from console.core.logging import get_logger

log = get_logger(__name__)

STEADY_SECONDS = 30.0  # a server that lived so long started well: it is started again at once
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
STOP_SECONDS = 20.0  # longer than a server takes at most to end its answers
PR_SET_PDEATHSIG = 1  # prctl(2)


@dataclass
class _Keeper:
    """One address, and the process that serves it now."""

    bind: Bind
    command: Sequence[str]
    stopping: Event
    process: subprocess.Popen[bytes] | None = None
    refused: int = 0  # the exit code of a first start that failed
    starts: int = field(default=0, init=False)

    def keep_up(self) -> None:
        """Serve until all are stopped. A first start that is refused stops all, as it would one process alone."""
        quick = 0
        while not self.stopping.is_set():
            began = time.monotonic()
            code = self._run()
            steady = time.monotonic() - began >= STEADY_SECONDS
            if self.stopping.is_set():
                return
            if code > 0 and self.starts == 1 and not steady:
                self.refused = code
                self.stopping.set()
                return
            quick = 0 if steady else quick + 1
            wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (quick - 2)) if quick > 1 else 0.0
            log.error("a server ended and is started again", address=str(self.bind), exit=code, wait=wait)
            self.stopping.wait(wait)

    def stop(self) -> None:
        """Let the process end its answers."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()

    def _run(self) -> int:
        self.starts += 1
        self.process = subprocess.Popen(  # noqa: S603  the command we were started with
            [*self.command, "serve", "--processes", "1", "--bind", str(self.bind)],
            stdin=subprocess.DEVNULL,
            preexec_fn=_end_with_parent,  # noqa: PLW1509  one call into the kernel
        )
        if self.stopping.is_set():  # while it was being started
            self.stop()
        return self.process.wait()


def supervise(binds: Sequence[Bind]) -> int:
    """Run a server at each address until SIGTERM or Ctrl-C; return the exit code."""
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stopping.set)
    keepers = [_Keeper(bind, _command(), stopping) for bind in binds]
    running = [gevent.spawn(keeper.keep_up) for keeper in keepers]
    log.info("supervising", servers=[str(bind) for bind in binds])
    stopping.wait()
    for keeper in keepers:
        keeper.stop()
    gevent.joinall(running, timeout=STOP_SECONDS)
    for keeper in keepers:
        keeper.kill()
    gevent.joinall(running, raise_error=True)
    log.info("all servers stopped")
    return max(keeper.refused for keeper in keepers)


def _command() -> list[str]:
    """Return how this process was called, without its arguments: as `console` or as `python -m console`."""
    before = len(sys.orig_argv) - len(sys.argv[1:])
    return [sys.executable, *sys.orig_argv[1:before]]


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PARENT = os.getpid()


def _end_with_parent() -> None:
    """Have the kernel end a server in order when its parent is killed: nothing would start it again."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))
        if os.getppid() != _PARENT:  # it was killed just before
            os.kill(os.getpid(), signal.SIGTERM)
