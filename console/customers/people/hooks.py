"""What higher domains end where a person is taken off an account, or holds fewer permissions on it."""

from __future__ import annotations

from collections.abc import Callable

from console.core.actor import Actor
from console.customers.models import Membership

_listeners: dict[str, Callable[[Actor, Membership], None]] = {}


def register_reduced(name: str, listener: Callable[[Actor, Membership], None]) -> None:
    """Register what follows, called in the transaction of the change, after it was flushed."""
    _listeners[name] = listener


def run_reduced(actor: Actor, membership: Membership) -> None:
    """Let every domain that registered end what the person no longer holds."""
    for listener in _listeners.values():
        listener(actor, membership)
