"""What every Socket.IO connection and event passes: an origin of ours, limits, a live session, a role, an answer.

``before_request`` does not run for events, and a sign-out over HTTP does not reach a socket: so the session's row is
asked at each event, and once a second for all connections of this process, which closes what has ended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from itertools import count
from typing import Any, cast

import gevent
from flask import Flask, current_app, request, session
from flask_socketio import ConnectionRefusedError as Refused
from gevent.monkey import is_module_patched
from sqlalchemy import Select, delete, select, update

from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import NoSpace, SignInNeeded
from console.core.logging import get_logger
from console.core.push import Hidden
from console.core.sessions import SEEN_EVERY, find_live
from console.core.transaction import transaction
from console.core.upsert import insert_missing
from console.extensions import socketio
from console.staff.models import Staff, StaffSession, StaffSocket
from console.staff.notifications import on_sessions_ended
from console.staff.sessions import may_be_in
from console.web import socket_guard
from console.web.connections import Answer, Connection, Connections, Handler, Packet
from console.web.errors import refusal_of
from console.web.identity import STAFF_TOKEN, idle_limit
from console.web.locale import choose_language

log = get_logger(__name__)

DESK, VISITOR = "/desk", "/visitor"
WATCH_SECONDS = 1
HOLD_SECONDS = 15
HELD = timedelta(seconds=60)  # a connection of another process, that its process has not spoken of for longer, is gone


@dataclass
class StaffConnection(Connection):
    """A connection of staff.

    ``role`` is the one they came with, ``actor`` who they are: without permissions, until an event has asked the
    session of that moment. ``viewing`` is the ticket that is open on their page.
    """

    token: str
    session_id: int
    role: str
    actor: Actor
    viewing: str | None = None


StaffHandler = Handler[StaffConnection]
_staff: Connections[StaffConnection] = Connections(DESK)
_watching = False


def _live_session(token: object) -> StaffSession:
    """Return the session of a token.

    Raises:
        SignInNeeded: it has ended, or the account was disabled.
    """
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


def ask_session(desk: StaffConnection) -> Actor:
    """Return who is behind a connection now, with what they may do.

    Raises:
        SignInNeeded: the session has ended, or the account was disabled.
    """
    desk.actor = _live_session(desk.token).staff.actor(desk.address)
    return desk.actor


def on_desk(event: str, permission: str | None = None) -> Callable[[StaffHandler], StaffHandler]:
    """Register the handler of an event of staff; their session and permission are asked first."""

    def register(handler: StaffHandler) -> StaffHandler:
        def run(desk: StaffConnection, packet: Packet) -> Answer | None:
            actor = ask_session(desk)
            if permission is not None:
                actor.require(permission)
            return handler(desk, packet)

        _staff.on(event, run)
        return handler

    return register


def on_desk_unasked(event: str) -> Callable[[StaffHandler], StaffHandler]:
    """Register the handler of an event whose session is asked later, with those of many others at once."""

    def register(handler: StaffHandler) -> StaffHandler:
        _staff.on(event, handler)
        return handler

    return register


def let_in(connect: Callable[[Any], None]) -> Callable[..., None]:
    """Wrap what lets a connection in: without a database it is refused in a word, and tries again."""

    @wraps(connect)
    def handle(auth: Any = None) -> None:
        try:
            connect(auth)
            socket_guard.joined(request.environ)
        except Refused:
            raise
        except Exception as error:
            refusal = refusal_of(error)
            if refusal is None:
                raise
            raise Refused(refusal.code) from None

    return handle


_gone: list[Callable[[StaffConnection], None]] = []


def on_desk_gone(handler: Callable[[StaffConnection], None]) -> Callable[[StaffConnection], None]:
    """Register what is done when a connection of staff has ended."""
    _gone.append(handler)
    return handler


@socketio.on("disconnect", namespace=DESK)
def _disconnected(*_reason: Any) -> None:
    desk = _staff.remove(connection_id())
    if desk is None:  # it was never let in
        return
    for handler in _gone:
        handler(desk)
    if settings().redis_url:
        with transaction() as database:
            database.execute(delete(StaffSocket).where(StaffSocket.sid == desk.sid))


def send(event: str, payload: Answer, namespace: str, rooms: Sequence[str]) -> None:
    """Carry a push of :mod:`console.core.push`."""
    socketio.emit(event, payload, namespace=namespace, to=list(rooms))


def has_connections(room: str, namespace: str, *, but: str = "") -> bool:
    """Return whether this process holds a connection in a room, besides one that is just going."""
    return any(sid != but for sid, _eio_sid in socketio.server.manager.get_participants(namespace, room))


@socketio.on("connect", namespace=DESK)
@let_in
def connect(_auth: Any = None) -> None:
    """Let staff in, from our own pages alone: a cookie is sent along from anywhere."""
    if request.headers.get("Origin") != settings().base_url:
        raise Refused("origin")
    token = session.get(STAFF_TOKEN)
    try:
        row = _live_session(token)
    except SignInNeeded:
        raise Refused("sign_in") from None
    desk = StaffConnection(
        connection_id(),
        DESK,
        request.remote_addr,
        choose_language(),
        token=cast(str, token),
        session_id=row.id,
        role=row.staff.role.value,
        actor=Actor(kind="staff", id=row.staff.id, name=row.staff.name, address=request.remote_addr),
    )
    _staff.add(desk)
    desk.join_room(f"staff:{row.staff.id}")
    watch_sessions()
    if settings().redis_url:
        held = {"sid": desk.sid, "staff_id": row.staff.id, "session_id": row.id, "seen_at": clock.now()}
        with transaction():
            insert_missing(StaffSocket, [held], StaffSocket.sid)


def connection_id() -> str:
    """Return the id of the connection that comes or goes."""
    return str(request.sid)  # type: ignore[attr-defined]  # Flask-SocketIO adds it


def connected_sessions() -> set[int]:
    """Return the sign-in sessions of staff with a connection to this process."""
    return {desk.session_id for desk in _staff}


def sessions_in(room: str) -> set[int]:
    """Return those whose connection has joined a room of the desk's namespace."""
    joined = socketio.server.manager.get_participants(DESK, room)
    found = (_staff.get(sid) for sid, _eio_sid in joined)
    return {desk.session_id for desk in found if desk is not None}


