"""An agent works through the inbox by keyboard: new, matched, doubtful, spam, bounced; in both languages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import findings, sideways, sign_in
from tests.support.server import LiveServer

pytestmark = pytest.mark.only("sqlite")


def test_the_inbox_by_keyboard(own_server: Callable[..., LiveServer], new_page: Callable[..., Page]) -> None:
    server = own_server(demo=True)
    page = new_page(width=1280, height=720, language="sr-Latn-RS")
    sign_in(page, server, "agent")
    page.goto(f"{server.url}/console/mail/in/?state=waiting")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Re:")
    expect(page.locator("[role=status]").filter(has_text="Adresa ne pripada nikome iz ovog tiketa")).to_be_visible()
    assert findings(page) == []
    page.keyboard.press("a")
    expect(page.get_by_text("Ništa ne čeka na odluku")).to_be_visible()

    page.goto(f"{server.url}/console/mail/in/?state=spam")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Nije spam")).to_be_visible()
    page.wait_for_load_state()  # the keys work then
    page.keyboard.press("n")
    expect(page.locator(".alert, .toast").filter(has_text="Vraćeno je u tiket")).to_be_visible()

    english = new_page(width=1280, height=720, language="en-GB", dark=True)
    sign_in(english, server, "agent")
    opened = {
        "search=milena": "A confirmation was sent.",  # a new one
        "search=aleksandar": "The sender is the requester.",  # one that was matched
        "state=bounce": "Automatic e-mails no longer go to",
        "state=failed": "It could not be read; the original is attached to",
    }
    for query, words in opened.items():
        english.goto(f"{server.url}/console/mail/in/?{query}")
        english.keyboard.press("j")
        english.keyboard.press("Enter")
        expect(english.get_by_text(words)).to_be_visible()
    assert findings(english) == []
    english.keyboard.press("d")
    expect(english.locator(".alert, .toast").filter(has_text="No action is needed")).to_be_visible()
    english.goto(f"{server.url}/console/mail/in/?search=jelena")
    english.keyboard.press("j")
    english.keyboard.press("Enter")
    expect(english.get_by_role("list", name="Invitations")).to_contain_text("[Invitation: ")
    english.wait_for_load_state()  # the keys work then
    english.keyboard.press("s")
    expect(english.locator(".alert, .toast").filter(has_text="Marked as spam")).to_be_visible()
    english.goto(f"{server.url}/console/mail/in/?state=spam")
    expect(english.locator("[data-open]").first).to_contain_text("Sastanak o selidbi sajta")
    english.keyboard.press("j")
    english.keyboard.press("Enter")
    english.locator("[data-incoming]").wait_for()
    english.wait_for_load_state()  # the keys work then
    english.keyboard.press("u")
    expect(english.get_by_text("Nothing waits for a decision")).to_be_visible()

    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server.url}/console/mail/in/?state=bounce")
    page.locator("[data-open]").first.click()
    expect(page.get_by_text("Automatski mejlovi više ne idu na adresu")).to_be_visible()
    assert not sideways(page)

    page.goto(f"{server.url}/console/mail/in/?search=milena")
    page.locator("[data-open]").first.click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_text("dva sajta")).to_be_visible()
    expect(frame.locator("img[src^='http']")).to_have_count(0)
    assert not sideways(page)
