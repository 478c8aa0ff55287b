"""Full-text search: FTS5 on SQLite, tsvector on PostgreSQL, one table a kind of thing.

Rows are written by the verbs in the transaction that changes the thing. Every
word of the query must begin a word of the text, or be another form of one. Words
are folded (``console.core.text``) and stemmed (``console.core.stemming``) by us on both
sides, so neither database's own language rules matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from sqlalchemy import (
    BindParameter,
    Double,
    Float,
    Select,
    SQLColumnExpression,
    String,
    Subquery,
    bindparam,
    cast,
    column,
    exists,
    false,
    func,
    literal,
    literal_column,
    select,
    table,
    text,
    union_all,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import Integer

from console.core.stemming import forms
from console.core.text import words as split_words

RULES = 3  # of what is in an index; raised, every index is made again (console.reindexing)
LIMIT = 1_000
MAX_WORDS = 8
MAX_CONTENT = 200_000  # characters of one thing; a tsvector ends at a megabyte
MERGED_PAGES = 500  # of a search table in one go
TITLE_WEIGHT = 10.0
COMMON = 10_000  # rows; of a word that more have, only the newest that have it as it is are hits of a list
_IF_COMMON, _NOTHING = "CASE WHEN (SELECT common FROM asked) THEN", '""'


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

    def remove_many(self, session: Session, keys: list[int]) -> None:
        """Take things out of the index."""
        if keys:
            column = "rowid" if _is_sqlite(session) else "id"
            rows = [{"key": key} for key in keys]
            session.execute(text(f"DELETE FROM {self.table} WHERE {column} = :key"), rows)  # noqa: S608

    def tidy(self, session: Session, *, begin: bool = False) -> bool:
        """Merge a part of what SQLite keeps apart after very many rows were replaced; tell whether there is more.

        PostgreSQL's autovacuum does the like.

        Args:
            begin: of all there is; else it goes on with what was begun.
        """
        if not _is_sqlite(session):
            return False
        # As https://sqlite.org/fts5.html#the_merge_command has it: a negative number begins as "optimize" does, and
        # fewer than two changes are none.
        before = session.scalar(text("SELECT total_changes()")) or 0
        session.execute(
            text(f"INSERT INTO {self.table} ({self.table}, rank) VALUES ('merge', :pages)"),  # noqa: S608
            {"pages": -MERGED_PAGES if begin else MERGED_PAGES},
        )
        return (session.scalar(text("SELECT total_changes()")) or 0) - before >= 2

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
        self,
        session: Session,
        column: SQLColumnExpression[int],
        query: str,
        *,
        whole: bool = False,
        most: int | None = None,
    ) -> ColumnElement[bool] | None:
        """Return the condition "``column`` is one of the newest hits": of at most 1,000, or ``most``.

        ``None`` when the query is blank, which means: everything. One without a word is no hit of anything.

        Args:
            whole: one of all hits; for exports and where there is a narrower condition too.
        """
        if not query.strip():
            return None
        parts = _telling(split_words(query)[:MAX_WORDS])
        if not parts:
            return false()
        return column.in_(self._hits(session, parts, "" if whole else f"ORDER BY {{}} DESC LIMIT {most or LIMIT}"))

    def _hits(self, session: Session, parts: list[str], newest: str) -> Any:
        if _is_sqlite(session):
            # Ordered by rowid, newest first: ranking would read every hit of a common word.
            order = newest.format("rowid")
            sql = f"SELECT rowid AS id FROM {self.table} WHERE {self.table} MATCH :query {order}"  # noqa: S608
            query = _fts_question(parts)
        else:
            order = newest.format("id")
            sql = f"SELECT id FROM {self.table} WHERE words @@ to_tsquery('simple', :query) {order}"  # noqa: S608
            query = _ts_question(parts)
        hits = text(sql).bindparams(_written("query", query)).columns(id=Integer).subquery()
        return Select(hits.c.id)


@dataclass(frozen=True)
class RankedIndex(SearchIndex):
    """An index whose rows have a title; a hit there counts more than one in the text.

    Its content is ``(title, text)``. Hits are ranked among the newest 1,000: a common word would
    else be ranked over the whole table.
    """

    def put_titled(self, session: Session, key: int, title: str, content: str, *, new: bool = False) -> None:
        """Index a thing by its title and its text, in place of what was there."""
        self.put_titled_many(session, [(key, title, content)], new=new)

    def put_titled_many(self, session: Session, rows: list[tuple[int, str, str]], *, new: bool = False) -> None:
        """Index many at once; ``new`` where none of them was there before."""
        if not rows:
            return
        sqlite = _is_sqlite(session)
        if not new:
            column = "rowid" if sqlite else "id"
            session.execute(
                text(f"DELETE FROM {self.table} WHERE {column} = :key"),  # noqa: S608
                [{"key": key} for key, _title, _content in rows],
            )
        values = [
            {"key": key, "title": _searchable(title), "words": _searchable(content[:MAX_CONTENT])}
            for key, title, content in rows
        ]
        if sqlite:
            insert = f"INSERT INTO {self.table} (rowid, title, words) VALUES (:key, :title, :words)"  # noqa: S608
        else:
            insert = (
                f"INSERT INTO {self.table} (id, words) VALUES (:key, "  # noqa: S608
                "setweight(to_tsvector('simple', :title), 'A') || to_tsvector('simple', :words))"
            )
        session.execute(text(insert), values)

    def ranked(self, session: Session, query: str, within: Select[int] | None = None) -> Subquery | None:
        """Return the newest hits as rows ``id, rank``, the best the highest; ``None`` where the query is blank.

        A query without a word is no hit of anything.

        Args:
            within: the keys that may be hits, applied before the newest are taken: a narrowed list, what one may see.
        """
        if not query.strip():
            return None
        parts = _telling(split_words(query)[:MAX_WORDS])
        if not parts:
            return select(literal(0).label("id"), literal(0.0).label("rank")).where(false()).subquery("hits")
        hits = self._best_fts(parts, within) if _is_sqlite(session) else self._best_tsvector(parts, within)
        return hits.subquery("hits")

    def _best_fts(self, parts: list[str], within: Select[int] | None) -> Select[Any]:
        """Rank by bm25; of words that very many rows have as they are, take the newest of these rows.

        Both bm25 and the beginning of a word read every hit there is, however few of them are wanted: half of a
        million tickets for a common word.
        """
        begun, exact = _fts_question(parts), _fts_question(parts, whole_words=True)
        having = text(f"SELECT 1 AS one FROM {self.table} WHERE {self.table} MATCH :asked LIMIT {COMMON + 1}")  # noqa: S608
        rows = having.bindparams(_written("asked", exact)).columns(one=Integer).subquery("having")
        is_common = select((func.count() > COMMON).label("common")).select_from(rows)
        # bm25 is the better the lower.
        bm25 = literal_column(f"-bm25({self.table}, {TITLE_WEIGHT}, 1.0)", Float)
        ranked = self._newest_fts(f"{_IF_COMMON} '{_NOTHING}' ELSE :match END", _written("match", begun), bm25, within)
        newest = self._newest_fts(
            f"{_IF_COMMON} :exact ELSE '{_NOTHING}' END", _written("exact", exact), literal(0.0), within
        )
        both = union_all(select(ranked.subquery("ranked")), select(newest.subquery("newest"))).subquery("hits")
        return select(both).add_cte(is_common.cte("asked").prefix_with("MATERIALIZED"))

    def _newest_fts(
        self, match: str, question: BindParameter[str], rank: ColumnElement[float], within: Select[int] | None
    ) -> Select[Any]:
        """Select the newest hits. ``match``: SQL of what is to match, with ``question`` in it."""
        key = literal_column(f"{self.table}.rowid", Integer)
        newest: Any = (
            select(key.label("id"), rank.label("rank"))
            .select_from(table(self.table))
            .where(text(f"{self.table} MATCH {match}").bindparams(question))
            .order_by(key.desc())
            .limit(_most())
        )
        if within is not None:
            # Looked up hit by hit: listed first, they would all be listed for a thousand hits.
            allowed = within.subquery("allowed")
            newest = newest.where(exists().where(allowed.c[0] == key))
        found: Select[Any] = newest
        return found

    def _best_tsvector(self, parts: list[str], within: Select[int] | None) -> Select[Any]:
        words = _written("match", _ts_question(parts))
        match = func.to_tsquery(literal_column("'simple'::regconfig"), words)
        index = table(self.table, column("id", Integer), column("words"))
        newest = (
            select(index.c.id, index.c.words)
            .where(index.c.words.op("@@")(match))
            .order_by(index.c.id.desc())
            .limit(_most())
        )
        if within is not None:
            newest = newest.where(index.c.id.in_(within))
        best = newest.subquery("newest")
        return select(best.c.id, cast(func.ts_rank(best.c.words, match), Double).label("rank"))


def rules_now() -> str:
    """Return by which rules an index is written now: ours, and the stemmer's."""
    return f"{RULES} snowballstemmer {version('snowballstemmer')}"


