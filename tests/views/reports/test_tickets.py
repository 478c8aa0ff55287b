"""The report page: whose figures one sees, periods, numbers as counted, files that a spreadsheet can read."""

from __future__ import annotations

import random
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from console.core.transaction import transaction
from console.staff.models import Department, Staff
from console.staff.roles import Role
from console.tickets.models import NO_DUE, Priority, Ticket, TicketSource, TicketStatus
from console.tickets.reviews.models import TicketRating
from console.tickets.sla.models import SlaTarget
from console.tickets.sla.rules import TargetKind
from tests import factories
from tests.factories.tickets import fill_tickets, make_department
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries
from tests.support.spreadsheets import read
from tests.tickets.stats.test_stats import write_random

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)  # a Wednesday
TODAY = date(2026, 11, 25)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _standing(clock: Any) -> None:
    clock.set(NOW)


def solve(
    agent: Staff | None,
    department: Department,
    *,
    opened_at: datetime,
    answered: int,
    took: int = 300,
    score: int | None = None,
    late: bool = False,
    reopened: int = 0,
) -> None:
    """Write a ticket that was solved a day after it was opened; times in working minutes."""
    with transaction() as session:
        ticket = Ticket(
            subject="Pošta ne radi", requester_name="Čika Pera", requester_email="pera@example.test",
            language="sr_Latn", department_id=department.id, assignee_id=agent.id if agent else None,
            priority=Priority.NORMAL,
            status=TicketStatus.SOLVED, source=TicketSource.MAIL, created_at=opened_at, updated_at=opened_at + DAY,
            due_at=NO_DUE, solved_at=opened_at + DAY, reopened=reopened,
        )  # fmt: skip
        session.add(ticket)
        session.flush()
        for kind, spent in ((TargetKind.FIRST_ANSWER, answered), (TargetKind.SOLUTION, took)):
            broken = late and kind is TargetKind.FIRST_ANSWER
            session.add(
                SlaTarget(
                    ticket_id=ticket.id,
                    kind=kind,
                    goal=60,
                    started_at=opened_at,
                    met_at=opened_at + timedelta(hours=3),
                    broken_at=opened_at + timedelta(hours=1) if broken else None,
                    spent=spent,
                    pauses=[],
                    revision=1,
                )
            )
        if score is not None:
            session.add(
                TicketRating(
                    ticket_id=ticket.id,
                    score=score,
                    at=opened_at + DAY,
                    agent_id=agent.id if agent else None,
                    department_id=department.id,
                )
            )


@pytest.fixture
def scene(session: Session) -> tuple[Staff, Staff, Department]:
    """Two agents' work: last week slow, this week faster and one SLA target missed."""
    mira, vuk = factories.make_staff(Role.AGENT), factories.make_staff(Role.AGENT)
    department = make_department("Tehnička")
    for number, answered in enumerate((10, 20, 30)):
        solve(mira, department, opened_at=NOW - DAY - timedelta(hours=number), answered=answered, score=5 - number)
    solve(vuk, department, opened_at=NOW - DAY, answered=120, late=True, score=1, reopened=1)
    for number in range(2):
        solve(mira, department, opened_at=NOW - 8 * DAY - timedelta(hours=number), answered=90)
    fill_tickets(2, department_id=department.id, assignee_id=mira.id, now=NOW - 40 * DAY)
    fill_tickets(3, department_id=department.id, status=TicketStatus.WAITING, now=NOW - 40 * DAY)
    return mira, vuk, department


class TestWhich:
    """Without a period the page opens on the latest in which something was solved."""

    def page_text(self, client: ConsoleClient, query: str = "") -> str:
        page = client.get(f"/console/reports/{query}").text
        marked = re.search(r'class="segments".*?class="active" aria-current="true">([^<]*)<', page, re.DOTALL)
        assert marked is not None
        return marked[1]

    def test_the_latest_with_results(self, client: ConsoleClient, scene: tuple[Staff, Staff, Department]) -> None:
        _mira, vuk, department = scene
        sign_in(client, Role.SUPERVISOR)
        assert self.page_text(client) == "Ova nedelja"
        empty = make_department("Prodaja")
        solve(None, empty, opened_at=NOW - 8 * DAY, answered=10)
        assert self.page_text(client, f"?department={empty.id}") == "Prošla nedelja"
        assert self.page_text(client, f"?department={empty.id}&period=this_week") == "Ova nedelja"
        assert self.page_text(client, f"?agent={vuk.id}&department={department.id}") == "Ova nedelja"

    def test_on_a_monday_morning(
        self, client: ConsoleClient, clock: Any, scene: tuple[Staff, Staff, Department]
    ) -> None:
        clock.set(NOW + 5 * DAY)  # Monday at eleven: nothing is solved yet
        sign_in(client, Role.SUPERVISOR)
        assert self.page_text(client) == "Prošla nedelja"


