"""An agent works through the inbox by keyboard: new, matched, doubtful, spam, bounced; in both languages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import findings, sideways, sign_in
from tests.support.server import LiveServer

pytestmark = pytest.mark.only("sqlite")

WORDS = {
    "sr-Latn-RS": {
        "stranger": "Adresa ne pripada nikome iz ovog tiketa",
        "none wait": "Ništa ne čeka na odluku",
        "not spam": "Nije spam",
        "returned": "Vraćeno je u tiket",
        "new": "Poslata je potvrda.",
        "matched": "Poslao ga je podnosilac tiketa.",
        "bounce": "Automatski mejlovi više ne idu na adresu",
        "failed": "Nije moglo da se pročita; izvorna poruka je priložena uz",
        "settled": "Nije potrebna radnja",
        "invitations": "Pozivi na sastanak",
        "invitation": "[Poziv na sastanak: ",
        "marked": "Označeno kao spam",
    },
    "en-GB": {
        "stranger": "The sender is not one of this ticket’s people",
        "none wait": "Nothing waits for a decision",
        "not spam": "Not spam",
        "returned": "Returned to a ticket",
        "new": "A confirmation was sent.",
        "matched": "The sender is the requester.",
        "bounce": "Automatic e-mails no longer go to",
        "failed": "It could not be read; the original is attached to",
        "settled": "No action is needed",
        "invitations": "Invitations",
        "invitation": "[Invitation: ",
        "marked": "Marked as spam",
    },
}


@pytest.mark.parametrize("language", WORDS)
def test_the_inbox_by_keyboard(
    language: str, own_server: Callable[..., LiveServer], new_page: Callable[..., Page]
) -> None:
    server, words = own_server(demo=True), WORDS[language]
    page = new_page(width=1280, height=720, language=language, dark=language == "en-GB")
    sign_in(page, server, "agent")

    def open_first(query: str) -> None:
        page.goto(f"{server.url}/console/mail/in/?{query}")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.locator("[data-incoming]").wait_for()
        page.wait_for_load_state()  # the keys work then

    def says(key: str) -> None:
        expect(page.locator(".alert, .toast").filter(has_text=words[key])).to_be_visible()

    # Doubtful: a stranger's reply, which the agent adds to the ticket.
    open_first("state=waiting")
    expect(page.locator("h1")).to_contain_text("Re:")
    expect(page.locator("[role=status]").filter(has_text=words["stranger"])).to_be_visible()
    assert findings(page) == []
    page.keyboard.press("a")
    expect(page.get_by_text(words["none wait"])).to_be_visible()

    # Spam that is none, and a new one that is.
    open_first("state=spam")
    expect(page.get_by_role("button", name=words["not spam"])).to_be_visible()
    page.keyboard.press("n")
    says("returned")
    open_first("search=jelena")
    expect(page.get_by_role("list", name=words["invitations"])).to_contain_text(words["invitation"])
    page.keyboard.press("s")
    says("marked")
    open_first("state=spam")
    expect(page.locator("h1")).to_contain_text("Sastanak o selidbi sajta")
    page.keyboard.press("u")
    expect(page.get_by_text(words["none wait"])).to_be_visible()

    # What the others tell of themselves; one that failed is settled.
    for query, key in (
        ("search=milena", "new"),
        ("search=aleksandar", "matched"),
        ("state=bounce", "bounce"),
        ("state=failed", "failed"),
    ):
        open_first(query)
        expect(page.get_by_text(words[key])).to_be_visible()
    assert findings(page) == []
    page.keyboard.press("d")
    says("settled")


def test_the_inbox_on_a_phone(live_server: LiveServer, new_page: Callable[..., Page]) -> None:
    page = new_page(width=390, height=844, language="sr-Latn-RS")
    sign_in(page, live_server, "agent")
    page.goto(f"{live_server.url}/console/mail/in/?state=bounce")
    page.locator("[data-open]").first.click()
    expect(page.get_by_text("Automatski mejlovi više ne idu na adresu")).to_be_visible()
    assert not sideways(page)

    page.goto(f"{live_server.url}/console/mail/in/?search=milena")
    page.locator("[data-open]").first.click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_text("dva sajta")).to_be_visible()
    expect(frame.locator("img[src^='http']")).to_have_count(0)
    assert not sideways(page)
