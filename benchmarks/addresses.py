"""Forms that ask for an e-mail address: none may tell, by its answer or by the time it takes, who is registered."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import count
from statistics import median
from urllib.parse import urlsplit

from flask import Flask

from benchmarks.http import SEE_OTHER, BenchError, Browser
from benchmarks.place import engine_name, machine, temporary_app
from benchmarks.report import Report, milliseconds, verdict
from benchmarks.verify import served
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.passwords import hash_password
from console.core.settings import DEMO_PASSWORD
from console.core.transaction import transaction
from console.customers.service import CustomerData, MemberData, add_member, register_customer

WARM_UP = 10
MAX_DIFFERENCE = 0.005  # seconds
_CHANGES = re.compile(r'"(id|expires_at)":("[^"]*"|\d+)')  # in each answer, whatever was asked
Fields = dict[str, str]


@dataclass
class Form:
    """One form, what is sent with an address, and what its answers took."""

    name: str
    path: str
    fields: Callable[[str], Fields]
    signed_in: bool = False
    known: list[float] = field(default_factory=list)
    unknown: list[float] = field(default_factory=list)
    answers: set[tuple[int, str]] = field(default_factory=set)

    @property
    def difference(self) -> float:
        """Return by how much the medians differ, in seconds."""
        return abs(median(self.known) - median(self.unknown))


def _forms() -> list[Form]:
    strong = "Dugačka lozinka 2026!"
    return [
        Form("sign-in", "/moj/login", lambda email: {"email": email, "password": "pogrešna lozinka"}),
        Form("forgotten password", "/moj/forgotten", lambda email: {"email": email}),
        Form(
            "registration",
            "/moj/register",
            lambda email: {
                "email": email, "name": "Nova Osoba", "password": strong, "repeat": strong, "kind": "person",
            },
        ),
        Form("invitation", "/moj/users/invite", lambda email: {"email": email, "all": "1"}, signed_in=True),
    ]  # fmt: skip


def run(tries: int, server: str | None, command: str) -> Report:
    """Send each form ``tries`` times with an address that is registered and with one that is not, in turns."""
    forms = _forms()
    with temporary_app(server) as app:
        known = _prepare(app, (tries + WARM_UP) * len(forms))
        with served(app) as url:
            _measure(url, forms, known, tries)
    return _report(forms, tries, server, command)


def _prepare(app: Flask, amount: int) -> Iterator[str]:
    """Register accounts; each address is asked for once, so that no limit of tries is met."""
    hashed = hash_password(DEMO_PASSWORD)
    emails = [f"person{number}@example.test" for number in range(amount)]
    with app.app_context():
        with transaction():
            for email in [*emails, *(_inviting(number) for number in range(amount))]:
                customer = register_customer(SYSTEM, CustomerData(name="Merenje"))
                add_member(SYSTEM, customer, MemberData(email=email, name="Merenje", password_hash=hashed))
        db.session.remove()
    return iter(emails)


def _inviting(attempt: int) -> str:
    """Return who invites: few invitations of one account may be open at once."""
    return f"owner{attempt}@example.test"


def _measure(url: str, forms: list[Form], known: Iterator[str], tries: int) -> None:
    unknown = (f"stranger{number}@example.test" for number in count())
    networks = (f"127.{high}.{low}.1" for high in range(1, 256) for low in range(256))
    for form in forms:
        for attempt in range(tries + WARM_UP):
            turns = [(form.known, next(known)), (form.unknown, next(unknown))]
            random.shuffle(turns)
            for times, email in turns:
                owner = _inviting(attempt) if form.signed_in else None
                with _browser(url, next(networks), owner) as browser:
                    seconds = _try(browser, form, email)
                if attempt >= WARM_UP:
                    times.append(seconds)


@contextmanager
def _browser(url: str, address: str, owner: str | None) -> Iterator[Browser]:
    """Come from a network address of one's own, so that what is counted by address is not met; signed in, or not."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=30, source_address=(address, 0))
    with closing(Browser(url, connection)) as browser:
        browser.get("/moj/login")
        if owner is not None:
            if browser.post("/moj/login", email=owner, password=DEMO_PASSWORD)[0] not in SEE_OTHER:
                raise BenchError("the owner could not sign in")
            browser.get("/moj/users/")
        yield browser


def _try(browser: Browser, form: Form, email: str) -> float:
    began = time.perf_counter()
    status, body = browser.post(form.path, json=True, **form.fields(email))
    seconds = time.perf_counter() - began
    form.answers.add((status, _CHANGES.sub("", body.replace(email, "…"))))
    return seconds


def _report(forms: list[Form], tries: int, server: str | None, command: str) -> Report:
    engine = engine_name(server)
    worst = max(form.difference for form in forms)
    return Report(
        section=f"addresses-{engine.lower()}",
        title=f"Asking with an address that is registered, and with one that is not ({engine})",
        command=command,
        verdicts=[
            verdict(
                f"medians differ by less than {milliseconds(MAX_DIFFERENCE)} (by {milliseconds(worst)} at most)",
                holds=worst < MAX_DIFFERENCE,
            ),
            verdict("one and the same answer", holds=all(len(form.answers) == 1 for form in forms)),
        ],
        header=["form", "difference", "registered, median", "not registered, median", "answer"],
        rows=[
            [
                form.name,
                milliseconds(form.difference),
                milliseconds(median(form.known)),
                milliseconds(median(form.unknown)),
                " / ".join(str(status) for status in sorted({status for status, _body in form.answers})),
            ]
            for form in forms
        ],
        notes=[
            (
                f"{tries} tries each with either, in turns, each with an address and from a network address of its "
                f"own, so that no limit is met; the server in a process of its own; {machine()}"
            )
        ],
    )
