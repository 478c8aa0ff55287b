"""Which external ids a file has named already, in bounded memory."""

from __future__ import annotations

import sqlite3
from contextlib import closing


class Seen:
    """Remembers keys and the row each stood in (a context manager).

    A private temporary database of SQLite's, which goes to a temporary file by
    itself when it grows: a file of millions of rows takes no more memory.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        with closing(self._database.cursor()) as cursor:
            cursor.execute("PRAGMA journal_mode=OFF")
            cursor.execute("CREATE TABLE seen (key TEXT PRIMARY KEY, row INTEGER NOT NULL) WITHOUT ROWID")
            cursor.execute("BEGIN")

    def __enter__(self) -> Seen:
        return self

    def __exit__(self, *_error: object) -> None:
        self._database.close()

    def before(self, key: str, row: int) -> int | None:
        """Note that ``key`` is in ``row``; return the row it was in before."""
        with closing(self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, row))) as added:
            if added.rowcount:
                return None
        with closing(self._database.execute("SELECT row FROM seen WHERE key = ?", (key,))) as found:
            return int(found.fetchone()[0])
