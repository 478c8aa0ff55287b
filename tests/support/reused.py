"""PostgreSQL databases that test after test uses, put back to what the template holds.

Making one creates six hundred files, which took longer than most tests; putting one back takes some milliseconds.
"""

from __future__ import annotations

from itertools import count
from typing import Any

import psycopg
from psycopg import sql

from tests.support.postgres import Postgres

_LARGE = 256 * 1024  # bytes; above it a table is made anew, so that no test reads over what earlier ones left behind

# Whatever a test may have changed besides rows: then the database is not used again.
_SHAPE = """
    SELECT (SELECT count(*) FROM pg_class),
           (SELECT sum(relnatts + relchecks + reltuples) FROM pg_class WHERE relnamespace = 'public'::regnamespace),
           (SELECT count(*) FROM pg_attribute WHERE attisdropped), (SELECT count(*) FROM pg_trigger),
           (SELECT count(*) FROM pg_trigger WHERE tgenabled = 'O'), (SELECT count(*) FROM pg_constraint),
           (SELECT count(*) FROM pg_proc), (SELECT count(*) FROM pg_statistic)
"""
_WRITTEN = """
    SELECT relname, pg_relation_size(oid) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0
"""
_COUNTERS = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1"
_END_OTHERS = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


class Reused:
    """The databases of one PostgreSQL that are free for the next test."""

    def __init__(self, server: Postgres, template: str) -> None:
        self._server = server
        self._template = template
        self._free: list[str] = []
        self._numbers = count(1)
        with self._connect(template) as connection:
            self._shape = connection.execute(_SHAPE).fetchone()
            self._counters = connection.execute(_COUNTERS).fetchall()
            self._rows = {name: _copy(connection, name) for name, _ in connection.execute(_WRITTEN).fetchall()}

    def take(self) -> str:
        """Return the name of a database as the template is."""
        if self._free:
            return self._free.pop()
        name = f"test_{next(self._numbers)}"
        self._server.create(name, self._template)
        return name

    def give_back(self, name: str) -> None:
        """Put a database back for the next test, or drop it where more than rows was changed."""
        with self._connect(name) as connection:
            connection.execute(_END_OTHERS)
            same = connection.execute(_SHAPE).fetchone() == self._shape
            if same:
                self._put_back(connection)
        if same:
            self._free.append(name)
        else:
            self._server.drop(name)

    def _put_back(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute("SET session_replication_role = replica")  # the audit log's triggers let no row go
        for table, size in connection.execute(_WRITTEN).fetchall():
            how = "TRUNCATE {} CASCADE" if size > _LARGE else "DELETE FROM {}"
            connection.execute(sql.SQL(how).format(sql.Identifier(table)))
        for table, rows in self._rows.items():
            into = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
            with connection.cursor() as cursor, cursor.copy(into) as copy:
                copy.write(rows)
        for sequence, last in self._counters:
            connection.execute("SELECT setval(%s, %s, %s)", (f'"{sequence}"', last or 1, last is not None))

    def _connect(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(host=str(self._server.folder), user="postgres", dbname=database)


def _copy(connection: psycopg.Connection[Any], table: str) -> bytes:
    out = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))
    with connection.cursor() as cursor, cursor.copy(out) as copy:
        return b"".join(bytes(part) for part in copy)
