"""Processes of a bench: servers under gunicorn, and the load generator that asks them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks.http import BenchError

ROOT = Path(__file__).resolve().parents[1]
PROCESSES = 2
START_SECONDS = 60
STOP_SECONDS = 15
MOST_LOG = 2_000  # characters of a server's log that an error repeats


@contextmanager
def gunicorn(
    python: Path, application: str, ready: str, *options: str, folder: Path, environment: Mapping[str, str]
) -> Iterator[str]:
    """Serve ``application`` with two processes until the end of the block; yield ``host:port``.

    Args:
        python: of the environment in which it is installed.
        ready: a path that is answered once it serves.
        options: further ones of gunicorn.
        folder: where the application is imported from.
        environment: of the processes, beside what this one has.
    """
    address = f"127.0.0.1:{free_port()}"
    command = [str(python), "-m", "gunicorn", "-w", str(PROCESSES), "-b", address, *options, application]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603  our own words
            command, cwd=folder, env={**os.environ, **environment}, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait(process, address, ready, log)
            yield address
        finally:
            _stop(process)


def free_port() -> int:
    """Return a free port."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def _wait(process: subprocess.Popen[bytes], address: str, ready: str, log: Any) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            connection = HTTPConnection(address, timeout=START_SECONDS)
            connection.request("GET", ready)
            if connection.getresponse().status < 500:
                return
        except OSError:
            time.sleep(0.2)
    log.seek(0)
    raise BenchError(f"a server did not start: {log.read().decode(errors='replace')[-MOST_LOG:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def generate(mode: str, targets: Sequence[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Let the load generator work, in a process of its own, and return what it measured."""
    order = json.dumps({"mode": mode, "targets": list(targets), **more})
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"], input=order, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise BenchError(f"the load generator failed: {ran.stderr.strip()[-MOST_LOG:]}")
    found: dict[str, Any] = json.loads(ran.stdout)
    return found
