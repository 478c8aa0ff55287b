"""The revisions go up, down and up again, and make just what the models say, on both databases."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import Connection, MetaData, Table, insert, inspect, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from console.app import create_app
from console.core import revisions
from console.core.db import Base, db
from console.core.settings import Settings
from console.mail.links import put_in
from console.setup import use_alembic
from tests.support.postgres import Postgres

pytestmark = pytest.mark.both
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


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
        use_alembic(app)
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
    flask_migrate.check()  # exits where the models ask for more, and a new revision would not be empty


def test_addresses_get_the_spelling_they_are_looked_up_by(blank_app: Flask) -> None:
    flask_migrate.upgrade(revision="0010")
    columns = "(email, name, phone, created_at)"
    with db.engine.begin() as connection:
        for email in ("petar@пошта.срб", "žika@pošta.rs", "ana@example.test", "eva@šuma.rs", "eva@xn--uma-zza.rs"):
            insert = text(f"INSERT INTO people {columns} VALUES (:email, 'X', '', '2026-11-23 10:00:00')")
            connection.execute(insert, {"email": email})
    flask_migrate.upgrade()
    with db.engine.connect() as connection:
        emails = connection.scalars(text("SELECT email FROM people ORDER BY id")).all()
    assert emails == [
        "petar@xn--80a1acn3a.xn--90a3ac",
        "žika@xn--pota-h6a.rs",
        "ana@example.test",
        "eva@šuma.rs",  # another has it already
        "eva@xn--uma-zza.rs",
    ]


@pytest.mark.timeout(120)
def test_check_would_notice(own_app: Flask, session: Session) -> None:
    """The check above can fail: a column dropped by hand is found."""
    use_alembic(own_app)
    with db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE customers DROP COLUMN phone")
    with pytest.raises(SystemExit):
        flask_migrate.check()


def test_services_torn_apart_are_parted_and_named(blank_app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    """What earlier migrations left hanging on another account's service does not stop the revision."""
    flask_migrate.upgrade(revision="0010")
    now = datetime(2026, 11, 2, 10, tzinfo=UTC)
    with db.engine.begin() as connection:
        for key in (1, 2):
            add_row(connection, "customers", id=key, kind="person", tax_status="domestic", status="active",
                    created_at=now)  # fmt: skip
        add_row(connection, "products", id=1, kind="hosting")
        for key, customer, host in ((1, 1, None), (2, 2, 1), (3, 1, 1)):
            add_row(connection, "services", id=key, customer_id=customer, product_id=1, hosted_with_id=host,
                    status="active", started_on=now.date(), paid_until=now.date())  # fmt: skip
            add_row(connection, "service_ownerships", service_id=key, customer_id=customer, from_at=now)
    with caplog.at_level(logging.WARNING):
        flask_migrate.upgrade()
    assert "U-1002 was hosted with U-1001 of another account" in caplog.text
    with db.engine.connect() as connection:
        hosts = connection.execute(text("SELECT id, hosted_with_id FROM services ORDER BY id")).all()
        assert hosts == [(1, None), (2, None), (3, 1)]
    with pytest.raises(IntegrityError), db.engine.begin() as connection:
        connection.execute(text("UPDATE services SET customer_id = 2 WHERE id = 1"))
    with db.engine.begin() as connection:  # both ends in one statement
        connection.execute(text("UPDATE services SET customer_id = 2"))


def add_row(connection: Connection, name: str, **values: Any) -> None:
    """Insert a row of a table as it is now; what is not named and may not be null is empty."""
    table = Table(name, MetaData(), autoload_with=connection)
    for column in table.columns:
        if column.name not in values and not column.nullable and not column.primary_key:
            values[column.name] = column.type.python_type()
    connection.execute(insert(table), values)


def test_links_in_mail_that_was_written_before_are_sealed_or_cut(blank_app: Flask) -> None:
    """What has left keeps no link; what still waits gets it when it is sent. Down again it is as it was."""
    flask_migrate.upgrade(revision="0016")
    link = "https://podrska.example.test/v/Tajna-0123456789-abcdef"
    with db.engine.begin() as connection:
        for key, state in enumerate(("sent", "queued", "cancelled", "failed"), 1):
            add_row(connection, "mail", id=key, message_id=f"<{key}@x>", template="verification_asked", private=True,
                    state=state, text=f"Otvorite {link}\n", html=f'<a href="{link}">da</a>', created_at=NOON,
                    send_after=NOON, attachments=[])  # fmt: skip
    flask_migrate.upgrade()
    with db.engine.connect() as connection:
        rows = connection.execute(text("SELECT text, html, sealed_links FROM mail ORDER BY id")).all()
    assert "Tajna" not in str(rows)
    assert [row.sealed_links is not None for row in rows] == [False, True, False, True]
    expected = (f"Otvorite {link}\n", f'<a href="{link}">da</a>')
    assert [put_in(row.text, row.html, row.sealed_links) == expected for row in rows] == [False, True, False, True]
    flask_migrate.downgrade(revision="0016")
    with db.engine.connect() as connection:
        texts = connection.scalars(text("SELECT text FROM mail ORDER BY id")).all()
    assert [link in one for one in texts] == [False, True, False, True]


def test_sla_targets_keep_what_they_are_under_the_fields_names(blank_app: Flask) -> None:
    flask_migrate.upgrade(revision="0020")
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE promise_rules SET solution = 77 WHERE priority = 4"))
        add_row(connection, "mail", id=1, message_id="<1@x>", template="promises_broken", private=True, state="sent",
                text="", html="", created_at=NOON, send_after=NOON, attachments=[])  # fmt: skip
    flask_migrate.upgrade()
    with db.engine.begin() as connection:
        assert connection.scalar(text("SELECT solution FROM sla_policies WHERE priority = 4")) == 77
        assert connection.scalar(text("SELECT template FROM mail")) == "sla_targets_missed"
        add_row(connection, "sla_policies", department_id=1, priority=4)  # its key is a new one
    flask_migrate.downgrade(revision="0020")
    with db.engine.connect() as connection:
        assert (
            connection.scalar(text("SELECT solution FROM promise_rules WHERE department_id IS NULL AND priority = 4"))
            == 77
        )
        assert connection.scalar(text("SELECT template FROM mail")) == "promises_broken"
