"""A conversation over real sockets: asked, taken, answered, verified, ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from tests.chat.conftest import CLOSED, Desk


def test_a_question_is_asked_taken_and_answered(desk: Callable[..., Desk]) -> None:
    place = desk()
    agent = place.staff("agent")
    visitor, opened = place.ask("Ne stižu mi poruke. Moj PIN je 482 913.", mask=True)
    chat = opened["chat"]["id"]
    assert opened["chat"]["status"] == "queued" and opened["chat"]["seq"] == 1 and opened["hours"]["open"]
    row = next(r for r in agent.wait_for("queue:changed")["chats"] if r["chat"] == chat)
    assert row["preview"] == "Ne stižu mi poruke. Moj PIN je ••••••."

    seen = agent.call("chat:watch", {"chat": chat})
    assert [m["body"] for m in seen["messages"]] == ["Ne stižu mi poruke. Moj PIN je ••••••."]
    assert seen["messages"][0]["masked"] == 1
    unclaimed = agent.call("message:send", {"chat": chat, "client_id": "a", "body": "Dobar dan", "kind": "reply"})
    assert unclaimed["error"]["code"] == "not_yours"
    taken = agent.call("chat:claim", {"chat": chat})
    assert taken["ok"] and taken["chat"]["status"] == "active"
    assert visitor.wait_for("chat:state")["chat"]["agent"] == taken["chat"]["assignee"]["name"].split()[0]

    key = uuid4().hex
    sent = agent.call("message:send", {"chat": chat, "client_id": key, "body": "Dobar dan", "kind": "reply"})
    again = agent.call("message:send", {"chat": chat, "client_id": key, "body": "Dobar dan", "kind": "reply"})
    assert sent["ok"] and sent["seq"] == again["seq"] and sent["at"] == again["at"]
    came = visitor.wait_for("message:new", body="Dobar dan")
    assert came["seq"] == sent["seq"] and came["sender"] == {"kind": "staff", "name": came["sender"]["name"]}
    assert " " not in came["sender"]["name"], "a first name"
    agent.call("message:send", {"chat": chat, "client_id": uuid4().hex, "body": "među nama", "kind": "note"})
    answer = visitor.call("message:send", {"client_id": uuid4().hex, "body": "Hvala"})
    assert agent.wait_for("message:new", body="Hvala")["seq"] == answer["seq"]

    # Whoever comes back gets what the other side may see, in order, and nothing of the notes.
    back = place.visitor(opened["chat"]["token"])
    synced = back.call("chat:sync", {"after": 0})
    assert [m["body"] for m in synced["messages"] if m["kind"] != "event"] == [
        "Ne stižu mi poruke. Moj PIN je ••••••.",
        "Dobar dan",
        "Hvala",
    ]
    assert [m["seq"] for m in synced["messages"]] == sorted(m["seq"] for m in synced["messages"])
    assert "među nama" not in str(visitor.events) + str(synced)

    assert back.call("chat:read", {"seq": sent["seq"]})["ok"]
    assert agent.wait_for("chat:read")["seq"] == sent["seq"]
    assert agent.call("chat:close", {"chat": chat})["chat"]["status"] == "closed"
    late = visitor.call("message:send", {"client_id": uuid4().hex, "body": "Još nešto"})
    assert late["error"]["code"] == "ended"
    assert visitor.call("chat:rate", {"score": 5, "comment": "Brzo"})["ok"]
    assert visitor.call("chat:rate", {"score": 1})["error"]["code"] == "rated"
    assert visitor.call("chat:transcript")["ok"]


def test_out_of_hours_a_question_is_a_ticket_at_once(desk: Callable[..., Desk]) -> None:
    place = desk(CLOCK=CLOSED)
    packet = {"name": "Dragan", "email": "dragan@example.test", "question": "Uplata?", "client_id": uuid4().hex}
    first, second = place.visitor(), place.visitor()
    answer = first.call("chat:open", packet)
    assert answer["ok"] and answer["ticket"].startswith("T-") and answer["chat"]["status"] == "ticketed"
    assert not answer["hours"]["open"] and answer["hours"]["next_open"].startswith("2026-11-24T09:00:00")
    again = second.call("chat:open", packet)
    assert again["ticket"] == answer["ticket"] and again["chat"] == answer["chat"]
    other = second.call("chat:open", packet | {"question": "Nešto drugo"})
    assert other["error"]["code"] == "conflict" and "token" not in str(other), "the id alone opens nobody's chat"
    added = {"client_id": uuid4().hex, "body": "Porudžbina 482913."}
    assert first.call("ticket:add", added)["error"]["tokens"] == ["482913"]
    more = first.call("ticket:add", added | {"not_pin": "482913"})
    assert more["ok"] and more["ticket"] == answer["ticket"]
    assert first.call("ticket:add", added | {"not_pin": "482913"}) == more
    assert first.call("ticket:add", added | {"body": "Drugo"})["error"]["code"] == "conflict"


def test_who_writes_what_looks_like_a_pin_is_asked_first(desk: Callable[..., Desk]) -> None:
    place = desk()
    agent = place.staff("agent")
    refused = place.visitor().call(
        "chat:open", {"name": "Vera", "email": "v@example.test", "question": "Broj 739164?", "client_id": uuid4().hex}
    )
    assert refused["error"]["code"] == "pin_like" and refused["error"]["fields"].keys() == {"question"}
    visitor, opened = place.ask("Porudžbina 739164, kernel 5.15.0-91", not_pin="739164", name="Vera 739164")
    chat = opened["chat"]["id"]
    assert opened["chat"]["name"] == "Vera ••••••"
    agent.call("chat:claim", {"chat": chat})
    assert agent.call("chat:watch", {"chat": chat})["messages"][0]["body"] == "Porudžbina 739164, kernel 5.15.0-91"

    for side, more in (
        (visitor, {}),
        (agent, {"chat": chat, "kind": "reply"}),
        (agent, {"chat": chat, "kind": "note"}),
    ):
        packet = {"client_id": uuid4().hex, "body": "Iznos 120000 i 482 913", **more}
        error = side.call("message:send", packet)["error"]
        assert (error["code"], error["tokens"], error["only_mask"]) == ("pin_like", ["120000", "482 913"], False)
        error = side.call("message:send", packet | {"not_pin": "120000"})["error"]
        assert (error["code"], error["tokens"]) == ("pin_like", ["482 913"])
        both = packet | {"not_pin": ["120000", "482913"]}
        sent = side.call("message:send", both)
        assert sent["ok"] and side.call("message:send", both) == sent
        came = agent.wait_for("message:new", body="Iznos 120000 i 482 913")
        assert came["seq"] == sent["seq"] and came["not_pin"] == 2
        # The same id with another text is told so; what would be stored is compared, so that masked is masked.
        for other in (packet | {"body": "Drugo"}, packet | {"mask": True}):
            assert side.call("message:send", other)["error"]["code"] == "conflict"
        masked = {"client_id": uuid4().hex, "body": "Evo 482913", "mask": True, **more}
        assert side.call("message:send", masked) == side.call("message:send", masked)
        assert agent.wait_for("message:new", body="Evo ••••••")["masked"] == 1
        named = {"client_id": uuid4().hex, "body": "PIN: 482913", "not_pin": "482913", **more}
        assert side.call("message:send", named)["error"]["only_mask"]
        # Afterwards, by who wrote it or by an agent.
        assert side.call("message:mask", {"chat": chat, "seq": sent["seq"], "token": "482913"})["ok"]
        changed = agent.wait_for("message:masked", body="Iznos 120000 i ••••••")
        assert (changed["seq"], changed["masked"], changed["not_pin"]) == (sent["seq"], 1, 1)
        assert side.call("message:send", both) == sent, "sent again, it is what it was"
        assert side.call("message:mask", {"chat": chat, "seq": sent["seq"], "token": "482913"})["error"]["fields"]
    assert visitor.call("message:mask", {"seq": sent["seq"] - 1})["error"]["code"] in ("not_found", "invalid")

    # While the card stands before the visitor nothing they say of it counts.
    agent.call("verification:request", {"chat": chat})
    packet = {"client_id": uuid4().hex, "body": "evo 739164", "not_pin": "739164"}
    for side, more in ((visitor, {}), (agent, {"chat": chat, "kind": "reply"})):
        for choice in ({}, {"not_pin": "739164"}):  # the first question offers nothing that would be refused either
            first = {"client_id": uuid4().hex, "body": "evo 739164"} | choice | more
            error = side.call("message:send", first)["error"]
            assert error["code"] == "pin_like" and error["only_mask"]
    masked = visitor.call("message:send", packet | {"mask": True})
    assert masked["ok"] and visitor.call("message:send", packet | {"mask": True}) == masked
    assert agent.wait_for("message:new", body="evo ••••••")["seq"] == masked["seq"]
    agent.call("verification:withdraw", {"chat": chat})
    assert visitor.call("message:send", packet | {"client_id": uuid4().hex})["ok"]
    wrongs: list[dict[str, Any]] = [
        {"mask": "yes"},
        {"mask": 1},
        {"not_pin": 739164},
        {"not_pin": [1]},
        {"not_pin": {}},
    ]
    time.sleep(2)  # what went before was as fast as the limit lets pass
    for wrong in wrongs:
        assert visitor.call("message:send", packet | wrong)["error"]["code"] == "invalid"


def test_the_sealed_card(desk: Callable[..., Desk]) -> None:
    place = desk()
    agent = place.staff("agent")
    visitor, opened = place.ask()
    chat = opened["chat"]["id"]
    early = visitor.call("verification:submit", {"email": "ana@example.test", "pin": "123456"})
    assert early["error"]["code"] == "no_card"
    assert agent.call("verification:request", {"chat": chat})["error"]["code"] == "not_yours"
    agent.call("chat:claim", {"chat": chat})
    agent.call("chat:watch", {"chat": chat})
    assert agent.call("verification:request", {"chat": chat})["ok"]
    visitor.wait_for("verification:requested")
    assert visitor.call("chat:sync", {"after": 0})["card"] is not None
    wrong = visitor.call("verification:submit", {"email": "ana@example.test", "pin": "000000"})
    assert wrong["ok"] and wrong["verified"] is False
    assert agent.wait_for("verification:result")["verified"] is False
