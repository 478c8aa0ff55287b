"""A bare Flask-SocketIO relay: no checks, no storage; mode, options, listener and collector as the product has them.

What the chat is held to.

``python -m benchmarks.relay PORT`` serves it.
"""

from __future__ import annotations

import sys

from gevent import monkey

if __name__ == "__main__":
    monkey.patch_all()

    import socket
    from typing import Any

    from flask import Flask
    from flask_socketio import SocketIO, emit, join_room
    from gevent import pywsgi

    from console.core.hub import rest_the_collector
    from console.server import BACKLOG

    app = Flask(__name__)
    socketio = SocketIO(
        app,
        async_mode="gevent",
        async_handlers=False,
        transports=["websocket"],
        max_http_buffer_size=64 * 1024,
    )

    @socketio.on("connect", namespace="/relay")
    def connect(auth: dict[str, Any]) -> None:
        join_room(auth["room"])

    @socketio.on("message:send", namespace="/relay")
    def send(packet: dict[str, Any]) -> dict[str, Any]:
        emit("message:new", packet, to=packet["room"])
        return {"ok": True}

    listener = pywsgi.WSGIServer.get_listener(("127.0.0.1", int(sys.argv[1])), backlog=BACKLOG, family=socket.AF_INET)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    rest_the_collector()  # as the product does: else the relay's own delays are the collector's
    pywsgi.WSGIServer(listener, app, log=None).serve_forever()
