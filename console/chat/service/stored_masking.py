"""Masking a number in a message of a chat that is stored: it was said to be no PIN, and was one."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from console.audit.service import record
from console.chat import notifications, queries
from console.chat import search as chat_search
from console.chat.models import Chat, ChatMessage, MessageKind, chat_key
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound
from console.core.text import preview
from console.customers import stored_masking
from console.customers.masking import mask_token
from console.mail import service as mail
from console.staff.roles import Permission
from console.tickets.service import stored_masking as tickets


def mask_by_staff(actor: Actor, number: object, seq: int, token: str | None = None) -> ChatMessage:
    """Mask a number in a message that is stored already, and wherever the chat repeats it.

    Args:
        token: which, by its digits; ``None``: all that looks like a PIN.

    Raises:
        NotFound: no such message for this person.
        Invalid: there is no such number in it.
    """
    actor.require(Permission.CHAT)
    return _mask(actor, queries.lock_chat(actor, number), seq, token)


def mask_by_visitor(visitor: Actor, chat_id: int, seq: int, token: str | None = None) -> ChatMessage:
    """Mask a number in what the visitor themselves wrote.

    Raises:
        NotFound, Invalid: see :func:`mask_by_staff`.
    """
    return _mask(visitor, queries.lock_by_key(chat_id), seq, token, only=MessageKind.VISITOR)


def _mask(actor: Actor, chat: Chat, seq: int, token: str | None, only: MessageKind | None = None) -> ChatMessage:
    message = db.session.get(ChatMessage, (chat.id, seq))
    if message is None or message.kind is MessageKind.EVENT or (only is not None and message.kind is not only):
        raise NotFound
    numbers = stored_masking.numbers_of(message.body, token)
    _write(chat, message, token)
    _retell(chat, numbers)
    record(actor, "chat.masked", chat.number, customer_id=chat.customer_id, seq=seq)
    if chat.ticket_id is not None:
        tickets.mask_copies(actor, chat.ticket_id, chat.number, numbers)
    return message


@tickets.on_masked
def _mask_copies(_actor: Actor, number: str, numbers: Sequence[str]) -> None:
    """Mask what was masked in a chat's ticket in the chat as well."""
    chat = queries.lock_by_key(chat_key(number) or 0)
    for message in db.session.scalars(select(ChatMessage).where(ChatMessage.chat_id == chat.id)):
        for one in numbers:
            if mask_token(message.body, one)[1]:
                _write(chat, message, one)
    _retell(chat, numbers)


def _write(chat: Chat, message: ChatMessage, token: str | None) -> None:
    before = preview(message.body)
    message.body, message.data = stored_masking.mask_stored(message.body, message.data, token)
    if chat.preview == before:
        chat.preview = preview(message.body)
    db.session.flush()
    notifications.masked(chat, message)


def _retell(chat: Chat, numbers: Sequence[str]) -> None:
    """Bring what repeats a message up to date: the index, and mails of it."""

    def change(text: str) -> str:
        for number in numbers:
            text = mask_token(text, number)[0]
        return text

    chat_search.index(chat)
    mail.rewrite(f"chat:{chat.id}", change)
