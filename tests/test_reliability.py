"""What fails beside the console, and what its users see of it: real servers that are stopped, frozen and filled up."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from console.core.actor import SYSTEM
from console.core.errors import NoSpace, OutcomeUnknown, Unavailable
from console.core.settings import Settings
from tests.chat.conftest import OPEN
from tests.conftest import missing
from tests.factories import tickets
from tests.support import disks, postgres, processes, redis, server
from tests.support.http import Browser
from tests.support.sockets import Refused, SocketClient, desk_client, visitor_client
from tests.support.staffed import make_console

BODY = "Dobar dan, ovo je dugačak odgovor koji ne sme da se izgubi."
JSON = "application/json"


@dataclass
class Place:
    """Two processes that serve one console."""

    postgres: postgres.Postgres
    redis: redis.Redis
    url: str
    first: server.LiveServer
    second: server.LiveServer

    def run(self, statement: str) -> None:
        """Run a statement in the console's database."""
        with psycopg.connect(host=str(self.postgres.folder), user="postgres", dbname="console", autocommit=True) as own:
            own.execute(statement)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("failing")
    with ExitStack() as stack:
        try:
            database, queue = stack.enter_context(postgres.running()), stack.enter_context(redis.controlled())
        except (postgres.NoPostgres, redis.NoRedis) as error:
            missing(str(error))
        url = database.create("console")
        ports = [processes.free_port() for _ in range(2)]
        shared = {
            "ENV": "demo", "CLOCK": OPEN, "DATABASE_URL": url, "REDIS_URL": queue.url, "CHAT_LIMIT_FACTOR": "100",
            "FILES": str(folder / "files"), "AUDIT_ANCHOR": str(folder / "anchor.json"),
        }  # fmt: skip
        console = Settings(database_url=url, files=shared["FILES"], audit_anchor=shared["AUDIT_ANCHOR"])
        make_console(console, partial(tickets.make_ticket, SYSTEM))
        served = []
        for port in ports:
            env = server.environment(**shared, BASE_URL=f"http://127.0.0.1:{port}")
            served.append(stack.enter_context(server.forked(port, env, folder / f"{port}.log")))
        yield Place(database, queue, url, *served)


@pytest.fixture
def agent(place: Place) -> Browser:
    """An agent's browser at the first process."""
    browser = Browser(place.first.url)
    assert browser.sign_in("agent").status == 200
    return browser


@pytest.fixture
def connections() -> Iterator[Callable[[SocketClient], SocketClient]]:
    """Close sockets afterwards."""
    open_clients: list[SocketClient] = []

    def keep(client: SocketClient) -> SocketClient:
        open_clients.append(client)
        return client

    yield keep
    for client in open_clients:
        client.close()


def some_ticket(browser: Browser) -> str:
    listed = json.loads(browser.get("/console/tickets/?assignee=any&status=open", Accept=JSON).text)
    return str(listed["items"][0]["number"])


