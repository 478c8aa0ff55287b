"""A process of its own that works on one batch, to be killed while it does."""

from __future__ import annotations

import resource
import time
from multiprocessing.connection import Connection
from typing import Any

from console.app import create_app
from console.billing.migration.batches import work
from console.core import clock
from console.core.db import db
from console.core.settings import Settings
from console.core.transaction import transaction


def run(job: dict[str, Any], line: Connection) -> None:
    """Take the batch as soon as its lease is free, work on it to the end, and say how much memory that took."""
    app = create_app(Settings(database_url=job["database"]))
    with app.app_context():
        clock.start_at(clock.now() + job["ahead"])  # past the lease of who was killed
        claimed = None
        while claimed is None:
            claimed = work.claim(job["batch"])
            time.sleep(0 if claimed else 0.05)
        line.send("ready")
        work.work(*claimed)
        with transaction():
            db.session.flush()
        line.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
