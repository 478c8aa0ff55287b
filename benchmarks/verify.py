"""Four ways to fail at a verification, over real HTTP: they must take the same time, so that none can be told apart."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from statistics import median, quantiles

from flask import Flask
from sqlalchemy import delete, update

from benchmarks.http import SEE_OTHER, BenchError, Browser
from benchmarks.place import engine_name, machine, temporary_app
from benchmarks.report import Report, milliseconds, verdict
from console.core import clock
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.passwords import hash_password
from console.core.settings import DEMO_PASSWORD
from console.core.transaction import transaction
from console.customers.models import Guard, Membership
from console.customers.service import CustomerData, MemberData, add_member, register_customer
from console.customers.verification.guards import email_key
from console.customers.verification.pins import current_pin
from console.staff.roles import Role
from console.staff.service import add_staff

AGENT = "bench@example.test"
UNKNOWN = "nobody@example.test"
WARM_UP = 10
MAX_DIFFERENCE = 0.005  # seconds
START_SECONDS = 60
OK = 200


@dataclass
class Case:
    """One way to fail."""

    name: str
    email: str
    pin: str
    times: list[float]


def run(tries: int, server: str | None, command: str) -> Report:
    """Try each case ``tries`` times, in turns, against a server process of its own."""
    with temporary_app(server) as app:
        cases = _prepare(app)
        with served(app) as url:
            answers = _measure(app, url, cases, tries)
    return _report(cases, answers, tries, server, command)


def _prepare(app: Flask) -> list[Case]:
    hashed = hash_password(DEMO_PASSWORD)
    with app.app_context():
        with transaction():
            add_staff(SYSTEM, email=AGENT, name="Merač Brzine", role=Role.AGENT, password_hash=hashed)
            pins = {name: _account(name) for name in ("wrong", "burned", "locked")}
        db.session.remove()
    other = f"{(int(pins['wrong']) + 1) % 1_000_000:06d}"
    return [
        Case("unknown e-mail", UNKNOWN, other, []),
        Case("wrong PIN", _email("wrong"), other, []),
        Case("burned PIN", _email("burned"), pins["burned"], []),
        Case("locked", _email("locked"), pins["locked"], []),
    ]


def _account(name: str) -> str:
    """Register an account and return its owner's PIN."""
    customer = register_customer(SYSTEM, CustomerData(name=f"Merenje {name}"))
    membership = add_member(SYSTEM, customer, MemberData(email=_email(name), name=f"Merenje {name}"))
    return current_pin(membership)[0]


def _email(name: str) -> str:
    return f"{name}@example.test"


def _reset(app: Flask) -> None:
    """Put every counter back to where a try finds it for the first time."""
    with app.app_context():
        with transaction() as session:
            now = clock.now()
            session.execute(delete(Guard))
            session.execute(update(Membership).values(pin_failures=0))
            burned = update(Membership).where(Membership.person.has(email=_email("burned")))
            session.execute(burned.values(pin_burned_at=now), execution_options={"synchronize_session": False})
            until = now + timedelta(minutes=15)
            session.add(Guard(key=email_key(_email("locked")), failures=[], locked_until=until, updated_at=now))
        db.session.remove()


def _measure(app: Flask, url: str, cases: list[Case], tries: int) -> set[tuple[int, str]]:
    answers = set()
    with closing(Browser(url)) as browser:
        browser.get("/login")
        if browser.post("/login", email=AGENT, password=DEMO_PASSWORD)[0] not in SEE_OTHER:
            raise BenchError("the agent could not sign in")
        browser.get("/console/verify/")
        for attempt in range(tries + WARM_UP):
            for case in cases:
                _reset(app)
                seconds, answer = _try(browser, case)
                answers.add(answer)
                if attempt >= WARM_UP:
                    case.times.append(seconds)
    return answers


def _try(browser: Browser, case: Case) -> tuple[float, tuple[int, str]]:
    began = time.perf_counter()
    answer = browser.post("/console/verify/", json=True, email=case.email, pin=case.pin, channel="phone")
    seconds = time.perf_counter() - began
    if answer[0] != OK:
        raise BenchError(f"{case.name}: answered with {answer[0]}: {answer[1][:200]}")
    return seconds, answer


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve the application's database from a process of its own, and yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CONSOLE_")}
    settings = {"CONSOLE_DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"], "CONSOLE_BASE_URL": url}
    process = subprocess.Popen(  # noqa: S603  (our own command)
        [sys.executable, "-m", "console", "serve", "--port", str(port), "--no-worker"],
        env=plain | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with closing(Browser(url)) as browser:
                if browser.get("/healthz")[0] == OK:
                    return
        except OSError:
            time.sleep(0.1)
    raise BenchError("the server did not start; try `console serve` by hand")


def _report(cases: list[Case], answers: set[tuple[int, str]], tries: int, server: str | None, command: str) -> Report:
    medians = [median(case.times) for case in cases]
    difference = max(medians) - min(medians)
    engine = engine_name(server)
    return Report(
        section=f"verify-{engine.lower()}",
        title=f"Failing at a verification ({engine})",
        command=command,
        verdicts=[
            verdict(
                f"medians differ by less than {milliseconds(MAX_DIFFERENCE)} (by {milliseconds(difference)})",
                holds=difference < MAX_DIFFERENCE,
            ),
            verdict("one and the same answer", holds=len(answers) == 1),
        ],
        header=["case", "above the fastest", "median", "p90"],
        rows=[
            [case.name, milliseconds(middle - min(medians)), milliseconds(middle), milliseconds(_p90(case.times))]
            for case, middle in zip(cases, medians, strict=True)
        ],
        notes=[
            (
                f"{tries} tries each, in turns, counters reset before every try; HTTP on one kept connection, the "
                f"server in a process of its own; {machine()}"
            )
        ],
    )


def _p90(times: list[float]) -> float:
    return quantiles(times, n=10)[-1] if len(times) > 1 else times[0]
