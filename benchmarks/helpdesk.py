"""django-helpdesk, to be measured beside us: installed into an environment of its own, with the same tickets."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from secrets import token_hex
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import make_url

from benchmarks.http import SEE_OTHER, BenchError, Browser
from benchmarks.serving import MOST_LOG, ROOT, gunicorn
from console.demo.ticket_crowd import Made
from console.tickets.models import MessageKind, Priority, TicketStatus

VERSION = "2.6.1"
PACKAGES = (f"django-helpdesk=={VERSION}", "psycopg[binary]", "gunicorn")
USER, PASSWORD = "bench", "Bench-lozinka-1"  # of a database that is thrown away
PAGE = 25  # what its list asks for unless told otherwise
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_DATA = re.compile(r'"url":\s*"([^"]*datatables_ticket_list/[^"]*)"')
# Its own five; what we call waiting is open there, and on hold is a mark beside the status.
STATUSES = {
    TicketStatus.OPEN: 1, TicketStatus.WAITING: 1, TicketStatus.HOLD: 1, TicketStatus.SOLVED: 3, TicketStatus.CLOSED: 4,
}  # fmt: skip
PRIORITIES = {Priority.URGENT: 1, Priority.HIGH: 2, Priority.NORMAL: 3, Priority.LOW: 4}

SETTINGS = """\
import os
SECRET_KEY = os.environ["BENCH_SECRET"]
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
LOGIN_URL = "/login/"
STATIC_URL = "/static/"
MEDIA_URL = "/media/"
MEDIA_ROOT = os.environ["BENCH_MEDIA"]
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
SITE_ID = 1
HELPDESK_TEAMS_MODE_ENABLED = False
DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql", "NAME": os.environ["BENCH_NAME"], "USER": os.environ["BENCH_USER"],
    "PASSWORD": os.environ["BENCH_PASSWORD"], "HOST": os.environ["BENCH_HOST"], "PORT": os.environ["BENCH_PORT"],
    "CONN_MAX_AGE": 600,
}}
INSTALLED_APPS = [
    "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.sites",
    "django.contrib.messages", "django.contrib.staticfiles", "django.contrib.admin", "django.contrib.humanize",
    "bootstrap4form", "rest_framework", "helpdesk",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware", "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.contrib.auth.context_processors.auth", "django.template.context_processors.debug",
        "django.template.context_processors.request", "django.template.context_processors.static",
        "django.contrib.messages.context_processors.messages",
    ]},
}]
try:
    import bootstrap4form
except ImportError:
    INSTALLED_APPS.remove("bootstrap4form")
"""
URLS = """\
from django.contrib import admin
from django.urls import include, path
urlpatterns = [path("admin/", admin.site.urls), path("", include("helpdesk.urls", namespace="helpdesk"))]
"""
WSGI = """\
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
"""
# Reads tickets as lines of JSON and stores them a thousand at a time.
LOAD = """\
import datetime, itertools, json, sys
import wsgi
from django.contrib.auth import get_user_model
from helpdesk.models import FollowUp, Queue, Ticket
user, password, queues = sys.argv[1], sys.argv[2], sys.argv[3:]
staff = get_user_model().objects.create_superuser(user, user + "@example.test", password)
made = [Queue.objects.create(title=name, slug=name, allow_public_submission=True) for name in queues]
moment = datetime.datetime.fromisoformat
for field in (Ticket._meta.get_field("created"), Ticket._meta.get_field("modified")):
    field.auto_now = field.auto_now_add = False
while lines := list(itertools.islice(sys.stdin, 1000)):
    rows = [json.loads(line) for line in lines]
    Ticket.objects.bulk_create([
        Ticket(id=row["id"], title=row["title"], queue=made[row["queue"]], created=moment(row["created"]),
               modified=moment(row["modified"]), submitter_email=row["email"], status=row["status"],
               on_hold=row["on_hold"], description=row["body"], priority=row["priority"],
               assigned_to=staff if row["assigned"] else None)
        for row in rows])
    FollowUp.objects.bulk_create([
        FollowUp(ticket_id=row["id"], date=moment(said["at"]), title="Comment", comment=said["body"], public=True,
                 user=staff if said["staff"] else None)
        for row in rows for said in row["said"]])
from django.db import connection
with connection.cursor() as cursor:
    for table in ("helpdesk_ticket", "helpdesk_followup"):
        last = "(SELECT max(id) + 1 FROM " + table + ")"
        cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), " + last + ")", [table])
    cursor.execute("ANALYZE")
"""
# Counts the statements of pages, each asked twice: the second time is counted.
COUNT = """\
import json, sys
import wsgi
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
client = Client()
client.force_login(get_user_model().objects.get(username=sys.argv[1]))
found = []
for paths in json.load(sys.stdin):
    for path in paths:
        client.get(path)
    with CaptureQueriesContext(connection) as seen:
        for path in paths:
            client.get(path)
    found.append(len(seen))
