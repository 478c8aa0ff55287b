"""Locking something that has no row of its own, as a mail address."""

from __future__ import annotations

from sqlalchemy import func, select

from console.core.db import db


def lock_name(name: str) -> None:
    """Let another transaction that locks the same name wait until this one has ended.

    On SQLite a transaction that writes is alone anyway.
    """
    if db.session.get_bind().dialect.name == "postgresql":
        db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
