"""``console serve`` and other commands as processes of their own; an application of the test behind a port."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, flock
from hashlib import sha256
from pathlib import Path
from typing import IO

from flask import Flask
from werkzeug.serving import make_server

from tests.support import processes
from tests.support.warm import Warm

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
FILL_SECONDS = 300
MONDAY = "2026-11-23T11:00:00+01:00"  # in working hours; of then is the demo of servers whose clock is set
_folders: list[Path] = []
_warm: list[Warm] = []


@dataclass(frozen=True)
class LiveServer:
    """A served console."""

    url: str
    port: int
    process: processes.Process
    environment: Mapping[str, str]
    log: Path


def environment(**settings: str) -> dict[str, str]:
    """Return this process's environment with ``CONSOLE_*`` set only from ``settings``."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CONSOLE_")}
    return plain | {f"CONSOLE_{name}": value for name, value in settings.items()}


def command(*arguments: str, env: Mapping[str, str], stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``console`` with ``arguments`` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "console", *arguments],
        env=env,
        input=stdin,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=300,
    )


def forked_command(*arguments: str, env: Mapping[str, str]) -> tuple[int, str]:
    """Run ``console`` with ``arguments`` to its end, without its start; return its exit code and what it said."""
    with tempfile.TemporaryFile() as log:
        code = start_forked(arguments, env, log).wait(FILL_SECONDS)
        log.seek(0)
        return code, log.read().decode()


@contextmanager
def serving(folder: Path, *, demo: bool = False, cold: bool = False, **settings: str) -> Iterator[LiveServer]:
    """Serve a console with an own database under ``folder`` until the end of the block.

    Args:
        demo: fill the database with demo data first: of now, or of ``MONDAY`` where CLOCK is set, to then or later.
        cold: start a process from its first instruction (see ``tests.support.warm``).
        settings: ``CONSOLE_*`` without the prefix; they win. A database that they name must have its tables.
    """
    port = processes.free_port()
    defaults = {
        "ENV": "demo",
        "DATABASE_URL": f"sqlite:///{folder / 'console.sqlite3'}",
        "AUDIT_ANCHOR": str(folder / "anchor.json"),
        "FILES": str(folder / "files"),
        "BASE_URL": f"http://127.0.0.1:{port}",
    }
    env = environment(**(defaults | settings))
    if "DATABASE_URL" not in settings:
        copy_made(folder, demo=demo, clock=MONDAY if "CLOCK" in settings else "")
    elif demo:
        fill(env, demo=True)
    log = folder / "server.log"
    serve = ["console", "serve", "--port", str(port)]
    with running(serve, port, env, log) if cold else forked(port, env, log) as server:
        yield server


@contextmanager
def running(module: Sequence[str], port: int, env: Mapping[str, str], log: Path) -> Iterator[LiveServer]:
    """Run a module that serves a console on ``port`` until the end of the block.

    Args:
        module: its name and its arguments.
        env: the process's environment.
        log: the file that gets what it prints.
    """
    with log.open("ab") as output:
        process = processes.start([sys.executable, "-m", *module], log=output, env=env, cwd=ROOT)
    with _stopping(LiveServer(f"http://127.0.0.1:{port}", port, process, env, log)) as server:
        yield server


@contextmanager
def forked(port: int, env: Mapping[str, str], log: Path) -> Iterator[LiveServer]:
    """Run ``console serve`` on ``port`` until the end of the block, without its start (``tests.support.warm``)."""
    with log.open("ab") as output:
        process = start_forked(["serve", "--port", str(port)], env, output)
    with _stopping(LiveServer(f"http://127.0.0.1:{port}", port, process, env, log)) as server:
        yield server


def start_forked(arguments: Sequence[str], env: Mapping[str, str], log: IO[bytes]) -> processes.Process:
    """Run ``console`` with ``arguments``, as ``serve`` or ``worker``, without its start (``tests.support.warm``)."""
    return _forking().start(arguments, log=log, env=env, cwd=ROOT)


@contextmanager
def _stopping(server: LiveServer) -> Iterator[LiveServer]:
    try:
        _wait(server)
        yield server
    finally:
        processes.stop(server.process)


def _forking() -> Warm:
    """Return this process's own of ``tests.support.warm``, started when it is first needed."""
    if not _warm:
        _warm.append(Warm(_folders[0] / "forking.log", templates_folder()))
    return _warm[0]


def stop_forking() -> None:
    """End the process that forks servers, if there is one."""
    while _warm:
        _warm.pop().stop()


def templates_folder() -> Path:
    """Return where compiled templates lie for all processes of a run."""
    return _folders[0] / "templates"


@contextmanager
def in_thread(app: Flask) -> Iterator[str]:
    """Serve ``app`` from this process until the end of the block, and yield its address. It speaks no WebSocket."""
    served = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{served.port}"
    finally:
        served.shutdown()
        thread.join()
        served.server_close()


def fill(env: Mapping[str, str], *, demo: bool) -> None:
    """Make the database, with demo data where wanted."""
    _run("init-db", env=env)
    if demo:
        _run("demo", "--seed", "1", "--if-empty", env=env)


def _run(*arguments: str, env: Mapping[str, str]) -> None:
    code, output = forked_command(*arguments, env=env)
    if code:
        raise RuntimeError(f"{arguments}: {output[-3000:]}")


def copy_made(folder: Path, *, demo: bool, clock: str = "") -> None:
    """Put a database with its files into ``folder``: the demo's of ``clock``, or one without a row."""
    made = _made(demo, clock if demo else "")
    for file in made.glob("console.sqlite3*"):
        shutil.copyfile(file, folder / file.name)
    if (made / "files").exists():
        shutil.copytree(made / "files", folder / "files", dirs_exist_ok=True)


def keep_made_in(folder: Path) -> None:
    """Set where databases lie that are made once and copied; the processes of a run share them."""
    folder.mkdir(exist_ok=True)
    _folders[:] = [folder]


def _made(demo: bool, clock: str) -> Path:
    """Make a database once for a run. The first process that needs it makes it, and the others wait."""
    folder = _folders[0] / f"{'demo' if demo else 'empty'}-{sha256(clock.encode()).hexdigest()[:12]}"
    with folder.with_suffix(".lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if not folder.exists():
            unfinished = Path(tempfile.mkdtemp(dir=folder.parent))
            settings = {
                "ENV": "demo",
                "DATABASE_URL": f"sqlite:///{unfinished / 'console.sqlite3'}",
                "AUDIT_ANCHOR": str(unfinished / "anchor.json"),
                "FILES": str(unfinished / "files"),
            }
            fill(environment(**(settings | ({"CLOCK": clock} if clock else {}))), demo=demo)
            unfinished.rename(folder)
    return folder


def _wait(server: LiveServer) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/healthz", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError(f"the server did not start: {server.log.read_text()[-3000:]}")
