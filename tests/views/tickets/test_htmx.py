"""What a ticket's page asks for with htmx: parts to put in place, and what it hears of a form that was sent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from console.core.actor import SYSTEM
from console.core.transaction import transaction
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.models import Ticket
from tests.factories.tickets import make_ticket
from tests.support.client import ConsoleClient, sign_in

HTMX = {"HX-Request": "true", "Accept-Language": "en"}
StaffOf = Callable[..., Staff]


@pytest.fixture
def agent(client: ConsoleClient, staff_of: StaffOf) -> Staff:
    return sign_in(client, staff=staff_of("agent"))


@pytest.fixture
def ticket(agent: Staff) -> Ticket:
    return make_ticket(SYSTEM, subject="Pošta ne stiže", requester_email="pita@example.test")


def address(ticket: Ticket, path: str = "") -> str:
    return f"/console/tickets/{ticket.number}{path}"


def heard(answer: TestResponse) -> dict[str, Any]:
    """Return the event that the page hears, by its name."""
    found: dict[str, Any] = json.loads(answer.headers["HX-Trigger"])
    return found


def test_a_verb_that_succeeded_is_heard_with_its_undo(client: ConsoleClient, agent: Staff, ticket: Ticket) -> None:
    answer = client.submit(address(ticket, "/set/assignee"), value="me", had="none", headers=HTMX)
    assert answer.status_code == 204 and not answer.data
    assert heard(answer) == {
        "done": {
            "message": "The ticket is assigned to you.",
            "url": address(ticket),
            "undo": {"url": address(ticket, "/set/assignee"), "fields": {"value": "none", "had": str(agent.id)}},
        }
    }


@pytest.mark.parametrize(
    ("path", "fields", "status", "typed"),
    [
        ("/set/tags", {"value": "dns", "had": "hitno"}, 409, 'value="dns"'),
        ("/set/subject", {"value": " ", "had": "Pošta ne stiže"}, 422, 'name="value"'),
        ("/void", {"reason": ""}, 422, 'name="reason"'),
        ("/merge", {"other": "T-99999"}, 422, 'value="T-99999"'),
        ("/link", {"other": "T-99999"}, 422, 'value="T-99999"'),
        ("/forward", {"address": "nema", "text": "Pogledajte", "client_id": "1"}, 422, 'value="nema"'),
    ],
)
def test_a_refused_form_comes_back_with_what_was_typed(
    client: ConsoleClient, ticket: Ticket, path: str, fields: dict[str, str], status: int, typed: str
) -> None:
    answer = client.submit(address(ticket, path), headers=HTMX, **fields)
    assert answer.status_code == status
    refused = heard(answer)["refused"]
    assert refused["drawn"] and refused["message"]
    assert 'role="alert"' in answer.text and typed in answer.text
    assert "<html" not in answer.text, "it goes into the page that is open"


def test_what_cannot_be_drawn_is_said_and_leaves_the_page_as_it_is(client: ConsoleClient, ticket: Ticket) -> None:
    answer = client.submit(address(ticket, "/set/none"), value="1", headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Reswap"], answer.data) == (404, "none", b"")
    assert heard(answer)["refused"]["code"] == "not_found" and not heard(answer)["refused"]["drawn"]


def test_a_session_that_ended_shows_the_page_again(app: Flask, ticket: Ticket) -> None:
    answer = app.test_client().get(address(ticket, "/side"), headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Refresh"], answer.data) == (401, "true", b"")


def test_the_sidebar_brings_the_actions_and_the_subject_along(client: ConsoleClient, ticket: Ticket) -> None:
    parts = client.get(address(ticket, "/side"), headers=HTMX).text
    assert re.findall(r'id="([\w-]+)"[^>]* hx-swap-oob="morph"', parts) == ["ticket-actions", "ticket-subject"]
    assert parts.lstrip().startswith('<div class="stack" id="ticket-side"')


def test_htmx_is_where_it_is_used_and_runs_no_text(client: ConsoleClient, ticket: Ticket) -> None:
    config = re.search(r"<meta name=\"htmx-config\" content='(.+?)'>", client.get(address(ticket)).text)
    assert config is not None
    settings = json.loads(config[1])
    assert not settings["allowEval"] and not settings["includeIndicatorStyles"] and settings["selfRequestsOnly"]
    assert settings["historyCacheSize"] == 0
    for path in ("/chat/", "/console/desk/", "/console/profile/"):
        assert "htmx" not in client.get(path).text, path


@pytest.mark.only("sqlite")
def test_what_fails_is_said_once_and_nothing_typed_is_lost(
    new_page: Callable[..., Page], enter: Callable[..., Staff], session: Session
) -> None:
    with transaction():
        number = make_ticket(SYSTEM, requester_email="pita@example.test").number
    page = new_page(language="en-GB")
    enter(page, Role.AGENT, f"/console/tickets/{number}")
    expect(page.locator("#ticket[data-ready]")).to_be_visible()
    toasts, sheet = page.locator(".toast"), page.get_by_role("dialog")

    page.context.set_offline(True)
    page.keyboard.press("w")
    expect(toasts).to_have_text("The server is not responding. Nothing was changed; try again.")
    page.context.set_offline(False)

    # A refused form is there again, where one goes on typing; then the focus is where it came from.
    page.get_by_label("More actions").click()
    page.get_by_role("link", name="Link…").click()
    expect(sheet.get_by_label("Ticket number")).to_be_focused()
    page.keyboard.type("T-99999")
    page.keyboard.press("Enter")
    expect(sheet.get_by_role("alert")).to_contain_text("Ticket not found")
    expect(sheet.get_by_label("Ticket number")).to_be_focused()
    expect(sheet.get_by_label("Ticket number")).to_have_value("T-99999")
    expect(toasts).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.get_by_label("More actions")).to_be_focused()

    # The sign-in has ended: the page asks for it.
    page.context.clear_cookies()
    page.keyboard.press("w")
    page.wait_for_url("**/login?next=**")
