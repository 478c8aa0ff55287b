"""A process of its own that executes one migration, to be killed while it does."""

from __future__ import annotations

from multiprocessing.connection import Connection
from typing import Any

from console.app import create_app
from console.billing import migration as migrate
from console.core.db import db
from console.core.settings import Settings
from console.core.transaction import transaction
from console.staff.models import Staff


def execute(job: dict[str, Any], line: Connection) -> None:
    """Say that all is ready, wait for the word, execute, say that it is done."""
    app = create_app(Settings(database_url=job["database"]))
    with app.app_context():
        actor = db.session.get_one(Staff, job["staff"]).actor()
        db.session.rollback()
        line.send("ready")
        line.recv()
        with transaction():
            migrate.execute(actor, job["ref"], job["digest"], job["key"], lose_exemption=True)
        line.send("done")
