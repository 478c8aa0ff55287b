"""The FAQ's way to a changed profile and to another owner, with its clicks: on a phone and wide, in Serbian."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page
from sqlalchemy.orm import Session

from console.core.db import db
from console.customers.models import Customer
from tests import factories
from tests.browser.pages import sideways, sign_in_at
from tests.conftest import Clock
from tests.customers.account.support import mails, token_in
from tests.views.conftest import axe, new_page, served  # noqa: F401  (fixtures)

SIZES = ((390, 844), (1280, 720))


def test_the_profile_is_changed_and_the_account_handed_over(
    served: str,  # noqa: F811
    new_page: Callable[..., Page],  # noqa: F811
    axe: Callable[[Page], list[str]],  # noqa: F811
    session: Session,
    clock: Clock,
) -> None:
    for width, height in SIZES:
        customer = factories.make_customer(name=f"Ana Stara {width}")
        owner = factories.owner_of(customer)
        email, key = owner.person.email, customer.id
        session.rollback()
        page = new_page(width=width, height=height)
        page.goto(f"{served}/moj/login")
        sign_in_at(page, f"{served}/moj/login", email)
        page.goto(f"{served}/moj/")
        if width < 640:
            in_view(page)
        update_profile(page)
        look = axe if width < 640 else sideways
        hand_over(page, look, width)
        session.expire_all()
        accept(new_page(width=width, height=height), served, look)
        page.reload()
        assert "/moj/login" in page.url  # the old owner is signed out
        session.rollback()
        assert db.session.get_one(Customer, key).name == f"Novi Vlasnik {width}"


def in_view(page: Page) -> None:
    """Every entry of the bar is within the screen, on one line; "Moj nalog" is in the person's menu."""
    boxes = [link.bounding_box() for link in page.locator(".portal-nav a:visible").all()]
    assert len(boxes) == 6 and len({box["y"] for box in boxes if box}) == 1
    assert all(box and box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes)
    page.locator(".person-menu summary").click()
    page.get_by_role("link", name="Moj nalog", exact=True).click()
    page.get_by_role("navigation").get_by_role("link", name="Početna", exact=True).click()


def update_profile(page: Page) -> None:
    page.get_by_role("region", name="Podaci o nalogu").get_by_role("link", name="Ažuriraj nalog").click()
    page.get_by_label("Grad").fill("Niš")
    page.get_by_role("button", name="Sačuvaj izmene").click()
    page.get_by_text("Izmene su sačuvane.").wait_for()
    assert page.get_by_label("Grad").input_value() == "Niš"


def hand_over(page: Page, look: Callable[[Page], list[str]], width: int) -> None:
    page.get_by_label("Ime i prezime").fill(f"Novi Vlasnik {width}")
    page.get_by_role("button", name="Sačuvaj izmene").click()
    page.get_by_role("heading", name="Ispravka ili primopredaja?").wait_for()
    assert look(page) == []
    page.get_by_role("button", name="Nastavi na primopredaju").click()
    page.get_by_label("E-mail adresa novog vlasnika").fill(f"novi{width}@example.rs")
    page.get_by_role("button", name="Sačuvaj izmene").click()
    page.get_by_role("heading", name="Osobe na nalogu").wait_for()
    page.get_by_role("button", name="Nastavi").click()
    page.get_by_role("heading", name="Provera i slanje").wait_for()
    assert look(page) == []
    page.get_by_role("button", name="Pošalji ponudu novom vlasniku").click()
    page.get_by_role("heading", name="Novi vlasnik još nije odgovorio").wait_for()


def accept(page: Page, served: str, look: Callable[[Page], list[str]]) -> None:  # noqa: F811
    page.goto(f"{served}/moj/handover/accept/{token_in(mails('handover_offer')[-1], '/moj/handover/accept/')}")
    assert look(page) == []
    page.get_by_label("Nova lozinka", exact=True).fill("Tri-Sunca7")
    page.get_by_label("Nova lozinka još jednom").fill("Tri-Sunca7")
    page.get_by_role("button", name="Preuzmi nalog").click()
    page.get_by_text("je sada Vaš").wait_for()
