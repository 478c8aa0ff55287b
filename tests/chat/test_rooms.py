"""Who is in which room: whatever takes a right away takes the connection out of the room at once. Real connections."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest

from tests.chat.conftest import Desk
from tests.support.server import ROOT
from tests.support.sockets import SocketClient

WHO = "agent2"
Change = Callable[["Scene"], None]


class Scene:
    """A chat that a colleague watches, and a supervisor beside them, who sees everything."""

    def __init__(self, place: Desk) -> None:
        self.place = place
        self.agent = place.staff("agent")
        self.chief = place.staff("supervisor")
        self.admin = place.sign_in("admin")
        self.cookie = place.sign_in(WHO)
        self.watcher = SocketClient(place.url, "/desk", origin=place.url, cookie=self.cookie)
        self.visitor, opened = place.ask(email=f"{uuid4().hex[:8]}@example.test")
        self.chat = opened["chat"]["id"]
        assert self.agent.call("chat:claim", {"chat": self.chat})["ok"]
        self.ticket = self._ticket()
        for one in (self.watcher, self.chief):
            assert one.call("desk:join")["ok"]
            assert one.call("chat:watch", {"chat": self.chat})["ok"]
            assert one.call("ticket:join", {"number": self.ticket})["ok"]

    def _ticket(self) -> str:
        asker, _opened = self.place.ask(email=f"{uuid4().hex[:8]}@example.test")
        return str(asker.call("chat:end")["chat"]["ticket"])

    def row(self, statement: str, *values: Any) -> Any:
        path = self.place.server.environment["CONSOLE_DATABASE_URL"].removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, timeout=10)) as connection:
            return connection.execute(statement, values).fetchone()

    @property
    def department(self) -> int:
        return int(self.row("SELECT department_id FROM chats WHERE id = ?", int(self.chat[2:]) - 50_000)[0])

    @property
    def staff(self) -> int:
        return int(self.row("SELECT id FROM staff WHERE email = ?", f"{WHO}@example.test")[0])

    def change_department(self, key: int, *, private: bool, members: tuple[int, ...] = ()) -> None:
        serbian, english = self.row("SELECT name_sr, name_en FROM departments WHERE id = ?", key)
        fields: dict[str, Any] = {"name_sr": serbian, "name_en": english, "active": "y", "position": "1"}
        fields |= {"members": [str(one) for one in members]} | ({"private": "y"} if private else {})
        self.place.post(f"/console/departments/edit/?id={key}", self.admin, **fields)
        assert bool(self.row("SELECT private FROM departments WHERE id = ?", key)[0]) is private

    def heard(self) -> set[str]:
        """Let something happen in every room, and return in which the watcher heard it."""
        self.watcher.events.clear()
        sent = self.visitor.call("message:send", {"client_id": uuid4().hex, "body": "tajno"})
        assert sent["ok"]
        self.chief.wait_for("message:new", seq=sent["seq"])
        while not any(row["seq"] == sent["seq"] for row in self.chief.wait_for("queue:changed")["chats"]):
            pass  # of what was before
        assert self.chief.call("ticket:here", {"typing": True})["ok"]
        if not self.watcher.closed.is_set():
            try:
                self.watcher.call("desk:state", wait=5)  # what was pushed before has come
            except (TimeoutError, OSError):
                assert self.watcher.closed.wait(5)
        lists = [packet for name, packet in self.watcher.events if name == "queue:changed"]
        listed = any(row["seq"] == sent["seq"] for packet in lists for row in packet["chats"])  # not one of before
        names = {name for name, _packet in self.watcher.events} & {"message:new", "ticket:here"}
        return names | ({"queue:changed"} if listed else set())


def transfer(scene: Scene) -> None:
    number = scene.row("SELECT id FROM departments WHERE id != ? ORDER BY id DESC", scene.department)[0]
    scene.change_department(number, private=True)
    try:
        assert scene.agent.call("chat:transfer", {"chat": scene.chat, "department": number, "note": "tajno"})["ok"]
        assert not [one for one in scene.watcher.events if one[0] == "message:new"], "the note is not theirs any more"
        assert scene.watcher.call("chat:watch", {"chat": scene.chat})["error"]["code"] == "not_found"
        assert not scene.heard() & {"message:new", "queue:changed"}
    finally:
        scene.change_department(number, private=False)


def made_private(scene: Scene) -> None:
    scene.change_department(scene.department, private=True)


def left_out(scene: Scene) -> None:
    key = scene.department
    scene.change_department(key, private=True, members=(scene.staff,))
    assert scene.heard() == {"message:new", "queue:changed", "ticket:here"}, "a member hears it"
    scene.change_department(key, private=True)


def signed_out(scene: Scene) -> None:
    scene.place.post("/logout", scene.cookie)


def revoked(scene: Scene) -> None:
    scene.place.post(f"/console/staff/{scene.staff}/sign-out", scene.admin)


def another_role(scene: Scene) -> None:
    name = scene.row("SELECT name FROM staff WHERE id = ?", scene.staff)[0]
    fields = {"name": name, "email": f"{WHO}@example.test"}
    scene.place.post(f"/console/staff/{scene.staff}/", scene.admin, role="billing", **fields)
    scene.place.post(f"/console/staff/{scene.staff}/", scene.admin, role="agent", **fields)


def disabled(scene: Scene) -> None:
    scene.place.post(f"/console/staff/{scene.staff}/disable", scene.admin)


@pytest.fixture
def scene(shared: Desk) -> Iterator[Scene]:
    made = Scene(shared)
    key = made.department
    yield made
    for one in (made.agent, made.chief, made.watcher, made.visitor):
        one.close()
    made.change_department(key, private=False)
    if not made.row("SELECT active FROM staff WHERE id = ?", made.staff)[0]:
        shared.post(f"/console/staff/{made.staff}/enable", made.admin)


@pytest.mark.parametrize("change", [made_private, left_out, signed_out, revoked, another_role, disabled])
def test_no_room_is_heard_after(scene: Scene, change: Change) -> None:
    if change is made_private:
        assert scene.heard() == {"message:new", "queue:changed", "ticket:here"}, "before, each of them is"
    change(scene)
    assert scene.heard() == set()
    if change not in (made_private, left_out):
        assert scene.watcher.closed.wait(5)


def test_a_transfer_is_not_heard_by_who_may_not_see_it(scene: Scene) -> None:
    transfer(scene)


def test_rooms_are_joined_where_this_is_known() -> None:
    """Another kind of room is to be left as these are; it is then heard in the test above, and listed below."""
    joined = {
        str(path.relative_to(ROOT)): path.read_text().count("join_room(")
        for path in (ROOT / "console").rglob("*.py")
        if "join_room(" in path.read_text()
    }
    assert joined == {
        "console/chat/sockets/desk.py": 3,  # the lists and departments, a chat that is watched or taken
        "console/chat/sockets/visitor.py": 2,  # every widget, and its own chat
        "console/tickets/sockets.py": 2,  # numbers of all that change, and one ticket
        "console/web/connections.py": 1,  # the method itself
        "console/web/sockets.py": 1,  # one's own
    }