class TestWhose:
    @pytest.mark.both
    def test_a_supervisor_sees_all_agents(self, client: ConsoleClient, scene: tuple[Staff, Staff, Department]) -> None:
        mira, vuk, department = scene
        sign_in(client, Role.SUPERVISOR)
        payload = client.get_json("/console/reports/").json
        assert payload["period"] | {} == {
            "name": "this_week", "from": "2026-11-23", "until": "2026-11-25", "cut": False, "by": "day",
        }  # fmt: skip
        assert payload["figures"]["created"] == 4
        assert payload["figures"]["open"] == 2 and payload["figures"]["waiting"] == 3
        assert payload["figures"]["first_answer"] == {"median": 25, "p90": 93}
        assert payload["figures"]["sla"] == {"met": 7, "missed": 1, "percent": 87.5}
        assert payload["figures"]["reopened"] == {"of": 4, "came_back": 1, "percent": 25}
        assert payload["figures"]["satisfaction"] == {"ratings": 4, "average": 3.25, "content_percent": 50}
        assert payload["before"]["from"] == "2026-11-16" and payload["before"]["figures"]["created"] == 2
        assert {one["id"]: one["created"] for one in payload["by_agent"]} == {mira.id: 3, vuk.id: 1, None: 0}
        assert [(one["id"], one["created"]) for one in payload["by_department"]] == [(department.id, 4)]
        assert [one["created"] for one in payload["flow"]] == [0, 4, 0]
        assert payload["ratings"] == {"1": 1, "2": 0, "3": 1, "4": 1, "5": 1}
        only = client.get_json(f"/console/reports/?agent={vuk.id}&department={department.id}").json
        assert only["figures"]["created"] == 1 and only["agent"] == vuk.id

    def test_an_agent_sees_their_own(self, client: ConsoleClient, scene: tuple[Staff, Staff, Department]) -> None:
        mira, vuk, _department = scene
        sign_in(client, staff=mira)
        payload = client.get_json("/console/reports/").json
        assert payload["agent"] == mira.id and payload["figures"]["created"] == 3 and payload.get("by_agent") is None
        assert payload["figures"]["satisfaction"]["ratings"] == 3
        for own in ("me", str(mira.id)):
            assert client.get_json(f"/console/reports/?agent={own}").json["figures"] == payload["figures"]
        for other in (str(vuk.id), "999999", "none", "0", "abc"):
            for path in ("/console/reports/", "/console/reports/export/figures/"):
                assert client.get(f"{path}?agent={other}").status_code == 404, other
        assert client.get("/console/reports/export/agents/").status_code == 404
        page = client.get("/console/reports/", headers={"Accept-Language": "sr"}).text
        assert vuk.name not in page and "Moja statistika" in page
        answer = client.get("/console/reports/mine?period=last_week&endpoint=x")
        assert answer.status_code == 302 and answer.headers["Location"] == "/console/reports/?period=last_week"

    def test_a_supervisor_has_statistics_of_their_own_too(self, client: ConsoleClient) -> None:
        supervisor = sign_in(client, Role.SUPERVISOR)
        answer = client.get("/console/reports/mine")
        assert answer.headers["Location"] == "/console/reports/?agent=me"
        assert client.get_json("/console/reports/?agent=me").json["agent"] == supervisor.id


@pytest.mark.only("sqlite")  # how it is read and written is the same on both
class TestPeriod:
    def test_what_cannot_be_read_is_said(self, client: ConsoleClient, session: Session) -> None:
        sign_in(client, Role.SUPERVISOR)
        fill_tickets(1)
        for query, field in (
            ("from=abc", "period"),
            ("from=2026-11-25&until=2026-11-01", "period"),
            ("from=2027-01-01&until=2027-01-02", "period"),
            ("period=yesterday", "period"),
            ("department=abc", "department"),
            ("department=999999", "department"),
            ("agent=999999", "agent"),
            ("from=" + "9" * 500, "period"),
        ):
            response = client.get_json(f"/console/reports/?{query}")
            assert response.status_code == 422 and list(response.json["error"]["fields"]) == [field], query
            page = client.get(f"/console/reports/?{query}")
            assert page.status_code == 422 and f'id="{field}-error"' in page.text, query
            assert client.get(f"/console/reports/export/figures/?{query}").status_code == 422

    def test_what_was_typed_stays(self, client: ConsoleClient) -> None:
        sign_in(client, Role.SUPERVISOR)
        page = client.get("/console/reports/?from=2026-11-20&until=2026-11-01").text
        assert 'name="from" value="2026-11-20"' in page and 'name="until" value="2026-11-01"' in page
        assert 'name="period"' not in page  # the days that are corrected win anyway
        page = client.get("/console/reports/?period=last_month").text
        assert '<input type="hidden" name="period" value="last_month">' in page

    def test_a_long_one_is_cut_in_words(self, client: ConsoleClient, session: Session) -> None:
        sign_in(client, Role.SUPERVISOR)
        fill_tickets(1)
        page = client.get("/console/reports/?from=2020-01-01&until=2026-11-25", headers={"Accept-Language": "en"}).text
        assert "A report covers at most 400 days." in page and 'name="from" value="2025-10-22"' in page
        payload = client.get_json("/console/reports/?from=2020-01-01&until=2026-11-25").json
        assert payload["period"]["cut"] is True and payload["period"]["by"] == "month" and len(payload["flow"]) == 14

    def test_nothing_yet_and_nothing_lately(self, client: ConsoleClient, session: Session) -> None:
        sign_in(client, Role.SUPERVISOR)
        in_english = {"Accept-Language": "en"}
        page = client.get("/console/reports/", headers=in_english).text
        assert "No tickets yet" in page and "graph-bar" not in page
        fill_tickets(2, status=TicketStatus.SOLVED, now=NOW - 90 * DAY)
        page = client.get("/console/reports/", headers=in_english).text
        assert "No tickets yet" not in page and "No data for this period" in page
        assert "No data for this period." in page

    def test_every_statistic_explains_how_it_is_computed(
        self, client: ConsoleClient, scene: tuple[Staff, Staff, Department]
    ) -> None:
        sign_in(client, Role.SUPERVISOR)
        for language, texts in {
            "sr": ["88 %", "25 min", "Otvoreno i rešeno jednako tiketa (4)", "brže nego ranije (1 h 30 min)", "3,2"],
            "en": ["88%", "25 min", "As many tickets solved as opened (4)", "faster than before (1 h 30 min)"],
        }.items():
            page = client.get("/console/reports/", headers={"Accept-Language": language}).text
            assert page.count('<details class="how">') == 9
            for words in texts:
                assert words in page, words


