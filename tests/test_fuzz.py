"""No address answers 5xx, whatever is sent to it, by whomever."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.routing import Rule

from console.core.forms import Form
from tests.test_access import CALLERS, ROUTES, World, rules, world

__all__ = ["world"]  # the database in which everybody is signed in, and what stands in the addresses

ODD: tuple[str, ...] = (
    "", " ", "0", "-1", "1", "7", "1.5", "1e9", "NaN", "null", "true", "١٢٣", "1_0", "0x1f", "²",
    str(2**31 - 1), str(2**31), str(2**63 - 1), str(2**63), str(2**64), "-" + str(2**63), "9" * 40, "9" * 5_000,
    "K-" + "9" * 12, "T-" + str(2**63), "C-999999999", "R-999999999", "M-" + "9" * 20, "PR-2026-" + "9" * 20,
    "é", "Ђ", "😀", "\0", "a\0b", "\u200b", "\u202eabc", "e\u0301",
    "\N{REPLACEMENT CHARACTER}", "\r\n", "%", "%_\\", "'", '"', "<b>x</b>", "{{ 7*7 }}", "%(name)s", "../../etc/passwd",
    "//example.com", "a" * 300, "ж" * 20_000, "{}", "[]", "[" * 200, '{"a": 1}', "W10=", "////", "é==",
    "2026-13-45", "0001-01-01", "9999-12-31", "10000-01-01", "2026-11-23T25:61", "24:00", "99:99",
    "ana@example.test", "петар@пошта.срб", "a@" + "b" * 300, "@", "a@b", "sr_Latn", "en", "next", "id", "desc",
)  # fmt: skip
ODD_HEADERS = ("1.é", f"{2**63}.x", "Bearer é", "bytes=9-1,x", "\x85", '"é"', "x" * 500)
ODD_FILES = ("é.pdf", "\x85.pdf", "a" * 300 + ".pdf", "..")
_ARGUMENT = re.compile(r"<(?:[^:<>]+:)?(\w+)>")
_READ_NAMES = re.compile(r"request\.(?:args|form|values)\.get(?:list)?\(\s*\"([\w-]+)\"")
_ROOT = Path(__file__).resolve().parents[1]


def _names() -> list[str]:
    """Return every name that a view or a form reads."""
    names = {name for file in (_ROOT / "console").rglob("*.py") for name in _READ_NAMES.findall(file.read_text())}
    fields = {name for form in _forms(Form) for name in vars(form) if not name.startswith("_")}
    return sorted(names | fields)


def _forms(form: type[Form]) -> Iterator[type[Form]]:
    yield form
    for one in form.__subclasses__():
        yield from _forms(one)


class Fuzz:
    """Asks one world's routes for odd things, and notes what failed."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.world, self.rng, self.names = world, rng, _names()
        self.failed: list[str] = []
        self.count = 0

    def ask(self, caller: str, method: str, rule: Rule) -> None:
        """Send one odd request."""
        path = self._path(rule, caller)
        query = self._values() if self.rng.random() < 0.7 else {}
        form = self._values() if method == "POST" else {}
        headers = self._headers()
        status = self._send(caller, method, path, query, form, headers)
        self.count += 1
        if status >= 500:
            shortened = {name: value if len(str(value)) < 60 else f"{str(value)[:20]}…" for name, value in form.items()}
            self.failed.append(f"{status} {method} {path[:200]} as {caller}: {query!r:.300} {shortened} {headers}")

    def _path(self, rule: Rule, caller: str) -> str:
        """Return the route's address: as it should be, or with something odd in the place of a part."""
        values = self.world.values[caller]
        kind = rule.endpoint.partition(".")[0]
        odd = bool(rule.arguments) and self.rng.random() < 0.5

        def part(found: re.Match[str]) -> str:
            value = self.rng.choice(ODD) if odd else values.get(f"{kind}.{found[1]}", values.get(found[1]))
            return quote(str(value)) if value else "x"

        return _ARGUMENT.sub(part, rule.rule)

    def _values(self) -> dict[str, Any]:
        chosen = self.rng.sample(self.names, self.rng.randint(1, 6))
        return {name: self.rng.choice(ODD) if self.rng.random() < 0.9 else self.rng.sample(ODD, 3) for name in chosen}

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": self.rng.choice(("application/json", "text/html", "*/*;q=x"))}
        for name in ("X-Chat-Token", "Authorization", "Accept-Language", "Range", "If-None-Match", "User-Agent"):
            if self.rng.random() < 0.2:
                headers[name] = self.rng.choice(ODD_HEADERS)
        return headers

    def _send(self, caller: str, method: str, path: str, query: Any, form: Any, headers: Any) -> int:
        client = self.world.clients[caller]
        with client.session_transaction() as session:
            before = dict(session)
        if method == "POST":
            form = {"csrf_token": client.csrf_token(), **form}
            if self.rng.random() < 0.2:
                name = self.rng.choice(("file", "files", "statement"))
                form[name] = (io.BytesIO(b"%PDF-1.4 \0\xff"), self.rng.choice(ODD_FILES))
            answer = client.post(path, query_string=query, data=form, headers=headers)
        else:
            answer = client.get(path, query_string=query, headers=headers)
        with client.session_transaction() as session:
            session.clear()
            session.update(before)
        return answer.status_code


def _some(key: tuple[str, str], rng: random.Random) -> list[str]:
    """Return one who finds a route, and one who does not."""
    let_in = sorted(ROUTES.get(key, frozenset()))
    others = sorted(set(CALLERS) - set(let_in))
    return rng.sample(let_in, min(1, len(let_in))) + rng.sample(others, min(1, len(others)))


@pytest.mark.timeout(1_800)
def test_nothing_sent_to_any_route_fails(
    world: World, rng: random.Random, samples: Callable[[int, int], int], proof: Callable[[str], None]
) -> None:
    fuzz = Fuzz(world, rng)
    routes, everybody = rules(world.app), samples(1, 0)
    for _ in range(samples(20, 1)):
        calls = [(caller, *key) for key in routes for caller in (CALLERS if everybody else _some(key, rng))]
        rng.shuffle(calls)
        for place in range(0, len(calls), 40):
            world.put_back()  # what was done by chance, as signing somebody out, is undone
            for caller, method, endpoint in calls[place : place + 40]:
                fuzz.ask(caller, method, routes[method, endpoint])
    assert fuzz.failed == []
    proof(f"{fuzz.count} odd requests to {len(routes)} routes as {len(CALLERS)} callers, none answered 5xx")


def test_an_address_in_bytes_that_are_no_text_is_refused(world: World) -> None:
    answer = world.clients["agent"].get("/console/tickets/", environ_overrides={"QUERY_STRING": "search=\xff"})
    assert answer.status_code == 400


def test_keys_in_addresses_have_one_converter(world: World) -> None:
    """A plain ``<int:…>`` takes numbers that no statement can hold."""
    assert [rule.rule for rule in world.app.url_map.iter_rules() if "<int:" in rule.rule] == []
