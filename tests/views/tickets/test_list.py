"""The ticket list: views, filters, order, search, marks, live rows; constant queries; nothing seen that may not be."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.errors import Text
from console.core.transaction import transaction
from console.customers.models import VerificationKind
from console.customers.rights import Right
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.models import Priority, SavedView, Ticket, TicketAttachment, TicketRead, TicketStatus
from console.tickets.service import properties
from console.views.shared.choices import LazyChoices
from tests import factories
from tests.conftest import Clock
from tests.factories.tickets import fill_tickets, make_department, make_ticket
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries
from tests.support.spreadsheets import read

pytestmark = pytest.mark.both

LIST = "/console/tickets/"
QUESTIONS = ("", "?view=open&sort=due_at", "?search=pitanje", "?view=mine&assignee=me&unread=1&mentioned=1")
ENGLISH = {"Accept-Language": "en"}
only_sqlite = pytest.mark.only("sqlite")


def listed(client: ConsoleClient, query: str = "") -> list[str]:
    answer = client.get_json(LIST + query)
    assert answer.status_code == 200, answer.text
    return [item["number"] for item in answer.json["items"]]


@pytest.fixture
def agent(client: ConsoleClient, staff_of: Callable[[Role], Staff]) -> Staff:
    return sign_in(client, staff=staff_of(Role.AGENT))


def test_queries_do_not_grow(app: Flask, client: ConsoleClient, agent: Staff) -> None:
    fill_tickets(20)
    client.get(LIST)
    counts = []
    for more in (0, 180):
        if more:
            fill_tickets(more, assignee_id=agent.id)
        for query in QUESTIONS:
            with count_queries(app) as seen:
                assert client.get(LIST + query).status_code == 200
            counts.append(seen.count)
    # A search asks once more: whose accounts are open to the reader.
    assert counts == [5, 5, 6, 5] * 2, seen
    with count_queries(app) as seen:
        client.get(LIST + "counts")
    assert seen.count == 4, seen  # session, saved views, all counts in one, tags
    with count_queries(app) as seen:
        client.get(LIST + "rows?numbers=T-20001,T-20002")
    assert seen.count <= 4, seen


def test_each_view_shows_its_own(client: ConsoleClient, agent: Staff, actor: Callable[[Role], Actor]) -> None:
    other = factories.make_staff(Role.AGENT)
    with transaction():
        mine, theirs, free, waiting, solved = (make_ticket(SYSTEM) for _ in range(5))
        mine.assignee_id, theirs.assignee_id = agent.id, other.id
        mine.due_at = clock.now() + timedelta(minutes=30)
        for ticket in (waiting, solved):
            ticket.assignee_id = other.id
        properties.set_status(SYSTEM, [waiting.id], TicketStatus.WAITING)
        properties.set_status(SYSTEM, [solved.id], TicketStatus.SOLVED)
    with transaction():
        properties.watch(actor(Role.AGENT), theirs.id)
    expected = {
        "mine": {mine},
        "unassigned": {free},
        "risk": {mine},
        "waiting": {waiting},
        "open": {mine, theirs, free, waiting},
        "watched": {theirs},
        "solved": {solved},
        "all": {mine, theirs, free, waiting, solved},
    }
    for view, tickets in expected.items():
        assert set(listed(client, f"?view={view}")) == {ticket.number for ticket in tickets}, view
    payload = client.get_json(LIST + "counts").json
    assert payload["counts"] == {view: len(tickets) for view, tickets in expected.items() if view != "all"}
    assert payload["more"] == []


@pytest.mark.only("sqlite")
def test_counts_stop(client: ConsoleClient, agent: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.tickets.list_queries.MAX_COUNT", 10)
    fill_tickets(12)
    payload = client.get_json(LIST + "counts").json
    assert payload["counts"]["open"] == 10
    assert "open" in payload["more"]


@pytest.mark.only("sqlite")
def test_filters_combine(client: ConsoleClient, agent: Staff) -> None:
    customer = factories.make_customer()
    with transaction():
        billing = make_department("Naplata")
        one = make_ticket(SYSTEM, billing, customer_id=customer.id, tags=("hitno", "račun"), priority=Priority.HIGH)
        two = make_ticket(SYSTEM, billing, tags=("hitno",))
        make_ticket(SYSTEM, make_department())
        two.assignee_id = agent.id
    assert set(listed(client, f"?department={billing.id}")) == {one.number, two.number}
    assert listed(client, f"?department={billing.id}&tag=hitno&assignee=me") == [two.number]
    assert listed(client, f"?department={billing.id}&assignee=none&priority=3") == [one.number]
    assert listed(client, f"?customer={customer.number}") == [one.number]
    assert listed(client, f"?requester={two.requester_email.upper()}") == [two.number]
    today = factories.today().isoformat()
    assert len(listed(client, f"?created_from={today}&created_until={today}&status=open")) == 3
    assert listed(client, "?created_until=2020-01-01") == []
    answer = client.get_json(LIST + "?department=x&priority=9&tag=hitno").json
    assert len(answer["ignored"]) == 2
    assert len(answer["items"]) == 2
    page = client.get(LIST + f"?tag=hitno&department={billing.id}", headers=ENGLISH).text
    assert "Department" in page and "hitno" in page


def test_cursor_walks_every_row_once(client: ConsoleClient, agent: Staff) -> None:
    fill_tickets(7)
    fill_tickets(4, due_in=timedelta(hours=2))
    for sort in ("-updated_at", "updated_at", "id", "-id", "due_at", "-priority"):
        cursor, walked = "", []
        for _ in range(20):
            answer = client.get_json(LIST + f"?view=open&page_size=4&sort={sort}&cursor={cursor}").json
            walked += [item["number"] for item in answer["items"]]
            cursor = answer["next"]
            if cursor is None:
                break
        assert len(walked) == len(set(walked)) == 11
        assert walked == listed(client, f"?view=open&sort={sort}")
    wrong: tuple[Any, ...] = ("x", "2026-01-01T00:00:00", 5, None, [])
    for value in wrong:
        cursor = base64.urlsafe_b64encode(json.dumps(["-updated_at", value, 1]).encode()).decode()
        assert client.get_json(LIST + f"?sort=-updated_at&cursor={cursor}").status_code == 422


def test_a_search_is_ranked_and_walked(client: ConsoleClient, agent: Staff) -> None:
    with transaction():
        titled = make_ticket(SYSTEM, subject="Prenos domena jasenje.rs", body="Kako?")
        for _ in range(5):
            make_ticket(SYSTEM, subject="Nešto drugo", body="Pominje jasenje usput, u dugom tekstu o drugim stvarima.")
    first = client.get_json(LIST + "?search=jasenje&page_size=4").json
    assert first["items"][0]["number"] == titled.number  # the oldest, and the best
    rest = client.get_json(LIST + f"?search=jasenje&page_size=4&cursor={first['next']}").json
    assert rest["next"] is None
    assert len({item["number"] for item in first["items"] + rest["items"]}) == 6
    assert listed(client, f"?search={titled.number}")[0] == titled.number
    assert listed(client, "?search=јасење+ПРЕНОС") == [titled.number]
    assert client.get_json(LIST + "?search=jasenje&sort=-id&page_size=1").json["items"][0]["number"] != titled.number
    assert client.get_json(LIST + "?search=jasenje&cursor=WyItcmVsZXZhbmNlIiwieCIsMV0").status_code == 422


def test_a_search_within_a_view_is_not_cut_off(
    client: ConsoleClient, agent: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest hits are those of the view: a common word must not hide the only one that is mine."""
    monkeypatch.setattr("console.core.search.LIMIT", 5)
    fill_tickets(1, assignee_id=agent.id)
    fill_tickets(9)
    assert listed(client, "?view=mine&search=pitanje") == ["T-20001"]


