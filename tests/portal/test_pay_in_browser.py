"""A pro-forma in the hand: its payment code, its PDF, and a link for another person to pay; on a phone and wide."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, ViewportSize
from sqlalchemy.orm import Session

from tests import factories
from tests.browser.pages import sideways
from tests.views.conftest import axe, new_page, served  # noqa: F401  (fixtures)

WIDE: ViewportSize = {"width": 1280, "height": 720}


def test_a_pro_forma_is_downloaded_and_paid_by_another(
    served: str,  # noqa: F811
    new_page: Callable[..., Page],  # noqa: F811
    axe: Callable[[Page], list[str]],  # noqa: F811
    session: Session,
) -> None:
    owner = factories.owner_of(factories.make_customer())
    number = factories.make_proforma(owner.customer).number
    session.rollback()
    page = new_page(width=390, height=844)
    page.goto(f"{served}/moj/login")
    page.fill("[name=email]", owner.person.email)
    page.fill("[name=password]", factories.PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Predračuni", exact=True).click()
    page.get_by_role("link", name=number).click()
    page.get_by_role("img", name="Kod za plaćanje").wait_for()
    answer = page.request.get(f"{served}{page.get_by_role('link', name='PDF').get_attribute('href')}")
    assert answer.body().startswith(b"%PDF-") and answer.headers["content-type"] == "application/pdf"

    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Kopiraj: Iznos").click()
    assert page.evaluate("navigator.clipboard.readText()") == "14400,00"
    page.get_by_role("button", name="Napravi link za plaćanje").click()
    page.get_by_role("button", name="Kopiraj link").click()
    link = page.evaluate("navigator.clipboard.readText()")
    assert axe(page) == [] and sideways(page) == []
    page.set_viewport_size(WIDE)
    assert sideways(page) == []

    other = new_page(width=390, height=844)
    other.goto(served + link[link.index("/pay/") :])
    assert "14.400,00 RSD" in other.locator("main").inner_text()
    assert owner.customer.name not in other.content()
    assert axe(other) == [] and sideways(other) == []
    page.get_by_role("button", name="Opozovi").click()
    page.get_by_text("Link više ne važi").wait_for()
    other.reload()
    assert "nalog" not in other.locator("main").inner_text() and number not in other.content()
    other.set_viewport_size(WIDE)
    assert axe(other) == [] and sideways(other) == []
