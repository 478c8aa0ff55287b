"""Who speaks in the chat's bench: both sides of each conversation, on the relay and in the product."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from benchmarks import websocket
from benchmarks.http import BenchError, Browser
from console.core.settings import DEMO_PASSWORD

Peers = list[dict[str, Any]]


def relay_peers(url: str, chats: int, every: float, *, both: bool = False) -> Peers:
    """Return both sides of every room. ``both``: both speak at that pace; else ``a`` as fast as it can."""
    return [
        {
            "side": side,
            "url": url,
            "namespace": "/relay",
            "headers": {},
            "auth": {"room": f"room-{number}"},
            "packet": {"room": f"room-{number}"},
            "every": every if side == "v" or both else 0,
        }
        for number in range(chats)
        for side in ("v", "a")
    ]


class Desk:
    """The product's side: an agent signed in, chats opened and taken."""

    def __init__(self, url: str) -> None:
        self.url = url
        browser = Browser(url)
        browser.get("/login")
        browser.post("/login", email="agent@example.test", password=DEMO_PASSWORD)
        self.cookie = browser.cookie
        browser.close()

    def peers(self, chats: int, every: float, *, both: bool = False) -> Peers:
        """Open and take new chats; return both sides of each."""
        found: Peers = []
        opened = self._open(chats)
        for number, chat in opened:
            found += [
                self._visitor(chat["token"], every),
                self._agent(number, every if both else 0),
            ]
        return found

    def strangers(self, count: int) -> Peers:
        """Return visitors who only connect."""
        return [self._visitor(None, 0) for _ in range(count)]

    def _visitor(self, token: str | None, every: float) -> dict[str, Any]:
        return {
            "side": "v",
            "url": self.url,
            "namespace": "/visitor",
            "headers": {"Origin": self.url},
            "auth": {"token": token} if token else {"language": "en"},
            "packet": {},
            "every": every,
        }

    def _agent(self, number: str, every: float) -> dict[str, Any]:
        return {
            "side": "a",
            "url": self.url,
            "namespace": "/desk",
            "headers": {"Origin": self.url, "Cookie": self.cookie},
            "auth": {},
            "packet": {"chat": number, "kind": "reply"},
            "every": every,
            "first": [["chat:watch", {"chat": number}]],
        }

    def _open(self, chats: int) -> list[tuple[str, dict[str, Any]]]:
        """Open chats and take them, each side over one connection."""
        answers: list[tuple[str, dict[str, Any]]] = []
        path = "/socket.io/?EIO=4&transport=websocket"
        agent = _Caller(*websocket.connect(self.url + path, {"Origin": self.url, "Cookie": self.cookie}), "/desk")
        visitor = _Caller(*websocket.connect(self.url + path, {"Origin": self.url}), "/visitor")
        agent.call("desk:join", {})
        for number in range(chats):
            opening = {"name": f"V {number}", "email": f"v{number}@example.test", "question": "?"}
            if number % 15 == 14:  # a visitor's connection is limited; another one is another visitor
                visitor.close()
                visitor = _Caller(*websocket.connect(self.url + path, {"Origin": self.url}), "/visitor")
            opened = visitor.call("chat:open", {**opening, "client_id": uuid4().hex})["chat"]
            agent.call("chat:claim", {"chat": opened["id"]})
            answers.append((opened["id"], opened))
        visitor.close()
        agent.close()
        return answers


class _Caller:
    """One connection that asks and waits."""

    def __init__(self, sock: Any, rest: bytes, namespace: str) -> None:
        self._sock, self._frames, self._namespace = sock, websocket.Frames(rest), namespace
        self._number = 0
        sock.sendall(websocket.frame(f"40{namespace},{{}}"))
        self._until(f"40{namespace},")

    def call(self, event: str, packet: dict[str, Any]) -> dict[str, Any]:
        """Send an event; return its answer.

        Raises:
            BenchError: it was refused.
        """
        self._number += 1
        self._sock.sendall(websocket.frame(f"42{self._namespace},{self._number}{json.dumps([event, packet])}"))
        text = self._until(f"43{self._namespace},{self._number}")
        answer: dict[str, Any] = json.loads(text[text.index("[") :])[0]
        if not answer["ok"]:
            raise BenchError(f"{event}: {answer['error']}")
        return answer

    def close(self) -> None:
        self._sock.close()

    def _until(self, beginning: str) -> str:
        while True:
            for _opcode, payload in self._frames.take():
                text = payload.decode()
                if text.startswith(beginning):
                    return text
                if text.startswith("44"):
                    raise BenchError(text)
                if text == "2":
                    self._sock.sendall(websocket.frame("3"))
            data = self._sock.recv(65_536)
            if not data:
                raise BenchError("a connection was closed")
            self._frames.feed(data)
