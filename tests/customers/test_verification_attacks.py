"""Against the verification: many at once, telling answers apart, looking for the PIN where it must not be."""

from __future__ import annotations

import json
import logging
import multiprocessing
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, inspect, select, text
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core import clock as core_clock
from console.core.actor import Actor
from console.core.db import db
from console.core.seal import Sealer
from console.core.transaction import transaction
from console.customers.models import Guard, MemberRole, Membership, Verification
from console.customers.verification import service as verification
from console.customers.verification.guards import ALLOWED, SOURCE_ALLOWED
from console.customers.verification.service import verify
from console.staff.roles import Role
from tests import factories
from tests.conftest import Clock
from tests.customers.try_many import try_many
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries

TRIES = 20
# Each process is forked off one that has imported the application already.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.support.warmed", "tests.customers.try_many"])


def wrong_pin(pin: str) -> str:
    return f"{(int(pin) + 1) % 1_000_000:06d}"


# --- many at once ----------------------------------------------------------------------------------------------------


def evaluated(member_id: int) -> tuple[int, int]:
    """Return how many tries were compared to the PIN, and how many the audit log says were not under a lock."""
    db.session.rollback()
    failures = db.session.get_one(Membership, member_id).pin_failures
    entries = [
        entry
        for entry in db.session.scalars(select(AuditEntry).where(AuditEntry.action == "verification.failed"))
        if not entry.data["locked"]
    ]
    return failures, len(entries)


@pytest.mark.both
def test_of_twenty_parallel_tries_five_are_evaluated(app: Flask, session: Session) -> None:
    member = factories.owner_of(factories.make_customer())
    pin, email, key = factories.pin_of(member), member.person.email, member.id
    actors = [factories.actor_of(factories.make_staff()) for _ in range(4)]  # from several agents, as an attack would
    gate = Barrier(TRIES)
    db.session.rollback()

    def one(number: int) -> bool:
        with app.app_context():
            gate.wait()
            with transaction():
                return verify(actors[number % 4], email=email, pin=wrong_pin(pin), channel="phone") is not None

    with ThreadPoolExecutor(TRIES) as pool:
        assert not any(pool.map(one, range(TRIES)))
    assert evaluated(key) == (ALLOWED, ALLOWED)
    assert db.session.scalar(select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "pin.locked")) == 1


@pytest.mark.both
def test_two_processes_share_the_count(database: str, app: Flask, session: Session) -> None:
    member = factories.owner_of(factories.make_customer())
    pin, email, key = factories.pin_of(member), member.person.email, member.id
    staff = [factories.make_staff().id for _ in range(2)]
    db.session.rollback()
    running = []
    for number in staff:
        here, there = PROCESSES.Pipe()
        job = (database, email, wrong_pin(pin), number, TRIES // 2, there)
        process = PROCESSES.Process(target=try_many, args=job)
        process.start()
        there.close()
        running.append((process, here))
    for process, here in running:
        assert here.poll(120)
        assert here.recv() == 0
        here.close()
        process.join()
    assert evaluated(key) == (ALLOWED, ALLOWED)


@pytest.mark.both
def test_parallel_tries_with_the_right_pin_all_succeed(app: Flask, session: Session) -> None:
    """Waiting for each other's rows is not failing."""
    member = factories.owner_of(factories.make_customer())
    pin, email = factories.pin_of(member), member.person.email
    actors = [factories.actor_of(factories.make_staff()) for _ in range(8)]
    db.session.rollback()

    def one(actor: Actor) -> bool:
        with app.app_context(), transaction():
            return verify(actor, email=email, pin=pin, channel="phone") is not None

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, actors))


# --- telling answers apart -------------------------------------------------------------------------------------------


