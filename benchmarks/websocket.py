"""The client's side of a WebSocket (RFC 6455), as little as a load generator and the tests need.

Masked with zeros, which the protocol allows and which costs nothing; messages of one frame; no extensions.
"""

from __future__ import annotations

import base64
import os
import socket
import ssl
import struct
from collections.abc import Mapping
from urllib.parse import urlsplit

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
MASKED = 0x80
_NO_MASK = b"\0\0\0\0"


class Refused(ConnectionError):
    """The server did not switch to a WebSocket."""


def connect(
    url: str, headers: Mapping[str, str] | None = None, *, timeout: float = 15, tls: ssl.SSLContext | None = None
) -> tuple[socket.socket, bytes]:
    """Return a connected socket, and what came with the server's answer.

    Args:
        url: ``http://host:port/path?query``.
        headers: more of them, as ``Origin`` and ``Cookie``.
        tls: for ``https://``: whom to trust.

    Raises:
        Refused: with the server's status line.
        OSError: no connection.
    """
    parts = urlsplit(url)
    sock = socket.create_connection((parts.hostname or "", parts.port or 80), timeout)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            sock = tls.wrap_socket(sock, server_hostname=parts.hostname)
        lines = [
            f"GET {parts.path}?{parts.query} HTTP/1.1",
            f"Host: {parts.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            *(f"{name}: {value}" for name, value in (headers or {}).items()),
        ]
        sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            more = sock.recv(4096)
            if not more:
                raise Refused("closed")
            answer += more
        head, _, rest = answer.partition(b"\r\n\r\n")
        status = head.partition(b"\r\n")[0].decode("latin-1")
        if " 101 " not in status:
            raise Refused(status)
    except BaseException:
        sock.close()
        raise
    return sock, rest


def frame(payload: str | bytes, opcode: int = TEXT) -> bytes:
    """Return one whole message as it goes out."""
    data = payload.encode(errors="surrogatepass") if isinstance(payload, str) else payload
    size = len(data)
    if size < 126:
        head = struct.pack("!BB", MASKED | opcode, MASKED | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", MASKED | opcode, MASKED | 126, size)
    else:
        head = struct.pack("!BBQ", MASKED | opcode, MASKED | 127, size)
    return head + _NO_MASK + data


class Frames:
    """Takes bytes as they come, gives whole frames."""

    def __init__(self, begun: bytes = b"") -> None:
        self._buffer = bytearray(begun)

    def feed(self, data: bytes) -> None:
        """Take what came."""
        self._buffer += data

    def take(self) -> list[tuple[int, bytes]]:
        """Return the frames that are whole: opcode and payload."""
        found = []
        buffer, at = self._buffer, 0
        while len(buffer) - at >= 2:
            opcode, size, start = buffer[at] & 0x0F, buffer[at + 1] & 0x7F, at + 2
            if size == 126:
                if len(buffer) - at < 4:
                    break
                size, start = struct.unpack_from("!H", buffer, start)[0], start + 2
            elif size == 127:
                if len(buffer) - at < 10:
                    break
                size, start = struct.unpack_from("!Q", buffer, start)[0], start + 8
            if len(buffer) - start < size:
                break
            found.append((opcode, bytes(buffer[start : start + size])))
            at = start + size
        del buffer[:at]
        return found
