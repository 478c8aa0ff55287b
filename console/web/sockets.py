"""What every Socket.IO connection and event passes: an origin of ours, limits, a live session, a role, an answer.

``before_request`` does not run for events, and a sign-out over HTTP does not reach a socket: so the session's row is
asked at each event, and once a second for all connections of this process, which closes what has ended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import wraps
from itertools import count
from typing import Any

import gevent
from flask import Flask, current_app, request, session
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import disconnect, join_room
from gevent.monkey import is_module_patched
from sqlalchemy import Select, delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import Failed, Invalid, NoSpace, Refusal, SignInNeeded, after_storing
from console.core.logging import get_logger
from console.core.push import Hidden
from console.core.sessions import SEEN_EVERY, find_live
from console.core.text import clean_tree
from console.core.transaction import may_have_stored, transaction
from console.core.upsert import insert_missing
from console.extensions import socketio
from console.staff.models import Staff, StaffSession, StaffSocket
from console.staff.notifications import on_sessions_ended
from console.staff.sessions import may_be_in
from console.web import socket_guard
from console.web.errors import refusal_of
from console.web.identity import STAFF_TOKEN, idle_limit

log = get_logger(__name__)

DESK, VISITOR = "/desk", "/visitor"
SESSION = "staff_session"  # keys in a connection's own session
ROLE = "staff_role"
WATCH_SECONDS = 1
HOLD_SECONDS = 15
HELD = timedelta(seconds=60)  # a connection of another process, that its process has not spoken of for longer, is gone
Answer = dict[str, Any]
Handler = Callable[[Actor, dict[str, Any]], Answer | None]

_staff: dict[str, tuple[int, str]] = {}  # connections of staff in this process: session and role by their id
_came_as: dict[str, Actor] = {}  # who each of them was when it came
_watching = False


def staff_actor() -> Actor:
    """Return who is behind this connection now.

    Raises:
        SignInNeeded: the session has ended, or the account was disabled.
    """
    return _live_session().staff.actor(request.remote_addr)


def _live_session() -> StaffSession:
    token = session.get(STAFF_TOKEN)
    row = None
    if isinstance(token, str):
        row = find_live(db.session(), StaffSession, token, now=clock.now(), idle=idle_limit())
    if row is None or not may_be_in(row.staff):
        raise SignInNeeded
    if clock.now() - row.seen_at > SEEN_EVERY:
        key = row.id
        # Work over the socket alone is no idleness; a full disk does not keep anyone from reading.
        with suppress(NoSpace), transaction() as database:
            database.get_one(StaffSession, key).seen_at = clock.now()
        row = db.session.get_one(StaffSession, key)
    return row


def on_desk(event: str, permission: str | None = None) -> Callable[[Handler], Handler]:
    """Register the handler of an event of staff; it gets the actor and the packet and returns the answer's fields.

    Every packet is acknowledged: ``{"ok": true, …}`` or ``{"ok": false, "error": {"code", "message"}}``.
    """

    def register(handler: Handler) -> Handler:
        def run(packet: dict[str, Any]) -> Answer | None:
            actor = staff_actor()
            if permission is not None:
                actor.require(permission)
            return handler(actor, packet)

        socketio.on_event(event, acknowledged(event, run), namespace=DESK)
        return handler

    return register


def on_desk_unasked(event: str) -> Callable[[Handler], Handler]:
    """Register the handler of an event whose session is asked later, with those of many others at once.

    The actor is who came with the connection; they have no permissions here.
    """

    def register(handler: Handler) -> Handler:
        def run(packet: dict[str, Any]) -> Answer | None:
            actor = _came_as.get(request.sid)  # type: ignore[attr-defined]
            if actor is None:  # it was closed a moment ago
                raise SignInNeeded
            return handler(actor, packet)

        socketio.on_event(event, acknowledged(event, run), namespace=DESK)
        return handler

    return register


def acknowledged(event: str, run: Callable[[dict[str, Any]], Answer | None]) -> Callable[..., Answer]:
    """Return an event's handler that answers always: with fields, or with what was refused and why."""

    @wraps(run)
    def handle(packet: Any = None, *rest: Any) -> Answer:
        try:
            if not isinstance(packet, dict) or rest:
                raise Invalid
            return {"ok": True, **(run(_cleaned(packet)) or {})}
        except SignInNeeded as refusal:
            disconnect()
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

    return handle


