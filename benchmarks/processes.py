"""Two processes against one: pages and messages a second, and what each costs of processor.

They are started as ``console serve --processes`` starts them. The load generators and PostgreSQL run on the same cores,
so that two processes cannot do twice as much; but what a page costs them must hardly grow when they are two. A message
costs more by nature where it crosses: both processes read it from Redis.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.chat import PACE, Served, Size, fill, load, product_settings, serve
from benchmarks.chatpeers import Desk, Peers
from benchmarks.http import SEE_OTHER, BenchError, Browser
from benchmarks.place import machine, temporary_database
from benchmarks.report import Report, verdict
from benchmarks.serving import generate
from console.core.settings import DEMO_PASSWORD

COUNTS = (1, 2)
GENERATORS = 2  # with one process too: both sides have the same load
CLIENTS = 4  # of each generator
PAGES = ("customers", "services", "proformas", "tickets", "audit")
EMAIL = "supervisor@example.test"
MOST_GROWTH = 1.1
WARM_UP_ROUNDS = 3
WARM_UP_SECONDS = 1.0
NAMES = {"page": "list pages", "message": "chat messages"}


@dataclass
class _Side:
    """So many processes, and what was measured of them."""

    addresses: list[Served]
    speeds: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in NAMES})
    costs: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in NAMES})  # seconds

    def note(self, kind: str, count: float, processor: float, seconds: float) -> None:
        if not count:
            raise BenchError(f"no {kind} was counted")
        self.speeds[kind].append(count / seconds)
        self.costs[kind].append(processor / count)

    def processor(self) -> float:
        return sum(one.processor() for one in self.addresses)


def run(rounds: int, seconds: float, chats: int, server: str, redis: str, command: str, *, bare: bool) -> Report:
    """Measure one process and two in turn, on one database and one Redis."""
    load_before = os.getloadavg()[0]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="console-bench-")))
        database = stack.enter_context(temporary_database(server))
        env = product_settings(folder, database) | {"CONSOLE_REDIS_URL": redis}
        fill(env, bare=bare)
        sides = {count: _Side(stack.enter_context(_processes(count, folder, env))) for count in COUNTS}
        cookies = {count: _sign_in(side.addresses) for count, side in sides.items()}
        for _ in range(rounds):
            for count, side in sides.items():
                before = side.processor()
                pages = _ask(side.addresses, cookies[count], seconds)
                side.note("page", pages, side.processor() - before, seconds)
        size = Size(chats, rounds, seconds, 0, 0, WARM_UP_SECONDS, bare=bare)
        for _ in range(rounds):
            for side in sides.values():
                peers = _spread(Desk(side.addresses[0].url).peers(chats, PACE), side.addresses)
                watched = [one.process for one in side.addresses]
                found = load("throughput", peers, size, seconds=seconds, watched=watched)
                side.note("message", found["delivered"], found["processor"], seconds)
    return _report(sides, rounds, seconds, chats, load_before, command)


@contextmanager
def _processes(count: int, folder: Path, env: dict[str, str]) -> Iterator[list[Served]]:
    """Serve with so many processes; yield each."""
    arguments = ("serve", "--bind", "127.0.0.1:PORT", "--processes", str(count))
    with serve("console", folder, *arguments, env=env, ports=count) as served:
        found = _children(served.process) if count > 1 else [served.process]
        if len(found) != count:
            raise BenchError(f"{len(found)} processes serve, {count} were wanted")
        host, _, port = served.url.rpartition(":")
        # All answer to the origin of the first: pages and sockets are asked for as through a proxy before them.
        yield [Served(f"{host}:{int(port) + place}", process) for place, process in enumerate(found)]


def _children(process: int) -> list[int]:
    """Return the processes that one has started (proc(5)), in the order of their starts."""
    return sorted(int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split())


def _sign_in(addresses: Sequence[Served]) -> str:
    """Sign in once and let each process draw each page, so that its templates are compiled."""
    browser = Browser(addresses[0].url)
    browser.get("/login")
    status, _page = browser.post("/login", email=EMAIL, password=DEMO_PASSWORD)
    if status not in SEE_OTHER:
        raise BenchError(f"signing in was answered with {status}")
    cookie = browser.cookie
    browser.close()
    generate("in turn", [_target(one, cookie) for one in addresses], rounds=1, warm_up=WARM_UP_ROUNDS, first=1)
    return cookie


def _target(served: Served, cookie: str) -> dict[str, object]:
    steps = [{"method": "GET", "path": f"/console/{page}/", "expect": [200]} for page in PAGES]
    address = served.url.removeprefix("http://")
    return {"name": address, "address": address, "headers": {"Cookie": cookie}, "steps": steps}


def _ask(addresses: Sequence[Served], cookie: str, seconds: float) -> int:
    """Let all generators ask at once, each one process; return the pages they got."""

    def one(number: int) -> int:
        target = _target(addresses[number % len(addresses)], cookie)
        found = generate("count", [target], clients=CLIENTS, seconds=seconds, first=1)
        visits: int = found[str(target["name"])]
        return visits * len(PAGES)

    with ThreadPoolExecutor(GENERATORS) as pool:
        return sum(pool.map(one, range(GENERATORS)))


def _spread(peers: Peers, addresses: Sequence[Served]) -> Peers:
    """Put the two sides of each chat on different processes where there are several: every message crosses over."""
    for place, peer in enumerate(peers):
        chat, side = divmod(place, 2)
        peer["url"] = addresses[(chat + side) % len(addresses)].url
    return peers


def _report(
    sides: dict[int, _Side], rounds: int, seconds: float, chats: int, load_before: float, command: str
) -> Report:
    one, two = (sides[count] for count in COUNTS)
    verdicts, rows = [], []
    for kind, name in NAMES.items():
        times = median(b / a for a, b in zip(one.speeds[kind], two.speeds[kind], strict=True))
        growth = median(b / a for a, b in zip(one.costs[kind], two.costs[kind], strict=True))
        if kind == "page":
            sla_target = f"a page costs two processes {growth:.2f} of what it costs one, at most {MOST_GROWTH}"
            verdicts.append(verdict(sla_target, holds=growth <= MOST_GROWTH))
        rows.append(
            (
                name,
                f"{median(one.speeds[kind]):,.0f}",
                f"{median(two.speeds[kind]):,.0f}",
                f"{times:.2f}",
                f"{1000 * median(one.costs[kind]):.2f} ms",
                f"{1000 * median(two.costs[kind]):.2f} ms",
                f"{growth:.2f}",
            )
        )
    return Report(
        section="processes-postgresql",
        title="Two processes against one (PostgreSQL, Redis)",
        command=command,
        verdicts=verdicts,
        header=(
            "",
            "one: a second",
            "two: a second",
            "times as many",
            "one: processor of each",
            "two: processor of each",
            "growth",
        ),
        rows=rows,
        notes=[
            f"{rounds} rounds of {seconds:g} s each, one process and two in turn; medians of them and of their ratios",
            f"list pages: first pages of {', '.join(PAGES)}; {GENERATORS * CLIENTS} clients on kept connections",
            f"chat: {chats} chats of two; with two each one's sides are on different ones: all crosses Redis",
            "processor: user and system time of the processes that serve, without PostgreSQL, Redis and the generators",
            (
                "PostgreSQL, Redis and the generators run on the same cores: a factor of two cannot come out; "
                f"load average before: {load_before:.1f}; {machine()}"
            ),
        ],
    )
