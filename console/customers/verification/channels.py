"""Where a person is verified: on the phone, by e-mail, in a chat or on a ticket.

A verification and a sealed card name their channel: ``phone``, ``mail``, ``chat:<number>`` or ``ticket:<number>``.
What a person verifies for themselves in the portal names :data:`PORTAL`, which no member of staff can use.
Chats and tickets are domains above this one, so each registers here how one of its channels is locked, what it refuses
and what it notes. The verbs of a verification lock the channel first, then the guards, the card or the verification.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from console.core.actor import Actor
from console.customers.models import Verification, VerificationCard

PORTAL = "portal"
KINDS = ("chat", "ticket")  # the channels that are rows of another domain
_NAME = re.compile(r"phone|mail|chat:[A-Za-z0-9_-]{1,40}|ticket:[A-Za-z0-9-]{1,40}")


class Channel(Protocol):
    """A chat or a ticket in which a person is verified, locked until the transaction ends."""

    @property
    def name(self) -> str:
        """Return the name that verifications and cards carry, written in one way."""

    def require_agent(self, actor: Actor) -> None:
        """Raise a refusal unless ``actor`` is the one who verifies people here."""

    def require_open(self) -> None:
        """Raise :class:`Conflict` where the conversation is over."""

    def signed_in_email(self) -> str | None:
        """Return the e-mail of a requester who is signed in to the portal: the card then asks for the PIN alone."""

    def note_asked(self, actor: Actor, card: VerificationCard, token: str) -> None:
        """Bring a new card to the requester."""

    def note_withdrawn(self, actor: Actor) -> None:
        """Note that the open card was withdrawn."""

    def note_verified(self, actor: Actor, verification: Verification) -> None:
        """Note who was verified; the same verification is noted once."""

    def note_failed(self, actor: Actor, card: VerificationCard | None) -> None:
        """Note a failed attempt.

        Args:
            card: the card it was made on; ``None`` where an agent typed what a caller said.
        """

    def note_ended(self, actor: Actor) -> None:
        """Note that a live verification was ended by hand."""


# Locks the channel of a name. With an actor it must be visible to that member of staff; without one it is the
# requester's own, reached by a card. ``None`` where there is no such conversation.
Lock = Callable[[str, Actor | None], Channel | None]
_locks: dict[str, Lock] = {}


def register(kind: str, lock: Lock) -> None:
    """Register how the channels of one of :data:`KINDS` are locked."""
    _locks[kind] = lock


def registered() -> frozenset[str]:
    """Return the kinds of channels that are registered."""
    return frozenset(_locks)


def is_channel(name: str) -> bool:
    """Return whether ``name`` is written as a channel."""
    return _NAME.fullmatch(name) is not None


def lock(name: str, actor: Actor | None = None) -> Channel | None:
    """Lock the chat or ticket that a channel names.

    Args:
        actor: the member of staff to whom it must be visible; ``None`` for the requester's own.

    Returns:
        The channel; ``None`` for a call, an e-mail, and a name of no visible conversation.
    """
    kind = name.partition(":")[0]
    # An unregistered kind raises KeyError: without its guards no verification may be made in it.
    return _locks[kind](name, actor) if kind in KINDS else None
