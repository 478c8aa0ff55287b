"""The worked day, from eleven to a Monday in spring: chats answered, queued, missed; a migration asked for; the mails.

One served console, its clock moved by the demo's own buttons, its mail sent to a real SMTP server. Every wait is for
what a person would see. Orthodox Christmas is 7 January 2027, Good Friday 30 April. How a migration is approved and
executed is walked in ``test_main_job.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.orm import Session

from console.billing.models import Migration, MigrationState
from console.tickets.models import Ticket
from tests.browser.pages import findings, sideways, sign_in
from tests.browser.test_desk import pin_of_ana
from tests.mail.conftest import smtp, smtp_server
from tests.support.server import LiveServer
from tests.support.smtp import SmtpServer

__all__ = ["smtp", "smtp_server"]

WEDNESDAY = "2027-01-06T11:00:00+01:00"
CHRISTMAS, SATURDAY, GOOD_FRIDAY, MONDAY = date(2027, 1, 7), date(2027, 1, 9), date(2027, 4, 30), date(2027, 5, 10)
ZONE = ZoneInfo("Europe/Belgrade")
NOT_ANSWERED = ("Kasna", "Petog", "Bozic", "Subota", "Petak")  # in the chat: each has a ticket
SLOW = 60_000  # milliseconds: what the worker does, and a mail that waits ten seconds for being taken back
WORDS = {
    "sr-Latn-RS": {
        "move": "Prenesi uslugu",
        "request": "Zatraži migraciju",
        "open": "Tu smo do 17:00",
        "notice": "Zatvaramo u 17:00.",
        "closed": "Otvaramo",
        "answer": "Dobar dan, odgovor je u prilogu pitanja.",
    },
    "en-GB": {
        "move": "Transfer a service",
        "request": "Request the migration",
        "open": "We are here until 17:00",
        "notice": "We close at 17:00.",
        "closed": "We open",
        "answer": "Hello, the answer is below your question.",
    },
}


@dataclass
class Day:
    """The served console, its people's language, its mail and its database."""

    server: LiveServer
    language: str
    smtp: SmtpServer
    engine: Engine
    new_page: Callable[..., Page]

    @property
    def words(self) -> dict[str, str]:
        return WORDS[self.language]

    def visit(self, name: str) -> Page:
        """Open the widget as somebody new."""
        page = self.new_page(language=self.language, width=390, height=844)
        page.goto(f"{self.server.url}/chat/frame?lang={'sr_Latn' if self.language.startswith('sr') else 'en'}")
        page.fill("[name=name]", name)
        page.fill("[name=email]", address(name))
        return page

    def tickets_of(self, name: str) -> list[str]:
        """Return the numbers of the tickets that came from a chat of ``name``."""
        query = select(Ticket).where(Ticket.requester_email == address(name))
        with Session(self.engine) as session:
            return [ticket.number for ticket in session.scalars(query)]


def address(name: str) -> str:
    return f"{name.lower()}@posetilac.example"


def go_to(page: Page, stop: str, day: date | None = None) -> None:
    """Press the banner's button, again until its clock says ``day``."""
    for _ in range(8):
        page.locator(f".demo button[name=to][value={stop}]").click()
        page.wait_for_load_state()
        banner_time = datetime.fromisoformat(str(page.locator("[data-demo-clock]").get_attribute("datetime")))
        if day is None or banner_time.astimezone(ZONE).date() == day:
            return
    raise AssertionError(f"the clock says {banner_time}, not {day}")


@pytest.mark.parametrize("language", ["sr-Latn-RS", pytest.param("en-GB", marks=pytest.mark.full)])
def test_the_worked_day(
    own_server: Callable[..., LiveServer],
    new_page: Callable[..., Page],
    smtp: SmtpServer,
    language: str,
) -> None:
    server = own_server(demo=True, CLOCK=WEDNESDAY, SMTP_URL=smtp.url(), CHAT_LIMIT_FACTOR="100")
    engine = create_engine(f"sqlite:///{server.environment['CONSOLE_FILES'].removesuffix('files')}console.sqlite3")
    day = Day(server, language, smtp, engine, new_page)
    agent = new_page(language=language)
    sign_in(agent, server, "agent")
    problems = at_eleven(day, agent)
    problems += before_closing(day, agent)
    when_nobody_is_there(day, agent)
    on_monday(day, agent)
    engine.dispose()
    assert problems == []


