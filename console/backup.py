"""Whole copies of the database: SQLite's online backup, PostgreSQL's own tools."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, inspect, make_url

from console.core.db import database_file, db
from console.core.settings import Settings

PAGES_AT_ONCE = 2_000


class BackupError(Exception):
    """A copy could not be made or put back; says why in plain words."""


def back_up(settings: Settings, target: Path) -> None:
    """Write a copy of the database to ``target``, while it is in use. Whole or not at all.

    Raises:
        BackupError: the file exists, or the copy failed.
    """
    if target.exists():
        raise BackupError(f"{target} exists already")
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(target.name + ".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)  # a copy is as secret as the database
    try:
        source = database_file(settings)
        if source is not None:
            _copy_sqlite(source, draft)
            _check_sqlite(draft)
        else:
            _run_postgres("pg_dump", settings, "--format=custom", "--no-owner", f"--file={draft}")
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def restore(settings: Settings, source: Path, *, force: bool = False) -> None:
    """Put the copy in ``source`` in the place of the database. Nothing else may be using it.

    Args:
        force: even if the database has tables already; they are lost.

    Raises:
        BackupError: no usable copy, or a database that is not empty.
    """
    if not source.is_file():
        raise BackupError(f"{source} does not exist")
    if not force and inspect(db.engine).get_table_names():
        raise BackupError("the database is not empty; with --force what is in it is lost")
    db.session.remove()
    db.engine.dispose()
    target = database_file(settings)
    if target is not None:
        _check_sqlite(source)
        _copy_sqlite(source, target)
    else:
        clean = ["--clean", "--if-exists"] if force else []
        _run_postgres("pg_restore", settings, "--no-owner", "--single-transaction", *clean, str(source))


def _copy_sqlite(source: Path, target: Path) -> None:
    try:
        with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(target)) as copy:
            origin.backup(copy, pages=PAGES_AT_ONCE)
    except sqlite3.Error as error:
        raise BackupError(f"SQLite: {error}") from error


def _check_sqlite(path: Path) -> None:
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
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
    done = subprocess.run(  # noqa: S603  our own arguments, no shell
        [_find(program), *arguments, f"--dbname={url.database}"],
        env=_environment(url),
        capture_output=True,
        text=True,
        check=False,
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
