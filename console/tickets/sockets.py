"""Who is looking at a ticket, and who is writing: pushed to the others, stored nowhere.

Each browser announces itself when it comes, when another one comes, and from time to time;
the others forget who was not heard for a while. So any number of processes agree without a table.
"""

from __future__ import annotations

from typing import Any

from flask import session
from flask_socketio import emit, join_room, leave_room

from console.core.actor import Actor
from console.staff.roles import Permission
from console.tickets.notifications import ALL, room
from console.tickets.queries import find_ticket
from console.web.sockets import on_desk, on_desk_gone, text

MAX_NUMBER = 20
_LOOKING = "ticket"  # key in the connection's own session


@on_desk("tickets:join", Permission.READ_TICKETS)
def watch_list(_actor: Actor, _packet: dict[str, Any]) -> None:
    """Join the room of all changed tickets."""
    join_room(ALL)


@on_desk("ticket:join", Permission.READ_TICKETS)
def look(actor: Actor, packet: dict[str, Any]) -> dict[str, Any]:
    """Join the room of one ticket, for its changes and its readers. Joining another leaves the first."""
    ticket = find_ticket(actor, text(packet, "number", MAX_NUMBER))
    _leave(actor)
    session[_LOOKING] = ticket.number
    join_room(room(ticket.number))
    emit("ticket:who", {"number": ticket.number}, to=room(ticket.number), include_self=False)
    _say_here(actor, ticket.number, typing=False)
    return {"seq": ticket.last_seq}


@on_desk("ticket:here", Permission.READ_TICKETS)
def here(actor: Actor, packet: dict[str, Any]) -> None:
    """Say that one is still here, and whether one is writing."""
    number = session.get(_LOOKING)
    if isinstance(number, str):
        _say_here(actor, number, typing=packet.get("typing") is True)


@on_desk("ticket:leave", Permission.READ_TICKETS)
def leave(actor: Actor, _packet: dict[str, Any]) -> None:
    """Look no more."""
    _leave(actor)


@on_desk_gone
def gone() -> None:
    """Tell the others that this browser has left; without it they notice after a while."""
    number, who = session.get(_LOOKING), session.get("staff_id")
    if isinstance(number, str):
        emit("ticket:gone", {"number": number, "id": who}, to=room(number), include_self=False)


def _say_here(actor: Actor, number: str, *, typing: bool) -> None:
    session["staff_id"] = actor.id
    payload = {"number": number, "id": actor.id, "name": actor.name, "typing": typing}
    emit("ticket:here", payload, to=room(number), include_self=False)


def _leave(actor: Actor) -> None:
    number = session.pop(_LOOKING, None)
    if isinstance(number, str):
        leave_room(room(number))
        emit("ticket:gone", {"number": number, "id": actor.id}, to=room(number))
