"""A served console with its chat, staff signed in over HTTP, visitors and desks over real sockets."""

from __future__ import annotations

import http.cookiejar
import re
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from console.core.settings import DEMO_PASSWORD
from tests.support.server import MONDAY, LiveServer, serving
from tests.support.sockets import SocketClient, desk_client, visitor_client

OPEN = MONDAY
CLOSED = "2026-11-23T17:01:00+01:00"


class Desk:
    """People at a served console."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.url = server.url
        self._open: list[SocketClient] = []

    def sign_in(self, who: str, path: str = "/login") -> str:
        """Sign in over HTTP and return the cookie header."""
        jar = http.cookiejar.CookieJar()
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        page = opener.open(f"{self.url}{path}").read().decode()
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert found is not None
        form = {"email": f"{who}@example.test", "password": DEMO_PASSWORD, "csrf_token": found[1]}
        opener.open(f"{self.url}{path}", urllib.parse.urlencode(form).encode())
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)

    def get(self, path: str, cookie: str) -> str:
        """Return a page as the one who has the cookie."""
        request = urllib.request.Request(f"{self.url}{path}", headers={"Cookie": cookie})
        page: str = urllib.request.urlopen(request).read().decode()
        return page

    def post(self, path: str, cookie: str, home: str = "/console/", **fields: Any) -> None:
        """Send a form as the one who has the cookie."""
        found = re.search(r'<meta name="csrf-token" content="([^"]+)"', self.get(home, cookie))
        assert found is not None
        data = urllib.parse.urlencode(fields | {"csrf_token": found[1]}, doseq=True).encode()
        urllib.request.urlopen(urllib.request.Request(f"{self.url}{path}", data, headers={"Cookie": cookie}))

    def staff(self, who: str = "agent", state: str | None = "available") -> SocketClient:
        """Come to the desk."""
        client = desk_client(self.url, self.sign_in(who))
        self._open.append(client)
        assert client.call("desk:join")["ok"]
        if state is not None:
            assert client.call("presence:set", {"state": state})["ok"]
        return client

    def visitor(self, token: str | None = None, **options: Any) -> SocketClient:
        """Come with a widget."""
        client = visitor_client(self.url, token, **options)
        self._open.append(client)
        return client

    def ask(self, question: str = "Ne stižu mi poruke.", **fields: Any) -> tuple[SocketClient, dict[str, Any]]:
        """Come, and ask; return the connection and the answer."""
        client = self.visitor()
        packet = {"name": "Milica Ilić", "email": "milica@example.test", "question": question, "client_id": uuid4().hex}
        answer = client.call("chat:open", packet | fields)
        assert answer["ok"], answer
        return client, answer

    def close(self) -> None:
        for client in self._open:
            client.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One console for all tests of a module, with demo data, open on a Monday at 11:00."""
    folder = tmp_path_factory.mktemp("shared")
    with serving(folder, demo=True, CLOCK=OPEN, CHAT_LIMIT_FACTOR="100") as server:
        desk = Desk(server)
        yield desk
        desk.close()


@pytest.fixture
def desk(own_server: Callable[..., LiveServer]) -> Iterator[Callable[..., Desk]]:
    """Serve a console with demo data: ``desk(CLOCK=…)``. It is open on a Monday at 11:00 unless told."""
    made: list[Desk] = []

    def start(**settings: str) -> Desk:
        server = own_server(demo=True, **({"CLOCK": OPEN, "CHAT_LIMIT_FACTOR": "100"} | settings))
        made.append(Desk(server))
        return made[-1]

    yield start
    for one in made:
        one.close()