json.dump(found, sys.stdout)
"""


class Helpdesk:
    """An installation on a database of its own.

    Args:
        url: of an empty PostgreSQL database.
    """

    def __init__(self, url: str) -> None:
        self.home = ROOT / "var" / "bench" / f"django-helpdesk-{VERSION}"
        self.python = self.home / ("Scripts" if os.name == "nt" else "bin") / "python"
        self.project = self.home / "project"
        read = make_url(url)
        self._environment = {
            "BENCH_SECRET": token_hex(20),
            "BENCH_MEDIA": str(self.home / "media"),
            "BENCH_NAME": read.database or "",
            "BENCH_USER": read.username or "",
            "BENCH_PASSWORD": read.password or "",
            "BENCH_HOST": str(read.query.get("host", read.host or "")),
            "BENCH_PORT": str(read.port or ""),
        }

    def install(self) -> None:
        """Install it once, and make its tables."""
        if not (self.home / "installed").exists():
            self._run([sys.executable, "-m", "venv", "--clear", str(self.home)])
            self._run([str(self.python), "-m", "pip", "install", "--quiet", *PACKAGES])
            (self.home / "installed").write_text("\n".join(PACKAGES) + "\n", encoding="utf-8")
        self.project.mkdir(exist_ok=True)
        for name, content in (("settings", SETTINGS), ("urls", URLS), ("wsgi", WSGI)):
            (self.project / f"{name}.py").write_text(content, encoding="utf-8")
        self._run([str(self.python), "-m", "django", "migrate", "--verbosity", "0"])

    def load(self, tickets: Iterable[Made], queues: dict[int, str]) -> None:
        """Store the same tickets. ``queues``: our departments by key, and what they are called there."""
        places = {key: place for place, key in enumerate(queues)}
        command = [str(self.python), "-c", LOAD, USER, PASSWORD, *queues.values()]
        process = subprocess.Popen(  # noqa: S603  our own words
            command, stdin=subprocess.PIPE, cwd=self.project, env=self._env(), text=True, stderr=subprocess.PIPE
        )
        assert process.stdin is not None  # noqa: S101
        assert process.stderr is not None  # noqa: S101
        try:
            for ticket in tickets:
                process.stdin.write(json.dumps(_row(ticket, places)) + "\n")
            process.stdin.close()
        except BrokenPipeError:
            pass
        input_text = process.stderr.read()
        if process.wait():
            raise BenchError(f"django-helpdesk could not be loaded: {input_text[-MOST_LOG:]}")

    def count_queries(self, visits: list[list[str]]) -> list[int]:
        """Return how many statements each visit sends."""
        input_text = self._run([str(self.python), "-c", COUNT, USER], json.dumps(visits))
        found: list[int] = json.loads(input_text)
        return found

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve it with two processes."""
        with gunicorn(
            self.python, "wsgi:application", "/login/", folder=self.project, environment=self._environment
        ) as address:
            yield address

    def _env(self) -> dict[str, str]:
        return {**os.environ, **self._environment, "DJANGO_SETTINGS_MODULE": "settings"}

    def _run(self, command: list[str], input_text: str | None = None) -> str:
        folder = self.project if self.project.exists() else ROOT
        ran = subprocess.run(  # noqa: S603
            command, cwd=folder, env=self._env(), input=input_text, capture_output=True, text=True, check=False
        )
        if ran.returncode:
            raise BenchError(f"{' '.join(command[:4])} failed: {(ran.stderr or ran.stdout).strip()[-MOST_LOG:]}")
        return ran.stdout


def _row(ticket: Made, places: dict[int, int]) -> dict[str, Any]:
    return {
        "id": ticket.id,
        "title": ticket.subject,
        "queue": places[ticket.department_id],
        "created": ticket.created_at.isoformat(),
        "modified": ticket.done_at.isoformat(),
        "email": ticket.requester_email,
        "status": STATUSES[ticket.status],
        "on_hold": ticket.status is TicketStatus.HOLD,
        "body": ticket.lines[0].body,
        "priority": PRIORITIES[ticket.priority],
        "assigned": ticket.assignee_id is not None,
        "said": [
            {"at": line.at.isoformat(), "body": line.body, "staff": line.kind is MessageKind.REPLY}
            for line in ticket.lines[1:]
        ],
    }


class Desk:
    """A signed-in user there, and the visits that are measured."""

    def __init__(self, address: str) -> None:
        self.address = address
        browser = Browser(f"http://{address}")
        _status, page = browser.get("/login/")
        status, _page = browser.post("/login/", csrfmiddlewaretoken=_csrf(page), username=USER, password=PASSWORD)
        if status not in SEE_OTHER:
            raise BenchError(f"signing in at django-helpdesk was answered with {status}")
        _status, page = browser.get("/tickets/submit/")
        self._token = _csrf(page)
        self.headers = {"Cookie": browser.cookie, "Referer": f"http://{address}/tickets/submit/"}
        self._browser = browser

    def listing(self, words: str | None = None) -> list[str]:
        """Return what a browser asks for: the page, then its data."""
        page = "/tickets/" if words is None else "/tickets/?" + urlencode({"q": words, "search_type": "header"})
        status, body = self._browser.get(page)
        found = _DATA.search(body)
        if status != 200 or found is None:
            raise BenchError(f"{page} of django-helpdesk was answered with {status} and names no data")
        query = {"draw": "1", "start": "0", "length": str(PAGE), "search[value]": "", "search[regex]": "false"}
        return [page, found[1].replace("\\u002D", "-") + "?" + urlencode(query)]

    def form(self, queue: int) -> dict[str, str]:
        """Return the fields of a new ticket."""
        return {
            "csrfmiddlewaretoken": self._token,
            "queue": str(queue),
            "title": "Pošta ne stiže {n}",
            "body": "Od jutros pošta ne stiže. Broj {n}.",
            "priority": "3",
            "submitter_email": "pita{n}@example.test",
            "assigned_to": "",
        }


def _csrf(page: str) -> str:
    found = _TOKEN.search(page)
    if found is None:
        raise BenchError("a page of django-helpdesk carries no token")
    return found[1]
