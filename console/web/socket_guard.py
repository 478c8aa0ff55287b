"""What every WebSocket passes first: few of one address, and none that joins nothing.

A WSGI application that wraps the one of Socket.IO. With WebSockets alone a request lasts as long as its socket.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import gevent
from flask import Flask
from gevent.monkey import is_module_patched

from console.core.addresses import source
from console.core.context import settings
from console.core.logging import get_logger

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = get_logger(__name__)

PATH = "/socket.io/"
CONNECT_SECONDS = 10  # a socket that joins no namespace by then is closed
MOST_SOCKETS = 100  # of one address; more where more chats may be open behind one
CONNECTION = "console.connection"  # the request's TCP socket, from ``console.server``; gunicorn has another name
_CLOSING = "console.closing"


class SocketGuard:
    """Caps the sockets of one address, and closes those that join nothing.

    Args:
        app: what serves the sockets, and all else.
        most: returns how many sockets one address may have.
    """

    def __init__(self, app: WSGIApplication, most: Callable[[], int]) -> None:
        self._app = app
        self._most = most
        self._open: Counter[str] = Counter()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not _is_socket(environ):
            return self._app(environ, start_response)
        address = source(environ.get("REMOTE_ADDR"))
        if self._open[address] >= self._most():
            log.warning("too many sockets of one address")
            start_response("429 Too Many Requests", [("Content-Type", "text/plain"), ("Retry-After", "60")])
            return [b"Too many connections"]
        self._open[address] += 1
        closing = environ[_CLOSING] = _close_later(environ)
        try:
            return self._app(environ, start_response)
        finally:
            _cancel(closing)
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]


def init_app(app: Flask) -> None:
    """Guard the sockets of ``app``. Called once the Socket.IO server is bound."""

    def most() -> int:
        with app.app_context():
            return max(MOST_SOCKETS, 3 * settings().chat_address_limit) * settings().chat_limit_factor

    app.wsgi_app = SocketGuard(app.wsgi_app, most)  # type: ignore[method-assign]


def joined(environ: WSGIEnvironment) -> None:
    """Note that the socket of this request has joined a namespace: it may stay."""
    _cancel(environ.get(_CLOSING))


def _is_socket(environ: WSGIEnvironment) -> bool:
    path, upgrade = environ.get("PATH_INFO", ""), environ.get("HTTP_UPGRADE", "")
    return bool(path.startswith(PATH) and upgrade.lower() == "websocket")


def _close_later(environ: WSGIEnvironment) -> gevent.Greenlet | None:
    connection: socket.socket | None = environ.get(CONNECTION) or environ.get("gunicorn.socket")
    if connection is None or not is_module_patched("socket"):
        return None
    return gevent.spawn_later(CONNECT_SECONDS, _close, connection)


def _close(connection: socket.socket) -> None:
    """End the connection as its other side would: the server then ends the socket in its usual way."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _cancel(closing: Any) -> None:
    if closing is not None:
        closing.kill(block=False)
