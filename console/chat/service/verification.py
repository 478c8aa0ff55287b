"""What a verification in a chat checks and notes: the chat as a channel of ``console.customers.verification``.

The agent asks with one click; e-mail and PIN go to the server in a sealed card, never through the transcript; only the
result comes back. A verification made in a chat ends with it.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from console.chat import notifications, queries, serializers
from console.chat.models import Chat, ChatStatus, chat_key, chat_number
from console.chat.service import timeline
from console.chat.tokens import known_person
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.db import db
from console.core.errors import Conflict, NotFound
from console.core.texts import lazy_gettext
from console.customers.models import Membership, Verification, VerificationCard, VerificationKind
from console.customers.verification import cards, channels
from console.customers.verification.service import end_by_channel
from console.staff.roles import Permission

KIND = "chat"


def channel(chat: Chat) -> str:
    """Return the channel of a chat, as verifications and cards name it."""
    return f"{KIND}:{chat.number}"


class ChatChannel:
    """A locked chat in which its visitor is verified."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat

    @property
    def name(self) -> str:
        return channel(self.chat)

    def require_agent(self, actor: Actor) -> None:
        """Raise :class:`Conflict`, ``not_yours``, where another agent has the chat, or it has ended."""
        if self.chat.status is not ChatStatus.ACTIVE or self.chat.assignee_id != actor.id:
            raise Conflict(
                lazy_gettext("This chat is not assigned to you. Take it first.")
                if self.chat.is_live
                else lazy_gettext("This chat has ended."),
                code="not_yours",
            )

    def require_open(self) -> None:
        """Do nothing: a chat that is an agent's has not ended."""

    def signed_in_email(self) -> str | None:
        person = known_person(self.chat)
        return person.email if person is not None else None

    def note_asked(self, actor: Actor, card: VerificationCard, token: str) -> None:  # noqa: ARG002
        """Note it; the card appears on the visitor's own connection, so its token is not needed."""
        timeline.event(actor, self.chat, "verification_asked", expires_at=serializers.instant(card.expires_at))

    def note_withdrawn(self, actor: Actor) -> None:
        timeline.event(actor, self.chat, "verification_withdrawn")
        notifications.state(self.chat)

    def note_verified(self, actor: Actor, verification: Verification) -> None:
        """Show in the chat who was verified, and until when; a repeated verification is noted once."""
        chat = self.chat
        cards.end_open(self.name)  # an agent may have typed what the open card asks for
        if (chat.customer_id, chat.verified_until) != (verification.customer_id, verification.expires_at):
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

    def note_failed(self, actor: Actor, card: VerificationCard | None) -> None:
        """Note a failed attempt; the visitor's own carries no name."""
        if card is None:
            timeline.event(actor, self.chat, "verification_failed", over=False)
        else:
            timeline.event(actor, self.chat, "verification_failed", over=card.ended_at is not None, name="")

    def note_ended(self, actor: Actor) -> None:
        self.chat.verified_until = None
        timeline.event(actor, self.chat, "verification_ended")
        notifications.state(self.chat)


def open_card(chat: Chat) -> VerificationCard | None:
    """Return the card that is open in this chat."""
    return cards.open_card(channel(chat))


def with_open_card(keys: Iterable[int]) -> frozenset[int]:
    """Return those of some chats, by their keys, in which a card is open. One statement."""
    names = {f"{KIND}:{chat_number(key)}": key for key in keys}
    return frozenset(names[name] for name in cards.with_open_card(names))


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


def end_channel(chat: Chat) -> None:
    """End the card and the verifications of a chat that has ended, or has another agent now."""
    cards.end_open(channel(chat))
    end_by_channel(SYSTEM, channel(chat))
    chat.verified_until = None


def _lock(name: str, actor: Actor | None) -> ChatChannel | None:
    number = name.removeprefix(f"{KIND}:")
    try:
        if actor is not None:
            return ChatChannel(queries.lock_chat(actor, number))
        chat = queries.lock_by_key(chat_key(number) or 0)
    except NotFound:
        return None
    return ChatChannel(chat) if chat.is_live else None


channels.register(KIND, _lock)
