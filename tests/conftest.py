"""Shared fixtures: the app on a database, people to act as, servers, a browser.

A missing component skips its tests here and fails them where ``CI=true``.
pytest never patches gevent: what needs a patched process starts one.

Which database: a test that needs one runs on SQLite. With ``@pytest.mark.both`` it runs on PostgreSQL too, every
time: mark what one database could do differently. That is each list's query, search, sorting and counting; whatever
locks, numbers, claims or races; constraints, bulk SQL and the schema; the audit chain. What is decided before the
database is asked (rights, words, forms, pages) needs no second run. ``--prove`` and ``--all-databases`` run the rest
on PostgreSQL as well, except where a test says ``@pytest.mark.only("sqlite")``.

Which application: tests with the same settings use one after the other, each on a database of its own
(``tests.support.shared_app``). A test that adds a route or a page, or breaks a part, asks for ``own_app``; one that
needs a second application makes it with ``make_app``.
"""

from __future__ import annotations

import gc
import os
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import pytest
from argon2 import PasswordHasher
from flask import Flask
from hypothesis import HealthCheck, is_hypothesis_test
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright
from sqlalchemy.orm import Session

from console.app import create_app
from console.core import clock as core_clock
from console.core import passwords
from console.core.actor import Actor
from console.core.db import db
from console.core.settings import Settings
from console.setup import prepare_database
from console.staff.models import Staff
from console.staff.roles import Role
from tests import factories
from tests.support import postgres, proofs, redis, routing, server, statements
from tests.support.client import ConsoleClient
from tests.support.hashing import CHEAP
from tests.support.reused import Reused
from tests.support.shared_app import SharedApp
from tests.support.templates import CompiledTemplates

DATABASES = ("sqlite", "postgresql")
# The headless shell is Chromium without the browser around it: a page costs half the processor, a context a third.
CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LONG = frozenset({"browser", "own_server", "live_server", "served", "samples", "redis_url"})
_names = count(1)

for _name, _examples, _derandomize in (("sample", 12, True), ("prove", 1_000, False)):
    hypothesis_settings.register_profile(
        _name,
        max_examples=_examples,
        derandomize=_derandomize,
        deadline=None,  # never assert a time
        print_blob=True,
        # One database serves all examples of a test; each example brings its own rows.
        # The same test on the other database is another executor.
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.differing_executors,
        ],
    )


