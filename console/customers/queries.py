"""Reading accounts, their people, and what is open for which member of staff."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVarTuple

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, select
from sqlalchemy.orm import contains_eager, joinedload

from console.audit.models import AuditEntry
from console.core import clock
from console.core.actor import Actor
from console.core.db import Instant, db
from console.core.emails import normal_email
from console.core.errors import NotFound
from console.core.ids import CUSTOMER_BASE
from console.customers.models import (
    Customer,
    CustomerStatus,
    Guard,
    MemberRole,
    Membership,
    Person,
    PersonSession,
    Verification,
    VerificationKind,
)
from console.customers.rights import Right
from console.customers.verification.guards import LOCKOUT, email_key
from console.staff.models import Staff
from console.staff.roles import Permission

_NUMBER = re.compile(r"[Kk]-([0-9]{1,12})")
_BIG = 2**31
# ``Membership.name`` in a statement.
MEMBER_NAME: ColumnElement[str] = func.coalesce(func.nullif(Membership.contact_name, ""), Person.name)
NOTHING: frozenset[Right] = frozenset()


Columns = TypeVarTuple("Columns")
Scalars = tuple[tuple[str, Select[Any]], ...]


@dataclass(frozen=True)
class AccountView:
    """An account as one member of staff finds it.

    Args:
        verification: the newest live one of theirs, as :func:`live_verification` returns it.
        scalars: the values read in the same statement, by name.
    """

    customer: Customer
    verification: Verification | None
    scalars: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LockedOutPerson:
    """A person whose verification is locked now, for the supervisors' dashboard."""

    person: Person
    customers: tuple[Customer, ...]
    until: datetime


@dataclass(frozen=True)
class PastVerification:
    """One line of an account's history of verifications."""

    verification: Verification
    person: str | None
    staff: str | None  # None: the person verified themselves in the portal


def customer_by_number(number: str) -> Customer:
    """Return the account people call ``K-10482``.

    Raises:
        NotFound: no such number.
    """
    customer = find_customer(number)
    if customer is None:
        raise NotFound
    return customer


def find_customer(number: str) -> Customer | None:
    """Return the account called ``number``, ``None`` where there is none."""
    key = _customer_key(number)
    return db.session.get(Customer, key) if key else None


def _customer_key(number: str) -> int:
    """Return the key of the account called ``number``, 0 where it is no number."""
    matched = _NUMBER.fullmatch(number.strip())
    key = int(matched[1]) - CUSTOMER_BASE if matched else 0
    return key if 0 < key < _BIG else 0


def load_account(actor: Actor, number: str, *, scalars: Scalars = ()) -> AccountView:
    """Return the account called ``number`` and what opens it for this staff member, in one statement.

    Args:
        scalars: names, and selects of one value each, to be read in the same statement; the same ones every time.

    Raises:
        NotFound: no such number.
    """
    row = db.session.execute(
        _account(actor, scalars), {"customer": _customer_key(number), "now": clock.now()}
    ).one_or_none()
    if row is None:
        raise NotFound
    return AccountView(
        row.Customer,
        getattr(row, "Verification", None),
        {name: getattr(row, f"scalar_{name}") for name, _query in scalars},
    )


@lru_cache(maxsize=256)
def _account(actor: Actor, scalars: Scalars) -> Select[*tuple[Any, ...]]:
    query: Select[*tuple[Any, ...]] = select(Customer).where(Customer.id == bindparam("customer"))
    query = query.add_columns(*(one.scalar_subquery().label(f"scalar_{name}") for name, one in scalars))
    live = _is_live(actor, bindparam("now", type_=Instant()))
    if live is None:
        return query
    joined = (
        query.add_columns(Verification)
        .outerjoin_from(Customer, Verification, and_(Verification.customer_id == Customer.id, *live))
        .outerjoin(Verification.membership)
        .outerjoin(Membership.person)
        .order_by(Verification.id.desc())
        .limit(1)
    )
    return _with_names(joined)


