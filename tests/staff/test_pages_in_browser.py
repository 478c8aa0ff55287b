"""The pages of signing in and of one's own account, in a real browser, in both languages, themes and widths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from console.core.settings import Settings
from console.staff.roles import Role
from tests import factories
from tests.browser.pages import findings, sideways
from tests.staff.support import code_at, switch_totp_on
from tests.support.server import in_thread

WAYS = {
    "sr-light-wide": {"language": "sr-Latn-RS"},
    "en-dark-phone": {"language": "en", "dark": True, "width": 390, "height": 844},
    "en-dark-wide": {"language": "en", "dark": True},
    "sr-light-phone": {"language": "sr-Latn-RS", "width": 390, "height": 844},
}


def ways(daily: str) -> list[Any]:
    """Return all ways of looking; those but the ``daily`` one are for ``--prove``."""
    return [pytest.param(way, id=name, marks=() if name == daily else pytest.mark.full) for name, way in WAYS.items()]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, totp_roles=("supervisor",))


@pytest.fixture
def address(app: Flask, session: Session) -> Iterator[str]:
    """The application behind a port, so that a test may change what it shows."""
    session.rollback()
    with in_thread(app) as url:
        yield url


def look(page: Page) -> None:
    """Fail on what axe calls serious or critical, and on a page that scrolls sideways."""
    assert findings(page) + sideways(page) == []


def send(page: Page, **fields: str) -> None:
    """Fill the page's form in and send it."""
    for name, value in fields.items():
        page.fill(f"main [name={name}]", value)
    with page.expect_navigation():  # the page that was sent is loaded, too: waiting for a load alone may mean that one
        page.press(f"main [name={list(fields)[-1]}]", "Enter")


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("way", ways("sr-light-wide"))
def test_signing_in(address: str, new_page: Callable[..., Page], way: dict[str, Any]) -> None:
    staff, fresh = factories.make_staff(Role.AGENT), factories.make_staff(Role.SUPERVISOR, password_temporary=True)
    secret, codes = switch_totp_on(staff)
    page = new_page(**way)
    page.goto(f"{address}/login")
    look(page)
    send(page, email=staff.email, password="wrong-password")
    look(page)
    page.get_by_role("alert").wait_for()
    assert page.input_value("[name=email]") == staff.email
    send(page, password=factories.PASSWORD)
    look(page)
    send(page, code="000000")
    look(page)
    with page.expect_navigation():
        page.locator(".auth-below a").first.click()
    look(page)
    send(page, code=codes[0])
    page.wait_for_url("**/console/")
    page.goto(f"{address}/logout")
    look(page)
    with page.expect_navigation():
        page.locator("main button").click()
    page.get_by_role("status").first.wait_for()
    look(page)
    assert code_at(secret)

    send(page, email=fresh.email, password=factories.PASSWORD)
    look(page)
    send(page, password="kratka", again="kratka")
    look(page)
    send(page, password="konj baterija spajalica", again="konj baterija spajalica")
    look(page)
    page.locator("details summary").click()
    send(page, code=code_at(page.locator(".secret").inner_text().replace(" ", "").replace("\n", "")))
    look(page)
    assert page.locator("#codes li").count() == 10


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("way", ways("en-dark-phone"))
def test_accounts(address: str, new_page: Callable[..., Page], way: dict[str, Any]) -> None:
    admin, other = factories.make_staff(Role.ADMIN), factories.make_staff(active=False)
    page = new_page(**way)
    page.goto(f"{address}/login")
    send(page, email=admin.email, password=factories.PASSWORD)
    page.wait_for_url("**/console/")
    for path in (
        "profile/",
        "profile/second-step/",
        "staff/",
        "staff/new/",
        f"staff/{other.id}/",
        f"staff/{admin.id}/",
    ):
        page.goto(f"{address}/console/{path}")
        look(page)
    page.goto(f"{address}/console/staff/new/")
    send(page, name="Nova Osoba", email="nova@example.test")
    look(page)
    assert page.locator(".once").inner_text()


@pytest.mark.only("sqlite")
def test_a_typed_password_can_be_shown_and_hides_before_it_is_sent(address: str, page: Page) -> None:
    page.goto(f"{address}/login")
    page.fill("#password", "something typed")
    show = page.locator("[data-reveal=password]")
    show.click()
    assert page.get_attribute("#password", "type") == "text"
    assert show.get_attribute("aria-pressed") == "true"
    page.evaluate("document.querySelector('main form').addEventListener('submit', e => e.preventDefault())")
    page.click("main .btn-primary")
    assert page.get_attribute("#password", "type") == "password"


@pytest.mark.only("sqlite")
def test_language_and_theme_switch_without_signing_in(address: str, page: Page) -> None:
    page.goto(f"{address}/login?next=/console/profile/")
    page.click("button[name=language][value=en]")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert "next=" in page.url
    page.click("button.to-dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("button.to-light")).to_be_visible()
    expect(page.locator("button.to-dark")).not_to_be_visible()
