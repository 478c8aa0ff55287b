"""What the rules cost: executions against the same rows written plainly, and with many documents around."""

from __future__ import annotations

import time
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median
from typing import Any

from flask import Flask
from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session

from benchmarks.http import BenchError
from benchmarks.place import engine_name, know_the_tables, machine, temporary_app
from benchmarks.report import Report, milliseconds, verdict
from console.audit.models import AuditEntry, AuditHead
from console.billing import migration as migrate
from console.billing.migration.plan_data import lock_migration
from console.billing.models import (
    PROFORMA_SEARCH,
    Migration,
    MigrationState,
    NumberSeries,
    Proforma,
    ProformaLine,
    ProformaStatus,
    Storno,
)
from console.billing.service import LineDraft, issue_proforma, today
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.db import Base, db
from console.core.idempotency import IdempotencyKey
from console.core.transaction import transaction
from console.customers.models import Customer
from console.customers.service import CustomerData, MemberData, add_member, register_customer
from console.customers.verification.pins import current_pin
from console.customers.verification.service import verify
from console.hosting.models import Ownership, Product, ProductKind, Service
from console.hosting.service import ServiceData, add_product, start_service
from console.imports.bulk import NewLine, NewProforma, chunks, insert_proformas
from console.mail.models import Mail
from console.staff.models import Staff
from console.staff.roles import Role
from console.staff.service import add_staff

MIN_RATE = 0.5
MAX_COST = 1.3
PRICE = 790_000
WARM_UP = 3


def run(count: int, small: int, large: int, server: str | None, command: str) -> Report:
    """Execute ``count`` migrations with ``small`` and with ``large`` open documents around, and ``count`` plainly."""
    with ExitStack() as stack:
        few, many = (_Place(stack.enter_context(temporary_app(server)), around) for around in (small, large))
        few.prepare(2 * (count + WARM_UP))
        many.prepare(count + WARM_UP)
        rules, plain, crowded = _Times(), _Times(), _Times()
        for attempt in range(count + WARM_UP):
            warm = attempt < WARM_UP
            few.execute(_Times() if warm else rules)
            few.write_plainly(_Times() if warm else plain)
            many.execute(_Times() if warm else crowded)
        few.check_same_rows()
    return _report(rules, plain, crowded, small, large, server, command)


@dataclass
class _Times:
    seconds: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.seconds) / sum(self.seconds)

    @property
    def p50(self) -> float:
        return median(self.seconds)


