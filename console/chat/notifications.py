"""Telling visitors and the desk what has happened, after the commit.

A message goes to everyone who has its chat open. What the lists show of a chat goes out once for all that
happened to it in a short while: at hundreds of messages a second a list needs no more.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from console.chat import serializers
from console.chat.models import Chat, ChatFile, ChatMessage
from console.core.db import db
from console.core.push import push
from console.core.transaction import after_commit, pending

VISITOR, DESK = "/visitor", "/desk"
VISITORS = "visitors"  # the room of every widget that is open
LISTS = "chats"  # the room of those at the desk who manage all of it
_changed: set[int] = set()


def room(number: str) -> str:
    """Return the room of a chat: the visitor's connections there, those who watch it here."""
    return f"chat:{number}"


def department_room(department_id: int) -> str:
    """Return the room of those whose lists show a department's chats."""
    return f"chats:{department_id}"


def say(chat: Chat, message: ChatMessage, files: Iterable[ChatFile] = ()) -> None:
    """Push a message that this transaction stores."""
    files = list(files)
    number = chat.number
    inner = serializers.message_shape(number, message, files, outside=False)
    outer = serializers.message_shape(number, message, files, outside=True) if message.is_public else None
    after_commit(partial(push_message, number, inner, outer))
    touch(chat)


def masked(chat: Chat, message: ChatMessage) -> None:
    """Push that a number in a message was masked: what is shown of it is to be shown as it is now."""
    shape = {"chat": chat.number, "seq": message.seq, "body": message.body} | serializers.pin_shape(message.data)
    rooms = [room(chat.number)]
    after_commit(partial(push, "message:masked", shape, namespace=DESK, rooms=rooms))
    if message.is_public:
        after_commit(partial(push, "message:masked", shape, namespace=VISITOR, rooms=rooms))
    touch(chat)


def push_message(number: str, inner: serializers.Shape, outer: serializers.Shape | None) -> None:
    """Push a stored message, in its two shapes."""
    push("message:new", inner, namespace=DESK, rooms=[room(number)])
    if outer is not None:
        push("message:new", outer, namespace=VISITOR, rooms=[room(number)])


def state(chat: Chat) -> None:
    """Push what a chat is now, once for a transaction."""
    keys = pending("chat states")
    if chat.id not in keys:
        keys.append(chat.id)
        after_commit(partial(_push_state, chat.id))
    touch(chat)


def _push_state(key: int) -> None:
    chat = db.session.get_one(Chat, key)  # a session that was emptied meanwhile, as an import does, reads it again
    number = chat.number
    push("chat:state", serializers.chat_whole(chat), namespace=DESK, rooms=[room(number)])
    outer = serializers.visitor_state(chat)
    payload = {"chat": outer, "hours": serializers.hours_shape()}
    push("chat:state", payload, namespace=VISITOR, rooms=[room(number)])


def touch(chat: Chat) -> None:
    """Let the lists show what this transaction does to a chat."""
    after_commit(partial(touched, chat.id))


def touched(key: int) -> None:
    """Have the lists redraw a chat soon."""
    _changed.add(key)


def take_changed() -> set[int]:
    """Return the chats to redraw, and forget them."""
    taken = set(_changed)
    _changed.clear()
    return taken


def push_lists(chats: Iterable[Chat], counts: dict[str, Any]) -> None:
    """Push rows of the desk's lists to those who may see each, and the counts to all."""
    by_department: dict[int, list[serializers.Shape]] = {}
    for chat in chats:
        by_department.setdefault(chat.department_id, []).append(serializers.chat_row(chat))
    for department, rows in by_department.items():
        payload = {"chats": rows} | counts
        push("queue:changed", payload, namespace=DESK, rooms=[department_room(department)])


def presence_changed() -> None:
    """Have the desk reload who is online."""
    push("presence:changed", {}, namespace=DESK, rooms=[LISTS])
