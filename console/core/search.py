"""Full-text search: FTS5 on SQLite, tsvector on PostgreSQL, one table a kind of thing.

Rows are written by the verbs in the transaction that changes the thing. Every
word of the query must begin a word of the text. Words are folded on both sides
(``console.core.text``), so neither database's own language rules matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, SQLColumnExpression, text
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import Integer

from console.core.text import fold
from console.core.text import words as split_words

LIMIT = 1_000
MAX_WORDS = 8


@dataclass(frozen=True)
class SearchIndex:
    """The index of one kind of thing, rows keyed by the thing's id."""

    table: str

    def put(self, session: Session, key: int, content: str) -> None:
        """Index ``content`` under ``key``, in place of what was there."""
        self.put_many(session, [(key, content)])

    def put_many(self, session: Session, rows: list[tuple[int, str]]) -> None:
        """Index many at once, in place of what was there."""
        if rows:
            keys = [{"key": key} for key, _content in rows]
            column = "rowid" if _is_sqlite(session) else "id"
            session.execute(text(f"DELETE FROM {self.table} WHERE {column} = :key"), keys)  # noqa: S608
            self.put_new(session, rows)

    def put_new(self, session: Session, rows: list[tuple[int, str]]) -> None:
        """Index things that were not there before."""
        if not rows:
            return
        values = [{"key": key, "words": _searchable(content)} for key, content in rows]
        if _is_sqlite(session):
            insert = f"INSERT INTO {self.table} (rowid, words) VALUES (:key, :words)"  # noqa: S608
        else:
            insert = f"INSERT INTO {self.table} (id, words) VALUES (:key, to_tsvector('simple', :words))"  # noqa: S608
        session.execute(text(insert), values)

    def matches(
        self, session: Session, column: SQLColumnExpression[int], query: str, *, whole: bool = False
    ) -> ColumnElement[bool] | None:
        """Return the condition "``column`` is one of the at most 1,000 best hits".

        ``None`` when the query has no word, which means: everything.

        Args:
            whole: one of all hits; for exports and where a narrower condition stands beside it.
        """
        parts = _telling(split_words(query)[:MAX_WORDS])
        if not parts:
            return None
        return column.in_(self._hits(session, parts, "" if whole else f"ORDER BY {{}} DESC LIMIT {LIMIT}"))

    def _hits(self, session: Session, parts: list[str], newest: str) -> Any:
        if _is_sqlite(session):
            # Ordered by rowid, newest first: ranking would read every hit of a common word.
            order = newest.format("rowid")
            sql = f"SELECT rowid AS id FROM {self.table} WHERE {self.table} MATCH :query {order}"  # noqa: S608
            query = " ".join(f'"{part}"*' for part in parts)
        else:
            order = newest.format("id")
            sql = f"SELECT id FROM {self.table} WHERE words @@ to_tsquery('simple', :query) {order}"  # noqa: S608
            query = " & ".join(f"{part}:*" for part in parts)
        hits = text(sql).bindparams(query=query).columns(id=Integer).subquery()
        return Select(hits.c.id)


def create_search_table(op: Any, table: str) -> None:
    """Create an index's table in an Alembic revision."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"CREATE VIRTUAL TABLE {table} USING fts5(words, prefix='2 3', tokenize='ascii')")
    else:
        op.execute(f"CREATE TABLE {table} (id BIGINT PRIMARY KEY, words tsvector NOT NULL)")
        op.execute(f"CREATE INDEX ix_{table}_words ON {table} USING gin (words)")


def drop_search_table(op: Any, table: str) -> None:
    """Drop it again."""
    op.execute(f"DROP TABLE {table}")


def _telling(parts: list[str]) -> list[str]:
    """Leave out single letters beside longer words: the K of ``K-10482`` begins a word of every account."""
    return [part for part in parts if len(part) > 1] or parts


def _searchable(content: str) -> str:
    """Fold, and keep joined forms too, so that ``prodavnica-jasen.rs`` is found by each of its parts."""
    return " ".join(split_words(fold(content)))


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
