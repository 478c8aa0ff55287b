"""What a visitor's token, identity, files and speed open, and what they do not: over real connections."""

from __future__ import annotations

import json
import re
import sqlite3
import urllib.error
import urllib.request
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest

from console.core.settings import DEMO_PASSWORD
from tests.chat.conftest import Desk
from tests.support.sockets import SocketClient


def opening(**fields: Any) -> dict[str, Any]:
    plain = {"name": "Milica", "email": f"{uuid4().hex[:8]}@example.test", "question": "Ne radi mi pošta."}
    return plain | {"client_id": uuid4().hex} | fields


def message(**fields: Any) -> dict[str, Any]:
    return {"client_id": uuid4().hex, "body": "poruka"} | fields


def rows(place: Desk, statement: str, *values: Any) -> list[Any]:
    """Ask, or change, the console's database."""
    path = place.server.environment["CONSOLE_DATABASE_URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, timeout=10)) as connection, connection:
        return connection.execute(statement, values).fetchall()


def test_the_identity_ends_with_the_session(shared: Desk) -> None:
    cookie = shared.sign_in("ana", "/moj/login")
    found = re.search(r'data-identity="([^"]+)"', shared.get("/moj/", cookie))
    assert found is not None
    identity, agent = found[1], shared.staff("agent")
    visitor = shared.visitor()
    opened = visitor.call("chat:open", opening(identity=identity, name="", email=""))
    assert opened["ok"] and opened["chat"]["known"] and opened["chat"]["email"] == "ana@example.test"
    chat = opened["chat"]["id"]
    agent.call("chat:claim", {"chat": chat})
    assert agent.call("verification:request", {"chat": chat})["known"]
    pin_alone = visitor.call("verification:submit", {"pin": "000000"})
    assert pin_alone["ok"] and not pin_alone["verified"], "tried for who is signed in"

    shared.post("/moj/logout", cookie, "/moj/")
    refused = shared.visitor().call("chat:open", opening(identity=identity))
    assert refused["error"]["code"] == "signed_out"
    assert visitor.call("chat:sync", {"after": 0})["chat"]["known"] is False
    assert "email" in visitor.call("verification:submit", {"pin": "000000"})["error"]["fields"]
    assert visitor.call("message:send", message())["ok"], "the conversation itself goes on"


@pytest.mark.parametrize("end", ["all others", "a new password"])
def test_the_identity_ends_with_what_ends_the_session_from_elsewhere(shared: Desk, end: str) -> None:
    here, there = shared.sign_in("novi", "/moj/login"), shared.sign_in("novi", "/moj/login")
    found = re.search(r'data-identity="([^"]+)"', shared.get("/moj/", there))
    assert found is not None
    visitor = shared.visitor()
    assert visitor.call("chat:open", opening(identity=found[1], name="", email=""))["chat"]["known"] is True
    if end == "all others":
        shared.post("/moj/sessions/revoke", here, "/moj/")
    else:
        (before,) = rows(shared, "SELECT password_hash FROM people WHERE email = 'novi@example.test'")
        fields = {"current": DEMO_PASSWORD, "password": "Tri-Sunca7", "again": "Tri-Sunca7"}
        shared.post("/moj/password", here, "/moj/", **fields)
        rows(shared, "UPDATE people SET password_hash = ? WHERE email = 'novi@example.test'", *before)
    assert visitor.call("chat:sync", {"after": 0})["chat"]["known"] is False
    assert 'action="/moj/login"' in shared.get("/moj/pin", there) and "data-copy-pin" in shared.get("/moj/", here)


def test_who_is_taken_off_the_account_is_verified_no_more_on_an_open_connection(shared: Desk) -> None:
    rows(shared, "DELETE FROM person_authenticators")  # the demo's user asks for a code otherwise
    cookie, owner = shared.sign_in("firma.it", "/moj/login"), shared.sign_in("firma", "/moj/login")
    home = shared.get("/moj/", cookie)
    identity, pin = (re.search(pattern, home) for pattern in (r'data-identity="([^"]+)"', r'data-copy-pin="(\d+)"'))
    assert identity is not None and pin is not None
    agent, visitor = shared.staff("agent"), shared.visitor()
    chat = visitor.call("chat:open", opening(identity=identity[1], name="", email=""))["chat"]["id"]
    assert agent.call("chat:claim", {"chat": chat})["ok"]
    assert agent.call("verification:request", {"chat": chat})["ok"]
    assert visitor.call("verification:submit", {"pin": pin[1]})["verified"]
    desk = shared.sign_in("agent")
    opened = f"/console/desk/{chat}/side"
    assert "vps1.gradjevina" in shared.get(opened, desk)
    users = shared.get("/moj/users/", owner)
    member = re.search(r"/moj/users/(\d+)", users)
    assert member is not None
    agent.wait_for("chat:state", verified=True)
    # Withdrawn rights close at once what they opened; the person is still who they are.
    shared.post(f"/moj/users/{member[1]}", owner, "/moj/", permissions=["tickets"], categories=[])
    assert "vps1.gradjevina" not in shared.get(opened, desk)
    assert visitor.call("chat:sync", {"after": 0})["chat"]["verified"] is True
    shared.post(f"/moj/members/{member[1]}/remove", owner, "/moj/")
    agent.wait_for("chat:state", 20, verified=False)
    assert visitor.call("chat:sync", {"after": 0})["chat"]["verified"] is False
    assert visitor.call("message:send", message())["ok"], "the conversation itself goes on"
    account = re.search(r"K-\d+", shared.get("/moj/", owner))
    assert account is not None
    with pytest.raises(urllib.error.HTTPError) as refused:  # it is not theirs to ask about any more
        shared.get(f"/moj/tickets/?account={account[0]}", cookie)
    refused.value.close()


def test_an_ended_chat_is_read_for_a_day(shared: Desk) -> None:
    visitor, opened = shared.ask(email=f"{uuid4().hex[:8]}@example.test")
    token, chat = opened["chat"]["token"], opened["chat"]["id"]
    assert visitor.call("chat:end")["ok"]
    assert shared.visitor(token).call("chat:sync", {"after": 0})["messages"]
    key = int(chat.removeprefix("C-")) - 50_000
    rows(shared, "UPDATE chats SET ended_at = datetime(ended_at, '-1 day') WHERE id = ?", key)
    later = shared.visitor(token)
    for client in (visitor, later):  # a connection does not outlast the token
        for event, packet in (
            ("chat:sync", {"after": 0}), ("chat:transcript", {}), ("chat:rate", {"score": 1}),
            ("ticket:add", message()),
        ):  # fmt: skip
            error = client.call(event, packet)["error"]
            assert error["code"] == "gone" and "nov" in error["message"].lower(), event
    assert later.call("chat:open", opening())["ok"], "a new one begins on the same connection"


def test_the_pace_is_the_visitors_not_the_connections(shared: Desk) -> None:
    _first, opened = shared.ask(email=f"{uuid4().hex[:8]}@example.test")
    token = opened["chat"]["token"]
    clients = [shared.visitor(token) for _ in range(10)]
    sent = [(one, one.send("message:send", message())) for _ in range(10) for one in clients]
    answers = [one.ack_of(number) for one, number in sent]
    stored = sum(answer["ok"] for answer in answers)
    assert 20 <= stored < 60, "a burst of twenty, whatever they are sent over"
    assert {answer["error"]["code"] for answer in answers if not answer["ok"]} == {"rate"}
    again = shared.visitor(token)  # a reconnect brings no new burst
    answers = [again.ack_of(number) for number in [again.send("message:send", message()) for _ in range(20)]]
    assert sum(answer["ok"] for answer in answers) < 15
    other, _opened = shared.ask(email=f"{uuid4().hex[:8]}@example.test")
    assert other.call("message:send", message())["ok"]


def test_files_that_are_not_sent_are_few(shared: Desk) -> None:
    visitor, opened = shared.ask(email=f"{uuid4().hex[:8]}@example.test")
    token = opened["chat"]["token"]
    statuses, stored = [], []
    for _ in range(4):
        status, answer = upload(shared, token, b"%PDF-1.4\n" + b"x" * (3 * 1024 * 1024))
        statuses.append(status)
        if status == 200:
            stored.append(answer["file"]["id"])
    assert statuses == [200, 200, 200, 422]
    assert "10 MB" in answer["error"]["fields"]["file"][0]
    assert visitor.call("message:send", message(files=stored))["ok"]
    assert upload(shared, token, b"%PDF-1.4\n")[0] == 200, "what was sent counts no more"


def upload(place: Desk, token: str, content: bytes) -> tuple[int, dict[str, Any]]:
    edge = uuid4().hex
    head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
    body = head.encode() + content + f"\r\n--{edge}--\r\n".encode()
    headers = {"X-Chat-Token": token, "Content-Type": f"multipart/form-data; boundary={edge}"}
    try:
        answer = urllib.request.urlopen(urllib.request.Request(f"{place.url}/chat/files", body, headers))
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, json.load(answer)


def test_words_do_not_get_into_another_persons_ticket(shared: Desk) -> None:
    """A chat became a ticket, and that was merged into another person's: what is added goes into one of one's own."""
    visitor, own = ticketed(shared, "moja@example.test")
    other, theirs = ticketed(shared, "tudja@example.test")
    cookie = shared.sign_in("agent")
    shared.post(f"/console/tickets/{own}/merge", cookie, other=theirs, way="out", sure="1")
    for _ in range(2):
        added = visitor.call("ticket:add", message(body="moje reči u tuđem tiketu"))
        assert added["ok"] and added["ticket"] != theirs
    held = rows(
        shared,
        "SELECT tickets.id + 20000, requester_email, name FROM ticket_messages JOIN tickets ON tickets.id = ticket_id "
        "WHERE body = 'moje reči u tuđem tiketu'",
    )
    assert len(held) == 2 and {(f"T-{number}", email) for number, email, _name in held} == {
        (added["ticket"], "moja@example.test")
    }
    assert other.call("ticket:add", message(body="njihovo"))["ticket"] == theirs


def ticketed(place: Desk, email: str) -> tuple[SocketClient, str]:
    """Ask, and end it before it is answered: it becomes a ticket."""
    visitor, _opened = place.ask(email=email)
    return visitor, str(visitor.call("chat:end")["chat"]["ticket"])
