"""An installation as docs/deploying.md makes it, outside of the checkout, from exactly the files of ``deploy/``.

Two processes, a worker, nginx, PostgreSQL and Redis; a visitor on one process, an agent on the other.
"""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import shutil
import signal
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from email.message import Message
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from console.core.seal import new_key
from console.core.settings import Settings
from tests.conftest import missing
from tests.deploy.installation import DEPLOY, Installation, answers, children, wait_until
from tests.support import smtp
from tests.support.postgres import Postgres
from tests.support.sockets import SocketClient

EMAIL, PASSWORD = "sef@example.test", "Sasvim-duga-lozinka-7"
KEY = "Kljuc0d1e2f3"  # opens nothing
LOG = "x" * 79 + "\n"
TWO_MB = (LOG * (2 * 1024 * 1024 // len(LOG) + 1)).encode()
TOO_LARGE = (LOG * (11 * 1024 * 1024 // len(LOG))).encode()


class Browser:
    """A browser without JavaScript, over TLS."""

    def __init__(self, url: str, tls: ssl.SSLContext) -> None:
        self.url = url
        self._jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self._jar), urllib.request.HTTPSHandler(context=tls)
        )
        self._token = ""

    @property
    def cookie(self) -> str:
        return "; ".join(f"{one.name}={one.value}" for one in self._jar)

    def get(self, path: str) -> tuple[int, Message[str, str], bytes]:
        """Ask for a page; keep its form's token."""
        status, headers, body = self._open(urllib.request.Request(self.url + path))
        found = re.search(rb'name="csrf_token"[^>]*value="([^"]+)"|name="csrf-token" content="([^"]+)"', body)
        if found:
            self._token = (found[1] or found[2]).decode()
        return status, headers, body

    def submit(self, path: str, **fields: str) -> tuple[int, Message[str, str], bytes]:
        """Send a form."""
        body = urllib.parse.urlencode({"csrf_token": self._token, **fields}).encode()
        return self._open(urllib.request.Request(self.url + path, body, {"Referer": f"{self.url}{path}"}))

    def upload(self, token: str, content: bytes) -> tuple[int, Any]:
        """Send a file for a message of a chat."""
        part = 'Content-Disposition: form-data; name="file"; filename="server.log"\r\nContent-Type: text/plain'
        body = f"--b\r\n{part}\r\n\r\n".encode() + content + b"\r\n--b--\r\n"
        headers = {"Content-Type": "multipart/form-data; boundary=b", "X-Chat-Token": token}
        status, _headers, answer = self._open(urllib.request.Request(f"{self.url}/chat/files", body, headers))
        return status, json.loads(answer)

    def _open(self, request: urllib.request.Request) -> tuple[int, Message[str, str], bytes]:
        request.add_header("Accept-Language", "en")
        try:
            with self._opener.open(request, timeout=30) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()


@pytest.fixture
def nginx() -> str:
    program = shutil.which("nginx", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    if program is None:
        missing("nginx (Debian: apt-get install nginx-light)")
    return program


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[smtp.SmtpServer]:
    (tmp_path / "mail").mkdir()
    with smtp.running(tmp_path / "mail") as running:
        yield running


@pytest.fixture
def installation(tmp_path: Path, mail: smtp.SmtpServer) -> Iterator[Installation]:
    made = Installation(tmp_path / "machine", mail.ca_file.parent)
    yield made
    made.close()


def test_two_processes_behind_nginx(
    installation: Installation, nginx: str, mail: smtp.SmtpServer, postgres_server: Postgres, redis_url: str
) -> None:
    path = f"{postgres_server.binaries}{os.pathsep}{os.environ['PATH']}"  # pg_dump of the server's version
    postgres_server.run("CREATE ROLE console LOGIN")
    postgres_server.run("CREATE DATABASE console OWNER console ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0")
    installation.install()
    installation.fill_in(
        {
            "SECRET_KEY": new_key(),
            "SEAL_KEYS": new_key(),
            "BASE_URL": installation.url,
            "DATABASE_URL": f"postgresql://console@/console?host={postgres_server.folder}",
            "REDIS_URL": redis_url,
            "PROCESSES": "2",
            "SMTP_URL": mail.url("tls"),
        },
        path,
    )
    made = installation.command("init-db")
    assert made.returncode == 0, made.stderr

    web = installation.start_unit("console", path)
    installation.start_unit("console-worker", path)
    installation.start_nginx(nginx)
    with ThreadPoolExecutor() as pool:
        adding = pool.submit(
            installation.command, "staff", "add", "--email", EMAIL, "--name", "Šef Smene", "--role", "supervisor",
            "--password-stdin", stdin=f"{PASSWORD}\n",
        )  # fmt: skip
        served = pool.submit(_wait_for_all, installation)
        assert adding.result().returncode == 0, adding.result().stderr
        served.result()

    tls = ssl.create_default_context(cafile=str(mail.ca_file))
    _pages(Browser(installation.url, tls))
    staff = Browser(installation.url, tls)
    _sign_in_and_open(staff)
    visitor = Browser(installation.url, tls)

    def visit(token: str | None = None) -> SocketClient:
        auth = {"language": "en"} | ({"token": token} if token else {})
        return SocketClient(installation.url, "/visitor", auth=auth, origin=installation.url, tls=tls)

    def come_to_work() -> SocketClient:
        client = SocketClient(installation.url, "/desk", origin=installation.url, cookie=staff.cookie, tls=tls)
        assert client.call("desk:join")["ok"]
        return client

    agent, guest = come_to_work(), visit()
    chat = _ok(guest.call("chat:open", {"name": "Vera", "email": "vera@example.test", "question": "Halo?",
                                        "client_id": uuid4().hex}))["chat"]  # fmt: skip
    assert chat["status"] == "queued"
    agent.wait_for("queue:changed")
    _ok(agent.call("presence:set", {"state": "available"}))
    _ok(agent.call("chat:claim", {"chat": chat["id"]}))
    _ok(agent.call("chat:watch", {"chat": chat["id"]}))

    # Both ways, and a file that nginx by itself would refuse; one too large is refused in words, by the console.
    status, uploaded = visitor.upload(chat["token"], TWO_MB)
    assert status == 200, uploaded
    status, refused = visitor.upload(chat["token"], TOO_LARGE)
    assert status == 422 and "10 MB" in json.dumps(refused)
    _say(guest, "Evo dnevnika.", files=[uploaded["file"]["id"]])
    (attached,) = agent.wait_for("message:new", body="Evo dnevnika.")["files"]
    assert staff.get(attached["url"])[2] == TWO_MB
    _say(agent, "Gledam.", chat=chat["id"], kind="reply")
    guest.wait_for("message:new", body="Gledam.")

    # One process is killed: one of the two loses its connection, which shows that each was on another one.
    os.kill(children(web)[0], signal.SIGKILL)
    wait_until(lambda: guest.closed.is_set() or agent.closed.is_set(), lambda: "no connection was lost")
    assert guest.closed.is_set() != agent.closed.is_set()
    if guest.closed.is_set():
        _say(agent, "Još gledam.", chat=chat["id"], kind="reply")
        guest = visit(chat["token"])
    else:
        _say(guest, "Još gledam.")
        agent = come_to_work()
        _ok(agent.call("chat:watch", {"chat": chat["id"]}))
    wait_until(lambda: _serve(installation), lambda: installation.log("console").read_text()[-2000:])
    _say(guest, "Hvala.")
    agent.wait_for("message:new", body="Hvala.")
    messages = _ok(guest.call("chat:sync", {"after": 0}))["messages"]
    (link,) = (file["url"] for one in messages for file in one.get("files", ()))
    assert visitor.get(link)[2] == TWO_MB
    secret = link.rpartition("/")[2]
    transcript = ["Halo?", "Evo dnevnika.", "Gledam.", "Još gledam.", "Hvala."]
    for found in (messages, _ok(agent.call("chat:watch", {"chat": chat["id"], "after": 0}))["messages"]):
        assert [one["body"] for one in found if one["body"] in transcript] == transcript
        assert [one["seq"] for one in found] == sorted({one["seq"] for one in found})

    _look_over(installation, path, secret)
    agent.close()
    guest.close()
    web.terminate()
    assert web.wait(30) == 0
    assert not any(answers(f"http://127.0.0.1:{port}/healthz") for port in installation.ports)


class Noting(dict[str, str]):
    """An environment that notes what it is asked for."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.read_names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.read_names.add(name)
        return super().get(name, default)


def test_the_example_names_settings_and_passes_once_it_has_keys() -> None:
    lines = re.findall(r"^(#?)(CONSOLE_\w+)='(.*)'$", (DEPLOY / "console.env").read_text(), re.MULTILINE)
    keys = {"CONSOLE_SECRET_KEY": new_key(), "CONSOLE_SEAL_KEYS": new_key()}
    example = Noting({name: keys.get(name, value) for off, name, value in lines if not off})
    settings = Settings.from_environ(example)
    assert settings.production and settings.smtp is not None
    assert {name for _off, name, _value in lines} <= example.read_names


def _wait_for_all(installation: Installation) -> None:
    wait_until(lambda: _serve(installation), lambda: installation.log("console").read_text()[-3000:])
    wait_until(
        lambda: "worker started" in installation.log("console-worker").read_text(),
        lambda: installation.log("console-worker").read_text()[-3000:],
    )


def _serve(installation: Installation) -> bool:
    return all(answers(f"http://127.0.0.1:{port}/readyz") for port in installation.ports)


def _pages(browser: Browser) -> None:
    """A page and what it loads: kept by browsers for ever, compressed, with the headers of a site under TLS."""
    status, headers, page = browser.get("/login")
    assert status == 200 and b"Password" in page
    assert "max-age" in headers["Strict-Transport-Security"]
    assert "__Host-console=" in browser.cookie
    static = re.findall(rb'"(/static/[0-9a-f]{12}/[^"]+)"', page)
    assert static
    version = b"/".join(static[0].split(b"/")[:3])
    for address in {*static, version + b"/vendor/socket.io.esm.min.js"}:
        status, headers, content = browser.get(address.decode())
        assert (status, "immutable" in headers["Cache-Control"], bool(content)) == (200, True, True)
    assert browser.get("/chat/")[0] == 200
    assert browser.get("/metrics")[0] == 404  # it came through a proxy
    assert browser.get(f"/reset/{KEY}?key={KEY}")[0] in (200, 404, 410)


def _sign_in_and_open(browser: Browser) -> None:
    """Sign in, and open today and tomorrow, whatever day it is."""
    browser.get("/login")
    assert browser.submit("/login", email=EMAIL, password=PASSWORD)[0] == 200
    browser.get("/console/hours/")
    today = datetime.now(ZoneInfo("Europe/Belgrade")).date()
    for day in (today, today + timedelta(days=1)):
        status, _headers, page = browser.submit(
            "/console/hours/specials", kind="open", day=day.isoformat(), begins="00:00", ends="24:00", reason="Test"
        )
        assert status == 200, re.sub(rb"<[^>]+>|\s+", b" ", page)[-2000:]


def _say(client: SocketClient, body: str, **packet: Any) -> None:
    _ok(client.call("message:send", {"client_id": uuid4().hex, "body": body, **packet}))


def _ok(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["ok"], answer
    return answer


def _look_over(installation: Installation, path: str, secret: str) -> None:
    """The doctor finds nothing wrong, a copy is made, and no key of ours is in nginx's log."""
    with ThreadPoolExecutor() as pool:
        copying = pool.submit(installation.run_unit, "console-backup", path)
        found = installation.command("doctor")
        copying.result()
    assert found.returncode == 0, found.stdout + found.stderr
    assert "All attachments are there and whole: 1" in found.stdout
    copies = installation.path("/var/backups/console")
    (copy,) = copies.glob("20*Z.tar")
    assert copy.stat().st_size > len(TWO_MB)
    assert (copies / "audit-anchor.json").exists()
    log = installation.path("/var/log/nginx/console.access.log").read_text()
    assert 'POST "/chat/files" 422' in log
    for begin in ("/reset/", "/chat/files/1/"):
        assert f'GET "{begin}*" ' in log
    assert KEY not in log and secret not in log
