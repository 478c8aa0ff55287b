"""The chat against a bare relay, in one run: messages a second, delay under steady load, memory, connecting.

Both are served by one gevent process with the same options; the same generator, a process of its own, speaks to
each in turn. The product checks, stores and acknowledges after the commit; its limits by connection stay on (a
visitor speaks four times a second, their agent as fast as is acknowledged), those by address are raised.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.chatload import processor_of
from benchmarks.chatpeers import Desk, Peers, relay_peers
from benchmarks.http import BenchError
from benchmarks.place import add_people, engine_name, machine, temporary_database
from benchmarks.report import Report, verdict
from benchmarks.serving import ROOT, START_SECONDS, free_port

CLOCK = "2026-11-23T11:00:00+01:00"  # a Monday: it is open
PACE = 0.25  # seconds between a visitor's messages
TARGETS = {"SQLite": 60, "PostgreSQL": 50}  # per cent of the relay, at least
DELAY_ROUNDS = 3
MOST_EXTRA = 10.0  # milliseconds of p99 above the relay's
MOST_KIB = 80
MOST_CONNECTING = 3.0


@dataclass(frozen=True)
class Served:
    """A served side of the comparison."""

    url: str
    process: int

    def memory(self) -> int:
        """Return its resident memory in KiB."""
        for line in Path(f"/proc/{self.process}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise BenchError("no memory figure")

    def processor(self) -> float:
        """Return the seconds of processor it has used."""
        return processor_of([self.process])


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Args:
        chats: conversations of two in the closed loop.
        rounds: how often each is measured, in turn; the median of what one round's two say of each other counts.
        seconds: of each measurement; the delay is measured for twice as long.
        steady: conversations that speak twice a second, for the delay.
        connections: visitors who come at once.
        warm_up: seconds that pass before a measurement counts.
        bare: the product has nothing in its database but who signs in, no demo data.
    """

    chats: int
    rounds: int
    seconds: float
    steady: int
    connections: int
    warm_up: float
    bare: bool = False

    @property
    def delay_rounds(self) -> int:
        return min(self.rounds, DELAY_ROUNDS)


