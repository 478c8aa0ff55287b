"""What bad senders get: an error and nothing else. One server takes it all."""

from __future__ import annotations

import contextlib
import json
import statistics
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from console.core.settings import DEMO_PASSWORD
from tests.chat.conftest import Desk
from tests.support.sockets import PlainSocket, Refused, SocketClient, desk_client

WRONG_CHATS: list[Any] = [
    "C-50001x", "50001", 50001, 1, 0, -1, True, None, [], ["C-50001"], {"chat": 1}, "", "C-" + "9" * 40, "C-99999",
    "'; DROP TABLE chats", "C-５０００１",
]  # fmt: skip


@pytest.fixture
def place(desk: Callable[..., Desk]) -> Desk:
    return desk(CHAT_LIMIT_FACTOR="100")


def test_origins(place: Desk) -> None:
    cookie = place.sign_in("agent")
    local = place.url.replace("127.0.0.1", "localhost")
    look_alikes = [
        "https://evil.example",
        "null",
        f"{place.url}.evil.example",
        local,
        f"{place.url}0",
        "http://127.0.0.1",
    ]
    for origin in look_alikes:
        for namespace in ("/desk", "/visitor"):
            with pytest.raises(Exception):  # noqa: B017, PT011  (the handshake itself is refused, in several ways)
                SocketClient(place.url, namespace, origin=origin, cookie=cookie)
    for namespace in ("/desk", "/visitor"):
        with pytest.raises(Refused):
            SocketClient(place.url, namespace, cookie=cookie)  # no origin, and a cookie
    with pytest.raises(Refused):
        SocketClient(place.url, "/desk", origin=place.url)
    with pytest.raises(Refused):
        SocketClient(place.url, "/desk", origin=place.url, cookie="console=forged")
    with pytest.raises(Refused):
        SocketClient(place.url, "/nowhere", origin=place.url, cookie=cookie)
    SocketClient(place.url, "/visitor").close()  # a program without a cookie is a visitor


def test_nobody_speaks_for_somebody_else(place: Desk) -> None:
    agent, other = place.staff("agent"), place.staff("agent2")
    visitor, opened = place.ask("prvo pitanje")
    stranger, strange = place.ask("drugo pitanje", email="stranac@example.test")
    chat = opened["chat"]["id"]
    agent.call("chat:claim", {"chat": chat})
    key = uuid4().hex
    answer = visitor.call("message:send", {"client_id": key, "body": "moje"})

    # A visitor's connection is bound to one chat: whatever else a packet names is not read.
    theft = stranger.call("message:send", {"client_id": key, "body": "tuđe", "chat": chat, "sender": {"kind": "staff"}})
    assert theft["ok"] and theft["seq"] == 2, "it went into the stranger's own chat"
    assert stranger.call("chat:sync", {"after": 0, "chat": chat})["chat"]["id"] == strange["chat"]["id"]
    for event in ("chat:claim", "chat:watch", "chat:close", "desk:join", "verification:request"):
        with pytest.raises(TimeoutError):
            stranger.call(event, {"chat": chat}, wait=0.4)
    assert place.visitor("1.abcdef").call("chat:sync", {"after": 0})["error"]["code"] == "no_chat"
    forged = opened["chat"]["token"][:-2] + "00"
    assert place.visitor(forged).call("message:send", {"client_id": "x", "body": "x"})["error"]["code"] == "no_chat"

    # Another agent can neither answer nor end it, nor use the ids of somebody's messages.
    assert (
        other.call("message:send", {"chat": chat, "client_id": key, "body": "x", "kind": "reply"})["error"]["code"]
        == "not_yours"
    )
    assert other.call("chat:close", {"chat": chat})["error"]["code"] == "not_yours"
    assert other.call("chat:transfer", {"chat": chat, "to": 1})["error"]["code"] == "not_yours"
    assert other.call("chat:claim", {"chat": chat})["error"]["code"] == "conflict"
    assert other.call("chat:step_in", {"chat": chat})["error"]["code"] == "not_allowed"
    assert other.call("chat:block", {"chat": chat, "reason": "x", "days": 1})["error"]["code"] == "not_allowed"
    assert (
        agent.call("message:send", {"chat": chat, "client_id": key, "body": "moj odgovor", "kind": "reply"})["seq"]
        > answer["seq"]
    )

    for wrong in WRONG_CHATS:
        for event in ("chat:claim", "chat:close", "chat:ticket", "chat:watch", "verification:request"):
            assert agent.call(event, {"chat": wrong})["error"]["code"] == "not_found", (event, wrong)
        sent = agent.call("message:send", {"chat": wrong, "client_id": "k", "body": "x", "kind": "reply"})
        assert sent["error"]["code"] in ("not_found", "invalid"), wrong
    assert [name for name, _packet in agent.events if name == "message:new"].count("message:new") <= 2


