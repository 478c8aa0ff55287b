"""Reading and writing many rows of one kind, in as few statements as the database allows.

SQLite runs one statement for many rows within the process. PostgreSQL is told them as one JSON text: a statement for
each row, even in a pipeline, makes gevent's hub wait for the connection again and again, and arrays psycopg puts
together in Python, value by value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Generic, TypeVarTuple

from sqlalchemy import (
    ARRAY,
    JSON,
    Connection,
    Enum,
    Executable,
    Integer,
    Result,
    Select,
    Table,
    Text,
    Update,
    any_,
    bindparam,
    cast,
    column,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

Row = dict[str, Any]
Columns = TypeVarTuple("Columns")


class ByKeys(Generic[*Columns]):
    """A select of rows by their keys, however many. PostgreSQL gets them as one array: it plans one statement once."""

    def __init__(self, query: Select[*Columns], key: InstrumentedAttribute[int]) -> None:
        self._listed = query.where(key.in_(bindparam("keys", expanding=True)))
        self._array = query.where(key == any_(cast(bindparam("keys", type_=Text()), ARRAY(Integer))))

    def read(self, connection: Connection, keys: Iterable[int]) -> Result[*Columns]:
        """Return the rows with these keys."""
        ordered = sorted(set(keys))
        if connection.dialect.name != "postgresql":
            return connection.execute(self._listed, {"keys": ordered})
        return connection.execute(self._array, {"keys": f"{{{','.join(map(str, ordered))}}}"})


def insert_keyed(session: Session, table: Table, rows: Sequence[Row]) -> list[int]:
    """Insert rows of a table that nothing is ever deleted from, each with all columns; return their keys in order.

    SQLite answers RETURNING a row at a time where the order counts, at ten times the cost; it has one writer, who
    knows the next key.
    """
    if not rows:
        return []
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        last = connection.scalar(select(func.max(table.c.id))) or 0
        connection.execute(_insert(table), [{"id": last + place, **row} for place, row in enumerate(rows, 1)])
        return list(range(last + 1, last + 1 + len(rows)))
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return list(connection.scalars(statement.execution_options(render_nulls=True), list(rows)))


def insert_and_update(
    connection: Connection, into: Table, rows: Sequence[Row], table: Table, *updates: Sequence[Row]
) -> None:
    """Insert rows, and update rows of another table by their ``id``.

    Args:
        rows: what is inserted, each with all columns.
        updates: lists of rows of ``table``, each its ``id`` and the columns to write, the same ones all through a list.
            A row is in one of them.
    """
    written = [part for part in updates if part]
    if connection.dialect.name == "postgresql":
        parameters = {f"updates_{place}": _json_rows(part) for place, part in enumerate(written)}
        statement = _insert_and_update(into, table, *(tuple(part[0]) for part in written))
        connection.execute(statement, parameters | {"inserts": _json_rows(rows)})
        return
    connection.execute(_insert(into), rows)
    for part in written:
        values = [{f"new_{name}": value for name, value in row.items()} for row in part]
        connection.execute(_update_each(table, tuple(part[0])), values)


# Made once: building and compiling a statement costs as much as running it.
@cache
def _insert(table: Table) -> Executable:
    return insert(table)


@cache
def _update_each(table: Table, names: tuple[str, ...]) -> Executable:
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names if name != "id"}
    return update(table).where(table.c.id == bindparam("new_id")).values(values)


@cache
def _insert_and_update(into: Table, table: Table, *updates: tuple[str, ...]) -> Executable:
    """Do all of it in one round trip."""
    names = tuple(into.c.keys())
    recordset = _recordset(into, names, "inserts")
    stored = insert(into).from_select(names, select(*(recordset.c[name] for name in names)))
    for place, columns in enumerate(updates):
        stored = stored.add_cte(_update_statement(table, columns, f"updates_{place}").cte(f"written_{place}"))
    return stored


def _update_statement(table: Table, names: tuple[str, ...], parameter: str) -> Update:
    recordset = _recordset(table, names, parameter)
    return (
        update(table)
        .where(table.c.id == recordset.c.id)
        .values({name: recordset.c[name] for name in names if name != "id"})
    )


def _recordset(table: Table, names: Sequence[str], parameter: str) -> Any:
    columns = [column(name, _plain(table.c[name].type)) for name in names]
    rows_of_json = func.json_to_recordset(cast(bindparam(parameter, type_=Text()), JSON()))
    return rows_of_json.table_valued(*columns).render_derived(name=f"rows_{parameter}", with_types=True)


def _plain(kind: Any) -> Any:
    return Text() if isinstance(kind, Enum) else kind


def _json_rows(rows: Sequence[Row]) -> str:
    return json.dumps(rows, default=_written)


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(value)
