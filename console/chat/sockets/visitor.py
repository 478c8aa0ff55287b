"""Events of visitors. A connection is bound to one chat by its token; no event names another."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from flask import request, session
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import join_room, leave_room

from console.chat import notifications, queries, serializers, tokens
from console.chat.models import MAX_CLIENT_ID, Chat, ChatStatus, chat_number
from console.chat.service import lifecycle
from console.chat.service import verification as chat_verification
from console.chat.service.messages import from_visitor
from console.chat.service.opening import LANGUAGES, Opening, open_chat
from console.chat.service.stored_masking import mask_by_visitor
from console.chat.sockets import desk_loops
from console.chat.writer import current_writer
from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import Conflict, Gone, NotFound, TooMany
from console.core.push import push
from console.core.rates import Bucket, bucket
from console.core.texts import in_language, lazy_gettext
from console.core.transaction import transaction
from console.customers.masking import MAX_TOKEN as MAX_TOKEN_LENGTH
from console.customers.masking import read_choice
from console.customers.verification import cards
from console.customers.visitors import visitor_actor
from console.extensions import socketio
from console.tickets.service.questions import add_question
from console.web.limits import Pace, keep_pace
from console.web.sockets import VISITOR, Answer, acknowledged, has_connections, let_in, number, text

PER_SECOND, BURST = 5, 20
WRITES = Pace("chat-writes", PER_SECOND, BURST)  # of one visitor, over all their connections; so of one chat too
_CHAT, _NAME, _LANGUAGE = "chat", "chat_name", "chat_language"  # keys in the connection's own session
_GONE, _WRITER = "chat_gone", "chat_writer"
_buckets: dict[str, Bucket] = {}
Run = Callable[[dict[str, Any]], Answer | None]


@socketio.on("connect", namespace=VISITOR)
@let_in
def connect(auth: Any = None) -> None:
    """Let a visitor in, from our own frame, or from a program that brings no cookie along."""
    origin = request.headers.get("Origin")
    if origin != settings().base_url and not (origin is None and not request.cookies):
        raise Refused("origin")
    auth = auth if isinstance(auth, dict) else {}
    language = auth.get("language")
    session[_LANGUAGE] = language if language in LANGUAGES else settings().locale
    _buckets[_sid()] = bucket(PER_SECOND, BURST, time.monotonic())
    desk_loops.start()
    join_room(notifications.VISITORS)
    try:
        chat = tokens.chat_of(auth.get("token"))
    except Gone:
        session[_GONE] = True  # answered at the next event; a new chat may begin here
    else:
        if chat is not None:
            _bind(chat)


@socketio.on("disconnect", namespace=VISITOR)
def disconnected(*_reason: Any) -> None:
    """Tell the desk that the visitor's connection is gone."""
    _buckets.pop(_sid(), None)
    bound = session.get(_CHAT)
    if isinstance(bound, str) and not has_connections(notifications.room(bound), VISITOR, but=_sid()):
        push(
            "chat:visitor",
            {"chat": bound, "online": False},
            namespace=notifications.DESK,
            rooms=[notifications.room(bound)],
        )


def on_visitor(event: str) -> Callable[[Run], Run]:
    """Register the handler of a visitor's event; it is counted, and answered in the visitor's language."""

    def register(run: Run) -> Run:
        def limited(packet: dict[str, Any]) -> Answer | None:
            found = _buckets.get(_sid())
            if found is not None and not found.take(time.monotonic()):
                raise TooMany(
                    lazy_gettext(
                        "You are sending messages too quickly. Your text is saved and will be sent in a moment."
                    ),
                    retry_after=max(1, round(found.wait())),
                )
            return run(packet)

        answer = acknowledged(event, limited)

        def speaking(*args: Any) -> Answer:
            with in_language(session.get(_LANGUAGE) or settings().locale):
                return answer(*args)

        socketio.on_event(event, speaking, namespace=VISITOR)
        return run

    return register


