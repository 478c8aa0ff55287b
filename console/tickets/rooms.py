"""Who must leave the room of a ticket: who may see it no more, and would hear who else looks at it."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from sqlalchemy import select

from console.core.actor import Actor
from console.core.db import db
from console.core.push import take_out
from console.core.transaction import after_commit
from console.staff.models import Department
from console.staff.notifications import on_department_changed
from console.staff.roles import Permission
from console.tickets import notifications
from console.tickets.models import Ticket, ticket_number
from console.tickets.queries import ticket_key, visible

_TICKET = notifications.room("")


def leave_hidden(ticket: Ticket) -> None:
    """Remove from a ticket's room the staff who may not see it after this transaction."""
    after_commit(partial(_leave, ticket.id))


def _leave(key: int) -> None:
    private = select(Department.private).join(Ticket, Ticket.department_id == Department.id).where(Ticket.id == key)
    if db.session.scalar(private):
        take_out(lambda actor, _joined: _hidden(actor, [key]))


@on_department_changed
def leave_department(_key: int) -> None:
    """Remove from this process's ticket rooms the staff who may no longer see the tickets."""
    take_out(lambda actor, joined: _hidden(actor, _tickets_in(joined or ())))


def _tickets_in(rooms: Collection[str]) -> list[int]:
    keys = (ticket_key(room.removeprefix(_TICKET)) for room in rooms if room.startswith(_TICKET))
    return [key for key in keys if key is not None]


def _hidden(actor: Actor, keys: Collection[int]) -> list[str]:
    seen: set[int] = set()
    if keys and actor.may(Permission.READ_TICKETS):
        seen = set(db.session.scalars(select(Ticket.id).where(Ticket.id.in_(keys), visible(actor))))
    return [notifications.room(ticket_number(key)) for key in keys if key not in seen]
