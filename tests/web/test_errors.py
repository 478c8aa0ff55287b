"""Errors answer as a page or as JSON, in the reader's language, and never show how we are built."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from console.core import errors
from console.core.db import db
from console.core.settings import Settings
from console.core.transaction import transaction
from console.staff.models import Staff
from tests import factories
from tests.support.client import ConsoleClient

REFUSALS: list[tuple[Callable[[], Exception], int, str]] = [
    (errors.NotFound, 404, "not_found"),
    (errors.Conflict, 409, "conflict"),
    (errors.Invalid, 422, "invalid"),
    (errors.SignInNeeded, 401, "sign_in"),
    (errors.Busy, 503, "busy"),
    (lambda: errors.TooMany(retry_after=30), 429, "rate"),
]
INSIDES = ("Traceback", "sqlalchemy", "console.core", 'File "', ".py", "Tajna", "SELECT", "Werkzeug")


@pytest.fixture
def settings(database: str) -> Settings:
    """English, so that texts can be compared with the source."""
    return Settings(database_url=database, locale="en")


@pytest.fixture
def app(settings: Settings, make_app: Callable[[Settings], Flask]) -> Flask:
    """The application with a few addresses that go wrong."""
    app = make_app(settings)

    @app.get("/wrong/<int:number>")
    def wrong(number: int) -> str:
        refusal = REFUSALS[number][0]()
        raise refusal

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("Tajna: what only we may know")

    @app.get("/broken-database")
    def broken_database() -> str:
        db.session.execute(text("SELECT tajna FROM nowhere"))
        return ""

    @app.post("/half")
    def half() -> str:
        with transaction():
            factories.make_staff()
            raise RuntimeError("halfway")

    return app


def json_of(client: ConsoleClient, path: str) -> tuple[int, dict[str, Any]]:
    answer = client.get_json(path)
    assert answer.mimetype == "application/json"
    return answer.status_code, answer.get_json()["error"]


@pytest.mark.parametrize("number", range(len(REFUSALS)))
def test_a_refusal_answers_alike_as_page_and_as_json(client: ConsoleClient, number: int) -> None:
    _make, status, code = REFUSALS[number]
    page = client.get(f"/wrong/{number}")
    answered, error = json_of(client, f"/wrong/{number}")
    assert page.status_code == answered == status
    assert page.mimetype == "text/html"
    assert error["code"] == code
    assert error["message"] in page.text


def test_too_many_says_when_to_come_back(client: ConsoleClient) -> None:
    answer = client.get_json("/wrong/5")
    assert answer.headers["Retry-After"] == "30"
    assert answer.get_json()["error"]["retry_after"] == 30


@pytest.mark.both
@pytest.mark.parametrize("path", ["/broken", "/broken-database"])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_our_own_faults_show_nothing_of_our_inside(client: ConsoleClient, path: str, accept: str) -> None:
    answer = client.get(path, headers={"Accept": accept})
    assert answer.status_code == 500
    assert answer.mimetype == accept
    assert [inside for inside in INSIDES if inside in answer.text] == []


@pytest.mark.both
def test_a_verb_that_breaks_halfway_leaves_nothing(client: ConsoleClient, session: Session) -> None:
    assert client.submit("/half").status_code == 500
    assert session.scalars(select(Staff)).all() == []


def test_protocol_errors_have_our_form(client: ConsoleClient) -> None:
    status, error = json_of(client, "/no/such/address")
    assert (status, error["code"]) == (404, "not_found")
    answer = client.get_json("/half")
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


def test_a_missing_token_is_refused(client: ConsoleClient, session: Session) -> None:
    answer = client.post("/half", headers={"Accept": "application/json"})
    assert answer.status_code == 400
    assert session.scalars(select(Staff)).all() == []


def test_an_error_leads_a_customer_to_the_portal_and_staff_to_the_console(client: ConsoleClient) -> None:
    for path, home in (("/help/none", "/moj/"), ("/no/such/address", "/moj/"), ("/console/none", "/console/")):
        assert f'href="{home}">Go to the home page' in client.get(path).text, path


def test_errors_speak_the_readers_language(client: ConsoleClient) -> None:
    english = client.get("/wrong/0", headers={"Accept-Language": "en"})
    serbian = client.get("/wrong/0", headers={"Accept-Language": "sr-Latn-RS"})
    assert str(errors.NotFound.default_message) in english.text
    assert 'lang="en"' in english.text
    assert 'lang="sr-Latn"' in serbian.text


def test_every_answer_carries_its_safety_headers(client: ConsoleClient) -> None:
    for path in ("/wrong/0", "/broken", "/no/such/address", "/login"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Request-ID"]