def test_malformed_packets(place: Desk) -> None:
    agent = place.staff("agent")
    visitor, opened = place.ask()
    chat = opened["chat"]["id"]
    agent.call("chat:claim", {"chat": chat})
    packets: tuple[Any, ...] = (None, 5, "x", [1], True, [{}])
    for packet in packets:
        for client, event in (
            (visitor, "message:send"),
            (visitor, "chat:open"),
            (agent, "message:send"),
            (agent, "chat:watch"),
        ):
            number = client._next = client._next + 1
            client.raw(f"42{client.namespace},{number}{json.dumps([event, packet])}")
            assert client.ack_of(number)["error"]["code"] in ("invalid", "not_found"), (event, packet)
    assert visitor.call("message:send", {"client_id": "a", "body": "b"}, {"more": 1})["error"]["code"] == "invalid"
    for body in ("", "   ", None, 5, ["x"], {"a": 1}, "x" * 16_385, "ж" * 8_193):
        answer = visitor.call("message:send", {"client_id": uuid4().hex, "body": body})
        assert answer["error"]["code"] in ("invalid", "size"), body
        time.sleep(0.2)
    for client_id in ("", None, 5, "x" * 65, "a\nb", ["x"]):
        assert visitor.call("message:send", {"client_id": client_id, "body": "x"})["error"]["code"] == "invalid"
        time.sleep(0.2)
    for after in (-1, "0", True, None, 2**40, [0]):
        assert visitor.call("chat:sync", {"after": after})["error"]["code"] == "invalid"
        time.sleep(0.2)
    edge = visitor.call("message:send", {"client_id": uuid4().hex, "body": "x" * 16_384})
    assert edge["ok"]
    odd = visitor.call(
        "message:send", {"client_id": uuid4().hex, "body": "a\u0000b\ud800c \u202e<script>alert(1)</script>"}
    )
    assert odd["ok"]
    assert agent.wait_for("message:new", seq=odd["seq"])["body"].startswith("abc <script>")

    # Half an emoji is left out, wherever it stands; where nothing else was, that is said of the field.
    half = {"name": "Vera\ud83d", "question": "Ne\ud83d radi.", "page": "https://example.test/\ud83d"}
    opening = {"email": "vera@example.test", "client_id": f"{uuid4().hex}\ud83d"} | half
    assert place.visitor().call("chat:open", opening)["ok"]
    for field in ("name", "question"):
        refused = place.visitor().call("chat:open", opening | {"client_id": uuid4().hex, field: "\ud83d\u200b"})
        assert list(refused["error"]["fields"]) == [field]
    deep: Any = "x"
    for _ in range(400):
        deep = [deep]
    assert visitor.call("message:send", {"client_id": uuid4().hex, "body": deep})["error"]["code"] == "invalid"

    # What is no packet at all costs its sender the connection, and nobody else anything.
    for frame in (
        "42/visitor,",
        "42/visitor,1{",
        "42/visitor,1[]",
        "43/visitor,1[]",
        "9",
        "",
        "4",
        "451-/visitor,[1]",
        "x" * 70_000,
    ):
        bad = place.visitor(opened["chat"]["token"])
        with contextlib.suppress(TimeoutError, OSError):
            bad.raw(frame)
            bad.call("chat:sync", {"after": 0}, wait=2)
    assert visitor.call("chat:sync", {"after": 0})["ok"]
    assert agent.call("chat:watch", {"chat": chat})["ok"]
    log = place.server.log.read_text()
    assert DEMO_PASSWORD not in log


