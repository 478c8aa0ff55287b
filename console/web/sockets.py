"""What every Socket.IO event of staff passes: an origin of ours, a live session, a role, an answer.

``before_request`` does not run for events, and a sign-out over HTTP does not reach a socket:
so the session's row is asked at each event, and an ended one closes the connection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from flask import request, session
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import disconnect, join_room

from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import Invalid, Refusal, SignInNeeded
from console.core.logging import get_logger
from console.core.sessions import find_live
from console.extensions import socketio
from console.staff.models import StaffSession
from console.staff.sessions import may_be_in
from console.web.identity import STAFF_TOKEN, idle_limit

log = get_logger(__name__)

DESK = "/desk"
Answer = dict[str, Any]
Handler = Callable[[Actor, dict[str, Any]], Answer | None]


def staff_actor() -> Actor:
    """Return who is behind this connection now.

    Raises:
        SignInNeeded: the session has ended, or the account was disabled.
    """
    token = session.get(STAFF_TOKEN)
    row = None
    if isinstance(token, str):
        row = find_live(db.session(), StaffSession, token, now=clock.now(), idle=idle_limit())
    if row is None or not may_be_in(row.staff):
        raise SignInNeeded
    return row.staff.actor(request.remote_addr)


def on_desk(event: str, permission: str | None = None) -> Callable[[Handler], Handler]:
    """Register the handler of an event of staff; it gets the actor and the packet and returns the answer's fields.

    Every packet is acknowledged: ``{"ok": true, …}`` or ``{"ok": false, "error": {"code", "message"}}``.
    """

    def register(handler: Handler) -> Handler:
        @wraps(handler)
        def handle(packet: Any = None, *rest: Any) -> Answer:
            try:
                actor = staff_actor()
                if permission is not None:
                    actor.require(permission)
                if not isinstance(packet, dict) or rest:
                    raise Invalid
                return {"ok": True, **(handler(actor, packet) or {})}
            except SignInNeeded as refusal:
                disconnect()
                return failed(refusal)
            except Refusal as refusal:
                return failed(refusal)
            except Exception:
                log.exception("event failed", event_name=event)
                return failed(Refusal(code="failed"))

        socketio.on_event(event, handle, namespace=DESK)
        return handler

    return register


_gone: list[Callable[[], None]] = []


def on_desk_gone(handler: Callable[[], None]) -> Callable[[], None]:
    """Register what is done when a connection of staff has ended; it may know nothing of who it was."""
    _gone.append(handler)
    return handler


@socketio.on("disconnect", namespace=DESK)
def _disconnected(*_reason: Any) -> None:
    for handler in _gone:
        handler()


def failed(refusal: Refusal) -> Answer:
    """Return the acknowledgement of something refused."""
    return {"ok": False, "error": {"code": refusal.code, "message": str(refusal.message)} | refusal.details}


def text(packet: dict[str, Any], name: str, limit: int) -> str:
    """Return a text of the packet.

    Raises:
        Invalid: it is missing, no text, or too long.
    """
    value = packet.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= limit:
        raise Invalid(fields={name: []})
    return value


def send(event: str, news: Answer, namespace: str, rooms: Sequence[str]) -> None:
    """Carry a push of :mod:`console.core.push`."""
    socketio.emit(event, news, namespace=namespace, to=list(rooms))


@socketio.on("connect", namespace=DESK)
def connect(_auth: Any = None) -> None:
    """Let staff in, from our own pages alone: a cookie is sent along from anywhere."""
    if request.headers.get("Origin") != settings().base_url:
        raise Refused("origin")
    try:
        actor = staff_actor()
    except SignInNeeded:
        raise Refused("sign_in") from None
    join_room(f"staff:{actor.id}")
