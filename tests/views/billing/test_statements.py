"""Uploading statements, their list, and the page of one."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from console.billing.payments.models import Payment
from console.billing.statements import service
from console.billing.statements.importing import import_due
from console.billing.statements.models import BankStatement, StatementState
from console.core.db import db
from console.core.transaction import transaction
from console.staff.roles import Role
from tests import factories
from tests.billing.statements.scene import content, line, statement
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries

pytestmark = pytest.mark.only("sqlite")

PAGE = "/console/statements/"


def upload(client: ConsoleClient, *files: tuple[str, bytes], json: bool = True, **headers: str) -> TestResponse:
    """Post files as the form does."""
    chosen: list[Any] = [(io.BytesIO(content), name) for name, content in files]
    return client.submit(PAGE, json=json, headers=headers, statement=chosen)


def upload_raw(client: ConsoleClient, name: str, content: bytes) -> TestResponse:
    """Post one large file: the client's own encoding of one leaves a temporary file open."""
    head = f'--x\r\nContent-Disposition: form-data; name="statement"; filename="{name}"\r\n\r\n'
    headers = {"Accept": "application/json", "X-CSRFToken": client.csrf_token()}
    kind = "multipart/form-data; boundary=x"
    return client.post(PAGE, data=head.encode() + content + b"\r\n--x--\r\n", content_type=kind, headers=headers)


def test_what_a_program_is_answered(client: ConsoleClient, session: Session) -> None:
    proforma = factories.make_proforma(factories.make_customer())
    file = content(statement([line(proforma), line(), line(amount=-5_00)]))
    sign_in(client, Role.BILLING)
    answer = upload(client, ("izvod.csv", file))
    assert answer.status_code == 200
    found = {name: answer.json[name] for name in ("lines", "matched", "unmatched", "known", "outgoing", "state")}
    assert found == {"lines": 3, "matched": 1, "unmatched": 1, "known": 0, "outgoing": 1, "state": "imported"}
    again = upload(client, ("drugo-ime.csv", file)).json
    assert (again["lines"], again["matched"], again["unmatched"], again["known"]) == (3, 0, 0, 3)
    (listed,) = client.get_json(PAGE).json["items"]
    assert (listed["number"], listed["closing"], listed["file"]) == ("227", 500_000 + 1_440_000 * 2 - 500, "izvod.csv")
    one = client.get_json(f"{PAGE}{listed['id']}").json
    assert [item["state"] for item in one["items"]] == ["matched", "unmatched", "outgoing"]
    assert one["items"][0]["proforma"] == proforma.number
    payload = client.get_json(f"{PAGE}{listed['id']}?show=unmatched").json["items"]
    assert [item["position"] for item in payload] == [2]
    assert client.get(f"{PAGE}{listed['id']}/file").data == file


@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR, Role.ADMIN])
def test_is_not_there_for_others(client: ConsoleClient, session: Session, role: Role) -> None:
    sign_in(client, role)
    assert upload(client, ("izvod.csv", content(statement([line()])))).status_code == 404
    assert client.get(PAGE).status_code == 404


def test_refusal_says_the_line_and_imports_nothing(client: ConsoleClient, session: Session) -> None:
    good = content(statement([line()]))
    broken = content(statement([line(), line()], number="9")).replace(b"9999999999", b"1", 1).replace(b"-", b"x")
    broken = broken.replace(b"14400,00", b"14,400,00", 1)
    sign_in(client, Role.BILLING)
    answer = upload(client, ("izvod.csv", broken))
    assert answer.status_code == 422
    assert answer.json["error"]["fields"]["statement"][0].startswith(("Line 2: ", "Red 2: "))
    page = upload(client, ("dobar.csv", good), ("los.csv", broken), json=False, **{"Accept-Language": "en"})
    assert page.status_code == 422
    assert "los.csv: Line 2: amount cannot be read: 14,400,00" in page.text
    assert "Nothing was imported." in page.text
    assert db.session.scalar(select(BankStatement.id)) is None
    assert upload(client).status_code == 422


