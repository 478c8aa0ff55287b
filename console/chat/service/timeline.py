"""Adding an entry to a locked chat inside a verb's transaction. Single messages go through the writer."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from console.chat import notifications
from console.chat.models import Chat, ChatMessage, MessageKind
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.text import preview


def event(actor: Actor, chat: Chat, what: str, *, inside: bool = False, **data: Any) -> ChatMessage:
    """Add to a locked chat that something happened.

    Args:
        inside: only staff see it.
    """
    facts = {"event": what, **data} | ({"inside": True} if inside else {})
    return append(actor, chat, MessageKind.EVENT, data=facts)


def append(
    actor: Actor, chat: Chat, kind: MessageKind, body: str = "", *, client_key: str = "", **fields: Any
) -> ChatMessage:
    """Add an entry to a locked chat and return it, flushed."""
    now = clock.now()
    chat.last_seq += 1
    message = ChatMessage(
        chat_id=chat.id,
        seq=chat.last_seq,
        kind=kind,
        staff_id=actor.id if actor.kind == "staff" else None,
        name=fields.pop("name", actor.name),
        body=body,
        data=fields.pop("data", {}),
        client_key=client_key or f"e:{uuid4().hex}",
        at=now,
    )
    if kind is not MessageKind.EVENT:
        chat.last_at = now
        chat.preview = preview(body)
        chat.last_by = "visitor" if kind is MessageKind.VISITOR else "staff"
    db.session.add(message)
    db.session.flush()
    notifications.say(chat, message)
    return message