def find_account(text: str) -> Customer | None:
    """Return the account called ``text``, or the one open account whose owner has this e-mail address."""
    if "@" not in text:
        return find_customer(text)
    query = (
        select(Customer)
        .join(Membership, Membership.customer_id == Customer.id)
        .join(Membership.person)
        .where(Membership.is_owner, Person.email == normal_email(text), Customer.status != CustomerStatus.CLOSED)
        .limit(2)
    )
    found = db.session.scalars(query).all()
    return found[0] if len(found) == 1 else None


def live_verification(actor: Actor, customer_id: int) -> Verification | None:
    """Return the newest live verification of this staff member for this account.

    Another's opens nothing here, nor does one whose kind the role no longer allows.
    """
    query = _live(actor)
    if query is None:
        return None
    return db.session.scalar(
        _with_names(query).where(Verification.customer_id == customer_id).order_by(Verification.id.desc()).limit(1)
    )


def live_verifications(actor: Actor) -> list[Verification]:
    """Return the newest live verification of this staff member for each account they have open, the latest first."""
    query = _live(actor)
    if query is None:
        return []
    return newest_of_each(db.session.scalars(_with_names(query).order_by(Verification.id.desc())))


def newest_of_each(verifications: Iterable[Verification]) -> list[Verification]:
    """Return the first of each account's: of verifications that are sorted, the latest first, its newest."""
    newest: dict[int, Verification] = {}
    for verification in verifications:
        newest.setdefault(verification.customer_id, verification)
    return list(newest.values())


def live_keys(actor: Actor) -> Select[int] | None:
    """Select the keys of this staff member's live verifications; ``None`` where the role allows none."""
    query = _live(actor)
    return None if query is None else query.with_only_columns(Verification.id)


def opened_accounts(actor: Actor) -> dict[int, frozenset[Right]]:
    """Return what is opened of which accounts for this staff member now, by the account's key.

    The same as :func:`live_verifications`, read as columns, because every search needs it.
    """
    query = _opened(actor)
    opened: dict[int, frozenset[Right]] = {}
    for row in () if query is None else db.session.execute(query, {"now": clock.now()}):
        rights = frozenset(Right(key) for key in row.rights)
        if row.role is not None:
            rights &= Membership(role=row.role, rights=row.held, removed_at=row.removed_at).held_rights()
        opened.setdefault(row.customer_id, rights)
    return opened


@lru_cache(maxsize=256)
def _opened(actor: Actor) -> Select[Any] | None:
    query = _live(actor, bindparam("now", type_=Instant()))
    if query is None:
        return None
    held = (Membership.role, Membership.rights.label("held"), Membership.removed_at)
    columns: Any = query.with_only_columns(Verification.customer_id, Verification.rights, *held)
    ordered: Select[Any] = columns.order_by(Verification.id.desc())
    return ordered


def _live(actor: Actor, now: Any = None) -> Select[Verification] | None:
    """Select this staff member's live verifications, ``None`` where the role allows none."""
    live = _is_live(actor, clock.now() if now is None else now)
    if live is None:
        return None
    return (
        select(Verification)
        .join(Verification.customer)
        .outerjoin(Verification.membership)
        .outerjoin(Membership.person)
        .where(*live)
    )


def _is_live(actor: Actor, now: Any) -> tuple[ColumnElement[bool], ...] | None:
    """Return the conditions on a verification and its account, ``None`` where the role allows none."""
    if actor.kind != "staff":
        return None
    kinds = [VerificationKind.PIN] if actor.may(Permission.VERIFY) else []
    if actor.may(Permission.OVERRIDE):
        kinds.append(VerificationKind.OVERRIDE)
    if not kinds:
        return None
    return (
        Verification.staff_id == actor.id,
        Verification.kind.in_(kinds),
        Verification.ended_at.is_(None),
        Verification.expires_at > now,
        Customer.status != CustomerStatus.CLOSED,
    )


def _with_names(query: Select[*Columns]) -> Select[*Columns]:
    """Load in the same statement the account and the person who was verified."""
    return query.options(
        contains_eager(Verification.customer),
        contains_eager(Verification.membership).contains_eager(Membership.person),
    )


def opened_rights(actor: Actor, customer_id: int) -> frozenset[Right]:
    """Return what is opened of this account for this staff member now."""
    verification = live_verification(actor, customer_id)
    return NOTHING if verification is None else verification.opened_rights()


