"""CSV exports: whole, in bounded pieces, harmless in a spreadsheet, on the record."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.billing.models import Proforma
from console.staff.roles import Role
from console.views.shared.export import BOM, PLAIN, SERBIAN, Number, _read_batches, amount_cell, harmless, write_csv
from tests import factories
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries
from tests.support.spreadsheets import read
from tests.views.support import fill


@pytest.mark.parametrize(
    "typed",
    [
        '=HYPERLINK("http://evil")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "=", "-5+3",
        "\N{FULLWIDTH EQUALS SIGN}1", "\N{FULLWIDTH PLUS SIGN}1", "\N{FULLWIDTH HYPHEN-MINUS}1",
        "\N{FULLWIDTH COMMERCIAL AT}SUM(A1)", " \N{FULLWIDTH COMMERCIAL AT}",
    ],
)  # fmt: skip
def test_a_formula_is_a_text(typed: str) -> None:
    assert harmless(typed).startswith("'")


@given(st.text(max_size=40))
def test_no_cell_begins_a_formula(typed: str) -> None:
    cell = harmless(typed)
    assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))
    assert cell.removeprefix("'") == typed or cell == typed


def test_numbers_stay_numbers() -> None:
    assert harmless(amount_cell(-123450), SERBIAN) == "-1234,50"
    assert harmless(date(2026, 11, 3), SERBIAN) == "03.11.2026."
    assert harmless(date(2026, 11, 3)) == "2026-11-03"
    assert harmless(amount_cell(-123450)) == "-1234.50"
    assert harmless(amount_cell(5)) == "0.05"
    assert harmless(-7) == "-7"
    assert harmless(Number("-1")) == "-1"


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=2, max_size=2)))
def test_a_file_reads_back(rows: list[list[str]]) -> None:
    normal = [[harmless(cell) for cell in row] for row in rows]
    for style in (PLAIN, SERBIAN):
        text = "".join(write_csv(["a", "b"], [rows], style)).removeprefix(BOM)
        assert list(csv.reader(io.StringIO(text, newline=""), delimiter=style.delimiter)) == [["a", "b"], *normal]


@pytest.mark.both
def test_every_row_once_and_only_named_columns(app: Flask, client: ConsoleClient, session: Session) -> None:
    fill(12)
    sign_in(client, Role.BILLING)
    answer = client.get("/console/proformas/export/csv/")
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = read(answer.text)
    assert len(rows[0]) == 13
    assert [row[0] for row in rows[1:]] == list(session.scalars(select(Proforma.number).order_by(Proforma.id)))
    assert "issuer" not in answer.text


@pytest.mark.both
def test_batches_are_bounded(app: Flask, client: ConsoleClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.views.shared.export.EXPORT_BATCH", 5)
    fill(23)
    sign_in(client, Role.BILLING)
    with count_queries(app) as seen:
        rows = read(client.get("/console/services/export/csv/").text)
    assert len(rows) == 1 + 23
    assert len({row[0] for row in rows}) == 1 + 23
    batches = [statement for statement in seen if "FROM services" in statement]
    assert len(batches) == 6
    assert all("LIMIT" in statement for statement in batches)


@pytest.mark.only("sqlite")
def test_it_is_streamed(app: Flask, client: ConsoleClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.views.shared.export.EXPORT_BATCH", 5)
    fill(11)
    sign_in(client, Role.BILLING)
    answer = client.get("/console/customers/")
    view = next(view for view in app.extensions["admin"][0]._views if view.endpoint == "services")
    with app.test_request_context():
        pieces = _read_batches(view, view.matching(view.read_list_query(), all_hits=True), "csv")
        assert [len(list(piece)) for piece in pieces] == [5, 5, 1]
    assert answer.status_code == 200


@pytest.mark.both
def test_search_and_filters_hold_and_all_hits_come(client: ConsoleClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.core.search.LIMIT", 3)  # what a page looks through
    customer = factories.make_customer(name="Mnogo Predračuna")
    for _ in range(7):
        factories.make_proforma(customer)
    factories.make_proforma(factories.make_customer(name="Neko Drugi"))
    factories.make_proforma(customer, paid=-1)
    sign_in(client, Role.BILLING)
    rows = read(client.get("/console/proformas/export/csv/?search=mnogo&status=open").text)
    assert len(rows) == 1 + 7
    assert {row[1] for row in rows[1:]} == {customer.number}


@pytest.mark.only("sqlite")
def test_formulas_of_customers_are_neutral(client: ConsoleClient) -> None:
    factories.make_service(factories.make_customer(), label="=cmd|'/c calc'!A0")
    sign_in(client, Role.BILLING)
    rows = read(client.get("/console/services/export/csv/").text)
    assert rows[1][2] == "'=cmd|'/c calc'!A0"


@pytest.mark.only("sqlite")
def test_amounts_are_plain_numbers(client: ConsoleClient) -> None:
    factories.make_proforma(factories.make_customer(), cancelled=True)
    sign_in(client, Role.BILLING)
    rows = read(client.get("/console/stornos/export/csv/").text)
    assert rows[1][rows[0].index(rows[0][-2])] == "-14400,00"


@pytest.mark.only("sqlite")
def test_who_exported_is_on_the_record(client: ConsoleClient, session: Session) -> None:
    sign_in(client, Role.BILLING)
    client.get("/console/proformas/export/csv/?status=paid&search=tajna&nonsense=1")
    entry = session.scalar(select(AuditEntry).where(AuditEntry.action == "list.exported"))
    assert entry is not None
    assert entry.subject == "proformas"
    assert entry.data == {"filters": {"status": "paid"}, "searched": True}
    assert "tajna" not in str(entry.data)


@pytest.mark.only("sqlite")
def test_other_formats_do_not_exist(client: ConsoleClient, session: Session) -> None:
    sign_in(client, Role.BILLING)
    for kind in ("json", "xls", "csv/x"):
        assert client.get(f"/console/proformas/export/{kind}/").status_code == 404
    assert session.scalar(select(func.count()).where(AuditEntry.action == "list.exported")) == 0
