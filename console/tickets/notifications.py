"""Pushes to the desk about changed tickets, after the commit. A page that missed one reads the ticket again."""

from __future__ import annotations

from functools import partial
from typing import Any

from console.core.actor import Actor
from console.core.push import push
from console.core.transaction import after_commit, pending
from console.tickets.models import Ticket

DESK = "/desk"
ALL = "tickets"  # the room of all open lists


def room(number: str) -> str:
    """Return the room of the open pages of one ticket."""
    return f"ticket:{number}"


def push_change(actor: Actor, ticket: Ticket) -> None:
    """Push that ``ticket`` has changed, once a transaction however often it did.

    Only the number is sent: the page reads the rest, if its reader may see it.
    """
    payloads: list[dict[str, Any]] = pending("tickets")
    number = ticket.number
    payload = next((one for one in payloads if one["number"] == number), None)
    if payload is not None:
        payload["seq"] = ticket.last_seq
        return
    # Built here: after the commit the row would have to be read again.
    payload = {"number": number, "seq": ticket.last_seq, "by": actor.id if actor.kind == "staff" else None}
    payloads.append(payload)
    after_commit(partial(_push, payload))


def _push(payload: dict[str, Any]) -> None:
    push("ticket:changed", payload, namespace=DESK, rooms=[ALL, room(payload["number"])])
