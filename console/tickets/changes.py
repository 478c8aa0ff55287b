"""Telling the desk at once what has changed. Sent after the commit; who missed it asks the list or the page again."""

from __future__ import annotations

from functools import partial

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
    told = pending("tickets")
    if ticket.id not in told:
        told.append(ticket.id)
        after_commit(partial(_push, ticket, actor))


def _push(ticket: Ticket, actor: Actor) -> None:
    news = {"number": ticket.number, "seq": ticket.last_seq, "by": actor.id if actor.kind == "staff" else None}
    push("ticket:changed", news, namespace=DESK, rooms=[ALL, room(ticket.number)])
