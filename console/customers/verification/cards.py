"""The sealed card: an agent asks, the person enters e-mail and PIN on a page of their own, only the result comes back.

A card is reached by a token of which only the digest is stored. It takes one success, or a few failures, or its time,
whichever comes first. Each verb locks the chat or ticket of the card before the card.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, select, update

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound
from console.core.ids import new_token, token_digest
from console.customers.models import Verification, VerificationCard
from console.customers.verification import channels
from console.customers.verification.channels import Channel
from console.customers.verification.service import check, require_staff
from console.staff.models import Staff
from console.staff.roles import Permission

CARD_LIFETIME = timedelta(minutes=60)
TRIES = 5


@dataclass(frozen=True)
class Result:
    """The result of an attempt on a card. ``over``: the card takes no further one."""

    verification: Verification | None
    over: bool


def ask(actor: Actor, channel: str) -> tuple[VerificationCard, str]:
    """Make a card for a chat or ticket, instead of the open one, and bring it to the requester.

    Returns:
        The card and its token.

    Raises:
        NotFound: the role does not verify, or there is no such chat or ticket for this person.
        Conflict: the chat is not this agent's, or the chat or ticket is over.
    """
    conversation = _lock(actor, channel)
    conversation.require_open()
    now, token = clock.now(), new_token()
    end_open(conversation.name)
    card = VerificationCard(
        token_digest=token_digest(token),
        channel=conversation.name,
        staff_id=actor.id,
        created_at=now,
        expires_at=now + CARD_LIFETIME,
    )
    db.session.add(card)
    db.session.flush()
    record(actor, "verification.asked", conversation.name)
    conversation.note_asked(actor, card, token)
    return card, token


def withdraw(actor: Actor, channel: str) -> bool:
    """Revoke the open card of a chat or ticket; return whether there was one.

    Raises:
        NotFound: the role does not verify, or there is no such chat or ticket for this person.
        Conflict: the chat is not this agent's.
    """
    conversation = _lock(actor, channel)
    if not end_open(conversation.name):
        return False
    record(actor, "verification.withdrawn", conversation.name)
    conversation.note_withdrawn(actor)
    return True


def submit(source: Actor, token: str, *, email: str, pin: str) -> Result:
    """Check what was entered on the card behind a link.

    Args:
        source: the visitor, with their address: failures slow it.

    Raises:
        NotFound: no open card, or the agent who asked no longer verifies.
        Invalid, TooMany: see :func:`console.customers.verification.service.verify`; nothing was checked.
    """
    conversation = channels.lock(find_card(token).channel)
    if conversation is None:
        raise NotFound
    return _try_card(source, conversation, find_card(token, lock=True), email=email, pin=pin)


def submit_in(source: Actor, channel: str, *, email: str, pin: str) -> Result:
    """Check what was entered on the open card of a chat, over its visitor's own connection.

    Raises:
        NotFound: ``no_card``: no card is open, or the chat is over; or the agent who asked no longer verifies.
        Invalid, TooMany: see :func:`console.customers.verification.service.verify`; nothing was checked.
    """
    conversation = channels.lock(channel)
    card = open_card(channel, lock=True)
    if conversation is None or card is None:
        raise NotFound(code="no_card")
    return _try_card(source, conversation, card, email=email, pin=pin)


def end_open(channel: str) -> bool:
    """End the card that is open in a channel; return whether there was one."""
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
        NotFound: there is none, or it is over.
    """
    query = select(VerificationCard).where(VerificationCard.token_digest == token_digest(token))
    card = db.session.scalar(_locked(query) if lock else query)
    if card is None or not is_open(card):
        raise NotFound
    return card


def is_open(card: VerificationCard) -> bool:
    """Return whether a card takes a further attempt."""
    return card.ended_at is None and clock.now() < card.expires_at


def open_card(channel: str, *, lock: bool = False) -> VerificationCard | None:
    """Return the open card of a channel."""
    query = select(VerificationCard).where(VerificationCard.channel == channel, VerificationCard.ended_at.is_(None))
    query = query.order_by(VerificationCard.id.desc()).limit(1)
    card = db.session.scalar(_locked(query) if lock else query)
    return card if card is not None and is_open(card) else None


def with_open_card(names: Collection[str]) -> frozenset[str]:
    """Return those of some channels in which a card is open. One statement."""
    query = select(VerificationCard).where(
        VerificationCard.channel.in_(sorted(names)), VerificationCard.ended_at.is_(None)
    )
    return frozenset(card.channel for card in db.session.scalars(query) if is_open(card))


def latest_card(channel: str) -> VerificationCard | None:
    """Return the newest card of a channel: open, failed, used or withdrawn."""
    query = select(VerificationCard).where(VerificationCard.channel == channel)
    return db.session.scalar(query.order_by(VerificationCard.id.desc()).limit(1))


def _lock(actor: Actor, channel: str) -> Channel:
    """Lock the chat or ticket in which ``actor`` verifies people.

    Raises:
        NotFound: the role does not verify, or there is no such chat or ticket for this person.
        Conflict: the chat is not this agent's.
    """
    require_staff(actor, Permission.VERIFY)
    conversation = channels.lock(channel, actor)
    if conversation is None:
        raise NotFound
    conversation.require_agent(actor)
    return conversation


def _locked(query: Select[VerificationCard]) -> Select[VerificationCard]:
    return query.with_for_update().execution_options(populate_existing=True)


def _try_card(source: Actor, conversation: Channel, card: VerificationCard, *, email: str, pin: str) -> Result:
    """Check e-mail and PIN on an open card that is locked, and let its channel note the result.

    Raises:
        NotFound: the agent who asked no longer verifies.
        Invalid, TooMany: see :func:`console.customers.verification.service.verify`; nothing was checked.
    """
    staff = db.session.get(Staff, card.staff_id)
    if staff is None or not staff.active or not staff.actor().may(Permission.VERIFY):
        raise NotFound
    email = conversation.signed_in_email() or email
    verification = check(source, staff.actor(), email=email, pin=pin, channel=card.channel)
    if verification is None:
        card.failures += 1
    if verification is not None or card.failures >= TRIES:
        card.ended_at = clock.now()
    card.verification_id = verification.id if verification else None
    db.session.flush()
    if verification is not None:
        conversation.note_verified(source, verification)
    else:
        conversation.note_failed(source, card)
    return Result(verification, card.ended_at is not None)