def rules_of(session: Session) -> str | None:
    """Return by which rules the indexes were written."""
    rules: str | None = session.scalar(text("SELECT rules FROM search_rules"))
    return rules


def keep_rules(session: Session) -> None:
    """Note that the indexes were written by the present rules."""
    session.execute(text("UPDATE search_rules SET rules = :rules"), {"rules": rules_now()})


def create_ranked_table(op: Any, table: str) -> None:
    """Create a :class:`RankedIndex`'s table in an Alembic revision."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"CREATE VIRTUAL TABLE {table} USING fts5(title, words, prefix='2 3', tokenize='ascii')")
    else:
        op.execute(f"CREATE TABLE {table} (id BIGINT PRIMARY KEY, words tsvector NOT NULL)")
        op.execute(f"CREATE INDEX ix_{table}_words ON {table} USING gin (words)")


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


def _most() -> BindParameter[int]:
    """Return how many hits are ranked, as it is written into the statement: it decides how they are looked for."""
    return bindparam("most", LIMIT, type_=Integer(), literal_execute=True)


def _written(name: str, match: str) -> BindParameter[str]:
    """Return a query as it is written into the statement, letters and digits alone.

    As a parameter of a prepared statement PostgreSQL would take it for a word of average rareness, and read the
    whole table for a rare one.
    """
    return bindparam(name, match, type_=String(), literal_execute=True)


def _telling(parts: list[str]) -> list[str]:
    """Leave out single letters next to longer words: the K of ``K-10482`` begins a word of every account."""
    return [part for part in parts if len(part) > 1] or parts


def asks_nothing(query: str) -> bool:
    """Return whether something was typed and nothing of it can be searched for: signs, an emoji."""
    return bool(query.strip()) and not split_words(query)


def _fts_question(parts: list[str], *, whole_words: bool = False) -> str:
    """Write for FTS5: each word begins one of the text (or is one, of ``whole_words``), or has a form that is in it."""
    begins = "" if whole_words else "*"
    groups = ([f'"{part}"{begins}', *(f'"{form}"' for form in forms(part))] for part in parts)
    return " AND ".join(f"({' OR '.join(group)})" for group in groups)


def _ts_question(parts: list[str]) -> str:
    """Write the same for PostgreSQL."""
    groups = ([f"{part}:*", *forms(part)] for part in parts)
    return " & ".join(f"({' | '.join(group)})" for group in groups)


def _searchable(content: str) -> str:
    """Fold and cut into words: ``prodavnica-jasen.rs`` is found by each of its parts. Then the forms of all, once."""
    found = split_words(content)
    distinct = dict.fromkeys(found)
    more = dict.fromkeys(form for word in distinct for form in forms(word))
    return " ".join([*found, *(form for form in more if form not in distinct)])


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
