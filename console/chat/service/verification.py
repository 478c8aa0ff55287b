"""Who is behind a chat.

The agent asks with one click; e-mail and PIN go to the server in a sealed card, never
through the transcript; only the result comes back. A verification made for a chat ends with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from console.chat import notifications, queries, serializers
from console.chat.models import Chat, ChatStatus, chat_number
from console.chat.service import timeline
from console.chat.tokens import known_person
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.db import db
from console.core.errors import Conflict, NotFound
from console.core.texts import lazy_gettext
from console.customers.models import Membership, Verification, VerificationCard, VerificationKind
from console.customers.verification import cards
from console.customers.verification.service import end_by_channel, verify
from console.staff.roles import Permission
from console.tickets.service import verification as ticket_verification

CHANNEL = "chat:"


def channel(chat: Chat) -> str:
    """Return the channel that verifications made in this chat name."""
    return f"{CHANNEL}{chat.number}"


def ask(actor: Actor, number: object) -> tuple[Chat, VerificationCard]:
    """Put a sealed card before the visitor.

    Raises:
        NotFound: no such chat for this person, or the role does not verify.
        Conflict: ``not_yours``: another agent has the chat, or it has ended.
    """
    actor.require(Permission.VERIFY)
    chat = queries.lock_chat(actor, number)
    _check_mine(actor, chat)
    card, _token = cards.ask(actor, channel(chat))  # the card is on the connection; nobody needs its token
    timeline.event(actor, chat, "verification_asked", expires_at=serializers.instant(card.expires_at))
    return chat, card


def open_card(chat: Chat, *, lock: bool = False) -> VerificationCard | None:
    """Return the card that stands before the visitor of this chat."""
    query = select(VerificationCard).where(
        VerificationCard.channel == channel(chat), VerificationCard.ended_at.is_(None)
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    card = db.session.scalar(query.order_by(VerificationCard.id.desc()).limit(1))
    return card if card is not None and cards.is_open(card) else None


def with_open_card(keys: Iterable[int]) -> frozenset[int]:
    """Return those of some chats, by their keys, before whose visitor a card stands. One statement."""
    channels = {f"{CHANNEL}{chat_number(key)}": key for key in keys}
    query = select(VerificationCard).where(
        VerificationCard.channel.in_(sorted(channels)), VerificationCard.ended_at.is_(None)
    )
    return frozenset(channels[card.channel] for card in db.session.scalars(query) if cards.is_open(card))


def submit(visitor: Actor, chat: Chat, *, email: str, pin: str) -> cards.Result:
    """Try what the visitor entered. Signed in to the portal still, they enter the PIN alone.

    Args:
        visitor: with the network address: failures slow it.
        chat: of the visitor's connection; locked here.

    Raises:
        NotFound: no card is open.
        Invalid, TooMany: see :func:`console.customers.verification.service.verify`; nothing was tried.
    """
    chat = queries.lock_by_key(chat.id)
    card = open_card(chat, lock=True)
    if card is None or not chat.is_live:
        raise NotFound(code="no_card")
    known = known_person(chat)
    address = known.email if known is not None else email
    result = cards.try_card(visitor, card, email=address, pin=pin)
    if result.verification is not None:
        note_verified(visitor, chat, result.verification)
    else:
        timeline.event(visitor, chat, "verification_failed", over=result.over, name="")
    return result


def withdraw(actor: Actor, number: object) -> Chat:
    """Take back the card that stands before the visitor, if one does.

    Raises:
        NotFound: no such chat for this person, or the role does not verify.
        Conflict: ``not_yours``: another agent has the chat, or it has ended.
    """
    actor.require(Permission.VERIFY)
    chat = queries.lock_chat(actor, number)
    _check_mine(actor, chat)
    if cards.withdraw(actor, channel(chat)):
        timeline.event(actor, chat, "verification_withdrawn")
        notifications.state(chat)
    return chat


def verify_spoken(actor: Actor, *, email: str, pin: str, channel_name: str) -> Verification | None:
    """Check what a person says; where the channel names a chat or a ticket, that tells how it went.

    Raises:
        NotFound, Invalid, TooMany: see :func:`console.customers.verification.service.verify`; nothing was tried.
        Conflict: the chat is not this agent's or has ended, the ticket was merged or closed.
    """
    chat = _named(actor, channel_name)
    if chat is None:
        return ticket_verification.verify_spoken(actor, email=email, pin=pin, channel_name=channel_name)
    _check_mine(actor, chat)
    made = verify(actor, email=email, pin=pin, channel=channel(chat))
    if made is not None:
        cards.end_open(channel(chat))
        note_verified(actor, chat, made)
    else:
        timeline.event(actor, chat, "verification_failed", over=False)
    return made


def end(actor: Actor, verification_id: int) -> Verification:
    """End one's own verification; the chat or the ticket that it was made for is told.

    Raises:
        NotFound: not there, or another staff member's.
    """
    named = db.session.scalar(
        select(Verification.channel).where(Verification.id == verification_id, Verification.staff_id == actor.id)
    )
    chat = _named(actor, named or "")
    was_live = chat is not None and db.session.get_one(Verification, verification_id).is_live(clock.now())
    ended = ticket_verification.end(actor, verification_id)
    if chat is not None and was_live:
        chat.verified_until = None
        timeline.event(actor, chat, "verification_ended")
        notifications.state(chat)
    return ended


def live_for(actor: Actor, chat: Chat) -> Verification | None:
    """Return the live verification that ``actor`` has for this chat and no other, with the person and the account."""
    if not actor.may(Permission.VERIFY):
        return None
    return db.session.scalar(
        select(Verification)
        .where(
            Verification.channel == channel(chat),
            Verification.staff_id == actor.id,
            Verification.kind == VerificationKind.PIN,
            Verification.ended_at.is_(None),
            Verification.expires_at > clock.now(),
        )
        .options(joinedload(Verification.customer), joinedload(Verification.membership).joinedload(Membership.person))
        .order_by(Verification.id.desc())
        .limit(1)
    )


def note_verified(actor: Actor, chat: Chat, verification: Verification) -> None:
    """Let a locked chat show who was verified in it, until when; said once of each verification."""
    if (chat.customer_id, chat.verified_until) == (verification.customer_id, verification.expires_at):
        notifications.state(chat)  # a card that waited is gone
        return
    person = verification.membership.person if verification.membership is not None else None
    chat.customer_id = verification.customer_id
    chat.verified_until = verification.expires_at
    chat.verified_name = person.name if person is not None else None
    timeline.event(
        actor,
        chat,
        "verified",
        person=chat.verified_name,
        customer=verification.customer.number,
        until=serializers.instant(verification.expires_at),
    )
    notifications.state(chat)


def end_channel(chat: Chat) -> None:
    """End the card and the verifications of a chat that has ended, or has another agent now."""
    now: datetime = clock.now()
    for card in db.session.scalars(
        select(VerificationCard).where(VerificationCard.channel == channel(chat), VerificationCard.ended_at.is_(None))
    ):
        card.ended_at = now
    end_by_channel(SYSTEM, channel(chat))
    chat.verified_until = None


def _check_mine(actor: Actor, chat: Chat) -> None:
    if chat.status is not ChatStatus.ACTIVE or chat.assignee_id != actor.id:
        raise Conflict(
            lazy_gettext("This chat is not assigned to you. Take it first.")
            if chat.is_live
            else lazy_gettext("This chat has ended."),
            code="not_yours",
        )


def _named(actor: Actor, channel_name: str) -> Chat | None:
    """Return the chat that a channel names, locked; ``None`` where it names none that this person sees."""
    if not channel_name.startswith(CHANNEL):
        return None
    try:
        return queries.lock_chat(actor, channel_name.removeprefix(CHANNEL))
    except NotFound:
        return None
