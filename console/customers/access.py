"""What someone may do on an account now: the one answer for the portal and for staff who act for a caller."""

from __future__ import annotations

from sqlalchemy import select

from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound
from console.customers.models import Customer, CustomerStatus, Membership, VerificationKind
from console.customers.queries import NOTHING, live_verification
from console.customers.rights import ALL_RIGHTS, Right


def membership_behind(actor: Actor, customer_id: int) -> Membership | None:
    """Return in whose name ``actor`` acts: a person in their own, staff in that of the caller they verified.

    An override names no one: it opens reading alone.
    """
    if actor.kind == "staff":
        verification = live_verification(actor, customer_id)
        return verification.membership if verification and verification.kind is VerificationKind.PIN else None
    if actor.kind != "person":
        return None
    return db.session.scalar(
        select(Membership)
        .join(Membership.customer)
        .where(
            Membership.customer_id == customer_id,
            Membership.person_id == actor.id,
            Membership.removed_at.is_(None),
            Customer.status != CustomerStatus.CLOSED,
        )
    )


def rights_of(actor: Actor, customer_id: int) -> frozenset[Right]:
    """Return what ``actor`` may do on an account now; staff: what the verified caller held then and still holds."""
    if actor.kind == "system":
        return ALL_RIGHTS
    if actor.kind == "staff":
        verification = live_verification(actor, customer_id)
        return verification.opened_rights() if verification and verification.kind is VerificationKind.PIN else NOTHING
    membership = membership_behind(actor, customer_id)
    return membership.held_rights() if membership is not None else NOTHING


def require_right(actor: Actor, customer_id: int, right: Right) -> frozenset[Right]:
    """Return everything ``actor`` may do there, if ``right`` is part of it.

    Raises:
        NotFound: it is not. What one may not do is not there.
    """
    rights = rights_of(actor, customer_id)
    if right not in rights:
        raise NotFound(code="not_allowed")
    return rights
