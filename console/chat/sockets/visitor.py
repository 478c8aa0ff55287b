"""Events of visitors. A connection is bound to one chat by its token; no event names another."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import request
from flask_socketio import ConnectionRefusedError as Refused

from console.chat import notifications, queries, serializers, tokens
from console.chat.models import MAX_CLIENT_ID, Chat, ChatStatus
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
from console.core.texts import lazy_gettext
from console.core.transaction import transaction
from console.customers.masking import MAX_TOKEN as MAX_TOKEN_LENGTH
from console.customers.masking import read_choice
from console.customers.verification import cards
from console.customers.visitors import visitor_actor
from console.extensions import socketio
from console.tickets.service.questions import add_question
from console.web.connections import Answer, Connection, Connections, Handler, Packet, number, text
from console.web.limits import Pace, keep_pace
from console.web.sockets import VISITOR, connection_id, has_connections, let_in

PER_SECOND, BURST = 5, 20
WRITES = Pace("chat-writes", PER_SECOND, BURST)  # of one visitor, over all their connections; so of one chat too


@dataclass
class VisitorConnection(Connection):
    """A connection of a visitor, bound to one chat once there is one.

    ``bucket`` limits its events, ``writer`` is whose pace its messages keep. ``is_over``: it came with the token of a
    chat that ended too long ago.
    """

    bucket: Bucket
    chat: Bound | None = None
    is_over: bool = False


@dataclass(frozen=True)
class Bound:
    """What a connection knows of its chat: its key and number, the visitor's name, whose pace its messages keep."""

    key: int
    number: str
    name: str
    writer: str


_visitors: Connections[VisitorConnection] = Connections(VISITOR)
VisitorHandler = Handler[VisitorConnection]


@socketio.on("connect", namespace=VISITOR)
@let_in
def connect(auth: Any = None) -> None:
    """Let a visitor in, from our own frame, or from a program that brings no cookie along."""
    origin = request.headers.get("Origin")
    if origin != settings().base_url and not (origin is None and not request.cookies):
        raise Refused("origin")
    auth = auth if isinstance(auth, dict) else {}
    language = auth.get("language")
    visitor = VisitorConnection(
        connection_id(),
        VISITOR,
        request.remote_addr,
        language if language in LANGUAGES else settings().locale,
        bucket(PER_SECOND, BURST, time.monotonic()),
    )
    desk_loops.start()
    try:
        chat = tokens.chat_of(auth.get("token"))
    except Gone:
        chat = None
        visitor.is_over = True  # said at the next event; a new chat may begin here
    _visitors.add(visitor)
    visitor.join_room(notifications.VISITORS)
    if chat is not None:
        _bind(visitor, chat)


@socketio.on("disconnect", namespace=VISITOR)
def disconnected(*_reason: Any) -> None:
    """Tell the desk that the visitor's connection is gone."""
    visitor = _visitors.remove(connection_id())
    if visitor is None or visitor.chat is None:
        return
    room = notifications.room(visitor.chat.number)
    if not has_connections(room, VISITOR, but=visitor.sid):
        _say_online(visitor.chat, is_online=False)


def on_visitor(event: str) -> Callable[[VisitorHandler], VisitorHandler]:
    """Register the handler of a visitor's event; each is counted."""

    def register(handler: VisitorHandler) -> VisitorHandler:
        def limited(visitor: VisitorConnection, packet: Packet) -> Answer | None:
            if not visitor.bucket.take(time.monotonic()):
                raise TooMany(
                    lazy_gettext(
                        "You are sending messages too quickly. Your text is saved and will be sent in a moment."
                    ),
                    retry_after=max(1, round(visitor.bucket.wait())),
                )
            return handler(visitor, packet)

        _visitors.on(event, limited)
        return handler

    return register


