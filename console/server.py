"""One process that serves pages and WebSockets, on gevent; on SQLite with its worker inside.

Called from a process that gevent has patched before its other imports
(``console.__main__``, ``console.wsgi``).
"""

from __future__ import annotations

import signal
import socket
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
from flask import Flask
from gevent import monkey, pywsgi
from gevent.event import Event

from console.core import passwords
from console.core.binds import Bind
from console.core.context import environment
from console.core.hub import rest_the_collector
from console.core.logging import get_logger, write_to_stderr
from console.web.socket_guard import CONNECTION

if TYPE_CHECKING:
    from apscheduler.schedulers.gevent import GeventScheduler

log = get_logger(__name__)
FIRST_ANSWERS = timedelta(seconds=2)  # after a start requests come before periodic jobs
FINISH_SECONDS = 10.0  # for requests that are being answered when we are told to stop
BACKLOG = 1024


class _Handler(pywsgi.WSGIHandler):
    """Knows which connections are being answered; the rest may be cut at once on stopping."""

    def get_environ(self) -> dict[str, Any]:
        """Return the request's environment, with its connection, which ``console.web.socket_guard`` may end."""
        environ: dict[str, Any] = super().get_environ()
        environ[CONNECTION] = self.socket
        return environ

    def handle_one_response(self) -> None:
        socket_stays = self.environ.get("HTTP_UPGRADE", "").lower() == "websocket"
        if socket_stays:
            super().handle_one_response()
            return
        self.server.answering += 1
        try:
            super().handle_one_response()
        finally:
            self.server.answering -= 1

    def log_request(self) -> None:
        """Leave it to ``console.web.access``: this line would show the query string."""


class _Server(pywsgi.WSGIServer):
    handler_class = _Handler
    answering = 0

    def finish(self) -> None:
        """Accept nothing more and let answers end. Idle connections and sockets end with the process."""
        self.close()
        with gevent.Timeout(FINISH_SECONDS, False):
            while self.answering:
                gevent.sleep(0.05)


def serve(app: Flask, bind: Bind | None = None, *, with_worker: bool | None = None) -> None:
    """Serve ``app`` until SIGTERM or Ctrl-C.

    Args:
        bind: where to listen; port 8000 of this machine when not given.
        with_worker: run the periodic jobs here too; by default where the database is SQLite.

    Raises:
        RuntimeError: gevent has not patched this process.
        OSError: the address is taken.
    """
    if not monkey.is_module_patched("socket"):
        raise RuntimeError("serve from a process that gevent has patched: `console serve` or console.wsgi")
    with app.app_context():
        started_with = environment()
    write_to_stderr(production=started_with.production)
    bind = bind or Bind()
    listener = _listen(bind)
    server = _Server(listener, app, log=None)
    if with_worker is None:
        with_worker = started_with.sqlite
    scheduler = _start_worker(app) if with_worker else None
    told_to_stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, told_to_stop.set)
    server.start()
    rest_the_collector()
    gevent.get_hub().threadpool.spawn(passwords.warm_up)  # on another core, where there is one
    log.info("serving", address=str(bind), base_url=started_with.base_url, worker=scheduler is not None)
    told_to_stop.wait()
    log.info("stopping", answering=server.answering)
    server.finish()
    if scheduler is not None:
        _stop_worker(scheduler)
    if bind.path:
        Path(bind.path).unlink(missing_ok=True)
    log.info("stopped")


def _start_worker(app: Flask) -> GeventScheduler:
    from console import worker  # a tenth of a start; a server without jobs does without

    return worker.start(app, after=FIRST_ANSWERS)


def _stop_worker(scheduler: GeventScheduler) -> None:
    from console import worker

    worker.stop(scheduler)


def _listen(bind: Bind) -> Any:
    """Listen with TCP_NODELAY, which accepted connections inherit: a chat message is one small packet."""
    if bind.path:
        return _listen_at_path(Path(bind.path))
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    listener = pywsgi.WSGIServer.get_listener((bind.host, bind.port), backlog=BACKLOG, family=family)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _listen_at_path(path: Path) -> Any:
    """Listen on a Unix socket, for our user and our group: nginx's user is made one of it.

    Raises:
        OSError: another server listens there, or there is a file.
    """
    if path.is_socket() and not _answers(path):
        path.unlink()  # left by a process that was killed
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        path.chmod(0o660)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return False
    return True
