"""A customer looks for help in Serbian, on a phone and wide: from the portal's menu to the steps of an article."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import sign_in
from tests.support.server import LiveServer


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 720)], ids=["phone", "wide"])
def test_from_the_menu_to_the_step(
    live_server: LiveServer, new_page: Callable[..., Page], width: int, height: int
) -> None:
    page = new_page(width=width, height=height, language="sr-Latn-RS")
    sign_in(page, live_server, "ana", portal=True)
    page.goto(f"{live_server.url}/moj/")
    page.locator("details.menu summary").click()
    page.get_by_role("link", name="Pomoć").first.click()
    page.get_by_label("Pretražite stranice pomoći").fill("promena lozinke")
    page.get_by_role("button", name="Pretraži").click()
    page.get_by_role("link", name="Kako da promenim lozinku svog naloga?").click()
    steps = page.locator("article ol > li")
    expect(steps).to_have_count(6)
    expect(steps.nth(2)).to_contain_text("Promeni lozinku")
    page.get_by_role("link", name="Moj Mint", exact=True).first.click()
    expect(
        page.get_by_role("region", name="Podaci o nalogu").get_by_role("link", name="Ažuriraj nalog")
    ).to_be_visible()
