"""A pro-forma by keyboard, in Serbian: lines, a preview while typing, issued; then seen on a phone and cancelled."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.pages import findings, sign_in
from tests.support.server import LiveServer


def test_a_proforma_is_made_by_keyboard_and_cancelled(
    own_server: Callable[..., LiveServer], new_page: Callable[..., Page]
) -> None:
    server = own_server(demo=True)
    page = new_page()
    sign_in(page, server, "billing")
    page.goto(f"{server.url}/console/proformas/new")
    page.keyboard.type("ana@example.test")
    page.keyboard.press("Enter")
    first = page.locator("[data-line]").first
    expect(first).to_be_visible()
    page.wait_for_load_state()  # the preview follows what is typed once its script is there
    first.locator("[name=service]").focus()
    page.keyboard.press("ArrowDown")  # renews the service that ends first
    sheet = page.locator("[data-sheet]")
    expect(sheet).to_contain_text("Produženje")
    first.locator("[name=discount]").fill("10%")
    expect(sheet).to_contain_text("popust 10%")
    page.keyboard.press("Enter")  # to the next field, not a submit
    expect(first.locator("[name=tax]")).to_be_focused()
    page.keyboard.press("Alt+n")
    lines = page.locator("[data-line]")
    expect(lines).to_have_count(4)
    expect(lines.nth(3).locator("[name=service]")).to_be_focused()
    lines.nth(3).locator("[name=description]").fill("Podešavanje mejla")
    lines.nth(3).locator("[name=price]").fill("1.234")
    expect(sheet).to_contain_text("Stavka 2")
    lines.nth(3).locator("[name=price]").fill("1.234,50")
    expect(sheet).to_contain_text("1.481,40")  # with its PDV
    assert findings(page) == []
    page.keyboard.press("Control+Enter")
    expect(page.locator("h1")).to_contain_text("PR-")
    number = page.locator("h1").inner_text().split()[-1]
    expect(page.locator(".paper")).to_contain_text("popust 10%")
    _cancel_on_a_phone(new_page(width=390, height=844), server, number)


def _cancel_on_a_phone(page: Page, server: LiveServer, number: str) -> None:
    sign_in(page, server, "billing")
    page.goto(f"{server.url}/console/proformas/{number}/storno")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert findings(page) == []
    page.get_by_label("Razlog").fill("Pogrešan kupac")
    page.get_by_role("button", name="Izdaj storno").click()
    expect(page.locator(".paper")).to_contain_text("Storniran")