def test_a_flood_is_slowed_and_holds_up_nobody_else(place: Desk) -> None:
    agent = place.staff("agent")
    quiet, opened = place.ask()
    loud, _other = place.ask("glasno", email="glasno@example.test")
    agent.call("chat:claim", {"chat": opened["chat"]["id"]})

    def quiet_times(count: int) -> list[float]:
        took = []
        for _ in range(count):
            begun = time.monotonic()
            assert quiet.call("message:send", {"client_id": uuid4().hex, "body": "tiho"})["ok"]
            took.append(time.monotonic() - begun)
            time.sleep(0.21)
        return took

    before = quiet_times(12)
    begun = time.monotonic()
    numbers = [loud.send("message:send", {"client_id": f"m{n}", "body": f"poplava {n}"}) for n in range(400)]
    during = quiet_times(12)
    answers = [loud.ack_of(number) for number in numbers]
    allowed = 20 + 5 * (time.monotonic() - begun)
    stored = [n for n, answer in enumerate(answers) if answer["ok"]]
    refused = [answer["error"] for answer in answers if not answer["ok"]]
    assert stored[:20] == list(range(20)), "a burst of twenty passes"
    assert len(stored) <= allowed + 1
    assert all(error["code"] == "rate" and error["retry_after"] >= 1 for error in refused)
    assert "sačuvan" in refused[0]["message"]
    # The text is kept: sent again later under the same id it is stored, once.
    time.sleep(1.2)
    late = len(stored) + 100
    assert loud.call("message:send", {"client_id": f"m{late}", "body": f"poplava {late}"})["ok"]
    # No time is asserted; a flood that held up others would show as an order of magnitude.
    assert statistics.median(during) < 20 * max(statistics.median(before), 0.01)


def test_ended_sessions_are_heard_no_more(place: Desk) -> None:
    cookie = place.sign_in("agent2")
    agent = desk_client(place.url, cookie)
    assert agent.call("desk:join")["ok"]
    boss = place.sign_in("admin")
    _visitor, opened = place.ask()
    chat = opened["chat"]["id"]
    agent.call("chat:claim", {"chat": chat})
    post(place.url, "/logout", cookie)
    number = agent.send("message:send", {"chat": chat, "client_id": "late", "body": "posle odjave", "kind": "reply"})
    with contextlib.suppress(TimeoutError):  # closed before it was heard
        assert agent.ack_of(number, wait=3)["error"]["code"] == "sign_in"
    assert agent.closed.wait(4), "the socket is closed"
    assert boss
    watcher = place.staff("supervisor")
    bodies = [one["body"] for one in watcher.call("chat:watch", {"chat": chat})["messages"]]
    assert "posle odjave" not in bodies


def test_sockets_that_join_nothing_are_closed(desk: Callable[..., Desk]) -> None:
    place = desk(CHAT_LIMIT_FACTOR="1")
    address = place.url + "/socket.io/?EIO=4&transport=websocket"
    silent, refused = [], 0
    for _ in range(110):
        try:
            silent.append(PlainSocket(address))
        except Exception:  # noqa: BLE001
            refused += 1
    assert refused >= 10 and len(silent) == 100
    assert place.server.process.poll() is None
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            place.visitor().close()
            break
        except Exception:  # noqa: BLE001
            time.sleep(0.5)
    else:
        pytest.fail("those that joined nothing were not closed")
    for one in silent:
        with contextlib.suppress(OSError):
            one.close()


def post(url: str, path: str, cookie: str) -> None:
    """Post a form with the token of the session behind ``cookie``."""
    import re
    import urllib.parse
    import urllib.request

    page = urllib.request.urlopen(urllib.request.Request(f"{url}/console/", headers={"Cookie": cookie})).read().decode()
    found = re.search(r'<meta name="csrf-token" content="([^"]+)"', page)
    assert found is not None
    data = urllib.parse.urlencode({"csrf_token": found[1]}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{url}{path}", data, headers={"Cookie": cookie}))
