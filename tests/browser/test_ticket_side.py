"""Beside a ticket in a real browser: by keyboard, undone, live between two, the verification as it comes and goes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core.actor import SYSTEM
from console.core.settings import Settings
from console.mail.models import Mail
from console.mail.reading import whole
from console.staff.roles import Role
from tests import factories
from tests.browser.pages import findings, sideways, sign_in
from tests.factories.tickets import make_ticket
from tests.support.server import LiveServer


def press_down(page: Page, what: Locator) -> None:
    """Hold the mouse down on it; again where what was saved before has just moved it away."""
    for _ in range(5):
        what.hover()
        page.mouse.down()
        if what.evaluate("(element) => element.matches(':active')"):
            return
        page.mouse.move(0, 0)
        page.mouse.up()
    raise AssertionError("It is never under the mouse.")


@pytest.mark.only("sqlite")
def test_an_agent_and_a_colleague_beside_a_ticket(
    sqlite_app: Flask,
    session: Session,
    settings: Settings,
    own_server: Callable[..., LiveServer],
    new_page: Callable[..., Page],
) -> None:
    for who, name in (("agent", "Jovana Živković"), ("agent2", "Đorđe Čolić")):
        factories.make_staff(Role.AGENT, email=f"{who}@example.test", name=name)
    ana = factories.ana()
    pin, email = factories.pin_of(ana.owner), ana.owner.person.email
    ticket = make_ticket(SYSTEM, subject="Pošta ne stiže", requester_email="pita@example.test")
    other = make_ticket(SYSTEM, subject="Pošta kasni", requester_email="pita@example.test")
    number, other_number, secret = ticket.number, other.number, ana.services[0].label
    session.rollback()
    server = own_server(DATABASE_URL=settings.database_url, FILES=settings.files, AUDIT_ANCHOR=settings.audit_anchor)
    address = f"{server.url}/console/tickets/{number}"
    page, second = new_page(language="en-GB"), new_page(language="en-GB", width=390, height=844, dark=True)
    for one, who in ((page, "agent"), (second, "agent2")):
        sign_in(one, server, who)
        one.goto(address)
        expect(one.locator("#ticket[data-ready]")).to_be_visible()

    facts, who_card = page.locator("[data-part=facts]"), page.locator("[data-part=who]")

    # By keyboard alone: taken, given on, a priority; each undone or seen at the colleague's at once.
    page.keyboard.press("a")
    expect(facts.locator("[data-fact=assignee]")).to_contain_text("Jovana Živković")
    expect(second.locator("[data-fact=assignee]")).to_contain_text("Jovana Živković")
    page.keyboard.press("t")
    expect(page.get_by_label("Find a colleague")).to_be_focused()
    page.keyboard.type("djor")
    page.keyboard.press("Enter")
    expect(facts.locator("[data-fact=assignee]")).to_contain_text("Đorđe Čolić")
    expect(second.locator("[data-fact=assignee]")).to_contain_text("Đorđe Čolić")
    page.get_by_role("button", name="Undo").last.click()
    expect(facts.locator("[data-fact=assignee]")).to_contain_text("Jovana Živković")
    facts.get_by_role("link", name="Change: Priority").press("Enter")
    box = facts.get_by_label("Priority", exact=True)
    expect(box).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(facts.locator("[data-fact=priority]")).to_contain_text("high")

    # A click is not lost where the column would be drawn anew while the button is down.
    expect(second.locator("[data-fact=assignee]")).to_contain_text("Jovana Živković")
    press_down(page, facts.get_by_role("link", name="Change: Tags"))
    second.keyboard.press("a")
    expect(second.locator("[data-fact=assignee]")).to_contain_text("Đorđe Čolić")
    page.wait_for_timeout(1_000)
    page.mouse.up()

    # What a colleague changed meanwhile is not written over.
    page.get_by_label("Tags", exact=True).fill("dns")
    second.get_by_role("link", name="Change: Tags").click()
    second.get_by_label("Tags", exact=True).fill("hitno")
    second.keyboard.press("Enter")
    expect(second.locator("[data-fact=tags]")).to_contain_text("hitno")
    page.get_by_label("Tags", exact=True).press("Enter")
    expect(facts.get_by_role("alert")).to_contain_text("hitno")
    expect(page.get_by_label("Tags", exact=True)).to_have_value("dns")
    page.keyboard.press("Escape")
    expect(facts.locator("[data-fact=tags]")).to_contain_text("hitno")

    # Merged in a sheet, undone from the toast.
    page.get_by_label("More actions").click()
    page.get_by_role("link", name="Merge…").click()
    sheet = page.get_by_role("dialog")
    expect(sheet).to_contain_text(other_number)
    assert findings(page) == []
    sheet.get_by_role("button", name="Preview").first.click()
    sheet.get_by_role("button", name=f"Merge into {other_number}").click()
    page.wait_for_url(f"**/{other_number}")
    page.get_by_role("button", name="Undo", exact=True).click()
    page.wait_for_url(f"**/{number}")
    expect(page.locator("[data-part=into]")).to_have_count(0)

    # Asked for; the requester answers elsewhere; it appears by itself, and opens what it opens.
    who_card.get_by_role("button", name="Send a single-use link").click()
    expect(who_card).to_contain_text("Link sent, no answer yet")
    mail = session.scalars(select(Mail).where(Mail.template == "verification_asked")).one()
    link = re.search(r"/v/[\w-]+", whole(mail).text)
    assert link is not None
    session.rollback()
    visitor = new_page(language="en-GB")
    visitor.goto(server.url + link[0])
    visitor.fill("[name=email]", email)
    visitor.fill("[name=pin]", pin)
    visitor.press("[name=pin]", "Enter")
    expect(who_card).to_contain_text("Verified for this ticket")
    assert secret not in page.content()
    who_card.get_by_text("Services and domains").click()
    expect(who_card).to_contain_text(secret)
    expect(second.locator("[data-part=who]")).to_contain_text("Verified for Jovana Živković")
    assert secret not in second.content()
    for one in (page, second):
        assert findings(one) + sideways(one) == []

    # Ended in another window, it shuts here by itself.
    third = page.context.new_page()
    third.goto(address)
    third.get_by_role("button", name="End verification").click()
    expect(who_card).not_to_contain_text("Verified for this ticket")
    assert secret not in page.content()
    third.close()

    # Typed by the agent; a wrong PIN says what helps, and the PIN stays nowhere.
    who_card.get_by_text("Verify manually").click()
    who_card.get_by_label("Registered e-mail").fill(email)
    who_card.get_by_label("Support PIN").fill(f"{(int(pin) + 1) % 10**6:06d}")
    page.keyboard.press("Enter")
    expect(who_card.get_by_role("alert")).to_contain_text("Nothing was opened")
    expect(who_card.get_by_label("Support PIN")).to_be_focused()
    page.keyboard.type(pin)
    page.keyboard.press("Enter")
    expect(who_card).to_contain_text("Verified for this ticket")
    assert pin not in page.content()

    # Solved by a key, and opened again at once: nobody was told.
    page.locator("h1").click()
    page.keyboard.press("e")
    expect(page.locator("[data-ticket-actions] summary").first).to_contain_text("solved")
    page.get_by_role("button", name="Undo").last.click()
    expect(page.locator("[data-ticket-actions] summary").first).to_contain_text("open")
    session.rollback()
    states = session.scalars(select(Mail.state).where(Mail.template == "ticket_solved")).all()
    assert [state.value for state in states] == ["cancelled"]
