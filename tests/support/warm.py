"""``console serve`` without its start: a process that has loaded the console forks one server after another.

A start costs three seconds of processor, and dozens of tests need a server. Each server here is a process with its own
environment, log and session, which runs the same command; only what it imports was there before. What tests the start
of a server starts it from cold (``server.running`` without ``warm``).

The other half is ``tests.support.forking``.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from tests.support import processes
from tests.support.forking import NUMBER


class Forked:
    """A process that another one of ours forked; as much of ``subprocess.Popen`` as tests use."""

    def __init__(self, args: Sequence[str], answers: socket.socket) -> None:
        self.args = list(args)
        self._answers = answers
        self.pid = self._number(None) or 0
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit code, or ``None`` while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises:
            TimeoutExpired: it did not end in time.
        """
        if self.returncode is None:
            self.returncode = self._number(timeout)
            self._answers.close()
        return self.returncode

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _number(self, timeout: float | None) -> int:
        self._answers.settimeout(timeout)
        try:
            answer = self._answers.recv(NUMBER, socket.MSG_WAITALL)
        except (TimeoutError, BlockingIOError) as error:
            raise subprocess.TimeoutExpired(self.args, timeout or 0) from error
        if not answer:
            raise RuntimeError("the process that forks servers has ended")
        return int.from_bytes(answer, "big", signed=True)


class Warm:
    """The process that forks, seen from the tests."""

    def __init__(self, log: Path, templates: Path) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        with theirs, log.open("ab") as output:
            command = [sys.executable, "-m", "tests.support.forking", str(theirs.fileno()), str(templates)]
            self._process = processes.start(command, log=output, pass_fds=(theirs.fileno(),))

    def start(self, arguments: Sequence[str], *, log: IO[bytes], env: Mapping[str, str], cwd: Path) -> Forked:
        """Run ``console`` with ``arguments``."""
        ours, theirs = socket.socketpair()
        order = json.dumps({"arguments": arguments, "env": dict(env), "cwd": str(cwd)}).encode()
        with theirs, self._lock:
            socket.send_fds(self._orders, [order], [theirs.fileno(), log.fileno()])
        return Forked(["console", *arguments], ours)

    def stop(self) -> None:
        """End it; servers that still run end with it."""
        self._orders.close()
        processes.stop(self._process)
