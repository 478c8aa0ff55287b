"""Inserting a row that may be there already, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute

from console.core.db import Base, db


def insert_missing(model: type[Base], rows: Sequence[dict[str, Any]], *keys: InstrumentedAttribute[Any]) -> None:
    """Insert those of ``rows`` whose ``keys`` are not there yet, without failing on the others."""
    table = cast("Table", model.__table__)
    sqlite_ = db.session.get_bind().dialect.name == "sqlite"
    insert = sqlite.insert(table) if sqlite_ else postgresql.insert(table)
    names = [key.key for key in keys]
    db.session.execute(insert.values(list(rows)).on_conflict_do_nothing(index_elements=names))