class _Place:
    """One database: an account with ``around`` open documents, and services about to leave it."""

    def __init__(self, app: Flask, around: int) -> None:
        self._app = app
        self._around = around
        self._approved: list[tuple[str, str]] = []
        self._by_rules: dict[str, int] = {}
        self._plainly: dict[str, int] = {}
        self._template: dict[str, list[dict[str, Any]]] = {}

    def prepare(self, count: int) -> None:
        """Ask for ``count`` migrations of one service each and approve them."""
        with self._app.app_context():
            with transaction():
                requested = self._ask(count)
            with transaction():
                for ref in requested:
                    plan = migrate.plan_for(lock_migration(ref)).digest
                    migrate.approve(self._billing(), ref, plan, f"approve-{ref}")
                    self._approved.append((ref, plan))
            know_the_tables()
            db.session.remove()

    def _ask(self, count: int) -> list[str]:
        product = add_product(SYSTEM, code="hosting", name="Hosting", kind=ProductKind.HOSTING, price=PRICE)
        for role in (Role.AGENT, Role.BILLING):
            add_staff(SYSTEM, email=f"{role.value}@example.test", name=role.value, role=role, password_hash="!")  # noqa: S106
        old, new = (register_customer(SYSTEM, CustomerData(name=name)) for name in ("Stari vlasnik", "Novi vlasnik"))
        owner = add_member(SYSTEM, old, MemberData(email="stari@example.test", name="Stari vlasnik"))
        add_member(SYSTEM, new, MemberData(email="novi@example.test", name="Novi vlasnik"))
        services = [self._service(old, product, number) for number in range(count)]
        self._fill_around(db.session(), old, product)
        pin, _until = current_pin(owner)
        agent = self._staff(Role.AGENT)
        verification = verify(agent, email="stari@example.test", pin=pin, channel="phone")
        if verification is None:
            raise BenchError("the bench's own PIN was refused")
        return [
            migrate.request_migration(
                agent, migrate.Request((service.id,), new.number, verification.id, "Merenje"), f"ask-{service.id}"
            )["ref"]
            for service in services
        ]

    def _service(self, owner: Customer, product: Product, number: int) -> Service:
        """Start a service with a document that it shares with a line of no service."""
        data = ServiceData(
            label=f"merenje-{number}.example.rs", started_on=today(), paid_until=today() + timedelta(days=365)
        )
        service = start_service(SYSTEM, owner, product, data)
        issue_proforma(
            SYSTEM, owner, [LineDraft("Hosting", PRICE, 2000, service.id), LineDraft("Podešavanje", PRICE, 2000)]
        )
        return service

    def _fill_around(self, session: Session, owner: Customer, product: Product) -> None:
        other = start_service(
            SYSTEM,
            owner,
            product,
            ServiceData(label="ostaje.example.rs", started_on=today(), paid_until=today() + timedelta(days=365)),
        )
        line = NewLine("Hosting", PRICE, 2000, PRICE // 5, service_id=other.id)
        for numbers in chunks(range(self._around)):
            insert_proformas(
                session,
                [
                    NewProforma(
                        number=f"B-{number}",
                        customer_id=owner.id,
                        buyer=owner.buyer(),
                        issued_on=today(),
                        due_on=today() + timedelta(days=8),
                        currency="RSD",
                        language="sr_Latn",
                        reference=f"{number}",
                        lines=(line,),
                    )
                    for number in numbers
                ],
            )

    def execute(self, into: _Times) -> None:
        """Execute the next migration by its verb."""
        ref, plan = self._approved.pop()
        with self._app.app_context():
            before = _counts()
            billing = self._billing()
            db.session.remove()
            began = time.perf_counter()
            with transaction():
                migrate.execute(billing, ref, plan, f"execute-{ref}")
            into.seconds.append(time.perf_counter() - began)
            self._by_rules = _grown(before)
            self._template = self._template or _written(ref)
            db.session.remove()

    def write_plainly(self, into: _Times) -> None:
        """Write what executing the next migration would, from what the first one wrote, and check nothing."""
        ref, _plan = self._approved.pop()
        key, rows = int(ref.removeprefix("M-")), deepcopy(self._template)
        with self._app.app_context():
            before = _counts()
            db.session.remove()
            began = time.perf_counter()
            with transaction() as session:
                _write(session, key, rows)
            into.seconds.append(time.perf_counter() - began)
            self._plainly = _grown(before)
            db.session.remove()

    def check_same_rows(self) -> None:
        """Raise unless both ways grew the same tables by the same numbers of rows."""
        if self._by_rules != self._plainly:
            raise BenchError(f"not the same rows: {self._by_rules} by the verb, {self._plainly} plainly")

    def _billing(self) -> Actor:
        return self._staff(Role.BILLING)

    def _staff(self, role: Role) -> Actor:
        return db.session.scalars(select(Staff).where(Staff.role == role)).one().actor("127.0.0.1")


_GROWING: tuple[type[Base], ...] = (AuditEntry, IdempotencyKey, Mail, Ownership, Proforma, ProformaLine, Storno)


def _counts() -> dict[str, int]:
    return {model.__tablename__: db.session.scalar(select(func.count()).select_from(model)) or 0 for model in _GROWING}


def _grown(before: dict[str, int]) -> dict[str, int]:
    return {table: count - before[table] for table, count in _counts().items()}


def _written(ref: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows that executing ``ref`` added, as plain values without their keys."""
    migration = int(ref.removeprefix("M-"))
    session = db.session()
    documents = list(session.scalars(select(Proforma).where(Proforma.migration_id == migration).order_by(Proforma.id)))
    return {
        "mail": [_values(mail) for mail in session.scalars(select(Mail).order_by(Mail.id.desc()).limit(2))],
        "audit": [_values(row) for row in session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(2))],
        "documents": [_values(document) for document in documents],
        "lines": [_values(line) for document in documents for line in document.lines],
        "storno": [_values(row) for row in session.scalars(select(Storno).where(Storno.migration_id == migration))],
        "key": [_values(session.scalars(select(IdempotencyKey).where(IdempotencyKey.key == f"execute-{ref}")).one())],
    }


def _values(row: Base) -> dict[str, Any]:
    mapper = inspect(type(row))
    return {column.key: getattr(row, column.key) for column in mapper.column_attrs if column.key != "id"}


def _write(session: Session, key: int, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Write one migration's rows as a program without rules would."""
    migration = session.get_one(Migration, key)
    (item,) = migration.items
    service = session.get_one(Service, item.service_id)
    source = session.scalars(select(Proforma).join(ProformaLine).where(ProformaLine.service_id == service.id)).one()
    now = clock.now()
    answer = session.merge(IdempotencyKey(**rows["key"][0] | {"scope": "plain", "key": f"plain-{key}", "answer": None}))
    answer.answer = rows["key"][0]["answer"]
    year = today().year
    for series in ("PR", "ST"):
        session.get_one(NumberSeries, (series, year)).last += 1
    source.status = ProformaStatus.CANCELLED
    session.add(
        Storno(**rows["storno"][0] | {"number": f"plain-{key}", "sequence": 10**6 + key, "proforma_id": source.id})
    )
    for place, (values, line) in enumerate(zip(rows["documents"], rows["lines"], strict=True)):
        number = {"number": f"plain-{key}-{place}", "sequence": 10**6 + 2 * key + place, "source_id": source.id}
        document = Proforma(**values | number, lines=[ProformaLine(**_without(line, "proforma_id"))])
        session.add(document)
        session.flush()
        PROFORMA_SEARCH.put(session, document.id, document.searchable())
    service.customer_id = migration.to_customer_id
    owned = session.scalars(
        select(Ownership).where(Ownership.service_id == service.id, Ownership.to_at.is_(None))
    ).one()
    owned.to_at = now
    session.flush()
    session.add(Ownership(service_id=service.id, customer_id=service.customer_id, from_at=now, cause=migration.ref))
    migration.state, migration.ended_at = MigrationState.EXECUTED, now
    item.open = False
    for place, mail in enumerate(rows["mail"]):
        session.add(Mail(**mail | {"message_id": f"<plain-{key}-{place}@example.test>"}))
    head = session.scalars(select(AuditHead)).one()
    for entry in rows["audit"]:
        head.last += 1
        session.add(AuditEntry(id=head.last, **entry))


def _without(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}


def _report(
    rules: _Times, plain: _Times, crowded: _Times, small: int, large: int, server: str | None, command: str
) -> Report:
    engine = engine_name(server)
    share, cost = rules.rate / plain.rate, crowded.p50 / rules.p50
    return Report(
        section=f"migrations-{engine.lower()}",
        title=f"Migrations ({engine})",
        command=command,
        verdicts=[
            verdict(f"at least {MIN_RATE} of the rate of plain ORM ({share:.2f})", holds=share >= MIN_RATE),
            verdict(
                f"with {large:,} open documents around at most {MAX_COST} of the cost with {small:,} ({cost:.2f})",
                holds=cost <= MAX_COST,
            ),
        ],
        header=["what", "rate to plain", "a second", "p50"],
        rows=[
            [name, f"{times.rate / plain.rate:.2f}", f"{times.rate:.0f}", milliseconds(times.p50)]
            for name, times in (
                (f"executed, {small:,} documents around", rules),
                (f"plain ORM, {small:,} documents around", plain),
                (f"executed, {large:,} documents around", crowded),
            )
        ],
        notes=[
            (
                f"{len(rules.seconds)} migrations of each kind, in turns, each of one service with one document of two "
                f"lines, one of which stays: a storno and two documents; a transaction each; {machine()}"
            ),
            "the documents around are open ones of the account that the service leaves",
            (
                "plain ORM writes as many rows into the same tables (counted), with values made before, and checks, "
                "locks, renders and chains nothing"
            ),
        ],
    )
