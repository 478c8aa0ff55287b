"""The ticket desk at few and at very many tickets, and beside it django-helpdesk with the same ones."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote, urlencode

from flask import Flask
from sqlalchemy import func, select
from werkzeug.test import Client

from benchmarks.helpdesk import VERSION, Desk, Helpdesk
from benchmarks.http import SEE_OTHER, BenchError, Browser, sign_in
from benchmarks.lists import MAX_RATIO, counted_statements
from benchmarks.place import engine_name, know_the_tables, machine, temporary_database
from benchmarks.report import Report, milliseconds, verdict
from benchmarks.serving import PROCESSES, ROOT, generate, gunicorn
from console.app import create_app
from console.billing.service import today
from console.core import clock
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.passwords import hash_password
from console.core.series import Series
from console.core.settings import DEMO_PASSWORD, Settings
from console.core.transaction import transaction
from console.demo import crowd, ticket_crowd
from console.hosting.models import ProductKind
from console.hosting.service import add_product
from console.setup import prepare_database
from console.staff.models import Department
from console.staff.roles import Role
from console.staff.service import add_staff
from console.tickets.models import TICKET_BASE, TICKET_SEARCH, Ticket

EMAIL = "bench@example.test"
SEED = 1
CUSTOMERS = 1_000  # at most; every one with a service, a domain and a document
AGENTS = 30
WARM_UP = 15  # psycopg has a statement prepared at its sixth run, PostgreSQL settles on a plan after five more
CLIENTS = 8
PICKS = 50  # tickets with three messages that are opened in turn
AGAINST = "django-helpdesk"
RARE, COMMON = ticket_crowd.RARE, ticket_crowd.COMMON

LIST, RARE_WORD, COMMON_WORD, OPEN, CREATE, COUNTS = (
    "list, first page", "search, rare word", "search, common word", "open a ticket", "create by form",
    "counts of the views",
)  # fmt: skip
MAX_PAGE_QUERIES = 8
# How many times as fast as django-helpdesk, at least.
GOALS = {LIST: 18.0, RARE_WORD: 50.0, COMMON_WORD: 20.0, OPEN: 2.0, CREATE: 1.0}
READS = (LIST, RARE_WORD, COMMON_WORD, OPEN)


@dataclass
class Side:
    """A served installation: what to ask of it, and what came of it."""

    name: str
    tickets: int
    address: str
    headers: dict[str, str]
    visits: dict[str, list[dict[str, Any]]]
    picks: list[str]
    times: dict[str, list[float]] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)
    queries: dict[str, int] = field(default_factory=dict)
    common: float = 0.0  # of the tickets, that say the common word

    def target(self, visit: str) -> dict[str, Any]:
        """Return a visit as the load generator reads it."""
        steps = self.visits[visit]
        return {
            "name": self.name, "address": self.address, "headers": self.headers, "steps": steps, "picks": self.picks,
        }  # fmt: skip

    def p50(self, visit: str) -> float:
        return median(self.times[visit])


def run(
    small: int, large: int, tries: int, seconds: float, server: str | None, against: str | None, command: str
) -> Report:
    """Measure with ``small`` and ``large`` tickets, in turn with ``against``, ``tries`` times each.

    Raises:
        BenchError: the other one is asked for without a PostgreSQL, or something does not work.
    """
    if against is not None and server is None:
        raise BenchError(f"{AGAINST} is measured on PostgreSQL: name one with --database-url")
    with ExitStack() as stack:
        few, many = (stack.enter_context(_ours(server, count)) for count in (small, large))
        sides: list[Side] = [few, many]
        if against is not None and server is not None:
            sides += [stack.enter_context(_theirs(server, many.app, count)) for count in (small, large)]
        _measure(sides, tries, seconds)
    return _report(sides, tries, seconds, server, command)


def _measure(sides: Sequence[Side], tries: int, seconds: float) -> None:
    """Ask every side in turn, first alone, then with many clients."""
    first = 1
    for visit in (*READS, CREATE):
        measured = [side for side in sides if visit in side.visits]
        times = generate(
            "in turn", [side.target(visit) for side in measured], rounds=tries, warm_up=WARM_UP, first=first
        )
        for side in measured:
            side.times[visit] = times[side.name]
        first += tries + WARM_UP
    for visit in (*READS, CREATE):
        for side in (side for side in sides if side.tickets == sides[1].tickets):
            rates = generate("at once", [side.target(visit)], clients=CLIENTS, seconds=seconds, first=first)
            side.rates[visit] = rates[side.name]
            first += 1_000_000
    ours = sides[1]
    ours.times[COUNTS] = generate("in turn", [ours.target(COUNTS)], rounds=tries, warm_up=WARM_UP, first=1)[ours.name]


# --- Our side ---------------------------------------------------------------------------------------------------------


@dataclass
class _Ours(Side):
    app: Flask = field(kw_only=True)


@contextmanager
def _ours(server: str | None, count: int) -> Iterator[_Ours]:
    """Yield the console, loaded and served."""
    with temporary_database(server) as url:
        app = create_app(Settings(env="development", database_url=url))
        with app.app_context():
            prepare_database()
            load(count)
            db.session.remove()
        environment = {
            "CONSOLE_ENV": "development", "CONSOLE_DATABASE_URL": url, "CONSOLE_CLOCK": "", "CONSOLE_REDIS_URL": "",
        }  # fmt: skip
        try:
            with gunicorn(
                Path(sys.executable),
                "console.wsgi:app",
                "/healthz",
                "-k",
                "gevent",
                folder=ROOT,
                environment=environment,
            ) as address:
                side = _signed_in(app, address, count)
                side.queries, side.common = _our_queries(app, side), _common(app, count)
                yield side
        finally:
            with app.app_context():
                db.session.remove()
                db.engine.dispose()


def load(count: int) -> None:
    """Fill an empty database: staff, customers, and ``count`` tickets."""
    hashed = hash_password(DEMO_PASSWORD)
    with transaction() as session:
        add_staff(SYSTEM, email=EMAIL, name="Merač Brzine", role=Role.AGENT, password_hash=hashed)
        for number in range(AGENTS):
            add_staff(
                SYSTEM, email=f"a{number}@example.test", name=f"Agent {number}", role=Role.AGENT, password_hash=hashed
            )
        products = [
            add_product(SYSTEM, code=code, name=code, kind=kind, price=790_000)
            for code, kind in (("hosting", ProductKind.HOSTING), ("domain", ProductKind.DOMAIN))
        ]
        session.flush()
        people = min(count, CUSTOMERS)
        crowd.fill(
            session, people, seed=SEED, today=today(), products=products[:1], domain_product=products[1], even=True
        )
        drawn = ticket_crowd.Crowd(session, SEED, count, clock.now(), ticket_crowd.MIXED)
        ticket_crowd.fill(drawn)
    know_the_tables()


def _signed_in(app: Flask, address: str, count: int) -> _Ours:
    browser = Browser(f"http://{address}")
    browser.get("/login")
    status, _body = browser.post("/login", email=EMAIL, password=DEMO_PASSWORD)
    if status not in SEE_OTHER:
        raise BenchError(f"signing in was answered with {status}")
    browser.get("/console/tickets/new")
    with app.app_context():
        department = db.session.scalars(select(Department.id).where(Department.private.is_(False)).limit(1)).one()
        db.session.rollback()
    form = {
        "csrf_token": browser.token,
        "requester_email": "pita{n}@example.test",
        "requester_name": "Neko Novi",
        "department": str(department),
        "priority": "2",
        "subject": "Pošta ne stiže {n}",
        "body": "Od jutros pošta ne stiže. Broj {n}.",
        "first": "question",
    }
    list_page = "/console/tickets/"
    visits = {
        LIST: [_get(list_page)],
        RARE_WORD: [_get(f"{list_page}?search={quote(RARE)}")],
        COMMON_WORD: [_get(f"{list_page}?search={quote(COMMON)}")],
        OPEN: [_get(list_page + "{pick}")],
        CREATE: [_post("/console/tickets/new", form)],
        COUNTS: [_get(f"{list_page}counts")],
    }
    picks = [Series.TICKET.number(TICKET_BASE + key) for key in _picks(count)]
    name = f"console, {count:,}"
    return _Ours(name, count, address, {"Cookie": browser.cookie}, visits, picks, app=app)


def _get(path: str) -> dict[str, Any]:
    return {"method": "GET", "path": path, "expect": [200]}


def _post(path: str, form: dict[str, str]) -> dict[str, Any]:
    body = urlencode(form, safe="{}")
    return {"method": "POST", "path": path, "body": body, "expect": list(SEE_OTHER)}


def _picks(count: int) -> list[int]:
    """Return tickets with three messages, spread over all."""
    with_three = range(ticket_crowd.THREE, count + 1, ticket_crowd.THREE)
    return list(with_three[:: max(1, len(with_three) // PICKS)]) or [1]


def _our_queries(app: Flask, side: Side) -> dict[str, int]:
    """Count the statements of each page, asked for the second time."""
    client = Client(app)
    sign_in(client, EMAIL, DEMO_PASSWORD)
    counts = {}
    for visit in READS:
        (step,) = side.visits[visit]
        path = step["path"].replace("{pick}", side.picks[0])
        client.get(path)
        with counted_statements(app) as seen:
            answer = client.get(path)
        if answer.status_code != 200:
            raise BenchError(f"{path} was answered with {answer.status_code}")
        counts[visit] = len(seen)
    with app.app_context():
        db.session.remove()
    return counts


def _common(app: Flask, count: int) -> float:
    with app.app_context():
        hits = TICKET_SEARCH.matches(db.session(), Ticket.id, COMMON, whole=True)
        found = 0 if hits is None else db.session.scalar(select(func.count()).select_from(Ticket).where(hits)) or 0
        db.session.remove()
    return found / count


# --- The other one ----------------------------------------------------------------------------------------------------


@contextmanager
def _theirs(server: str, app: Flask, count: int) -> Iterator[Side]:
    """Yield django-helpdesk with the same tickets, served."""
    with temporary_database(server) as url:
        other = Helpdesk(url)
        other.install()
        with app.app_context():
            departments = db.session.execute(
                select(Department.id, Department.key).where(Department.private.is_(False)).order_by(Department.id)
            ).all()
            queues = {row.id: row.key for row in departments}
            drawn = ticket_crowd.Crowd(db.session(), SEED, count, clock.now(), ticket_crowd.MIXED)
            other.load((drawn.draw(number) for number in range(1, count + 1)), queues)
            db.session.remove()
        with other.served() as address:
            desk = Desk(address)
            shells = {LIST: desk.listing(), RARE_WORD: desk.listing(RARE), COMMON_WORD: desk.listing(COMMON)}
            visits = {visit: [_get(path) for path in paths] for visit, paths in shells.items()}
            visits[OPEN] = [_get("/tickets/{pick}/")]
            visits[CREATE] = [_post("/tickets/submit/", desk.form(1))]
            picks = [str(key) for key in _picks(count)]
            side = Side(f"{AGAINST}, {count:,}", count, address, desk.headers, visits, picks)
            paths = [[step["path"].replace("{pick}", picks[0]) for step in side.visits[visit]] for visit in READS]
            side.queries = dict(zip(READS, other.count_queries(paths), strict=True))
            yield side


# --- The report -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pair:
    """One product with few and with many tickets."""

    few: Side
    many: Side

    def cells(self, visit: str) -> list[str]:
        """Return what is told of a visit."""
        queries = self.many.queries.get(visit)
        return [
            milliseconds(self.few.p50(visit)),
            milliseconds(self.many.p50(visit)),
            "" if queries is None else str(queries),
            f"{self.many.rates[visit]:.0f}",
        ]


def _report(sides: Sequence[Side], tries: int, seconds: float, server: str | None, command: str) -> Report:
    own = _Pair(*sides[:2])
    other = _Pair(*sides[2:]) if len(sides) > 2 else None
    columns = [f"p50 at {own.few.tickets:,}", f"p50 at {own.many.tickets:,}", "queries", f"a second, {CLIENTS} clients"]
    rows = []
    for visit in GOALS:
        if other is None:
            rows.append([visit, *own.cells(visit)])
        else:
            rows.append([visit, _times(visit, own, other), *own.cells(visit), *other.cells(visit)])
    counts = [milliseconds(own.many.p50(COUNTS)), "", ""]
    rows.append([COUNTS, "", *counts] if other is None else [COUNTS, "", "", *counts, *[""] * len(columns)])
    return Report(
        section=f"tickets-{engine_name(server).lower()}",
        title=f"Tickets{f' beside {AGAINST} {VERSION}' if other else ''} ({engine_name(server)})",
        command=command,
        verdicts=_verdicts(own, other),
        header=["what", *columns]
        if other is None
        else ["what", "times as fast", *columns, *(f"{AGAINST}: {name}" for name in columns)],
        rows=rows,
        notes=_notes(own, tries, seconds, other is not None),
    )


def _times(visit: str, own: _Pair, other: _Pair) -> str:
    return f"{other.many.p50(visit) / own.many.p50(visit):.1f}"


def _verdicts(own: _Pair, other: _Pair | None) -> list[str]:
    growth = own.many.p50(LIST) / own.few.p50(LIST)
    most = max(*own.few.queries.values(), *own.many.queries.values())
    verdicts = [
        verdict(
            f"the list's first page with {own.many.tickets:,} tickets takes at most {MAX_RATIO} of what it takes with "
            f"{own.few.tickets:,} ({growth:.2f})",
            holds=growth <= MAX_RATIO,
        ),
        verdict(f"at most {MAX_PAGE_QUERIES} queries a page (most: {most})", holds=most <= MAX_PAGE_QUERIES),
    ]
    if other is not None:
        for visit, expected in GOALS.items():
            times = other.many.p50(visit) / own.many.p50(visit)
            verdicts.append(
                verdict(
                    f"{visit}: at least {expected:g} times as fast as {AGAINST} ({times:.1f})", holds=times >= expected
                )
            )
    return verdicts


def _notes(own: _Pair, tries: int, seconds: float, beside: bool) -> list[str]:
    count = own.many.tickets
    notes = [
        (
            f"{own.few.tickets:,} and {count:,} tickets, one of five with three messages; an agent, signed in; seed "
            f"{SEED}; gunicorn with {PROCESSES} processes; one client on a kept connection, {tries} visits each, in "
            f"turn, after {WARM_UP} that are not counted; then {CLIENTS} clients for {seconds:g} seconds; the load "
            f"generator in a process of its own; {machine()}"
        ),
        f"a rare word is in one ticket, a common one in {own.many.common:.0%}; a search is of every state",
        f"{COUNTS}: fetched by the page's script after the list is shown",
    ]
    if beside:
        notes += [
            (
                f"the same tickets, texts, states and priorities on the same PostgreSQL; {AGAINST} by its own "
                "installation, settings as they come, sync workers, connections kept, no mail sent"
            ),
            (
                "its list is the page and the data that its script asks for at once (25 rows of the open ones; ours 20 "
                "of all); its search looks into subject and first message, ours into every message, customer and tag"
            ),
            "styles, scripts and pictures are not fetched on either side",
        ]
    return notes
