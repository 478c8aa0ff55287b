"""Reading migrations and what they did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, bindparam, func, select
from sqlalchemy.orm import aliased, joinedload
from sqlalchemy.orm.interfaces import ORMOption

from console.billing.migration.plan_data import migration_id
from console.billing.migration.reversal import is_reversing
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
from console.customers.queries import MEMBER_NAME, live_verification
from console.customers.rights import Right
from console.hosting.models import Service
from console.staff.models import Staff
from console.staff.roles import Permission

Scalars = tuple[tuple[str, Select[Any]], ...]
_REVERSAL = aliased(Migration, name="Reversal")
_PARTS = {
    "requested": Migration.requested_by_id,
    "approved": Migration.approved_by_id,
    "scheduled": Migration.scheduled_by_id,
    "ended": Migration.ended_by_id,
}


@dataclass(frozen=True)
class MigrationView:
    """A migration as its page shows it.

    Args:
        reversal: the migration that reverses it, under way or executed.
        staff_names: the names of all staff who had a part in it, by id.
        accepted_by: the name of who accepted or declined it, empty where no one did.
        scalars: the values read in the same statement, by name.
    """

    migration: Migration
    reversal: Migration | None
    staff_names: dict[int, str]
    accepted_by: str
    scalars: dict[str, Any]


def whole_migration() -> tuple[ORMOption, ...]:
    """Return the options that load a migration with its parties, services and the verification behind it."""
    return (
        joinedload(Migration.from_customer),
        joinedload(Migration.to_customer),
        joinedload(Migration.reverses),
        joinedload(Migration.verification).joinedload(Verification.membership).joinedload(Membership.person),
        joinedload(Migration.items)
        .joinedload(MigrationItem.service)
        .options(joinedload(Service.product), joinedload(Service.domain)),
    )


def find_migration(ref: str) -> Migration:
    """Return a migration with its parties, services and the verification behind it.

    Raises:
        NotFound: there is none.
    """
    return load_migration(ref).migration


def load_migration(ref: str, *, scalars: Scalars = ()) -> MigrationView:
    """Return a migration with all that its page says of it whatever its state, in one statement.

    Args:
        scalars: names, and selects of one value each, to be read in the same statement; the same ones every time.

    Raises:
        NotFound: there is none.
    """
    row = db.session.execute(_migration(scalars), {"migration": migration_id(ref)}).unique().one_or_none()
    if row is None:
        raise NotFound
    migration: Migration = row.Migration
    return MigrationView(
        migration,
        row.Reversal,
        {
            key: getattr(row, f"{part}_by")
            for part in _PARTS
            if (key := getattr(migration, f"{part}_by_id")) is not None
        },
        row.accepted_by or "",
        {name: getattr(row, f"scalar_{name}") for name, _query in scalars},
    )


@lru_cache(maxsize=64)
def _migration(scalars: Scalars) -> Select[*tuple[Any, ...]]:
    reversal = and_(_REVERSAL.reverses_id == Migration.id, is_reversing(_REVERSAL))
    answered_by = func.coalesce(Migration.accepted_by_id, Migration.declined_by_id)
    answerer = select(MEMBER_NAME).join(Membership.person).where(Membership.id == answered_by)
    names = {f"{part}_by": select(Staff.name).where(Staff.id == key) for part, key in _PARTS.items()}
    return (
        select(Migration, _REVERSAL)
        .outerjoin(_REVERSAL, reversal)
        .where(Migration.id == bindparam("migration"))
        .options(*whole_migration())
        .add_columns(*(name.scalar_subquery().label(part) for part, name in names.items()))
        .add_columns(answerer.scalar_subquery().label("accepted_by"))
        .add_columns(*(query.scalar_subquery().label(f"scalar_{name}") for name, query in scalars))
    )


class MigrationAccess(NamedTuple):
    """Which free texts and names of a migration a reader may see."""

    reasons: bool  # why it was requested, and why it ended: free texts about the account's people
    names: bool  # what its services and domains are called


def access_to(actor: Actor, migration: Migration) -> MigrationAccess:
    """Return what ``actor`` may read: all of it by role, else what they have open of the old owner's account now."""
    if actor.may(Permission.PREVIEW_MIGRATION):
        return MigrationAccess(reasons=True, names=True)
    verification = live_verification(actor, migration.from_customer_id)
    if verification is None:
        return MigrationAccess(reasons=False, names=False)
    return MigrationAccess(reasons=True, names=Right.PRODUCTS in verification.opened_rights())


def documents_of(migration: Migration) -> tuple[list[Storno], list[Proforma]]:
    """Return what an executed migration cancelled and issued, with lines, in the order it was done."""
    stornos = (
        select(Storno)
        .where(Storno.migration_id == migration.id)
        .order_by(Storno.id)
        .options(joinedload(Storno.proforma).joinedload(Proforma.lines))
    )
    issued = (
        select(Proforma)
        .where(Proforma.migration_id == migration.id)
        .order_by(Proforma.id)
        .options(joinedload(Proforma.lines))
    )
    return list(db.session.scalars(stornos).unique()), list(db.session.scalars(issued).unique())


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
