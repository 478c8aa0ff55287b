"""Where what belongs to one database lies, so that two of them used from one folder share nothing."""

from __future__ import annotations

import hashlib
import os
import re
from functools import lru_cache
from pathlib import Path

from sqlalchemy import URL, make_url

PACKAGE = Path(__file__).resolve().parents[1]
_PACKED = PACKAGE / "templates"  # of an installed console (setup.py); in a checkout they lie next to the package
TEMPLATES = _PACKED if _PACKED.is_dir() else PACKAGE.parent / "templates"
FOLDER = Path("var")  # of what has no folder of its own: the working directory's
FILES, ANCHOR, ZONES = "files", "audit-anchor.json", "zones"
# Where every database of a checkout had them; ``console init-db`` brings a database's share over.
SHARED_FILES, SHARED_ANCHOR = FOLDER / FILES, FOLDER / ANCHOR
_HERE = ("", "localhost", "127.0.0.1", "::1")
_SOCKET_PORT = 5432


def sqlite_path(database_url: str) -> Path | None:
    """Return the file behind a SQLite URL, ``None`` for memory or another database."""
    path = database_url.removeprefix("sqlite:///")
    return None if path == database_url or path in ("", ":memory:") else Path(path)


def place_of(database_url: str, kind: str) -> Path:
    """Return where a database's own ``kind`` lies, if no setting says otherwise.

    Beside a SQLite file, as SQLite itself puts its journal there; for a server in ``var``, under the names of
    server and database.
    """
    path = sqlite_path(database_url)
    if path is not None:
        path = path.resolve()  # one database, whichever link leads to it
        return path.with_name(f"{path.name}.{kind}")
    return (FOLDER / f"{_server_name(make_url(database_url))}.{kind}").absolute()


@lru_cache
def channel_of(database_url: str) -> str:
    """Return the name that all processes on this database share in Redis, and those on another one do not.

    A server's address is no part of it: one process may reach it directly, another through a pooler.
    """
    path = sqlite_path(database_url)
    if path is not None:
        return f"console-{_digest(str(path.resolve()))}"
    url = make_url(database_url)
    return f"console-{_readable(_database(url))}-{_digest(_database(url))}"


def _server_name(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return f"memory-{os.getpid()}"  # ends with the process
    host = str(url.host or url.query.get("host") or "")
    port = url.port or url.query.get("port") or _SOCKET_PORT
    server = "localhost" if host in _HERE else host
    return f"{url.get_backend_name()}-{_readable(_database(url))}-{_digest(f'{server}:{port}/{_database(url)}')}"


def _database(url: URL) -> str:
    return url.database or url.username or ""


def _readable(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:60]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
