"""A statement by keyboard, in Serbian: a broken one refused, then the right one, on a phone and on the desk."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from console.billing.payments.models import Payment, PaymentState
from console.core.db import db
from console.staff.models import Staff
from console.staff.roles import Role
from tests import factories
from tests.billing.statements.scene import content, line, statement

pytestmark = [pytest.mark.timeout(240), pytest.mark.only("sqlite")]
Enter = Callable[..., Staff]
Axe = Callable[[Page], list[str]]


def test_a_statement_by_keyboard(page: Page, enter: Enter, axe: Axe) -> None:
    customer = factories.make_customer(name="Mlekara Jasen")
    file = content(statement([line(factories.make_proforma(customer)), line(payer="Nepoznat Platilac")]))
    page.set_viewport_size({"width": 390, "height": 844})
    enter(page, Role.BILLING, "/console/statements/")
    expect(page.get_by_role("heading", name="Izvodi", exact=True)).to_be_visible()
    expect(page.get_by_text("Još nema izvoda")).to_be_visible()
    broken = file.replace(b"14400,00", b"x", 1)
    page.locator("#statement").set_input_files({"name": "los.csv", "mimeType": "text/csv", "buffer": broken})
    expect(page.get_by_role("list", name="Izabrane datoteke")).to_have_text("los.csv")
    expect(page.get_by_role("button", name="Uvezi")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Red 2: amount ne može da se pročita: x")
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    page.set_viewport_size({"width": 1280, "height": 720})
    dropped = page.evaluate_handle(
        """(text) => { const data = new DataTransfer();
        data.items.add(new File([text], 'izvod.csv', {type: 'text/csv'})); return data; }""",
        file.decode(),
    )
    page.dispatch_event("main", "dragover", {"dataTransfer": dropped})
    expect(page.locator("[data-over]")).to_be_visible()
    page.dispatch_event("main", "drop", {"dataTransfer": dropped})
    expect(page.get_by_role("heading", name="Izvod 227")).to_be_visible()
    expect(page.get_by_role("status").first).to_contain_text("upareno 1, neupareno 1")
    assert axe(page) == []
    page.get_by_role("link", name="neupareno 1").press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.wait_for_load_state()  # the keys come with the scripts
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Nepoznat Platilac")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/payments/*")
    expect(page.get_by_text("Nepoznat Platilac").first).to_be_visible()
    db.session.rollback()
    states = select(Payment.state).order_by(Payment.id)
    assert list(db.session.scalars(states)) == [PaymentState.MATCHED, PaymentState.UNMATCHED]
