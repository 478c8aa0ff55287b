"""Verifications, invitations and ended sign-ins that have been stored long enough."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, or_, select, update

from console.audit.service import record
from console.core import clock
from console.core.actor import SYSTEM
from console.core.context import settings
from console.core.db import db
from console.core.periods import add_months
from console.core.transaction import transaction
from console.customers.models import Invitation, PersonSession, Verification, VerificationCard

BATCH = 500
_needed: list[Callable[[], ColumnElement[bool]]] = []


def session_is_due(before: datetime) -> ColumnElement[bool]:
    """Return the condition of a sign-in that ended before an instant."""
    return or_(PersonSession.expires_at < before, PersonSession.revoked_at < before)


def verification_is_due(before: datetime) -> ColumnElement[bool]:
    """Return the condition of a verification that ended before an instant and that nothing else needs."""
    condition = Verification.expires_at < before
    for needed in _needed:
        condition &= ~needed()
    return condition


def invitation_is_due(before: datetime) -> ColumnElement[bool]:
    """Return the condition of an invitation that could be accepted until before an instant."""
    return Invitation.expires_at < before


def keep_verifications(needed: Callable[[], ColumnElement[bool]]) -> None:
    """Let a higher domain say which verifications it needs, as a condition on :class:`Verification`."""
    _needed.append(needed)


def delete_sessions() -> None:
    """Delete the sign-ins to the portal that ended long ago."""
    before = clock.now() - timedelta(days=settings().session_keep_days)
    with transaction() as session:
        session.execute(delete(PersonSession).where(session_is_due(before)))


def delete_invitations() -> None:
    """Delete the invitations that were answered, revoked or left long ago."""
    before = clock.now() - timedelta(days=settings().invitation_keep_days)
    with transaction() as session:
        session.execute(delete(Invitation).where(invitation_is_due(before)))


def delete_verifications() -> int:
    """Delete the verifications that ended long ago, with their cards; return how many went."""
    before = add_months(clock.now(), -settings().verification_keep_months, settings().zone)
    gone = 0
    while True:
        with transaction() as session:
            session.execute(delete(VerificationCard).where(VerificationCard.expires_at < before))
            query = select(Verification.id).where(verification_is_due(before)).order_by(Verification.id).limit(BATCH)
            keys = list(session.scalars(query))
            if keys:
                _cut_cards(keys)
                session.execute(delete(Verification).where(Verification.id.in_(keys)))
                record(SYSTEM, "verification.forgotten", "desk", count=len(keys), ended_before=before.isoformat())
        gone += len(keys)
        if len(keys) < BATCH:
            return gone


def _cut_cards(keys: list[int]) -> None:
    cards = update(VerificationCard).where(VerificationCard.verification_id.in_(keys))
    db.session.execute(cards.values(verification_id=None))
