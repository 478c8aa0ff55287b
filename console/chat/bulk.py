"""Writing a group of messages, and what their chats repeat of them, in as few statements as the database allows.

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
    JSON,
    Connection,
    Enum,
    Executable,
    Integer,
    Result,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    column,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute

from console.chat.models import Chat, ChatMessage

Row = dict[str, Any]
Columns = TypeVarTuple("Columns")
MESSAGES: Table = ChatMessage.__table__  # type: ignore[assignment]
CHATS: Table = Chat.__table__  # type: ignore[assignment]


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


def insert_messages(connection: Connection, rows: Sequence[Row]) -> None:
    """Store messages, each with all columns."""
    if connection.dialect.name != "postgresql":
        connection.execute(_INSERT, rows)
    else:
        connection.execute(_insert_told(), _told(rows))


def update_chats(connection: Connection, rows: Sequence[Row]) -> None:
    """Write the same columns of several chats; ``id`` says which."""
    names = tuple(rows[0])
    if connection.dialect.name != "postgresql":
        connection.execute(_update_each(names), [{f"new_{name}": row[name] for name in names} for row in rows])
    else:
        connection.execute(_update_told(names), _told(rows))


# Made once: building and compiling a statement costs as much as running it.
_INSERT = insert(MESSAGES)


@cache
def _insert_told() -> Executable:
    names = tuple(MESSAGES.c.keys())
    told = _recordset(MESSAGES, names)
    return insert(MESSAGES).from_select(names, select(*(told.c[name] for name in names)))


@cache
def _update_each(names: tuple[str, ...]) -> Executable:
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names if name != "id"}
    return update(CHATS).where(CHATS.c.id == bindparam("new_id")).values(values)


@cache
def _update_told(names: tuple[str, ...]) -> Executable:
    told = _recordset(CHATS, names)
    return update(CHATS).where(CHATS.c.id == told.c.id).values({name: told.c[name] for name in names if name != "id"})


def _recordset(table: Table, names: Sequence[str]) -> Any:
    columns = [column(name, _plain(table.c[name].type)) for name in names]
    given = func.json_to_recordset(cast(bindparam("told", type_=Text()), JSON()))
    return given.table_valued(*columns).render_derived(name="told", with_types=True)


def _plain(kind: Any) -> Any:
    return Text() if isinstance(kind, Enum) else kind


def _told(rows: Sequence[Row]) -> dict[str, str]:
    return {"told": json.dumps(rows, default=_written)}


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(value)
