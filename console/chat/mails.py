"""A chat's transcript as its visitor is sent it: in the mail itself, or behind a link that shows the mail arrived."""

from __future__ import annotations

from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer

from console.chat import queries
from console.chat.models import Chat, MessageKind
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import NotFound
from console.mail import limits
from console.mail.links import SecretLink
from console.mail.models import Mail
from console.mail.service import queue

MOST_LINES = 2_000
_SALT = "chat-transcript"


def mail(visitor: Actor, chat: Chat) -> Mail:
    """Mail a locked chat's transcript to the address its visitor gave.

    They may have given another's. So only an address that was proven gets what they wrote; any other, a link.

    Raises:
        TooMany: the address got enough mail that strangers can cause.
    """
    proven = limits.is_proven(chat.email)
    link = SecretLink(f"{settings().base_url}/chat/transcript/", link_token(chat))
    return queue(
        "chat_transcript" if proven else "chat_transcript_link",
        to_address=chat.email,
        to_name=chat.name,
        language=chat.language,
        about=f"chat:{chat.id}",
        caused_by=visitor,
        number=chat.number,
        at=chat.created_at,
        **({"lines": lines(chat)} if proven else {"link": link}),
    )


def lines(chat: Chat) -> list[dict[str, Any]]:
    """Return who said what, oldest first."""
    said, _files, _more = queries.messages(chat.id, public=True, limit=MOST_LINES)
    return [
        {"name": one.name, "at": one.at, "body": one.body, "ours": one.kind is MessageKind.REPLY}
        for one in said
        if one.kind is not MessageKind.EVENT
    ]


def link_token(chat: Chat) -> str:
    """Return the token that shows a chat's transcript to who gets its mail; it opens nothing else of the chat."""
    token = _serializer().dumps([chat.id, chat.token_version])
    return token if isinstance(token, str) else token.decode()


def chat_behind(token: str) -> Chat:
    """Return the chat whose transcript a link shows.

    Raises:
        NotFound: the link is not ours, or the chat is kept no longer.
    """
    try:
        key, version = _serializer().loads(token)
    except (BadSignature, ValueError, TypeError):
        raise NotFound from None
    chat = db.session.get(Chat, key)
    if chat is None or chat.token_version != version:
        raise NotFound
    return chat


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(settings().secret_key, salt=_SALT)
