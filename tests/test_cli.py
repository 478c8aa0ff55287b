"""The console command: accounts, copies of the database, and what an operator is told."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner
from flask import Flask
from flask.cli import ScriptInfo
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from console.app import create_app
from console.audit.models import AuditEntry
from console.cli import doctor
from console.cli.main import main
from console.core.db import db
from console.core.passwords import password_matches
from console.core.places import sqlite_path
from console.core.seal import new_key
from console.core.settings import Settings
from console.staff.models import Staff
from console.staff.roles import Role
from tests import factories
from tests.support.server import command, environment, forked_command

PASSWORD = "Dovoljno-duga-1"
ADD_ADMIN = ("staff", "add", "--email", "a@example.test", "--name", "A", "--role", "admin", "--password-stdin")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """English, so that refusals can be compared with the source."""
    return replace(settings, locale="en")


@pytest.fixture
def run(app: Flask, session: Session) -> Callable[..., tuple[int, str]]:
    """Run a command on the test's application: ``run("audit", "verify")`` gives exit code and output."""

    def invoke(*arguments: str, stdin: str | None = None) -> tuple[int, str]:
        session.rollback()
        result = CliRunner().invoke(main, list(arguments), obj=ScriptInfo(create_app=lambda: app), input=stdin)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result.exit_code, result.output

    return invoke


Run = Callable[..., tuple[int, str]]


# --- accounts -----------------------------------------------------------------------------------------------------


@pytest.mark.both
def test_staff_add(run: Run, session: Session) -> None:
    code, output = run(
        "staff", "add", "--email", "Nova@Example.test", "--name", "Nova Žena", "--role", "billing", "--password-stdin",
        stdin=f"{PASSWORD}\n",
    )  # fmt: skip
    assert (code, output) == (0, "nova@example.test can sign in as billing.\n")
    added = session.scalars(select(Staff)).one()
    assert (added.name, added.role) == ("Nova Žena", Role.BILLING)
    assert password_matches(added.password_hash, PASSWORD)
    assert session.scalars(select(AuditEntry.action)).all() == ["staff.added"]


def test_staff_add_asks(run: Run, session: Session) -> None:
    code, _ = run("staff", "add", stdin=f"a@example.test\nAna\nagent\n{PASSWORD}\n{PASSWORD}\n")
    assert code == 0
    assert session.scalars(select(Staff.email)).one() == "a@example.test"


@pytest.mark.parametrize(
    ("email", "role", "password", "message"),
    [
        ("taken@example.test", "agent", PASSWORD, "already in use"),
        ("no address", "agent", PASSWORD, "no address"),
        ("new@example.test", "agent", "short", "12 characters"),
        ("new@example.test", "agent", "Demo-lozinka-1", "too common"),
        ("new@example.test", "boss", PASSWORD, "boss"),
    ],
)
def test_staff_add_refuses(run: Run, session: Session, email: str, role: str, password: str, message: str) -> None:
    factories.make_staff(email="taken@example.test")
    options = ["--email", email, "--name", "X", "--role", role, "--password-stdin"]
    code, output = run("staff", "add", *options, stdin=f"{password}\n")
    assert code != 0
    assert message in output
    assert session.scalar(select(func.count()).select_from(Staff)) == 1


# --- the audit log ----------------------------------------------------------------------------------------------------


@pytest.mark.both
def test_audit_commands(run: Run, session: Session) -> None:
    run(*ADD_ADMIN, stdin=PASSWORD)
    assert run("audit", "verify")[0] == 0
    assert run("audit", "anchor")[0] == 0
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE audit_entries SET subject = 'b@example.test'"))
    code, output = run("audit", "verify")
    assert code == 1
    assert "entry 1: changed" in output


# --- doctor -------------------------------------------------------------------------------------------------------


@pytest.mark.both
def test_doctor_finds_what_is_wrong_with_the_database(run: Run, session: Session) -> None:
    run(*ADD_ADMIN, stdin=PASSWORD)
    before = run("doctor")[1]
    assert "The audit log is whole." in before
    assert "The browser files are in place." in before and "The translations are compiled." in before
    with db.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_entries"))
        connection.execute(text("UPDATE staff SET totp_secret = 'gAAAAnonsense'"))
    code, output = run("doctor")
    assert code == 1
    assert "the chain ends at 0, but 1 were written" in output
    assert "No key in CONSOLE_SEAL_KEYS opens the secrets of: staff" in output


