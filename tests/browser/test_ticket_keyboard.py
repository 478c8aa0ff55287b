"""An agent clears all their tickets by keyboard alone: list, ticket, canned reply, send and solve, next.

In Serbian every day; in English, and ten tickets, with ``--prove``.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.core.actor import SYSTEM
from console.core.settings import Settings
from console.core.transaction import transaction
from console.mail.models import Mail
from console.staff.roles import Role
from console.tickets.canned.service import load_standard
from console.tickets.models import MessageKind, Ticket, TicketMessage, TicketStatus
from tests import factories
from tests.browser.pages import findings, sign_in
from tests.factories.tickets import make_ticket
from tests.support.server import LiveServer

WORDS = {
    "sr-Latn-RS": {
        "kept": "Nacrt sačuvan",
        "leaves": "biće poslat za",
        "back": "Odgovor je povučen",
        "last": "Ovo je poslednji",
    },
    "en-GB": {
        "kept": "Draft saved",
        "leaves": "will be sent in",
        "back": "The reply was undone",
        "last": "This is the last",
    },
}


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("language", ["sr-Latn-RS", pytest.param("en-GB", marks=pytest.mark.full)])
def test_all_of_ones_tickets_by_keyboard(
    sqlite_app: Flask,
    session: Session,
    settings: Settings,
    own_server: Callable[..., LiveServer],
    new_page: Callable[..., Page],
    samples: Callable[[int, int], int],
    language: str,
) -> None:
    with transaction():
        load_standard(factories.make_staff(Role.SUPERVISOR).actor())
    agent = factories.make_staff(Role.AGENT, email="agent@example.test", name="Vesna Agent")
    count = samples(10, 4)  # the second takes the first back, the third goes back and forth, the last has no next
    for place in range(count):
        make_ticket(SYSTEM, subject=f"Pitanje {place}", assignee_id=agent.id)
    session.rollback()
    server = own_server(DATABASE_URL=settings.database_url, FILES=settings.files, AUDIT_ANCHOR=settings.audit_anchor)

    page = new_page(language=language)
    sign_in(page, server, "agent")
    clear(page, server, count, WORDS[language])
    session.rollback()
    assert set(session.scalars(select(Ticket.status))) == {TicketStatus.SOLVED}
    replies = (
        select(Ticket.id, func.count())
        .join(TicketMessage, TicketMessage.ticket_id == Ticket.id)
        .join(Mail, Mail.id == TicketMessage.mail_id)
        .where(TicketMessage.kind == MessageKind.REPLY, TicketMessage.taken_back_at.is_(None))
        .group_by(Ticket.id)
    )
    assert sorted(row[1] for row in session.execute(replies)) == [1] * count


def clear(page: Page, server: LiveServer, count: int, words: dict[str, str]) -> None:
    """Answer all tickets of one's own without touching a mouse."""
    press, text = page.keyboard.press, page.locator("#composer textarea")
    page.goto(f"{server.url}/console/tickets/?view=mine&sort=id")
    expect(page.locator("[data-rows] tbody tr")).to_have_count(count)
    numbers = page.locator("[data-ticket]").evaluate_all("cells => cells.map((cell) => cell.dataset.ticket)")
    press("j")
    press("Enter")
    for place, number in enumerate(numbers):
        page.wait_for_url(f"**/console/tickets/{number}")
        ready(page)
        expect(page.locator("[data-way-place]")).to_contain_text(f"{place + 1} ")
        if place == 1:
            take_back_the_first(page, numbers, words)
        answer(page)
        if place == 2:  # forth and back: what was written is there still
            expect(page.locator("[data-draft-state]")).to_contain_text(words["kept"])
            press("Escape")
            press("k")
            page.wait_for_url(f"**/console/tickets/{numbers[place - 1]}")
            ready(page)
            press("j")
            page.wait_for_url(f"**/console/tickets/{number}")
            ready(page)
            expect(text).not_to_have_value("")
            press("r")
        press("Control+Shift+Enter")
    page.wait_for_url("**/console/tickets/?view=mine&sort=id")
    expect(page.locator(".toast").filter(has_text=words["last"])).to_be_visible()
    expect(page.locator("[data-rows] tbody tr")).to_have_count(0)


def ready(page: Page) -> None:
    """Wait until keys are heard."""
    expect(page.locator("#ticket[data-ready]")).to_be_visible()


def answer(page: Page) -> None:
    """Write an answer with a canned reply: found by the beginning of its shortcut, chosen, put in."""
    press, text = page.keyboard.press, page.locator("#composer textarea")
    press("/")
    expect(page.locator("[data-offers-list] [role=option]").first).to_be_visible()
    page.keyboard.type("dns")
    expect(page.locator("[data-offers-list] [role=option]").first).to_contain_text("/dns")
    press("ArrowDown")
    press("ArrowUp")
    press("Enter")
    expect(page.locator("[data-offers]")).to_be_hidden()
    expect(text).not_to_have_value("/dns")
    page.keyboard.type(" Srdačno")


def take_back_the_first(page: Page, numbers: list[str], words: dict[str, str]) -> None:
    """On the second ticket's page, take the first one's reply back by Z, and send it once more."""
    toast = page.locator(".toast-sent")
    expect(toast).to_contain_text(numbers[0])
    expect(toast).to_contain_text(words["leaves"])
    assert findings(page) == []
    page.keyboard.press("z")
    page.wait_for_url(f"**/console/tickets/{numbers[0]}#composer")
    ready(page)
    expect(page.locator(".toast").filter(has_text=words["back"])).to_be_visible()
    expect(page.locator("#composer textarea")).to_be_focused()
    page.keyboard.press("Control+Shift+Enter")
    page.wait_for_url(f"**/console/tickets/{numbers[1]}")
    ready(page)
