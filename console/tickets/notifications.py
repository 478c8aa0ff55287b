"""Telling the desk at once what has changed. Sent after the commit; who missed it asks the list or the page again."""

from __future__ import annotations

from functools import partial
from typing import Any

from console.core.actor import Actor
from console.core.push import push
from console.core.transaction import after_commit, pending
from console.tickets.models import Ticket

DESK = "/desk"
ALL = "tickets"  # the room of everybody who looks at a list


def room(number: str) -> str:
    """Return the room of those who look at one ticket."""
    return f"ticket:{number}"


def tell(actor: Actor, ticket: Ticket) -> None:
    """Push that ``ticket`` has changed, once a transaction however often it did.

    Only its number goes out: what it says is fetched by whoever may see it.
    """
    told: list[dict[str, Any]] = pending("tickets")
    number = ticket.number
    news = next((one for one in told if one["number"] == number), None)
    if news is not None:
        news["seq"] = ticket.last_seq
        return
    # Kept as it is told: after the commit the row would be read once more for it.
    news = {"number": number, "seq": ticket.last_seq, "by": actor.id if actor.kind == "staff" else None}
    told.append(news)
    after_commit(partial(_push, news))


def _push(news: dict[str, Any]) -> None:
    push("ticket:changed", news, namespace=DESK, rooms=[ALL, room(news["number"])])
