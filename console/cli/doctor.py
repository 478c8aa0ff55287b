"""Looking an installation over, in plain words: ``console doctor``."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path

import redis
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from console import stored_files
from console.audit import queries as audit
from console.cli import sealing
from console.core import clock, redis_client, revisions
from console.core.context import files, sealer, settings
from console.core.db import database_file, db
from console.core.files import is_private
from console.core.places import PACKAGE, SHARED_ANCHOR, SHARED_FILES, TEMPLATES
from console.core.settings import DEMO_SEAL_KEY, DEMO_SECRET_KEY, Settings
from console.hosting.links import broken_links
from console.mail import relay, smtp
from console.mail.mailboxes import queries as mailboxes
from console.mail.sending import helo_name
from console.reindexing import is_outdated
from console.settings import queries as settings_now
from console.setup import demo_accounts

VENDOR = (
    "socket.io.esm.min.js",
    "htmx.min.js",
    "idiomorph-ext.min.js",
    "inter/inter-latin-wght-normal.woff2",
    "inter/inter-latin-ext-wght-normal.woff2",
    "inter/inter-serbian-wght-normal.woff2",
)
# Before these a rare race in resetting the WAL can corrupt the database (sqlite.org/wal.html#walresetbug).
SAFE_SQLITE = ((3, 44, 6), (3, 50, 7), (3, 51, 3))
MAX_LISTED = 5
SKEW_SECONDS = 5
ANCHOR_MINUTES = 10
MAIL_MINUTES = 15


class Level(StrEnum):
    GOOD = "good"
    NOTE = "note"  # works, but look at it
    FAULT = "fault"


@dataclass(frozen=True)
class Result:
    """One thing looked at and how it is."""

    level: Level
    words: str


def examine() -> Iterator[Result]:
    """Yield what was found, check by check. Without a database the checks that need it are left out."""
    yield from _keys()
    yield from _files()
    try:
        yield from _database()
    except SQLAlchemyError as error:
        yield Result(Level.FAULT, f"The database cannot be reached: {_first_line(error)}")
        return
    if revisions.current(db.engine) != revisions.newest():
        yield Result(Level.FAULT, "The tables are not up to date: run `console init-db`.")
        return
    yield Result(Level.GOOD, f"The tables are up to date (revision {revisions.newest()}).")
    if is_outdated():
        yield Result(Level.FAULT, "The search indexes were written by older rules: run `console reindex`.")
    for check in CHECKS:
        yield from check()


def _keys() -> Iterator[Result]:
    known = settings().secret_key == DEMO_SECRET_KEY or DEMO_SEAL_KEY in settings().seal_keys
    if known:
        level = Level.FAULT if settings().production else Level.NOTE
        yield Result(level, "The keys are those of the demo, known to everyone: right for a demo, for nothing else.")
    else:
        yield Result(Level.GOOD, "The keys are this installation's own.")


def _files() -> Iterator[Result]:
    absent = [name for name in VENDOR if not (PACKAGE / "static" / "vendor" / name).exists()]
    if absent:
        yield Result(Level.FAULT, f"Browser files are missing ({', '.join(absent)}): run `make assets`.")
    else:
        yield Result(Level.GOOD, "The browser files are in place.")
    sources = sorted((PACKAGE / "translations").glob("*/LC_MESSAGES/*.po"))
    if not sources or not all(_is_compiled(path) for path in sources):
        yield Result(Level.FAULT, "The translations are not compiled: run `make translations`.")
    else:
        yield Result(Level.GOOD, "The translations are compiled.")


def _is_compiled(source: Path) -> bool:
    compiled = source.with_suffix(".mo")
    if TEMPLATES.is_relative_to(PACKAGE):  # installed: both came in one wheel, and their times are those of unpacking
        return compiled.exists()
    return compiled.exists() and compiled.stat().st_mtime >= source.stat().st_mtime


def _database() -> Iterator[Result]:
    if not settings().sqlite:
        version = db.session.scalar(text("SHOW server_version"))
        encoding = db.session.scalar(text("SHOW server_encoding"))
        yield Result(Level.GOOD, f"PostgreSQL {version} answers.")
        if encoding != "UTF8":
            yield Result(Level.FAULT, f"The database is encoded as {encoding}; it must be UTF8.")
        yield connections(settings(), *_places())
        return
    yield sqlite_version(sqlite3.sqlite_version_info)
    expected = {"journal_mode": "wal", "foreign_keys": "1", "synchronous": "2"}
    actual = {name: str(db.session.scalar(text(f"PRAGMA {name}"))) for name in expected}
    wrong = [f"{name} is {actual[name]}" for name in expected if actual[name] != expected[name]]
    if wrong:
        yield Result(Level.FAULT, f"SQLite is not opened safely: {', '.join(wrong)}.")
    else:
        yield Result(Level.GOOD, "SQLite is opened safely: WAL, foreign keys, full synchronisation.")


def _places() -> tuple[int, int]:
    """Return how many connections PostgreSQL takes, and how many of them it keeps back for its administrators."""
    names = ("max_connections", "superuser_reserved_connections")
    most, reserved = (int(db.session.scalar(text(f"SHOW {name}")) or 0) for name in names)
    return most, reserved


def connections(settings: Settings, most: int, reserved: int) -> Result:
    """Say whether the server takes all the connections that the processes of this installation may want.

    Counted is one worker and no pooler between: who has more knows of them.
    """
    processes, places = settings.processes + 1, most - reserved
    needed = processes * settings.connections
    sum_up = f"{settings.processes} serving and 1 worker, up to {settings.connections} connections each: {needed}"
    if needed <= places:
        return Result(Level.GOOD, f"PostgreSQL takes {places} connections, enough for {sum_up}.")
    return Result(
        Level.NOTE,
        f"PostgreSQL takes {places} connections, fewer than {sum_up}. Raise its max_connections, or lower "
        "CONSOLE_DATABASE_POOL and CONSOLE_DATABASE_OVERFLOW.",
    )


def sqlite_version(version: tuple[int, int, int]) -> Result:
    """Say whether this SQLite has the WAL reset race repaired."""
    name = ".".join(map(str, version))
    repaired = version >= SAFE_SQLITE[-1] or any(version[:2] == s[:2] and version >= s for s in SAFE_SQLITE)
    if repaired:
        return Result(Level.GOOD, f"SQLite {name}.")
    return Result(
        Level.NOTE,
        f"SQLite {name} can, in rare races, corrupt a WAL database; 3.44.6, 3.50.7 and 3.51.3 repaired it. "
        "Keep backups, or use PostgreSQL.",
    )


def _settings() -> Iterator[Result]:
    """Name what is set in the console: its variable can be changed without any effect."""
    names = [line.setting.environment_name for one in settings_now.states() for line in one.lines if line.is_set]
    if names:
        yield Result(
            Level.GOOD, f"Set in the console, so the environment does not count: {', '.join(dict.fromkeys(names))}."
        )


def _sealed() -> Iterator[Result]:
    closed = list(islice(sealing.unopened(), MAX_LISTED + 1))
    if closed:
        yield Result(Level.FAULT, f"No key in CONSOLE_SEAL_KEYS opens the secrets of: {_some(closed)}.")
    else:
        yield Result(Level.GOOD, "Every sealed secret opens.")


def _audit_log() -> Iterator[Result]:
    anchor = audit.read_anchor(settings().anchor_file)
    flaws = list(islice(audit.verify(db.session(), sealer(), anchor), MAX_LISTED))
    for flaw in flaws:
        place = f"entry {flaw.place}" if flaw.place else "the end"
        yield Result(Level.FAULT, f"The audit log is not as written: {place}: {flaw.what}.")
    if not flaws:
        yield Result(Level.GOOD, "The audit log is whole.")


def _anchor_age() -> Iterator[Result]:
    path = settings().anchor_file  # its time is the machine's, not that of a clock that was set
    if not path.exists():
        yield Result(Level.NOTE, f"The audit log's end was never noted in {path}: does a worker run?")
    elif time.time() - path.stat().st_mtime > ANCHOR_MINUTES * 60:
        yield Result(
            Level.NOTE, f"The audit log's end was last noted more than {ANCHOR_MINUTES} minutes ago: no worker runs."
        )


def _attachments() -> Iterator[Result]:
    folder = settings().files_folder
    health = stored_files.examine(files())
    for flaw, places in (("Missing from", health.missing), ("Damaged in", health.damaged)):
        if places:
            each = ", ".join(map(stored_files.describe, places))
            yield Result(Level.FAULT, f"{flaw} {folder}, attachments: {len(places)}: {each}.")
    if not health.missing and not health.damaged:
        yield Result(Level.GOOD, f"All attachments are there and whole: {health.count} in {folder}.")
    if settings().production and not settings().sqlite and not settings().files:
        yield Result(Level.NOTE, "Set CONSOLE_FILES: every server and worker must find the attachments in one folder.")


def _old_places() -> Iterator[Result]:
    """Say what still lies where all databases of a checkout once had theirs (see console.core.places)."""
    if not settings().audit_anchor and stored_files.is_noted_in(SHARED_ANCHOR) is False:
        yield Result(
            Level.NOTE,
            f"{SHARED_ANCHOR} notes the end of another database's audit log, or of this one before it was cut. "
            f"It is not used any more: this one's end is noted in {settings().anchor_file}.",
        )
    if not settings().files and SHARED_FILES.is_dir():
        yield Result(
            Level.NOTE,
            f"{SHARED_FILES} is not used any more: remove it once `console init-db` has run for each database "
            "of this folder.",
        )


def _accounts() -> Iterator[Result]:
    accounts = demo_accounts()
    if accounts:
        level = Level.FAULT if settings().production else Level.NOTE
        yield Result(level, f"The demo password opens {len(accounts)} accounts, {accounts[0]} among them.")


def _hosted() -> Iterator[Result]:
    apart = broken_links()
    for service, host in apart[:MAX_LISTED]:
        yield Result(Level.FAULT, f"{service.number} is hosted with {host.number} of another account.")
    if len(apart) > MAX_LISTED:
        yield Result(Level.FAULT, f"So are {len(apart) - MAX_LISTED} more services.")
    if not apart:
        yield Result(Level.GOOD, "What is hosted together belongs to one account.")


def _time() -> Iterator[Result]:
    if settings().clock is not None:
        yield Result(Level.NOTE, f"CONSOLE_CLOCK is set: the clock shows {clock.now():%Y-%m-%d %H:%M} UTC.")
    elif not settings().sqlite:
        skew = db.session.scalar(text("SELECT extract(epoch FROM clock_timestamp())")) or 0
        ahead = abs(float(skew) - time.time())  # two machines are compared: nothing was set, see above
        if ahead > SKEW_SECONDS:
            yield Result(Level.FAULT, f"The database server's clock differs by {ahead:.0f} seconds.")
    yield Result(
        Level.GOOD, f"It is {clock.now().astimezone(settings().zone):%d.%m.%Y. %H:%M} in {settings().timezone}."
    )


def _redis() -> Iterator[Result]:
    if settings().redis_url is None:
        return
    try:
        with redis_client.connect(settings().redis_url or "") as client:
            client.ping()
    except redis.RedisError as error:
        yield Result(Level.FAULT, f"Redis does not answer: {_first_line(error)}")
    else:
        yield Result(Level.GOOD, "Redis answers.")


def _mail_server() -> Iterator[Result]:
    server = settings().smtp
    if server is None:
        if settings().demo:
            yield Result(Level.GOOD, "No mail server is set: mail goes into the demo's mailbox and nowhere else.")
        else:
            yield Result(Level.NOTE, "CONSOLE_SMTP_URL is not set: mail is queued and waits.")
        return
    if server.bare_password:
        yield Result(Level.NOTE, "The mail server's password crosses the network in the clear: use TLS.")
    try:
        yield Result(Level.GOOD, f"The mail server {smtp.probe(server, helo_name(settings().base_url))}.")
    except smtp.RelayFailed as failure:
        yield Result(Level.FAULT, f"The mail server {server.name} takes no mail: {failure.words}")


def _mail() -> Iterator[Result]:
    queue, failing = relay.queue(), relay.relay()
    if failing is not None and failing.failing_since is not None:
        since = f"{failing.failing_since.astimezone(settings().zone):%d.%m.%Y. %H:%M}"
        yield Result(Level.FAULT, f"Sending mail has failed since {since}: {failing.last_error}")
    late = queue.oldest is not None and (clock.now() - queue.oldest).total_seconds() > MAIL_MINUTES * 60
    if late and queue.oldest is not None:
        oldest = f"{queue.oldest.astimezone(settings().zone):%d.%m.%Y. %H:%M}"
        yield Result(Level.NOTE, f"Mails that wait to be sent: {queue.waiting}, the oldest since {oldest}.")
    if queue.failed:
        yield Result(
            Level.NOTE, f"Mails that could not be delivered: {queue.failed}. The console's mail page lists them."
        )
    if not late and failing is None:
        yield Result(Level.GOOD, "No mail is late.")


def _mailboxes() -> Iterator[Result]:
    rows = [row for row in mailboxes.list_mailboxes() if row.mailbox.active and row.state is not None]
    wrong = [row for row in rows if row.state is not None and row.state.failing_since is not None]
    for row in wrong[:MAX_LISTED]:
        if row.state is not None and row.state.failing_since is not None:
            since = f"{row.state.failing_since.astimezone(settings().zone):%d.%m.%Y. %H:%M}"
            name = row.mailbox.name or row.mailbox.from_address
            yield Result(
                Level.FAULT,
                f"The mailbox {name} has not been read since {since}: {row.state.problem} {row.state.detail}",
            )
    if rows and not wrong:
        yield Result(Level.GOOD, f"Mailboxes that are read: {len(rows)}.")


def _some(places: list[str]) -> str:
    return ", ".join(places[:MAX_LISTED]) + (" and more" if len(places) > MAX_LISTED else "")


def _database_file() -> Iterator[Result]:
    """Who else on the machine could read the whole database past the console."""
    path = database_file(settings())
    if path is None or not path.exists():
        return
    if is_private(path):
        yield Result(Level.GOOD, "The database's file is its owner's alone.")
    else:
        yield Result(Level.NOTE, f"Others on this machine may open {path}: run `console init-db`.")


CHECKS = (
    _settings, _database_file, _sealed, _audit_log, _anchor_age, _attachments, _old_places, _accounts, _hosted, _time,
    _redis, _mail_server, _mail, _mailboxes,
)  # fmt: skip


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
