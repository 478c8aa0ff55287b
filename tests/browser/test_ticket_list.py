"""The ticket list in a browser: picked and changed by keyboard, put back, and true without a reload."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from console.core.actor import SYSTEM
from console.core.settings import Settings
from console.staff.roles import Role
from tests import factories
from tests.browser.pages import sign_in
from tests.factories.tickets import make_ticket
from tests.support.server import LiveServer

OPEN = "/console/tickets/?view=unassigned"


def open_ticket(page: Page, server: LiveServer, subject: str) -> None:
    page.goto(f"{server.url}/console/tickets/new")
    page.fill("[name=requester_email]", "pita@example.test")
    page.fill("[name=subject]", subject)
    page.fill("[name=body]", "Od jutros ne stižu poruke.")
    with page.expect_navigation():
        page.get_by_role("button", name="Create ticket").click()


@pytest.mark.only("sqlite")
def test_kept_true_and_cleared_by_keyboard(
    sqlite_app: Flask,
    session: Session,
    settings: Settings,
    own_server: Callable[..., LiveServer],
    new_page: Callable[..., Page],
) -> None:
    agent = factories.make_staff(Role.AGENT, email="agent@example.test")
    factories.make_staff(Role.AGENT, email="agent2@example.test")
    make_ticket(SYSTEM, subject="Domen", assignee_id=agent.id)
    for number in (1, 2, 3):
        make_ticket(SYSTEM, subject=f"Zastoj pošte {number}", requester_email="pita@example.test")
    session.rollback()
    server = own_server(DATABASE_URL=settings.database_url, FILES=settings.files, AUDIT_ANCHOR=settings.audit_anchor)
    page, other = new_page(language="en-GB"), new_page(language="en-GB")
    sign_in(page, server, "agent")
    sign_in(other, server, "agent2")
    address = f"{server.url}{OPEN}&search=zastoj&sort=id"
    page.goto(address)
    mine = page.locator('[data-view="mine"] [data-count]')
    expect(mine).to_have_text("1")  # counted after the page is there
    expect(page.locator("[data-rows] tbody tr")).to_have_count(3)
    expect(page.locator("[data-mass]")).to_be_hidden()
    # Two rows by J and X, then A takes them: they stay in sight and say that they are elsewhere now.
    for key in "jxjx":
        page.keyboard.press(key)
    expect(page.locator("[data-picked-count]")).to_have_text("2 selected")
    page.keyboard.press("a")
    expect(page.locator(".toast")).to_contain_text("2 tickets assigned")
    page.locator(".toast").hover()  # it stays while one is at it
    expect(page.locator("tr.is-gone")).to_have_count(2)
    expect(page.locator("tr.is-gone").first).to_contain_text("no longer in this view")
    expect(mine).to_have_text("3", timeout=20_000)
    # Undo puts back what each had.
    page.locator(".toast button").click()
    expect(page.locator("tr.is-gone")).to_have_count(0)

    # What a colleague does comes by itself: a row that changed, and a new one that is announced.
    other.goto(address)
    other.locator("[data-open]").first.focus()  # else it would begin at the ticket one comes from
    other.keyboard.press("e")
    expect(page.locator("[data-rows] tbody tr").first).to_contain_text("solved", timeout=10_000)
    open_ticket(other, server, "Zastoj pošte 4")
    expect(page.locator("[data-news]")).to_contain_text("1 new", timeout=10_000)
    page.locator("[data-news-show]").click()
    expect(page.locator("[data-rows] tbody")).to_contain_text("Zastoj pošte 4")

    # Merging says what it does; Enter opens the row one is on.
    page.locator("[data-pick]").first.check()
    page.locator("[data-pick]").nth(1).check()
    page.get_by_role("button", name=re.compile("^Merge")).click()
    expect(page.locator("#merge [type=radio]")).to_have_count(2)
    page.locator("#merge").get_by_role("button", name="Merge").click()
    expect(page.locator(".toast").last).to_contain_text("1 ticket merged")
    page.locator("[data-open]").last.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/console/tickets/T-\d+$"))
