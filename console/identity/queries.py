"""Reading what a person signs in with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from console.core import clock
from console.core.db import db
from console.customers.models import Customer, MemberRole, Membership, Person
from console.identity.models import Authenticator, DeviceRecovery, Passkey, PersonRecoveryCode

# Who agreed to be on the account: a contact is written down without being asked.
_IS_USER = Membership.role != MemberRole.CONTACT, Membership.removed_at.is_(None)


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
    """Return the waiting period after a person reported a lost device."""
    query = select(DeviceRecovery).where(DeviceRecovery.person_id == person_id, DeviceRecovery.ended_at.is_(None))
    row = db.session.scalar(query)
    return row if row is not None and row.is_open(clock.now()) else None


def recoveries_shown_to(person_id: int, mine: Membership | None) -> Sequence[DeviceRecovery]:
    """Return what a person may stop: their own, and those of the users of an account that they own.

    Not of its contacts: an owner adds any address as one, and is not to learn whether it has a sign-in.

    Args:
        mine: their membership of the account that is shown.
    """
    return db.session.scalars(_waiting().where(is_shown_to(person_id, mine))).all()


def is_shown_to(person_id: int, mine: Membership | None) -> ColumnElement[bool]:
    """Return the condition of :func:`recoveries_shown_to`, for a page that reads them with something else."""
    theirs = DeviceRecovery.person_id == person_id
    if mine is not None and mine.is_owner:
        theirs = or_(theirs, DeviceRecovery.person_id.in_(_users_of(mine.customer_id)))
    return and_(is_waiting(), theirs)


def account_to_stop(person_id: int, recovery: DeviceRecovery) -> int | None:
    """Return the account as whose owner a person may stop the recovery of one of its users."""
    owned = select(Membership.customer_id).where(
        Membership.person_id == person_id, Membership.is_owner, Membership.removed_at.is_(None)
    )
    query = select(Membership.customer_id).where(
        Membership.person_id == recovery.person_id, Membership.customer_id.in_(owned), *_IS_USER
    )
    return db.session.scalar(query.order_by(Membership.customer_id).limit(1))


def _users_of(customer_id: int) -> Select[int]:
    return select(Membership.person_id).where(Membership.customer_id == customer_id, *_IS_USER)


def is_waiting() -> ColumnElement[bool]:
    """Return the condition "a lost device that waits": of one person at most one does."""
    return and_(DeviceRecovery.ended_at.is_(None), DeviceRecovery.expires_at > clock.now())


def _waiting() -> Select[DeviceRecovery]:
    return (
        select(DeviceRecovery)
        .where(is_waiting())
        .options(joinedload(DeviceRecovery.person), joinedload(DeviceRecovery.reviewed_by))
        .order_by(DeviceRecovery.id)
    )


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
        .where(is_waiting())
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
    return select(DeviceRecovery.id).where(is_waiting(), DeviceRecovery.reviewed_at.is_(None))
