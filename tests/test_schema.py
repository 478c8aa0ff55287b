"""The revisions go up, down and up again, and make just what the models say, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import inspect

from console.app import create_app
from console.core import revisions
from console.core.db import Base, db
from console.core.settings import Settings
from tests.support.postgres import Postgres


@pytest.fixture(params=[pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("sqlite", "postgresql")])
def blank_app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An application on a database without a single table."""
    server: Postgres | None = None
    url = f"sqlite:///{tmp_path / 'blank.sqlite3'}"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        url = server.create("blank")
    app = create_app(replace(Settings(), database_url=url))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    if server is not None:
        server.drop("blank")


def tables() -> set[str]:
    return set(inspect(db.engine).get_table_names())


def test_up_down_up(blank_app: Flask) -> None:
    flask_migrate.upgrade()
    first = tables()
    assert set(Base.metadata.tables) <= first
    assert revisions.current(db.engine) == revisions.newest()

    flask_migrate.downgrade(revision="base")
    assert tables() == {"alembic_version"}

    flask_migrate.upgrade()
    assert tables() == first


def test_the_models_ask_for_nothing_more(blank_app: Flask) -> None:
    flask_migrate.upgrade()
    flask_migrate.check()  # exits where a new revision would not be empty


@pytest.mark.timeout(120)
def test_check_would_notice(blank_app: Flask) -> None:
    """The check above can fail: a column dropped by hand is found."""
    flask_migrate.upgrade()
    with db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE customers DROP COLUMN phone")
    with pytest.raises(SystemExit):
        flask_migrate.check()
