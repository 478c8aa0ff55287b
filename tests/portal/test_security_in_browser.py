"""Dvostruka autentifikacija with the clicks that the FAQ describes, and passkeys with a virtual authenticator."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy.orm import Session

from console.core import context
from console.settings.live import LiveSettings
from tests import factories
from tests.browser.pages import findings, sideways
from tests.conftest import Clock
from tests.support.server import in_thread

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def served(sqlite_app: Flask, own_app: Flask, session: Session) -> Iterator[str]:
    """The portal under a name: browsers keep passkeys for names alone."""
    with in_thread(sqlite_app) as url:
        environment = replace(context.environment(), base_url=url)
        context.attach(sqlite_app.extensions, environment, LiveSettings(environment))
        yield url.replace("127.0.0.1", "localhost")


def test_the_faq_and_passkeys(served: str, new_page: Callable[..., Page], session: Session, clock: Clock) -> None:
    email, other = (factories.owner_of(factories.make_customer()).person.email for _ in range(2))
    session.rollback()
    wide = new_page(width=1280, height=720)
    _give_password(wide, served, other)
    _activate(wide)
    page = new_page(width=390, height=844)
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})

    _give_password(page, served, email)
    _activate(page)

    clock.advance(timedelta(minutes=11))
    page.get_by_role("link", name="Kodovi su sačuvani, nastavi").click()
    page.get_by_label("Naziv pristupnog ključa").fill("Moj telefon")
    page.locator("#passkey-password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Dodaj pristupni ključ").click()
    page.get_by_text("Pristupni ključ „Moj telefon“ je dodat.").wait_for()
    page.locator("details.more summary").first.click()
    assert findings(page) == [] and sideways(page) == []

    page.set_viewport_size({"width": 1280, "height": 720})
    _sign_out(page)
    _give_password(page, served, email)
    page.get_by_label("Jednokratni kod").wait_for()
    assert findings(page) == []
    page.get_by_role("button", name="Koristi pristupni ključ").click()
    page.locator("details[data-menu]").wait_for()
    _sign_out(page)
    page.get_by_role("button", name="Prijavite se pristupnim ključem").click()
    page.locator("details[data-menu]").wait_for()

    clock.advance(timedelta(minutes=11))
    page.goto(f"{served}/moj/security")
    page.locator(".inline-ask summary").click()
    page.locator(".inline-ask").get_by_role("button", name="Ili potvrdi pristupnim ključem").click()
    page.locator(".inline-ask").get_by_text("Potvrđeno pristupnim ključem.").wait_for()
    page.get_by_role("button", name="Ukloni pristupni ključ").click()
    page.get_by_text("Pristupni ključ „Moj telefon“ je uklonjen.").wait_for()


def _activate(page: Page) -> None:
    """Turn two-factor authentication on with the clicks of the FAQ."""
    page.click("details[data-menu] summary")  # čovečuljak
    page.get_by_role("link", name="Podešavanja bezbednosti").click()
    page.get_by_role("link", name="Aktiviraj").click()
    page.get_by_role("button", name="Kreni").click()
    page.locator("img.qr").wait_for()
    secret = re.sub(r"\s", "", page.inner_text(".secret"))
    page.get_by_label("Jednokratni kod").fill(factories.code_at(secret, ahead=-1))
    page.get_by_role("button", name="Pošalji").click()
    page.locator("#codes li").nth(9).wait_for()
    assert page.locator("#codes li").count() == 10 and findings(page) == [] and sideways(page) == []


def _give_password(page: Page, served: str, email: str) -> None:
    page.goto(f"{served}/moj/login")
    page.fill("[name=email]", email)
    page.fill("[name=password]", factories.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_load_state()


def _sign_out(page: Page) -> None:
    page.click("details[data-menu] summary")
    page.get_by_role("button", name="Odjavi se").click()
    page.get_by_role("button", name="Prijavite se pristupnim ključem").wait_for()