# --- options and collection ---------------------------------------------------------------------------------------


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Run one worker more than there are cores: for a third of their time, tests wait for servers and browsers."""
    return (os.cpu_count() or 1) + 1


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("console")
    group.addoption("--prove", action="store_true", help="full counts of the long proofs; writes docs/proofs.md")
    group.addoption("--all-databases", action="store_true", help="every test on each database it can run on")
    group.addoption("--seed", type=int, default=1, help="seed of the samples (default 1)")


# Databases and files of tests lie in memory where there is room: what a process that is killed has written stays there
# too, and only a machine that loses its power would tell the difference.
MEMORY, ROOM = Path("/dev/shm"), 4 * 1024**3


def pytest_configure(config: pytest.Config) -> None:
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    config.stash[proofs.KEY] = proofs.Proofs()
    routing.keep_compiled()
    statements.keep_compiled()
    gc.set_threshold(20_000, 20, 20)
    if not config.getoption("--hypothesis-profile", default=None):
        hypothesis_settings.load_profile("prove" if config.getoption("--prove") else "sample")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what needs a database on SQLite; on both what is marked so, and with ``--prove`` whatever can."""
    if "database" not in metafunc.fixturenames:
        return
    only = metafunc.definition.get_closest_marker("only")
    names = only.args if only else ("sqlite",) if "sqlite_app" in metafunc.fixturenames else DATABASES
    always = only or metafunc.definition.get_closest_marker("both") or metafunc.config.getoption("--all-databases")
    runs = [
        pytest.param(
            name, marks=[getattr(pytest.mark, name), *([] if always or name == "sqlite" else [pytest.mark.full])]
        )
        for name in names
    ]
    metafunc.parametrize("database", runs, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only ``--prove`` runs, its sample stands beside it; and with it, what it would but repeat."""
    proving = config.getoption("--prove")
    left_out = {item for item in items if (not _is_longer(item) if proving else item.get_closest_marker("full"))}
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]
    items[:] = _dealt(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _dealt(items: list[pytest.Item], processes: int) -> list[pytest.Item]:
    """Order items so that each process of pytest-xdist begins with its share of what takes long.

    Its scheduler gives each an equal part of the list, and what is left at the end goes to who is free: that must be
    short. Modules stay together, for what their tests share.
    """
    if processes < 2:
        return items
    modules: dict[str, list[pytest.Item]] = {}
    for item in items:
        modules.setdefault(item.nodeid.partition("::")[0], []).append(item)
    long = [module for module in modules.values() if any(map(_takes_long, module))]
    short = [item for module in modules.values() if not any(map(_takes_long, module)) for item in module]
    part = -(-len(items) // processes)
    dealt: list[pytest.Item] = []
    for number in range(processes):
        first = [item for module in long[number::processes] for item in module]
        taken = max(0, part - len(first))
        dealt += first + short[:taken]
        del short[:taken]
    return dealt + short


def _takes_long(item: pytest.Item) -> bool:
    """Return whether a test drives a browser, serves a console, repeats something many times, or says so."""
    is_marked = item.get_closest_marker("long") is not None
    return is_marked or not LONG.isdisjoint(getattr(item, "fixturenames", ()))


def _is_longer(item: pytest.Item) -> bool:
    """Return whether a test does more with ``--prove`` than without, or notes what it proved."""
    repeating = {"prove", "samples", "proof"} & set(getattr(item, "fixturenames", ()))
    return (
        bool(repeating) or item.get_closest_marker("full") is not None or is_hypothesis_test(getattr(item, "obj", None))
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    noted = session.config.stash[proofs.KEY]
    output = getattr(session.config, "workeroutput", None)
    if output is not None:  # a process of pytest-xdist: what was noted goes to the one that gathers
        output["proofs"] = noted.lines
        return
    if session.config.getoption("--prove"):
        noted.write(server.ROOT / "docs" / "proofs.md", keep=not _is_whole(session.config))
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if in_ci() and skipped:
        reporter.write_line(f"{len(skipped)} tests were skipped; where CI=true none may be", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Gather what a process of pytest-xdist noted."""
    for test, lines in getattr(node, "workeroutput", {}).get("proofs", {}).items():
        for line in lines:
            node.config.stash[proofs.KEY].note(test, line)


def _is_whole(config: pytest.Config) -> bool:
    """Return whether every test was asked for, not some by name or mark."""
    return config.args_source is config.ArgsSource.TESTPATHS and not (config.option.keyword or config.option.markexpr)


def in_ci() -> bool:
    return os.environ.get("CI") == "true"


def missing(what: str) -> NoReturn:
    """Skip for want of ``what``; where everything must be there, fail."""
    if in_ci():
        pytest.fail(f"missing: {what}")
    pytest.skip(f"missing: {what}")


# --- how much ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def prove(pytestconfig: pytest.Config) -> bool:
    """Whether the long proofs run at full count."""
    return bool(pytestconfig.getoption("--prove"))


@pytest.fixture(scope="session")
def samples(prove: bool) -> Callable[[int, int], int]:
    """Choose a count: ``samples(full, sample)``."""
    return lambda full, sample: full if prove else sample


@pytest.fixture
def rng(pytestconfig: pytest.Config) -> random.Random:
    """Random choices that a run can repeat with ``--seed``."""
    return random.Random(pytestconfig.getoption("--seed"))  # noqa: S311


@pytest.fixture
def proof(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Note one result of a long proof: ``proof("200 kills, 0 half states")``."""
    recorded = request.config.stash[proofs.KEY]
    return lambda line: recorded.note(request.node.nodeid, line)


@pytest.fixture(scope="session", autouse=True)
def strong_hasher() -> Iterator[PasswordHasher]:
    """Let passwords of tests cost nothing, here as in the servers that are forked; the real one, for who wants it.

    What is started from cold takes the real one too.
    """
    strong, passwords.HASHER = passwords.HASHER, CHEAP
    yield strong
    passwords.HASHER = strong


# --- the app on a database ----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "console.sqlite3"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Postgres]:
    """A private PostgreSQL."""
    with ExitStack() as stack:
        try:
            instance = stack.enter_context(postgres.running())
        except postgres.NoPostgres as error:
            missing(str(error))
        yield instance


@pytest.fixture(scope="session")
def _reused(postgres_server: postgres.Postgres) -> Reused:
    """Migrated PostgreSQL databases."""
    _migrate(postgres_server.create("migrated"))
    return Reused(postgres_server, "migrated")


def _migrate(url: str) -> None:
    app = create_app(Settings(database_url=url))
    with app.app_context():
        prepare_database()
        db.session.remove()
        db.engine.dispose()  # the last connection folds SQLite's WAL into the file, and frees the template


@contextmanager
def _fresh_sqlite(request: pytest.FixtureRequest) -> Iterator[str]:
    folder: Path = request.getfixturevalue("tmp_path")
    target = folder / f"console-{next(_names)}.sqlite3"
    shutil.copyfile(request.getfixturevalue("_sqlite_template"), target)
    yield f"sqlite:///{target}"


@contextmanager
def _fresh_postgres(request: pytest.FixtureRequest) -> Iterator[str]:
    reused: Reused = request.getfixturevalue("_reused")
    name = reused.take()
    yield request.getfixturevalue("postgres_server").url(name)
    reused.give_back(name)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a fresh, migrated, empty database of the kind this run is for."""
    fresh = _fresh_sqlite if request.param == "sqlite" else _fresh_postgres
    with fresh(request) as url:
        yield url


@pytest.fixture
def settings(database: str, tmp_path: Path) -> Settings:
    """Settings on a fresh database. Override the fixture, or ``replace()`` fields, to change them."""
    return replace(
        Settings(),
        database_url=database,
        audit_anchor=str(tmp_path / "anchor.json"),
        files=str(tmp_path / "files"),
    )


@pytest.fixture(scope="session")
def _compiled_templates(_made_databases: None) -> CompiledTemplates:
    return CompiledTemplates(server.templates_folder())


@pytest.fixture(scope="session")
def _build_app(_compiled_templates: CompiledTemplates) -> Callable[[Settings], Flask]:
    def build(settings: Settings) -> Flask:
        app = create_app(settings)
        app.test_client_class = ConsoleClient
        app.jinja_env.bytecode_cache = _compiled_templates
        return app

    return build


@pytest.fixture
def make_app(_build_app: Callable[[Settings], Flask]) -> Iterator[Callable[[Settings], Flask]]:
    """Make further applications, as with other settings on the same database: ``make_app(replace(settings, …))``."""
    made: list[Flask] = []

    def make(settings: Settings) -> Flask:
        made.append(_build_app(settings))
        return made[-1]

    yield make
    for app in made:
        _let_go(app)


@pytest.fixture(scope="session")
def _shared_app(_build_app: Callable[[Settings], Flask]) -> SharedApp:
    return SharedApp(_build_app)


@pytest.fixture
def app(request: pytest.FixtureRequest, settings: Settings, _shared_app: SharedApp) -> Iterator[Flask]:
    """The application on a fresh database: on SQLite, and where the test is marked so on PostgreSQL too.

    Tests with the same settings have one after the other the same application, on databases of their own.
    """
    if "own_app" in request.fixturenames:
        app = request.getfixturevalue("_build_app")(settings)
    else:
        app = _shared_app.lend(settings)
    yield app
    _let_go(app)


def _let_go(app: Flask) -> None:
    """Close what an application holds of its database."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def own_app(app: Flask) -> Flask:
    """The application, made for this test alone: for what adds a route or a page to it, or breaks a part of it."""
    return app


@pytest.fixture
def sqlite_app(app: Flask) -> Flask:
    """The application, on SQLite alone: for what cannot depend on the database."""
    return app


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """An application context with its session. Write inside ``with transaction():``."""
    with app.app_context():
        yield db.session()
        db.session.remove()


@pytest.fixture
def client(app: Flask, session: Session) -> ConsoleClient:
    """A browser without JavaScript. ``session`` sees what its requests committed."""
    made = app.test_client()
    assert isinstance(made, ConsoleClient)
    return made


@pytest.fixture
def new_client(app: Flask, session: Session) -> Callable[[], ConsoleClient]:
    """Make further browsers, each with its own cookies."""

    def make() -> ConsoleClient:
        made = app.test_client()
        assert isinstance(made, ConsoleClient)
        return made

    return make


@pytest.fixture
def staff_of(session: Session) -> Callable[[Role | str], Staff]:
    """Return this test's staff member of a role, made when first asked for."""
    made: dict[Role, Staff] = {}

    def of(role: Role | str) -> Staff:
        role = Role(role)
        if role not in made:
            made[role] = factories.make_staff(role)
        return made[role]

    return of


@pytest.fixture
def actor(staff_of: Callable[[Role | str], Staff]) -> Callable[[Role | str], Actor]:
    """Return who acts: ``actor("billing")``."""
    return lambda role: staff_of(role).actor("127.0.0.1")


@pytest.fixture
def in_threads() -> Callable[[Callable[[], None], int], None]:
    """Run something in several threads at once: ``in_threads(work, 8)``. The first failure is raised here."""

    def run(work: Callable[[], None], threads: int) -> None:
        together = threading.Barrier(threads)

        def begin() -> None:
            together.wait()
            work()

        with ThreadPoolExecutor(threads) as pool:
            for future in [pool.submit(begin) for _ in range(threads)]:
                future.result()

    return run


class Clock:
    """The console's clock in the test's hand, and the machine's with it."""

    def set(self, instant: datetime) -> None:
        """Let it run on from ``instant``."""
        core_clock.start_at(instant, machine=True)

    def advance(self, by: timedelta) -> None:
        """Move it ahead."""
        core_clock.start_at(core_clock.now() + by, machine=True)

    def now(self) -> datetime:
        return core_clock.now()


@pytest.fixture
def clock() -> Clock:
    """Set and move the console's clock; it is put back afterwards."""
    return Clock()


@pytest.fixture(autouse=True)
def _reset_clock() -> Iterator[None]:
    yield
    core_clock.reset()


# --- servers and browser ------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A private Redis."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(redis.running())
        except redis.NoRedis as error:
            missing(str(error))
        yield url


@pytest.fixture(scope="session", autouse=True)
def _made_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let all processes of a run of pytest-xdist share what takes long to make."""
    own = tmp_path_factory.getbasetemp()
    server.keep_made_in((own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "made")
    yield
    server.stop_forking()


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.LiveServer]:
    """``console serve`` with demo data, one for the whole run. Do not change what other tests look at."""
    with server.serving(tmp_path_factory.mktemp("live"), demo=True) as live:
        yield live


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Callable[..., server.LiveServer]]:
    """Start a server for this test alone: ``own_server(demo=True, DATABASE_URL=…)``."""
    with ExitStack() as stack:

        def start(*, demo: bool = False, cold: bool = False, **settings: str) -> server.LiveServer:
            return stack.enter_context(server.serving(tmp_path, demo=demo, cold=cold, **settings))

        yield start


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    program = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if program is None:
        missing("Chromium (Debian: apt-get install chromium-headless-shell)")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield running
        running.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages: ``new_page(width=390, height=844, language="en", dark=True)``.

    Afterwards the test fails on whatever any of them met: a script error, a
    CSP report, a console error, a request to another host.
    """
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_page(*, width: int = 1280, height: int = 720, language: str = "sr-Latn-RS", dark: bool = False) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            locale=language,
            color_scheme="dark" if dark else "light",
            timezone_id="Europe/Belgrade",
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        _watch(page, problems)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems, "\n".join(problems)


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """One page at 1280×720, Serbian, light."""
    return new_page()


def _watch(page: Page, problems: list[str]) -> None:
    def on_console(message: ConsoleMessage) -> None:
        # A refused form answers 4xx on purpose, and Chromium reports that here. A missing file is a fault.
        refused = "the server responded with a status of 4" in message.text
        # What a test itself cut off (route.abort); a server that is gone says something else.
        refused = refused or message.text.endswith(("net::ERR_FAILED", "net::ERR_INTERNET_DISCONNECTED"))
        expected = refused and "/static/" not in message.location.get("url", "")
        # The threaded server of tests/views speaks no WebSocket: the pages then poll, and say so.
        expected = expected or message.text.startswith("WebSocket connection to")
        # htmx says of a request that failed what Chromium has said, and of one that a newer replaced (hx-sync).
        own = ("htmx:afterRequest, ", "htmx:sendError, ", "htmx:sendAbort, ")
        expected = expected or message.text.startswith(own)
        if message.type == "error" and not expected:
            problems.append(f"{page.url}: console: {message.text}")

    def on_request(request: Request) -> None:
        host = urlsplit(request.url).hostname
        if host not in (None, "127.0.0.1", "localhost"):
            problems.append(f"{page.url}: asked another host: {request.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: problems.append(f"{page.url}: script: {error}"))
    page.on("request", on_request)
