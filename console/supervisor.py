"""Several servers under one parent: each a process of its own at its own address, started again when it ends.

gunicorn has no such thing: its workers share one listener, and sockets are spread well by what knows how many each
process holds, which is nginx. A gunicorn master for each process would be a parent without a parent. So the parent is
here. It loads the code and forks, as gunicorn does with ``preload_app``: a server that was killed is back without the
second of processor that loading takes. The parent itself runs no event loop, so that its children begin with none.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from gevent.os import fork_gevent

from console.core.binds import Bind
from console.core.logging import get_logger

log = get_logger(__name__)

STEADY_SECONDS = 30.0  # a server that lived so long started well: it is started again at once
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0
STOP_SECONDS = 20.0  # longer than a server takes at most to end its answers
PR_SET_PDEATHSIG = 1  # prctl(2)
TOLD_TO_STOP = frozenset({signal.SIGTERM, signal.SIGINT})
WATCHED = TOLD_TO_STOP | {signal.SIGCHLD}


@dataclass
class _Place:
    """One address, and the process that serves it now."""

    bind: Bind
    process: int = field(default=0, init=False)  # its id; 0 when none runs
    starts: int = field(default=0, init=False)
    quick_ends: int = field(default=0, init=False)
    started_at: float = field(default=0.0, init=False)
    due_at: float = field(default=0.0, init=False)

    def started(self, process: int) -> None:
        self.process = process
        self.starts += 1
        self.started_at = time.monotonic()

    def ended(self, code: int) -> bool:
        """Note when it is started again, later each time it ends soon. False where the first start was refused."""
        steady = time.monotonic() - self.started_at >= STEADY_SECONDS
        self.process = 0
        if code > 0 and self.starts == 1 and not steady:
            return False
        self.quick_ends = 0 if steady else self.quick_ends + 1
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (self.quick_ends - 2)) if self.quick_ends > 1 else 0.0
        self.due_at = time.monotonic() + wait
        log.error("a server ended and is started again", address=str(self.bind), exit=code, wait=wait)
        return True

    def send(self, number: signal.Signals) -> None:
        if self.process:
            os.kill(self.process, number)


def fork_servers(binds: Sequence[Bind]) -> Bind:
    """Keep a server process at each address until SIGTERM or Ctrl-C.

    Returns in each server, with the address it is to serve. Never returns in the parent.

    Raises:
        SystemExit: in the parent, when all have ended. A first start that is refused stops all, as it would one process
            alone, with its exit code.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)  # they are waited for
    parent = os.getpid()
    places = [_Place(bind) for bind in binds]
    log.info("supervising", servers=[str(bind) for bind in binds])
    refused = 0
    told_to_stop = False
    while not (refused or told_to_stop):
        for place in places:
            if not place.process and place.due_at <= time.monotonic():
                process = fork_gevent()
                if not process:
                    _end_with(parent)
                    signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
                    return place.bind
                place.started(process)
        told_to_stop = _wait(_seconds_to_next_start(places)) in TOLD_TO_STOP
        refused = 0 if told_to_stop else _take_ended(places)
    _stop(places)
    log.info("all servers stopped")
    raise SystemExit(refused)


def _seconds_to_next_start(places: Sequence[_Place]) -> float:
    due = [place.due_at for place in places if not place.process]
    return max(0.0, min(due) - time.monotonic()) if due else LONGEST_WAIT


def _wait(seconds: float) -> int | None:
    """Return the signal that came, or None after so long."""
    received = signal.sigtimedwait(WATCHED, seconds)
    return received.si_signo if received else None


def _take_ended(places: Sequence[_Place]) -> int:
    """Have each server that ended started again; return the exit code of one that refused its first start, else 0."""
    refused = 0
    for place, code in _ended(places):
        if not place.ended(code):
            refused = code
    return refused


def _ended(places: Sequence[_Place]) -> list[tuple[_Place, int]]:
    """Return the servers that have ended, each with its exit code: less than 0 for a signal."""
    ended = []
    for place in places:
        process, status = os.waitpid(place.process, os.WNOHANG) if place.process else (0, 0)
        if process:
            ended.append((place, os.waitstatus_to_exitcode(status)))
    return ended


def _stop(places: Sequence[_Place]) -> None:
    """Let the servers end their answers, then end them at once."""
    for place in places:
        place.send(signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while any(place.process for place in places):
        for place, _code in _ended(places):
            place.process = 0
        left = deadline - time.monotonic()
        if left <= 0:
            for place in places:
                place.send(signal.SIGKILL)
        _wait(min(max(left, 0.0), 1.0))


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _end_with(parent: int) -> None:
    """Have the kernel end this server in order when its parent is killed: nothing would start it again."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))
        if os.getppid() != parent:  # it was killed just before
            os.kill(os.getpid(), signal.SIGTERM)
