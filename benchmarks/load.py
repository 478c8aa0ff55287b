"""The load generator: a process of its own that asks several servers in turn, or one with many clients at once.

``python -m benchmarks.load`` reads what to do from its input and writes what it measured, both JSON. It
imports nothing of the product, so that neither side's clock pays for the other.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import count
from typing import Any

TIMEOUT = 120
PATIENCE = 3  # tries, where a server closes a connection that is kept


@dataclass
class Step:
    """One request of a visit. ``{n}`` in it is a running number, ``{pick}`` one of the target's picks."""

    method: str
    path: str
    body: str | None = None
    expect: tuple[int, ...] = (200,)


@dataclass
class Target:
    """A page of a server, requested by a signed-in user: one request, or those that a browser makes."""

    name: str
    address: str  # host:port
    headers: dict[str, str]
    steps: list[Step]
    picks: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, values: dict[str, Any]) -> Target:
        """Read a target as it was sent."""
        steps = [Step(one["method"], one["path"], one.get("body"), tuple(one["expect"])) for one in values["steps"]]
        return cls(values["name"], values["address"], values["headers"], steps, values.get("picks", []))


class Client:
    """One connection, kept while the server keeps it."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._connection = HTTPConnection(target.address, timeout=TIMEOUT)

    def visit(self, number: int) -> float:
        """Do every step; return the seconds it took.

        Raises:
            RuntimeError: an answer was none of the expected.
        """
        target = self._target
        filled = {"n": str(number), "pick": target.picks[number % len(target.picks)] if target.picks else ""}
        began = time.perf_counter()
        for step in target.steps:
            body = None if step.body is None else _fill(step.body, filled)
            status = self._ask(step.method, _fill(step.path, filled), body)
            if status not in step.expect:
                raise RuntimeError(f"{target.name}: {step.method} {step.path[:80]} was answered with {status}")
        return time.perf_counter() - began

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _ask(self, method: str, path: str, body: str | None) -> int:
        headers = dict(self._target.headers)
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        for attempt in range(PATIENCE):
            try:
                self._connection.request(method, path, body, headers)
                answer = self._connection.getresponse()
                answer.read()
            except (HTTPException, ConnectionError):
                self._connection.close()
                if attempt == PATIENCE - 1:
                    raise
            else:
                return answer.status
        raise AssertionError("unreachable")


def _fill(text: str, filled: dict[str, str]) -> str:
    for name, value in filled.items():
        text = text.replace("{" + name + "}", value)
    return text


def in_turn(targets: list[Target], rounds: int, warm_up: int, first: int) -> dict[str, list[float]]:
    """Visit each target once in every round, with one client."""
    clients = {target.name: Client(target) for target in targets}
    times: dict[str, list[float]] = {target.name: [] for target in targets}
    for number in range(warm_up + rounds):
        for name, client in clients.items():
            took = client.visit(first + number)
            if number >= warm_up:
                times[name].append(took)
    for client in clients.values():
        client.close()
    return times


def at_once(target: Target, clients: int, seconds: float, first: int) -> tuple[int, float]:
    """Return how many visits so many clients make at a target, and the seconds it took."""
    numbers = count(first)
    lock, done = threading.Lock(), [0]
    failed: list[Exception] = []
    end = time.perf_counter() + seconds

    def work() -> None:
        client = Client(target)
        try:
            while time.perf_counter() < end:
                with lock:
                    number = next(numbers)
                client.visit(number)
                with lock:
                    done[0] += 1
        except (RuntimeError, HTTPException, OSError) as error:  # told by the main thread
            failed.append(error)
        finally:
            client.close()

    began = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return done[0], time.perf_counter() - began


def main() -> None:
    """Do what the input says."""
    values = json.load(sys.stdin)
    targets = [Target.read(one) for one in values["targets"]]
    try:
        if values["mode"] == "in turn":
            found: dict[str, Any] = in_turn(targets, values["rounds"], values["warm_up"], values["first"])
        else:
            found = {}
            for target in targets:
                visits, took = at_once(target, values["clients"], values["seconds"], values["first"])
                found[target.name] = visits / took if values["mode"] == "at once" else visits
    except (RuntimeError, HTTPException, OSError) as error:
        sys.exit(str(error))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
