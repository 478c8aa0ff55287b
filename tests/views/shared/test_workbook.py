"""XLSX exports: cells with their types, none a formula, whole in bounded memory, as their reader has days."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.billing.models import Proforma
from console.staff.roles import Role
from console.views.shared import workbook
from console.views.shared.export import PLAIN, SERBIAN, Style, amount_cell
from tests import factories
from tests.support.client import ConsoleClient, sign_in
from tests.support.spreadsheets import read
from tests.views.support import fill

pytestmark = pytest.mark.only("sqlite")


def sheet(content: bytes) -> Any:
    return load_workbook(io.BytesIO(content)).worksheets[0]


def written(titles: Sequence[str], batches: Iterable[Sequence[Sequence[Any]]], reader: Style = PLAIN) -> bytes:
    with workbook.write_workbook(titles, batches, "Lista", reader) as file:
        return file.read()


def test_cells_keep_their_types(session: Session) -> None:
    moment = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    row = [amount_cell(-123450), 7, date(2026, 11, 3), moment, None, "čćšžđ", True]
    for reader, day in ((PLAIN, "yyyy-mm-dd"), (SERBIAN, "dd.mm.yyyy.")):
        cells = sheet(written(["a"] * len(row), [[row]], reader))[2]
        assert [cell.value for cell in cells[:3]] == [-1234.5, 7, datetime.fromisoformat("2026-11-03")]
        assert cells[3].value == datetime.fromisoformat("2026-12-01T00:30")
        assert (cells[0].number_format, cells[2].number_format) == ("#,##0.00", day)
        assert [cell.value for cell in cells[4:6]] == [None, "čćšžđ"]


@pytest.mark.parametrize("typed", ['=HYPERLINK("http://evil")', "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "{=1}"])
def test_a_formula_is_a_text(app: Flask, typed: str) -> None:
    cell = sheet(written(["a"], [[[typed]]]))["A2"]
    assert (cell.data_type, cell.value) == ("s", typed)
    assert bool(cell.quotePrefix) == (typed != "{=1}")  # edited, it stays a text


def test_more_rows_than_a_sheet_holds_go_on(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "SHEET_ROWS", 3)
    sheets = load_workbook(io.BytesIO(written(["n"], [[[number]] for number in range(7)]))).worksheets
    assert [[row[0].value for row in one.iter_rows()] for one in sheets] == [["n", 0, 1, 2], ["n", 3, 4, 5], ["n", 6]]
    assert [[cell.value for cell in row] for row in sheet(written(["n"], [])).iter_rows()] == [["n"]]


def test_memory_is_bounded(app: Flask) -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        written(["a", "b"], ([[number, "tekst"]] * 100 for number in range(count)))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(1)
    assert peak(80) < 2 * peak(8)


def test_the_list_as_its_filters_leave_it(client: ConsoleClient, session: Session) -> None:
    fill(7)
    factories.make_proforma(factories.make_customer(name="=1+1"), paid=-1)
    sign_in(client, Role.BILLING)
    answer = client.get("/console/proformas/export/xlsx/?status=open", headers={"Accept-Language": "en"})
    assert answer.mimetype == workbook.MIMETYPE
    assert ".xlsx" in answer.headers["Content-Disposition"]
    rows = list(sheet(answer.data).iter_rows(values_only=True))
    answer.close()
    assert (rows[0][0], rows[0][8]) == ("Number", "Amount")
    expected = session.scalars(select(Proforma).where(Proforma.status == "open").order_by(Proforma.id)).all()
    assert [(row[0], row[8]) for row in rows[1:]] == [(one.number, one.total / 100) for one in expected]
    assert session.scalar(select(func.count(AuditEntry.id)).where(AuditEntry.action == "list.exported")) == 1


@pytest.mark.parametrize("name", ["stornos", "services", "domains"])
def test_every_list_that_exports_has_it(client: ConsoleClient, name: str) -> None:
    sign_in(client, Role.BILLING)
    assert f"/console/{name}/export/xlsx/" in client.get(f"/console/{name}/").text
    answer = client.get(f"/console/{name}/export/xlsx/")
    assert sheet(answer.data).max_row == 1
    answer.close()


def test_an_account_statement(client: ConsoleClient, session: Session) -> None:
    proforma = factories.make_proforma(factories.make_customer())
    factories.pay_proforma(proforma, proforma.total + 100_000)
    sign_in(client, Role.BILLING)
    number = proforma.customer.number
    address = f"/console/customers/{number}/account/export"
    page = client.get(f"/console/customers/{number}/account/?currency=RSD").text
    assert f"{address}/xlsx/?currency=RSD" in page
    english = {"Accept-Language": "en"}
    rows = read(client.get(f"{address}/csv/?currency=RSD", headers=english).text)
    answer = client.get(f"{address}/xlsx/?currency=RSD", headers=english)
    cells = list(sheet(answer.data).iter_rows(values_only=True))
    answer.close()
    assert [row[2] for row in rows[1:]] == [row[2] for row in cells[1:]] and proforma.number in rows[1]
    assert rows[-1][-1] == "1000.00" and cells[-1][-1] == 1_000
    assert client.get(f"{address}/pdf/").status_code == 404
    exported = session.scalars(select(AuditEntry).where(AuditEntry.action == "list.exported")).all()
    assert [entry.customer_id for entry in exported] == [proforma.customer_id] * 2
