"""Who is looking at a ticket, and who is writing: pushed to the others, stored nowhere.

Each browser announces itself when it comes, when another one comes, and from time to time;
the others drop a viewer without a sign for a while. So any number of processes agree without a table.
"""

from __future__ import annotations

from console.staff.roles import Permission
from console.tickets.notifications import ALL, room
from console.tickets.queries import find_ticket
from console.web.connections import Answer, Packet, text
from console.web.sockets import StaffConnection, on_desk, on_desk_gone

MAX_NUMBER = 20


@on_desk("tickets:join", Permission.READ_TICKETS)
def watch_list(desk: StaffConnection, _packet: Packet) -> None:
    """Join the room of all changed tickets."""
    desk.join_room(ALL)


@on_desk("ticket:join", Permission.READ_TICKETS)
def look(desk: StaffConnection, packet: Packet) -> Answer:
    """Join the room of one ticket, for its changes and its readers. Joining another leaves the first."""
    ticket = find_ticket(desk.actor, text(packet, "number", MAX_NUMBER))
    _leave(desk)
    desk.viewing = ticket.number
    desk.join_room(room(ticket.number))
    desk.emit_to_others("ticket:who", {"number": ticket.number}, room(ticket.number))
    _say_here(desk, ticket.number, typing=False)
    return {"seq": ticket.last_seq}


@on_desk("ticket:here", Permission.READ_TICKETS)
def here(desk: StaffConnection, packet: Packet) -> None:
    """Say that one is still here, and whether one is writing."""
    if desk.viewing is not None:
        _say_here(desk, desk.viewing, typing=packet.get("typing") is True)


@on_desk("ticket:leave", Permission.READ_TICKETS)
def leave(desk: StaffConnection, _packet: Packet) -> None:
    """Look no more."""
    _leave(desk)


@on_desk_gone
def gone(desk: StaffConnection) -> None:
    """Tell the others that this browser has left; without it they notice after a while."""
    if desk.viewing is not None:
        desk.emit_to_others("ticket:gone", {"number": desk.viewing, "id": desk.actor.id}, room(desk.viewing))


def _say_here(desk: StaffConnection, number: str, *, typing: bool) -> None:
    payload = {"number": number, "id": desk.actor.id, "name": desk.actor.name, "typing": typing}
    desk.emit_to_others("ticket:here", payload, room(number))


def _leave(desk: StaffConnection) -> None:
    number, desk.viewing = desk.viewing, None
    if number is not None:
        desk.leave_room(room(number))
        desk.emit_to_others("ticket:gone", {"number": number, "id": desk.actor.id}, room(number))
