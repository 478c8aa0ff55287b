"""What a visitor holds: tokens of one chat, of their browser, and, from Moj Mint, of who is signed in.

A chat's token is made from its key and can be made again, so that a repeated opening is answered
with the same; nothing of it is stored, and a dump of the database makes none.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from secrets import token_hex

from itsdangerous import BadSignature, URLSafeSerializer

from console.chat.models import Chat
from console.core import clock
from console.core.addresses import source
from console.core.context import sealer, settings
from console.core.db import db
from console.core.errors import Gone, Refusal
from console.core.ids import same_token
from console.core.texts import lazy_gettext
from console.customers.models import Person, PersonSession

_SALT = "chat-person"
_VISITOR_SALT = "chat-visitor"
MAX_TOKEN = 500
READABLE = timedelta(hours=24)  # after its end its visitor still reads a chat, rates it, has it mailed


def chat_token(chat: Chat) -> str:
    """Return the token that opens ``chat`` to its visitor."""
    return f"{chat.id}.{_proof(chat.id, chat.token_version)}"


def chat_of(token: object) -> Chat | None:
    """Return the chat that ``token`` opens; ``None`` for whatever is no token of ours.

    Raises:
        Gone: the chat ended too long ago, see :func:`check_readable`.
    """
    if not isinstance(token, str) or len(token) > 100:
        return None
    key, _, proof = token.partition(".")
    if not key.isascii() or not key.isdigit() or len(key) > 9:
        return None
    chat = db.session.get(Chat, int(key))
    if chat is None or not same_token(_proof(chat.id, chat.token_version), proof):
        return None
    check_readable(chat)
    return chat


def check_readable(chat: Chat) -> None:
    """Refuse a chat whose visitor's token serves no more: who finds it later reads nothing.

    Raises:
        Gone: it ended longer ago than :data:`READABLE`.
    """
    if chat.ended_at is not None and clock.now() >= chat.ended_at + READABLE:
        raise over()


def over() -> Gone:
    """Return what the visitor of such a chat is told."""
    return Gone(
        lazy_gettext("This conversation ended more than a day ago and can no longer be read here. Start a new one.")
    )


def _proof(key: int, version: int) -> str:
    return sealer().keyed_digest("chat-token", f"{key}:{version}")


def source_of(address: str | None) -> str:
    """Return what is kept of the network address a chat comes from."""
    return sealer().keyed_digest("chat-source", source(address))


def new_visitor() -> str:
    """Return a token for a browser without one; its widget keeps it, so that a visitor's chats can be counted."""
    token = URLSafeSerializer(settings().secret_key, salt=_VISITOR_SALT).dumps(token_hex(16))
    return token if isinstance(token, str) else token.decode()


def visitor_of(token: object) -> str | None:
    """Return the id in a browser's token; ``None`` for anything that is no token of ours."""
    if not isinstance(token, str) or not token or len(token) > 200:
        return None
    try:
        key = URLSafeSerializer(settings().secret_key, salt=_VISITOR_SALT).loads(token)
    except (BadSignature, ValueError):
        return None
    return key if isinstance(key, str) and len(key) <= 32 else None


def visitor_key(chat: Chat) -> str:
    """Return what a chat's visitor is counted as, whichever connection they use: as openings are counted."""
    if chat.person_id is not None:
        return f"person:{chat.person_id}"
    return f"browser:{chat.visitor}" if chat.visitor is not None else f"address:{chat.source}:{chat.email}"


def open_key(client_id: str) -> str:
    """Return what identifies a repeated opening: its client's id. It alone opens no chat."""
    return sealer().keyed_digest("chat-open", client_id)


def opening_digest(*parts: str) -> str:
    """Return what a repeated opening is compared by: all that was said with it."""
    return sealer().keyed_digest("chat-opening", "\x1f".join(parts))


def added_key(chat: Chat, client_id: str) -> str:
    """Return what something added to a chat's ticket is known by: no entry of another chat's, nor of the desk's."""
    return f"chat:{sealer().keyed_digest('chat-added', f'{chat.id}:{client_id}')[:40]}"


def person_token(session: PersonSession) -> str:
    """Return what the portal gives its page, so that the widget knows who is signed in, as long as they are."""
    token = _serializer().dumps(session.id)
    return token if isinstance(token, str) else token.decode()


def session_of(token: object) -> PersonSession:
    """Return the session for which the portal gave ``token``; who is behind it is known, not verified.

    Raises:
        Refusal: ``signed_out``: it has ended, or the token is none of ours.
    """
    row = None
    if isinstance(token, str) and len(token) <= MAX_TOKEN:
        with suppress(BadSignature, ValueError, TypeError):
            row = db.session.get(PersonSession, int(_serializer().loads(token)))
    if row is None or not _is_live(row):
        raise Refusal(
            lazy_gettext("You are no longer signed in. Sign in again, or enter your name and e-mail."),
            code="signed_out",
        )
    return row


def known_person(chat: Chat) -> Person | None:
    """Return who opened a chat signed in to the portal and is signed in there still; known by it, not verified."""
    return chat.person if chat.person_session is not None and _is_live(chat.person_session) else None


def _is_live(session: PersonSession) -> bool:
    return session.is_live(clock.now(), timedelta(minutes=settings().session_idle_minutes))


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(settings().secret_key, salt=_SALT)
