"""A console before it is served: its tables and its staff, for tests that need nothing else of the demo."""

from __future__ import annotations

from collections.abc import Callable

from console.app import create_app
from console.core.db import db
from console.core.settings import Settings
from console.core.transaction import transaction
from console.setup import prepare_database
from console.staff.roles import Role
from tests import factories

STAFF = {"agent": Role.AGENT, "agent2": Role.AGENT, "supervisor": Role.SUPERVISOR}  # by the demo's names


def make_console(settings: Settings, *more: Callable[[], object]) -> None:
    """Make the database of ``settings``, with staff who sign in as the demo's do, and what ``more`` writes."""
    app = create_app(settings)
    with app.app_context():
        prepare_database()
        with transaction():
            for who, role in STAFF.items():
                factories.make_staff(role, email=f"{who}@example.test")
        for write in more:
            write()
        db.session.remove()
        db.engine.dispose()
