from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from flask import Flask
from sqlalchemy import event, select

from console.core.db import db
from console.core.settings import Settings
from console.staff.models import Staff


def test_the_second_application_finds_what_the_first_compiled(
    settings: Settings, make_app: Callable[[Settings], Flask], tmp_path: Path
) -> None:
    statements = []
    for _application in range(2):
        with make_app(replace(settings, files=str(tmp_path / "other"))).app_context():
            event.listen(db.engine, "before_cursor_execute", lambda *values: statements.append(values[4].compiled))
            db.session.scalars(select(Staff).where(Staff.id == 0).limit(7)).all()
    first, second = filter(None, statements)  # what begins a transaction is not compiled
    assert first is second
