"""Alembic's way in. One transaction for all revisions, batch mode because SQLite cannot alter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from alembic import context
from flask import current_app
from sqlalchemy.engine import Connection
from sqlalchemy.schema import SchemaItem

from console.core.db import WRITES, Base, Instant, db


def include_object(item: SchemaItem, name: str | None, kind: str, _reflected: bool, _other: SchemaItem | None) -> bool:
    """Leave the search tables out of comparisons: they are no ORM tables (console.core.search)."""
    if kind == "table":
        return not (name or "").startswith("search_")
    return not (kind == "index" and (name or "").startswith("ix_search_"))


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our column types as what they are in the database: revisions outlive our code."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Instant) else False


def run() -> None:
    """Run the revisions asked for on the application's database."""
    arguments: dict[str, Any] = current_app.extensions["migrate"].configure_args
    with db.engine.connect() as connection:
        connection = connection.execution_options(**{WRITES: True})  # noqa: PLW2901
        with _tables_may_be_remade(connection):
            context.configure(
                connection=connection,
                target_metadata=Base.metadata,
                include_object=include_object,
                render_item=render_item,
                **arguments,
            )
            with context.begin_transaction():
                context.run_migrations()
                _check_references(connection)


@contextmanager
def _tables_may_be_remade(connection: Connection) -> Iterator[None]:
    """Switch SQLite's foreign keys off while tables are copied and dropped: outside of a transaction, or it is ignored.

    https://www.sqlite.org/lang_altertable.html#otheralter
    """
    raw = connection.connection.driver_connection if connection.dialect.name == "sqlite" else None
    if raw is None:
        yield
        return
    raw.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        raw.rollback()  # nothing is left to undo, unless a revision failed
        raw.execute("PRAGMA foreign_keys=ON")


def _check_references(connection: Connection) -> None:
    """Look at every reference before the revisions are committed, since none was checked meanwhile."""
    if connection.dialect.name == "sqlite":
        wrong = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if wrong:
            raise RuntimeError(f"rows refer to what is not there: {wrong[:5]}")


run()
