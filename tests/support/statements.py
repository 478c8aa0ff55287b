"""Compiled SQL, kept for all applications of a test process.

Each test has an application with an engine of its own, and all send the same statements; compiling them was the
largest part of a test's time. SQLAlchemy finds a compiled statement by its dialect: those of one class are equal here.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

_compiled: dict[Any, Any] = {}


class _Equal:
    """A dialect that equals every other of its class."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        """Let the new engine look where the others put what they compiled."""
        engine.update_execution_options(compiled_cache=_compiled)


class Sqlite(_Equal, SQLiteDialect_pysqlite):
    supports_statement_cache = True


class PostgreSQL(_Equal, PGDialect_psycopg):
    supports_statement_cache = True


def keep_compiled() -> None:
    """Let each statement be compiled once in this process and for each database."""
    registry.register("sqlite", __name__, Sqlite.__name__)
    registry.register("postgresql.psycopg", __name__, PostgreSQL.__name__)
