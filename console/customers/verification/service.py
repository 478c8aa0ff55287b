"""Verifying a person by e-mail and support PIN, whatever channel they come by.

:func:`verify` is the entry for what an agent types, on a call, by e-mail, in a chat or on a ticket;
``console.customers.verification.cards`` is the one for sealed cards. Both lock the channel
(``console.customers.verification.channels``), check the PIN with :func:`check` and let the channel note the result.

Unknown e-mail, wrong PIN, burned, expired and locked have one answer: the same ``None``, the same statements, the same
secrets opened. A failed attempt is counted in the transaction that made it, so a failure is an answer, not an error.
Each attempt locks two rows in a fixed order (``console.customers.verification.guards``), so that parallel attempts are
counted one after the other, over any number of processes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import pyotp
from sqlalchemy import case, select, update
from sqlalchemy.orm import contains_eager
from sqlalchemy.orm.attributes import flag_modified

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.context import sealer, settings
from console.core.db import db
from console.core.emails import normal_email
from console.core.errors import Invalid, NotFound, Text
from console.core.ids import same_token
from console.core.seal import InvalidToken, Sealer
from console.core.texts import lazy_gettext
from console.customers.models import (
    Customer,
    CustomerStatus,
    Guard,
    Membership,
    Person,
    Verification,
    VerificationKind,
)
from console.customers.verification import channels
from console.customers.verification.guards import (
    ALLOWED,
    LOCKOUT,
    WINDOW,
    check_source,
    clear,
    count_failure,
    count_source_failure,
    email_key,
    is_locked_out,
    lock_guards,
    source_key,
)
from console.customers.verification.mails import mail_locked_out, mail_owner
from console.customers.verification.pins import DIGITS, hotp, is_valid
from console.staff.roles import Permission

BURN = 10  # evaluated failures of one PIN
SLOTS = 4  # secrets opened at least, so that the number of accounts behind an e-mail does not show
MAX_EMAIL = 254
MAX_SPOKEN = 40  # a PIN with the words and signs between its digits

_EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f]{1,64}@[^\s@\x00-\x1f\x7f]{1,253}")
_SPOKEN = re.compile(r"[\s.\-\N{NO-BREAK SPACE}\N{EN DASH}]+")


@dataclass(frozen=True)
class _Candidate:
    """A membership as read under the lock, and whether the typed PIN matches."""

    membership: Membership
    valid: bool
    matches: bool


def verify(actor: Actor, *, email: str, pin: str, channel: str) -> Verification | None:
    """Verify a person by what they tell an agent; on success their account opens for that agent.

    Args:
        actor: the member of staff who types it.
        email: as registered; case and spaces around do not matter.
        pin: six digits; spaces, dots and dashes as people say them are dropped.
        channel: ``phone``, ``mail``, ``chat:<number>`` or ``ticket:<number>``.

    Returns:
        The live verification; ``None`` where it failed. A person who is verified already, by the same
        member of staff in the same channel, stays so: no second verification is made, and the owner is mailed once.

    Raises:
        NotFound: the role does not verify.
        Conflict: the chat is not this agent's, or the chat or ticket is over.
        Invalid: an input is malformed; nothing was checked.
        TooMany: too many failures from this source; nothing was checked.
    """
    require_staff(actor, Permission.VERIFY)
    conversation = channels.lock(channel, actor)
    if conversation is not None:
        conversation.require_agent(actor)
        conversation.require_open()
        channel = conversation.name
    verification = check(actor, actor, email=email, pin=pin, channel=channel)
    if conversation is not None and verification is not None:
        conversation.note_verified(actor, verification)
    elif conversation is not None:
        conversation.note_failed(actor, None)
    return verification


def require_staff(actor: Actor, permission: Permission) -> None:
    """Raise :class:`NotFound` unless ``actor`` is a member of staff who has the permission.

    The system holds every one, and verifies no one.
    """
    actor.require(permission)
    if actor.kind != "staff" or actor.id is None:
        raise NotFound(code="not_allowed")


def check(
    source: Actor, staff: Actor, *, email: str, pin: str, channel: str, only: int | None = None
) -> Verification | None:
    """Check e-mail and PIN as ``source`` gave them, and on success open the account for ``staff``.

    The two are one person where staff type what a caller says; on a sealed card the source is the visitor. Only the
    three entries call this: they lock the channel and check that a person may be verified in it.

    Args:
        only: the one membership whose PIN counts; any of the e-mail's where it is not given.

    Raises:
        Invalid, TooMany: see :func:`verify`.
    """
    email, pin, channel = _read(email, pin, channel, in_portal=only is not None)
    now = clock.now()
    row, guard = lock_guards(source_key(source), email_key(email))
    check_source(row, now)
    # Locked out or not, the rows are read and the secrets opened: the time must not show the difference.
    found = _candidates(email, pin, now, only)
    locked_out = is_locked_out(guard, now)
    match = next((c for c in found if c.matches), None)
    if match is not None and not locked_out:
        return _succeed(staff, guard, match.membership, channel, now)
    _fail(source, row, guard, found, channel, now, locked_out=locked_out)
    return None


def end(actor: Actor, verification_id: int, reason: str = "hand") -> Verification:
    """End one's own verification, and let its channel note it; one that is over already stays as it is.

    Raises:
        NotFound: not there, or another staff member's.
    """
    actor.require(Permission.VERIFY)
    conversation = channels.lock(_channel_of(actor, verification_id), actor)  # before the verification, as everywhere
    verification = db.session.get(Verification, verification_id, with_for_update=True, populate_existing=True)
    if verification is None or actor.kind != "staff" or verification.staff_id != actor.id:
        raise NotFound
    now = clock.now()
    if verification.is_live(now):
        _end(actor, verification, now, reason)
        if conversation is not None:
            conversation.note_ended(actor)
    return verification


def end_by_channel(actor: Actor, channel: str) -> None:
    """End what was verified in a channel that is over, as a chat that has ended, whichever agent verified it."""
    now = clock.now()
    query = (
        select(Verification)
        .where(Verification.channel == channel, Verification.ended_at.is_(None), Verification.expires_at > now)
        .order_by(Verification.id)
        .with_for_update(of=Verification)
    )
    for verification in db.session.scalars(query.execution_options(populate_existing=True)).all():
        _end(actor, verification, now, "channel")


def _end(actor: Actor, verification: Verification, now: datetime, reason: str) -> None:
    verification.ended_at, verification.end_reason = now, reason
    db.session.flush()
    customer = verification.customer
    record(
        actor,
        "verification.ended",
        customer.number,
        customer_id=customer.id,
        verification=verification.id,
        reason=reason,
    )


def _channel_of(actor: Actor, verification_id: int) -> str:
    """Return the channel of one's own verification, an empty name where there is none."""
    query = select(Verification.channel).where(Verification.id == verification_id, Verification.staff_id == actor.id)
    return db.session.scalar(query) or ""


