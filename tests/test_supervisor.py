"""Several servers under one parent: a dead one is started again, none outlives the parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.server import ROOT, environment

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
