"""The pages of reviews: who sees what, what is refused in words, and what leaves the console."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core.transaction import transaction
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.models import TicketMessage
from console.tickets.reviews import queries, service
from console.tickets.reviews.models import Review, ReviewReason, ReviewState
from tests import factories
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries
from tests.support.spreadsheets import read
from tests.tickets.canned.support import make_ticket
from tests.tickets.reviews.scene import done, points, rated, reply, waiting, worked

pytestmark = pytest.mark.only("sqlite")  # what it asks of the database is asked on both in tests/tickets/reviews
StaffOf = Callable[[Role | str], Staff]
NewClient = Callable[[], ConsoleClient]
LIST = "/console/reviews/"
EVIL = "=HYPERLINK(1)<script>alert(1)</script>"


def url(review: Review | int, rest: str = "") -> str:
    return f"{LIST}{review if isinstance(review, int) else review.id}{rest}"


def form(review: Review, value: object = 3, **more: Any) -> dict[str, Any]:
    values = {f"points-{key}": str(value) for key in points()}
    rubric = queries.settings_row().rubric_version
    return {**values, "version": str(review.version), "rubric": str(rubric), "note": "Lepo", **more}


def listed(client: ConsoleClient, query: str = "") -> list[int]:
    answer = client.get_json(f"{LIST}?{query}&page_size=100")
    assert answer.status_code == 200
    return [item["id"] for item in answer.json["items"]]


def test_the_queue_is_narrowed_sorted_and_searched(client: ConsoleClient, session: Session, staff_of: StaffOf) -> None:
    agent, billing, supervisor = staff_of("agent"), staff_of("billing"), sign_in(client, Role.SUPERVISOR)
    first = waiting(agent, worked(agent, subject="Čudan žiro račun"))
    second = waiting(billing, worked(billing, department="accounting"), ReviewReason.SLA_TARGET)
    low = session.scalars(select(Review).where(Review.ticket_id == rated(agent, 1).id)).one()
    finished = done(supervisor, waiting(agent))
    skipped = waiting(agent)
    with transaction():
        service.skip(supervisor.actor(), skipped.id, "Sitnica")
        service.answer(agent.actor(), finished.id, "Hvala", "a")
    assert listed(client) == [first.id, second.id, low.id]
    assert listed(client, "state=done") == listed(client, "state=answered") == [finished.id]
    assert listed(client, "state=skipped") == [skipped.id]
    assert listed(client, "state=mine") == []
    assert listed(client, "reason=rating") == [low.id]
    assert listed(client, f"agent={agent.id}&reason=sample") == [first.id]
    assert listed(client, f"department={second.department_id}") == [second.id]
    month = f"{second.created_at:%Y-%m}"
    assert listed(client, f"month={month}") == [first.id, second.id, low.id]
    assert listed(client, "month=2020-02") == []
    assert listed(client, "search=cudan ziro") == listed(client, f"search=R-000{first.id}") == [first.id]
    assert listed(client, f"search={second.subject}") == [second.id]
    assert listed(client, "sort=-created_at") == [low.id, second.id, first.id]
    for strange in (
        "state=x",
        "reason=x&agent=x&department=x&month=2026-13",
        "month=%00",
        "sort=note",
        "page=99999999",
    ):
        assert client.get(f"{LIST}?{strange}").status_code == 200
    page = client.get(LIST).text
    assert "/console/reviews/next" in page and 'class="count">3<' in page
    assert 'name="state" value="waiting"' in page  # a search stays in the tab


def test_the_list_costs_the_same_for_any_number(
    app: Flask, client: ConsoleClient, session: Session, staff_of: StaffOf
) -> None:
    sign_in(client, Role.SUPERVISOR)
    counts = []
    for many in (1, 12):
        for _ in range(many):
            waiting(staff_of("agent"))
        with count_queries(app) as sent:
            assert client.get(LIST).status_code == 200
        counts.append(sent.count)
    assert counts[0] == counts[1] <= 6, sent


def test_one_review_takes_eight_statements(
    app: Flask, client: ConsoleClient, session: Session, staff_of: StaffOf
) -> None:
    """With a rating, replies, quotes, answers and the whole rubric; still running targets read the opening hours."""
    agent, supervisor = staff_of("agent"), sign_in(client, Role.SUPERVISOR)
    ticket = rated(agent, 2, "Dugo", department="accounting")
    quoted = [reply(agent, ticket, f"Odgovor {number}").id for number in range(3)]
    low = session.scalars(select(Review).where(Review.ticket_id == ticket.id)).one()
    finished = done(supervisor, waiting(agent, ticket), quotes=dict.fromkeys(quoted, "Lepo"))
    for number, one in enumerate((agent, supervisor, agent)):
        with transaction():
            service.answer(one.actor(), finished.id, f"Odgovor {number}", f"a{number}")
    for path in (url(low), url(finished), url(finished, "?correct=1"), f"{LIST}figures/csv?months=6"):
        with count_queries(app) as sent:
            assert client.get(path).status_code == 200
        assert sent.count <= 8, (path, *sent)
    page = client.get(url(finished, "?correct=1")).text
    assert "Dugo" in page and page.count('name="quote"') >= 3
    own = sign_in(client, staff=agent)
    assert own.id == agent.id
    client.get(url(finished))  # they have read it now
    with count_queries(app) as sent:
        assert "Odgovor 1" in client.get(url(finished)).text
    assert sent.count <= 8


def test_an_agent_sees_their_own_when_done_and_no_others(
    client: ConsoleClient, new_client: NewClient, session: Session, staff_of: StaffOf
) -> None:
    agent, other, supervisor = staff_of("agent"), factories.make_staff(Role.AGENT), staff_of("supervisor")
    sign_in(client, staff=agent)
    ticket = worked(agent)
    message = session.scalars(select(TicketMessage).where(TicketMessage.staff_id == agent.id)).first()
    assert message is not None
    mine = waiting(agent, ticket)
    theirs = done(supervisor, waiting(other))
    assert listed(client) == listed(client, "state=waiting") == []
    assert client.get(url(mine)).status_code == client.get_json(url(mine)).status_code == 404
    done(supervisor, mine, 2, EVIL, quotes={message.id: EVIL})
    assert listed(client, f"state=waiting&agent={other.id}") == []
    assert listed(client) == listed(client, "state=unread") == [mine.id]
    assert "data-badge>1<" in client.get("/console/profile/").text
    page = client.get(url(mine)).text
    assert "&lt;script&gt;alert" in page and "<script>alert" not in page
    assert f"/console/tickets/{ticket.number}#m{message.id}" in page
    assert "50" in page and "/finish" not in page and "/skip" not in page
    assert listed(client, "state=unread") == []
    payload = client.get_json(url(mine)).json
    assert (payload["percent"], payload["note"], payload["quotes"][0]["remark"]) == (50.0, EVIL, EVIL)
    for rest in ("", "?correct=1"):
        assert client.get(url(theirs, rest)).status_code == 404
    for rest, fields in (("/finish", form(mine)), ("/skip", {"reason": "x"}), ("/seen", {})):
        assert client.submit(url(mine, rest), **fields).status_code == 404
    assert client.submit(url(theirs, "/answer"), body="x", client_id="x").status_code == 404
    for path in ("next", "rubric"):
        assert client.get(LIST + path).status_code == 404
    assert client.submit(LIST + "pick", ticket=ticket.number).status_code == 404
    # An admin keeps accounts; a review is none of theirs.
    admin = new_client()
    sign_in(admin, Role.ADMIN)
    for path in (LIST, url(mine), LIST + "figures", LIST + "figures/csv", LIST + "export/csv/"):
        assert admin.get(path).status_code == 404


def test_they_answer_each_other(
    client: ConsoleClient, new_client: NewClient, session: Session, staff_of: StaffOf
) -> None:
    agent, supervisor = staff_of("agent"), staff_of("supervisor")
    sign_in(client, staff=agent)
    boss = new_client()
    sign_in(boss, staff=supervisor)
    review = done(supervisor, waiting(agent))
    empty = client.submit(url(review, "/answer"), body=" ", client_id="a" * 32)
    assert empty.status_code == 422 and 'aria-invalid="true"' in empty.text
    for _ in range(2):
        sent = client.submit(url(review, "/answer"), body=f"Zašto? {EVIL}", client_id="b" * 32)
        assert sent.status_code == 303
    assert boss.get(LIST + "?state=answered").text.count("is-new") == 1
    page = boss.get(url(review)).text
    assert page.count("Zašto?") == 1 and "<script>alert" not in page and "/seen" in page
    assert boss.submit(url(review, "/answer"), json=True, body="Zbog tona", client_id="c" * 32).status_code == 200
    assert listed(client, "state=unread") == [review.id]
    client.submit(url(review, "/answer"), body="Jasno", client_id="d" * 32)
    assert boss.submit(url(review, "/seen")).status_code == 303
    assert listed(boss, "state=answered") == []


def test_judged_one_after_the_other(client: ConsoleClient, session: Session, staff_of: StaffOf) -> None:
    agent = staff_of("agent")
    supervisor = sign_in(client, Role.SUPERVISOR)
    ticket = worked(agent)
    message = reply(agent, ticket, f"Odgovor {EVIL}")
    first, second = waiting(agent, ticket), waiting(agent)
    assert client.get(LIST + "next").headers["Location"].endswith(url(first))
    page = client.get(url(first)).text
    assert "<script>alert" not in page and 'name="quote"' in page and "data-criterion" in page
    # A form that is not whole comes back as it was filled in.
    keys = list(points())
    part = {f"points-{keys[0]}": "4", "version": "0", "note": "Moja beleška", "quote": [str(message.id)]}
    answer = client.submit(url(first, "/finish"), **part, **{f"remark-{message.id}": "Ovo je dobro"})
    assert answer.status_code == 422
    for fragment in (
        'value="4" checked',
        "Moja beleška",
        "Ovo je dobro",
        f'value="{message.id}" form="judge" data-quote checked',
    ):
        assert fragment in answer.text, fragment
    refused = client.submit(url(first, "/finish"), json=True, **form(first, "7"))
    assert set(refused.json["error"]["fields"]) == {f"points-{key}" for key in keys}
    went = client.submit(
        url(first, "/finish"),
        **form(first, 4, note=EVIL, quote=[str(message.id)]),
        **{f"remark-{message.id}": "Ovo je dobro", f"points-{keys[1]}": "na"}
        if False
        else {f"remark-{message.id}": "Ovo je dobro"},
    )
    assert went.status_code == 303 and went.headers["Location"].endswith(f"/console/reviews/next?after={first.id}")
    assert client.get(went.headers["Location"]).headers["Location"].endswith(url(second))
    session.expire_all()
    assert (first.total, first.reviewer_id, first.quotes[0].remark) == (10_000, supervisor.id, "Ovo je dobro")
    # Corrected by whoever wrote it.
    page = client.get(url(first, "?correct=1")).text
    assert page.count('value="4" checked') == len(keys) and "Ovo je dobro" in page
    fixed = client.submit(url(first, "/finish"), **form(first, "na", version="1"))
    assert fixed.headers["Location"].endswith(url(first))
    session.expire_all()
    assert (first.total, first.version, first.quotes) == (None, 2, [])
    # The last one leads back.
    payload = client.submit(url(second, "/finish"), json=True, **form(second, 0)).json
    assert payload == {"id": second.id, "percent": 0.0, "next": None}
    assert client.get(LIST + "next").headers["Location"].endswith(LIST)
    assert client.get_json(LIST + "next").json == {"next": None}


def test_the_second_supervisor_gets_a_conflict_and_keeps_the_text(
    client: ConsoleClient, session: Session, staff_of: StaffOf
) -> None:
    review = waiting(staff_of("agent"))
    sign_in(client, staff=factories.make_staff(Role.SUPERVISOR, language="en"))
    typed = form(review, 2, note="Sve što sam napisala")
    done(staff_of("supervisor"), review, 4, "Bila sam brža")
    answer = client.submit(url(review, "/finish"), **typed)
    assert answer.status_code == 409
    assert "Another supervisor has reviewed this in the meantime" in answer.text
    assert "Sve što sam napisala" in answer.text and "Bila sam brža" in answer.text
    assert 'id="judge"' not in answer.text
    session.expire_all()
    assert (review.note, review.total) == ("Bila sam brža", 10_000)
    assert client.submit(url(review, "/skip"), json=True, reason="x").json["error"]["code"] == "done"


def test_ones_own_work_is_refused(client: ConsoleClient, session: Session) -> None:
    me = sign_in(client, staff=factories.make_staff(Role.SUPERVISOR, language="en"))
    factories.make_staff(Role.SUPERVISOR)
    review = waiting(me)
    page = client.get(url(review)).text
    assert "This is your own work" in page and 'id="judge"' not in page and "/skip" not in page
    answer = client.submit(url(review, "/finish"), **form(review))
    assert answer.status_code == 409 and "your own work" in answer.text
    session.expire_all()
    assert review.state is ReviewState.WAITING


def test_passed_over_with_a_reason(client: ConsoleClient, session: Session, staff_of: StaffOf) -> None:
    sign_in(client, staff=factories.make_staff(Role.SUPERVISOR, language="en"))
    review = waiting(staff_of("agent"))
    empty = client.submit(url(review, "/skip"), reason=" ")
    assert empty.status_code == 422 and "Enter a reason" in empty.text
    assert client.submit(url(review, "/skip"), reason=EVIL).status_code == 303
    page = client.get(url(review)).text
    assert "Skipped by" in page and "<script>alert" not in page and 'id="judge"' in page


def test_picked_from_a_ticket(client: ConsoleClient, session: Session, staff_of: StaffOf) -> None:
    sign_in(client, staff=factories.make_staff(Role.SUPERVISOR, language="en"))
    agent = staff_of("agent")
    ticket = worked(agent)
    went = client.submit(LIST + "pick", ticket=ticket.number, remark=EVIL)
    assert went.status_code == 303 and went.headers["Location"].endswith(ticket.number)
    review = session.scalars(select(Review)).one()
    assert (review.reason, review.agent_id, review.remark) == (ReviewReason.PICKED, agent.id, EVIL)
    assert "&lt;script&gt;" in client.get(url(review)).text
    payload = client.submit(LIST + "pick", json=True, ticket=ticket.number.lower(), agent=str(agent.id)).json
    assert payload == {"id": review.id, "number": review.number, "url": url(review)}
    for fields, status in (
        ({"ticket": "T-1"}, 404), ({"ticket": "x"}, 404), ({}, 404), ({"ticket": make_ticket().number}, 422),
        ({"ticket": ticket.number, "agent": "x"}, 422), ({"ticket": ticket.number, "remark": "x" * 501}, 422),
    ):  # fmt: skip
        assert client.submit(LIST + "pick", json=True, **fields).status_code == status, fields
    assert client.submit(LIST + "pick", ticket=make_ticket().number).status_code == 303
    assert "nothing to review" in client.get("/console/profile/").text


def test_an_override_without_a_ticket(client: ConsoleClient, session: Session, staff_of: StaffOf) -> None:
    from console.customers.verification.supervision import override

    sign_in(client, staff=factories.make_staff(Role.SUPERVISOR, language="en"))
    customer = factories.make_customer()
    with transaction():
        opened = override(staff_of("supervisor").actor(), customer, f"Direktor zove {EVIL}")
        service.enqueue(
            [{"key": "o", "reason": ReviewReason.OVERRIDE, "verification_id": opened.id, "agent_id": opened.staff_id}]
        )
    review = session.scalars(select(Review)).one()
    page = client.get(url(review)).text
    assert customer.name in page and "Direktor zove" in page and "<script>alert" not in page
    assert customer.number in client.get(LIST).text
    assert client.submit(url(review, "/finish"), **form(review)).status_code == 303


def test_figures_leave_and_notes_do_not(
    client: ConsoleClient, new_client: NewClient, session: Session, staff_of: StaffOf
) -> None:
    agent = factories.make_staff(Role.AGENT, name="=cmd|A1")
    supervisor = sign_in(client, Role.SUPERVISOR)
    review = done(supervisor, waiting(agent), 3, "Poverljiva beleška")
    done(supervisor, waiting(staff_of("billing")), 1)
    with transaction():
        service.answer(agent.actor(), review.id, "Poverljiv odgovor", "a")
    rated(agent, 2)

    def rows(who: ConsoleClient, path: str) -> list[list[str]]:
        answer = who.get(path)
        assert answer.status_code == 200 and answer.mimetype == "text/csv"
        assert "Poverljiv" not in answer.text
        return read(answer.text)[1:]

    exported = rows(client, LIST + "export/csv/?state=done")
    assert [(row[2], row[-1]) for row in exported] == [("'=cmd|A1", "75,00"), (staff_of("billing").name, "25,00")]
    figures = rows(client, LIST + "figures/csv?months=1")
    assert [(row[1], row[3], row[4], row[6], row[7]) for row in figures if row[1] == "'=cmd|A1"] == [
        ("'=cmd|A1", "1", "75,00", "1", "2,00")
    ]
    own = new_client()
    sign_in(own, staff=agent)
    assert [row[2] for row in rows(own, LIST + "export/csv/")] == ["'=cmd|A1"]
    assert {row[1] for row in rows(own, LIST + "figures/csv?agent=1")} == {"'=cmd|A1"}
    for who, reviews in ((client, 2), (own, 1)):
        payload = who.get_json(LIST + "figures").json
        assert payload["whole"]["reviews"] == reviews
        page = who.get(LIST + "figures?months=3&agent=x&department=99999").text
        assert "Poverljiv" not in page
    assert client.get_json(f"{LIST}figures?agent={agent.id}").json["whole"]["percent"] == 75.0
    text = client.get(LIST + "figures").text
    assert "=cmd|A1" in text and "<progress" in text
    empty = client.get(f"{LIST}figures?department=99999")
    assert empty.status_code == 200


def test_nothing_of_it_is_on_the_ticket_or_found(
    client: ConsoleClient, new_client: NewClient, session: Session, staff_of: StaffOf
) -> None:
    agent = staff_of("agent")
    review = done(staff_of("supervisor"), waiting(agent), 3, "Neponovljivareč")
    sign_in(client, staff=agent)
    other = new_client()
    sign_in(other, Role.AGENT)
    for who in (client, other):
        assert "Neponovljivareč" not in who.get(f"/console/tickets/{review.subject}").text
        assert who.get_json("/console/tickets/?search=neponovljivarec").json["items"] == []
        assert "Neponovljivareč" not in who.get_json("/console/find?q=neponovljivarec").text


def test_the_rubric_is_saved(client: ConsoleClient, session: Session, staff_of: StaffOf) -> None:
    sign_in(client, staff=factories.make_staff(Role.SUPERVISOR, language="en"))
    done(staff_of("supervisor"), waiting(staff_of("agent")))
    payload = client.get_json(LIST + "rubric").json
    page = client.get(LIST + "rubric").text
    assert page.count("rubric-line") == len(payload["items"]) + 1 and "in 1 review" in page

    def lines(items: list[dict[str, Any]], **more: str) -> dict[str, str]:
        fields: dict[str, str] = {"sample": "3", "version": str(payload["version"])}
        for place, item in enumerate(items):
            for name, value in item.items():
                if name == "active":
                    fields |= {f"lines-{place}-active": "y"} if value else {}
                else:
                    fields[f"lines-{place}-{name}"] = str(value)
            fields.setdefault(f"lines-{place}-position", str(place + 1))
        return fields | more

    new = {"id": "", "name_sr": "Brzina", "name_en": f"Speed {EVIL}", "about_sr": "", "about_en": "", "weight": 2,
           "active": True, "position": 1}  # fmt: skip
    blank = {"id": "", "name_sr": " ", "name_en": "", "about_sr": "", "about_en": "", "weight": 1}
    assert client.submit(LIST + "rubric", **lines([*payload["items"], new, blank])).status_code == 303
    names = [one.name_en for one in queries.criteria(active=True)]
    assert names[1] == f"Speed {EVIL}" and len(names) == len(payload["items"]) + 1
    assert "<script>alert" not in client.get(LIST + "rubric").text
    # An old form: told so, what was typed stays, what is stored stands beside it.
    stale = client.submit(LIST + "rubric", **lines([payload["items"][0] | {"name_en": "Typed by me"}]))
    assert stale.status_code == 409 and "Typed by me" in stale.text and "Currently saved" in stale.text
    payload = client.get_json(LIST + "rubric").json
    wrong = client.submit(LIST + "rubric", **lines([payload["items"][0] | {"name_en": "", "weight": "x"}]))
    assert wrong.status_code == 422 and wrong.text.count('aria-invalid="true"') == 2
    for fields in (lines(payload["items"], sample="99"), lines([payload["items"][0] | {"id": "x"}])):
        assert client.submit(LIST + "rubric", json=True, **fields).status_code == 422
    assert client.submit(LIST + "rubric", json=True, **lines(payload["items"])).json == {"changed": False}
    gone = [item | ({"gone": "y"} if item["name_en"].startswith("Speed") else {}) for item in payload["items"]]
    assert client.submit(LIST + "rubric", json=True, **lines(gone)).json == {"changed": True}
    assert len(queries.criteria()) == len(payload["items"]) - 1
    assert re.search(r'name="version" value="2"', client.get(LIST + "rubric").text)
