"""Counting the statements a piece of code sends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from flask import Flask
from sqlalchemy import event

from console.core.db import db
from console.hours import queries as hours

_SETTINGS = "FROM settings"  # a process looks now and then, whoever's page it is
_FRAME = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA", "SAVEPOINT", "RELEASE")


class Queries(list[str]):
    """The statements sent, without those that only frame a transaction."""

    @property
    def count(self) -> int:  # type: ignore[override]  # how many; nobody counts one statement
        return len(self)


@contextmanager
def count_queries(app: Flask) -> Iterator[Queries]:
    """Gather what is sent to the database of ``app`` inside the block."""
    seen = Queries()

    def on_execute(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.lstrip().upper().startswith(_FRAME) and _SETTINGS not in statement:
            seen.append(statement)

    with app.app_context():
        hours.cached_calendar()  # the sign in the top bar: a process looks now and then, whoever's page it is
        db.session.rollback()
        engine = db.engine
    event.listen(engine, "before_cursor_execute", on_execute)
    try:
        with patch.object(hours, "MAX_AGE", 3600.0):  # also where the block takes longer than it is cached
            yield seen
    finally:
        event.remove(engine, "before_cursor_execute", on_execute)