def _read(email: str, pin: str, channel: str, *, in_portal: bool = False) -> tuple[str, str, str]:
    """Return the three inputs in their one form."""
    wrong: dict[str, list[Text]] = {}
    email = normal_email(email[: 2 * MAX_EMAIL])
    if len(email) > MAX_EMAIL or not _EMAIL.fullmatch(email):
        wrong["email"] = [lazy_gettext("Enter a valid e-mail address.")]
    pin = _SPOKEN.sub("", pin) if len(pin) <= MAX_SPOKEN else ""
    if not (len(pin) == DIGITS and pin.isascii() and pin.isdigit()):
        wrong["pin"] = [lazy_gettext("Enter a six-digit support PIN.")]
    if not (channel == channels.PORTAL if in_portal else channels.is_channel(channel)):
        wrong["channel"] = [lazy_gettext("Choose how they contacted you.")]
    if wrong:
        raise Invalid(fields=wrong)
    return email, pin, channel


def _candidates(email: str, pin: str, now: datetime, only: int | None) -> list[_Candidate]:
    """Compare ``pin`` to every account of ``email``, and to decoys, so that at least :data:`SLOTS` are compared."""
    query = (
        select(Membership)
        .join(Membership.person)
        .join(Membership.customer)
        .where(Person.email == email, Membership.removed_at.is_(None), Customer.status != CustomerStatus.CLOSED)
        .options(contains_eager(Membership.person), contains_eager(Membership.customer))
        .order_by(Membership.id)
        .with_for_update(of=Membership)
        .execution_options(populate_existing=True)
    )
    if only is not None:
        query = query.where(Membership.id == only)
    memberships = list(db.session.scalars(query))
    found = [_compare(membership, pin, now) for membership in memberships]
    for _ in range(SLOTS - len(found)):
        same_token(hotp(_decoy(sealer()), 0), pin)
    return found


