"""Writing a group of messages, and what their chats repeat of them, in as few statements as the database allows.

SQLite runs one statement for many rows within the process. PostgreSQL is told a column at a time, as arrays: a
statement for each row, even in a pipeline, makes gevent's hub wait for the connection again and again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import JSON, Connection, Executable, Table, Text, bindparam, cast, func, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from console.chat.models import Chat, ChatMessage

Row = dict[str, Any]
MESSAGES: Table = ChatMessage.__table__  # type: ignore[assignment]
CHATS: Table = Chat.__table__  # type: ignore[assignment]


def insert_messages(connection: Connection, rows: Sequence[Row]) -> None:
    """Store messages, each with all columns."""
    if connection.dialect.name != "postgresql":
        connection.execute(_INSERT, rows)
        return
    plain = [row | {"kind": row["kind"].value, "data": json.dumps(row["data"])} for row in rows]
    connection.execute(_insert_arrays(), _columns(plain, tuple(MESSAGES.c.keys())))


def update_chats(connection: Connection, rows: Sequence[Row]) -> None:
    """Write the same columns of several chats; ``id`` says which."""
    names = tuple(rows[0])
    if connection.dialect.name != "postgresql":
        connection.execute(_update_each(names), [{f"new_{name}": row[name] for name in names} for row in rows])
    else:
        connection.execute(_update_arrays(names), _columns(rows, names))


# Made once: building and compiling a statement costs as much as running it.
_INSERT = insert(MESSAGES)


@cache
def _insert_arrays() -> Executable:
    names = tuple(MESSAGES.c.keys())
    return insert(MESSAGES).from_select(names, select(*(_unnested(MESSAGES, name) for name in names)))


@cache
def _update_each(names: tuple[str, ...]) -> Executable:
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names if name != "id"}
    return update(CHATS).where(CHATS.c.id == bindparam("new_id")).values(values)


@cache
def _update_arrays(names: tuple[str, ...]) -> Executable:
    told = select(*(_unnested(CHATS, name).label(name) for name in names)).subquery("told")
    return update(CHATS).where(CHATS.c.id == told.c.id).values({name: told.c[name] for name in names if name != "id"})


def _unnested(table: Table, name: str) -> Any:
    kind: TypeEngine[Any] = table.c[name].type
    if isinstance(kind, JSON):
        return cast(func.unnest(bindparam(f"all_{name}", type_=ARRAY(Text))), JSON)
    if name == "kind":
        kind = Text()
    return func.unnest(bindparam(f"all_{name}", type_=ARRAY(kind)), type_=kind)


def _columns(rows: Sequence[Row], names: Sequence[str]) -> dict[str, list[Any]]:
    return {f"all_{name}": [row[name] for row in rows] for name in names}