def let_in(connect: Callable[[Any], None]) -> Callable[..., None]:
    """Wrap what lets a connection in: without a database it is refused in a word, and tries again."""

    @wraps(connect)
    def handle(auth: Any = None) -> None:
        try:
            connect(auth)
            socket_guard.joined(request.environ)
            # The connection has a session of its own from here on. Without the cookie Flask does not read and check
            # it again for every event, which took a fifth of a message's time.
            request.environ.pop("HTTP_COOKIE", None)
        except Refused:
            raise
        except Exception as error:
            refusal = refusal_of(error)
            if refusal is None:
                raise
            raise Refused(refusal.code) from None

    return handle


def _cleaned(packet: dict[str, Any]) -> dict[str, Any]:
    """Return the packet with clean texts: the one place every packet passes."""
    try:
        cleaned: dict[str, Any] = clean_tree(packet)
    except ValueError as error:
        raise Invalid from error
    return cleaned


_gone: list[Callable[[], None]] = []


def on_desk_gone(handler: Callable[[], None]) -> Callable[[], None]:
    """Register what is done when a connection of staff has ended; it may know nothing of who it was."""
    _gone.append(handler)
    return handler


@socketio.on("disconnect", namespace=DESK)
def _disconnected(*_reason: Any) -> None:
    sid = request.sid  # type: ignore[attr-defined]
    _staff.pop(sid, None)
    _came_as.pop(sid, None)
    for handler in _gone:
        handler()
    if settings().redis_url:
        with transaction() as database:
            database.execute(delete(StaffSocket).where(StaffSocket.sid == sid))


def failed(refusal: Refusal) -> Answer:
    """Return the acknowledgement of something refused."""
    if may_have_stored():
        refusal = after_storing(refusal)
    return {"ok": False, "error": refusal.to_payload()}


def text(packet: dict[str, Any], name: str, limit: int) -> str:
    """Return a text of the packet.

    Raises:
        Invalid: it is missing, no text, or too long.
    """
    value = packet.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= limit:
        raise Invalid(fields={name: []})
    return value


def number(packet: dict[str, Any], name: str, most: int = 2**31) -> int:
    """Return a whole number of the packet, not less than nothing. ``true`` is none, and no text is.

    Raises:
        Invalid: it is missing or none.
    """
    value = packet.get(name)
    if type(value) is not int or not 0 <= value < most:
        raise Invalid(fields={name: []})
    return value


def send(event: str, payload: Answer, namespace: str, rooms: Sequence[str]) -> None:
    """Carry a push of :mod:`console.core.push`."""
    socketio.emit(event, payload, namespace=namespace, to=list(rooms))


def has_connections(room: str, namespace: str, *, but: str = "") -> bool:
    """Tell whether this process holds a connection in a room, besides one that is just going."""
    return any(sid != but for sid, _eio_sid in socketio.server.manager.get_participants(namespace, room))


@socketio.on("connect", namespace=DESK)
@let_in
def connect(_auth: Any = None) -> None:
    """Let staff in, from our own pages alone: a cookie is sent along from anywhere."""
    if request.headers.get("Origin") != settings().base_url:
        raise Refused("origin")
    try:
        row = _live_session()
    except SignInNeeded:
        raise Refused("sign_in") from None
    session[SESSION], session[ROLE] = row.id, row.staff.role.value
    _staff[request.sid] = (row.id, row.staff.role.value)  # type: ignore[attr-defined]
    _came_as[request.sid] = Actor(  # type: ignore[attr-defined]
        kind="staff", id=row.staff.id, name=row.staff.name, address=request.remote_addr
    )
    join_room(f"staff:{row.staff.id}")
    watch_sessions()
    if settings().redis_url:
        held = {"sid": request.sid, "staff_id": row.staff.id, "session_id": row.id, "seen_at": clock.now()}  # type: ignore[attr-defined]
        with transaction():
            insert_missing(StaffSocket, [held], StaffSocket.sid)


