"""What a supervisor may do about a verification: open an account with a reason, and unlock a person."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid
from console.core.text import one_line, visible_length
from console.core.texts import lazy_gettext
from console.customers.masking import mask_pins
from console.customers.models import (
    Customer,
    CustomerStatus,
    Membership,
    Person,
    Verification,
    VerificationKind,
)
from console.customers.owners import owner_of
from console.customers.rights import READING_RIGHTS
from console.customers.verification.guards import (
    clear,
    email_key,
    lock_guards,
)
from console.customers.verification.mails import mail_owner
from console.customers.verification.service import find_live, require_staff, start
from console.staff.roles import Permission

REASON_LENGTH = 10
MAX_REASON = 1_000


def override(actor: Actor, customer: Customer, reason: str) -> Verification:
    """Open an account for reading, with a reason, without its people. The owner is mailed.

    Raises:
        NotFound: the role does not override.
        Invalid: the reason is too short or too long.
        Conflict: the account is closed.
    """
    require_staff(actor, Permission.OVERRIDE)
    reason = mask_pins(one_line(reason))[0]
    if visible_length(reason) < REASON_LENGTH or len(reason) > MAX_REASON:
        raise Invalid(fields={"reason": [lazy_gettext("Enter a reason of at least 10 characters.")]})
    if customer.status is CustomerStatus.CLOSED:
        raise Conflict(lazy_gettext("The account is closed."), code="closed")
    now = clock.now()
    live = find_live(actor, customer, now, VerificationKind.OVERRIDE, reason=reason)
    if live is not None:
        return live  # the form was sent twice
    verification = start(
        Verification(
            kind=VerificationKind.OVERRIDE,
            customer=customer,
            staff_id=actor.id,
            channel="override",
            rights=sorted(READING_RIGHTS),
            reason=reason,
        ),
        now,
    )
    record(
        actor,
        "verification.overridden",
        customer.number,
        customer_id=customer.id,
        about=owner_of(customer.id),
        personal={"reason": reason},
        verification=verification.id,
    )
    mail_owner("override", actor, verification, reason=reason)
    return verification


def unlock(actor: Actor, subject: Membership | Person) -> None:
    """Let a locked person be verified again. A burned PIN stays burned: only a new one replaces it."""
    actor.require(Permission.UNLOCK_PIN)
    person = subject if isinstance(subject, Person) else subject.person
    (guard,) = lock_guards(email_key(person.email))
    clear(guard)
    accounts = [subject.customer] if isinstance(subject, Membership) else _accounts(person)
    for customer in accounts:
        record(actor, "pin.unlocked", customer.number, customer_id=customer.id, person=person.id)


def _accounts(person: Person) -> Sequence[Customer]:
    query = select(Customer).join(Membership).where(Membership.person_id == person.id, Membership.removed_at.is_(None))
    return db.session.scalars(query).all()
