"""Canned replies as a composer gets them: the same for a ticket and for a chat."""

from __future__ import annotations

from typing import Any

from console.tickets.canned.queries import Offer


def to_payload(offer: Offer, language: str) -> dict[str, Any]:
    """Return an offered reply.

    Args:
        language: of who writes; the text itself is in the requester's.
    """
    return {
        "id": offer.reply.id,
        "title": offer.reply.title(language),
        "category": offer.reply.category.name(language),
        "shortcut": offer.reply.shortcut,
        "body": offer.body,
        "greeting": offer.greeting,
        "locked": offer.locked_reason is not None,
        "locked_reason": None if offer.locked_reason is None else str(offer.locked_reason),
    }