def run(size: Size, server: str | None, command: str) -> Report:
    """Measure relay and product in turn, on a PostgreSQL, or where ``server`` is ``None`` on SQLite."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="console-bench-")))
        database = stack.enter_context(temporary_database(server))
        relay = stack.enter_context(serve("benchmarks.relay", folder))
        product = stack.enter_context(_product(folder, database, bare=size.bare))
        desk = Desk(product.url)
        found = _Found()
        for _ in range(size.rounds):
            sides = (
                ("relay", relay, relay_peers(relay.url, size.chats, PACE)),
                ("product", product, desk.peers(size.chats, PACE)),
            )
            for name, served, peers in sides:
                before = served.processor()
                one = load("throughput", peers, size, seconds=size.seconds)
                found.costs[name].append((served.processor() - before) / max(1, one["delivered"]))
                found.speeds[name].append(one["delivered"] / size.seconds)
                found.busy = max(found.busy, one["busy"])
                found.refused += one["refused"]
        steady = relay_peers(relay.url, size.steady, 1.0, both=True)
        for _ in range(size.delay_rounds):
            for name, peers in (("relay", steady), ("product", desk.peers(size.steady, 1.0, both=True))):
                found.delays[name].append(load("latency", peers, size, seconds=2 * size.seconds))
        strangers = [one for one in relay_peers(relay.url, size.connections, 0) if one["side"] == "v"]
        found.joined["relay"] = _connect(relay, strangers)
        found.joined["product"] = _connect(product, desk.strangers(size.connections))
    return _report(found, engine_name(server), size, command)


# --- serving ----------------------------------------------------------------------------------------------------------


@contextmanager
def serve(
    module: str, folder: Path, *arguments: str, env: dict[str, str] | None = None, ports: int = 1
) -> Iterator[Served]:
    """Run a module until the end of the block; ``PORT`` in its arguments and settings is a free one.

    Args:
        ports: it listens at so many, counted up from that one.
    """
    port = free_port()
    log_file = folder / f"{module}-{port}.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  our own words
            [sys.executable, "-m", module, *(one.replace("PORT", str(port)) for one in arguments or ("PORT",))],
            cwd=ROOT,
            env={**os.environ, **{name: value.replace("PORT", str(port)) for name, value in (env or {}).items()}},
            stdout=log,
            stderr=log,
        )
        try:
            for index in range(ports):
                _wait(process, port + index, log_file)
            yield Served(f"http://127.0.0.1:{port}", process.pid)
        finally:
            process.terminate()
            process.wait(15)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    import socket

    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise BenchError(f"a server did not start: {log.read_text(errors='replace')[-2_000:]}")


def product_settings(folder: Path, database: str) -> dict[str, str]:
    """Return the environment of a console with demo data, open, with the limits of addresses out of the way."""
    return {
        "CONSOLE_ENV": "demo",
        "CONSOLE_CLOCK": CLOCK,
        "CONSOLE_DATABASE_URL": database,
        "CONSOLE_FILES": str(folder / "files"),
        "CONSOLE_AUDIT_ANCHOR": str(folder / "anchor.json"),
        "CONSOLE_CHAT_LIMIT_FACTOR": "100000",
        "CONSOLE_BASE_URL": "http://127.0.0.1:PORT",
    }


def fill(env: dict[str, str], *, bare: bool) -> None:
    """Make the database, with demo data, or where ``bare`` with nothing but who signs in."""
    if bare:
        add_people(env["CONSOLE_DATABASE_URL"])
        return
    for arguments in (("init-db",), ("demo", "--seed", "1")):
        done = subprocess.run(  # noqa: S603  our own words
            [sys.executable, "-m", "console", *arguments], cwd=ROOT, env={**os.environ, **env}, check=False,
            capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise BenchError(done.stderr[-2_000:])


@contextmanager
def _product(folder: Path, database: str, *, bare: bool) -> Iterator[Served]:
    env = product_settings(folder, database)
    fill(env, bare=bare)
    with serve("console", folder, "serve", "--port", "PORT", env=env) as served:
        yield served


# --- measuring --------------------------------------------------------------------------------------------------------


def load(mode: str, peers: Peers, size: Size, *, seconds: float, watched: Sequence[int] = ()) -> dict[str, Any]:
    """Let the load generator talk for ``seconds``, in a process of its own; return what it counted.

    Args:
        watched: processes whose use of the processor it counts meanwhile.
    """
    order = {"mode": mode, "peers": peers, "seconds": seconds, "warm_up": size.warm_up, "watched": list(watched)}
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.chatload"],
        input=json.dumps(order),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise BenchError(f"the load generator failed: {ran.stderr.strip()[-2_000:]}")
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def _connect(served: Served, peers: Peers) -> tuple[float, float]:
    """Return the seconds it took to connect all, and the KiB each costs the server."""
    before = served.memory()
    order = {"mode": "connect", "peers": peers, "hold": 3}
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.chatload"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        to, back = process.stdin, process.stdout
        if to is None or back is None:
            raise BenchError("no way to the load generator")
        to.write(json.dumps(order).encode())
        to.close()
        line = back.readline()
        after = served.memory()
    if not line:
        raise BenchError("the load generator failed while connecting")
    return json.loads(line)["connecting"], (after - before) / len(peers)


@dataclass
class _Found:
    """What was measured, of relay and product."""

    speeds: dict[str, list[float]] = field(default_factory=lambda: {"relay": [], "product": []})
    costs: dict[str, list[float]] = field(default_factory=lambda: {"relay": [], "product": []})  # seconds a message
    delays: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {"relay": [], "product": []})
    joined: dict[str, tuple[float, float]] = field(default_factory=dict)
    busy: float = 0.0
    refused: int = 0


def _report(found: _Found, engine: str, size: Size, command: str) -> Report:
    least = TARGETS[engine]
    speeds, delays, joined = found.speeds, found.delays, found.joined
    # In turn and by the round: a machine that others share is faster in one minute than in the next.
    share = 100 * median(product / relay for relay, product in zip(speeds["relay"], speeds["product"], strict=True))
    p99 = {name: [1000 * _at(one["latencies"], 0.99) for one in rounds] for name, rounds in delays.items()}
    p50 = {name: median(1000 * _at(one["latencies"], 0.5) for one in rounds) for name, rounds in delays.items()}
    lost = {name: sum(one["sent"] - one["delivered"] for one in rounds) for name, rounds in delays.items()}
    sent = sum(one["sent"] for one in delays["product"])
    extra = median(product - relay for relay, product in zip(p99["relay"], p99["product"], strict=True))
    took, memory = joined["product"]
    times = took / joined["relay"][0]
    verdicts = [
        verdict(f"stored and delivered at {share:.0f} % of the relay, at least {least} %", holds=share >= least),
        verdict(
            f"p99 {extra:.1f} ms above the relay's at {2 * size.steady:,} messages a second, at most {MOST_EXTRA:.0f}",
            holds=extra <= MOST_EXTRA,
        ),
        verdict(f"{lost['product']} of {sent:,} lost", holds=lost["product"] == 0),
        verdict(f"{memory:.0f} KiB a connection, at most {MOST_KIB}", holds=memory <= MOST_KIB),
        verdict(
            f"{size.connections:,} visitors connect in {times:.2f} of the relay's time, at most {MOST_CONNECTING:.0f}",
            holds=times <= MOST_CONNECTING,
        ),
    ]
    rows = [
        (
            name,
            f"{median(speeds[name]):,.0f}",
            " / ".join(f"{one:,.0f}" for one in speeds[name]),
            f"{1e6 * median(found.costs[name]):.0f} µs",
            f"{p50[name]:.1f} ms",
            " / ".join(f"{one:.1f}" for one in p99[name]) + " ms",
            str(lost[name]),
            f"{joined[name][1]:.0f} KiB",
            f"{joined[name][0]:.2f} s",
        )
        for name in ("relay", "product")
    ]
    return Report(
        section=f"chat-{engine.lower()}",
        title=f"Live chat against a bare relay, {engine}",
        command=command,
        verdicts=verdicts,
        header=(
            "",
            "messages/s",
            "each round",
            "processor a message",
            "p50",
            "p99",
            "lost",
            "a connection",
            f"{size.connections:,} connect",
        ),
        rows=rows,
        notes=[
            (
                f"{size.chats} chats of two, {size.rounds} rounds of {size.seconds:g} s each in turn; the share is the "
                "median of the rounds' shares."
            ),
            f"The delay with {size.steady} chats, two messages a second each, {size.delay_rounds} rounds in turn.",
            "Both collect garbage as the product does.",
            "Delivered: read by the other side's connection. Stored: the product acknowledges after the commit alone.",
            f"The generator was busy for at most {100 * found.busy:.0f} % of a core; {found.refused} refused.",
            machine(),
        ],
    )


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
