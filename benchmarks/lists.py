"""The first page of every list, at few and at very many rows: must take as long and ask as much."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from flask import Flask
from sqlalchemy import event, insert, select, update
from sqlalchemy.orm import Session
from werkzeug.test import Client

from benchmarks.http import BenchError, sign_in
from benchmarks.place import engine_name, know_the_tables, machine, temporary_app
from benchmarks.report import Report, milliseconds, verdict
from console.audit.service import record
from console.billing.models import Proforma, ProformaStatus, Storno
from console.billing.service import today
from console.core import clock
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.passwords import hash_password
from console.core.settings import DEMO_PASSWORD
from console.core.transaction import transaction
from console.demo import crowd
from console.hosting.models import ProductKind
from console.hosting.service import add_product
from console.imports.bulk import CHUNK, chunks
from console.staff.roles import Role
from console.staff.service import add_staff

EMAIL = "bench@example.test"
SEED = 1
WARM_UP = 4
MAX_QUERIES = 6
MAX_RATIO = 1.3
# A word of one row only, and one of very many.
QUESTIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "customers": (("rare word", "K-10777"), ("common word", "petrovic")),
    "services": (("rare word", "U-1777"), ("common word", "example")),
    "domains": (("rare word", "777"), ("common word", "example")),
    "proformas": (("rare word", "000777"), ("common word", "petrovic")),
    "stornos": (),
    "audit": (),
}
BY_NAME = ("customers", "domains")
_FRAME = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA", "SAVEPOINT", "RELEASE")


@dataclass
class Measured:
    """Times and numbers of queries of one address on one database."""

    times: list[float] = field(default_factory=list)
    queries: list[int] = field(default_factory=list)

    @property
    def fewest(self) -> int:
        """Return the queries that every request makes: now and then one refreshes settings or notes its session."""
        return min(self.queries)

    @property
    def p50(self) -> float:
        return median(self.times)


def run(small: int, large: int, tries: int, server: str | None, command: str) -> Report:
    """Measure every list with ``small`` and with ``large`` rows, in turns, ``tries`` times each."""
    with ExitStack() as stack:
        places = [_Place(stack.enter_context(temporary_app(server)), rows) for rows in (small, large)]
        results = [(name, what, [_measured() for _ in places], address) for name, what, address in _addresses()]
        for _name, _what, measured, address in results:
            for attempt in range(tries + WARM_UP):
                for place, into in zip(places, measured, strict=True):
                    place.ask(address, into if attempt >= WARM_UP else Measured())
    return _report(results, small, large, tries, server, command)


def _measured() -> Measured:
    return Measured()


def _addresses() -> Iterator[tuple[str, str, str]]:
    for name, questions in QUESTIONS.items():
        yield name, "first page", f"/console/{name}/"
        if name in BY_NAME:
            yield name, "by name", f"/console/{name}/?sort=name"
        for what, words in questions:
            yield name, what, f"/console/{name}/?search={words}"


class _Place:
    """One database with its application and a signed-in supervisor."""

    def __init__(self, app: Flask, rows: int) -> None:
        self._app = app
        with app.app_context():
            load(rows)
            db.session.remove()
        self._client = Client(app)
        sign_in(self._client, EMAIL, DEMO_PASSWORD)

    def ask(self, address: str, into: Measured) -> None:
        with counted_statements(self._app) as count:
            began = time.perf_counter()
            answer = self._client.get(address)
            into.times.append(time.perf_counter() - began)
        into.queries.append(len(count))
        if answer.status_code != 200:
            raise BenchError(f"{address} was answered with {answer.status_code}")


@contextmanager
def counted_statements(app: Flask) -> Iterator[list[str]]:
    """Gather the statements sent, without those that only frame a transaction."""
    seen: list[str] = []

    def on_execute(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.lstrip().upper().startswith(_FRAME):
            seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", on_execute)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", on_execute)


def load(rows: int) -> None:
    """Fill an empty database: ``rows`` of everything, half as many stornos."""
    hashed = hash_password(DEMO_PASSWORD)
    with transaction() as session:
        add_staff(SYSTEM, email=EMAIL, name="Merač Brzine", role=Role.SUPERVISOR, password_hash=hashed)
        products = [
            add_product(SYSTEM, code=code, name=code, kind=kind, price=790_000)
            for code, kind in (("hosting", ProductKind.HOSTING), ("domain", ProductKind.DOMAIN))
        ]
        session.flush()
        crowd.fill(
            session, rows, seed=SEED, today=today(), products=products[:1], domain_product=products[1], even=True
        )
        _cancel_half(session)
    for numbers in chunks(range(rows)):
        with transaction() as session:
            for number in numbers:
                record(SYSTEM, "bench.noted", f"K-{10_001 + number}", customer_id=number + 1)
        session.expunge_all()
    know_the_tables()


def _cancel_half(session: Session) -> None:
    """Give every second pro-forma its storno, in numbers of a series of the bench's own."""
    day, now = today(), clock.now()
    last = 0
    while batch := list(
        session.scalars(
            select(Proforma).where(Proforma.id > last, Proforma.id % 2 == 0).order_by(Proforma.id).limit(CHUNK)
        )
    ):
        session.execute(
            insert(Storno),
            [
                {
                    "number": f"B-{row.id:07d}",
                    "series": "B",
                    "year": day.year,
                    "sequence": row.id,
                    "issued_on": day,
                    "issued_at": now,
                    "buyer": row.buyer,
                    "issuer": row.issuer,
                    "currency": "RSD",
                    "net": -row.net,
                    "tax": -row.tax,
                    "total": -row.total,
                    "proforma_id": row.id,
                    "customer_id": row.customer_id,
                    "reason": "Merenje",
                }
                for row in batch
            ],
        )
        last = batch[-1].id
        session.expunge_all()
    session.execute(
        update(Proforma)
        .where(Proforma.id % 2 == 0)
        .values(status=ProformaStatus.CANCELLED, paid=0)
        .execution_options(synchronize_session=False)
    )


def _report(
    results: list[tuple[str, str, list[Measured], str]],
    small: int,
    large: int,
    tries: int,
    server: str | None,
    command: str,
) -> Report:
    rows = [
        [
            f"{name}, {what}",
            f"{many.p50 / few.p50:.2f}",
            str(few.fewest),
            str(many.fewest),
            milliseconds(few.p50),
            milliseconds(many.p50),
        ]
        for name, what, (few, many), _address in results
    ]
    first = [measured for _name, what, measured, _address in results if what == "first page"]
    worst = max(many.p50 / few.p50 for few, many in first)
    same = all(few.fewest == many.fewest <= MAX_QUERIES for few, many in first)
    return Report(
        section=f"lists-{engine_name(server).lower()}",
        title=f"Lists ({engine_name(server)})",
        command=command,
        verdicts=[
            verdict(
                f"p50 of the first page at {large:,} at most {MAX_RATIO} of that at {small:,} (worst: {worst:.2f})",
                holds=worst <= MAX_RATIO,
            ),
            verdict(f"the same number of queries at both, at most {MAX_QUERIES}", holds=same),
        ],
        header=[
            "list",
            "ratio",
            f"queries at {small:,}",
            f"queries at {large:,}",
            f"p50 at {small:,}",
            f"p50 at {large:,}",
        ],
        rows=rows,
        notes=[
            (
                f"{small:,} and {large:,} customers, services, domains, pro-formas and audit entries each, half as "
                f"many stornos; seed {SEED}; {tries} tries each, in turns; without a network; {machine()}"
            ),
            "a common word is in very many rows: the newest 1,000 hits are taken",
        ],
    )
