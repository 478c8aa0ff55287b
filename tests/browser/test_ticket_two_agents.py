"""Two agents on one ticket, two browsers: each sees the other, nothing is lost or sent twice, the second is warned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, Route, expect
from sqlalchemy.orm import Session

from console.core.actor import SYSTEM
from console.core.settings import Settings
from console.staff.roles import Role
from tests import factories
from tests.browser.pages import sign_in
from tests.factories.tickets import make_ticket
from tests.support.server import LiveServer


def messages_of(page: Page, address: str) -> list[dict[str, Any]]:
    """Return what the ticket has, as a program reads it."""
    answer = page.request.get(address, headers={"Accept": "application/json"})
    found: list[dict[str, Any]] = answer.json()["messages"]
    return found


def replies(page: Page, address: str) -> Counter[str]:
    return Counter(
        one["body"] for one in messages_of(page, address) if one["kind"] == "reply" and not one["taken_back"]
    )


def composer(page: Page) -> Any:
    return page.locator("#composer textarea")


@pytest.mark.only("sqlite")
def test_nothing_is_lost_or_sent_twice(
    sqlite_app: Flask,
    session: Session,
    settings: Settings,
    own_server: Callable[..., LiveServer],
    new_page: Callable[..., Page],
) -> None:
    for who, name in (("agent", "Jovana Živković"), ("agent2", "Nebojša Čolić")):
        factories.make_staff(Role.AGENT, email=f"{who}@example.test", name=name)
    ticket = make_ticket(SYSTEM, subject="Pošta ne stiže").number
    session.rollback()
    server = own_server(DATABASE_URL=settings.database_url, FILES=settings.files, AUDIT_ANCHOR=settings.audit_anchor)
    address = f"{server.url}/console/tickets/{ticket}"
    first, second = new_page(language="en-GB"), new_page(language="en-GB")
    for page, who in ((first, "agent"), (second, "agent2")):
        sign_in(page, server, who)
        page.context.add_cookies([{"name": "ticket_next", "value": "stay", "url": server.url}])
    first.goto(address)
    second.goto(address)
    for page in (first, second):
        expect(page.locator("#ticket[data-ready]")).to_be_visible()

    # Each sees the other, and that the other writes.
    expect(first.locator("[data-presence-words]")).to_have_text("Nebojša is also viewing")
    expect(second.locator("[data-presence-words]")).to_have_text("Jovana is also viewing")
    second.keyboard.press("r")
    second.keyboard.type("Gledam ja.")
    expect(first.locator("[data-presence-words]")).to_have_text("Nebojša is writing")
    expect(second.locator("[data-draft-state]")).to_contain_text("Draft saved")

    # Sent twice at once, it is one reply; it arrives on the other's page by itself, where the writer is warned.
    first.keyboard.press("r")
    first.keyboard.type("Dobar dan, proveravamo.")
    first.evaluate(
        "() => { const form = document.getElementById('composer'); form.requestSubmit(); form.requestSubmit(); }"
    )
    expect(first.locator("#timeline .entry-us")).to_have_count(1)
    expect(composer(first)).to_have_value("")
    expect(second.locator("#timeline .entry-us")).to_contain_text("Dobar dan, proveravamo.")
    expect(second.locator("[data-problem]")).to_contain_text("Jovana Živković wrote in the meantime")
    expect(composer(second)).to_have_value("Gledam ja.")
    second.keyboard.press("Control+Enter")
    expect(second.locator("[data-problem-anyway]")).to_be_visible()
    expect(composer(second)).to_have_value("Gledam ja.")
    assert replies(first, address) == {"Dobar dan, proveravamo.": 1}
    second.locator("[data-problem-anyway]").click()
    expect(second.locator("#timeline .entry-us")).to_have_count(2)
    assert replies(first, address) == {"Dobar dan, proveravamo.": 1, "Gledam ja.": 1}

    # The server had it, the answer was lost on the way: tried again, even after a reload, it is still one reply.
    expect(first.locator("#timeline .entry-us")).to_have_count(2)
    lost: list[str] = []

    def lose(route: Route) -> None:
        route.fetch()
        lost.append(route.request.post_data or "")
        route.abort()

    first.route("**/reply", lose)
    first.keyboard.press("r")
    first.keyboard.type("Popravljeno je.")
    first.keyboard.press("Control+Enter")
    expect(first.locator("[data-problem]")).to_contain_text("Not sent")
    assert len(lost) == 1
    first.unroute("**/reply")
    first.reload()
    expect(composer(first)).to_have_value("Popravljeno je.")
    composer(first).press("Control+Enter")
    expect(composer(first)).to_have_value("")
    assert replies(first, address)["Popravljeno je."] == 1

    # What is typed while the page still reads what is new, after a reply was stored, is the next one.
    held: list[Route] = []
    first.route("**/entries?*", lambda route: held.append(route))  # noqa: PLW0108  (Playwright marks the function)
    first.keyboard.press("r")
    first.keyboard.type("Uzgred:")
    first.keyboard.press("Control+Enter")
    expect(composer(first)).to_have_value("")
    first.keyboard.press("r")
    first.keyboard.type("Još nešto.")
    expect(composer(first)).to_have_value("Još nešto.")
    assert held
    for route in held:
        route.continue_()
    first.unroute("**/entries?*")
    expect(first.locator("#timeline .entry-us")).to_have_count(4)
    expect(composer(first)).to_have_value("Još nešto.")
    composer(first).fill("")
    first.keyboard.press("Escape")

    # Never arrived, then tried again: sent once. What was changed after a try that had arrived is not lost.
    first.route("**/reply", lambda route: route.abort())
    first.keyboard.press("r")
    first.keyboard.type("Javite nam da li radi.")
    first.keyboard.press("Control+Enter")
    expect(first.locator("[data-problem]")).to_contain_text("Not sent")
    first.unroute("**/reply")
    first.route("**/reply", lose)
    first.locator("[data-problem-retry]").click()
    expect(first.locator("[data-problem-retry]")).to_be_visible()
    first.unroute("**/reply")
    composer(first).press("End")
    composer(first).press_sequentially(" Hvala.")
    composer(first).press("Control+Enter")
    expect(first.locator("[data-problem]")).to_contain_text("An earlier version")
    expect(composer(first)).to_have_value("Javite nam da li radi. Hvala.")
    assert replies(first, address)["Javite nam da li radi."] == 1

    # Ten seconds to take back: the text is a draft again, the other sees it, and nothing goes out.
    composer(first).press("Control+Enter")
    expect(composer(first)).to_have_value("")
    expect(first.locator(".toast-sent")).to_contain_text("will be sent in")
    first.keyboard.press("z")
    expect(composer(first)).to_have_value("Javite nam da li radi. Hvala.")
    expect(second.locator(".is-taken-back")).to_contain_text("Hvala.")
    assert "Javite nam da li radi. Hvala." not in replies(first, address)

    # A note with a file names the colleague; a filter keeps to the notes and stands in the address.
    second.keyboard.press("n")
    second.keyboard.type("Vidi @jo")
    expect(second.locator("[data-offers-list] [role=option]")).to_contain_text(["@jovana.zivkovic"])
    second.keyboard.press("Enter")
    second.set_input_files("[data-file-input]", {"name": "zapis.log", "mimeType": "text/plain", "buffer": b"red"})
    expect(second.locator("[data-files] [data-file]")).to_contain_text("zapis.log")
    second.set_input_files("[data-file-input]", {"name": "a.exe", "mimeType": "text/plain", "buffer": b"MZ"})
    expect(second.locator(".toast").filter(has_text="a.exe")).to_contain_text("ZIP")
    composer(second).press("Control+Enter")
    expect(first.locator("#timeline .entry-note")).to_contain_text("Vidi @jovana.zivkovic")
    expect(first.locator("#timeline .entry-note .entry-files")).to_contain_text("zapis.log")
    expect(second.locator("#timeline .entry-us").first).to_be_visible()
    second.locator("[data-shows] [data-show=notes]").click()
    expect(second.locator("#timeline .entry-us").first).to_be_hidden()
    second.reload()
    expect(second.locator("#timeline .entry-note")).to_be_visible()
    expect(second.locator("#timeline .entry-us").first).to_be_hidden()

    # The draft is the author's alone, and in any browser.
    third = new_page(language="en-GB")
    sign_in(third, server, "agent")
    third.goto(address)
    expect(composer(third)).to_have_value("Javite nam da li radi. Hvala.")
    expect(composer(second)).to_have_value("")
