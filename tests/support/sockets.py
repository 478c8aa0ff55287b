"""A Socket.IO client over one WebSocket, small enough to send what no library would.

Protocol: Engine.IO 4 (``0`` open, ``2`` ping, ``3`` pong, ``4`` message) carrying Socket.IO 5 (``0`` connect,
``1`` disconnect, ``2`` event, ``3`` ack, ``4`` refused).
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import ssl
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from benchmarks import websocket

WAIT = 15.0


class Refused(Exception):
    """The namespace let us not in."""


class _TlsSocket:
    """A TLS connection that one thread reads while another writes: OpenSSL lets them in one at a time."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._using = threading.Lock()

    def recv(self, size: int) -> bytes:
        while True:
            with self._using:
                self._sock.settimeout(0)
                with contextlib.suppress(ssl.SSLWantReadError):
                    return self._sock.recv(size)
            select.select([self._sock], [], [])

    def sendall(self, data: bytes) -> None:
        with self._using:
            self._sock.settimeout(WAIT)
            self._sock.sendall(data)

    def settimeout(self, _seconds: float | None) -> None:
        """Reading waits without an end as it is."""

    def shutdown(self, how: int) -> None:
        self._sock.shutdown(how)

    def close(self) -> None:
        self._sock.close()


class PlainSocket:
    """A WebSocket that blocks."""

    def __init__(self, url: str, headers: dict[str, str] | None = None, tls: ssl.SSLContext | None = None) -> None:
        self._sock: Any
        self._sock, rest = websocket.connect(url, headers, tls=tls)
        if tls is not None:
            self._sock = _TlsSocket(self._sock)
        self._frames = websocket.Frames(rest)
        self._ready: list[str] = []
        self._sending = threading.Lock()
        self._sock.settimeout(None)

    def send(self, data: str | bytes) -> None:
        with self._sending:
            self._sock.sendall(websocket.frame(data))

    def receive(self) -> str | None:
        """Return the next text; ``None`` when it is over."""
        while not self._ready:
            data = self._sock.recv(65_536)
            if not data:
                return None
            self._frames.feed(data)
            for opcode, payload in self._frames.take():
                if opcode == websocket.CLOSE:
                    return None
                if opcode == websocket.PING:
                    with self._sending:
                        self._sock.sendall(websocket.frame(payload, websocket.PONG))
                elif opcode == websocket.TEXT:
                    self._ready.append(payload.decode())
        return self._ready.pop(0)

    def shut(self) -> None:
        """Lose the connection without a word; whoever waits for it wakes."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.shut()
        self._sock.close()


class SocketClient:
    """One connection to one namespace. Its events gather in ``events``."""

    def __init__(
        self,
        url: str,
        namespace: str,
        *,
        auth: dict[str, Any] | None = None,
        origin: str | None = None,
        cookie: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        parts = urlsplit(url)
        headers = {name: value for name, value in (("Origin", origin), ("Cookie", cookie)) if value is not None}
        self.namespace = namespace
        self.events: list[tuple[str, Any]] = []
        self.closed = threading.Event()
        self._acks: dict[int, Any] = {}
        self._next = 0
        self._news = threading.Condition()
        self._joined: Any = None
        self.ws = PlainSocket(f"{parts.scheme}://{parts.netloc}/socket.io/?EIO=4&transport=websocket", headers, tls)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.raw(f"40{namespace},{json.dumps(auth or {})}")
        answer = self._until(lambda: self._joined, "no answer to connect")
        if answer[0] == "4":
            self.close()
            raise Refused(answer[1])

    def call(self, event: str, packet: Any = None, *more: Any, wait: float = WAIT) -> dict[str, Any]:
        """Send an event and return its acknowledgement."""
        answer: dict[str, Any] = self._until_ack(self.send(event, packet, *more), wait)
        return answer

    def send(self, event: str, packet: Any = None, *more: Any) -> int:
        """Send an event that wants an acknowledgement, and return its number."""
        with self._news:
            self._next += 1
            number = self._next
        self.raw(f"42{self.namespace},{number}{json.dumps([event, {} if packet is None else packet, *more])}")
        return number

    def raw(self, frame: str | bytes) -> None:
        """Send a frame as it is."""
        self.ws.send(frame)

    def wait_for(self, event: str, wait: float = WAIT, **fields: Any) -> dict[str, Any]:
        """Return the first event of that name with those fields, and forget it."""

        def find() -> Any:
            for place, (name, packet) in enumerate(self.events):
                if name == event and all(packet.get(key) == value for key, value in fields.items()):
                    del self.events[place]
                    return [packet]
            return None

        found: dict[str, Any] = self._until(find, f"no {event} {fields}", wait)[0]
        return found

    def ack_of(self, number: int, wait: float = WAIT) -> dict[str, Any]:
        """Return the acknowledgement of an event sent before."""
        answer: dict[str, Any] = self._until_ack(number, wait)
        return answer

    def close(self) -> None:
        self.ws.shut()
        self.closed.wait(5)

    def cut(self) -> None:
        """Lose the connection without a word."""
        self.ws.shut()

    def _until_ack(self, number: int, wait: float) -> Any:
        return self._until(lambda: self._acks.get(number), f"no acknowledgement of {number}", wait)

    def _until(self, ready: Any, otherwise: str, wait: float = WAIT) -> Any:
        deadline = time.monotonic() + wait
        with self._news:
            while True:
                found = ready()
                if found is not None:
                    return found
                left = deadline - time.monotonic()
                if self.closed.is_set() or left <= 0:
                    raise TimeoutError(otherwise + (" (closed)" if self.closed.is_set() else ""))
                self._news.wait(min(left, 0.5))

    def _read(self) -> None:
        try:
            while True:
                frame = self.ws.receive()
                if frame is None:
                    break
                if frame == "2":
                    self.ws.send("3")
                    continue
                if isinstance(frame, str) and frame.startswith("4"):
                    with self._news:
                        self._take(frame[1:])
                        self._news.notify_all()
        except OSError:
            pass
        finally:
            self.ws.close()
            self.closed.set()
            with self._news:
                self._news.notify_all()

    def _take(self, frame: str) -> None:
        kind, rest = frame[0], frame[1:]
        if rest.startswith("/"):
            _namespace, _comma, rest = rest.partition(",")
        if kind in "04":
            self._joined = (kind, json.loads(rest) if rest else {})
        elif kind == "1":
            self.closed.set()
        elif kind == "2":
            name, *data = json.loads(rest)
            self.events.append((name, data[0] if data else None))
        elif kind == "3":
            digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
            self._acks[int(digits)] = json.loads(rest[len(digits) :])[0]


def desk_client(url: str, cookie: str) -> SocketClient:
    """Connect as staff, from our own page."""
    return SocketClient(url, "/desk", origin=url, cookie=cookie)


def visitor_client(url: str, token: str | None = None, *, language: str = "sr_Latn") -> SocketClient:
    """Connect as a visitor, from our own frame."""
    auth = {"language": language} | ({"token": token} if token else {})
    return SocketClient(url, "/visitor", auth=auth, origin=url)