@pytest.mark.only("sqlite")
def test_doctor_names_services_torn_apart(run: Run, session: Session, settings: Settings) -> None:
    """As in a file that was written with foreign keys off."""
    host, other = (factories.make_service(factories.make_customer()) for _ in range(2))
    pair = {"host": host.id, "other": other.id}
    assert "What is hosted together belongs to one account." in run("doctor")[1]
    session.rollback()
    with closing(sqlite3.connect(settings.database_url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("UPDATE services SET hosted_with_id = :host WHERE id = :other", pair)
    code, output = run("doctor")
    assert code == 1
    assert f"{other.number} is hosted with {host.number} of another account." in output


@pytest.mark.both
def test_doctor_says_when_the_tables_are_old(run: Run) -> None:
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    code, output = run("doctor")
    assert code == 1
    assert "console init-db" in output


@pytest.mark.parametrize(
    ("version", "level"),
    [
        ((3, 40, 1), doctor.Level.NOTE),
        ((3, 44, 5), doctor.Level.NOTE),
        ((3, 44, 6), doctor.Level.GOOD),
        ((3, 45, 0), doctor.Level.NOTE),
        ((3, 50, 6), doctor.Level.NOTE),
        ((3, 50, 7), doctor.Level.GOOD),
        ((3, 51, 2), doctor.Level.NOTE),
        ((3, 51, 3), doctor.Level.GOOD),
        ((3, 60, 0), doctor.Level.GOOD),
    ],
)
def test_which_sqlite_has_the_repair(version: tuple[int, int, int], level: doctor.Level) -> None:
    assert doctor.sqlite_version(version).level is level


@pytest.mark.parametrize(("places", "level"), [(93, doctor.Level.GOOD), (92, doctor.Level.NOTE)])
def test_doctor_counts_connections(places: int, level: doctor.Level) -> None:
    """Two that serve and a worker, with 30 each, beside what PostgreSQL keeps for its administrators."""
    found = doctor.connections(Settings(processes=2), places, 3)
    assert found.level is level
    assert "2 serving and 1 worker, up to 30 connections each: 90" in found.words


# --- on installations of their own --------------------------------------------------------------------------------


@pytest.fixture
def installation() -> Run:
    """Run a command as ``environment(…)`` sets it up: ``installation(env, "doctor")`` gives exit code and output."""

    def invoke(env: Mapping[str, str], *arguments: str, stdin: str | None = None) -> tuple[int, str]:
        made: list[Flask] = []
        others = {name: None for name in os.environ if name.startswith("CONSOLE_")}

        def make() -> Flask:
            made.append(create_app())
            return made[-1]

        own = ScriptInfo(create_app=make)
        result = CliRunner().invoke(main, list(arguments), obj=own, input=stdin, env={**others, **env})
        for app in made:
            with app.app_context():
                db.engine.dispose()
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result.exit_code, result.output

    return invoke


def test_what_an_operator_can_put_right_is_said_in_one_line(installation: Run) -> None:
    cases = {
        "CONSOLE_TIMEZONE": environment(TIMEZONE="Europe/Nowhere"),
        "CONSOLE_SEAL_KEYS": environment(SEAL_KEYS="nonsense"),
        "Connection refused": environment(DATABASE_URL="postgresql://x@127.0.0.1:1/x"),
    }
    for word, env in cases.items():
        code, output = installation(env, "init-db")
        assert code == 1
        assert word in output
        assert output.count("Error: ") == 1
    done = command("doctor", env=environment(ENV="production"))  # as a process, to its very end
    assert done.returncode == 1
    assert "CONSOLE_SECRET_KEY" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
@pytest.mark.only("sqlite")
def test_production_does_not_start_on_demo_accounts(database: str, tmp_path: Path, installation: Run) -> None:
    own = {
        "DATABASE_URL": database,
        "AUDIT_ANCHOR": str(tmp_path / "anchor.json"),
        "SECRET_KEY": "an-own-secret-key-of-thirty-two-characters",
        "SEAL_KEYS": new_key(),
        "BASE_URL": "https://console.example.test",
    }
    env = environment(ENV="production", **own)
    add = ("staff", "add", "--email", "agent@example.test", "--name", "A", "--role", "agent", "--password-stdin")
    assert installation(env, *add, stdin=f"{PASSWORD}\n")[0] == 0
    file = sqlite_path(database)
    assert file is not None
    with closing(sqlite3.connect(file)) as rows, rows:  # as a copy of a demo would bring it
        rows.execute("UPDATE staff SET password_hash = ?", [PasswordHasher().hash("Demo-lozinka-1")])
    for starting in ("serve", "worker"):
        code, message = forked_command(starting, env=env)
        assert code == 1
        assert "agent@example.test" in message
    assert installation(env, "doctor")[0] == 1


@pytest.mark.sqlite
def test_the_database_is_its_owners_alone(tmp_path: Path, installation: Run) -> None:
    """Its journal and its index too, which SQLite makes as the file is; what an older console left open is closed."""
    path = tmp_path / "console.sqlite3"
    env = environment(DATABASE_URL=f"sqlite:///{path}", FILES=str(tmp_path / "files"), AUDIT_ANCHOR=str(tmp_path / "a"))
    mask = os.umask(0o022)
    try:
        assert installation(env, "init-db")[0] == 0
        with closing(sqlite3.connect(path)) as kept_open:  # so that journal and index stay
            kept_open.execute("SELECT * FROM staff").fetchall()
            assert installation(env, "doctor")[1].count("The database's file is its owner's alone.") == 1
            found = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.glob("console.sqlite3*")}
        assert found.keys() >= {"console.sqlite3", "console.sqlite3-wal", "console.sqlite3-shm"}
        assert {mode for name, mode in found.items() if not name.endswith(".files")} == {0o600}
        path.chmod(0o644)
        assert f"Others on this machine may open {path}" in installation(env, "doctor")[1]
        assert installation(env, "init-db")[0] == 0
        assert path.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(mask)


@pytest.mark.only("sqlite")
def test_new_keys_work(database: str, installation: Run) -> None:
    first, second = (installation(environment(), "new-key")[1].strip() for _ in range(2))
    assert first != second
    env = environment(SEAL_KEYS=f"{first},{second}", DATABASE_URL=database)
    assert "0 secrets" in installation(env, "reseal")[1]


def test_help_lists_the_commands() -> None:
    output = CliRunner().invoke(main, ["--help"]).output
    named = {"serve", "worker", "init-db", "demo", "import", "staff", "doctor", "audit", "backup", "restore"}
    assert [name for name in sorted(named) if f"\n  {name} " not in output] == []
