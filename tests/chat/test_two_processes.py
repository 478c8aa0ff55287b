"""What must hold where two processes serve one console: PostgreSQL beneath, Redis between them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests.chat.conftest import Desk
from tests.chat.test_delivery import serving
from tests.support.postgres import Postgres
from tests.support.server import LiveServer
from tests.support.sockets import SocketClient

pytestmark = pytest.mark.postgresql


class Two:
    """Two processes of one console."""

    def __init__(self, url: str, desks: list[Desk]) -> None:
        self.database = url
        self.here, self.there = desks

    def ask(self, statement: str, **values: Any) -> Any:
        engine = create_engine(self.database)
        with engine.begin() as connection:
            found = connection.execute(text(statement), values).fetchone()
        engine.dispose()
        return found


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, postgres_server: Postgres, redis_url: str) -> Iterator[Two]:
    url = postgres_server.create("two_processes")
    folder = tmp_path_factory.mktemp("two")
    with serving(folder, 2, DATABASE_URL=url, REDIS_URL=redis_url) as servers:
        desks = [
            Desk(LiveServer(servers.url(port), port, None, {}, folder))  # type: ignore[arg-type]
            for port in servers.ports
        ]
        yield Two(url, desks)
        for desk in desks:
            desk.close()


def message(**fields: Any) -> dict[str, Any]:
    return {"client_id": uuid4().hex, "body": "poruka"} | fields


def test_one_opening_that_comes_to_both_at_once(two: Two) -> None:
    """Both have looked and found nothing before either stores it: the table is held until both wait to insert."""
    opening = {"name": "Vera", "email": "vera@example.test", "question": "Jednom?", "client_id": uuid4().hex}
    clients = [two.here.visitor(), two.there.visitor()]
    waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'chats'::regclass AND NOT granted"
    with psycopg.connect(make_url(two.database).set(drivername="postgresql").render_as_string(False)) as held:
        held.execute("LOCK TABLE chats IN SHARE MODE")
        with ThreadPoolExecutor(2) as pool:
            openings = [pool.submit(client.call, "chat:open", opening, wait=60) for client in clients]
            deadline = time.monotonic() + 50
            while two.ask(waiting)[0] < 2 and time.monotonic() < deadline:
                time.sleep(0.05)
            assert two.ask(waiting)[0] == 2
            held.rollback()
            first, second = (one.result() for one in openings)
    assert first["ok"] and second["ok"]
    assert first["chat"]["id"] == second["chat"]["id"] and first["chat"]["token"] == second["chat"]["token"]
    assert two.ask("SELECT count(*) FROM chats WHERE email = 'vera@example.test'")[0] == 1


def test_the_pace_is_kept_over_both(two: Two) -> None:
    first = two.here.visitor()
    opening = {"name": "Brzi", "email": "brzi@example.test", "question": "Brzo?", "client_id": uuid4().hex}
    token = first.call("chat:open", opening)["chat"]["token"]
    clients = [place.visitor(token) for place in (two.here, two.there) for _ in range(3)]
    begun = time.monotonic()
    sent = [(one, one.send("message:send", message())) for _ in range(20) for one in clients]
    answers = [one.ack_of(number, wait=60) for one, number in sent]
    # Each process lets a burst through; together they are held to one burst above the pace.
    allowed = 2 * 20 + 2 * 5 * (time.monotonic() - begun)
    assert 20 <= sum(answer["ok"] for answer in answers) <= allowed
    assert any(answer.get("error", {}).get("code") == "rate" for answer in answers)


def test_rooms_of_the_other_process_are_left(two: Two) -> None:
    agent, chief = two.here.staff("agent"), two.there.staff("supervisor")
    cookie = two.there.sign_in("agent2")
    watcher = SocketClient(two.there.url, "/desk", origin=two.there.url, cookie=cookie)
    visitor, opened = two.here.ask(email="prelaz@example.test")
    chat = opened["chat"]["id"]
    assert agent.call("chat:claim", {"chat": chat})["ok"]
    for one in (watcher, chief):
        assert one.call("desk:join")["ok"] and one.call("chat:watch", {"chat": chat})["ok"]
    key = two.ask("INSERT INTO departments (key, name_sr, name_en, verified_only, private, active, position) "
                  "VALUES ('tajno', 'Tajno', 'Secret', false, true, true, 9) RETURNING id")[0]  # fmt: skip
    heard(visitor, chief, watcher, expected=True)
    assert agent.call("chat:transfer", {"chat": chat, "department": key, "note": "tajno"})["ok"]
    heard(visitor, chief, watcher, expected=False)

    # Signed out in one process, the connection to the other is closed.
    two.here.post("/logout", cookie)
    assert watcher.closed.wait(10)


def heard(visitor: SocketClient, chief: SocketClient, watcher: SocketClient, *, expected: bool) -> None:
    """Let the visitor say something, and tell whether the watcher hears it."""
    sent = visitor.call("message:send", message())
    assert sent["ok"], sent
    chief.wait_for("message:new", seq=sent["seq"])
    assert watcher.call("desk:state")["ok"]
    assert any(name == "message:new" and one["seq"] == sent["seq"] for name, one in watcher.events) is expected
