"""The Socket.IO connections of this process, and how their events reach a handler.

What comes and goes passes Flask-SocketIO, which has the request that opened the connection: its cookie, its origin.
Events are registered with python-socketio itself. Flask-SocketIO would make a whole request for each of them, and a
quarter of a message's time; what a handler needs of the request is noted when the connection comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from console.core.db import db
from console.core.errors import Failed, Invalid, Refusal, SignInNeeded, after_storing
from console.core.logging import get_logger
from console.core.text import clean_tree
from console.core.texts import in_language
from console.core.transaction import may_have_stored
from console.extensions import socketio
from console.web.errors import refusal_of

log = get_logger(__name__)

Answer = dict[str, Any]
Packet = dict[str, Any]


@dataclass
class Connection:
    """One connection to a namespace. ``address`` is the client's, ``language`` what it is answered in."""

    sid: str
    namespace: str
    address: str | None
    language: str

    def join_room(self, room: str) -> None:
        """Hear what is pushed to a room."""
        socketio.server.enter_room(self.sid, room, namespace=self.namespace)

    def leave_room(self, room: str) -> None:
        """Hear it no more."""
        socketio.server.leave_room(self.sid, room, namespace=self.namespace)

    def emit_to_others(self, event: str, payload: Answer, room: str) -> None:
        """Push something to the other connections in a room."""
        socketio.emit(event, payload, namespace=self.namespace, to=room, skip_sid=self.sid)

    def close(self) -> None:
        """End the connection."""
        socketio.server.disconnect(self.sid, namespace=self.namespace)


C = TypeVar("C", bound=Connection)
Handler = Callable[[C, Packet], Answer | None]

_handlers: list[tuple[str, str, Callable[..., Answer]]] = []


class Connections(Generic[C]):
    """The connections of this process to one namespace, by their id."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self._by_sid: dict[str, C] = {}

    def __iter__(self) -> Iterator[C]:
        return iter(list(self._by_sid.values()))

    def add(self, connection: C) -> None:
        """Keep a connection that was let in."""
        self._by_sid[connection.sid] = connection

    def get(self, sid: str) -> C | None:
        """Return a connection, unless it is gone."""
        return self._by_sid.get(sid)

    def remove(self, sid: str) -> C | None:
        """Forget a connection that is gone, and return it."""
        return self._by_sid.pop(sid, None)

    def on(self, event: str, handler: Handler[C]) -> None:
        """Register the handler of an event; it gets the connection and the packet, and returns the answer's fields.

        Every packet is acknowledged: ``{"ok": true, …}`` or ``{"ok": false, "error": {"code", "message"}}``.
        """

        def handle(sid: str, packet: Any = None, *rest: Any) -> Answer:
            connection = self.get(sid)
            if connection is None:  # it was closed a moment ago
                return failed(SignInNeeded())
            with in_language(connection.language):
                return _answer(event, handler, connection, None if rest else packet)

        _handlers.append((event, self.namespace, handle))


def init_app(app: Flask) -> None:
    """Register the events with the Socket.IO server of ``app``. Called once that server is bound."""
    for event, namespace, handler in _handlers:
        socketio.server.on(event, _with_app(app, handler), namespace=namespace)


def _with_app(app: Flask, handler: Callable[..., Answer]) -> Callable[..., Answer]:
    def handle(*args: Any) -> Answer:
        with app.app_context():
            return handler(*args)

    return handle


def _answer(event: str, handler: Handler[C], connection: C, packet: Any) -> Answer:
    try:
        if not isinstance(packet, dict):
            raise Invalid
        return {"ok": True, **(handler(connection, _cleaned(packet)) or {})}
    except SignInNeeded as refusal:
        connection.close()
        return failed(refusal)
    except Refusal as refusal:
        return failed(refusal)
    except Exception as error:
        outage = refusal_of(error)
        if outage is None:
            log.exception("event failed", event_name=event)
        with suppress(SQLAlchemyError):
            db.session.rollback()
        return failed(outage or Failed())


def _cleaned(packet: Packet) -> Packet:
    """Return the packet with clean texts: the one place every packet passes."""
    try:
        cleaned: Packet = clean_tree(packet)
    except ValueError as error:
        raise Invalid from error
    return cleaned


def failed(refusal: Refusal) -> Answer:
    """Return the acknowledgement of something refused."""
    if may_have_stored():
        refusal = after_storing(refusal)
    return {"ok": False, "error": refusal.to_payload()}


def text(packet: Packet, name: str, limit: int) -> str:
    """Return a text of the packet.

    Raises:
        Invalid: it is missing, no text, or too long.
    """
    value = packet.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= limit:
        raise Invalid(fields={name: []})
    return value


def number(packet: Packet, name: str, most: int = 2**31) -> int:
    """Return a whole number of the packet, not less than nothing. ``true`` is none, and no text is.

    Raises:
        Invalid: it is missing or none.
    """
    value = packet.get(name)
    if type(value) is not int or not 0 <= value < most:
        raise Invalid(fields={name: []})
    return value