@on_visitor("chat:open")
def opened(visitor: VisitorConnection, packet: Packet) -> Answer:
    """Open a chat. Repeated, from any connection, it is answered as the first time."""
    opening = Opening(
        name=_maybe(packet, "name", 1_000),
        email=_maybe(packet, "email", 1_000),
        question=_maybe(packet, "question", 100_000),
        client_id=_maybe(packet, "client_id", 200),
        department=_maybe(packet, "department", 60),
        language=_maybe(packet, "language", 20) or visitor.language,
        session=tokens.session_of(packet["identity"]) if packet.get("identity") else None,
        page=_maybe(packet, "page", 2_000),
        visitor=tokens.visitor_of(packet.get("visitor")),
        pins=read_choice(packet.get("mask"), packet.get("not_pin")),
    )
    with transaction():
        chat = open_chat(visitor_actor(opening.name, visitor.address), opening)
    _bind(visitor, chat)
    answer: Answer = {
        "chat": serializers.visitor_state(chat) | {"token": tokens.chat_token(chat)},
        "hours": serializers.hours_shape(),
    }
    if chat.ticket is not None:
        answer["ticket"] = chat.ticket.number
    return answer


@on_visitor("message:send")
def send(visitor: VisitorConnection, packet: Packet) -> Answer:
    """Say something. Acknowledged, it is stored."""
    bound = _bound(visitor)
    keep_pace(WRITES, bound.writer)
    pins = read_choice(packet.get("mask"), packet.get("not_pin"))
    message = from_visitor(
        bound.key, bound.name, packet.get("body"), packet.get("client_id"), packet.get("files"), pins
    )
    stored = current_writer().submit(message)
    return {"seq": stored.seq, "at": serializers.instant(stored.at)}


@on_visitor("message:mask")
def mask(visitor: VisitorConnection, packet: Packet) -> Answer:
    """Mask a number in a message of one's own that is stored already."""
    bound = _readable(visitor)
    token = text(packet, "token", MAX_TOKEN_LENGTH) if "token" in packet else None
    with transaction():
        message = mask_by_visitor(_actor(visitor, bound), bound.key, number(packet, "seq"), token)
        return {"seq": message.seq, "body": message.body}


@on_visitor("chat:sync")
def sync(visitor: VisitorConnection, packet: Packet) -> Answer:
    """Return what came after a number, and how the chat stands."""
    bound = _readable(visitor)
    after = number(packet, "after")
    chat = db.session.get_one(Chat, bound.key)
    found, files, more = queries.messages(bound.key, after=after, public=True)
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
def typing(visitor: VisitorConnection, packet: Packet) -> None:
    """Let the desk see that the visitor writes; not what."""
    bound = _bound(visitor)
    payload = {
        "chat": bound.number,
        "sender": {"kind": "visitor", "name": bound.name},
        "typing": packet.get("typing") is not False,
    }
    push("chat:typing", payload, namespace=notifications.DESK, rooms=[notifications.room(bound.number)])


@on_visitor("chat:read")
def read(visitor: VisitorConnection, packet: Packet) -> None:
    """Say up to which number one has read."""
    bound = _readable(visitor)
    seq = number(packet, "seq")
    with transaction():
        chat = lifecycle.read_by_visitor(bound.key, seq)
        payload = {"chat": chat.number, "seq": chat.seen_by_visitor, "by": "visitor"}
        room = notifications.room(chat.number)
    push("chat:read", payload, namespace=notifications.DESK, rooms=[room])


@on_visitor("chat:end")
def end(visitor: VisitorConnection, _packet: Packet) -> Answer:
    """End the chat; an unanswered question becomes a ticket."""
    bound = _readable(visitor)
    with transaction():
        chat = lifecycle.end_by_visitor(_actor(visitor, bound), bound.key)
    return {"chat": serializers.visitor_state(chat)}


