"""The SQLite file, as other programs find it while the console serves."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

from sqlalchemy import Connection, create_engine

from console.core.db import WRITES, prepare_engine

COUNT = "SELECT count(*) FROM note"
LOOK = f"import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute({COUNT!r}).fetchone())"


def write(connection: Connection, number: int) -> None:
    with connection.execution_options(**{WRITES: True}).begin():
        connection.exec_driver_sql("INSERT INTO note VALUES (?)", (number,))


def test_another_program_that_looks_in_costs_no_commit(tmp_path: Path) -> None:
    """A process loses its locks on a file with the first handle on it that it closes.

    Whoever came next then took the journal away as the last to leave, and what was committed later went with it.
    """
    path = tmp_path / "console.sqlite3"
    engine = create_engine(f"sqlite:///{path}")
    prepare_engine(engine)

    def look() -> int:
        done = subprocess.run([sys.executable, "-c", LOOK, str(path)], capture_output=True, text=True, check=True)
        return int(done.stdout)

    with ExitStack() as held:
        connections = [held.enter_context(engine.connect())]
        with connections[0].execution_options(**{WRITES: True}).begin():
            connections[0].exec_driver_sql("CREATE TABLE note (number INTEGER)")
        for number in range(1, 4):
            connections.append(held.enter_context(engine.connect()))  # a new one: all before are in use
            assert look() == number - 1
            write(connections[0], number)
            assert look() == number
        assert path.with_name(f"{path.name}-wal").exists()
    with closing(sqlite3.connect(path)) as later:
        assert later.execute(COUNT).fetchone() == (3,)
    engine.dispose()