@on_visitor("chat:open")
def opened(packet: dict[str, Any]) -> Answer:
    """Open a chat. Repeated, from any connection, it is answered as the first time."""
    opening = Opening(
        name=_maybe(packet, "name", 1_000),
        email=_maybe(packet, "email", 1_000),
        question=_maybe(packet, "question", 100_000),
        client_id=_maybe(packet, "client_id", 200),
        department=_maybe(packet, "department", 60),
        language=_maybe(packet, "language", 20) or session.get(_LANGUAGE, ""),
        session=tokens.session_of(packet["identity"]) if packet.get("identity") else None,
        page=_maybe(packet, "page", 2_000),
        visitor=tokens.visitor_of(packet.get("visitor")),
        pins=read_choice(packet.get("mask"), packet.get("not_pin")),
    )
    with transaction():
        chat = open_chat(_visitor(opening.name), opening)
    _bind(chat)
    answer: Answer = {
        "chat": serializers.visitor_state(chat) | {"token": tokens.chat_token(chat)},
        "hours": serializers.hours_shape(),
    }
    if chat.ticket is not None:
        answer["ticket"] = chat.ticket.number
    return answer


@on_visitor("message:send")
def send(packet: dict[str, Any]) -> Answer:
    """Say something. Acknowledged, it is stored."""
    key, name = _bound()
    keep_pace(WRITES, session[_WRITER])
    pins = read_choice(packet.get("mask"), packet.get("not_pin"))
    message = from_visitor(key, name, packet.get("body"), packet.get("client_id"), packet.get("files"), pins)
    stored = current_writer().submit(message)
    return {"seq": stored.seq, "at": serializers.instant(stored.at)}


@on_visitor("message:mask")
def mask(packet: dict[str, Any]) -> Answer:
    """Mask a number in a message of one's own that is stored already."""
    key, name = _readable()
    token = text(packet, "token", MAX_TOKEN_LENGTH) if "token" in packet else None
    with transaction():
        message = mask_by_visitor(_visitor(name), key, number(packet, "seq"), token)
        return {"seq": message.seq, "body": message.body}


@on_visitor("chat:sync")
def sync(packet: dict[str, Any]) -> Answer:
    """Return what came after a number, and how the chat stands."""
    key, _name = _readable()
    after = number(packet, "after")
    chat = db.session.get_one(Chat, key)
    found, files, more = queries.messages(key, after=after, public=True)
    card = chat_verification.open_card(chat) if chat.is_live else None
    answer: Answer = {
        "messages": [
            serializers.message_shape(chat.number, one, files.get(one.seq, ()), outside=True) for one in found
        ],
        "more": more,
        "status": chat.status.value,
        "chat": serializers.visitor_state(chat),
        "hours": serializers.hours_shape(),
        "card": None if card is None else {"expires_at": serializers.instant(card.expires_at)},
    }
    if chat.status is ChatStatus.QUEUED:
        answer["anybody"] = bool(queries.available(clock.now(), queries.desk_settings().grace_seconds))
    return answer


@on_visitor("chat:typing")
def typing(packet: dict[str, Any]) -> None:
    """Let the desk see that the visitor writes; not what."""
    key, name = _bound()
    chat = chat_number(key)
    payload = {"chat": chat, "sender": {"kind": "visitor", "name": name}, "typing": packet.get("typing") is not False}
    push("chat:typing", payload, namespace=notifications.DESK, rooms=[notifications.room(chat)])


@on_visitor("chat:read")
def read(packet: dict[str, Any]) -> None:
    """Say up to which number one has read."""
    key, _name = _readable()
    seq = number(packet, "seq")
    with transaction():
        chat = lifecycle.read_by_visitor(key, seq)
        payload = {"chat": chat.number, "seq": chat.seen_by_visitor, "by": "visitor"}
        room = notifications.room(chat.number)
    push("chat:read", payload, namespace=notifications.DESK, rooms=[room])


@on_visitor("chat:end")
def end(_packet: dict[str, Any]) -> Answer:
    """End the chat; an unanswered question becomes a ticket."""
    key, name = _readable()
    with transaction():
        chat = lifecycle.end_by_visitor(_visitor(name), key)
    return {"chat": serializers.visitor_state(chat)}


