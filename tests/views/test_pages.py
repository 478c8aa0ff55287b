"""What holds for every page: our policy, our host, a frame that fits the role, errors that speak."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from flask import Flask, abort
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from console.core.db import db
from console.core.errors import Conflict, TooMany
from console.core.transaction import transaction
from console.staff.roles import Role
from tests import factories
from tests.support.client import ConsoleClient, sign_in, sign_in_person
from tests.views.support import add_shelf, fill

pytestmark = pytest.mark.only("sqlite")  # nothing here depends on the database
LINKS = {"href", "src", "action", "formaction", "poster", "data"}
NOT_PAGES = ("/static/", "/console/static/", "/healthz", "/readyz", "/metrics", "/socket.io")


class Page(HTMLParser):
    """Gathers what a strict policy or a careful reader would mind."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.ids: set[str] = set()
        self.forms = 0
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.faults.append(f"<{tag} {name}>")
            if name in LINKS and value:
                self._check_link(tag, name, value)
        if tag == "style" or (tag == "script" and not values.get("src") and values.get("type") != "application/json"):
            self.faults.append(f"inline <{tag}>")
        key = values.get("id")
        if key:
            if key in self.ids:
                self.faults.append(f"id {key} twice")
            self.ids.add(key)
        if tag == "a" and (values.get("href") or "").startswith("/"):
            self.links.add(values["href"] or "")

    def _check_link(self, tag: str, name: str, value: str) -> None:
        parts = urlsplit(value)
        if parts.scheme not in ("", "data", "mailto") or parts.netloc:
            self.faults.append(f'<{tag} {name}="{value[:60]}">')


def pages(app: Flask) -> list[str]:
    """Return every address without a variable part that answers GET."""
    return sorted(
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.arguments and not rule.rule.startswith(NOT_PAGES)
    )


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("language", ["sr", "en"])
def test_every_page_keeps_the_policy(own_app: Flask, client: ConsoleClient, role: Role, language: str) -> None:
    add_shelf(own_app)
    fill(3)
    sign_in(client, role)
    looked = 0
    for path in [*pages(own_app), "/console/nothing", "/console/proformas/?status=x", "/console/customers/?search=q"]:
        answer = client.get(path, headers={"Accept-Language": language})
        assert answer.status_code < 500, path
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        if answer.mimetype == "text/html" and answer.status_code in (200, 404):
            page = Page(answer.text)
            assert not page.faults, (path, page.faults)
            looked += 1
    assert looked > 5


@pytest.mark.parametrize("role", list(Role))
def test_no_link_is_dead(app: Flask, client: ConsoleClient, role: Role, session: Session) -> None:
    fill(4)
    sign_in(client, role)
    todo: set[str] = {"/console/"}
    seen: set[str] = set()
    while todo and len(seen) < 120:
        path = todo.pop()
        seen.add(path)
        answer = client.get(path)
        assert answer.status_code in (200, 302, 303), path
        if answer.mimetype == "text/html" and answer.status_code == 200:
            todo |= {link for link in Page(answer.text).links if "/export/" not in link} - seen
    assert len(seen) > 8


class TestFrame:
    def test_language_theme_and_title(self, client: ConsoleClient) -> None:
        sign_in(client)
        page = client.get("/console/customers/", headers={"Accept-Language": "sr"}).text
        assert '<html lang="sr-Latn">' in page
        assert "<title>Korisnici · Mint podrška</title>" in page
        client.submit("/preferences", language="en", theme="dark")
        page = client.get("/console/customers/", headers={"Accept-Language": "sr"}).text
        assert '<html lang="en" data-theme="dark">' in page
        assert "<title>Customers · Mint podrška</title>" in page

    def test_here_is_marked_once(self, client: ConsoleClient) -> None:
        sign_in(client)
        side = client.get("/console/customers/").text.split('<header class="topbar">')[0]
        assert re.findall(r'href="([^"]+)" aria-current="page"', side) == ["/console/customers/"]

    def test_the_sidebar_is_remembered(self, client: ConsoleClient) -> None:
        sign_in(client)
        client.set_cookie("side", "small")
        assert 'data-side="small"' in client.get("/console/").text

    def test_messages_have_their_role(self, own_app: Flask, client: ConsoleClient) -> None:
        add_shelf(own_app)
        sign_in(client, Role.ADMIN)
        client.submit("/console/shelf/new/", name="two", price="5")
        page = client.get("/console/shelf/").text
        assert re.search(r'<div class="alert alert-success" role="status"', page)
        client.submit("/console/shelf/action/", action="retire")
        assert re.search(r'<div class="alert alert-warning" role="alert"', client.get("/console/shelf/").text)

    def test_the_way_back_after_switching_keeps_the_filters(self, client: ConsoleClient) -> None:
        sign_in(client)
        page = client.get("/console/customers/?search=a&kind=person").text
        assert 'name="next" value="/console/customers/?search=a&amp;kind=person"' in page

    @pytest.mark.parametrize("role", list(Role))
    def test_empty_pages_say_what_to_do(self, client: ConsoleClient, role: Role) -> None:
        sign_in(client, role)
        for path in ("/console/customers/", "/console/products/", *(["/console/"] if role is not Role.ADMIN else [])):
            assert 'class="empty"' in client.get(path).text, path


