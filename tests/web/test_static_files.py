"""Browsers keep our files under an address of their version; whoever knows another is sent on."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import flask_admin
import pytest
from flask import Flask
from playwright.sync_api import Page

from console.core.places import TEMPLATES
from console.core.settings import Settings
from console.staff.roles import Role
from console.web.static_files import address
from tests.browser.pages import sign_in as enter
from tests.support.client import ConsoleClient, sign_in
from tests.support.server import ROOT, LiveServer

pytestmark = pytest.mark.only("sqlite")
FILES = re.compile(r"/static/[\w./-]+")
PACKAGE = ROOT / "console"
FLASK_ADMIN = Path(flask_admin.__file__).parent / "templates"
CLASSES = re.compile(r"\.([A-Za-z_][\w-]*)(?=[^{}]*\{)")
NO_CLASS = re.compile(r"/\*.*?\*/|url\([^)]*\)|\"[^\"]*\"|'[^']*'", re.DOTALL)


@pytest.fixture
def caching_client(settings: Settings, make_app: Callable[[Settings], Flask]) -> ConsoleClient:
    client = make_app(replace(settings, env="demo")).test_client()
    assert isinstance(client, ConsoleClient)
    return client


def test_every_file_of_a_page_is_kept_for_a_year(caching_client: ConsoleClient, session: object) -> None:
    sign_in(caching_client, Role.SUPERVISOR)
    for path in ("/console/", "/console/desk/", "/console/reports/", "/chat/", "/moj/login"):
        named = set(FILES.findall(caching_client.get(path).text))
        assert named, path
        for file in named:
            answer = caching_client.get(file)
            assert answer.status_code == 200, file
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable", file
            again = caching_client.get(file, headers={"If-None-Match": answer.headers["ETag"]})
            assert (again.status_code, "immutable" in again.headers["Cache-Control"]) == (304, True)


def test_another_address_gives_the_present_file_not_to_keep(caching_client: ConsoleClient, session: object) -> None:
    """While an update goes round, a page of one process asks another for its files."""
    now = caching_client.application.static_url_path
    present = caching_client.get(f"{now}/lib/app.js").data
    takes = {"Accept-Encoding": "gzip, deflate, br"}
    for other in ("/static/lib/app.js", "/static/0123456789ab/lib/app.js"):
        answer = caching_client.get(other)
        assert (answer.status_code, answer.data, answer.headers["Cache-Control"]) == (200, present, "no-cache")
        assert caching_client.get(other, headers=takes).headers["Content-Encoding"] == "br"
    never = ("none.js", "../../app.py", "%2e%2e/app.py", "0123456789ab/", "/evil.example/app.js")
    for path in (*(f"{now}/{name}" for name in never), *(f"/static/{name}" for name in never)):
        answer = caching_client.get(path)
        assert answer.status_code in (404, 308), path
        assert "immutable" not in answer.headers.get("Cache-Control", ""), path


def test_the_address_changes_with_any_file(tmp_path: Path) -> None:
    (tmp_path / "vendor").mkdir()
    seen = [address(tmp_path, cached=True)]
    for name, text in (("a.js", "1"), ("a.js", "2"), ("vendor/b.css", "2"), ("c.css", "")):
        (tmp_path / name).write_text(text)
        seen.append(address(tmp_path, cached=True))
    assert len(set(seen)) == len(seen)
    assert address(tmp_path, cached=False) == "/static"


FETCHED = """() => performance.getEntriesByType("resource")
    .filter((one) => one.name.includes("/static/") && one.transferSize).map((one) => one.name)"""


def test_the_second_page_fetches_no_file_again(live_server: LiveServer, new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto(f"{live_server.url}/login")
    assert page.evaluate(FETCHED) != []
    enter(page, live_server, "agent")
    for path in ("/console/tickets/", "/console/tickets/?view=mine"):
        page.goto(live_server.url + path)
        page.wait_for_load_state("networkidle")
    assert page.evaluate(FETCHED) == []


def test_in_development_browsers_ask_each_time(client: ConsoleClient, session: object) -> None:
    answer = client.get("/static/lib/app.js")
    assert answer.status_code == 200 and "immutable" not in answer.headers["Cache-Control"]


def test_every_class_of_our_styles_is_on_a_page() -> None:
    """A class that is renamed in a template alone leaves its page without a layout."""
    sources = [*PACKAGE.glob("static/**/*.js"), *PACKAGE.rglob("*.py"), *TEMPLATES.rglob("*.html")]
    ours = [path.read_text() for path in sources if "vendor" not in path.parts]
    lists = [path.read_text() for path in FLASK_ADMIN.rglob("*.html")]  # ours extend them
    text = "\n".join([*ours, *lists])
    words = set(re.findall(r"[\w-]+", text))
    built = set(re.findall(r"[\w-]+-(?=['\"{` $])", text))  # as `{{ 'badge-' ~ role }}`
    unused = {
        f"{path.parent.name}/{path.name}: {name}"
        for path in PACKAGE.glob("static/*/**/*.css")
        if "vendor" not in path.parts
        for name in CLASSES.findall(NO_CLASS.sub("", path.read_text()))
        if name not in words and not any(name.startswith(start) for start in built)
    }
    assert unused == set()