def members_of(customer_id: int) -> Sequence[Membership]:
    """Return the people on the account, the owner first."""
    return owner_first(db.session.scalars(select_members(customer_id)))


def select_members(customer_id: int) -> Select[Membership]:
    """Select the people on the account, for a page that reads something of each with them; see :func:`owner_first`."""
    return (
        select(Membership)
        .options(joinedload(Membership.person))
        .where(Membership.customer_id == customer_id, Membership.removed_at.is_(None))
    )


def owner_first(members: Iterable[Membership]) -> Sequence[Membership]:
    """Return people on one account in the order in which pages show them."""
    order = list(MemberRole)
    return sorted(members, key=lambda m: (order.index(m.role), m.id))


def find_member(membership_id: int) -> Membership | None:
    """Return a person on an account, with their name; ``None`` where there is none, or they were removed."""
    return db.session.scalar(
        select(Membership)
        .options(joinedload(Membership.person))
        .where(Membership.id == membership_id, Membership.removed_at.is_(None))
    )


def verifications_of(customer_id: int, limit: int = 5) -> list[PastVerification]:
    """Return the account's latest verifications, newest first, with the names."""
    query = (
        select(Verification, MEMBER_NAME, Staff.name)
        .outerjoin(Staff, Staff.id == Verification.staff_id)
        .outerjoin(Verification.membership)
        .outerjoin(Membership.person)
        .where(Verification.customer_id == customer_id)
        .order_by(Verification.id.desc())
        .limit(limit)
    )
    return [PastVerification(*row) for row in db.session.execute(query)]


def lockouts_of(members: Sequence[Membership]) -> dict[int, datetime]:
    """Return until when which of these people are locked, by membership id."""
    keys = {email_key(member.person.email): member.id for member in members}
    query = select(Guard.key, Guard.locked_until).where(Guard.key.in_(keys), Guard.locked_until > clock.now())
    return {keys[key]: until for key, until in db.session.execute(query) if until is not None}


def locked_out_people() -> list[LockedOutPerson]:
    """Return the people whose verification is locked now, the latest first.

    The guards name no person, so the audit log of the last minutes says who it may be. Two statements, one where
    it names no one.
    """
    now = clock.now()
    people = (
        select(AuditEntry.data["person"].as_integer())
        .where(AuditEntry.action == "pin.locked", AuditEntry.at > now - LOCKOUT)
        .order_by(AuditEntry.id.desc())
        .limit(500)
    )
    members = db.session.scalars(
        select(Membership)
        .options(joinedload(Membership.person), joinedload(Membership.customer))
        .where(Membership.person_id.in_(people), Membership.removed_at.is_(None))
        .order_by(Membership.id)
    ).all()
    locks = lockouts_of(members) if members else {}
    until = {member.person_id: locks[member.id] for member in members if member.id in locks}
    found = [
        LockedOutPerson(
            next(m.person for m in members if m.person_id == person),
            tuple(m.customer for m in members if m.person_id == person),
            ends,
        )
        for person, ends in until.items()
    ]
    return sorted(found, key=lambda locked: locked.until, reverse=True)


def memberships_of(person_id: int) -> Sequence[Membership]:
    """Return the open accounts a person is on, the oldest first."""
    query = (
        select(Membership)
        .join(Membership.customer)
        .options(contains_eager(Membership.customer), joinedload(Membership.person))
        .where(
            Membership.person_id == person_id,
            Membership.removed_at.is_(None),
            Customer.status != CustomerStatus.CLOSED,
        )
        .order_by(Membership.id)
    )
    return db.session.scalars(query).all()


def sessions_of(person_id: int) -> Sequence[PersonSession]:
    """Return a person's sessions that have not expired or been revoked, the latest used first."""
    query = (
        select(PersonSession)
        .where(
            PersonSession.person_id == person_id,
            PersonSession.revoked_at.is_(None),
            PersonSession.expires_at > clock.now(),
        )
        .order_by(PersonSession.seen_at.desc())
    )
    return db.session.scalars(query).all()
