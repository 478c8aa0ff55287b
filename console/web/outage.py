"""A request that is answered while the database does not answer: from what is known, without a look at it."""

from __future__ import annotations

from flask import g

from console.core.context import keep_settings


def do_without_database() -> None:
    """Let this answer be drawn without the database: it is away, and each look would take as long as the last."""
    # In ``g``: Flask-Login, Flask-Babel and the templates ask while the answer is drawn, and none takes an argument.
    g.database_is_away = True
    keep_settings()


def database_is_away() -> bool:
    """Return whether this answer does without the database: then it is not known who reads."""
    return "database_is_away" in g
