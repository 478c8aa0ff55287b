"""The dashboard: each figure is the number of rows of the list behind it, for every role, at a bounded price."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from console.core import clock as core_clock
from console.core.transaction import transaction
from console.customers.models import Membership
from console.customers.verification.guards import ALLOWED
from console.customers.verification.service import verify
from console.mail.models import MailState
from console.staff.models import Department, Staff
from console.staff.roles import Role
from console.tickets.models import TicketStatus
from console.tickets.service import messages as ticket_messages
from console.tickets.service import properties
from console.tickets.service.mentions import handle
from console.tickets.sla.models import SlaTarget
from console.tickets.sla.rules import TargetKind
from tests import factories
from tests.factories.mail import make_mail
from tests.factories.migrations import make_move
from tests.factories.tickets import fill_tickets, make_department, make_ticket
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)  # a Wednesday, open until five
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def desk(session: Session, clock: Any) -> tuple[Staff, Department]:
    """A desk with tickets of an agent, of nobody, late, at risk, waiting; some in a private department."""
    clock.set(NOW)
    mira = factories.make_staff(Role.AGENT)
    ours = make_department("Tehnička", members=(mira,))
    other, closed = make_department("Prodaja"), make_department("Zloupotrebe", private=True)
    for many, more in (
        (2, {"assignee_id": mira.id, "due_in": timedelta(minutes=30)}),
        (1, {"assignee_id": mira.id, "due_in": -HOUR}),
        (3, {"assignee_id": mira.id, "due_in": 4 * DAY, "now": NOW - 3 * DAY}),
        (2, {"assignee_id": mira.id, "status": TicketStatus.WAITING}),
        (4, {"due_in": timedelta(minutes=10)}),
        (1, {"status": TicketStatus.SOLVED, "assignee_id": mira.id}),
    ):
        fill_tickets(many, department_id=ours.id, **{"now": NOW, **more})  # type: ignore[arg-type]
    fill_tickets(5, department_id=other.id, now=NOW)
    fill_tickets(7, department_id=closed.id, now=NOW - 20 * DAY)
    return mira, ours


def rows_behind(client: ConsoleClient, url: str) -> int:
    """Count the rows of the list that a figure leads to."""
    joint = "&" if "?" in url else "?"
    return len(client.get_json(f"{url}{joint}page_size=100").json["items"])


@pytest.mark.both
def test_an_agent_finds_what_is_theirs(client: ConsoleClient, desk: tuple[Staff, Department]) -> None:
    mira, _department = desk
    sign_in(client, staff=mira)
    payload = client.get_json("/console/").json
    figures, needs = payload["figures"], payload["needs"]
    assert {key: one["value"] for key, one in figures.items() if key != "oldest"} == {
        "open": "8", "risk": "3", "waiting": "2",
    }  # fmt: skip
    assert {key: one["count"] for key, one in needs.items()} == {"unassigned_mine": "4", "mentions": "0"}
    for one in [figures["open"], figures["risk"], figures["waiting"]]:
        assert rows_behind(client, one["url"]) == int(one["value"]), one
    for one in needs.values():
        assert rows_behind(client, one["url"]) == int(one["count"]), one
    first = client.get_json(figures["oldest"]["url"]).json["items"][0]
    page = client.get("/console/", headers={"Accept-Language": "en"}).text
    assert f"{first['number']} · {first['subject']}" in page and "3 days" in page
    assert [one["due_at"] for one in payload["due"]] == sorted(one["due_at"] for one in payload["due"])
    assert len(payload["due"]) == 6 and payload["hours"] == {"open": True, "until": "2026-11-25T17:00:00+01:00"}


def test_whoever_is_in_no_department_sees_what_nobody_has(
    client: ConsoleClient, desk: tuple[Staff, Department]
) -> None:
    sign_in(client)  # of no department, and not of the private one
    needs = client.get_json("/console/").json["needs"]
    assert needs["unassigned"]["count"] == "9" and "unassigned_mine" not in needs
    assert rows_behind(client, needs["unassigned"]["url"]) == 9


@pytest.mark.both
def test_a_supervisor_sees_the_desk(client: ConsoleClient, desk: tuple[Staff, Department]) -> None:
    mira, _department = desk
    supervisor = sign_in(client, Role.SUPERVISOR)
    ticket = make_ticket(mira.actor())
    with transaction() as session:
        properties.assign(supervisor.actor(), [ticket.id], supervisor.id)
        note = ticket_messages.Writing(f"@{handle(supervisor.name)} pogledajte", "mention-1")
        ticket_messages.note(mira.actor(), ticket.id, note)
        session.add(
            SlaTarget(
                ticket_id=ticket.id, kind=TargetKind.NEXT_ANSWER, goal=5, started_at=NOW - HOUR, due_at=NOW - HOUR,
                broken_at=NOW - HOUR, pauses=[], revision=1,
            )
        )  # fmt: skip
    make_mail(state=MailState.FAILED)
    make_mail()
    payload = client.get_json("/console/").json
    assert payload["figures"]["open"]["value"] == str(8 + 4 + 5 + 7 + 1)
    assert payload["figures"]["risk"]["value"] == "7"
    needs = {key: one["count"] for key, one in payload["needs"].items()}
    assert needs == {
        "unassigned": "16", "mentions": "1", "mine": "1", "broken_today": "1", "reviews": "0", "mail": "1",
    }  # fmt: skip
    for key in ("unassigned", "mentions", "mine", "mail"):
        assert rows_behind(client, payload["needs"][key]["url"]) == int(needs[key]), key
    for key in ("open", "risk", "waiting"):
        one = payload["figures"][key]
        assert rows_behind(client, one["url"]) == int(one["value"]), key
    assert client.get(payload["needs"]["broken_today"]["url"]).status_code == 200
    page = client.get("/console/", headers={"Accept-Language": "en"}).text
    loads = re.findall(
        r'<span class="title truncate">([^<]+)</span><progress class="progress" max="16" value="(\d+)"', page
    )
    assert loads == [(mira.name, "8"), (supervisor.name, "1"), ("unassigned", "16")]


@pytest.mark.only("sqlite")
def test_a_missing_list_of_holidays_is_told_to_whoever_edits_the_hours(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], clock: Any
) -> None:
    clock.set(datetime(2100, 3, 1, 9, tzinfo=UTC))  # no list goes so far
    for role, warned in ((Role.SUPERVISOR, True), (Role.ADMIN, True), (Role.AGENT, False)):
        made = new_client()
        sign_in(made, role)
        assert ("holidays" in made.get_json("/console/").json["needs"]) is warned, role


@pytest.mark.both
def test_migrations_of_today_and_under_way(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], session: Session
) -> None:
    move = make_move()
    move.request()
    browser = new_client()
    sign_in(browser, staff=session.get_one(Staff, move.agent.id))
    assert move.ref in browser.get("/console/").text
    sign_in(client)  # another agent
    assert move.ref not in client.get("/console/").text
    supervisor = new_client()
    sign_in(supervisor, Role.SUPERVISOR)
    assert move.ref in supervisor.get("/console/").text


@pytest.mark.both
@pytest.mark.parametrize("role", list(Role))
def test_a_bounded_price(app: Flask, client: ConsoleClient, session: Session, role: Role) -> None:
    """Eight statements, however many tickets there are and with something in every card; the live part takes two."""
    staff, agent = sign_in(client, role), factories.make_staff(Role.AGENT)
    move, live, denied, locked = make_move(), *(factories.owner_of(factories.make_customer()) for _ in range(3))
    move.request()
    factories.make_verification(staff, live)
    factories.make_verification(staff, live)
    with transaction():
        factories.make_verification(agent, denied).disputed_at = core_clock.now()
    lock_out(agent, locked)
    counts = []
    for many in (1, 60):
        fill_tickets(many, assignee_id=staff.id, due_in=HOUR)
        fill_tickets(many, due_in=DAY)
        client.get("/console/")
        with count_queries(app) as page:
            text = client.get("/console/").text
        with count_queries(app) as now:
            client.get("/console/now")
        counts.append((page.count, now.count))
        if role is Role.SUPERVISOR:
            assert all(one.person.name in text for one in (denied, locked)) and live.customer.number in text
    assert counts[0] == counts[1] and counts[0][0] <= 8 and counts[0][1] <= 2, counts


def lock_out(staff: Staff, member: Membership) -> None:
    """Fail to verify a person until their verification is locked."""
    wrong = f"{(int(factories.pin_of(member)) + 1) % 1_000_000:06d}"
    for _attempt in range(ALLOWED):
        with transaction():
            verify(staff.actor(), email=member.person.email, pin=wrong, channel="phone")


@pytest.mark.only("sqlite")
def test_the_page_stays_true_without_a_reload(
    new_page: Callable[..., Page], enter: Callable[..., Staff], session: Session
) -> None:
    """A ticket that is taken elsewhere is counted here; whoever stands on a tile stays there."""
    page = new_page()
    page.clock.install()
    enter(page, Role.AGENT)
    tile = page.locator('[data-part="tiles"] a').first
    expect(tile.locator(".tile-value")).to_have_text("0")
    tile.focus()
    page.evaluate("window.here = 'the same page'")
    fill_tickets(1, due_in=HOUR, now=core_clock.now())
    result = page.evaluate(
        """async () => (await fetch('/console/tickets/mass', {method: 'POST', headers: {
            'X-CSRFToken': document.querySelector('meta[name=csrf-token]').content, Accept: 'application/json',
            'Content-Type': 'application/x-www-form-urlencoded'}, body: 'do=assign:me&rowid=1'})).status"""
    )
    assert result == 200
    for _ in range(100):  # the news is on its way, and then waits its time; nothing is asked anyway before a minute
        page.clock.fast_forward(500)
        if tile.locator(".tile-value").inner_text() != "0":
            break
        page.wait_for_timeout(100)
    expect(tile.locator(".tile-value")).to_have_text("1")
    assert page.evaluate("window.here") == "the same page"
    assert page.evaluate("document.activeElement.className") == "tile"
    expect(page.locator('[data-part="due"] tbody tr')).to_have_count(1)
