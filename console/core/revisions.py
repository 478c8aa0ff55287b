"""Which revision a database is at, and which it should be at.

Alembic is loaded when it is needed: a start needs none of it, and loading it takes as long as a page.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from sqlalchemy import Engine

FOLDER = Path(__file__).resolve().parents[1] / "schema"


@lru_cache(maxsize=1)
def newest() -> str | None:
    """Return the revision this code expects."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(FOLDER)).get_current_head()


def current(engine: Engine) -> str | None:
    """Return the revision the database is at, ``None`` before the first."""
    from alembic.runtime.migration import MigrationContext

    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()
