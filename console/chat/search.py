"""Finding chats by words: the visitor's name and address, and what was said.

A chat is indexed when it is opened, by its first question, and again when it ends, with all of it:
the writer of single messages has nothing to do with it.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from console.chat.models import Chat, ChatMessage, MessageKind
from console.core.db import db
from console.core.search import RankedIndex

CHAT_SEARCH = RankedIndex("search_chats")


def index(chat: Chat, *, new: bool = False) -> None:
    """Put a chat into the index as it is now.

    Args:
        new: it was not there before.
    """
    said = select(ChatMessage.body).where(ChatMessage.chat_id == chat.id, ChatMessage.kind != MessageKind.EVENT)
    bodies = db.session.scalars(said.order_by(ChatMessage.seq))
    CHAT_SEARCH.put_titled(db.session(), chat.id, title(chat.number, chat.name, chat.email), text(bodies), new=new)


def title(number: str, name: str, email: str) -> str:
    """Return what counts most."""
    return f"{number} {name} {email}"


def text(bodies: Iterable[str]) -> str:
    """Return what was said, as the index takes it."""
    return "\n".join(body for body in bodies if body)
