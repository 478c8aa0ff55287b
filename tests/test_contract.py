"""The contract with scripts, kept by a served console over real HTTP.

Field names and answers here are what other programs rely on: a change is a breaking one.
"""

from __future__ import annotations

import http.cookiejar
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from console.core.settings import DEMO_PASSWORD
from tests.support.server import LiveServer


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: Any


class Script:
    """A program with a cookie jar."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def ask(self, path: str, fields: dict[str, Any] | None = None, *, accept: str = "application/json") -> Answer:
        headers = {"Accept": accept}
        data = None
        if fields is not None:
            data = urllib.parse.urlencode(fields, doseq=True).encode()
            headers["X-CSRFToken"] = self.token()
        request = urllib.request.Request(self.url + path, data=data, headers=headers)
        try:
            with self.opener.open(request) as response:
                return _answer(response.status, response.read(), response.headers)
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error.code, error.read(), error.headers)

    def page(self, path: str) -> str:
        return str(self.ask(path, accept="text/html").body)

    def token(self) -> str:
        """Read the token as a script does: from the page's meta element."""
        path = "/console/" if any(c.name.endswith("console") for c in self.jar) and self.signed_in else "/login"
        found = re.search(r'<meta name="csrf-token" content="([^"]+)"', self.page(path))
        assert found, "every page carries its token"
        return found[1]

    signed_in = False


def _answer(status: int, body: bytes, headers: Any) -> Answer:
    text = body.decode()
    return Answer(status, json.loads(text) if "json" in headers.get("Content-Type", "") else text, headers)


def staff(server: LiveServer, who: str) -> Script:
    script = Script(server.url)
    answer = script.ask("/login", {"email": f"{who}@example.test", "password": DEMO_PASSWORD})
    assert answer.status == 200, answer.body
    script.signed_in = True
    return script


def person(server: LiveServer, who: str) -> Script:
    script = Script(server.url)
    answer = script.ask("/moj/login", {"email": f"{who}@example.test", "password": DEMO_PASSWORD})
    assert answer.status == 200, answer.body
    return script


@pytest.fixture
def server(own_server: Any) -> LiveServer:
    served = own_server(demo=True)
    assert isinstance(served, LiveServer)
    return served


def test_the_main_job_from_sign_in_to_execution(server: LiveServer) -> None:
    ana, agent, billing = person(server, "ana"), staff(server, "agent"), staff(server, "billing")
    pin_answer = ana.ask("/moj/pin").body
    assert re.fullmatch(r"\d{6}", pin_answer["pin"])
    assert datetime.fromisoformat(pin_answer["expires_at"]).utcoffset() is not None

    wrong = "000000" if pin_answer["pin"] != "000000" else "000001"
    fields = {"email": "ana@example.test", "channel": "phone"}
    assert agent.ask("/console/verify/", fields | {"pin": wrong}).body["verified"] is False
    found = agent.ask("/console/verify/", fields | {"pin": pin_answer["pin"]}).body
    verification = found["verification"]
    assert found["verified"] is True
    assert {"id", "customer", "person", "rights", "expires_at"} <= set(verification)
    assert "transfer" in verification["rights"]

    account = agent.ask(f"/console/customers/{verification['customer']}").body
    assert {"customer", "services", "proformas", "contacts"} <= set(account)
    novi = agent.ask("/console/customers/?search=novi").body
    assert set(novi) >= {"items", "next"}
    service = min(row["id"] for row in account["services"])

    request = {
        "service": [service],
        "to_customer": "novi@example.test",
        "verification": verification["id"],
        "reason": "Prodaja sajta",
        "idempotency_key": "request-1",
    }
    answer = agent.ask("/console/migrations/new", request)
    assert answer.status in (200, 201), answer.body
    migration = answer.body["migration"]
    assert migration["state"] == "requested"
    assert agent.ask("/console/migrations/new", request).body["migration"] == migration

    address = f"/console/migrations/{migration['ref']}"
    assert agent.ask(f"{address}/preview").status == 404
    preview = billing.ask(f"{address}/preview").body
    assert {"plan", "cancel", "issue"} <= set(preview)
    assert len(preview["issue"]) == 2, "the first service shares its pro-forma"
    for row in (*preview["cancel"], *preview["issue"]):
        assert {"customer", "lines", "total", "series"} <= set(row)

    decision = {"plan": preview["plan"], "idempotency_key": "decide-1"}
    assert billing.ask(f"{address}/execute", decision).body["error"]["code"] == "wrong_state"
    assert billing.ask(f"{address}/approve", decision).body["migration"]["state"] == "approved"
    with ThreadPoolExecutor(20) as pool:
        same = list(pool.map(lambda _: billing.ask(f"{address}/execute", decision), range(20)))
    assert {answer.status for answer in same} == {200}
    assert all(answer.body == same[0].body for answer in same)
    done = same[0].body
    assert {"migration", "cancelled", "issued"} <= set(done)
    assert [row["total"] for row in done["issued"]] == [row["total"] for row in preview["issue"]]
    late = [billing.ask(f"{address}/execute", decision | {"idempotency_key": f"late-{n}"}).status for n in range(3)]
    assert late == [409] * 3
    other = billing.ask(f"{address}/execute", decision | {"plan": "0" * 64})
    assert (other.status, other.body["error"]["code"]) == (409, "conflict")

    ended = agent.ask(f"/console/verify/{verification['id']}/end", {})
    assert ended.status == 200
    assert "services" not in agent.ask(f"/console/customers/{verification['customer']}").body


def test_errors_speak_the_same_language_everywhere(server: LiveServer) -> None:
    agent, outsider = staff(server, "agent"), Script(server.url)
    for script, path, status in (
        (agent, "/console/staff/", 404),
        (agent, "/console/customers/K-99999999", 404),
        (agent, "/console/nowhere", 404),
        (outsider, "/console/customers/", 401),
        (outsider, "/moj/pin", 401),
    ):
        answer = script.ask(path)
        assert (path, answer.status) == (path, status)
        assert {"code", "message"} <= set(answer.body["error"])
        assert "Traceback" not in json.dumps(answer.body)
    bad = agent.ask("/console/verify/", {"email": "x", "pin": "12", "channel": "telepathy"})
    assert bad.status == 422
    assert set(bad.body["error"]["fields"]) == {"email", "pin", "channel"}
    assert agent.ask("/login", {"email": "agent@example.test", "password": "wrong"}).status in (200, 401, 422)


def test_a_list_is_read_to_its_end_by_its_cursor(server: LiveServer) -> None:
    billing = staff(server, "billing")
    seen: list[str] = []
    path = "/console/proformas/?page_size=20"
    cursor = None
    while True:
        body = billing.ask(path + (f"&cursor={urllib.parse.quote(cursor)}" if cursor else "")).body
        seen += [row["number"] for row in body["items"]]
        cursor = body["next"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) > 20
