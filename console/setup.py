"""Making a database ready, and refusing to start on what a demo left behind."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, current_app
from sqlalchemy import select

from console import stored_files
from console.audit.models import AuditHead
from console.audit.service import create_head
from console.core.context import settings
from console.core.db import database_file, db
from console.core.files import make_private
from console.core.passwords import password_matches
from console.core.settings import DEMO_PASSWORD, SettingsError
from console.core.transaction import transaction
from console.customers.models import Person
from console.help.service import load_standard
from console.reindexing import is_outdated, reindex
from console.staff.models import Staff

DEMO_DOMAIN = "@example.test"
REVISIONS = Path(__file__).resolve().parent / "schema"


def use_alembic(app: Flask) -> None:
    """Let Flask-Migrate know the application. Only what makes tables does, it takes as long to load as a page."""
    from flask_migrate import Migrate

    Migrate(app, db, directory=str(REVISIONS), render_as_batch=True)


def prepare_database() -> int:
    """Bring the tables to the newest revision and the search indexes to the present rules; begin what must be begun.

    That is the audit log, and the standard help articles that were never loaded.

    Return how many files were brought over from where all databases of a checkout once had theirs.
    """
    from flask_migrate import upgrade

    _close_to_others()
    use_alembic(current_app._get_current_object())  # type: ignore[attr-defined]
    upgrade()
    if db.session.scalar(select(AuditHead)) is None:
        with transaction() as session:
            create_head(session)
    with transaction():
        load_standard()
    if is_outdated():
        for _batch in reindex():
            pass
    return stored_files.adopt()


def _close_to_others() -> None:
    """Let the owner alone open SQLite's files: an older console, or a copy, may have left them open to others."""
    path = database_file(settings())
    for ending in ("", "-wal", "-shm") if path is not None else ():
        make_private(path.with_name(path.name + ending))  # type: ignore[union-attr]


def demo_accounts() -> list[str]:
    """Return the addresses that the published demo password still opens."""
    staff = select(Staff.email, Staff.password_hash).where(Staff.active, Staff.email.endswith(DEMO_DOMAIN))
    people = select(Person.email, Person.password_hash).where(
        Person.password_hash.is_not(None), Person.email.endswith(DEMO_DOMAIN)
    )
    found = [*db.session.execute(staff), *db.session.execute(people)]
    return [email for email, stored in found if password_matches(stored, DEMO_PASSWORD)]


def check_start(app: Flask) -> None:
    """Refuse to serve in production while a demo account could sign in.

    Raises:
        SettingsError: naming the accounts.
    """
    with app.app_context():
        if not settings().production:
            return
        open_accounts = demo_accounts()
    if open_accounts:
        raise SettingsError(
            "production does not start while the demo password opens: "
            + ", ".join(open_accounts)
            + ". Change those passwords or disable the accounts."
        )
