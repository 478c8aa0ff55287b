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


def store(connection: Connection, messages: Sequence[Row], *chats: Sequence[Row]) -> None:
    """Store messages, each with all columns, and what their chats repeat of them in columns of their own.

    Args:
        chats: lists of rows of chats, each a chat's ``id`` and columns to write, the same ones all through a list. A
            chat is in one of them.
    """
    written = [rows for rows in chats if rows]
    if connection.dialect.name == "postgresql":
        parameters = {f"chats_{place}": _json_rows(rows) for place, rows in enumerate(written)}
        statement = _insert_statement(*(tuple(rows[0]) for rows in written))
        connection.execute(statement, parameters | {"messages": _json_rows(messages)})
        return
    connection.execute(_INSERT, messages)
    for rows in written:
        connection.execute(_update_each(tuple(rows[0])), [{f"new_{k}": v for k, v in row.items()} for row in rows])


# Made once: building and compiling a statement costs as much as running it.
_INSERT = insert(MESSAGES)


@cache
def _update_each(names: tuple[str, ...]) -> Executable:
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names if name != "id"}
    return update(CHATS).where(CHATS.c.id == bindparam("new_id")).values(values)


@cache
def _insert_statement(*chats: tuple[str, ...]) -> Executable:
    """Insert the messages and update their chats, in one round trip."""
    names = tuple(MESSAGES.c.keys())
    recordset = _recordset(MESSAGES, names, "messages")
    stored = insert(MESSAGES).from_select(names, select(*(recordset.c[name] for name in names)))
    for place, columns in enumerate(chats):
        stored = stored.add_cte(_update_statement(columns, f"chats_{place}").cte(f"written_{place}"))
    return stored


def _update_statement(names: tuple[str, ...], parameter: str) -> Update:
    recordset = _recordset(CHATS, names, parameter)
    return (
        update(CHATS)
        .where(CHATS.c.id == recordset.c.id)
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
