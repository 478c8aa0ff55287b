"""Where a bench works: databases made for it and thrown away after it, never the configured one."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

from flask import Flask
from sqlalchemy import create_engine, make_url, text

from console.app import create_app
from console.core.actor import SYSTEM
from console.core.db import db, update_statistics
from console.core.passwords import hash_password
from console.core.settings import DEMO_PASSWORD, Settings
from console.core.transaction import transaction
from console.setup import prepare_database
from console.staff.roles import Role
from console.staff.service import add_staff


@contextmanager
def temporary_database(server: str | None) -> Iterator[str]:
    """Yield the address of a new, empty database.

    Args:
        server: a PostgreSQL on which a database may be created; ``None`` is a SQLite file.
    """
    if server is None:
        with tempfile.TemporaryDirectory(prefix="console-bench-") as folder:
            yield f"sqlite:///{Path(folder) / 'bench.sqlite3'}"
        return
    url = make_url(Settings.from_environ({"CONSOLE_DATABASE_URL": server}).database_url)
    name = f"console_bench_{token_hex(6)}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
            try:
                yield url.set(database=name).render_as_string(hide_password=False)
            finally:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        engine.dispose()


def know_the_tables() -> None:
    """Update the statistics that queries are planned by, as autovacuum and our worker would have by now."""
    with transaction() as session:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("ANALYZE"))
        update_statistics(session)


@contextmanager
def temporary_app(server: str | None, **settings: Any) -> Iterator[Flask]:
    """Yield an application on a database of its own, with its tables, with further ``settings``."""
    with temporary_database(server) as url:
        app = create_app(Settings(env="development", database_url=url, **settings))
        with app.app_context():
            prepare_database()
        try:
            yield app
        finally:
            with app.app_context():
                db.session.remove()
                db.engine.dispose()


def add_people(url: str) -> None:
    """Make the tables of an empty database, an agent and a supervisor, named as in the demo."""
    app = create_app(Settings(database_url=url))
    with app.app_context():
        prepare_database()
        hashed = hash_password(DEMO_PASSWORD)
        with transaction():
            for role in (Role.AGENT, Role.SUPERVISOR):
                email = f"{role.value}@example.test"
                add_staff(SYSTEM, email=email, name="Merač Brzine", role=role, password_hash=hashed)
        db.session.remove()
        db.engine.dispose()


def engine_name(server: str | None) -> str:
    """Return what the figures are about."""
    return "SQLite" if server is None else "PostgreSQL"


def machine() -> str:
    """Return what the figures were taken on, as far as they depend on it."""
    return f"{os.cpu_count()} cores, Python {platform.python_version()}"
