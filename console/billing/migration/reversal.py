"""Taking a migration back: a new one, from the new owner to the old one, that cites it.

It is asked for as every migration is, under a verification of a person who may give the services away, who is now the
new owner's; previewed, approved and executed likewise. What has happened since may forbid it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, or_, select

from console.billing.migration.obstacles import Obstacle
from console.billing.migration.plan_data import migration_id, paid_since, select_paid_since
from console.billing.models import STILL_REVERSING, Migration, MigrationItem, MigrationState
from console.core import clock
from console.core.context import settings
from console.core.db import db
from console.core.errors import NotFound
from console.hosting.models import Ownership, Service


def find_executed(ref: str) -> Migration:
    """Return the migration that is to be reversed, locked.

    Raises:
        NotFound: there is none.
    """
    query = select(Migration).where(Migration.id == migration_id(ref)).with_for_update(of=Migration)
    migration = db.session.scalar(query.execution_options(populate_existing=True))
    if migration is None:
        raise NotFound
    return migration


def reversible_until(migration: Migration) -> datetime | None:
    """Return until when an executed migration may be taken back; ``None`` for any other."""
    if migration.state is not MigrationState.EXECUTED or migration.ended_at is None:
        return None
    return migration.ended_at + timedelta(days=settings().migration_reversal_days)


def reversal_obstacles(migration: Migration) -> list[Obstacle]:
    """Return why a migration cannot be reversed now, and by what; nothing where it can."""
    closed = _closed(migration)
    if closed:
        return closed
    other = reversal_of(migration)
    if other is not None:
        return [Obstacle("reversed_already", (other.ref,))]
    return [*_moved_on(migration), *paid_since(migration.id, migration.to_customer_id)]


def is_reversible(migration: Migration, reversal: Migration | None) -> bool:
    """Return whether :func:`reversal_obstacles` finds nothing.

    Args:
        reversal: :func:`reversal_of` the migration, which was read already.
    """
    if reversal is not None or _closed(migration):
        return False
    paid = select_paid_since(migration.id, migration.to_customer_id)
    return not db.session.scalar(select(or_(_select_moved_on(migration).exists(), paid.exists())))


def _closed(migration: Migration) -> list[Obstacle]:
    """Return what its own state and age forbid."""
    until = reversible_until(migration)
    if until is None:
        return [Obstacle("not_executed", (migration.ref,))]
    return [Obstacle("reversal_late", (migration.ref,))] if until <= clock.now() else []


def reversal_of(migration: Migration) -> Migration | None:
    """Return the migration that reverses this one, under way or executed."""
    return db.session.scalar(select(Migration).where(Migration.reverses_id == migration.id, is_reversing(Migration)))


def is_reversing(kind: type[Migration]) -> ColumnElement[bool]:
    """Return the condition "reverses another, under way or executed": of one migration at most one does."""
    return kind.state.in_(STILL_REVERSING)


def _moved_on(migration: Migration) -> list[Obstacle]:
    """Return the services that have had another owner since."""
    gone = tuple(service.number for service in db.session.scalars(_select_moved_on(migration)))
    return [Obstacle("moved_on", gone)] if gone else []


def _select_moved_on(migration: Migration) -> Select[Service]:
    held = select(Ownership.service_id).where(
        Ownership.to_at.is_(None),
        Ownership.cause == migration.ref,
        Ownership.customer_id == migration.to_customer_id,
    )
    return (
        select(Service)
        .join(MigrationItem, MigrationItem.service_id == Service.id)
        .where(MigrationItem.migration_id == migration.id, Service.id.not_in(held))
        .order_by(Service.id)
    )
