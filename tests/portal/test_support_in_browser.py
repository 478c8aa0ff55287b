"""What a customer comes to support for, as they click it: a ticket, a mail, the chat; on a phone and wide."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, ViewportSize
from sqlalchemy.orm import Session

from console.core.transaction import transaction
from console.mail.models import MailState
from tests import factories
from tests.browser.pages import findings, sideways, sign_in
from tests.factories.mail import make_mail
from tests.support.server import LiveServer
from tests.views.conftest import axe, new_page, served  # noqa: F401  (fixtures)

WIDE: ViewportSize = {"width": 1280, "height": 720}


def test_a_ticket_and_a_mail(
    served: str,  # noqa: F811
    new_page: Callable[..., Page],  # noqa: F811
    axe: Callable[[Page], list[str]],  # noqa: F811
    session: Session,
) -> None:
    owner = factories.owner_of(factories.make_customer())
    with transaction():
        make_mail(customer_id=owner.customer_id, subject="Potvrda registracije domena", state=MailState.SENT)
    session.rollback()
    page = new_page(width=390, height=844)
    page.goto(f"{served}/moj/login")
    page.fill("[name=email]", owner.person.email)
    page.fill("[name=password]", factories.PASSWORD)
    page.keyboard.press("Enter")

    page.get_by_role("link", name="Tiketi", exact=True).click()
    page.get_by_role("link", name="Novi tiket").first.click()
    page.get_by_label("Naslov").fill("Sajt je spor")
    page.get_by_label("Vaša poruka").fill("Broj je 482 913, od jutros.")
    page.get_by_role("button", name="Pošalji").click()
    page.locator(".pin-question").wait_for()
    assert page.get_by_label("Naslov").input_value() == "Sajt je spor"
    assert axe(page) == [] and sideways(page) == []
    page.get_by_role("button", name="Nije PIN").click()
    page.locator(".narrow-messages .alert-success").wait_for()
    assert page.locator(".post-text").inner_text() == "Broj je 482 913, od jutros."
    assert axe(page) == [] and sideways(page) == []
    page.set_viewport_size(WIDE)
    assert sideways(page) == []

    # The FAQ: "Ne mogu da nađem email poruku koju ste mi poslali".
    page.get_by_role("link", name="Moj nalog", exact=True).click()
    page.get_by_role("link", name="Poslate email poruke", exact=True).click()
    page.get_by_label("Pretraga email poruka").fill("registracije")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Pogledaj poruku: Potvrda").click()
    page.frame_locator("iframe.letter-html").locator("body").wait_for()
    assert page.locator("h1").inner_text() == "Potvrda registracije domena"
    assert axe(page) == [] and sideways(page) == []


def test_the_chat_is_a_page_of_the_portal(live_server: LiveServer, new_page: Callable[..., Page]) -> None:  # noqa: F811
    page = new_page(width=390, height=844)
    sign_in(page, live_server, "ana", portal=True)
    page.goto(f"{live_server.url}/moj/")
    page.get_by_role("link", name="Live chat", exact=True).click()
    frame = page.frame_locator("iframe.chat-frame")
    frame.get_by_label("Pitanje").wait_for()
    frame.get_by_label("Ime").wait_for(state="hidden")  # they are known
    assert page.locator("[data-support-chat]").count() == 0
    for size in (None, WIDE):
        if size is not None:
            page.set_viewport_size(size)
        assert findings(page) == [] and sideways(page) == []
