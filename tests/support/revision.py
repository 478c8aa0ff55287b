"""Draft a schema revision, as ``make revision MESSAGE="Add tags"``: what models say and revisions do not.

The comparison runs on a temporary SQLite file. What comes out is a draft: read it, and add what moves data by hand.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from console.app import create_app
from console.core.settings import Settings
from console.setup import REVISIONS, prepare_database


def write(message: str) -> None:
    """Write the revision called ``message``, numbered after the last."""
    import flask_migrate

    last = max(int(path.name[:4]) for path in (REVISIONS / "versions").glob("[0-9]*.py"))
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(env="development", database_url=f"sqlite:///{Path(folder) / 'draft.sqlite3'}")
        with create_app(settings).app_context():
            prepare_database()
            flask_migrate.revision(message=message, rev_id=f"{last + 1:04}", autogenerate=True)


if __name__ == "__main__":
    write(sys.argv[1])
