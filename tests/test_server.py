"""The server: nothing yields in a write transaction, small packets leave at once, stopping loses nothing."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from benchmarks import websocket
from console import server as console_server
from console.core.binds import Bind
from tests.support import processes
from tests.support.server import ROOT, LiveServer, command, environment, forked_command, start_forked

Start = Callable[..., LiveServer]
Connect = Callable[[LiveServer], http.client.HTTPConnection]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Open HTTP connections that are closed afterwards."""
    with ExitStack() as stack:

        def open_one(live: LiveServer) -> http.client.HTTPConnection:
            connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=30)
            stack.callback(connection.close)
            return connection

        yield open_one


def watch(folder: Path, *options: str) -> dict[str, Any]:
    """Run the self-watching server and return what it saw."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.switches", str(folder / "watched.sqlite3"), *options],
        env=environment(),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seen


@pytest.mark.sqlite
def test_nothing_yields_inside_a_write_transaction(tmp_path: Path) -> None:
    seen = watch(tmp_path)
    assert seen["offences"] == []
    # It really served, many at once, and really wrote.
    assert {answer.rpartition(" ")[2] for answer in seen["answers"]} == {"200"}, seen["answers"]
    assert seen["transactions"] > sum(seen["answers"].values()) / 2
    assert seen["switches"] > seen["transactions"]


@pytest.mark.sqlite
def test_the_watch_sees_an_offender(tmp_path: Path) -> None:
    seen = watch(tmp_path, "--offend")
    assert any("offend" in offence for offence in seen["offences"])


def test_accepted_connections_send_at_once() -> None:
    listener = console_server._listen(Bind(port=0))
    with socket.create_connection(listener.getsockname()) as _client:
        accepted, _address = listener.accept()
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
        accepted.close()
    listener.close()


@pytest.mark.sqlite
def test_a_start_loads_nothing_that_no_first_request_needs(tmp_path: Path) -> None:
    """After a kill everybody waits for this."""
    late = (
        "alembic",
        "flask_migrate",
        "psycopg",
        "fpdf",
        "openpyxl",
        "holidays.countries",
        "webauthn",
        "authlib",
        "joserfc",
    )
    made = "import sys; from console.app import create_app; from console import server, setup; create_app()"
    done = subprocess.run(
        [sys.executable, "-c", f"{made}; print(*[name for name in {late} if name in sys.modules])"],
        env=environment(DATABASE_URL=f"sqlite:///{tmp_path / 'console.sqlite3'}"),
        capture_output=True, text=True, cwd=ROOT, check=True, timeout=120,
    )  # fmt: skip
    assert done.stdout.split() == []


def test_serving_unpatched_is_refused(sqlite_app: Flask) -> None:
    with pytest.raises(RuntimeError, match="patched"):
        console_server.serve(sqlite_app)


def wait_for(live: LiveServer, word: str) -> None:
    deadline = time.monotonic() + 30
    while word not in live.log.read_text():
        assert time.monotonic() < deadline, f"{word!r} was never logged"
        time.sleep(0.05)


def test_stopping_lets_a_request_end(own_server: Start, connect: Connect) -> None:
    live = own_server(cold=True)
    idle = connect(live)
    idle.request("GET", "/healthz")
    assert idle.getresponse().read()  # stays connected, and must not hold the stop up
    slow = connect(live)
    slow.connect()
    head = "POST /login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 9\r\n"
    slow.sock.sendall(head.encode() + b"Content-Type: application/x-www-form-urlencoded\r\n\r\nemai")
    later = connect(live)  # connections are taken up in the order they come
    later.request("GET", "/readyz")
    assert later.getresponse().read()

    live.process.send_signal(signal.SIGTERM)
    wait_for(live, "stopping")
    slow.sock.sendall(b"l=a@b")
    answer = b"".join(iter(lambda: slow.sock.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 4"), answer[:200]  # refused for its missing token, but answered
    assert live.process.wait(30) == 0
    assert "stopped" in live.log.read_text()


def test_websockets_are_served(own_server: Start) -> None:
    live = own_server()
    # simple-websocket's client leaves a first message that comes along with the handshake's answer lying.
    sock, begun = websocket.connect(f"{live.url}/socket.io/?EIO=4&transport=websocket", timeout=30)
    with sock:
        frames = websocket.Frames(begun)
        while not (found := frames.take()):
            frames.feed(sock.recv(4096))
        assert json.loads(found[0][1].removeprefix(b"0"))["sid"]
        # An open socket does not hold the stop up.
        assert processes.stop(live.process) == 0


def test_polling_is_refused(own_server: Start, connect: Connect) -> None:
    """Without sticky sessions only WebSockets work; a client must hear that at once."""
    live = own_server()
    connection = connect(live)
    connection.request("GET", "/socket.io/?EIO=4&transport=polling")
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 400


def test_logs_hold_no_secret(own_server: Start, connect: Connect) -> None:
    live = own_server(ENV="demo")
    connection = connect(live)
    body = "email=ana%40example.test&password=Tajna-lozinka-77&pin=918273&code=445566"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/login?search=Tajna-pretraga", body, headers)
    connection.getresponse().read()
    wait_for(live, "path=/login")
    written = live.log.read_text()
    for secret in ("Tajna-lozinka-77", "918273", "445566", "Tajna-pretraga", "ana@example.test"):
        assert secret not in written


def test_a_taken_port_is_said_in_one_line(own_server: Start) -> None:
    live = own_server()
    code, output = forked_command("serve", "--port", str(live.port), env=live.environment)
    assert code == 1
    assert "Address already in use" in output
    assert "Traceback" not in output


def test_a_unix_socket_is_served_and_taken_over_from_a_killed_server(tmp_path: Path) -> None:
    path = tmp_path / "web"
    with closing(socket.socket(socket.AF_UNIX)) as left:
        left.bind(str(path))  # and no server listens
    env = environment(ENV="demo", DATABASE_URL=f"sqlite:///{tmp_path / 'console.sqlite3'}")
    log = tmp_path / "server.log"
    with log.open("wb") as output:
        process = start_forked(["serve", "--bind", f"unix:{path}"], env, output)
    live = LiveServer("", 0, process, env, log)
    try:
        wait_for(live, "serving")
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        with closing(socket.socket(socket.AF_UNIX)) as client:
            client.connect(str(path))
            client.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            assert client.makefile("rb").readline().startswith(b"HTTP/1.1 200")
    finally:
        assert processes.stop(process) == 0
    assert not path.exists()


NOWHERE = "postgresql://x@127.0.0.1:1/nowhere"  # nothing asks it before it listens


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "CONSOLE_DATABASE_URL"),
        ({"DATABASE_URL": NOWHERE}, "CONSOLE_REDIS_URL"),
        ({"DATABASE_URL": NOWHERE, "REDIS_URL": "redis://127.0.0.1:1/0"}, "Address already in use"),
    ],
)
def test_several_processes_refuse_what_they_cannot_do(settings: dict[str, str], named: str) -> None:
    """One word of several servers that cannot start ends all of them, as it would a single one."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        done = command("serve", "--bind", bind, env=environment(ENV="demo", PROCESSES="2", **settings))
    assert done.returncode == 1
    assert named in done.stderr
    assert "Traceback" not in done.stderr
