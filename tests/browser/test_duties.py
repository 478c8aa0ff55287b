"""Billing's day by keyboard: home, the queue, numbers entered, the month exported for the accountant.

In Serbian every day; in English with ``--prove``. One walk, on a wide screen and a look at a phone's.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from openpyxl import load_workbook
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.billing.duties.models import Duty, DutyState
from console.billing.periods import next_period
from console.core.settings import Settings
from console.customers.models import CustomerKind
from console.staff.roles import Role
from tests import factories
from tests.browser.pages import findings, sideways, sign_in
from tests.factories.billing import LineSpec, pay_proforma
from tests.factories.shared import today
from tests.support.server import LiveServer

WORDS = {
    "sr-Latn-RS": {
        "home": "Naplata danas", "saved": "2 dokumenta su označena kao izdata",
        "receipt": "Fiskalni račun Avans-Prodaja",
        "money": "Za 14 dana uplaćeno je 43.200,00 RSD", "reason": "Broj je pogrešan", "again": "ponovo čeka izdavanje",
    },
    "en-GB": {
        "home": "Billing today", "saved": "2 documents were ticked", "receipt": "Receipt Avans-Prodaja",
        "money": "43,200.00 RSD received in 14 days", "reason": "The number is wrong", "again": "is due again",
    },
}  # fmt: skip


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("language", ["sr-Latn-RS", pytest.param("en-GB", marks=pytest.mark.full)])
def test_the_month_of_tax_documents_by_keyboard(
    sqlite_app: Flask,
    session: Session,
    settings: Settings,
    own_server: Callable[..., LiveServer],
    new_page: Callable[..., Page],
    language: str,
) -> None:
    words = WORDS[language]
    for place in range(3):
        customer = factories.make_customer(kind=CustomerKind.PERSON, name=f"Kupac {place}")
        service = factories.make_service(customer)
        proforma = factories.make_proforma(customer, [LineSpec(service, period=next_period(service))])
        pay_proforma(proforma, proforma.total)
    factories.make_staff(Role.BILLING, email="billing@example.test")
    session.commit()
    page = new_page(language=language)
    server = own_server(DATABASE_URL=settings.database_url)
    sign_in(page, server, "billing")
    page.goto(f"{server.url}/login")

    expect(page.locator("h1")).to_have_text(words["home"])  # where billing begins
    expect(page.locator("#c-money-rsd")).to_contain_text(words["money"])
    assert findings(page) == []
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text(words["home"])
    page.keyboard.press("Escape")

    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_url("**/console/duties/?when=open&sort=due_on")
    assert findings(page) == []
    page.keyboard.press("j")
    expect(page.locator("[data-rows] tbody tr").first.locator("[data-open]")).to_be_focused()
    page.keyboard.press("n")
    page.keyboard.type("MNT-41")
    page.keyboard.press("ArrowDown")
    page.keyboard.type("MNT-42")
    page.keyboard.press("Enter")
    expect(page.get_by_text(words["saved"])).to_be_visible()
    expect(page.locator("[data-number]").first).to_be_focused()  # on to the next one

    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.goto(f"{server.url}/console/duties/?when=done")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/duties/*")
    page.locator("details.card > summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type(words["reason"])
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text(words["again"])).to_be_visible()
    page.wait_for_load_state()  # before its scripts have run, a letter is no shortcut

    page.keyboard.press("g")
    page.keyboard.press("i")
    page.locator("#f-month").focus()
    page.locator("#f-month").select_option(f"{today():%Y-%m}")
    page.wait_for_url("**month=**")
    _look_at_a_phone(page)
    rows = list(
        csv.reader(io.StringIO(_exported(page, 0).read_text("utf-8-sig"), newline=""), delimiter=_mark(language))
    )
    assert len(rows) == 3 + 1 - 1  # open ones of this month: one of the three is ticked
    assert {row[0] for row in rows[1:]} == {words["receipt"]}
    sheet = load_workbook(io.BytesIO(_exported(page, 1).read_bytes())).worksheets[0]
    assert [row[0].value for row in sheet.iter_rows()] == [row[0] for row in rows]
    assert {row[12].value for row in sheet.iter_rows(min_row=2)} == {14_400}
    session.expire_all()
    done = session.scalars(select(Duty.number).where(Duty.state == DutyState.DONE)).all()
    assert len(done) == 1 and set(done) <= {"MNT-41", "MNT-42"}


def _mark(language: str) -> str:
    return ";" if language.startswith("sr") else ","


def _exported(page: Page, place: int) -> Path:
    """Export the list by keyboard; ``place``: which kind of file."""
    page.keyboard.press("Escape")
    page.locator("h1").click()  # out of the fields: single keys are off in them
    page.keyboard.press("e")
    for _ in range(place):
        page.keyboard.press("Tab")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    return Path(download.value.path())


def _look_at_a_phone(page: Page) -> None:
    size = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 844})
    assert sideways(page) == []
    assert findings(page) == []
    if size is not None:
        page.set_viewport_size(size)
