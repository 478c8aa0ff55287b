"""PostgreSQL databases that test after test uses, put back to what the template holds.

Making one creates six hundred files, which took longer than most tests; putting one back takes some milliseconds.
"""

from __future__ import annotations

from itertools import count
from typing import Any

import psycopg
from psycopg import sql

from tests.support.postgres import Postgres

# Whatever a test may have changed besides rows: then the database is not used again. Statistics of tables count, as
# they change plans; but VACUUM of an empty table notes that it has no rows, which says no more than nothing noted.
_SHAPE = """
    SELECT (SELECT count(*) FROM pg_class),
           (SELECT sum(relnatts + relchecks) FROM pg_class WHERE relnamespace = 'public'::regnamespace),
           (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND reltuples > 0),
           (SELECT count(*) FROM pg_attribute WHERE attisdropped), (SELECT count(*) FROM pg_trigger),
           (SELECT count(*) FROM pg_trigger WHERE tgenabled = 'O'), (SELECT count(*) FROM pg_constraint),
           (SELECT count(*) FROM pg_proc), (SELECT count(*) FROM pg_statistic)
"""
_WRITTEN = """
    SELECT relname FROM pg_class
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
            self._rows = {name: _copy(connection, name) for (name,) in connection.execute(_WRITTEN).fetchall()}
            self._baseline = self._sums(connection)

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
            connection.commit()
            if same:
                connection.autocommit = True  # else there is no VACUUM
                self._put_back(connection)
        if same:
            self._free.append(name)
        else:
            self._server.drop(name)

    def _put_back(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute("SET session_replication_role = replica")  # the audit log's triggers let no row go
        sums = self._sums(connection)
        unchanged = {table for table, total in self._baseline.items() if sums[table] == total}
        tables = [table for (table,) in connection.execute(_WRITTEN).fetchall()]
        written = [sql.Identifier(table) for table in tables if table not in unchanged]
        if written:
            connection.execute(sql.SQL("; ").join(sql.SQL("DELETE FROM {}").format(table) for table in written))
            # The rows of the next test follow each other from the first page on, as in a new database.
            connection.execute(sql.SQL("VACUUM {}").format(sql.SQL(", ").join(written)))
        steps: list[sql.Composable] = []
        before = dict(self._counters)
        for sequence, last in connection.execute(_COUNTERS).fetchall():
            if last != before[sequence]:
                first = before[sequence]
                values = (sql.Literal(f'"{sequence}"'), sql.Literal(first or 1), sql.Literal(first is not None))
                steps.append(sql.SQL("SELECT setval({}, {}, {})").format(*values))
        if steps:
            connection.execute(sql.SQL("; ").join(steps))
        for table in self._rows.keys() - unchanged:
            into = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
            with connection.cursor() as cursor, cursor.copy(into) as copy:
                copy.write(self._rows[table])

    def _sums(self, connection: psycopg.Connection[Any]) -> dict[str, tuple[int, int]]:
        """Return of each table that has rows in the template how many it has, and a sum over all they say."""
        each = "SELECT {}, count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {} t"
        parts = [sql.SQL(each).format(sql.Literal(table), sql.Identifier(table)) for table in self._rows]
        rows = connection.execute(sql.SQL(" UNION ALL ").join(parts)).fetchall()
        return {table: (many, total) for table, many, total in rows}

    def _connect(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(host=str(self._server.folder), user="postgres", dbname=database)


def _copy(connection: psycopg.Connection[Any], table: str) -> bytes:
    out = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))
    with connection.cursor() as cursor, cursor.copy(out) as copy:
        return b"".join(bytes(part) for part in copy)