@on_visitor("chat:rate")
def rate(visitor: VisitorConnection, packet: Packet) -> None:
    """Say how it was, once."""
    bound = _readable(visitor)
    with transaction():
        lifecycle.rate(_actor(visitor, bound), bound.key, packet.get("score"), packet.get("comment"))


@on_visitor("chat:transcript")
def transcript(visitor: VisitorConnection, _packet: Packet) -> None:
    """Have what was said mailed to the address given, once."""
    bound = _readable(visitor)
    with transaction():
        lifecycle.mail_transcript(_actor(visitor, bound), bound.key)


@on_visitor("ticket:add")
def add_to_ticket(visitor: VisitorConnection, packet: Packet) -> Answer:
    """Add to the ticket that the chat became: what was typed while it did is not lost.

    The answer names the ticket that has it: another one where the chat's own is over, or went into another person's.
    """
    bound = _readable(visitor)
    keep_pace(WRITES, bound.writer)
    body, client_id = text(packet, "body", 50_000), text(packet, "client_id", MAX_CLIENT_ID)
    pins = read_choice(packet.get("mask"), packet.get("not_pin"))
    with transaction():
        chat = queries.lock_by_key(bound.key)
        if chat.ticket is None:
            raise Conflict
        once = tokens.added_key(chat, client_id)
        message = add_question(_actor(visitor, bound), chat.ticket, body, client_id=once, via="chat", pins=pins)
        ticket, seq = message.ticket.number, message.seq
    return {"ticket": ticket, "seq": seq}


@on_visitor("verification:submit")
def submit(visitor: VisitorConnection, packet: Packet) -> Answer:
    """Try what was entered on the sealed card. Only the result is told, to both sides."""
    bound = _readable(visitor)
    chat = db.session.get_one(Chat, bound.key)
    email = _maybe(packet, "email", 254)
    with transaction():
        channel, pin = chat_verification.channel(chat), text(packet, "pin", 40)
        result = cards.submit_in(_actor(visitor, bound), channel, email=email, pin=pin)
        verified, over, chat_number = result.verification is not None, result.over, chat.number
    payload = {"chat": chat_number, "verified": verified, "over": over}
    push("verification:result", payload, namespace=notifications.DESK, rooms=[notifications.room(chat_number)])
    return {"verified": verified, "over": over}


def _bind(visitor: VisitorConnection, chat: Chat) -> None:
    """Bind a connection to a chat, and to no other."""
    if visitor.chat is not None and visitor.chat.number != chat.number:
        visitor.leave_room(notifications.room(visitor.chat.number))
    visitor.chat = Bound(chat.id, chat.number, chat.name, tokens.visitor_key(chat))
    visitor.join_room(notifications.room(chat.number))
    _say_online(visitor.chat, is_online=True)


def _say_online(bound: Bound, *, is_online: bool) -> None:
    payload = {"chat": bound.number, "online": is_online}
    push("chat:visitor", payload, namespace=notifications.DESK, rooms=[notifications.room(bound.number)])


def _bound(visitor: VisitorConnection) -> Bound:
    """Return the chat of a connection.

    Raises:
        NotFound: ``no_chat``: it has none.
        Gone: its chat ended too long ago.
    """
    if visitor.chat is None:
        raise tokens.over() if visitor.is_over else NotFound(code="no_chat")
    return visitor.chat


def _readable(visitor: VisitorConnection) -> Bound:
    """Do as :func:`_bound` for what an ended chat is asked too: a connection may outlast what its token opens.

    Raises:
        NotFound: ``no_chat``: it has none.
        Gone: its chat ended too long ago.
    """
    bound = _bound(visitor)
    tokens.check_readable(db.session.get_one(Chat, bound.key))
    return bound


def _actor(visitor: VisitorConnection, bound: Bound) -> Actor:
    return visitor_actor(bound.name, visitor.address)


def _maybe(packet: Packet, name: str, limit: int) -> str:
    value = packet.get(name)
    return value[:limit] if isinstance(value, str) else ""