class TestDashboard:
    def test_live_verifications_count_down(self, client: ConsoleClient, session: Session) -> None:
        staff = sign_in(client, Role.AGENT)
        with transaction():
            customer = factories.make_customer(name="Mlekara Jasen")
        verification = factories.make_verification(staff, factories.owner_of(customer))
        page = client.get("/console/").text
        assert "Mlekara Jasen" in page
        assert re.search(r'<time [^>]*datetime="[^"]+" data-countdown', page)
        assert verification.id

    def test_figures_by_role(self, client: ConsoleClient, new_client: Callable[[], ConsoleClient]) -> None:
        factories.make_proforma(factories.make_customer(name="Dužnik"), issued_days_ago=40)
        sign_in(client, Role.BILLING)
        assert "Dužnik" in client.get("/console/").text
        agent = new_client()
        sign_in(agent, Role.AGENT)
        assert "Dužnik" not in agent.get("/console/").text


class TestErrors:
    """One page for every refusal, for whoever meets it."""

    @pytest.fixture(autouse=True)
    def failing(self, own_app: Flask) -> None:
        own_app.add_url_rule("/fails/<kind>", "fails", _fail)
        own_app.config["PROPAGATE_EXCEPTIONS"] = False

    @pytest.mark.parametrize(
        ("kind", "status"), [("404", 404), ("conflict", 409), ("rate", 429), ("405", 405), ("413", 413), ("bug", 500)]
    )
    @pytest.mark.parametrize("language", ["sr", "en"])
    def test_page_and_answer(self, client: ConsoleClient, kind: str, status: int, language: str) -> None:
        answer = client.get(f"/fails/{kind}", headers={"Accept-Language": language})
        assert answer.status_code == status
        assert f'lang="{"sr-Latn" if language == "sr" else "en"}"' in answer.text
        assert "<h1>" in answer.text
        assert "Traceback" not in answer.text
        assert "secret detail" not in answer.text
        assert not Page(answer.text).faults
        answer = client.get_json(f"/fails/{kind}")
        assert answer.status_code == status
        assert set(answer.json["error"]) >= {"code", "message"}
        if kind == "rate":
            assert answer.headers["Retry-After"] == "7"

    def test_for_staff_and_for_customers(
        self, client: ConsoleClient, new_client: Callable[[], ConsoleClient], session: Session
    ) -> None:
        sign_in(client)
        page = client.get("/console/nothing-here")
        assert page.status_code == 404
        assert 'href="/console/"' in page.text
        person = factories.make_person()
        factories.make_customer(owner=person)
        portal = new_client()
        sign_in_person(portal, person.email)
        page = portal.get("/moj/nothing-here")
        assert page.status_code == 404
        assert 'href="/moj/"' in page.text

    @pytest.mark.parametrize("signed_in", [True, False])
    def test_without_a_database(self, app: Flask, client: ConsoleClient, signed_in: bool) -> None:
        if signed_in:
            sign_in(client)
        with _no_database(app):
            answer = client.get("/console/", headers={"Accept-Language": "sr"})
            assert answer.status_code in ((500, 503) if signed_in else (302,))
            if signed_in:
                assert "Došlo je do greške" in answer.text or "zauzet" in answer.text
                assert client.get_json("/console/").json["error"]["message"]
        assert client.get("/console/").status_code in (200, 302)


def _fail(kind: str) -> str:
    if kind.isdigit():
        abort(int(kind), "secret detail")
    if kind == "conflict":
        raise Conflict
    if kind == "rate":
        raise TooMany(retry_after=7)
    raise RuntimeError("secret detail")


class _no_database:  # noqa: N801  (reads as a sentence)
    """Every statement fails, as if the server were gone."""

    def __init__(self, app: Flask) -> None:
        with app.app_context():
            self.engine = db.engine

    def _refuse(self, *_args: object) -> Iterator[None]:
        raise OperationalError("SELECT", {}, Exception("server closed the connection unexpectedly"))

    def __enter__(self) -> None:
        event.listen(self.engine, "before_cursor_execute", self._refuse)

    def __exit__(self, *_args: object) -> None:
        event.remove(self.engine, "before_cursor_execute", self._refuse)