def test_size_is_a_setting_and_other_pages_have_their_own(app: Flask, client: ConsoleClient, session: Session) -> None:
    sign_in(client, Role.BILLING)
    padded = content(statement([line()])) + b"\r\n" * (7 * 1024 * 1024)  # more than any other form may have
    answer = upload_raw(client, "veliki.csv", padded)
    assert answer.status_code == 200, answer.text[:300]
    huge = upload_raw(client, "ogroman.csv", b"x" * (33 * 1024 * 1024))
    assert huge.status_code == 413
    assert huge.json["error"]["message"]
    part = b"x" * (17 * 1024 * 1024)
    head = b'\r\n--x\r\nContent-Disposition: form-data; name="statement"; filename="drugi.csv"\r\n\r\n'
    assert upload_raw(client, "prvi.csv", part + head + part).status_code == 413, "the size is of all files together"
    assert "up to 32 MB in one upload" in client.get(PAGE, headers={"Accept-Language": "en"}).text
    elsewhere = client.submit("/console/quotes/new", json=True, note="x" * (13 * 1024 * 1024))
    assert elsewhere.status_code == 413


def test_pages_take_few_statements_and_say_what_became_of_each_line(
    app: Flask, client: ConsoleClient, session: Session
) -> None:
    customer = factories.make_customer()
    lines = [line(factories.make_proforma(customer)) for _ in range(4)] + [line(), line(amount=-1_00)]
    sign_in(client, Role.BILLING)
    english = {"Accept-Language": "en"}
    answer = upload(client, ("izvod.csv", content(statement(lines))), json=False)
    assert answer.status_code == 303
    upload(client, ("nedelja.csv", content(statement([*lines[:2], line()], number="8"))))
    with count_queries(app) as queries:
        page = client.get(answer.location, headers=english).text
    assert queries.count <= 8, "\n".join(queries)
    for text in ("Statement 227", "matched", "unmatched", "outgoing", "Mlekara Jasen", "izvod.csv"):
        assert text in page, text
    with count_queries(app) as queries:
        listed = client.get(PAGE, headers=english).text
    assert queries.count <= 8, "\n".join(queries)
    assert "No. 227" in listed
    assert client.get(f"{answer.location}?show=nothing&after=x").status_code == 200
    assert client.get(f"{PAGE}999").status_code == 404


def test_long_import_shows_how_far_it_is(
    client: ConsoleClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "AT_ONCE", 1)
    sign_in(client, Role.BILLING)
    answer = upload(client, ("izvod.csv", content(statement([line(), line()]))))
    assert answer.status_code == 202
    assert (answer.json["state"], answer.json["lines"]) == ("importing", 2)
    address = f"{PAGE}{answer.json['statements'][0]}"
    assert 'max="2"' in client.get(address).text
    htmx = {"HX-Request": "true"}
    assert 'value="0"' in client.get(f"{address}/progress", headers=htmx).text
    assert import_due() == 1
    over = client.get(f"{address}/progress", headers=htmx)
    assert (over.status_code, over.headers["HX-Refresh"]) == (204, "true")
    assert client.get_json(address).json["statement"]["unmatched"] == 2
    with transaction() as writing:
        writing.execute(update(BankStatement).values(state=StatementState.STOPPED, taken=1))
    assert "/resume" in client.get(address).text
    assert client.submit(f"{address}/resume").status_code == 303
    assert db.session.scalar(select(BankStatement.state)) is StatementState.IMPORTING


def test_account_of_another_is_said(client: ConsoleClient, session: Session) -> None:
    file = content(statement([line()])).replace(b"840000000095584510", b"310123456789121186")
    sign_in(client, Role.BILLING)
    answer = upload(client, ("izvod.csv", file), json=False)
    assert "not the one on our documents" in client.get(answer.location, headers={"Accept-Language": "en"}).text
    assert db.session.scalar(select(Payment.id)) is not None
