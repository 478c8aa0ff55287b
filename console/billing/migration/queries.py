"""Reading migrations and what they did."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from console.billing.migration.plan_data import migration_id
from console.billing.models import (
    Migration,
    MigrationItem,
    Proforma,
    Storno,
)
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound
from console.customers.models import Membership, Verification
from console.customers.queries import live_verification
from console.hosting.models import Service
from console.staff.models import Staff
from console.staff.roles import Permission


def whole_migration() -> tuple[ORMOption, ...]:
    """Return the options that load a migration with its parties, services and the verification behind it."""
    return (
        joinedload(Migration.from_customer),
        joinedload(Migration.to_customer),
        joinedload(Migration.reverses),
        joinedload(Migration.verification).joinedload(Verification.membership).joinedload(Membership.person),
        selectinload(Migration.items)
        .joinedload(MigrationItem.service)
        .options(joinedload(Service.product), joinedload(Service.domain)),
    )


def find_migration(ref: str) -> Migration:
    """Return a migration with its parties, services and the verification behind it.

    Raises:
        NotFound: there is none.
    """
    query = select(Migration).where(Migration.id == migration_id(ref)).options(*whole_migration())
    migration = db.session.scalar(query)
    if migration is None:
        raise NotFound
    return migration


def may_read_reasons(actor: Actor, migration: Migration) -> bool:
    """Return whether ``actor`` may read why it was requested, and why it ended: free texts about the account's people.

    Who reads documents by role, and who has the account open now under a verification.
    """
    if actor.may(Permission.PREVIEW_MIGRATION):
        return True
    return live_verification(actor, migration.from_customer_id) is not None


def staff_names(migration: Migration) -> dict[int, str]:
    """Return the names of all who had a part in it, by id."""
    ids = {
        migration.requested_by_id, migration.approved_by_id, migration.ended_by_id, migration.scheduled_by_id,
    } - {None}  # fmt: skip
    return {staff.id: staff.name for staff in db.session.scalars(select(Staff).where(Staff.id.in_(ids)))}


def documents_of(migration: Migration) -> tuple[list[Storno], list[Proforma]]:
    """Return what an executed migration cancelled and issued, with lines, in the order it was done."""
    stornos = (
        select(Storno)
        .where(Storno.migration_id == migration.id)
        .order_by(Storno.id)
        .options(joinedload(Storno.proforma).selectinload(Proforma.lines))
    )
    issued = (
        select(Proforma)
        .where(Proforma.migration_id == migration.id)
        .order_by(Proforma.id)
        .options(selectinload(Proforma.lines))
    )
    return list(db.session.scalars(stornos)), list(db.session.scalars(issued))


def movable_services(customer_id: int) -> list[Service]:
    """Return an account's services, to choose from."""
    query = (
        select(Service)
        .where(Service.customer_id == customer_id)
        .order_by(Service.id)
        .options(joinedload(Service.product), joinedload(Service.domain))
    )
    return list(db.session.scalars(query))


def left_behind(migration: Migration) -> list[Service]:
    """Return the services that stay although they are linked to one that moves."""
    if not migration.left_behind:
        return []
    query = select(Service).where(Service.id.in_(migration.left_behind)).order_by(Service.id)
    return list(db.session.scalars(query.options(joinedload(Service.product))))


def held_back(service_ids: Sequence[int]) -> set[int]:
    """Return which services are in an open migration."""
    in_migration = select(MigrationItem.service_id).where(MigrationItem.open, MigrationItem.service_id.in_(service_ids))
    return set(db.session.scalars(in_migration))
