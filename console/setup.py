"""Making a database ready: tables, revisions, the audit chain's first link."""

from __future__ import annotations

from flask_migrate import upgrade
from sqlalchemy import select

from console.audit.models import AuditHead
from console.audit.service import create_head
from console.core.db import db
from console.core.transaction import transaction


def prepare_database() -> None:
    """Bring the tables to the newest revision and make sure the trail can be written."""
    upgrade()
    if db.session.scalar(select(AuditHead)) is None:
        with transaction() as session:
            create_head(session)