def connected_sessions() -> set[int]:
    """Return the sign-in sessions of staff with a connection to this process."""
    return {key for key, _role in _staff.values()}


def sessions_in(room: str) -> set[int]:
    """Return those whose connection has joined a room of the desk's namespace."""
    joined = socketio.server.manager.get_participants(DESK, room)
    return {_staff[sid][0] for sid, _eio_sid in joined if sid in _staff}


# --- leaving ----------------------------------------------------------------------------------------------------------


def take_out(hidden: Hidden) -> None:
    """Take connections of staff out of rooms; the library passes on what concerns those of other processes.

    Args:
        hidden: which rooms a colleague may be in no more, see :mod:`console.core.push`.
    """
    for staff_id, sids in _connections().items():
        actor = db.session.get_one(Staff, staff_id).actor()
        for sid in sids:
            joined = socketio.server.rooms(sid, DESK) if sid in _staff else None
            left = [room for room in hidden(actor, joined) if joined is None or room in joined]
            for room in left:
                socketio.server.leave_room(sid, room, namespace=DESK)
            if left and joined is not None:  # what they have of it on their page is to go
                socketio.emit("rooms:changed", {}, namespace=DESK, to=sid)


@on_sessions_ended
def close_sessions(keys: Collection[int]) -> None:
    """Close the connections of sessions that have ended, in whichever process."""
    here = [sid for sid, (key, _role) in _staff.items() if key in keys]
    for sid in [*here, *db.session.scalars(_elsewhere(StaffSocket.sid).where(StaffSocket.session_id.in_(keys)))]:
        _staff.pop(sid, None)
        socketio.server.disconnect(sid, namespace=DESK)


def hold() -> None:
    """Note that this process holds its connections still; forget those whose process is gone."""
    if settings().redis_url:
        now = clock.now()
        with transaction() as database:
            database.execute(update(StaffSocket).where(StaffSocket.sid.in_(list(_staff))).values(seen_at=now))
            database.execute(delete(StaffSocket).where(StaffSocket.seen_at < now - 2 * HELD))


def _connections() -> dict[int, list[str]]:
    """Return the connections of staff, of all processes, by whose they are."""
    found: dict[int, list[str]] = defaultdict(list)
    for sid, actor in list(_came_as.items()):
        found[actor.id or 0].append(sid)
    for row in db.session.execute(_elsewhere(StaffSocket.sid, StaffSocket.staff_id)):
        found[row.staff_id].append(row.sid)
    return found


def _elsewhere(*columns: Any) -> Select[Any]:
    """Select of the connections that other processes hold."""
    return select(*columns).where(StaffSocket.seen_at > clock.now() - HELD, StaffSocket.sid.not_in(list(_staff)))


# --- ended sessions ---------------------------------------------------------------------------------------------------


def watch_sessions() -> None:
    """Close the connections of this process whose session has ended, or whose role is another. Started once."""
    global _watching  # noqa: PLW0603  (one watch for a process)
    if _watching or not is_module_patched("socket"):
        return
    _watching = True
    gevent.spawn(_watch, current_app._get_current_object())  # type: ignore[attr-defined]


def _watch(app: Flask) -> None:
    for second in count():
        gevent.sleep(WATCH_SECONDS)
        if not _staff:
            continue
        try:
            with app.app_context():
                if second % HOLD_SECONDS == 0:
                    hold()
                for sid in ended_connections():
                    _staff.pop(sid, None)
                    socketio.server.disconnect(sid, namespace=DESK)
        except Exception:
            log.exception("the watch over sessions failed once")


def ended_connections() -> list[str]:
    """Return the connections that may be here no more: one statement for all."""
    now, idle = clock.now(), idle_limit()
    rows = db.session.scalars(select(StaffSession).where(StaffSession.id.in_(connected_sessions())))
    roles = {row.id: row.staff.role.value for row in rows if row.is_live(now, idle) and may_be_in(row.staff)}
    return [sid for sid, (key, role) in list(_staff.items()) if roles.get(key) != role]
