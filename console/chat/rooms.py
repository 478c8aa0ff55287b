"""Which rooms a colleague's connections belong to, and who must leave one when that changes.

A room of the lists belongs to a department, one of a chat to all who see it. Who comes into one is asked then;
transfers, departments and their members change the answer for those who are in already.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta
from functools import partial

from sqlalchemy import or_, select

from console.chat import notifications
from console.chat.models import LIVE, Chat, chat_key, chat_number
from console.chat.queries import visible
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.push import push, take_out
from console.core.transaction import after_commit, pending
from console.staff.department_access import in_visible_department
from console.staff.models import Department
from console.staff.notifications import on_department_changed
from console.staff.roles import Permission

RECENT = timedelta(days=7)  # a chat that rested for longer is not watched in another process
_CHAT = notifications.room("")


def of(actor: Actor) -> list[str]:
    """Return the rooms of the lists that this person's desk belongs to."""
    return [notifications.LISTS, *(notifications.department_room(key) for key in _departments(actor))]


def leave_hidden(chat: Chat) -> None:
    """Remove from a chat's room those who may not see it after this transaction, before anything is pushed."""
    numbers = pending("chat rooms")
    if chat.id not in numbers:
        numbers.append(chat.id)
        after_commit(partial(_leave_chat, chat.id))


def _leave_chat(key: int) -> None:
    private = select(Department.private).join(Chat, Chat.department_id == Department.id).where(Chat.id == key)
    if db.session.scalar(private):
        take_out(lambda actor, _joined: _hidden(actor, [key]))


@on_department_changed
def leave_department(key: int) -> None:
    """Remove from a department's rooms those who may no longer see it, and let every desk reload."""
    recent = select(Chat.id).where(
        Chat.department_id == key, or_(Chat.status.in_(LIVE), Chat.last_at > clock.now() - RECENT)
    )
    chats = list(db.session.scalars(recent))

    def hidden(actor: Actor, joined: Collection[str] | None) -> list[str]:
        room = notifications.department_room(key)
        lists = [] if room in of(actor) else [room]
        return lists + _hidden(actor, chats if joined is None else _chats_in(joined))

    take_out(hidden)
    push("rooms:changed", {}, namespace=notifications.DESK, rooms=[notifications.LISTS])


def _chats_in(rooms: Iterable[str]) -> list[int]:
    keys = (chat_key(room.removeprefix(_CHAT)) for room in rooms if room.startswith(_CHAT))
    return [key for key in keys if key is not None]


def _hidden(actor: Actor, keys: Collection[int]) -> list[str]:
    """Return the rooms of those chats that this person does not see."""
    seen: set[int] = set()
    if keys and actor.may(Permission.CHAT):
        seen = set(db.session.scalars(select(Chat.id).where(Chat.id.in_(keys), visible(actor))))
    return [notifications.room(chat_number(key)) for key in keys if key not in seen]


def _departments(actor: Actor) -> list[int]:
    """Return the departments whose chats this person may see."""
    if not actor.may(Permission.CHAT):
        return []
    return list(db.session.scalars(select(Department.id).where(in_visible_department(actor, Department.id))))
