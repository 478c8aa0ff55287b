"""The sealed card: staff ask, the person enters e-mail and PIN on a page of their own, only the result comes back.

A card is reached by a token of which only the digest is kept. It serves one success,
or a few failures, or its time, whichever comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound
from console.core.ids import new_token, token_digest
from console.customers.models import Verification, VerificationCard
from console.customers.verification.service import check
from console.staff.models import Staff
from console.staff.roles import Permission

LASTS = timedelta(minutes=60)
TRIES = 5


@dataclass(frozen=True)
class Result:
    """What a try on a card came to. ``over``: the card takes no further one."""

    verification: Verification | None
    over: bool


def ask(actor: Actor, channel: str) -> tuple[VerificationCard, str]:
    """Make a card for a channel, in place of the one that was open there; return it and its token.

    Raises:
        NotFound: the role does not verify.
    """
    actor.require(Permission.VERIFY)
    if actor.kind != "staff" or actor.id is None:
        raise NotFound(code="not_allowed")
    now, token = clock.now(), new_token()
    end_open(channel)
    card = VerificationCard(
        token_digest=token_digest(token), channel=channel, staff_id=actor.id, created_at=now, expires_at=now + LASTS
    )
    db.session.add(card)
    db.session.flush()
    record(actor, "verification.asked", channel)
    return card, token


def withdraw(actor: Actor, channel: str) -> bool:
    """Make the card void that is open in a channel; tell whether there was one.

    Raises:
        NotFound: the role does not verify.
    """
    actor.require(Permission.VERIFY)
    if not end_open(channel):
        return False
    record(actor, "verification.withdrawn", channel)
    return True


def end_open(channel: str) -> bool:
    """End the card that is open in a channel; tell whether there was one."""
    now = clock.now()
    ended = db.session.execute(
        update(VerificationCard)
        .where(
            VerificationCard.channel == channel, VerificationCard.ended_at.is_(None), VerificationCard.expires_at > now
        )
        .values(ended_at=now)
        .returning(VerificationCard.id)
        .execution_options(synchronize_session="fetch")
    )
    return bool(ended.all())


def find_card(token: str, *, lock: bool = False) -> VerificationCard:
    """Return the open card behind ``token``.

    Raises:
        NotFound: there is none, or it has served.
    """
    query = select(VerificationCard).where(VerificationCard.token_digest == token_digest(token))
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    card = db.session.scalar(query)
    if card is None or not is_open(card):
        raise NotFound
    return card


def is_open(card: VerificationCard) -> bool:
    """Tell whether a card still takes a try."""
    return card.ended_at is None and clock.now() < card.expires_at


def submit(source: Actor, token: str, *, email: str, pin: str) -> tuple[VerificationCard, Result]:
    """Try e-mail and PIN on a card. A failure says nothing of its cause, as everywhere.

    Args:
        source: the visitor, with their address: failures slow it.

    Raises:
        NotFound: no open card, or who asked works here no more.
        Invalid, TooMany: see :func:`console.customers.verification.service.verify`; nothing was tried.
    """
    card = find_card(token, lock=True)
    return card, try_card(source, card, email=email, pin=pin)


def try_card(source: Actor, card: VerificationCard, *, email: str, pin: str) -> Result:
    """Try e-mail and PIN on an open card that is locked.

    Raises:
        NotFound: who asked works here no more.
        Invalid, TooMany: see :func:`console.customers.verification.service.verify`; nothing was tried.
    """
    staff = db.session.get(Staff, card.staff_id)
    if staff is None or not staff.active or not staff.actor().may(Permission.VERIFY):
        raise NotFound
    verification = check(source, staff.actor(), email=email, pin=pin, channel=card.channel)
    if verification is None:
        card.failures += 1
    if verification is not None or card.failures >= TRIES:
        card.ended_at = clock.now()
    card.verification_id = verification.id if verification else None
    db.session.flush()
    return Result(verification, card.ended_at is not None)


def latest_card(channel: str) -> VerificationCard | None:
    """Return the newest card of a channel: asked, failed or used."""
    return db.session.scalar(
        select(VerificationCard)
        .where(VerificationCard.channel == channel)
        .order_by(VerificationCard.id.desc())
        .limit(1)
    )
