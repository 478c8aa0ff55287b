"""Nothing acknowledged is lost, nothing is stored twice, every side ends up with what the database has.

Many pairs talk while servers are killed (-9) at random moments, connections are cut and acknowledgements are thrown
away. A client does what ours do: it sends with an id of its own until that is acknowledged, comes back when cut, and
asks for what it missed.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from console.core.settings import Settings
from tests.chat.conftest import OPEN, Desk
from tests.support import processes, server
from tests.support.postgres import Postgres
from tests.support.sockets import Refused, SocketClient, desk_client, visitor_client
from tests.support.staffed import make_console

BROKEN = (TimeoutError, OSError, Refused)
PAIRS = 8


class Servers:
    """Serving processes on one database, any of which may be killed; each comes back on its port."""

    def __init__(self, folder: Path, count: int, env: dict[str, str]) -> None:
        self.folder, self.env = folder, env
        self.ports = [processes.free_port() for _ in range(count)]
        self._running: dict[int, tuple[Any, server.LiveServer]] = {}
        self.kills = 0

    def start(self, port: int) -> None:
        env = {**self.env, "CONSOLE_BASE_URL": self.url(port)}
        context = server.forked(port, env, self.folder / f"{port}.log")
        self._running[port] = (context, context.__enter__())

    def kill(self, port: int) -> None:
        """Kill one at once, and start it again."""
        context, live = self._running.pop(port)
        live.process.send_signal(signal.SIGKILL)
        live.process.wait(10)
        context.__exit__(None, None, None)
        self.kills += 1
        self.start(port)

    def stop(self) -> None:
        for context, _live in self._running.values():
            context.__exit__(None, None, None)

    def url(self, port: int) -> str:
        return f"http://127.0.0.1:{port}"


class Careful:
    """One side of a conversation, on whatever connection it has just now."""

    def __init__(self, name: str, connect: Callable[[], SocketClient], rng: random.Random) -> None:
        self.name, self.connect, self.rng = name, connect, rng
        self.client: SocketClient | None = None
        self.acknowledged: dict[str, int] = {}

    def say(self, packet: dict[str, Any], deadline: float) -> None:
        """Send until it is acknowledged, under one id."""
        while time.monotonic() < deadline:
            try:
                client = self._connected()
                if self.rng.random() < 0.02:
                    client.send("message:send", packet)
                    client.cut()  # sent, perhaps; the acknowledgement never came
                    self.client = None
                    continue
                answer = client.call("message:send", packet, wait=5)
                if self.rng.random() < 0.05:
                    continue  # the acknowledgement was lost on its way
                if answer["ok"]:
                    self.acknowledged[packet["client_id"]] = answer["seq"]
                    return
                assert answer["error"]["code"] in ("rate", "busy"), answer
                time.sleep(0.3)
            except BROKEN:
                self.client = None
                time.sleep(0.1)
        pytest.fail(f"{self.name}: not acknowledged in time")

    def ask(self, event: str, packet: dict[str, Any], deadline: float) -> dict[str, Any]:
        while time.monotonic() < deadline:
            try:
                answer = self._connected().call(event, packet, wait=5)
                if answer["ok"]:
                    return answer
            except BROKEN:
                self.client = None
            time.sleep(0.1)
        pytest.fail(f"{self.name}: {event} had no answer in time")

    def _connected(self) -> SocketClient:
        if self.client is None or self.client.closed.is_set():
            self.client = self.connect()
        return self.client


@contextmanager
def serving(folder: Path, count: int, **settings: str) -> Iterator[Servers]:
    env = server.environment(
        **{"ENV": "demo", "CLOCK": OPEN, "CHAT_LIMIT_FACTOR": "1000", "FILES": str(folder / "files"),
           "AUDIT_ANCHOR": str(folder / "anchor.json")} | settings
    )  # fmt: skip
    if settings["DATABASE_URL"].startswith("sqlite"):
        server.copy_made(folder, demo=True, clock=OPEN)
    else:
        url, files, anchor = (env[f"CONSOLE_{name}"] for name in ("DATABASE_URL", "FILES", "AUDIT_ANCHOR"))
        make_console(Settings(database_url=url, files=files, audit_anchor=anchor))
    servers = Servers(folder, count, env)
    try:
        for port in servers.ports:
            servers.start(port)
        yield servers
    finally:
        servers.stop()


def test_on_sqlite(
    tmp_path: Path, rng: random.Random, samples: Callable[[int, int], int], proof: Callable[[str], None]
) -> None:
    url = f"sqlite:///{tmp_path / 'console.sqlite3'}"
    with serving(tmp_path, 1, DATABASE_URL=url) as servers:
        prove(servers, url, rng, samples(10_000, 240), samples(50, 2), proof)


def test_on_postgresql_with_two_processes_and_redis(
    tmp_path: Path, postgres_server: Postgres, redis_url: str, rng: random.Random,
    samples: Callable[[int, int], int], proof: Callable[[str], None],
) -> None:  # fmt: skip
    url = postgres_server.create("delivery")
    with serving(tmp_path, 2, DATABASE_URL=url, REDIS_URL=redis_url) as servers:
        prove(servers, url, rng, samples(10_000, 240), samples(50, 2), proof)


def prove(
    servers: Servers, url: str, rng: random.Random, messages: int, kills: int, proof: Callable[[str], None]
) -> None:
    deadline = time.monotonic() + 60 + messages / 20 + kills * 15
    pairs = [make_pair(servers, number, random.Random(rng.random()), deadline) for number in range(PAIRS)]  # noqa: S311
    each = messages // (2 * PAIRS)
    talk(servers, pairs, each, kills, rng, deadline)
    stored = read(url)
    for pair in pairs:
        check(pair, stored[pair.chat], each, deadline)
    acknowledged = sum(len(side.acknowledged) for pair in pairs for side, _make in (pair.visitor, pair.agent))
    proof(
        f"{acknowledged} messages, {PAIRS} pairs, {servers.kills} kills: all stored once, in order, seen by both sides"
    )
    for pair in pairs:
        for side, _make in (pair.visitor, pair.agent):
            if side.client is not None:
                side.client.close()


def talk(servers: Servers, pairs: list[Pair], each: int, kills: int, rng: random.Random, deadline: float) -> None:
    """Let all talk at once while servers die."""
    failures: list[BaseException] = []

    def speak(side: Careful, make: Callable[[int], dict[str, Any]]) -> None:
        try:
            for number in range(each):
                side.say(make(number), deadline)
        except BaseException as error:  # noqa: BLE001  (told below, in the test's own thread)
            failures.append(error)

    threads = [
        threading.Thread(target=speak, args=(side, make)) for pair in pairs for side, make in (pair.visitor, pair.agent)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(rng.uniform(0.2, 1.5))
        if servers.kills < kills:
            servers.kill(rng.choice(servers.ports))
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
    while servers.kills < kills:  # the talk was over sooner
        servers.kill(rng.choice(servers.ports))


def check(pair: Pair, rows: list[dict[str, Any]], each: int, deadline: float) -> None:
    """Compare what was acknowledged, what is stored, and what each side sees."""
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1)), "no gap, no double"
    for side, prefix in ((pair.visitor[0], "v:"), (pair.agent[0], f"s{pair.staff}:")):
        mine = [row for row in rows if row["key"].startswith(prefix) and "-" in row["key"]]
        keys = [row["key"].removeprefix(prefix) for row in mine]
        assert len(keys) == len(set(keys)) == each, "each once"
        assert {key: row["seq"] for key, row in zip(keys, mine, strict=True)} == side.acknowledged
        assert [int(key.rpartition("-")[2]) for key in keys] == list(range(each)), "in the order they were said"
    stored = [(row["seq"], row["body"]) for row in rows]
    assert view(pair.agent[0], "chat:watch", {"chat": pair.chat}, deadline) == stored
    outside = [(row["seq"], row["body"]) for row in rows if row["kind"] != "note"]
    assert view(pair.visitor[0], "chat:sync", {}, deadline) == outside


class Pair:
    """A visitor and the agent who took them."""

    def __init__(self, chat: str, staff: int, visitor: Careful, agent: Careful) -> None:
        self.chat, self.staff = chat, staff
        self.visitor = (visitor, lambda n: {"client_id": f"{chat}-v-{n}", "body": f"pitanje {n}"})
        self.agent = (
            agent,
            lambda n: {"chat": chat, "client_id": f"{chat}-a-{n}", "body": f"odgovor {n}", "kind": "reply"},
        )


def make_pair(servers: Servers, number: int, rng: random.Random, deadline: float) -> Pair:
    port = servers.ports[number % len(servers.ports)]
    other = servers.ports[(number + 1) % len(servers.ports)]
    place = Desk(server.LiveServer(servers.url(other), other, None, {}, servers.folder))  # type: ignore[arg-type]
    cookie = place.sign_in("agent")
    with ExitStack() as stack:
        first = visitor_client(servers.url(port))
        stack.callback(first.close)
        opening = {"name": f"Par {number}", "email": f"par{number}@example.test", "question": "?"}
        opened = first.call("chat:open", opening | {"client_id": f"otvaranje{number}"})
        assert opened["ok"], opened
    token, chat = opened["chat"]["token"], opened["chat"]["id"]

    def desk_connection() -> SocketClient:
        client = desk_client(servers.url(other), cookie)
        assert client.call("desk:join", wait=10)["ok"]
        return client

    agent = Careful(f"agent {number}", desk_connection, rng)
    taken = agent.ask("chat:claim", {"chat": chat}, deadline)
    visitor = Careful(f"visitor {number}", lambda: visitor_client(servers.url(port), token), rng)
    return Pair(chat, taken["chat"]["assignee"]["id"], visitor, agent)


def view(side: Careful, event: str, packet: dict[str, Any], deadline: float) -> list[tuple[int, str]]:
    """Return what one side has in the end, page by page."""
    seen: list[tuple[int, str]] = []
    while True:
        answer = side.ask(event, packet | {"after": seen[-1][0] if seen else 0}, deadline)
        seen += [(one["seq"], one["body"]) for one in answer["messages"]]
        if not answer["more"]:
            return seen


def read(url: str) -> dict[str, list[dict[str, Any]]]:
    """Return what the database has, by chat."""
    engine = create_engine(url)
    found: dict[str, list[dict[str, Any]]] = {}
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT chat_id, seq, kind, body, client_key FROM chat_messages ORDER BY chat_id, seq")
        )
        for row in rows:
            entry = {"seq": row.seq, "kind": row.kind, "body": row.body, "key": row.client_key}
            found.setdefault(f"C-{50_000 + row.chat_id}", []).append(entry)
    engine.dispose()
    return found
