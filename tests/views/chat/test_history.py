"""Chats to read: the list and its filters, one chat's page, who sees which, what hangs on them elsewhere."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.chat.models import Chat, ChatBlock, ChatStatus, MessageKind
from console.chat.service import lifecycle
from console.core import clock as core_clock
from console.core.actor import Actor
from console.core.transaction import transaction
from console.mail.models import Mail
from console.staff.models import Department, Staff
from console.staff.roles import Role
from console.tickets.models import Ticket
from tests import factories
from tests.chat.past import answer, end, hang, make_past, make_ticketed, verify_in, write
from tests.factories.chat import ask, monday, take, visitor
from tests.factories.tickets import make_department
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries
from tests.support.spreadsheets import read

EVIL = '<script>alert(1)</script> =HYPERLINK("x") "q"'
ENGLISH = {"Accept-Language": "en"}
ActorOf = Callable[[Role | str], Actor]


@pytest.fixture(autouse=True)
def _office_hours(session: Session, clock: Any) -> None:
    clock.set(monday(11))


@pytest.fixture
def agent(staff_of: Callable[[Role | str], Staff]) -> Staff:
    return staff_of(Role.AGENT)


def listed(client: ConsoleClient, query: str = "") -> list[str]:
    """Return the numbers the list answers, over all of its pages."""
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        response = client.get_json(f"/console/chats/?page_size=2&{query}&cursor={cursor}")
        assert response.status_code == 200, response.json
        assert response.json is not None and "ignored" not in response.json
        found += [item["number"] for item in response.json["items"]]
        cursor = response.json["next"]
    return found


@pytest.mark.both
def test_the_filters_and_the_search_combine(client: ConsoleClient, agent: Staff, clock: Any, session: Session) -> None:
    sales = session.scalars(select(Department).where(Department.key == "sales")).one()
    persona = factories.ana()
    mira = agent.actor()
    with core_clock.standing_at(monday(11)):
        verified = take(mira, ask("Sertifikat je istekao.", name="Ana Jović", email=persona.owner.person.email))
        verify_in(mira, verified, persona.owner)
        answer(mira, verified, "Obnovili smo ga, kaleidoskop.")
        end(mira, verified, score=5)
    clock.advance(timedelta(days=1))
    poor = make_past(mira, "Sertifikat opet.", score=1, name="Žika Đurić", department="sales")
    ticketed = make_ticketed("Koliko košta sertifikat?")
    waiting = ask("Sertifikat, hitno")
    sign_in(client, staff=agent)
    numbers = [waiting.number, ticketed.number, poor.number, verified.number]
    assert listed(client) == numbers
    for query, expected in (
        ("status=queued", [waiting]),
        ("status=ticketed", [ticketed]),
        ("status=closed", [poor, verified]),
        (f"department={sales.id}", [poor]),
        ("agent=me", [poor, verified]),
        ("agent=none", [waiting, ticketed]),
        (f"agent={agent.id}&rating=poor", [poor]),
        ("rating=5", [verified]),
        ("rating=any", [poor, verified]),
        ("verified=1", [verified]),
        (f"customer={persona.customer.number}", [verified]),
        (f"email={verified.email}", [verified]),
        ("until=2026-11-23", [verified]),
        ("since=2026-11-24&status=closed", [poor]),
        ("search=sertifikat", [waiting, ticketed, poor, verified]),
        ("search=kaleidoskop", [verified]),
        ("search=zika+djuric", [poor]),
        (f"search={waiting.number}", [waiting]),  # while it goes on, too
        ("search=sertifikat&rating=poor&agent=me", [poor]),
        ("search=sertifikat&rating=poor&verified=1", []),
        ("search=nista+takvo", []),
    ):
        assert listed(client, query) == [one.number for one in expected], query
    assert client.get_json("/console/chats/?status=nonsense").json["ignored"]
    item = client.get_json(f"/console/chats/?search={verified.number}").json["items"][0]
    assert item == {
        "number": verified.number, "name": "Ana Jović", "email": persona.owner.person.email, "status": "closed",
        "department": item["department"], "assignee": agent.name, "created_at": "2026-11-23T11:00:00+01:00",
        "ended_at": "2026-11-23T11:00:00+01:00", "first_answer_seconds": 0, "rating": 5, "verified": True,
        "verified_name": persona.owner.person.name,
        "customer": persona.customer.number, "ticket": None, "language": "sr_Latn",
    }  # fmt: skip


def test_what_one_may_not_see_is_not_there(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], agent: Staff, actor: ActorOf
) -> None:
    lead = actor(Role.SUPERVISOR)
    private = make_department("Zloupotrebe", private=True)
    hidden = make_past(lead, "Poverljivo pitanje")
    with transaction() as session:
        session.get_one(Chat, hidden.id).department_id = private.id
    own = make_past(agent.actor())
    with transaction():
        lifecycle.mail_transcript(visitor(), hidden.id)
        lifecycle.mail_transcript(visitor(), own.id)
    sign_in(client, staff=agent)
    assert listed(client) == listed(client, "search=proveravam") == [own.number]
    page = f"/console/chats/{hidden.number}"
    assert client.get(page).status_code == client.get_json(page).status_code == 404
    assert client.submit(f"{page}/ticket").status_code == 404
    assert "Poverljivo" not in client.get("/console/chats/export/csv/").text
    supervisor = new_client()
    sign_in(supervisor, Role.SUPERVISOR)
    assert listed(supervisor) == [own.number, hidden.number]
    assert supervisor.get(page).status_code == 200
    # The mail about a chat goes the chat's way.
    about = {item["id"]: item["subject"] for item in client.get_json("/console/mail/").json["items"]}
    assert len(about) == 1 and None not in about.values()
    assert len(supervisor.get_json("/console/mail/").json["items"]) == 2
    biller, admin = new_client(), new_client()
    sign_in(biller, Role.BILLING)
    assert len(biller.get_json("/console/mail/").json["items"]) == 1
    sign_in(admin, Role.ADMIN)
    assert admin.get("/console/chats/").status_code == admin.get(f"/console/chats/{own.number}").status_code == 404
    assert {item["subject"] for item in admin.get_json("/console/mail/").json["items"]} == {None}
    mail = client.get(f"/console/mail/{next(iter(about))}").text
    assert f'href="/console/chats/{own.number}"' in mail
    for wrong in ("C-1", "50001", "C-99999", "C-50001'--"):
        assert client.get(f"/console/chats/{wrong}").status_code == 404, wrong


def test_one_chat_is_told_whole(app: Flask, client: ConsoleClient, agent: Staff, clock: Any) -> None:
    persona = factories.ana()
    mira = agent.actor()
    chat = ask(
        f"Pomozite. {EVIL}",
        name=f"Ana {EVIL}"[:60],
        email=persona.owner.person.email,
        page="https://www.example.rs/kontakt",
    )
    clock.advance(timedelta(seconds=95))
    take(mira, chat)
    verify_in(mira, chat, persona.owner)
    answer(mira, chat, "Gledam: https://example.rs/x")
    answer(mira, chat, "Zna za predračun.", MessageKind.NOTE)
    write(chat, "Moj PIN je 123456, hvala.")
    file = hang(chat)
    clock.advance(timedelta(minutes=9))
    end(mira, chat, score=4, comment="Brzo <b>i lepo</b>")
    sign_in(client, staff=agent)
    client.get(f"/console/chats/{chat.number}")
    with count_queries(app) as seen:
        page = client.get(f"/console/chats/{chat.number}", headers=ENGLISH).text
    assert seen.count <= 8, seen
    for words in (
        "1 min", "10 min", agent.name, "Zna za predračun.", "••••••", "Rated 4 out of 5", "slika.txt",
        f"/console/desk/{chat.number}/files/{file.id}", persona.customer.number, "verified in the chat",
        "Brzo &lt;b&gt;i lepo&lt;/b&gt;", "took the chat", "Identity confirmed", "https://www.example.rs/kontakt",
        "by us", 'href="https://example.rs/x"',
    ):  # fmt: skip
        assert words in page, words
    assert "123456" not in page and "<script>alert" not in page and "<b>i lepo" not in page
    assert "Block the visitor" not in page  # for supervisors
    payload = client.get_json(f"/console/chats/{chat.number}").json
    assert (
        payload["chat"]["rating"] == 4
        and payload["chat"]["customer"] == persona.customer.number
        and not payload["more"]
    )
    assert [one["kind"] for one in payload["messages"] if one["kind"] != "event"] == [
        "visitor", "reply", "note", "visitor", "visitor",
    ]  # fmt: skip
    after = payload["messages"][2]["seq"]
    assert client.get_json(f"/console/chats/{chat.number}?after={after}").json["messages"] == payload["messages"][3:]


def test_a_ticket_is_made_of_what_has_ended(client: ConsoleClient, agent: Staff, session: Session) -> None:
    chat = make_past(agent.actor(), "Vratiti sajt iz kopije")
    live = take(agent.actor(), ask())
    sign_in(client, staff=agent)
    page = f"/console/chats/{chat.number}"
    assert "Convert to ticket" in client.get(page, headers=ENGLISH).text
    assert client.submit(f"/console/chats/{live.number}/ticket").status_code == 409
    done = client.submit(f"{page}/ticket")
    ticket = session.scalars(select(Ticket)).one()
    assert (done.status_code, done.location) == (303, f"/console/tickets/{ticket.number}")
    assert client.submit(f"{page}/ticket", json=True).json == {"ticket": ticket.number}  # the same one
    html = client.get(page, headers=ENGLISH).text
    assert "Convert to ticket" not in html and f"/console/tickets/{ticket.number}" in html
    assert f'href="{page}"' in client.get(f"/console/tickets/{ticket.number}").text
    assert listed(client, "status=ticketed") == [chat.number]


def test_a_supervisor_blocks_a_visitor(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], agent: Staff, session: Session
) -> None:
    chat = take(agent.actor(), ask(email="zla@example.test"))
    page = f"/console/chats/{chat.number}"
    sign_in(client, staff=agent)
    assert client.submit(f"{page}/block", reason="vređa", days="7").status_code == 404
    lead = new_client()
    sign_in(lead, Role.SUPERVISOR)
    wrong = lead.submit(f"{page}/block", reason="vređa sve", days="900", headers=ENGLISH)
    assert (
        wrong.status_code == 422 and "Enter a number from 1 to 90." in wrong.text and 'value="vređa sve"' in wrong.text
    )
    assert lead.submit(f"{page}/block", reason="", days="x", json=True).json["error"]["fields"].keys() == {
        "reason", "days",
    }  # fmt: skip
    assert session.scalar(select(ChatBlock.id)) is None
    assert lead.submit(f"{page}/block", reason="vređa", days="7").status_code == 303
    session.expire_all()
    row = session.scalars(select(ChatBlock)).one()
    assert (row.email, row.reason) == ("zla@example.test", "vređa")
    assert session.get_one(Chat, chat.id).status is ChatStatus.CLOSED
    html = lead.get(page, headers=ENGLISH).text
    assert "The visitor is blocked for 7 days" in html and "Block the visitor" not in html


def test_the_csv_runs_nowhere(client: ConsoleClient, agent: Staff, session: Session) -> None:
    chat = take(agent.actor(), ask(name="=cmd|'/c calc'!A1"))
    answer(agent.actor(), chat)
    end(agent.actor(), chat, score=2, comment="+SUM(A1)")
    make_ticketed()
    sign_in(client, staff=agent)
    answered = client.get("/console/chats/export/csv/?rating=poor", headers=ENGLISH)
    rows = list(csv.DictReader(io.StringIO(answered.get_data().decode("utf-8-sig"))))
    (row,) = rows
    assert row["Number"] == chat.number and row["First response"] == "0" and row["Rating"] == "2"
    assert not any(value.startswith(("=", "+")) for value in row.values()), row
    assert len(read(client.get("/console/chats/export/csv/").text)) == 3
    assert session.scalars(select(AuditEntry).where(AuditEntry.action == "list.exported")).first() is not None


@pytest.mark.both
@pytest.mark.parametrize("json", [False, True])
def test_queries_do_not_grow_with_chats(app: Flask, client: ConsoleClient, agent: Staff, json: bool) -> None:
    sign_in(client, staff=agent)
    headers = {"Accept": "application/json"} if json else {}
    counts = []
    for many in (2, 8):
        for number in range(many):
            make_past(agent.actor(), score=number % 6)
            make_ticketed()
        for query in ("", "?search=poruke&agent=me&rating=any"):
            client.get(f"/console/chats/{query}", headers=headers)
            with count_queries(app) as seen:
                page = client.get(f"/console/chats/{query}", headers=headers)
            assert page.status_code == 200
            counts.append(seen.count)
    assert counts[0] == counts[2] and counts[1] == counts[3] and max(counts) <= 6, (counts, seen)


@pytest.mark.both
def test_an_account_shows_the_chats_of_its_people(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], agent: Staff
) -> None:
    persona = factories.ana()
    mira = agent.actor()
    chat = take(mira, ask("Kada ističe domen?", email=persona.owner.person.email))
    verify_in(mira, chat, persona.owner)
    other = make_past(mira, "Neko drugi", email=persona.owner.person.email)  # the address alone proves nothing
    number = persona.customer.number
    sign_in(client, staff=agent)
    page = f"/console/customers/{number}?tab=tickets"
    assert chat.number in client.get(page).text and other.number not in client.get(page).text
    assert [one["number"] for one in client.get_json(f"/console/customers/{number}").json["chats"]] == [chat.number]
    end(mira, chat)  # and with it the verification
    assert chat.number not in client.get(page).text
    payload = client.get_json(f"/console/customers/{number}").json
    assert payload is not None and "chats" not in payload


@pytest.mark.both
def test_the_dashboard_counts_the_chat_desk(client: ConsoleClient, agent: Staff, actor: ActorOf, clock: Any) -> None:
    from console.chat.service import presence

    with transaction():
        presence.set_state(agent.actor(), "available")
    with transaction():
        presence.set_state(actor(Role.SUPERVISOR), "away")
    ask()
    clock.advance(timedelta(minutes=4))
    take(agent.actor(), ask())
    take(actor(Role.SUPERVISOR), ask())
    with transaction():
        presence.beat([agent.id])
    sign_in(client, staff=agent)
    figures = client.get_json("/console/").json["chat"]
    assert {key: one["value"] for key, one in figures.items()} == {
        "queue": "1", "active": "2", "mine": "1", "available": "1",
    }  # fmt: skip
    assert len(client.get_json(figures["active"]["url"]).json["items"]) == 2
    page = client.get("/console/", headers=ENGLISH).text
    assert "the longest for 4 min" in page and "1 assigned to me" in page
    assert re.search(r'data-part="chat"', client.get("/console/now").text)
    clock.advance(timedelta(minutes=2))
    assert client.get_json("/console/").json["chat"]["available"]["value"] == "0"  # not heard of any more


def test_a_transcript_names_its_chat(session: Session, agent: Staff) -> None:
    chat = make_past(agent.actor())
    with transaction():
        lifecycle.mail_transcript(visitor(), chat.id)
    mail = session.scalars(select(Mail)).one()
    assert mail.subject_ref == f"chat:{chat.id}"
