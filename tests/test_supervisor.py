"""Servers under a parent: a dead one is started again, none outlives the parent."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.chat.conftest import OPEN
from tests.support import processes, server
from tests.support.server import ROOT, environment
from tests.support.sockets import SocketClient

Started = tuple["subprocess.Popen[bytes]", Path, Path]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    """A supervisor, and the files in which its two programs note their process ids."""
    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-m", "tests.support.supervised", str(tmp_path)]
        parent = processes.start(command, log=log, env=environment(), cwd=ROOT)
    one, two = tmp_path / "one", tmp_path / "two"
    wait_until(lambda: len(ids(one)) == len(ids(two)) == 1)
    yield parent, one, two
    processes.stop(parent)


def ids(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().splitlines()] if file.exists() else []


def wait_until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_that_ends_is_started_again_alone(started: Started, how: signal.Signals) -> None:
    parent, one, two = started
    os.kill(ids(one)[0], how)
    wait_until(lambda: len(ids(one)) == 2)
    assert len(ids(two)) == 1
    assert processes.stop(parent) == 0
    assert all(is_gone(process) for process in (*ids(one), *ids(two)))


def test_no_server_outlives_a_killed_parent(started: Started) -> None:
    parent, one, two = started
    parent.kill()
    wait_until(lambda: all(is_gone(process) for process in (*ids(one), *ids(two))))


def test_a_killed_console_is_back_with_what_it_acknowledged(tmp_path: Path) -> None:
    """The one process of an installation on SQLite, its worker inside: forked, it works as one that was started."""
    server.copy_made(tmp_path, demo=False)
    port = processes.free_port()
    env = environment(
        ENV="demo", CLOCK=OPEN, DATABASE_URL=f"sqlite:///{tmp_path}/console.sqlite3", FILES=f"{tmp_path}/files",
        AUDIT_ANCHOR=f"{tmp_path}/anchor.json", BASE_URL=f"http://127.0.0.1:{port}",
    )  # fmt: skip
    command = ["console", "serve", "--port", str(port), "--processes", "1"]
    with server.running(command, port, env, tmp_path / "log") as console:
        opening = {"name": "Vera", "email": "vera@example.test", "question": "Kada?", "client_id": uuid4().hex}
        opened = visitor(console.url).call("chat:open", opening)
        os.kill(children(console.process.pid)[0], signal.SIGKILL)
        again = visitor(console.url).call("chat:open", opening)
        assert opened["ok"] and again["ok"]
        assert again["chat"]["id"] == opened["chat"]["id"]
        assert len(children(console.process.pid)) == 1
        assert processes.stop(console.process) == 0


def test_a_refused_first_start_ends_all(tmp_path: Path) -> None:
    """Here another program has the port."""
    env = environment(ENV="demo", DATABASE_URL=f"sqlite:///{tmp_path}/console.sqlite3", FILES=f"{tmp_path}/files")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        ended = server.command("serve", "--port", port, "--processes", "1", env=env)
    assert ended.returncode == 1
    assert f"127.0.0.1:{port}: Address already in use" in ended.stderr


def children(parent: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def visitor(url: str) -> SocketClient:
    """Connect as soon as it is served."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return SocketClient(url, "/visitor", origin=url)
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
