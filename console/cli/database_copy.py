"""A copy of the database alone: SQLite's online backup, PostgreSQL's own tools."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, make_url

from console.core.db import database_file
from console.core.files import create_private
from console.core.settings import Settings

PAGES_AT_ONCE = 2_000
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
_MAGIC = {b"SQLite format 3\0": SQLITE, b"PGDMP": POSTGRESQL}


class BackupError(Exception):
    """A copy could not be made or put back; says why in plain words."""


def kind(settings: Settings) -> str:
    """Return which kind of database this installation has."""
    return SQLITE if settings.sqlite else POSTGRESQL


def kind_of(path: Path) -> str | None:
    """Return of which kind of database ``path`` is a bare copy, ``None`` where it is none."""
    with path.open("rb") as file:
        start = file.read(16)
    return next((name for magic, name in _MAGIC.items() if start.startswith(magic)), None)


def dump(settings: Settings, target: Path) -> None:
    """Write a checked copy of the database into the file ``target``, while it is in use.

    Raises:
        BackupError: it failed, or the copy is damaged.
    """
    source = database_file(settings)
    if source is not None:
        _copy_sqlite(source, target)
        _make_one_file(target)
        check(target)
    else:
        _run_postgres("pg_dump", settings, "--format=custom", "--no-owner", f"--file={target}")


def check(path: Path) -> None:
    """Look a bare copy over, as well as its database's tools can.

    Raises:
        BackupError: it is damaged, or of another program.
    """
    if kind_of(path) == SQLITE:
        _check_sqlite(path)
    else:
        _run_tool("pg_restore", "--list", str(path))


def put_back(settings: Settings, source: Path, *, force: bool) -> None:
    """Put the copy in ``source`` in the place of the database, whole or not at all.

    Args:
        force: even if it has tables already.

    Raises:
        BackupError: no usable copy, or it failed.
    """
    target = database_file(settings)
    if target is not None:
        _check_sqlite(source)
        _copy_sqlite(source, target)
    else:
        clean = ["--clean", "--if-exists"] if force else []
        _run_postgres("pg_restore", settings, "--no-owner", "--single-transaction", *clean, str(source))


def _copy_sqlite(source: Path, target: Path) -> None:
    create_private(target)
    try:
        with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(target)) as copy:
            origin.backup(copy, pages=PAGES_AT_ONCE)
    except sqlite3.Error as error:
        raise BackupError(f"SQLite: {error}") from error


def _make_one_file(path: Path) -> None:
    """Let the copy need no journal next to it; the console sets the mode again when it opens the database."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def _check_sqlite(path: Path) -> None:
    try:
        # Immutable: looking at a copy leaves no journal next to it.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            (answer,) = connection.execute("PRAGMA integrity_check").fetchone()
            tables = connection.execute("SELECT name FROM sqlite_master WHERE name = 'alembic_version'").fetchall()
    except sqlite3.Error as error:
        raise BackupError(f"{path} is no usable SQLite database: {error}") from error
    if answer != "ok":
        raise BackupError(f"{path} is damaged: {answer}")
    if not tables:
        raise BackupError(f"{path} is no database of this console")


def _run_postgres(program: str, settings: Settings, *arguments: str) -> None:
    url = make_url(settings.database_url)
    _run_tool(program, *arguments, f"--dbname={url.database}", env=_environment(url))


def _run_tool(program: str, *arguments: str, env: dict[str, str] | None = None) -> None:
    done = subprocess.run(  # noqa: S603  our own arguments, no shell
        [_find(program), *arguments], env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BackupError(f"{program}: {done.stderr.strip()[-500:]}")


def _find(program: str) -> str:
    newest_first = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), reverse=True)
    found = shutil.which(program) or (str(newest_first[0]) if newest_first else None)
    if found is None:
        raise BackupError(f"{program} is not installed (Debian: apt-get install postgresql-client)")
    return found


def _environment(url: URL) -> dict[str, str]:
    """Name the server in the environment: a password among the arguments is seen by everyone on the machine."""
    host = url.host or url.query.get("host")
    values = {"PGHOST": host, "PGPORT": url.port, "PGUSER": url.username, "PGPASSWORD": url.password}
    return os.environ | {name: str(value) for name, value in values.items() if value}
