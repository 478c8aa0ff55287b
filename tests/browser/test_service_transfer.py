"""The FAQ's "Prenos usluge na drugog korisnika", from the portal: with a thumb, then wide; in Serbian."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.pages import findings, sideways, sign_in
from tests.support.server import LiveServer


def test_a_service_is_given_to_another_customer(
    own_server: Callable[..., LiveServer], new_page: Callable[..., Page]
) -> None:
    server = own_server(demo=True)
    page = new_page(width=390, height=844)
    problems: list[str] = []

    def look() -> None:
        problems.extend(findings(page) + sideways(page))

    sign_in(page, server, "ana", portal=True)
    page.goto(f"{server.url}/moj/")
    pin = re.sub(r"\D", "", page.locator(".pin-code").first.inner_text())
    fill_in(page)
    look()
    page.get_by_role("textbox", name="PIN za podršku").fill("000000" if pin != "000000" else "000001")
    page.get_by_role("button", name="Zatraži prenos").click()
    expect(page.get_by_text("Ovo nije važeći PIN")).to_be_visible()
    expect(page.get_by_role("textbox", name="PIN za podršku")).to_have_value("")
    look()
    page.get_by_role("textbox", name="PIN za podršku").fill(pin)
    page.get_by_role("button", name="Zatraži prenos").click()
    expect(page.get_by_text("Zahtev za prenos je poslat.")).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 720})
    look()
    page.get_by_text("Povuci zahtev", exact=True).first.click()
    page.get_by_role("button", name="Povuci zahtev").click()
    expect(page.get_by_text("Zahtev za prenos je povučen.")).to_be_visible()
    page.goto(f"{server.url}/moj/")
    fill_in(page)
    page.get_by_role("textbox", name="PIN za podršku").fill(pin)
    page.get_by_role("button", name="Zatraži prenos").click()
    expect(page.get_by_text("Zahtev za prenos je poslat.")).to_be_visible()
    assert problems == []


def fill_in(page: Page) -> None:
    """Go from the menu to the service, and say to whom it goes."""
    page.get_by_role("navigation").get_by_role("link", name="Usluge", exact=True).click()
    page.get_by_role("link", name="prodavnica-jasen.example.rs").first.click()
    page.get_by_role("link", name="Prenos usluge na drugog korisnika").click()
    expect(page.get_by_role("region", name="Šta biva sa Vašim predračunima")).to_contain_text("stornira se")
    expect(page.get_by_role("region", name="Šta se prenosi")).to_contain_text("prenosi se jer su usluge povezane")
    page.get_by_role("textbox", name="Novi vlasnik").fill("novi@example.test")
    page.get_by_role("textbox", name="Razlog").fill("Sajt je prodat.")