def _compare(membership: Membership, pin: str, now: datetime) -> _Candidate:
    valid = is_valid(membership, now)
    try:
        expected = hotp(membership.pin_secret or _decoy(sealer()), membership.pin_counter)
    except InvalidToken:  # sealed with a key that is gone: it matches nothing until it is renewed
        expected, valid = hotp(_decoy(sealer()), 0), False
    return _Candidate(membership, valid, same_token(expected, pin) and valid)


@lru_cache(maxsize=8)
def _decoy(for_sealer: Sealer) -> str:
    """Return a sealed secret of no person, made once a process."""
    return for_sealer.seal(pyotp.random_base32().encode())


def _succeed(actor: Actor, guard: Guard, membership: Membership, channel: str, now: datetime) -> Verification:
    clear(guard)
    membership.pin_failures = 0
    customer, rights = membership.customer, sorted(membership.held_rights())
    live = find_live(actor, customer, now, VerificationKind.PIN, channel=channel, membership_id=membership.id)
    if live is not None and live.rights == rights:
        record(
            actor,
            "verification.repeated",
            customer.number,
            customer_id=customer.id,
            verification=live.id,
            person=membership.person_id,
            channel=channel,
        )
        return live
    verification = start(
        Verification(
            kind=VerificationKind.PIN,
            customer=customer,
            membership=membership,
            staff_id=actor.id if actor.kind == "staff" else None,
            channel=channel,
            rights=rights,
        ),
        now,
    )
    record(
        actor,
        "verification.started",
        customer.number,
        customer_id=customer.id,
        verification=verification.id,
        person=membership.person_id,
        channel=channel,
        rights=verification.rights,
    )
    mail_owner("verification", actor, verification, person=membership.name, role=membership.role.value)
    return verification


def find_live(
    actor: Actor, customer: Customer, now: datetime, kind: VerificationKind, **same: Any
) -> Verification | None:
    """Return the live verification of this kind that ``actor`` has for the account already, with these values."""
    staff_id = actor.id if actor.kind == "staff" else None
    query = select(Verification).filter_by(customer_id=customer.id, staff_id=staff_id, kind=kind, **same)
    query = query.where(Verification.ended_at.is_(None), Verification.expires_at > now)
    return db.session.scalar(query.order_by(Verification.id.desc()).limit(1).with_for_update(of=Verification))


def start(verification: Verification, now: datetime) -> Verification:
    """Store a verification that begins now and lasts as long as the settings say."""
    verification.started_at = now
    verification.expires_at = now + timedelta(minutes=settings().verification_minutes)
    db.session.add(verification)
    db.session.flush()
    return verification


def _fail(
    actor: Actor,
    source: Guard,
    guard: Guard,
    found: Sequence[_Candidate],
    channel: str,
    now: datetime,
    *,
    locked_out: bool,
) -> None:
    """Count the attempt, unless the person is locked out. Each outcome runs the same statements."""
    failures = 0
    if not locked_out:
        failures = count_failure(guard, now, WINDOW)
        count_source_failure(source, now)
    for row in (source, guard):
        row.updated_at = now
        flag_modified(row, "failures")  # the same statement in a lockout
    locks_out = failures >= ALLOWED
    if locks_out:
        guard.locked_until = now + LOCKOUT
        guard.failures = []
    db.session.flush()
    _count_pins([c.membership.id for c in found if c.valid and not locked_out], now)
    subjects: dict[int | None, str] = {c.membership.customer_id: c.membership.customer.number for c in found}
    subjects = subjects or {None: guard.key[:22]}
    for customer_id, subject in subjects.items():
        record(actor, "verification.failed", subject, customer_id=customer_id, channel=channel, locked=locked_out)
    if locks_out:
        for customer_id, subject in subjects.items():
            person = found[0].membership.person_id if found else None
            record(actor, "pin.locked", subject, customer_id=customer_id, person=person)
        mail_locked_out(found[0].membership if found else None, guard.locked_until or now)


def _count_pins(memberships: Sequence[int], now: datetime) -> None:
    """Count a failure of each PIN that was compared, and burn it at the tenth. Without any, the statement runs too."""
    failures = Membership.pin_failures + 1
    db.session.execute(
        update(Membership)
        .where(Membership.id.in_(memberships or [0]))
        .values(
            pin_failures=failures,
            pin_burned_at=case((failures >= BURN, now), else_=Membership.pin_burned_at),
        )
        .execution_options(synchronize_session=False)
    )
