"""What a request brings is clean before anything looks at it; a NUL in a form marks its field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core.ids import LARGEST_KEY, same_token
from console.core.settings import Settings
from console.staff.models import Staff
from console.staff.roles import Role
from tests.factories.chat import ask
from tests.support.client import ConsoleClient, sign_in

pytestmark = pytest.mark.only("sqlite")
REAL: dict[str, Any] = {
    "env": "production",
    "secret_key": "a" * 64,
    "seal_keys": ("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",),
    "base_url": "https://console.example.test",
}
NUL = "A character that cannot be stored was removed. Check the text."


def test_query_form_and_address_are_clean(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context(
        "/?search=c%CC%8C%00%E2%80%AEx&blank=%E2%80%8B",
        method="POST",
        data={"body": "a\0b\r\nc", "name": "\N{ZERO WIDTH SPACE}"},
    ):
        assert request.args.to_dict() == {"search": "čx", "blank": ""}
        assert request.form.to_dict() == {"body": "ab\nc", "name": ""}
        assert request.form.with_nul == {"body"}  # type: ignore[attr-defined]


def test_a_form_of_other_bytes_than_utf_8_is_refused(client: ConsoleClient, session: Session) -> None:
    for body in (b"name=%ED%A0%BD&email=a%40example.test&question=x", b"name=\xff"):
        answer = client.post("/chat/ask", data=body, content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 400 and "%ED" not in answer.text


NUL_FORMS = {
    "/console/settings/brand/": ({"brand": "Kod\0"}, "brand"),
    "/console/departments/new/": ({"key": "novo", "name_sr": "No\0vo", "name_en": "New", "position": "9"}, "name_sr"),
    "/console/tickets/mass": ({"do": "tag", "rowid": "1", "tag": "x\0y"}, "tag"),
    "/console/tickets/views": ({"name": "Moji\0"}, "name"),
}


@pytest.mark.parametrize("path", NUL_FORMS)
def test_a_nul_marks_its_field_in_every_kind_of_form(client: ConsoleClient, session: Session, path: str) -> None:
    fields, name = NUL_FORMS[path]
    sign_in(client, Role.AGENT if "tickets" in path else Role.ADMIN)
    answer = client.submit(path, json=True, **fields)
    assert answer.status_code == 422 and set(answer.json["error"]["fields"]) == {name}, answer.json


def test_a_nul_in_a_form_marks_its_field(client: ConsoleClient, session: Session) -> None:
    sign_in(client, Role.ADMIN)
    fields = {"name": "Ana\0 Anić", "email": "ana.nova@example.test", "role": "agent", "password": ""}
    answer = client.submit("/console/staff/new/", json=True, **fields)
    assert answer.status_code == 422
    assert set(answer.json["error"]["fields"]) == {"name"}
    page = client.submit("/console/staff/new/", headers={"Accept-Language": "en"}, **fields)
    assert page.status_code == 422
    assert NUL in page.text
    assert 'value="Ana Anić"' in page.text  # what was typed is kept, without it
    assert session.scalar(select(Staff).where(Staff.email == fields["email"])) is None


def test_blank_is_blank_in_a_form(client: ConsoleClient, session: Session) -> None:
    sign_in(client, Role.ADMIN)
    fields = {"name": "\u200b\u3164", "email": "ana.nova@example.test", "role": "agent", "password": ""}
    answer = client.submit("/console/staff/new/", json=True, **fields)
    assert answer.status_code == 422
    assert set(answer.json["error"]["fields"]) == {"name"}


@pytest.mark.parametrize("number", ["0", str(LARGEST_KEY + 1), str(2**63), "9" * 5_000, "%D9%A1"])
def test_what_can_be_no_key_is_no_address(client: ConsoleClient, session: Session, number: str) -> None:
    sign_in(client, Role.AGENT)
    for path in (f"/chat/files/{number}/x", f"/console/verify/{number}/end", f"/console/mail/{number}"):
        answer = client.submit(path) if path.endswith("end") else client.get(path)
        assert answer.status_code == 404, path


def test_a_proof_of_any_letters_is_compared(client: ConsoleClient, session: Session) -> None:
    ask()
    for path in ("/chat/files/1/%C3%A9", "/chat/files/1/%ED%A0%BD"):
        assert client.get(path).status_code == 404
    answer = client.post("/chat/files", headers={"X-Chat-Token": "1.é", "Accept": "application/json"})
    assert answer.status_code == 404


def test_tokens_are_compared_whatever_they_hold() -> None:
    assert same_token("é", "é")
    assert not same_token("é", "e")
    assert not same_token("\ud83d", "x")


def test_a_password_counts_the_same_in_both_forms(
    client: ConsoleClient, session: Session, staff_of: Callable[[Role], Staff]
) -> None:
    from unicodedata import normalize

    from console.core.passwords import hash_password
    from console.core.transaction import transaction

    staff = staff_of(Role.AGENT)
    password = "Čvrsta šifra Đurđevdan"
    hashed = hash_password(normalize("NFD", password))
    with transaction() as database:
        database.get_one(Staff, staff.id).password_hash = hashed
    for typed in (password, normalize("NFD", password)):
        answer = client.submit("/login", email=staff.email, password=typed)
        assert answer.status_code in (302, 303), ascii(typed)
        assert client.submit("/logout").status_code in (302, 303)


@pytest.mark.parametrize("trusted", [False, True])
def test_a_forwarded_host_counts_only_where_a_proxy_is_said_to_set_it(
    settings: Settings, make_app: Callable[[Settings], Flask], session: Session, trusted: bool
) -> None:
    browser = make_app(replace(settings, **REAL, forwarded_host=trusted)).test_client()
    answer = browser.get("/console/hours", headers={"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"})
    assert answer.status_code == 308
    assert answer.location == f"https://{'evil.example' if trusted else 'localhost'}/console/hours/"


def test_a_long_query_is_not_sent_back(client: ConsoleClient, session: Session) -> None:
    """Neither in the address to come back to after signing in, nor by the router's own redirect."""
    short, long = "?search=ana", f"?search={'a' * 4_000}"
    assert client.get(f"/console/tickets/{short}").location == "/login?next=/console/tickets/?search%3Dana"
    assert client.get(f"/console/tickets/{long}").location == "/login?next=/console/tickets/"
    assert client.get(f"/console/hours{short}").location == f"http://localhost/console/hours/{short}"
    assert client.get(f"/console/hours{long}").location == "http://localhost/console/hours/"
    assert client.get(f"/console/tickets/{'a' * 1_500}").location == "/login"


def test_cookies_under_https_are_bound_to_this_host(
    settings: Settings, make_app: Callable[[Settings], Flask], session: Session
) -> None:
    """The session's, and what a browser remembers of a page: set and read again by the same name."""
    client = make_app(replace(settings, base_url="https://console.example.test")).test_client()
    assert isinstance(client, ConsoleClient)
    sign_in(client, Role.AGENT)
    answer = client.submit("/console/tickets/columns", columns=["subject", "tags"])
    names = [cookie for cookie in answer.headers.getlist("Set-Cookie") if "tags" in cookie]
    assert len(names) == 1 and names[0].startswith("__Host-ticket_columns=")
    assert "Secure" in names[0] and "Path=/;" in names[0] and "Domain" not in names[0]
    assert 'value="tags" checked' in client.get("/console/tickets/").text
