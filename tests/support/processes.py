"""Private servers for a test run. They end with it, also when it is killed."""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import IO, Protocol

PR_SET_PDEATHSIG = 1  # prctl(2)
STOP_SECONDS = 10
FIRST_PORT, PORTS, SHARES = 10_000, 4_000, 5
_places = count(os.getpid() * 7 % PORTS)
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class Process(Protocol):
    """What tests use of a process, however it was started."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int) -> None: ...

    def kill(self) -> None: ...


def start(
    command: Sequence[str | os.PathLike[str]],
    *,
    log: IO[bytes],
    user: str | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start ``command`` in a session of its own, so that Ctrl-C reaches only us and we stop it in order.

    Args:
        user: run as this user (only root can).
        stop_signal: what the kernel sends it should this process die first (Linux).
        pass_fds: descriptors that it inherits.
    """
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=partial(die_with_parent, stop_signal),  # noqa: PLW1509  calls nothing but prctl
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
        env=env,
        cwd=cwd,
        pass_fds=pass_fds,
    )


def die_with_parent(stop_signal: signal.Signals) -> None:
    """Let the kernel send this process a signal when the one that started it dies (Linux)."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, int(stop_signal))


def stop(process: Process, stop_signal: signal.Signals = signal.SIGTERM) -> int:
    """End ``process`` and return its exit code; kill it if it does not listen."""
    if process.poll() is None:
        process.send_signal(stop_signal)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens.

    Each process of pytest-xdist has a share of its own, below what the kernel gives to connections: else another could
    take the port before it is used, and a test would talk to that one's server.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for _try in range(PORTS):
        port = FIRST_PORT + worker % SHARES * PORTS + next(_places) % PORTS
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is free")
