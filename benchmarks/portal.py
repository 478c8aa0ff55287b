"""Moj Mint among few accounts and among very many, and one zone with few records and with very many."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

from flask import Flask
from werkzeug.test import Client

from benchmarks.http import SEE_OTHER, BenchError, token_in
from benchmarks.lists import SEED, WARM_UP, Measured, counted_statements, load
from benchmarks.place import engine_name, know_the_tables, machine, temporary_app
from benchmarks.report import Report, milliseconds, verdict
from console.billing.service import LineDraft, issue_proforma, today
from console.core import clock
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.passwords import hash_password
from console.core.settings import DEMO_PASSWORD
from console.core.transaction import transaction
from console.customers.models import Customer
from console.customers.service import CustomerData, MemberData, add_member, register_customer
from console.demo import ticket_crowd
from console.hosting import service as hosting
from console.hosting.dns.models import RecordType
from console.hosting.dns.rules import RecordData
from console.hosting.dns.service import replace_zone
from console.hosting.models import Domain, Product, ProductKind
from console.hosting.service import ServiceData, add_product
from console.tickets.models import TicketSource
from console.tickets.queries import departments
from console.tickets.service.opening import NewTicket, open_ticket

EMAIL = "portal@example.test"
OF_EACH = 12  # services, domains, documents and tickets of the account that is looked at
MAX_STATEMENTS = 8
MAX_RATIO = 1.3
DOMAIN = "merenje-0.example.rs"
PAGES = (
    "/moj/", "/moj/services/", "/moj/domains/", "/moj/domains/dns", "/moj/documents/", "/moj/tickets/", "/moj/mails/",
    "/moj/users/", "/moj/contacts/", "/moj/quotes/", "/moj/requests/", "/moj/migrations/", "/moj/security",
)  # fmt: skip


@dataclass
class Row:
    """One page or one act, at both sizes."""

    name: str
    few: Measured
    many: Measured

    @property
    def ratio(self) -> float:
        return self.many.p50 / self.few.p50


class _Place:
    """A console with ``rows`` accounts, and one more whose owner is signed in."""

    def __init__(self, app: Flask, rows: int, records: int) -> None:
        self._app = app
        with app.app_context():
            load(rows)
            with transaction() as session:
                ticket_crowd.fill(ticket_crowd.Crowd(session, SEED, rows, clock.now(), ticket_crowd.MIXED))
            _account(records)
            know_the_tables()
            db.session.remove()
            db.engine.dispose()
        self._client = Client(app)
        answer = self._post("/moj/login", "/moj/login", email=EMAIL, password=DEMO_PASSWORD)
        if answer not in SEE_OTHER:
            raise BenchError(f"signing in was answered with {answer}")

    def ask(self, path: str, into: Measured) -> None:
        with counted_statements(self._app) as count:
            began = time.perf_counter()
            status = self._client.get(path).status_code
            into.times.append(time.perf_counter() - began)
        into.queries.append(len(count))
        if status != 200:
            raise BenchError(f"{path} was answered with {status}")

    def add_record(self, number: int, into: Measured) -> None:
        """Add a record to the zone, as its form does."""
        path = f"/moj/domains/{DOMAIN}/records"
        page = self._client.get(path).text
        fields = {"name": f"novi{number}", "type": "A", "ttl": "3600", "value": "203.0.113.9"}
        version = page.split('name="version"', 1)[1].split('value="', 1)[1].split('"', 1)[0]
        with counted_statements(self._app) as count:
            began = time.perf_counter()
            answer = self._client.post(path, data={"csrf_token": token_in(page), "version": version, **fields})
            into.times.append(time.perf_counter() - began)
        into.queries.append(len(count))
        if answer.status_code not in SEE_OTHER:
            raise BenchError(f"adding a record was answered with {answer.status_code}")

    def _post(self, page: str, path: str, **fields: str) -> int:
        token = token_in(self._client.get(page).text)
        return self._client.post(path, data={"csrf_token": token, **fields}).status_code


def _account(records: int) -> None:
    """Open the account that is looked at; the zone of its first domain has this many records."""
    with transaction():
        customer = register_customer(SYSTEM, CustomerData(name="Merenje"))
        hashed = hash_password(DEMO_PASSWORD)
        add_member(SYSTEM, customer, MemberData(email=EMAIL, name="Merenje", password_hash=hashed))
        product = add_product(SYSTEM, code="merenje", name="Merenje", kind=ProductKind.DOMAIN, price=790_000)
        domains = [_domain(customer, product, number) for number in range(OF_EACH)]
        for number in range(OF_EACH):
            _ticket(customer, number)
    lines = [RecordData(f"r{number}", RecordType.A, 3600, "203.0.113.7") for number in range(records)]
    with transaction():
        replace_zone(SYSTEM, domains[0].id, lines, 0)


def _domain(customer: Customer, product: Product, number: int) -> Domain:
    """Start a service with its domain, and a document to pay for it."""
    day = today()
    data = ServiceData(f"merenje-{number}.example.rs", day - timedelta(days=300), day + timedelta(days=65))
    service = hosting.start_service(SYSTEM, customer, product, data)
    db.session.flush()
    issue_proforma(SYSTEM, customer, [LineDraft("Produženje", 790_000, service_id=service.id)])
    return hosting.register_domain(SYSTEM, service, data.label, data.started_on, data.paid_until)


def _ticket(customer: Customer, number: int) -> None:
    """Open a ticket, of which its requester is mailed."""
    department = departments()[0].id
    open_ticket(
        SYSTEM,
        NewTicket(
            f"Pitanje {number}", "Kako se ovo radi?", EMAIL, department, TicketSource.PORTAL, customer_id=customer.id
        ),
    )


def run(small: int, large: int, tries: int, server: str | None, command: str) -> Report:
    """Open each page with ``small`` and with ``large`` accounts around, in turns, ``tries`` times each."""
    few_records, many_records = small // 10, large // 10
    with ExitStack() as stack:
        sizes = ((small, few_records), (large, many_records))
        places = [_Place(stack.enter_context(temporary_app(server)), rows, records) for rows, records in sizes]
        pages = [_row(path, places, tries) for path in PAGES]
        zone = [
            _row(f"/moj/domains/{DOMAIN}/records", places, tries, "a zone, its first page"),
            _added(places, tries),
        ]
    return _report(pages, zone, (small, large), (few_records, many_records), tries, server, command)


def _row(path: str, places: list[_Place], tries: int, name: str = "") -> Row:
    row = Row(name or path, Measured(), Measured())
    for attempt in range(tries + WARM_UP):
        for place, into in zip(places, (row.few, row.many), strict=True):
            place.ask(path, into if attempt >= WARM_UP else Measured())
    return row


def _added(places: list[_Place], tries: int) -> Row:
    row = Row("a zone, a record added", Measured(), Measured())
    for attempt in range(tries + WARM_UP):
        for place, into in zip(places, (row.few, row.many), strict=True):
            place.add_record(attempt, into if attempt >= WARM_UP else Measured())
    return row


def _report(
    pages: list[Row],
    zone: list[Row],
    accounts: tuple[int, int],
    records: tuple[int, int],
    tries: int,
    server: str | None,
    command: str,
) -> Report:
    engine = engine_name(server)
    worst = max(pages, key=lambda row: row.ratio)
    most = max(row.many.fewest for row in pages)
    return Report(
        section=f"portal-{engine.lower()}",
        title=f"Moj Mint among {accounts[1]:,} accounts ({engine})",
        command=command,
        verdicts=[
            verdict(
                f"each page takes at most {MAX_RATIO} of its time at {accounts[0]:,} accounts "
                f"(worst: {worst.ratio:.2f}, {worst.name})",
                holds=worst.ratio <= MAX_RATIO,
            ),
            verdict(f"at most {MAX_STATEMENTS} statements a page (most: {most})", holds=most <= MAX_STATEMENTS),
        ],
        header=["page", "ratio", "statements", f"p50 at {accounts[0]:,}", f"p50 at {accounts[1]:,}"],
        rows=[
            [row.name, f"{row.ratio:.2f}", str(row.many.fewest), milliseconds(row.few.p50), milliseconds(row.many.p50)]
            for row in [*pages, *zone]
        ],
        notes=[
            (
                f"{accounts[0]:,} and {accounts[1]:,} accounts with a service, domain, pro-forma and ticket each; the "
                f"one that is signed in has {OF_EACH} of each, and a zone of {records[0]:,} and of {records[1]:,} "
                f"records; {tries} tries each, in turns; without a network; {machine()}"
            )
        ],
    )
