"""In a real browser: keys, palette, theme, language, questions before what cannot be undone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core import clock
from console.core.transaction import transaction
from console.hosting.models import Product
from console.staff.models import Staff
from console.staff.roles import Role
from tests import factories
from tests.views.support import fill

pytestmark = pytest.mark.timeout(240)
Enter = Callable[..., Staff]
Axe = Callable[[Page], list[str]]

CHOSEN = '#palette [role="option"][aria-selected="true"]'


class TestPalette:
    def test_by_keyboard_alone(self, page: Page, enter: Enter) -> None:
        with transaction():
            jasen = factories.make_customer(name="Mlekara Jasen")
            factories.make_customer(name="Stolarija Jasenje")
        number = jasen.number
        enter(page, Role.AGENT)
        page.keyboard.press("Control+k")
        box = page.get_by_role("combobox")
        expect(box).to_be_focused()
        page.keyboard.type("jasen")
        expect(page.locator(CHOSEN)).to_contain_text("Stolarija Jasenje")
        expect(box).to_have_attribute("aria-expanded", "true")
        assert box.get_attribute("aria-activedescendant") == page.locator(CHOSEN).get_attribute("id")
        page.keyboard.press("ArrowDown")
        expect(page.locator(CHOSEN)).to_contain_text("Mlekara Jasen")
        expect(page.locator(f"{CHOSEN} mark")).to_have_text("Jasen")
        page.keyboard.press("ArrowDown")  # round to the first
        expect(page.locator(CHOSEN)).to_contain_text("Stolarija")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/console/customers/{number}")

    def test_faster_than_the_search(self, page: Page, enter: Enter, served: str) -> None:
        enter(page, Role.BILLING)
        page.keyboard.press("Control+k")
        expect(page.locator(CHOSEN)).to_be_visible()
        page.keyboard.type("storn")
        page.keyboard.press("Enter")  # before the answer came
        page.wait_for_url(f"{served}/console/stornos/")

    def test_escape_gives_the_focus_back(self, page: Page, enter: Enter) -> None:
        enter(page, Role.AGENT)
        opener = page.locator("[data-palette]").first
        opener.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("combobox")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.locator("#palette")).to_be_hidden()
        expect(opener).to_be_focused()

    def test_what_was_found_is_said(self, page: Page, enter: Enter) -> None:
        enter(page, Role.AGENT)
        page.keyboard.press("Control+k")
        page.keyboard.type("zzzz")
        expect(page.locator("#palette [data-empty]")).to_be_visible()
        expect(page.get_by_role("combobox")).to_have_attribute("aria-expanded", "false")
        page.get_by_role("combobox").fill("")
        expect(page.locator("#palette [data-notice]")).to_have_text(re.compile(r"\d+ rezultat"))

    def test_opened_axe(self, page: Page, enter: Enter, axe: Axe) -> None:
        fill(2)
        enter(page, Role.BILLING)
        page.keyboard.press("Control+k")
        expect(page.locator(CHOSEN)).to_be_visible()
        assert axe(page) == []


class TestKeys:
    def test_help_and_going_somewhere(self, page: Page, enter: Enter, served: str, axe: Axe) -> None:
        enter(page, Role.BILLING)
        page.keyboard.press("?")
        expect(page.locator("#keys")).to_be_visible()
        assert axe(page) == []
        page.keyboard.press("g")
        page.keyboard.press("p")  # a dialog is open: nothing moves
        page.keyboard.press("Escape")
        assert page.url == f"{served}/console/"
        page.keyboard.press("g")
        page.keyboard.press("p")
        page.wait_for_url(f"{served}/console/proformas/")

    def test_walking_a_list(self, page: Page, enter: Enter) -> None:
        fill(3)
        enter(page, Role.AGENT, "/console/customers/")
        links = page.locator("[data-open]")
        for key, place in (("j", 0), ("j", 1), ("j", 2), ("j", 2), ("k", 1)):
            page.keyboard.press(key)
            expect(links.nth(place)).to_be_focused()
        target = links.nth(1).get_attribute("href")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{target}")

    def test_off_while_typing(self, page: Page, enter: Enter, served: str) -> None:
        enter(page, Role.AGENT, "/console/customers/")
        page.keyboard.press("/")
        box = page.locator("#list-search")
        expect(box).to_be_focused()
        page.keyboard.type("gd?jk/")
        expect(box).to_have_value("gd?jk/")
        assert page.url == f"{served}/console/customers/"
        expect(page.locator("#keys")).to_be_hidden()

    def test_switched_off_by_the_person(self, page: Page, enter: Enter, served: str) -> None:
        staff = enter(page, Role.AGENT)
        key = staff.id
        with transaction() as database:
            database.get_one(Staff, key).single_keys = False
        page.reload()
        page.keyboard.press("?")
        page.keyboard.press("g")
        page.keyboard.press("k")
        expect(page.locator("#keys")).to_be_hidden()
        assert page.url == f"{served}/console/"
        page.keyboard.press("Control+k")  # has a modifier: stays
        expect(page.locator("#palette")).to_be_visible()


class TestFrame:
    def test_theme_changes_at_once_and_stays(self, page: Page, enter: Enter) -> None:
        enter(page, Role.AGENT)
        with page.expect_response("**/preferences"):
            page.locator(".topbar > [data-theme-form] button").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        page.reload()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        with page.expect_response("**/preferences"):
            page.locator(".topbar > [data-theme-form] button").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "light")

    def test_language_keeps_the_page(self, page: Page, enter: Enter) -> None:
        enter(page, Role.AGENT, "/console/customers/?kind=person")
        expect(page.locator("h1")).to_have_text("Korisnici")
        page.locator(".topbar summary").click()
        page.get_by_role("button", name="English").click()
        expect(page.locator("h1")).to_have_text("Customers")
        expect(page).to_have_url(re.compile(r"kind=person"))
        expect(page.locator("html")).to_have_attribute("lang", "en")

    def test_menu_closes(self, page: Page, enter: Enter) -> None:
        enter(page, Role.AGENT)
        summary = page.locator(".topbar summary")
        summary.press("Enter")
        expect(page.get_by_role("button", name="English")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="English")).to_be_hidden()
        expect(summary).to_be_focused()
        summary.click()
        page.locator("h1").click()
        expect(page.get_by_role("button", name="English")).to_be_hidden()

    def test_sidebar_is_remembered(self, page: Page, enter: Enter) -> None:
        enter(page, Role.AGENT)
        button = page.locator("[data-side-toggle]")
        button.click()
        expect(page.locator("html")).to_have_attribute("data-side", "small")
        page.reload()
        expect(page.locator("html")).to_have_attribute("data-side", "small")
        expect(button).to_have_attribute("aria-pressed", "true")
        button.click()
        page.reload()
        assert page.locator("html").get_attribute("data-side") is None

    def test_drawer_on_a_phone(self, new_page: Callable[..., Page], enter: Enter, served: str) -> None:
        page = new_page(width=390, height=844)
        enter(page, Role.AGENT)
        expect(page.locator("#side")).to_be_hidden()
        opener = page.locator("[data-side-open]")
        opener.click()
        expect(opener).to_have_attribute("aria-expanded", "true")
        expect(page.locator(".side a").first).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.locator("#side")).to_be_hidden()
        expect(opener).to_be_focused()
        opener.click()
        page.get_by_role("link", name="Korisnici").click()
        page.wait_for_url(f"{served}/console/customers/")

    def test_skip_link_comes_first(self, page: Page, enter: Enter) -> None:
        enter(page, Role.AGENT)
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#main")).to_be_focused()


class TestQuestions:
    """What cannot be undone asks first, under the strict policy."""

    @pytest.fixture
    def product(self, page: Page, enter: Enter, session: Session) -> str:
        with transaction():
            code = factories.make_product(name="one").code
        enter(page, Role.ADMIN, "/console/shelf/")
        return code

    def _there(self, session: Session, code: str) -> bool:
        session.rollback()
        return session.scalar(select(Product.id).where(Product.code == code)) is not None

    def test_delete(self, page: Page, product: str, session: Session, axe: Axe) -> None:
        button = page.get_by_role("button", name="Obriši: one")
        button.click()
        dialog = page.get_by_role("alertdialog")
        expect(dialog).to_contain_text("one se briše")
        expect(dialog.get_by_role("button", name="Nazad")).to_be_focused()
        assert axe(page) == []
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        assert self._there(session, product)
        button.click()
        dialog.get_by_role("button", name="Nazad").click()
        expect(dialog).to_be_hidden()
        assert self._there(session, product)
        button.click()
        dialog.get_by_role("button", name="Obriši").click()
        expect(page.get_by_role("status").filter(has_text="Obrisano")).to_be_visible()
        assert not self._there(session, product)

    def test_delete_without_scripts_does_nothing(
        self, new_page: Callable[..., Page], product: str, session: Session, page: Page, served: str
    ) -> None:
        cookies = page.context.cookies()
        browser = page.context.browser
        assert browser is not None
        context = browser.new_context(java_script_enabled=False)
        context.add_cookies(cookies)  # type: ignore[arg-type]
        bare = context.new_page()
        bare.goto(f"{served}/console/shelf/")
        bare.locator(".model-list form button").first.click()
        bare.goto(f"{served}/console/shelf/")
        assert product in bare.content()
        context.close()
        assert self._there(session, product)

    def test_bulk_action(self, page: Page, product: str, session: Session) -> None:
        act = page.get_by_role("button", name="Retire")
        act.click()
        expect(page.locator("[data-toasts]")).to_contain_text("Prvo izaberite bar jedan red")
        page.get_by_role("checkbox", name="Izaberi sve redove").check()
        expect(page.get_by_role("checkbox", name="Izaberi one")).to_be_checked()
        expect(page.locator("[data-picked-count]")).to_have_text("izabran 1 red")
        with transaction() as database:
            assert database.scalar(select(Product.active).where(Product.code == product)) is True


class TestLists:
    def test_a_filter_works_at_once(self, page: Page, enter: Enter) -> None:
        with transaction():
            customer = factories.make_customer()
            factories.make_proforma(customer)
            paid = factories.make_proforma(customer, paid=-1).number
        enter(page, Role.BILLING, "/console/proformas/")
        page.get_by_label("Stanje").select_option("paid")
        page.wait_for_url("**/console/proformas/?status=paid")
        expect(page.locator("[data-open]")).to_have_text([paid])
        page.get_by_role("link", name=re.compile("Stanje: plaćen")).click()
        page.wait_for_url("**/console/proformas/")
        expect(page.locator("[data-open]")).to_have_count(2)

    def test_more_filters_and_search(self, page: Page, enter: Enter) -> None:
        with transaction():
            customer = factories.make_customer(name="Knjižara Vrabac")
            factories.make_proforma(customer)
            factories.make_proforma(factories.make_customer())
        number = customer.number
        enter(page, Role.BILLING, "/console/proformas/")
        page.get_by_text("Još filtera").click()
        page.get_by_label("Broj korisnika").fill(number)
        page.get_by_role("button", name="Primeni").click()
        expect(page.locator("[data-open]")).to_have_count(1)
        page.get_by_role("searchbox").fill("nema ga")
        page.get_by_role("searchbox").press("Enter")
        expect(page.get_by_role("heading", name="Nema rezultata")).to_be_visible()
        page.get_by_role("link", name="Prikaži sve").last.click()
        expect(page.locator("[data-open]")).to_have_count(2)


def test_countdown_ends(page: Page, enter: Enter, session: Session) -> None:
    staff = enter(page, Role.AGENT)
    with transaction():
        customer = factories.make_customer()
    factories.make_verification(staff, factories.owner_of(customer))
    page.reload()
    left = page.locator("time[data-countdown]")
    expect(left).to_have_text(re.compile(r"^još \d+ min$"))
    page.evaluate(
        """(instant) => { const time = document.querySelector('time[data-countdown]'); time.dateTime = instant; }""",
        (clock.now() + timedelta(seconds=2)).isoformat(),
    )
    expect(left).to_have_text("isteklo", timeout=10_000)