def at_eleven(day: Day, agent: Page) -> list[str]:
    """A customer is answered, verified by the card, and asks to give a service away."""
    words, press = day.words, agent.keyboard.press
    portal = day.new_page(language=day.language)
    pin = pin_of_ana(portal, day.server)
    agent.goto(f"{day.server.url}/console/desk/")
    expect(agent.locator("[data-line-words]")).not_to_be_empty()
    visitor = day.visit("Ana")
    expect(visitor.locator("[data-hours]")).to_have_text(words["open"])
    visitor.fill("[name=question]", "Web 50")
    visitor.locator("[data-submit]").press("Enter")
    agent.locator(".queue-row", has_text="Ana").filter(has_text="Web 50").first.click()
    agent.locator('[data-head] [data-do="claim"], [data-do="claim"]').first.click()
    agent.locator("[data-text]").fill(words["answer"])
    press("Enter")
    expect(visitor.locator(".msg-them .bubble")).to_have_text([words["answer"]])
    press("Escape")
    press("v")
    visitor.fill("form.seal [name=email]", "ana@example.test")
    visitor.fill("form.seal [name=pin]", pin)
    visitor.keyboard.press("Enter")
    expect(agent.locator(".vcard-live")).to_be_visible()
    assert pin not in agent.content() + visitor.content()
    problems = findings(agent) + findings(visitor)

    with agent.expect_popup() as opened:  # beside the chat, which goes on
        agent.locator(".vcard-live a", has_text=words["move"]).click()
    form = opened.value
    form.wait_for_url("**/migrations/new**")
    form.locator("[name=service]:enabled").first.check()
    form.fill("[name=to_customer]", "novi@example.test")
    form.fill("[name=reason]", "Web 50")
    form.get_by_role("button", name=words["request"]).click()
    form.wait_for_url("**/migrations/M-*")
    with Session(day.engine) as session:
        migration = session.get_one(Migration, int(form.url.rpartition("M-")[2]))
        assert migration.state is MigrationState.REQUESTED
    form.close()
    return problems


def before_closing(day: Day, agent: Page) -> list[str]:
    """Shortly before five one is told; who still waits at five has a ticket, and is told that too."""
    agent.goto(f"{day.server.url}/console/profile/")  # which has little to load each time
    go_to(agent, "closing")
    visitor = day.visit("Kasna")
    visitor.fill("[name=question]", "Web 51")
    visitor.locator("[data-submit]").press("Enter")
    expect(visitor.locator("[data-log]")).to_contain_text("Web 51")
    expect(visitor.locator(".widget")).to_contain_text(day.words["notice"], timeout=SLOW)
    problems = findings(visitor) + sideways(visitor)
    go_to(agent, "closed")
    expect(visitor.locator(".widget")).to_contain_text(re.compile(r"T-\d+"), timeout=SLOW)
    assert len(day.tickets_of("Kasna")) == 1
    return problems + findings(visitor)


def when_nobody_is_there(day: Day, agent: Page) -> None:
    """A minute past five, at Christmas, on a Saturday and on Good Friday a question is a ticket at once."""
    for name, stop, until in (
        ("Petog", None, None),
        ("Bozic", "holiday", CHRISTMAS),
        ("Subota", "saturday", SATURDAY),
        ("Petak", "holiday", GOOD_FRIDAY),
    ):
        if stop:
            go_to(agent, stop, until)
        visitor = day.visit(name)
        expect(visitor.locator("[data-closed]")).to_be_visible()
        expect(visitor.locator("[data-hours]")).to_contain_text(day.words["closed"])
        visitor.fill("[name=question]", f"Web 52 {name}")
        visitor.locator("[data-submit]").press("Enter")
        expect(visitor.locator("[data-line]")).to_contain_text(re.compile(r"T-\d+"))
        [number] = day.tickets_of(name)
        expect(visitor.locator("[data-line]")).to_contain_text(number)
        visitor.context.close()


def on_monday(day: Day, agent: Page) -> None:
    """The agent answers the tickets; each has had its confirmation, and now gets its answer."""
    go_to(agent, "monday", MONDAY)
    for name in NOT_ANSWERED:
        [number] = day.tickets_of(name)
        agent.goto(f"{day.server.url}/console/tickets/{number}")
        expect(agent.locator("#ticket[data-ready]")).to_be_visible()
        agent.keyboard.press("r")
        agent.keyboard.type(day.words["answer"])
        agent.keyboard.press("Control+Enter")
        expect(agent).not_to_have_url(re.compile(number))  # on to the next ticket
        expect(agent.locator(".toast-sent")).to_contain_text(number)
    for name in NOT_ANSWERED:
        confirmation, answer = mails_to(day, name)
        [number] = day.tickets_of(name)
        assert number in confirmation and day.words["answer"] not in confirmation
        assert day.words["answer"] in answer


def mails_to(day: Day, name: str) -> list[str]:
    """Wait for the two mails that ``name`` gets; return their texts in the order that they came."""
    came = day.smtp.wait(lambda: len(day.smtp.to(address(name))) >= 2, SLOW / 1000)
    assert came, f"{name} has {len(day.smtp.to(address(name)))} mails"
    bodies = [mail.message.get_body(("plain",)) for mail in day.smtp.to(address(name))]
    return [str(body.get_content()) for body in bodies if body is not None]
