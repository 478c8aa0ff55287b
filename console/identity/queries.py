"""Reading what a person signs in with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from console.core import clock
from console.core.db import db
from console.customers.models import Customer, Membership, Person
from console.identity.models import Authenticator, DeviceRecovery, Passkey, PersonRecoveryCode


def authenticator_of(person_id: int) -> Authenticator | None:
    """Return a person's authenticator: two-step sign-in is on where there is one."""
    return db.session.get(Authenticator, person_id, populate_existing=True)


def recovery_codes_left(person_id: int) -> int:
    """Return how many recovery codes a person has left."""
    query = select(func.count()).where(PersonRecoveryCode.person_id == person_id, PersonRecoveryCode.used_at.is_(None))
    return db.session.scalar(query) or 0


def passkeys_of(person_id: int) -> Sequence[Passkey]:
    """Return a person's passkeys, the first one first."""
    return db.session.scalars(select(Passkey).where(Passkey.person_id == person_id).order_by(Passkey.id)).all()


def open_recovery(person_id: int) -> DeviceRecovery | None:
    """Return what waits after a person said that their device is lost."""
    query = select(DeviceRecovery).where(DeviceRecovery.person_id == person_id, DeviceRecovery.ended_at.is_(None))
    row = db.session.scalar(query)
    return row if row is not None and row.is_open(clock.now()) else None


def open_recoveries(customer_id: int) -> Sequence[DeviceRecovery]:
    """Return what waits for the people of an account."""
    query = (
        select(DeviceRecovery)
        .join(Membership, Membership.person_id == DeviceRecovery.person_id)
        .where(
            Membership.customer_id == customer_id,
            Membership.removed_at.is_(None),
            DeviceRecovery.ended_at.is_(None),
            DeviceRecovery.expires_at > clock.now(),
        )
        .options(joinedload(DeviceRecovery.person), joinedload(DeviceRecovery.reviewed_by))
        .order_by(DeviceRecovery.id)
    )
    return db.session.scalars(query).all()


@dataclass(frozen=True)
class WaitingRecovery:
    """A lost device that waits, and the accounts that its person is on."""

    recovery: DeviceRecovery
    accounts: Sequence[Customer]


def waiting_recoveries(limit: int) -> list[WaitingRecovery]:
    """Return what waits for people of any account, the one that is ready first before the others."""
    memberships = selectinload(DeviceRecovery.person).selectinload(Person.memberships)
    query = (
        select(DeviceRecovery)
        .where(DeviceRecovery.ended_at.is_(None), DeviceRecovery.expires_at > clock.now())
        .options(memberships.joinedload(Membership.customer), joinedload(DeviceRecovery.reviewed_by))
        .order_by(DeviceRecovery.ready_at, DeviceRecovery.id)
        .limit(limit)
    )
    found = []
    for row in db.session.scalars(query):
        on = [one for one in row.person.memberships if one.removed_at is None]
        accounts = [one.customer for one in sorted(on, key=lambda one: (not one.is_owner, one.customer_id))]
        if accounts:
            found.append(WaitingRecovery(row, accounts))
    return found


def undecided_recoveries() -> Select[int]:
    """Select the keys of what waits and no supervisor has looked at."""
    open_ones = DeviceRecovery.ended_at.is_(None), DeviceRecovery.expires_at > clock.now()
    return select(DeviceRecovery.id).where(*open_ones, DeviceRecovery.reviewed_at.is_(None))
