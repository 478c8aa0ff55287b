"""What a visitor holds: tokens of one chat, of their browser, and, from Moj Mint, of who is signed in.

A chat's token is made from its key and can be made again, so that a repeated opening is answered
with the same; nothing of it is stored, and a dump of the database makes none.
"""

from __future__ import annotations

from secrets import token_hex

from itsdangerous import BadSignature, URLSafeSerializer, URLSafeTimedSerializer

from console.chat.models import Chat
from console.core import clock
from console.core.addresses import source
from console.core.context import sealer, settings
from console.core.db import db
from console.core.ids import same_token
from console.customers.models import Person

_SALT = "chat-person"
_VISITOR_SALT = "chat-visitor"
PERSON_SECONDS = 12 * 3600  # as long as a sign-in to the portal


def chat_token(chat: Chat) -> str:
    """Return the token that opens ``chat`` to its visitor."""
    return f"{chat.id}.{_proof(chat.id, chat.token_version)}"


def chat_of(token: object) -> Chat | None:
    """Return the chat that ``token`` opens; ``None`` for whatever is no token of ours."""
    if not isinstance(token, str) or len(token) > 100:
        return None
    key, _, proof = token.partition(".")
    if not key.isascii() or not key.isdigit() or len(key) > 9:
        return None
    chat = db.session.get(Chat, int(key))
    if chat is None or not same_token(_proof(chat.id, chat.token_version), proof):
        return None
    return chat


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


def open_key(client_id: str) -> str:
    """Return what a repeated opening is known by: its client's id. It alone lets nobody in on a chat."""
    return sealer().keyed_digest("chat-open", client_id)


def opening_digest(*said: str) -> str:
    """Return what a repeated opening is compared by: all that was said with it."""
    return sealer().keyed_digest("chat-opening", "\x1f".join(said))


def added_key(chat: Chat, client_id: str) -> str:
    """Return what something added to a chat's ticket is known by: no entry of another chat's, nor of the desk's."""
    return f"chat:{sealer().keyed_digest('chat-added', f'{chat.id}:{client_id}')[:40]}"


def person_token(person: Person) -> str:
    """Return what the portal gives its page, so that the widget knows who is signed in."""
    token = _serializer().dumps([person.id, clock.now().timestamp()])
    return token if isinstance(token, str) else token.decode()


def person_of(token: object) -> Person | None:
    """Return who was signed in to the portal when it gave ``token``; known by it, not verified."""
    if not isinstance(token, str) or not token or len(token) > 500:
        return None
    try:
        key, made = _serializer().loads(token)
    except (BadSignature, ValueError, TypeError):
        return None
    age = clock.now().timestamp() - float(made)
    return db.session.get(Person, int(key)) if -60 < age < PERSON_SECONDS else None


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings().secret_key, salt=_SALT)
