"""When a PIN was last used, and "was it not you?": what a verification opened ends, the PIN is a new one.

Supervisors are told: someone knew e-mail and PIN of a customer, or an agent said so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.orm import contains_eager, joinedload

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound
from console.customers.account import mails
from console.customers.models import Membership, Verification, VerificationKind
from console.customers.queries import live_keys, newest_of_each
from console.customers.verification.pins import may_hold, renew_pin
from console.staff.models import Staff
from console.staff.queries import staff_who_may
from console.staff.roles import Permission

LASTS = timedelta(days=30)  # in which a verification can be denied
LISTED = timedelta(days=7)  # to supervisors


@dataclass(frozen=True)
class PinUse:
    """A verification made with someone's PIN.

    Args:
        staff: who of support made it; ``None``: the person themselves, signed in to the portal.
        may_deny: recent, and not denied yet.
    """

    verification: Verification
    staff: str | None
    may_deny: bool


def last_uses(membership: Membership) -> list[PinUse]:
    """Return when a person's PIN was last used, and by whom; one statement.

    Where that was the person themselves, support's last use follows: it may be denied, and is not hidden by one's own.
    """
    last = (
        select(func.max(Verification.id))
        .where(Verification.membership_id == membership.id, Verification.kind == VerificationKind.PIN)
        .group_by(Verification.staff_id.is_(None))
    )
    query = (
        select(Verification, Staff.name)
        .outerjoin(Staff, Staff.id == Verification.staff_id)
        .where(Verification.id.in_(last))
        .order_by(Verification.id.desc())
    )
    now = clock.now()
    uses = [PinUse(row, name, name is not None and _may_deny(row, now)) for row, name in db.session.execute(query)]
    return uses[:1] if uses and uses[0].staff is not None else uses


def deny(actor: Actor, verification_id: int) -> Verification:
    """Say that a verification was not the person's: it ends, their PIN is a new one, supervisors are told.

    Raises:
        NotFound: no agent made it, it is not about a PIN that is theirs to hold, is too old, or they denied it already.
    """
    verification = db.session.get(Verification, verification_id)
    membership = verification.membership if verification is not None else None
    if (
        verification is None or membership is None or verification.staff_id is None
    ):  # None: by themselves, in the portal
        raise NotFound
    if not may_hold(actor, membership):
        raise NotFound
    # Locks guard and membership, as a verification does; ends every live one made with this PIN.
    renew_pin(actor, membership)
    db.session.refresh(verification, with_for_update=True)
    if not _may_deny(verification, clock.now()):
        raise NotFound
    verification.disputed_at = clock.now()
    db.session.flush()
    customer = verification.customer
    record(
        actor,
        "verification.disputed",
        customer.number,
        customer_id=customer.id,
        verification=verification.id,
        person=membership.person_id,
        staff=verification.staff_id,
    )
    agent = db.session.get_one(Staff, verification.staff_id).name
    for supervisor in staff_who_may(Permission.UNLOCK_PIN):
        mails.notify_supervisor_of_dispute(supervisor, verification, membership.person, agent)
    return verification


Disputed = tuple[Verification, str]  # and the agent's name


def live_and_disputed(actor: Actor, limit: int) -> tuple[list[Verification], list[Disputed]]:
    """Return what a supervisor has opened now, and what people denied in the last days, the latest first.

    One statement.

    Args:
        actor: the supervisor.
        limit: so many denied ones.
    """
    denied = (
        select(Verification.id, literal("denied").label("what"))
        .where(
            Verification.disputed_at.is_not(None),
            Verification.disputed_at > clock.now() - LISTED,
            Verification.staff_id.is_not(None),
        )
        .order_by(Verification.disputed_at.desc(), Verification.id.desc())
        .limit(limit)
        .subquery("denied")
    )
    live = live_keys(actor)
    parts = [select(denied.c.id, denied.c.what)]
    parts += [] if live is None else [live.add_columns(literal("live"))]
    keys = union_all(*parts).subquery("keys")
    query = (
        select(Verification, Staff.name, keys.c.what)
        .join(keys, keys.c.id == Verification.id)
        .join(Staff, Staff.id == Verification.staff_id)
        .join(Verification.customer)
        .options(
            contains_eager(Verification.customer), joinedload(Verification.membership).joinedload(Membership.person)
        )
        .order_by(Verification.disputed_at.desc(), Verification.id.desc())
    )
    rows = db.session.execute(query).all()
    opened = sorted((row.Verification for row in rows if row.what == "live"), key=lambda one: one.id, reverse=True)
    return newest_of_each(opened), [(row.Verification, row.name) for row in rows if row.what == "denied"]


def _may_deny(verification: Verification, now: datetime) -> bool:
    return verification.disputed_at is None and now - verification.started_at < LASTS
