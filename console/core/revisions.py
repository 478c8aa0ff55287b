"""Which revision a database is at, and which it should be at."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

FOLDER = Path(__file__).resolve().parents[1] / "schema"


@lru_cache(maxsize=1)
def newest() -> str | None:
    """Return the revision this code expects."""
    return ScriptDirectory(str(FOLDER)).get_current_head()


def current(engine: Engine) -> str | None:
    """Return the revision the database is at, ``None`` before the first."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()