# --- leaving ----------------------------------------------------------------------------------------------------------


def take_out(hidden: Hidden) -> None:
    """Take connections of staff out of rooms; the library passes on what concerns those of other processes.

    Args:
        hidden: which rooms a colleague may be in no more, see :mod:`console.core.push`.
    """
    for staff_id, sids in _connections().items():
        actor = db.session.get_one(Staff, staff_id).actor()
        for sid in sids:
            joined = socketio.server.rooms(sid, DESK) if _staff.get(sid) else None
            left = [room for room in hidden(actor, joined) if joined is None or room in joined]
            for room in left:
                socketio.server.leave_room(sid, room, namespace=DESK)
            if left and joined is not None:  # what they have of it on their page is to go
                socketio.emit("rooms:changed", {}, namespace=DESK, to=sid)


@on_sessions_ended
def close_sessions(keys: Collection[int]) -> None:
    """Close the connections of sessions that have ended, in whichever process."""
    here = [desk.sid for desk in _staff if desk.session_id in keys]
    for sid in [*here, *db.session.scalars(_elsewhere(StaffSocket.sid).where(StaffSocket.session_id.in_(keys)))]:
        socketio.server.disconnect(sid, namespace=DESK)


def hold() -> None:
    """Note that this process holds its connections still; forget those whose process is gone."""
    if settings().redis_url:
        now = clock.now()
        with transaction() as database:
            database.execute(update(StaffSocket).where(StaffSocket.sid.in_(_here())).values(seen_at=now))
            database.execute(delete(StaffSocket).where(StaffSocket.seen_at < now - 2 * HELD))


def _connections() -> dict[int, list[str]]:
    """Return the connections of staff, of all processes, by whose they are."""
    found: dict[int, list[str]] = defaultdict(list)
    for desk in _staff:
        found[desk.actor.id or 0].append(desk.sid)
    for row in db.session.execute(_elsewhere(StaffSocket.sid, StaffSocket.staff_id)):
        found[row.staff_id].append(row.sid)
    return found


def _here() -> list[str]:
    return [desk.sid for desk in _staff]


def _elsewhere(*columns: Any) -> Select[Any]:
    """Select of the connections that other processes hold."""
    return select(*columns).where(StaffSocket.seen_at > clock.now() - HELD, StaffSocket.sid.not_in(_here()))


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
        if not _here():
            continue
        try:
            with app.app_context():
                if second % HOLD_SECONDS == 0:
                    hold()
                for desk in ended_connections():
                    desk.close()
        except Exception:
            log.exception("the watch over sessions failed once")


def ended_connections() -> list[StaffConnection]:
    """Return the connections that may be here no more: one statement for all."""
    now, idle = clock.now(), idle_limit()
    rows = db.session.scalars(select(StaffSession).where(StaffSession.id.in_(connected_sessions())))
    roles = {row.id: row.staff.role.value for row in rows if row.is_live(now, idle) and may_be_in(row.staff)}
    return [desk for desk in _staff if roles.get(desk.session_id) != desk.role]
