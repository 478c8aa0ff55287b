"""A server of access tokens (RFC 6749) that also tells whose a token is (RFC 7662), for Dovecot's XOAUTH2."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs

CLIENT, SECRET, REFRESH = "console-client", "tajna-klijenta", "refresh-1"


@dataclass
class TokenServer:
    """What it gives, and what it was asked for.

    Args:
        user: whose its tokens are.
        rotates: a new refresh token comes with each access token, and the one before is void.
    """

    url: str = ""
    user: str = "podrska@example.test"
    rotates: bool = False
    refresh: str = REFRESH
    valid: set[str] = field(default_factory=set)
    requests: list[dict[str, str]] = field(default_factory=list)
    status: int = 200
    numbers: count[int] = field(default_factory=lambda: count(1))

    def reset(self) -> None:
        """Be as at first."""
        self.rotates, self.refresh, self.status = False, f"{REFRESH}-{next(self.numbers)}", 200
        self.valid, self.requests = set(), []

    def answer(self, path: str, values: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Answer a request."""
        if path == "/introspect":
            active = values.get("token", "") in self.valid
            return 200, {"active": active, "username": self.user, "scope": "imap"} if active else {"active": False}
        self.requests.append(values)
        if self.status != 200:
            return self.status, {"error": "temporarily_unavailable"}
        if (values.get("refresh_token"), values.get("client_id")) != (self.refresh, CLIENT):
            return 400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
        token = f"access-{next(self.numbers)}"
        self.valid.add(token)
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": 3600}
        if self.rotates:
            self.refresh = f"{self.refresh}+"
            answer["refresh_token"] = self.refresh
        return 200, answer


@contextmanager
def running() -> Iterator[TokenServer]:
    """Run one until the end of the block."""
    server = TokenServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            values = {name: found[0] for name, found in parse_qs(self.rfile.read(length).decode()).items()}
            status, answer = server.answer(self.path.partition("?")[0], values)
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join(5)
