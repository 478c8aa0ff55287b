"""Visitors without a sign-in: known by the name they give, which proves nothing."""

from __future__ import annotations

from console.core.actor import Actor
from console.customers.masking import mask_pins

MAX_NAME = 120


def visitor_actor(name: str, address: str | None) -> Actor:
    """Return the actor of a visitor. The audit log cannot be cleaned, so no PIN gets into the name.

    Args:
        name: as they gave it; may be empty.
        address: the network address.
    """
    return Actor(kind="visitor", id=None, name=mask_pins(name)[0][:MAX_NAME] or "visitor", address=address)