@pytest.fixture
def cases(session: Session, clock: Clock) -> dict[str, tuple[str, str]]:
    """E-mail and PIN of each way to fail. Somebody with three accounts is among them."""
    made = {name: factories.owner_of(factories.make_customer()) for name in ("wrong", "burned", "locked", "closed")}
    person = factories.make_person()
    several = [factories.owner_of(factories.make_customer(owner=person)) for _ in range(3)]
    expired = factories.make_member(several[0].customer, MemberRole.USER)
    never = factories.make_member(several[0].customer, MemberRole.USER)
    removed = factories.make_member(several[0].customer, MemberRole.USER)
    old = factories.pin_of(expired)
    clock.advance(timedelta(hours=2))
    pins = {name: factories.pin_of(member) for name, member in made.items()}
    pins["removed"] = factories.pin_of(removed)
    other = [factories.pin_of(member) for member in several]
    with transaction():
        made["burned"].pin_burned_at = core_clock.now()
        removed.removed_at = core_clock.now()
        factories.close_customer(factories.SYSTEM, made["closed"].customer, "na zahtev")
    attacker = factories.actor_of(factories.make_staff())
    for _ in range(ALLOWED):
        with transaction():
            verify(attacker, email=made["locked"].person.email, pin=wrong_pin(pins["locked"]), channel="phone")
    return {
        "unknown": ("niko@example.test", "123456"),
        "wrong": (made["wrong"].person.email, wrong_pin(pins["wrong"])),
        "burned": (made["burned"].person.email, pins["burned"]),
        "locked": (made["locked"].person.email, pins["locked"]),
        "closed": (made["closed"].person.email, pins["closed"]),
        "expired": (expired.person.email, old),
        "never": (never.person.email, "123456"),
        "removed": (removed.person.email, pins["removed"]),
        "several": (person.email, next(f"{n:06d}" for n in range(9) if f"{n:06d}" not in other)),
    }


def shapes(statements: list[str]) -> list[str]:
    """Drop how many values each statement carries: that is how many rows it touches, not what it does."""
    unnamed = [re.sub(r"%\(\w+\)s(::[A-Z]+( WITH TIME ZONE)?)?", "?", statement) for statement in statements]
    return [re.sub(r"\(\?(, \?)*\)(, \(\?(, \?)*\))*", "(…)", statement) for statement in unnamed]


@pytest.mark.both
def test_every_failure_sends_the_same_statements(app: Flask, cases: dict[str, tuple[str, str]]) -> None:
    actor = factories.actor_of(factories.make_staff())
    with transaction():  # the agent's own row is there, as on any working day
        verify(actor, email="vezba@example.test", pin="123456", channel="phone")
    sent: dict[str, list[str]] = {}
    for name, (email, pin) in cases.items():
        db.session.remove()
        with count_queries(app) as queries, transaction():
            assert verify(actor, email=email, pin=pin, channel="phone") is None
        sent[name] = shapes(queries)
    for name, statements in sent.items():
        assert statements == sent["unknown"], name


@pytest.mark.both
def test_every_failure_that_locks_sends_the_same_statements(app: Flask, cases: dict[str, tuple[str, str]]) -> None:
    """The fifth one too: to nobody a mail is written and taken back."""
    sent: dict[str, list[str]] = {}
    for name in ("unknown", "wrong", "burned", "expired", "never"):
        email, pin = cases[name]
        actor = factories.actor_of(factories.make_staff())
        for _ in range(ALLOWED - 1):
            with transaction():
                verify(actor, email=email, pin=pin, channel="phone")
        db.session.remove()
        with count_queries(app) as queries, transaction():
            assert verify(actor, email=email, pin=pin, channel="phone") is None
        sent[name] = shapes(queries)
        assert any("INSERT INTO mail" in statement for statement in queries)
    for name, statements in sent.items():
        assert statements == sent["unknown"], name


