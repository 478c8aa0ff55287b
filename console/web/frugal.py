"""What a Socket.IO event needs of Flask's request context, and no more.

Flask-SocketIO makes a request context for every event out of the handshake's environment. As Flask makes it, it reads
the cookie and looks the address up among hundreds of routes each time, to throw both away: the connection has a
session of its own, and an event has no route. That was a fifth of a message's cost.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Request, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from socketio.packet import Packet
from werkzeug.routing import MapAdapter

from console.web.incoming import CleanRequest

_SOCKETS = "/socket.io/"
_KEPT = "saved_session"  # where Flask-SocketIO keeps a connection's session


class EventSessions(SecureCookieSessionInterface):
    """Reads the cookie of a connection once, at its handshake."""

    def open_session(self, app: Flask, request: Request) -> Any:
        """Return the connection's own session where it has one, else what the cookie holds."""
        kept: SessionMixin | None = request.environ.get(_KEPT)
        return super().open_session(app, request) if kept is None else kept


class FrugalFlask(Flask):
    """Looks no route up for an event. ``url_for`` does not work there, and nothing there needs it."""

    request_class = CleanRequest
    session_interface = EventSessions()

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what matches an address; for an event, nothing."""
        if request is not None and request.path.startswith(_SOCKETS):
            return None
        return super().create_url_adapter(request)

    def do_teardown_request(self, *error: Any) -> None:
        """Tear down what a request began; an event began nothing, because ``before_request`` does not run for it."""
        if not request.path.startswith(_SOCKETS):
            super().do_teardown_request(*error)


class TextPacket(Packet):
    """A packet that holds no bytes: nobody looks for any in all of its depth. Ours never have."""

    uses_binary_events = False