@pytest.mark.only("sqlite")
class TestFiles:
    def test_statistics_are_compared_with_the_period_before(
        self, client: ConsoleClient, scene: tuple[Staff, Staff, Department]
    ) -> None:
        sign_in(client, Role.SUPERVISOR)
        answer = client.get("/console/reports/export/figures/", headers={"Accept-Language": "en"})
        assert answer.headers["Content-Disposition"] == (
            "attachment; filename=report-figures-2026-11-23_2026-11-25.csv"
        )
        titles, now, before = read(answer.text)
        row = dict(zip(titles, now, strict=True))
        assert row["From"] == "2026-11-23" and row["New tickets"] == "4" and row["SLA targets met (%)"] == "87.5"
        assert row["First response, median (working min)"] == "25"
        assert dict(zip(titles, before, strict=True))["Open now"] == ""

    def test_names_are_no_formulas(self, client: ConsoleClient, scene: tuple[Staff, Staff, Department]) -> None:
        mira, vuk, department = scene
        with transaction() as session:
            session.get_one(Staff, vuk.id).name = '=HYPERLINK("http://evil")'
            session.get_one(Department, department.id).name_sr = "+Tehnička"
        sign_in(client, Role.SUPERVISOR)
        rows = read(client.get("/console/reports/export/agents/", headers={"Accept-Language": "sr"}).text)
        assert sorted(row[0] for row in rows[1:]) == sorted(['\'=HYPERLINK("http://evil")', mira.name, "nedodeljeno"])
        assert len({len(row) for row in rows}) == 1
        rows = read(client.get("/console/reports/export/departments/", headers={"Accept-Language": "sr"}).text)
        assert [row[0] for row in rows[1:]] == ["'+Tehnička"]

    def test_what_the_charts_draw(self, client: ConsoleClient, scene: tuple[Staff, Staff, Department]) -> None:
        sign_in(client, Role.SUPERVISOR)
        for table, rows in {
            "flow": [["23.11.2026.", "23.11.2026.", "0", "0"], ["24.11.2026.", "24.11.2026.", "4", "0"],
                     ["25.11.2026.", "25.11.2026.", "0", "4"]],
            "sla": [["23.11.2026.", "23.11.2026.", "0", "0"], ["24.11.2026.", "24.11.2026.", "7", "1"],
                         ["25.11.2026.", "25.11.2026.", "0", "0"]],
            "answers": [["10", "1"], ["20", "1"], ["30", "1"], ["120", "1"]],
            "ratings": [["1", "1"], ["2", "0"], ["3", "1"], ["4", "1"], ["5", "1"]],
        }.items():  # fmt: skip
            assert read(client.get(f"/console/reports/export/{table}/").text)[1:] == rows, table
        assert client.get("/console/reports/export/staff/").status_code == 404


@pytest.mark.both
def test_as_many_statements_however_much_there_is(
    app: Flask, client: ConsoleClient, session: Session, rng: random.Random
) -> None:
    sign_in(client, Role.SUPERVISOR)
    departments = [make_department().id, make_department().id]
    agents = [factories.make_staff(Role.AGENT).id for _ in range(3)]
    counts = []
    for many in (4, 80):
        write_random(rng, agents, departments, many)
        for query, drawn in (("?from=2026-10-17&until=2026-11-10", True), ("", False), ("?period=last_week", False)):
            with count_queries(app) as sent:
                page = client.get(f"/console/reports/{query}")
            assert page.status_code == 200 and ("graph-bar" in page.text or not drawn)
            counts.append(sent.count)
    assert counts == [8] * 6, counts
