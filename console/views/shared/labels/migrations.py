"""Labels and addresses of migrations."""

from __future__ import annotations

from flask import url_for


def migration_url(ref: str) -> str:
    """Return the address of a migration's page."""
    return url_for("migration.index", ref=ref)
