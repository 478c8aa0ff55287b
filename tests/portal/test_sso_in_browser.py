"""The switch as the FAQ describes it, the consent in Chromium, and an application in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.pages import findings, sideways
from tests.support.relying_party import REDIRECT, RelyingParty, Web
from tests.support.server import ROOT, LiveServer

PASSWORD = "Demo-lozinka-1"


class Application(BaseHTTPRequestHandler):
    """The page of an application to which the person comes back."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Webmail</title><link rel='icon' href='data:,'><h1>Webmail</h1>")

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def application() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Application)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def register(web: Web, base: str, name: str, redirect: str) -> tuple[str, str]:
    """Register an application as an administrator does; return its id and secret."""
    page = web.fetch("GET", f"{base}/login", {}, "")
    if "csrf_token" in page.text:
        web.submit(page, f"{base}/login", email="admin@example.test", password=PASSWORD)
    form = web.fetch("GET", f"{base}/console/applications/new", {}, "")
    fields = {"name": name, "redirect_uris": redirect, "scopes": "email", "active": "y"}
    made = web.submit(form, f"{base}/console/applications/new", **fields)
    assert made.status_code == 200, made.text
    found = web.fetch("GET", f"{base}/console/applications/", {"Accept": "application/json"}, "").json()["items"]
    client_id = next(one["client_id"] for one in found if one["name"] == name)
    secret = made.text.split('aria-labelledby="h-secret">')[1].partition("<")[0]
    return client_id, secret


def test_the_switch_the_consent_and_an_application(
    own_server: Callable[..., LiveServer], new_page: Callable[..., Page], application: str
) -> None:
    base = own_server(demo=True).url
    web = Web()
    client_id, secret = register(web, base, "Panel", f"{application}/callback")
    party = RelyingParty(Web().fetch, base, client_id, secret)
    party.client.redirect_uri = f"{application}/callback"

    page = new_page(width=390, height=844)
    page.goto(f"{base}/moj/login")
    page.fill("[name=email]", "novi@example.test")
    page.fill("[name=password]", PASSWORD)
    page.locator(".auth-card form .btn-primary").click()
    page.get_by_role("link", name="Ažuriraj nalog").click()
    page.get_by_role("link", name="Sigurnost naloga").click()
    switch = page.get_by_role("switch", name="Single Sign-On")
    assert switch.get_attribute("aria-checked") == "false" and switch.inner_text().split() == ["Off", "On"]
    switch.click()  # „Prevucite dugme na On“
    page.get_by_text("Single Sign-On je uključen.").wait_for()
    assert page.get_by_role("switch", name="Single Sign-On").get_attribute("aria-checked") == "true"
    assert findings(page) == [] and sideways(page) == []

    page.goto(party.start())
    page.get_by_role("heading", name="Prijava u Panel").wait_for()
    assert findings(page) == [] and sideways(page) == []
    page.get_by_role("button", name="Dozvoli i nastavi").click()
    page.get_by_role("heading", name="Webmail").wait_for()  # another origin, past the content policy
    token = party.exchange(page.url)
    assert party.userinfo(token["access_token"]).json()["email"] == "novi@example.test"

    page.set_viewport_size({"width": 1280, "height": 720})
    page.context.clear_cookies()
    page.goto(party.start())  # what was allowed is remembered: the sign-in's form leads straight to the application
    page.fill("[name=email]", "novi@example.test")
    page.fill("[name=password]", PASSWORD)
    page.locator(".auth-card form .btn-primary").click()
    page.get_by_role("heading", name="Webmail").wait_for()
    assert party.exchange(page.url)["access_token"]

    page.goto(f"{base}/moj/security")
    assert page.get_by_text("Panel", exact=True).is_visible()
    assert findings(page) == [] and sideways(page) == []
    page.get_by_role("switch", name="Single Sign-On").click()
    page.get_by_text("Single Sign-On je isključen.").wait_for()
    assert party.userinfo(token["access_token"]).status_code == 401
    page.goto(party.start())
    page.get_by_role("heading", name="Single Sign-On je isključen").wait_for()
    assert findings(page) == [] and sideways(page) == []

    _in_a_process_of_its_own(web, base)


def _in_a_process_of_its_own(web: Web, base: str) -> None:
    client_id, secret = register(web, base, "Pošta", REDIRECT)
    order = {"base": base, "client_id": client_id, "secret": secret, "password": PASSWORD}
    came = _run(order | {"email": "ana@example.test"})
    assert came["userinfo"]["email"] == "ana@example.test" and came["claims"]["aud"] == client_id
    refused = _run(order | {"email": "novi@example.test"})
    assert refused["refused"] and refused["status"] == 403


def _run(order: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.relying_party"],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
        timeout=60,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found