@only_sqlite
def test_a_search_within_a_view_tells_of_the_others(
    app: Flask, client: ConsoleClient, agent: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_tickets(2, assignee_id=agent.id)
    with transaction():
        make_ticket(SYSTEM, subject="Pitanje koje nije moje")
    client.get(LIST)
    for query, words in (
        ("view=mine&search=pitanja", "1 more in all tickets"),
        ("view=solved&search=pitanju", "3 more in all tickets"),
        ("view=open&search=pitanje", "no more in other views"),
        ("tag=nema&search=pitanje", "3 more in all tickets"),
    ):
        with count_queries(app) as seen:
            page = client.get(f"{LIST}?{query}", headers=ENGLISH).text
        assert words in page, query
        assert seen.count <= 8, seen
    assert "data-elsewhere" not in client.get(f"{LIST}?search=pitanje", headers=ENGLISH).text
    monkeypatch.setattr("console.views.tickets.list.page.LIMIT", 3)
    assert "Many more in all tickets" in client.get(f"{LIST}?view=mine&search=pitanje", headers=ENGLISH).text


@only_sqlite
@pytest.mark.parametrize("typed", ["***", "\"'", "😀"])
def test_signs_alone_are_nothing_to_search_for(client: ConsoleClient, agent: Staff, typed: str) -> None:
    fill_tickets(1)
    for query in ({"search": typed}, {"search": typed, "view": "open"}):
        assert client.get_json(LIST, query_string=query).json["items"] == []
        page = client.get(LIST, query_string=query, headers=ENGLISH).text
        assert "Nothing to search for" in page
        assert "data-elsewhere" not in page


class TestPrivateDepartment:
    """Its tickets are there for members and supervisors alone, whichever way one asks."""

    @pytest.fixture
    def hidden(self, session: Session) -> Ticket:
        with transaction():
            return make_ticket(SYSTEM, make_department("Pravna", private=True), subject="Tajni spor")

    def test_nowhere_for_others(self, client: ConsoleClient, agent: Staff, hidden: Ticket, session: Session) -> None:
        for query in ("", "?view=open", "?search=tajni", f"?department={hidden.department_id}", "?assignee=none"):
            assert listed(client, query) == [], query
            assert "Tajni" not in client.get(LIST + query).text
        assert client.get_json(LIST + "counts").json["counts"]["open"] == 0
        assert client.get_json(LIST + f"rows?numbers={hidden.number}").json["rows"] == []
        assert client.get_json(LIST + "rows?since=2020-01-01T00:00:00Z").json["rows"] == []
        assert "Tajni" not in client.get(LIST + "export/csv/").text
        found = client.get_json("/console/palette/", query_string={"q": "tajni"}).text
        assert "Tajni" not in found
        about = client.get_json(f"/console/tickets/new/about?email={hidden.requester_email}").json
        assert about["duplicates"] == []
        key = hidden.id
        answer = client.submit(LIST + "mass", json=True, do="status:closed", rowid=[str(key)])
        assert answer.status_code == 200
        assert [one["number"] for one in answer.json["refused"]] == [hidden.number]
        assert answer.json["done"] == []
        session.expire_all()
        assert session.get_one(Ticket, key).status is TicketStatus.OPEN

    def test_there_for_supervisors_and_members(
        self, new_client: Callable[[], ConsoleClient], hidden: Ticket, session: Session
    ) -> None:
        for role, joins in ((Role.SUPERVISOR, False), (Role.AGENT, True)):
            client, member = new_client(), factories.make_staff(role)
            if joins:
                with transaction():
                    make_department(private=True)
                    from console.staff.models import DepartmentMember

                    session.add(DepartmentMember(department_id=hidden.department_id, staff_id=member.id))
            sign_in(client, staff=member)
            assert listed(client, "?search=tajni") == [hidden.number]


@pytest.mark.only("sqlite")
def test_marks(client: ConsoleClient, agent: Staff, session: Session) -> None:
    with transaction():
        read, unread, named, late = (make_ticket(SYSTEM) for _ in range(4))
        session.add(TicketRead(ticket_id=read.id, staff_id=agent.id, seq=read.last_seq))
        session.add(TicketRead(ticket_id=named.id, staff_id=agent.id, seq=0, mention_seq=1))
        late.due_at = clock.now() - timedelta(minutes=12)
    marks = {item["number"]: item for item in client.get_json(LIST).json["items"]}
    assert [marks[one.number]["unread"] for one in (read, unread, named)] == [False, True, True]
    assert [marks[one.number]["mentioned"] for one in (read, unread, named)] == [False, False, True]
    assert [marks[one.number]["at_risk"] for one in (read, late)] == [False, True]
    assert set(listed(client, "?unread=1")) == {unread.number, named.number, late.number}
    assert listed(client, "?mentioned=1") == [named.number]
    assert named.number in listed(client, "?view=watched")
    page = client.get(LIST + "?view=open", headers=ENGLISH).text
    assert "12 min overdue" in page
    assert page.count("sign-unread") == 3
    assert page.count("sign-mention") == 1


def test_rows_that_changed(client: ConsoleClient, agent: Staff, clock: Clock) -> None:
    with transaction():
        one, two = make_ticket(SYSTEM), make_ticket(SYSTEM)
    before = clock.now().isoformat()
    clock.advance(timedelta(seconds=5))
    with transaction():
        properties.assign(SYSTEM, [one.id], agent.id)
    payload = client.get_json(LIST + "rows", query_string={"view": "unassigned", "since": before}).json
    assert [(row["number"], row["listed"]) for row in payload["rows"]] == [(one.number, False)]
    cells = {cell["name"]: cell["html"] for cell in payload["rows"][0]["cells"]}
    assert one.number in cells["subject"] and agent.name.split()[0] in cells["assignee"]
    named = client.get_json(LIST + f"rows?view=unassigned&numbers={two.number},T-99999,x,,T-1").json
    assert [(row["number"], row["listed"]) for row in named["rows"]] == [(two.number, True)]
    for since in ("", "x", "2026-01-01T00:00:00", "9999-99-99"):
        assert client.get_json(LIST + "rows", query_string={"since": since}).json["rows"] == []


@pytest.mark.only("sqlite")
class TestColumns:
    def test_kept_by_the_browser(self, client: ConsoleClient, agent: Staff) -> None:
        fill_tickets(1)
        assert 'data-cell="tags"' not in client.get(LIST).text
        answer = client.submit(LIST + "columns?view=open", columns=["tags", "number", "nothing"])
        assert answer.status_code == 303 and answer.location.endswith("?view=open")
        page = client.get(LIST + "?view=open").text
        assert 'data-cell="tags"' in page and 'data-cell="subject"' in page
        assert 'data-cell="due_at"' not in page

    def test_kept_with_a_view(self, client: ConsoleClient, agent: Staff, session: Session) -> None:
        fill_tickets(1)
        view = client.submit(LIST + "views?view=open", json=True, name="Moj").json["view"]["id"]
        assert client.submit(LIST + f"columns?saved={view}", columns=["source"]).status_code == 303
        session.expire_all()
        assert session.get_one(SavedView, view).columns == ["subject", "source"]
        assert 'data-cell="source"' in client.get(LIST + f"?saved={view}").text
        assert 'data-cell="source"' not in client.get(LIST).text

    def test_none_is_refused(self, client: ConsoleClient, agent: Staff) -> None:
        assert client.submit(LIST + "columns", json=True).status_code == 422


@pytest.mark.only("sqlite")
class TestMass:
    @pytest.fixture
    def tickets(self, session: Session) -> list[Ticket]:
        with transaction():
            return [make_ticket(SYSTEM) for _ in range(3)]

    def act(self, client: ConsoleClient, tickets: list[Any], **fields: Any) -> dict[str, Any]:
        rowid = [ticket if isinstance(ticket, str) else str(ticket.id) for ticket in tickets]
        answer = client.submit(LIST + "mass", json=True, rowid=rowid, **fields)
        assert answer.status_code == 200, answer.text
        payload: dict[str, Any] = answer.get_json()
        return payload

    def test_done_and_put_back(
        self, client: ConsoleClient, agent: Staff, session: Session, tickets: list[Ticket]
    ) -> None:
        with transaction():
            properties.set_priority(SYSTEM, [tickets[1].id], Priority.LOW)
            properties.assign(SYSTEM, [tickets[2].id], factories.make_staff(Role.AGENT).id)
        department = make_department()
        for do, column in (
            ("assign:me", "assignee_id"), ("assign:none", "assignee_id"), ("status:hold", "status"),
            ("priority:4", "priority"), (f"department:{department.id}", "department_id"),
        ):  # fmt: skip
            before = {ticket.id: getattr(ticket, column) for ticket in tickets}
            response = self.act(client, tickets, do=do)
            assert response["done"]
            session.expire_all()
            assert len({getattr(ticket, column) for ticket in tickets}) == 1
            for step in response["undo"]:
                self.act(client, [str(key) for key in step["rowid"]], do=step["do"], tag=step["tag"])
            session.expire_all()
            assert {ticket.id: getattr(ticket, column) for ticket in tickets} == before

    def test_two_people_are_merged_when_it_is_said_for_sure(
        self, client: ConsoleClient, agent: Staff, session: Session, tickets: list[Ticket]
    ) -> None:
        target, *others = tickets
        response = self.act(client, tickets, do="merge", into=target.number)
        assert response["confirm"]["code"] == "different_requesters" and response["done"] == []
        assert all(ticket.requester_email in response["confirm"]["message"] for ticket in tickets)
        assert len(response["refused"]) == 1  # a merge is refused as a whole
        response = self.act(client, tickets, do="merge", into=target.number, sure="1")
        assert sorted(response["done"]) == sorted(ticket.number for ticket in others) and "confirm" not in response
        session.expire_all()
        assert {ticket.merged_into_id for ticket in others} == {target.id}
        page = client.get(f"/console/tickets/{target.number}", headers=ENGLISH).text
        assert "Goes to " + target.requester_email in page
        assert all(ticket.requester_email in page for ticket in others)

    def test_tags(self, client: ConsoleClient, agent: Staff, session: Session, tickets: list[Ticket]) -> None:
        response = self.act(client, tickets, do="tag", tag="Hitno")
        session.expire_all()
        assert all(ticket.tags == ["hitno"] for ticket in tickets)
        assert listed(client, "?tag=hitno")
        for step in response["undo"]:
            self.act(client, [str(key) for key in step["rowid"]], do=step["do"], tag=step["tag"])
        session.expire_all()
        assert all(ticket.tags == [] for ticket in tickets)

    def test_merge_and_part(self, client: ConsoleClient, agent: Staff, session: Session, tickets: list[Ticket]) -> None:
        target, *others = tickets
        response = self.act(client, tickets, do="merge", into=target.number, sure="1")
        assert response["done"] == [ticket.number for ticket in others]
        session.expire_all()
        assert {ticket.merged_into_id for ticket in others} == {target.id}
        again = self.act(client, others, do="priority:4")
        assert again["done"] == [] and len(again["refused"]) == 2
        (step,) = response["undo"]
        self.act(client, [str(key) for key in step["rowid"]], do=step["do"])
        session.expire_all()
        assert all(ticket.merged_into_id is None and ticket.is_open for ticket in others)

    def test_only_the_one_is_refused(
        self, client: ConsoleClient, agent: Staff, session: Session, tickets: list[Ticket]
    ) -> None:
        merged, target, other = tickets
        self.act(client, [merged], do="merge", into=target.number, sure="1")
        response = self.act(client, [merged, target, other, "T-29999"], do="status:solved")
        assert response["done"] == [target.number, other.number]
        assert {one["number"] for one in response["refused"]} == {merged.number, "T-29999"}
        assert all(one["message"] for one in response["refused"])

    def test_without_a_script(self, client: ConsoleClient, agent: Staff, tickets: list[Ticket]) -> None:
        back = LIST + "?view=open"
        rowid = [str(tickets[0].id), "29999"]
        answer = client.submit(LIST + "mass", headers=ENGLISH, do="assign:me", rowid=rowid, url=back)
        assert answer.status_code == 303 and answer.location == back
        page = html.unescape(client.get(back, headers=ENGLISH).text)
        assert "T-49999" in page

    def test_nonsense(self, client: ConsoleClient, agent: Staff, tickets: list[Ticket]) -> None:
        for do in (
            "", "x", "assign:", "assign:x", "assign:99999999999", "status:nothing", "priority:9", "priority:x", "merge",
            "tag", "untag", "delete", "department:x",
        ):  # fmt: skip
            answer = client.submit(LIST + "mass", json=True, do=do, rowid=str(tickets[0].id))
            assert answer.status_code == 422, do
        assert client.submit(LIST + "mass", json=True, do="assign:me").status_code == 422
        response = self.act(client, tickets[:1], do="department:99999")
        assert len(response["refused"]) == 1

    def test_too_many(self, client: ConsoleClient, agent: Staff) -> None:
        rowid = [str(key) for key in range(1, 102)]
        assert client.submit(LIST + "mass", json=True, do="assign:me", rowid=rowid).status_code == 422

    def test_no_one_gets_what_they_may_not_see(
        self, client: ConsoleClient, agent: Staff, tickets: list[Ticket]
    ) -> None:
        admin = factories.make_staff(Role.ADMIN)
        response = self.act(client, tickets[:1], do=f"assign:{admin.id}")
        assert response["done"] == [] and len(response["refused"]) == 1


TRICKS = ["<script>alert(1)</script>", "=HYPERLINK(1)", "@SUM(1)", '"><img src=x onerror=1>', "+1", "{{ 7*7777 }}"]


@pytest.mark.only("sqlite")
def test_tricks_do_nothing(client: ConsoleClient, agent: Staff) -> None:
    with transaction():
        tickets = [make_ticket(SYSTEM, subject=trick, requester_name=trick, body=trick) for trick in TRICKS]
    numbers = ",".join(ticket.number for ticket in tickets)
    rows = client.get_json(LIST + f"rows?numbers={numbers}").json["rows"]
    for text in (client.get(LIST).text, *(cell["html"] for row in rows for cell in row["cells"])):
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "54439" not in text
    cells = [cell for line in read(client.get(LIST + "export/csv/").text) for cell in line]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]
    assert client.get_json("/console/palette/", query_string={"q": tickets[0].number}).json["groups"]


