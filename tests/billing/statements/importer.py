"""A process of its own that imports a statement, and kills itself at a chosen step."""

from __future__ import annotations

import os
import signal
from itertools import count
from multiprocessing.connection import Connection
from typing import Any

import pytest
from sqlalchemy import event

from console.app import create_app
from console.billing.statements import importing
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.settings import Settings
from tests.billing.statements.scene import bring_in


def run(job: dict[str, Any], line: Connection) -> None:
    """Import ``content``, or in groups of ``group`` what waits; at the step ``kill`` (0: at none) nothing goes on.

    Every statement is a step, BEGIN and COMMIT included. At the end say how many there were.
    """
    app = create_app(Settings(database_url=job["database"], files=job["files"]))
    steps = count(1)

    def step(*_: object) -> None:
        if next(steps) == job["kill"]:
            os.kill(os.getpid(), signal.SIGKILL)

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", step)
        event.listen(db.engine, "commit", step)
        if "content" in job:
            bring_in(job["content"], actor=SYSTEM)
        else:
            pytest.MonkeyPatch().setattr(importing, "GROUP", job["group"])  # this process ends with it
            importing.import_due()
        line.send(next(steps) - 1)