def test_every_failure_opens_as_many_secrets(
    cases: dict[str, tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    really = Sealer.open

    def counting_open(sealer: Sealer, sealed: str) -> bytes:
        opened.append(sealed)
        return really(sealer, sealed)

    monkeypatch.setattr(Sealer, "open", counting_open)
    actor = factories.actor_of(factories.make_staff())
    counts = {}
    for name, (email, pin) in cases.items():
        opened.clear()
        with transaction():
            verify(actor, email=email, pin=pin, channel="phone")
        counts[name] = len(opened)
    assert set(counts.values()) == {verification.SLOTS}, counts


def plain(page: str) -> str:
    """Drop what differs on any two pages: nonce, token, the server's time, what the sign of the hours says of it."""
    page = re.sub(r'nonce="[^"]*"', "", page)
    page = re.sub(r'name="csrf-?_?token" (content|value)="[^"]*"', "", page)
    page = re.sub(r'<a class="hours-sign".*?</a>', "", page, flags=re.DOTALL)
    return re.sub(r'name="server-time" content="[^"]*"', "", page)


@pytest.mark.parametrize("on_page", [False, True])
def test_every_failure_is_the_same_page_and_the_same_json(
    client: ConsoleClient, cases: dict[str, tuple[str, str]], on_page: bool
) -> None:
    staff = sign_in(client)
    customer = factories.make_customer().number if on_page else ""
    assert staff.role is Role.AGENT
    pages, answers = {}, {}
    for name, (email, pin) in cases.items():
        page = client.submit("/console/verify/", email=email, pin=pin, channel="phone", customer=customer)
        assert page.status_code == 200
        assert email in page.text and pin not in page.text
        pages[name] = plain(page.text).replace(email, "E-MAIL")
        answer = client.submit("/console/verify/", json=True, email=email, pin=pin, channel="phone")
        answers[name] = (answer.status_code, answer.get_data(as_text=True), sorted(answer.headers.keys()))
    for name in cases:
        assert pages[name] == pages["unknown"], name
        assert answers[name] == answers["unknown"], name
    assert json.loads(answers["unknown"][1]) == {"verified": False}


def test_the_page_says_what_to_do_and_not_which(client: ConsoleClient, session: Session) -> None:
    sign_in(client)
    page = client.submit("/console/verify/", email="niko@example.test", pin="123456", channel="phone").text
    assert 'role="alert"' in page and "123456" not in page and 'value="niko@example.test"' in page


def test_a_slowed_agent_hears_when_to_come_back(client: ConsoleClient, session: Session) -> None:
    sign_in(client)
    member = factories.owner_of(factories.make_customer())
    pin = factories.pin_of(member)
    for number in range(SOURCE_ALLOWED):
        client.submit("/console/verify/", json=True, email=f"n{number}@example.test", pin="123456", channel="phone")
    for email, tried in ((member.person.email, pin), ("niko@example.test", "123456")):
        answer = client.submit("/console/verify/", json=True, email=email, pin=tried, channel="phone")
        assert answer.status_code == 429 and answer.json is not None
        assert answer.json["error"]["code"] == "rate" and int(answer.headers["Retry-After"]) > 0
        page = client.submit("/console/verify/", email=email, pin=tried, channel="phone")
        assert page.status_code == 429 and tried not in page.text and int(page.headers["Retry-After"]) > 0
        assert f'value="{email}"' in page.text


# --- looking for it --------------------------------------------------------------------------------------------------


@contextmanager
def captured_logs(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    with caplog.at_level(logging.DEBUG):
        yield lambda: "\n".join(record.getMessage() + str(record.__dict__) for record in caplog.records)


def dump() -> str:
    """Return every row of every table as text."""
    found = []
    for table in inspect(db.engine).get_table_names():
        for row in db.session.execute(text(f'SELECT * FROM "{table}"')):
            found.append(f"{table}: {tuple(row)}")
    return "\n".join(found)


@pytest.mark.both
def test_a_pin_is_in_no_table_log_or_page(
    client: ConsoleClient,
    new_client: Callable[[], ConsoleClient],
    session: Session,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    member = factories.owner_of(factories.make_customer())
    contact = factories.make_member(member.customer, MemberRole.CONTACT)
    email, number, handed = member.person.email, member.customer.number, contact.id
    with captured_logs(caplog) as logs:
        portal = new_client()
        portal.submit("/moj/login", email=email, password=factories.PASSWORD)
        first = portal.get_json("/moj/pin")
        assert first.json is not None
        second = portal.submit("/moj/pin/new", json=True)
        third = portal.get_json(f"/moj/pin?account={number}&member={handed}")
        assert second.json is not None and third.json is not None
        pins = [first.json["pin"], second.json["pin"], third.json["pin"]]
        tried = [*pins, wrong_pin(pins[1])]
        sign_in(client)
        pages = []
        for pin in tried:
            for json_ in (False, True):
                answer = client.submit(
                    "/console/verify/", json=json_, email=email, pin=pin, channel="phone", customer=number
                )
                pages.append(answer.text + str(answer.headers))
        for path in ("", "?tab=people", "?tab=mail", "?tab=history"):
            pages.append(client.get(f"/console/customers/{number}{path}").text)
        refused = client.submit("/console/verify/", email="ne-adresa", pin=pins[1], channel="phone")
        assert refused.status_code == 422
        pages.append(refused.text)
        rows = dump()
        seen = {"tables": rows, "logs": logs(), "output": "".join(capfd.readouterr()), "pages": "".join(pages)}
    assert db.session.scalar(select(Verification.id)) is not None
    for place, found in seen.items():
        for pin in tried:
            # Not as a run of digits on its own, and not split by the usual signs either.
            assert not re.search(rf"(?<!\d){pin}(?!\d)", found), (place, pin)
            assert f"{pin[:3]} {pin[3:]}" not in found, (place, pin)


def test_guards_name_nobody(session: Session) -> None:
    actor = factories.actor_of(factories.make_staff())
    member = factories.owner_of(factories.make_customer())
    for email in (member.person.email, "niko@example.test"):
        with transaction():
            verify(actor, email=email, pin="123456", channel="phone")
    for guard in db.session.scalars(select(Guard)):
        assert "@" not in guard.key and "example" not in guard.key