@pytest.mark.only("sqlite")
def test_an_export_is_whole(client: ConsoleClient, agent: Staff) -> None:
    fill_tickets(30)
    rows = client.get(LIST + "export/csv/?view=open&search=pitanje").text.splitlines()
    assert len(rows) == 31


@pytest.mark.only("sqlite")
def test_the_sidebar_counts_mine(client: ConsoleClient, agent: Staff) -> None:
    fill_tickets(3, assignee_id=agent.id)
    page = client.get("/console/").text
    assert "data-badge>3</span>" in page
    assert 'href="/console/tickets/?view=mine"' in page
    assert 'data-go="t"' in page


@pytest.mark.only("sqlite")
class TestNew:
    URL = "/console/tickets/new"

    def fields(self, **more: Any) -> dict[str, Any]:
        return {
            "requester_email": "Neko@Example.test",
            "subject": "Ne stiže pošta",
            "body": "Od jutros.",
            "department": str(make_department().id),
            "priority": "3",
            **more,
        }

    def test_opened_for_a_customer(self, client: ConsoleClient, agent: Staff, session: Session) -> None:
        ana = factories.ana()
        factories.make_verification(agent, ana.owner)
        answer = client.submit(
            self.URL,
            json=True,
            **self.fields(
                customer=ana.customer.number, service=str(ana.services[0].id), tags="hitno, vip", take="y",
                files=(BytesIO(b"zapis"), "log.txt"),
            ),
        )  # fmt: skip
        assert answer.status_code == 201, answer.text
        ticket = session.scalars(select(Ticket)).one()
        assert ticket.number == answer.json["ticket"]["number"]
        assert (ticket.requester_email, ticket.customer_id) == ("neko@example.test", ana.customer.id)
        assert (ticket.service_id, ticket.assignee_id) == (ana.services[0].id, agent.id)
        assert (ticket.priority, ticket.tags) == (Priority.HIGH, ["hitno", "vip"])
        (file,) = session.scalars(select(TicketAttachment))
        assert (file.name, file.message_id is not None) == ("log.txt", True)

    def test_few_queries(self, app: Flask, client: ConsoleClient, agent: Staff) -> None:
        fields = self.fields()
        client.submit(self.URL, **fields)
        with count_queries(app) as seen:
            assert client.submit(self.URL, **fields).status_code == 303
        assert seen.count <= 20, "\n".join(seen)

    def test_what_was_typed_stays(self, client: ConsoleClient, agent: Staff, session: Session) -> None:
        fields = self.fields(body="Nešto što se ne kuca dvaput <b>")
        for name, value in (
            ("requester_email", "x"), ("requester_email", "a@b.rs\nBcc: c@d.rs"), ("subject", " "),
            ("subject", "a" * 201), ("body", ""), ("body", "a" * 50_001), ("department", "x"), ("department", "99999"),
            ("priority", "9"), ("priority", "x"), ("customer", "K-99999"), ("customer", "nema"), ("tags", "a" * 50),
            ("requester_name", "a" * 121),
        ):  # fmt: skip
            answer = client.submit(self.URL, **fields | {name: value})
            assert answer.status_code == 422, (name, value)
            assert name == "body" or "Nešto što se ne kuca dvaput &lt;b&gt;" in answer.text
            response = client.submit(self.URL, json=True, **fields | {name: value})
            assert response.status_code == 422 and name in response.json["error"]["fields"], (name, value)
        assert session.scalars(select(Ticket)).all() == []

    def test_what_an_account_has_is_not_revealed(self, client: ConsoleClient, agent: Staff, session: Session) -> None:
        ana = factories.ana()
        email = ana.owner.person.email
        about = f"{self.URL}/about?customer={ana.customer.number}"
        payload = client.get_json(about).json["customer"]
        assert (payload["name"], payload["people"], payload["services"]) == (ana.customer.name, [], [])
        page = client.get(f"{self.URL}?customer={ana.customer.number}").text
        assert email not in page and ana.services[0].label not in page
        fields = self.fields(customer=ana.customer.number, service=str(ana.services[0].id))
        assert client.submit(self.URL, json=True, **fields).status_code == 422
        factories.make_verification(agent, ana.owner)
        payload = client.get_json(about).json["customer"]
        assert [one["email"] for one in payload["people"]] == [email]
        assert {one["label"] for one in payload["services"]} >= {ana.services[0].label}
        assert email in client.get(f"{self.URL}?customer={ana.customer.number}").text

    def test_only_what_the_rights_open(self, client: ConsoleClient, agent: Staff) -> None:
        firma = factories.firma()
        assert firma.bookkeeper is not None
        factories.make_verification(agent, firma.bookkeeper)
        payload = client.get_json(f"{self.URL}/about?customer={firma.customer.number}").json["customer"]
        assert [one["email"] for one in payload["people"]] == [firma.bookkeeper.person.email]
        assert payload["services"] == []

    def test_duplicates_are_listed(self, client: ConsoleClient, agent: Staff) -> None:
        with transaction():
            open_one, shut = (make_ticket(SYSTEM, requester_email="neko@example.test") for _ in range(2))
            properties.set_status(SYSTEM, [shut.id], TicketStatus.CLOSED)
        payload = client.get_json(f"{self.URL}/about?email=NEKO@example.test").json["duplicates"]
        assert [one["number"] for one in payload] == [open_one.number]

    def test_a_file_of_a_wrong_kind(self, client: ConsoleClient, agent: Staff, session: Session) -> None:
        answer = client.submit(self.URL, json=True, **self.fields(files=(BytesIO(b"MZ"), "virus.exe")))
        assert answer.status_code == 422
        assert session.scalars(select(Ticket)).all() == []