@on_visitor("chat:rate")
def rate(packet: dict[str, Any]) -> None:
    """Say how it was, once."""
    key, name = _readable()
    with transaction():
        lifecycle.rate(_visitor(name), key, packet.get("score"), packet.get("comment"))


@on_visitor("chat:transcript")
def transcript(_packet: dict[str, Any]) -> None:
    """Have what was said mailed to the address given, once."""
    key, name = _readable()
    with transaction():
        lifecycle.mail_transcript(_visitor(name), key)


@on_visitor("ticket:add")
def add_to_ticket(packet: dict[str, Any]) -> Answer:
    """Add to the ticket that the chat became: what was typed while it did is not lost.

    The answer names the ticket that has it: another one where the chat's own is over, or went into another person's.
    """
    key, name = _readable()
    keep_pace(WRITES, session[_WRITER])
    body, client_id = text(packet, "body", 50_000), text(packet, "client_id", MAX_CLIENT_ID)
    pins = read_choice(packet.get("mask"), packet.get("not_pin"))
    with transaction():
        chat = queries.lock_by_key(key)
        if chat.ticket is None:
            raise Conflict
        once = tokens.added_key(chat, client_id)
        message = add_question(_visitor(name), chat.ticket, body, client_id=once, via="chat", pins=pins)
        ticket, seq = message.ticket.number, message.seq
    return {"ticket": ticket, "seq": seq}


@on_visitor("verification:submit")
def submit(packet: dict[str, Any]) -> Answer:
    """Try what was entered on the sealed card. Only the result is told, to both sides."""
    key, name = _readable()
    chat = db.session.get_one(Chat, key)
    email = _maybe(packet, "email", 254)
    with transaction():
        channel, pin = chat_verification.channel(chat), text(packet, "pin", 40)
        result = cards.submit_in(_visitor(name), channel, email=email, pin=pin)
        verified, over, chat_number = result.verification is not None, result.over, chat.number
    payload = {"chat": chat_number, "verified": verified, "over": over}
    push("verification:result", payload, namespace=notifications.DESK, rooms=[notifications.room(chat_number)])
    return {"verified": verified, "over": over}


def _bind(chat: Chat) -> None:
    """Bind this connection to a chat, and to no other."""
    before = session.get(_CHAT)
    if isinstance(before, str) and before != chat.number:
        leave_room(notifications.room(before))
    session[_CHAT], session[_NAME] = chat.number, chat.name
    session["chat_key"] = chat.id
    session[_WRITER] = tokens.visitor_key(chat)
    session.pop(_GONE, None)
    join_room(notifications.room(chat.number))
    push(
        "chat:visitor",
        {"chat": chat.number, "online": True},
        namespace=notifications.DESK,
        rooms=[notifications.room(chat.number)],
    )


def _bound() -> tuple[int, str]:
    """Return the chat of this connection by its key, and its visitor's name.

    Raises:
        NotFound: ``no_chat``: it has none.
        Gone: its chat ended too long ago.
    """
    key = session.get("chat_key")
    if not isinstance(key, int):
        raise tokens.over() if session.get(_GONE) else NotFound(code="no_chat")
    return key, str(session.get(_NAME) or "")


def _readable() -> tuple[int, str]:
    """Do as :func:`_bound` for what an ended chat is asked too: a connection may outlast what its token opens.

    Raises:
        NotFound: ``no_chat``: it has none.
        Gone: its chat ended too long ago.
    """
    key, name = _bound()
    tokens.check_readable(db.session.get_one(Chat, key))
    return key, name


def _visitor(name: str) -> Actor:
    return visitor_actor(name, request.remote_addr)


def _maybe(packet: dict[str, Any], name: str, limit: int) -> str:
    value = packet.get(name)
    return value[:limit] if isinstance(value, str) else ""


def _sid() -> str:
    return str(request.sid)  # type: ignore[attr-defined]
