"""A forked server is a process like any other: its own environment, log and end."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable

import pytest

from tests.support.server import LiveServer


def test_it_ends_by_what_is_sent_to_it(own_server: Callable[..., LiveServer]) -> None:
    live = own_server()
    assert live.process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        live.process.wait(0.01)
    live.process.send_signal(signal.SIGKILL)
    assert live.process.wait(10) == -signal.SIGKILL
    assert live.process.poll() == -signal.SIGKILL
    assert f"address=127.0.0.1:{live.port}" in live.log.read_text()
    with pytest.raises(ProcessLookupError):
        os.kill(live.process.pid, 0)


def test_it_says_why_it_does_not_start(own_server: Callable[..., LiveServer]) -> None:
    with pytest.raises(RuntimeError, match="CONSOLE_LOCALE"):
        own_server(LOCALE="xx")
    assert own_server().process.poll() is None, "the next one starts"