@pytest.mark.only("sqlite")
class TestCustomersTickets:
    def test_under_the_right(self, client: ConsoleClient, agent: Staff) -> None:
        firma = factories.firma()
        assert firma.bookkeeper is not None
        url = f"/console/customers/{firma.customer.number}"
        with transaction():
            tickets = [make_ticket(SYSTEM, subject=f"Spor {n}", customer_id=firma.customer.id) for n in range(25)]
        factories.make_verification(agent, firma.bookkeeper)  # documents, not tickets
        assert "Spor" not in client.get(url + "?tab=tickets").text
        assert "tickets" not in client.get_json(url).get_json()
        factories.make_verification(agent, firma.owner)
        page = client.get(url + "?tab=tickets").text
        assert tickets[-1].number in page and tickets[0].number not in page
        older = client.get(url + f"?tab=tickets&before={tickets[5].number}").text
        assert tickets[0].number in older and f"{tickets[5].number}</span>" not in older
        assert len(client.get_json(url).json["tickets"]) == 20
        assert f"?customer={firma.customer.number}" in page

    def test_an_override_reads_them(self, client: ConsoleClient, staff_of: Callable[[Role], Staff]) -> None:
        supervisor = sign_in(client, staff=staff_of(Role.SUPERVISOR))
        firma = factories.firma()
        with transaction():
            make_ticket(SYSTEM, subject="Spor", customer_id=firma.customer.id)
        assert (
            Right.TICKETS
            in factories.make_verification(supervisor, firma.owner, kind=VerificationKind.OVERRIDE).opened_rights()
        )
        assert "Spor" in client.get(f"/console/customers/{firma.customer.number}?tab=tickets").text


def test_choices_are_asked_for_once_and_not_once_for_each() -> None:
    calls: list[int] = []

    def ask() -> dict[str, Text]:
        calls.append(1)
        return {str(number): f"Agent {number}" for number in range(30)}

    assert len(list(LazyChoices(ask).items())) == 30
    assert len(calls) == 1
