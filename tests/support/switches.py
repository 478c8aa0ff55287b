"""A server that watches itself: does anything yield inside a SQLite write transaction?

Run as a process of its own: ``python -m tests.support.switches <database file> [--offend]``.
It serves real requests to many clients at once on gevent and traces every switch
between greenlets. A greenlet that is left while its connection holds the write
lock is an offence: the next writer would stop the whole hub until the busy timeout.
"""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import re  # noqa: E402
import sys  # noqa: E402
import traceback  # noqa: E402
from collections import Counter  # noqa: E402
from http.cookiejar import CookieJar  # noqa: E402
from typing import Any  # noqa: E402
from urllib.error import HTTPError  # noqa: E402
from urllib.parse import urlencode  # noqa: E402
from urllib.request import HTTPCookieProcessor, build_opener  # noqa: E402

import gevent  # noqa: E402
import greenlet  # noqa: E402
from flask import Flask  # noqa: E402
from gevent import pywsgi  # noqa: E402
from sqlalchemy import event  # noqa: E402
from sqlalchemy.engine import Connection  # noqa: E402

from console import worker  # noqa: E402
from console.app import create_app  # noqa: E402
from console.audit.service import record  # noqa: E402
from console.core import passwords  # noqa: E402
from console.core.actor import SYSTEM  # noqa: E402
from console.core.db import WRITES, db  # noqa: E402
from console.core.settings import Settings  # noqa: E402
from console.core.transaction import transaction  # noqa: E402
from console.setup import prepare_database  # noqa: E402
from console.staff.roles import Role  # noqa: E402
from tests import factories  # noqa: E402
from tests.support.hashing import CHEAP  # noqa: E402

CLIENTS, ROUNDS = (3, 1) if "--offend" in sys.argv else (6, 2)  # an offender needs company, not a crowd


class Watch:
    """Knows which greenlet holds the write lock, and sees every switch."""

    def __init__(self) -> None:
        self.holding: dict[Any, Any] = {}
        self.transactions = 0
        self.switches = 0
        self.offences: list[str] = []

    def on_begin(self, connection: Connection) -> None:
        if connection.get_execution_options().get(WRITES, False):
            self.holding[greenlet.getcurrent()] = connection.connection.dbapi_connection
            self.transactions += 1

    def on_switch(self, _kind: str, args: tuple[Any, Any]) -> None:
        self.switches += 1
        origin = args[0]
        connection = self.holding.get(origin)
        if connection is None:
            return
        if connection.in_transaction:
            frame = origin.gr_frame
            self.offences.append("".join(traceback.format_stack(frame)[-6:]) if frame else "ended inside")
        else:
            del self.holding[origin]


class Client:
    """A browser that posts forms."""

    def __init__(self, url: str, first_page: str = "/login") -> None:
        self.url = url
        self.token = ""
        self.first_page = first_page
        self.opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def ask(self, path: str, **fields: str) -> int:
        """Get ``path``, or post ``fields`` to it; remember the token of the page that came back."""
        body = urlencode(fields).encode() if fields else None
        try:
            with self.opener.open(self.url + path, data=body, timeout=60) as answer:
                status, page = int(answer.status), answer.read().decode()
        except HTTPError as error:
            with error:
                status, page = error.code, error.read().decode()
        found = re.search(r'<meta name="csrf-token" content="([^"]+)"', page)
        if found:
            self.token = found[1]
        return status

    def post(self, path: str, **fields: str) -> int:
        """Post a form with its token."""
        if not self.token:
            self.ask(self.first_page)
        return self.ask(path, csrf_token=self.token, **fields)


def visit(url: str, email: str, person: str, pin: str) -> list[str]:
    """Do what writes, and tell how each was answered: sign in, verify, see the customer, choose, sign out."""
    client = Client(url)
    requests = [
        ("/login", {"email": email, "password": factories.PASSWORD}),
        ("/console/verify/", {"email": person, "pin": "000000", "channel": "phone"}),
        ("/console/verify/", {"email": person, "pin": pin, "channel": "phone"}),
        ("/preferences", {"language": "en", "theme": "dark"}),
        ("/logout", {"sure": "1"}),
    ]
    answers = [f"{path} {client.post(path, **fields)}" for path, fields in requests]
    portal = Client(url, "/moj/login")
    requests = [
        ("/moj/login", {"email": person, "password": factories.PASSWORD}),
        ("/moj/pin/new", {"sure": "1"}),
        ("/moj/logout", {"sure": "1"}),
    ]
    return answers + [f"{path} {portal.post(path, **fields)}" for path, fields in requests]


def main() -> None:
    file = sys.argv[1]
    passwords.HASHER = CHEAP  # the crowd would wait for each other's passwords, and some be refused
    app = create_app(Settings(env="demo", database_url=f"sqlite:///{file}", audit_anchor=f"{file}.anchor"))
    with app.app_context():
        prepare_database()
        people = [_pair() for _ in range(CLIENTS)]
        watch = Watch()
        event.listen(db.engine, "begin", watch.on_begin)  # after ours, which says BEGIN IMMEDIATE
    if "--offend" in sys.argv:
        _add_offender(app)
    server = pywsgi.WSGIServer(("127.0.0.1", 0), app, log=None)
    server.start()
    url = f"http://127.0.0.1:{server.server_port}"
    greenlet.settrace(watch.on_switch)
    scheduler = worker.start(app)
    answers = _serve_many(url, people)
    greenlet.settrace(None)
    scheduler.shutdown(wait=True)
    server.stop(timeout=1)
    print(  # noqa: T201  what the test reads
        json.dumps(
            {
                "answers": answers,
                "transactions": watch.transactions,
                "switches": watch.switches,
                "offences": watch.offences[:3],
            }
        )
    )


def _pair() -> tuple[str, str, str]:
    """Make an agent, and a caller with their PIN."""
    owner = factories.owner_of(factories.make_customer())
    return factories.make_staff(Role.AGENT).email, owner.person.email, factories.pin_of(owner)


def _serve_many(url: str, people: list[tuple[str, str, str]]) -> dict[str, int]:
    running = [gevent.spawn(visit, url, *pair) for pair in people for _ in range(ROUNDS)]
    if "--offend" in sys.argv:
        running.append(gevent.spawn(lambda: [f"/offend {Client(url).ask('/offend')}"]))
    gevent.joinall(running, raise_error=True)
    return Counter(answer for one in running for answer in one.value)


def _add_offender(app: Flask) -> None:
    """A request that yields where none may: the watch must see it."""

    @app.get("/offend")
    def offend() -> dict[str, str]:
        with transaction():
            record(SYSTEM, "rule.broken", "here")
            gevent.sleep(0)
        return {}


if __name__ == "__main__":
    main()
