"""Inserting a row that may be there already, on both databases.

Looking first and inserting then is right on SQLite alone, where one writes at a time: on PostgreSQL two at once both
find nothing, and the second fails on the unique key. So the key decides, and who comes second waits and finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, cast

from sqlalchemy import Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute

from console.core.db import Base, db

B = TypeVar("B", bound=Base)


def insert_missing(model: type[Base], rows: Sequence[dict[str, Any]], *keys: InstrumentedAttribute[Any]) -> None:
    """Insert those of ``rows`` whose ``keys`` are not there yet, without failing on the others."""
    insert = _insert(cast("Table", model.__table__))
    db.session.execute(insert.values(list(rows)).on_conflict_do_nothing(index_elements=_names(keys)))


def insert_or_find(model: type[B], row: dict[str, Any], *keys: InstrumentedAttribute[Any]) -> tuple[B, bool]:
    """Insert ``row``, or find the one that has its ``keys``; tell with it whether it was inserted.

    Where another transaction is inserting it, this one waits for its end: then the row is found, or was never there.

    Args:
        keys: the columns of one unique key.
    """
    insert = _insert(model).values(**row).on_conflict_do_nothing(index_elements=_names(keys)).returning(model)
    find = select(model).where(*(key == row[key.key] for key in keys)).execution_options(populate_existing=True)
    while True:
        fresh = db.session.scalar(insert)
        if fresh is not None:
            return fresh, True
        found = db.session.scalar(find)
        if found is not None:  # else it was deleted between the two
            return found, False


def _insert(target: Any) -> Any:
    sqlite_ = db.session.get_bind().dialect.name == "sqlite"
    return sqlite.insert(target) if sqlite_ else postgresql.insert(target)


def _names(keys: Sequence[InstrumentedAttribute[Any]]) -> list[str]:
    return [key.key for key in keys]
