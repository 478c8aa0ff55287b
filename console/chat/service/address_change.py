"""What a changed sign-in address does to the chats of its person: what is mailed of them goes to the new one."""

from __future__ import annotations

from sqlalchemy import select

from console.chat import notifications
from console.chat import search as chat_search
from console.chat.models import Chat
from console.core.actor import Actor
from console.core.db import db
from console.customers.account.hooks import register_address_changed
from console.customers.models import Person


def follow(_actor: Actor, person: Person, old: str) -> None:
    """Give chats from a person's old address their new one; one that has ended may still become a ticket."""
    query = select(Chat).where(Chat.email == old).order_by(Chat.id).with_for_update(of=Chat)
    chats = db.session.scalars(query.execution_options(populate_existing=True)).all()
    for chat in chats:
        chat.email = person.email
    db.session.flush()
    for chat in chats:
        chat_search.index(chat)
        if chat.is_live:
            notifications.state(chat)


register_address_changed("chats", follow)
