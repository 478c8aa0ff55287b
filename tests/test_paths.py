"""Three ways through the code, followed as they run: each is short, and its calls go one direction.

A way begins at its entry point, a view or a handler of a socket. Counted are the files that run after it, because its
reader has to open them. What every way shares, or is read without following a call, does not count; the list says why.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import FrameType
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from console.chat.tokens import chat_token
from console.core.settings import Settings
from console.extensions import socketio
from tests import factories
from tests.conftest import Clock
from tests.factories.chat import ask, monday, take
from tests.factories.migrations import make_move
from tests.support.client import ConsoleClient, sign_in
from tests.support.server import ROOT

CONSOLE = ROOT / "console"
MOST_FILES = 5
NOT_COUNTED = {
    "core/": "ground: transactions, the clock, locks, texts",
    "audit/": "ground: `record()` writes an entry",
    "billing/ledger/": "ground: `post_many()` writes an entry, as `record()` does",
    "billing/duties/": "registered on the ledger's hook: who posts an entry does not know of them",
    "billing/references.py": "pure arithmetic: the check digits of a number",
    "mail/": "ground: `queue()` and `write_to()` put a mail into the outbox",
    "settings/": "ground: `settings()` returns the settings that apply now",
    "web/": "what each request passes before its entry point, and how it is answered",
    "views/": "what an entry point draws its answer with",
    "hours/": "ground: working days and hours, pure arithmetic",
    "staff/sessions.py": "whether a sign-in is live, asked for each request",
    "customers/mail_categories.py": "to whom of an account `write_to()` goes",
    "customers/pin_detection.py": "patterns; `find_pins()` says what they find, masking what is done about it",
}  # and models.py of each domain: columns, and what one row says of itself

pytestmark = pytest.mark.only("sqlite")  # the calls are ours, not the database's


class Way:
    """Notes who calls whom after an entry point. Frames that do not count are passed over."""

    def __init__(self, entry: str) -> None:
        self.entry = entry
        self.calls: dict[str, set[str]] = defaultdict(set)

    def __enter__(self) -> Way:
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_error: object) -> None:
        sys.setprofile(None)

    @property
    def files(self) -> set[str]:
        return {callee for callees in self.calls.values() for callee in callees}

    def _note(self, frame: FrameType, event: str, _argument: object) -> None:
        callee = self._place(frame)
        if event == "call" and callee is not None:
            caller = self._caller(frame.f_back)
            if caller not in (None, callee):
                self.calls[str(caller)].add(callee)

    def _caller(self, frame: FrameType | None) -> str | None:
        """Return the nearest file that counts, ``None`` before the entry point."""
        nearest = None
        while frame is not None:
            file = self._place(frame)
            nearest = nearest or file
            if file == self.entry:
                return nearest
            frame = frame.f_back
        return None

    def _place(self, frame: FrameType) -> str | None:
        name = frame.f_code.co_filename
        return self.entry if own(name) == self.entry else relative_place(name)


@cache
def own(filename: str) -> str | None:
    """Return a file of ours by its path below ``console``."""
    path = Path(filename)
    return path.relative_to(CONSOLE).as_posix() if path.is_relative_to(CONSOLE) else None


@cache
def relative_place(filename: str) -> str | None:
    file = own(filename)
    return None if file is None or file.endswith("models.py") or file.startswith(tuple(NOT_COUNTED)) else file


def check(way: Way, *verbs: str) -> None:
    """Check the way, and that it led through the files of its ``verbs``: an empty one is short too."""
    assert set(verbs) <= way.files
    assert len(way.files) <= MOST_FILES, sorted(way.files)
    TopologicalSorter(way.calls).prepare()  # CycleError: two files call each other


def test_a_phone_verification(session: Session, client: ConsoleClient) -> None:
    sign_in(client)
    owner = factories.owner_of(factories.make_customer())
    typed = {"email": owner.person.email, "pin": factories.pin_of(owner), "channel": "phone"}
    with Way("views/customers/verification.py") as way:
        answer = client.submit("/console/verify/", json=True, **typed)
    assert answer.get_json()["verified"]
    check(way, "customers/verification/service.py", "customers/verification/pins.py")


def test_an_executed_migration(session: Session, client: ConsoleClient) -> None:
    persona = factories.ana()
    factories.pay_proforma(persona.proformas[0], 100_000)  # which becomes credit
    move = make_move(persona.customer, services=persona.services[:1]).to_approved()
    sign_in(client, "billing")
    fields = {"plan": move.digest(), "idempotency_key": uuid4().hex, "lose_exemption": "y"}
    with Way("views/migrations/page.py") as way:
        answer = client.submit(f"/console/migrations/{move.ref}/execute", json=True, **fields)
    body = answer.get_json()
    assert (body["migration"]["state"], len(body["credit"])) == ("executed", 1)
    check(way, "billing/migration/execution.py", "billing/service.py")


def test_a_chat_message_of_a_visitor(app: Flask, session: Session, clock: Clock) -> None:
    clock.set(monday(11))
    connection = socketio.test_client(app, namespace="/visitor", auth={"token": chat_token(ask())})
    with Way("chat/sockets/visitor.py") as way:
        answer = send(connection, client_id=uuid4().hex, body="Moj broj je 12")
    assert answer["ok"], answer
    check(way, "chat/service/messages.py", "chat/writer.py", "chat/notifications.py")


def test_a_chat_message_of_an_agent(
    app: Flask, settings: Settings, session: Session, client: ConsoleClient, clock: Clock
) -> None:
    clock.set(monday(11))
    agent = sign_in(client)
    chat = take(agent.actor(), ask())
    connection = socketio.test_client(
        app, namespace="/desk", headers={"Origin": settings.base_url}, flask_test_client=client
    )
    with Way("chat/sockets/desk.py") as way:
        answer = send(connection, chat=chat.number, client_id=uuid4().hex, body="Zovite 12", kind="reply")
    assert answer["ok"], answer
    check(way, "chat/service/messages.py", "chat/writer.py", "chat/notifications.py")


def send(connection: Any, **packet: object) -> dict[str, Any]:
    (namespace,) = connection.connected
    answer: dict[str, Any] = connection.emit("message:send", packet, namespace=namespace, callback=True)
    return answer


def test_the_rules_above_can_fail() -> None:
    back = Way("entry.py")
    back.calls |= {"entry.py": {"a.py"}, "a.py": {"b.py"}, "b.py": {"a.py"}}
    with pytest.raises(CycleError):
        check(back, "a.py")
    long = Way("entry.py")
    long.calls["entry.py"] = {f"{name}.py" for name in "abcdef"}
    for verbs in ((), ("other.py",)):
        with pytest.raises(AssertionError):
            check(long, *verbs)