def until(done: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for something; how long it took is not what is tested."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.1)


def ready(place: Place) -> tuple[int, str]:
    answer = Browser(place.first.url).get("/readyz")
    return answer.status, json.loads(answer.text)["status"]


def open_chat(visitor: SocketClient) -> str:
    packet = {"name": "Milica Ilić", "email": "milica@example.test", "question": "Ne radi.", "client_id": uuid4().hex}
    answer = visitor.call("chat:open", packet)
    assert answer["ok"], answer
    return str(answer["chat"]["id"])


def test_a_frozen_redis_holds_nothing_up_and_what_was_missed_is_fetched(
    place: Place, agent: Browser, connections: Callable[[SocketClient], SocketClient]
) -> None:
    other = Browser(place.second.url)
    other.sign_in("agent2")
    desk = connections(desk_client(place.second.url, other.cookie))
    assert desk.call("desk:join")["ok"]
    visitor = connections(visitor_client(place.first.url))
    chat = open_chat(visitor)
    assert desk.call("chat:watch", {"chat": chat})["ok"]
    assert visitor.call("message:send", {"body": "pre", "client_id": uuid4().hex})["ok"]
    seen = desk.wait_for("message:new", body="pre")["seq"]
    assert ready(place) == (200, "ready")

    place.redis.freeze()
    try:
        for number in range(25):  # one that waits for Redis would take longer than its sender waits for all
            sent = visitor.call("message:send", {"body": f"u {number}", "client_id": uuid4().hex})
            if not sent["ok"]:
                assert sent["error"]["code"] == "rate", sent
                time.sleep(sent["error"]["retry_after"])
        ticket = some_ticket(agent)
        form = {"body": BODY, "client_id": uuid4().hex, "csrf_token": agent.token(f"/console/tickets/{ticket}")}
        assert agent.post(f"/console/tickets/{ticket}/note", form, Accept=JSON).status == 200
        assert Browser(place.first.url).sign_in("agent2").status == 200
        assert ready(place) == (200, "degraded")
        until(lambda: "pushes of others do not come" in place.second.log.read_text())
        until(lambda: "pushes are dropped" in place.first.log.read_text())
    finally:
        place.redis.go_on()

    desk.wait_for("pushes:missed")
    visitor.wait_for("pushes:missed")
    missed = desk.call("chat:watch", {"chat": chat, "after": seen})["messages"]
    assert [one["body"] for one in missed][-1] == "u 24"
    until(lambda: "pushes go out again" in place.first.log.read_text())
    assert visitor.call("message:send", {"body": "posle", "client_id": uuid4().hex})["ok"]
    desk.wait_for("message:new", body="posle")
    until(lambda: ready(place) == (200, "ready"))


def test_a_commit_whose_fate_is_unknown_promises_nothing(
    place: Place, agent: Browser, connections: Callable[[SocketClient], SocketClient]
) -> None:
    ticket = some_ticket(agent)
    token = agent.token(f"/console/tickets/{ticket}")
    visitor = connections(visitor_client(place.first.url))
    # The server's process ends while it commits: what a fault of the machine does at that moment.
    place.run("CREATE FUNCTION end_here() RETURNS trigger LANGUAGE plpgsql AS"
              " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$")  # fmt: skip
    place.run("CREATE CONSTRAINT TRIGGER end_here AFTER INSERT ON audit_entries DEFERRABLE INITIALLY DEFERRED"
              " FOR EACH ROW EXECUTE FUNCTION end_here()")  # fmt: skip
    try:
        form = {"body": BODY, "client_id": uuid4().hex, "csrf_token": token}
        page = agent.post(f"/console/tickets/{ticket}/note", form)
        response = agent.post(f"/console/tickets/{ticket}/note", form, Accept=JSON)
        packet = {"name": "Ana", "email": "a@example.test", "question": "Ne radi.", "client_id": uuid4().hex}
        answer = visitor.call("chat:open", packet)
    finally:
        place.run("DROP TRIGGER end_here ON audit_entries")
        place.run("DROP FUNCTION end_here")
    assert page.status == response.status == 503
    assert response.error()["code"] == answer["error"]["code"] == "outcome_unknown"
    assert str(OutcomeUnknown.default_message) in page.text
    assert BODY in page.text
    assert "Nothing was changed" not in response.text
    assert agent.post(f"/console/tickets/{ticket}/note", form, Accept=JSON).status == 200  # its id stores it once


def test_without_its_database_everything_says_so_and_comes_back_by_itself(
    place: Place, agent: Browser, connections: Callable[[SocketClient], SocketClient]
) -> None:
    ticket = some_ticket(agent)
    form = {"body": BODY, "client_id": uuid4().hex, "csrf_token": agent.token(f"/console/tickets/{ticket}")}
    visitor = connections(visitor_client(place.first.url))
    open_chat(visitor)
    place.postgres.stop()
    try:
        page = agent.get(f"/console/tickets/{ticket}")
        response = agent.get("/console/tickets/", Accept=JSON)
        sent = agent.post(f"/console/tickets/{ticket}/note", form)
        signed = Browser(place.second.url).get("/moj/", Accept_Language="sr-Latn-RS")
        message = visitor.call("message:send", {"body": "ima li koga", "client_id": "isti"})
        synced = visitor.call("chat:sync", {"after": 0})
        with pytest.raises(Refused) as refused:
            desk_client(place.first.url, agent.cookie)
        not_ready = ready(place)
        alive = Browser(place.first.url).get("/healthz").status
    finally:
        place.postgres.start_again()
    assert {page.status, response.status, sent.status} == {503}
    assert signed.status in (302, 503) or 'lang="sr-Latn"' in signed.text
    assert page.headers["Retry-After"] == response.headers["Retry-After"] == sent.headers["Retry-After"]
    assert response.error()["code"] == message["error"]["code"] == synced["error"]["code"] == "unavailable"
    assert refused.value.args[0]["message"] == "unavailable"
    assert str(Unavailable.default_message) in page.text
    assert BODY in sent.text
    assert "Traceback" not in page.text + response.text + sent.text
    assert (not_ready, alive) == ((503, "not ready"), 200)

    until(lambda: agent.get(f"/console/tickets/{ticket}").status == 200)
    assert agent.post(f"/console/tickets/{ticket}/note", form, Accept=JSON).status == 200
    assert visitor.call("message:send", {"body": "ima li koga", "client_id": "isti"})["ok"]
    assert ready(place) == (200, "ready")


@pytest.mark.sqlite
def test_a_full_disk_is_said_in_words_and_keeps_what_was_typed(
    tmp_path: Path, connections: Callable[[SocketClient], SocketClient]
) -> None:
    with ExitStack() as stack:
        disk = stack.enter_context(disks.small(tmp_path / "disk", 48))
        url, port = f"sqlite:///{disk.folder / 'console.sqlite3'}", processes.free_port()
        places = {"FILES": str(disk.folder / "files"), "AUDIT_ANCHOR": str(disk.folder / "anchor.json")}
        console = Settings(database_url=url, files=places["FILES"], audit_anchor=places["AUDIT_ANCHOR"])
        make_console(console, partial(tickets.make_ticket, SYSTEM))
        env = server.environment(
            ENV="demo",
            CLOCK=OPEN,
            DATABASE_URL=url,
            BASE_URL=f"http://127.0.0.1:{port}",
            CHAT_LIMIT_FACTOR="100",
            **places,
        )
        live = stack.enter_context(server.forked(port, env, tmp_path / "server.log"))
        agent = Browser(live.url)
        agent.sign_in("agent")
        ticket = some_ticket(agent)
        path, token = f"/console/tickets/{ticket}", agent.token(f"/console/tickets/{ticket}")
        reply = {"body": BODY, "client_id": uuid4().hex, "csrf_token": token, "anyway": "1"}
        opening = {"subject": "Domen ne radi", "body": BODY, "requester_email": "a@example.test", "csrf_token": token}
        opening |= {"department": "1", "priority": "2", "language": "sr", "client_id": uuid4().hex}
        visitor = connections(visitor_client(live.url))
        open_chat(visitor)
        # So that the next page wants to note it.
        with closing(sqlite3.connect(disk.folder / "console.sqlite3")) as database, database:
            database.execute("UPDATE staff_sessions SET seen_at = datetime(seen_at, '-5 minutes')")

        disk.fill(live.process.pid)
        refused = {
            "sign-in": Browser(live.url).sign_in("agent2"),
            "ticket": agent.post("/console/tickets/new", opening),
            "reply": agent.post(f"{path}/reply", reply),
        }
        upload = agent.upload(f"{path}/files", "file", "slika.txt", b"x" * 50_000, Accept=JSON, X_CSRFToken=token)
        packet = {"name": "Ana", "email": "a@example.test", "question": "Ne radi.", "client_id": uuid4().hex}
        opened = connections(visitor_client(live.url)).call("chat:open", packet)
        sent = visitor.call("message:send", {"body": "ima li mesta", "client_id": "isti"})
        read = [agent.get(address).status for address in ("/console/tickets/", path, "/chat/")]
        synced = visitor.call("chat:sync", {"after": 0})
        state = Browser(live.url).get("/readyz")

        assert {name: answer.status for name, answer in refused.items()} == dict.fromkeys(refused, 507)
        for name, answer in refused.items():
            assert str(NoSpace.default_message) in answer.text, name
        assert BODY in refused["ticket"].text
        assert BODY in refused["reply"].text
        assert (upload.status, upload.error()["code"]) == (507, "no_space")
        assert opened["error"]["code"] == sent["error"]["code"] == "no_space"
        assert not list(disk.folder.rglob(".new-*")), "no half file is left"
        assert read == [200, 200, 200]
        assert synced["ok"]
        assert (state.status, json.loads(state.text)["checks"]["storage"]) == (503, False)
        assert "space" in json.loads(state.text)["reason"]

        disk.free(live.process.pid)
        until(lambda: agent.post(f"{path}/reply", reply, Accept=JSON).status == 200)
        assert visitor.call("message:send", {"body": "ima li mesta", "client_id": "isti"})["ok"]
        assert Browser(live.url).get("/readyz").status == 200
