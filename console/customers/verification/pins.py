"""The support PIN of one person on one account.

Six digits: the HOTP (RFC 4226) of a secret that is sealed with a key outside
the database. The PIN itself is stored nowhere, so the portal can show it at any
time and a dump of the database cannot.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pyotp
from sqlalchemy import select

from console.audit.service import record
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.context import sealer, settings
from console.core.db import db
from console.core.errors import Conflict, NotFound
from console.core.seal import InvalidToken
from console.customers.models import CustomerStatus, Guard, MemberRole, Membership, Verification
from console.customers.service import end_verifications
from console.customers.verification.guards import clear, email_key, lock_guards
from console.mail.service import write_to

DIGITS = 6


def pin_at(membership: Membership, now: datetime | None = None) -> str | None:
    """Return the PIN if it is valid at ``now`` (the present by default); never make a new one."""
    if not is_valid(membership, now or clock.now()):
        return None
    try:
        return code(membership)
    except InvalidToken:  # sealed with a key that is gone
        return None


def is_valid(membership: Membership, now: datetime) -> bool:
    """Return whether the membership has a PIN that is neither expired nor burned."""
    return (
        membership.removed_at is None
        and membership.pin_secret is not None
        and membership.pin_burned_at is None
        and membership.pin_expires_at is not None
        and now < membership.pin_expires_at
    )


def code(membership: Membership) -> str:
    """Return the HOTP of the membership's secret at its counter, valid or not.

    Raises:
        InvalidToken: the secret was sealed with a key that is gone.
    """
    return hotp(membership.pin_secret or "", membership.pin_counter)


def hotp(sealed: str, counter: int) -> str:
    """Return the HOTP of a sealed secret.

    Raises:
        InvalidToken: it was sealed with a key that is gone.
    """
    return pyotp.HOTP(sealer().open(sealed).decode(), digits=DIGITS).at(counter)


def current_pin(membership: Membership) -> tuple[str, datetime]:
    """Return the PIN and when it expires; a new one where the last has expired or is burned.

    Call inside a transaction. Two calls at once return the same PIN. Looking at a PIN ends no verification and lifts
    no lock.
    """
    _lock_rows(membership)
    pin = pin_at(membership)
    if pin is None:
        pin = _renew(membership)
        record(
            SYSTEM,
            "pin.issued",
            membership.customer.number,
            customer_id=membership.customer_id,
            person=membership.person_id,
        )
    return pin, _end(membership)


def renew_pin(actor: Actor, membership: Membership) -> tuple[str, datetime]:
    """Make a new PIN: the old one, the verifications made with it and a lock end now.

    Raises:
        NotFound: neither the person's own, nor one that the account's owner hands out.
        Conflict: the person is no longer on the account, or it is closed.
    """
    require_holder(actor, membership)
    guard = _lock_rows(membership)
    pin = _renew(membership)
    if _lifts_lockout(actor, membership):
        clear(guard)
    end_verifications(Verification.membership_id == membership.id, reason="pin")
    customer, person = membership.customer, membership.person
    record(actor, "pin.renewed", customer.number, customer_id=customer.id, person=person.id)
    write_to(
        person,
        customer,
        "pin_renewed",
        customer=customer.name,
        number=customer.number,
        at=clock.now(),
        by=actor.name if (actor.kind, actor.id) != ("person", person.id) else None,
    )
    return pin, _end(membership)


def may_hold(actor: Actor, membership: Membership) -> bool:
    """Return whether ``actor`` may see and renew this PIN.

    People may hold their own; an owner also those of the account's contacts, whether they have a sign-in somewhere or
    not: that is not for the owner to learn. Staff never may: a PIN that staff can read proves nothing.
    """
    if actor.kind == "system":
        return True
    if actor.kind != "person" or membership.removed_at is not None:
        return False
    if membership.person_id == actor.id:
        return True
    return membership.role is MemberRole.CONTACT and _is_owner(actor, membership.customer_id)


def require_holder(actor: Actor, membership: Membership) -> None:
    """Raise :class:`NotFound` unless :func:`may_hold`."""
    if not may_hold(actor, membership):
        raise NotFound


def pin_lifetime(membership: Membership) -> timedelta:
    """Return how long a new PIN is valid: longer for a contact, to whom it is handed on."""
    is_contact = membership.role is MemberRole.CONTACT
    return timedelta(minutes=settings().contact_pin_minutes if is_contact else settings().pin_minutes)


def _is_owner(actor: Actor, customer_id: int) -> bool:
    query = select(Membership.id).where(
        Membership.customer_id == customer_id,
        Membership.person_id == actor.id,
        Membership.is_owner,
    )
    return db.session.scalar(query) is not None


def _lock_rows(membership: Membership) -> Guard:
    """Lock the person's guard, as a verification does, and read the membership as it is now."""
    (guard,) = lock_guards(email_key(membership.person.email))
    query = (
        select(Membership)
        .where(Membership.id == membership.id)
        .with_for_update(of=Membership)
        .execution_options(populate_existing=True)
    )
    db.session.scalars(query).one()
    if membership.removed_at is not None or membership.customer.status is CustomerStatus.CLOSED:
        raise Conflict
    return guard


def _lifts_lockout(actor: Actor, membership: Membership) -> bool:
    """Return whether the person's lock ends with a new PIN.

    The lock covers all their accounts. An owner who hands out the PIN of one of them must not get further guesses at
    the PINs of the others.
    """
    if actor.kind != "person" or actor.id == membership.person_id:
        return True
    query = select(Membership.id).where(
        Membership.person_id == membership.person_id,
        Membership.id != membership.id,
        Membership.removed_at.is_(None),
    )
    return db.session.scalar(query.limit(1)) is None


def _renew(membership: Membership) -> str:
    """Advance the counter until the PIN differs from those of the person's other accounts: it must name the account."""
    if not _opens(membership.pin_secret):
        membership.pin_secret = sealer().seal(pyotp.random_base32().encode())
    others = _other_pins(membership)
    membership.pin_counter += 1
    while (pin := code(membership)) in others:
        membership.pin_counter += 1
    membership.pin_expires_at = clock.now() + pin_lifetime(membership)
    membership.pin_failures = 0
    membership.pin_burned_at = None
    db.session.flush()
    return pin


def _end(membership: Membership) -> datetime:
    if membership.pin_expires_at is None:
        raise AssertionError("a PIN that was made has an end")
    return membership.pin_expires_at


def _opens(sealed: str | None) -> bool:
    try:
        return sealed is not None and bool(sealer().open(sealed))
    except InvalidToken:
        return False


def _other_pins(membership: Membership) -> set[str]:
    """Return the PINs of the same person's other accounts, expired ones too: a person may still read one out."""
    query = select(Membership).where(
        Membership.person_id == membership.person_id,
        Membership.id != membership.id,
        Membership.removed_at.is_(None),
    )
    return {code(other) for other in db.session.scalars(query) if _opens(other.pin_secret)}
