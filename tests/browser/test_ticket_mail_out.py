"""Mail out of a ticket by keyboard: forwarded with F, then a reply with Cc and Bcc."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core.actor import SYSTEM
from console.core.settings import Settings
from console.mail.models import Mail, MailState
from console.staff.roles import Role
from tests import factories
from tests.browser.pages import findings, sign_in
from tests.factories.tickets import make_ticket
from tests.support.server import LiveServer

OUTSIDE, OPEN, BLIND = "tehnika@dobavljac.test", "sef@gost.test", "tiho@gost.test"


@pytest.mark.only("sqlite")
def test_copies_and_forwards_by_keyboard(
    sqlite_app: Flask,
    session: Session,
    settings: Settings,
    own_server: Callable[..., LiveServer],
    new_page: Callable[..., Page],
) -> None:
    factories.make_staff(Role.AGENT, email="agent@example.test", name="Vesna Agent")
    number = make_ticket(SYSTEM, subject="Pošta ne stiže", requester_email="pita@example.test").number
    session.rollback()
    server = own_server(DATABASE_URL=settings.database_url, FILES=settings.files, AUDIT_ANCHOR=settings.audit_anchor)
    page = new_page(language="en-GB")
    sign_in(page, server, "agent")
    page.goto(f"{server.url}/console/tickets/{number}")
    expect(page.locator("#ticket[data-ready]")).to_be_visible()

    page.keyboard.press("f")
    expect(page.get_by_label("To", exact=True)).to_be_focused()
    page.keyboard.type("dobavljac")
    page.keyboard.press("Tab")
    page.keyboard.type("Could you have a look?")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("To", exact=True)).to_have_attribute("aria-invalid", "true")
    assert findings(page, "#sheet") == []
    page.get_by_label("To", exact=True).fill(OUTSIDE)
    page.keyboard.press("Enter")
    expect(page.locator("#timeline")).to_contain_text(f"The ticket was forwarded to {OUTSIDE}.")

    page.keyboard.press("r")
    page.keyboard.type("It works again.")
    page.get_by_text("Cc, Bcc").press("Enter")
    for typed in (OPEN, BLIND):
        page.keyboard.press("Tab")
        page.keyboard.type(typed)
    page.get_by_role("textbox", name="Message").press("Control+Enter")
    expect(page.get_by_text(f"Reply to {number} will be sent in")).to_be_visible()
    page.wait_for_url("**/console/tickets/?*")  # sent from the last of one's tickets, it goes on to the list
    page.goto(f"{server.url}/console/tickets/{number}")
    expect(page.locator("#timeline")).to_contain_text(f"Cc: {OPEN} · Bcc: {BLIND}")
    expect(page.get_by_label("Bcc", exact=True)).to_have_value("")

    session.rollback()
    copies = session.scalars(select(Mail).where(Mail.template == "ticket_copy", Mail.state != MailState.CANCELLED))
    assert sorted(mail.to_address for mail in copies) == [OPEN, BLIND]
