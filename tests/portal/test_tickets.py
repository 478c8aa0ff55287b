"""Tickets in Moj Mint: who reads which, what they do there, and what an agent sees of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core.actor import Actor
from console.core.errors import NotFound
from console.core.transaction import transaction
from console.customers.models import MemberRole, Membership
from console.customers.people.members import change_user, remove_member
from console.customers.rights import Right
from console.mail.models import Mail
from console.portal import tickets as pages
from console.staff.models import Department, Staff
from console.staff.roles import Role
from console.tickets.models import MessageKind, Ticket, TicketMessage, TicketSource, TicketStatus
from console.tickets.service import account, merging, properties
from console.tickets.service import messages as ticket_messages
from console.tickets.service.messages import TAKE_BACK, Writing
from tests import factories
from tests.conftest import Clock
from tests.customers.test_people import actor_of
from tests.support.client import ConsoleClient, sign_in, sign_in_person
from tests.support.queries import count_queries
from tests.tickets.canned.support import make_ticket

StaffOf = Callable[[Role | str], Staff]
ENGLISH = {"Accept-Language": "en"}
only_sqlite = pytest.mark.only("sqlite")


@pytest.fixture
def agent(staff_of: StaffOf) -> Actor:
    return staff_of("agent").actor()


def asked_by(member: Membership, subject: str, **more: Any) -> Ticket:
    person = member.person
    return make_ticket(
        customer=member.customer, requester_email=person.email, requester_name=person.name, subject=subject, **more
    )


def reply(agent: Actor, ticket: Ticket, body: str, **more: Any) -> TicketMessage:
    with transaction():
        return ticket_messages.reply(agent, ticket.id, Writing(body, client_id=f"c-{body[:40]}", anyway=True, **more))


def enter(new_client: Callable[[], ConsoleClient], member: Membership) -> ConsoleClient:
    client = new_client()
    sign_in_person(client, member.person.email)
    return client


def form(body: str, client_id: str = "a" * 24, **more: Any) -> dict[str, Any]:
    return {"body": body, "client_id": client_id, **more}


def subjects(client: ConsoleClient, query: str = "") -> list[str]:
    answer = client.get_json(f"/moj/tickets/{query}")
    return [item["subject"] for item in answer.json["items"]]


@pytest.mark.both
def test_who_holds_the_right_reads_the_accounts_others_only_their_own(
    new_client: Callable[[], ConsoleClient], owner: Membership
) -> None:
    reader = factories.make_member(owner.customer, MemberRole.USER, rights=[Right.TICKETS])
    other = factories.make_member(owner.customer, MemberRole.USER, rights=[Right.EMAILS, Right.CONTACTS])
    stranger = factories.owner_of(factories.make_customer())
    theirs, own = asked_by(owner, "Pitanje vlasnika"), asked_by(other, "Pitanje kolege")
    before = make_ticket(requester_email=other.person.email, subject="Pre nego što je imao nalog")
    complaint = make_ticket(customer=owner.customer, requester_email="zrtva@example.rs", subject="Prijava zloupotrebe")
    foreign = make_ticket(customer=stranger.customer, requester_email=other.person.email, subject="Na tuđem nalogu")
    everything = {"Pitanje vlasnika", "Pitanje kolege"}
    assert set(subjects(enter(new_client, owner))) == everything
    assert set(subjects(enter(new_client, reader))) == everything
    limited = enter(new_client, other)
    assert set(subjects(limited)) == {"Pitanje kolege", "Pre nego što je imao nalog"}
    assert subjects(enter(new_client, stranger)) == []
    for ticket, status in ((own, 200), (before, 200), (theirs, 404), (complaint, 404), (foreign, 404)):
        assert limited.get(f"/moj/tickets/{ticket.number}").status_code == status, ticket.subject
        assert limited.submit(f"/moj/tickets/{ticket.number}", json=True, **form("Dodajem")).status_code == status
        assert limited.submit(f"/moj/tickets/{ticket.number}/solved", json=True).status_code in (status, 409)
    assert enter(new_client, owner).get(f"/moj/tickets/{complaint.number}").status_code == 404
    assert limited.get("/moj/tickets/new").status_code == 404
    assert limited.submit("/moj/tickets/new", subject="x").status_code == 404
    assert new_client().get_json("/moj/tickets/").status_code == 401


@only_sqlite
def test_a_reply_is_unread_until_its_own_ticket_is_opened(
    new_client: Callable[[], ConsoleClient], owner: Membership, agent: Actor, clock: Clock
) -> None:
    short, long = asked_by(owner, "Kratko"), asked_by(owner, "Dugo")
    reply(agent, short, "Prvi odgovor")
    for body in ("Jedan", "Dva", "Tri"):
        reply(agent, long, body)
    clock.advance(TAKE_BACK)
    client = enter(new_client, owner)
    assert client.get(f"/moj/tickets/{long.number}").status_code == 200
    items = client.get_json("/moj/tickets/").json["items"]
    assert {item["subject"]: item["unread"] for item in items} == {"Kratko": True, "Dugo": False}


@only_sqlite
def test_a_revoked_right_or_membership_bites_on_the_next_request(
    new_client: Callable[[], ConsoleClient], owner: Membership
) -> None:
    reader = factories.make_member(owner.customer, MemberRole.USER, rights=[Right.TICKETS])
    ticket, own = asked_by(owner, "Pitanje vlasnika"), asked_by(reader, "Svoje pitanje")
    client = enter(new_client, reader)
    path = f"/moj/tickets/{ticket.number}"
    assert client.get(path).status_code == 200
    with transaction():
        change_user(actor_of(owner), reader.id, [], [])
    assert client.get(path).status_code == 404
    assert client.submit(path, **form("Još nešto")).status_code == 404
    assert subjects(client) == ["Svoje pitanje"]
    with pytest.raises(NotFound), transaction():
        account.answer(actor_of(reader), ticket.number, "Još nešto", client_id="a" * 24)
    with transaction():
        remove_member(actor_of(owner), reader.id)
    assert client.get(f"/moj/tickets/{own.number}").status_code == 404
    assert client.get("/moj/tickets/").status_code == 404
    # What they asked for the account stays with those who still may read it.
    assert set(subjects(enter(new_client, owner))) == {"Pitanje vlasnika", "Svoje pitanje"}


@pytest.mark.both
def test_a_ticket_is_opened_answered_closed_and_rated(
    client: ConsoleClient, session: Session, agent: Actor, owner: Membership, clock: Clock
) -> None:
    service = factories.make_service(owner.customer)
    sign_in_person(client, owner.person.email)
    place = session.scalars(select(Department).where(Department.private.is_(False))).first()
    assert place is not None
    fields = {
        "department": place.key, "service": service.id, "subject": "Sajt je spor", "body": "Stranica stoji minut.",
        "client_id": "n" * 24, "account": owner.customer.number,
    }  # fmt: skip
    opened = client.submit("/moj/tickets/new", **fields, files=(BytesIO(b"ping"), "ping.txt"))
    assert opened.status_code == 303
    again = client.submit("/moj/tickets/new", json=True, **fields, files=(BytesIO(b"ping"), "ping.txt"))
    assert again.json["number"] in opened.headers["Location"]
    ticket = session.scalars(select(Ticket)).one()
    assert (ticket.customer_id, ticket.person_id, ticket.service_id) == (owner.customer_id, owner.person_id, service.id)
    assert (ticket.source, ticket.requester_email) == (TicketSource.PORTAL, owner.person.email)
    other = client.submit("/moj/tickets/new", json=True, **fields | {"subject": "Drugo"})
    assert other.status_code == 409
    path = f"/moj/tickets/{ticket.number}"
    assert "This solved my question" not in client.get(path, headers=ENGLISH).text  # there is no answer yet
    assert client.submit(f"{path}/solved", json=True).status_code == 409
    reply(agent, ticket, "Očistili smo keš.")
    with transaction():
        ticket_messages.note(agent, ticket.id, Writing("Samo za nas", client_id="n-1"))
    assert "keš" not in client.get(path).text  # may still be taken back
    clock.advance(TAKE_BACK)
    (item,) = client.get_json("/moj/tickets/").json["items"]
    assert item["unread"] is True
    page = client.get(path, headers=ENGLISH)
    assert "Očistili smo keš." in page.text and "Samo za nas" not in page.text and agent.name not in page.text
    assert "This solved my question" in page.text and "ping.txt" in page.text
    assert client.get_json("/moj/tickets/").json["items"][0]["unread"] is False
    file = re.search(rf'href="({path}/files/\d+)"', page.text)
    assert file is not None and client.get(file[1]).data == b"ping"
    for _twice in range(2):
        assert client.submit(path, **form("Hvala, bolje je.")).status_code == 303
    assert client.submit(path, json=True, **form("Nešto drugo")).status_code == 409
    session.expire_all()
    replies = session.scalars(
        select(TicketMessage).where(TicketMessage.kind == MessageKind.QUESTION).order_by(TicketMessage.id)
    ).all()
    assert [(one.body, one.via) for one in replies][1:] == [("Hvala, bolje je.", "portal")]
    assert client.submit(f"{path}/solved").status_code == 303
    assert client.submit(f"{path}/rate", headers=ENGLISH, score="9").status_code == 422
    assert client.submit(f"{path}/rate", score="5", comment="Brzo").status_code == 303
    assert client.get_json(path).json["ticket"]["rating"]["score"] == 5
    session.expire_all()
    assert session.get_one(Ticket, ticket.id).status is TicketStatus.SOLVED
    moved = session.scalars(select(AuditEntry).where(AuditEntry.action == "ticket.moved")).all()
    assert moved[-1].actor_kind == "person"


@only_sqlite
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    client: ConsoleClient, session: Session, owner: Membership
) -> None:
    foreign = factories.make_service(factories.make_customer())
    sign_in_person(client, owner.person.email)
    fields = {"department": "sales", "subject": "", "body": "Broj je 482913.", "client_id": "n" * 24}
    answer = client.submit("/moj/tickets/new", headers=ENGLISH, **fields)
    assert answer.status_code == 422 and "Enter a subject." in answer.text and "482913" in answer.text
    question = client.submit("/moj/tickets/new", headers=ENGLISH, **fields | {"subject": "PIN"})
    assert question.status_code == 422 and "It is not a PIN" in question.text
    masked = client.submit("/moj/tickets/new", json=True, **fields | {"subject": "PIN", "mask": "1"})
    assert masked.status_code == 200
    assert "482913" not in session.scalars(select(TicketMessage.body)).one()
    more = fields | {"subject": "x", "body": "x", "client_id": "m" * 24}
    assert "service" in client.submit("/moj/tickets/new", json=True, **more, service=foreign.id).json["error"]["fields"]
    assert "department" in client.submit("/moj/tickets/new", json=True, **more | {"department": "nema"}).json["error"][
        "fields"
    ]  # fmt: skip
    wrong = client.submit("/moj/tickets/new", json=True, **more, files=(BytesIO(b"MZ"), "virus.exe"))
    assert wrong.status_code == 422 and "files" in wrong.json["error"]["fields"]
    assert client.submit("/moj/tickets/new", json=True, **more | {"client_id": ""}).status_code == 422
    assert session.scalar(select(func.count()).select_from(Ticket)) == 1


@only_sqlite
def test_a_colleague_writes_under_their_own_name_and_the_answer_goes_to_who_asked(
    new_client: Callable[[], ConsoleClient], session: Session, agent: Actor, owner: Membership
) -> None:
    reader = factories.make_member(owner.customer, MemberRole.USER, rights=[Right.TICKETS])
    ticket = asked_by(owner, "Pitanje vlasnika")
    client = enter(new_client, reader)
    assert client.submit(f"/moj/tickets/{ticket.number}", **form("Dodajem i ja.")).status_code == 303
    message = session.scalars(select(TicketMessage).order_by(TicketMessage.id.desc())).first()
    assert message is not None and (message.name, message.via) == (reader.person.name, "portal")
    mail = session.get_one(Mail, reply(agent, ticket, "Rešeno").mail_id)
    assert mail.to_address == owner.person.email
    with transaction():
        properties.set_status(agent, [ticket.id], TicketStatus.CLOSED)
    assert client.submit(f"/moj/tickets/{ticket.number}", **form("Opet isto", "b" * 24)).status_code == 303
    newest = session.scalars(select(Ticket).order_by(Ticket.id.desc())).first()
    assert newest is not None and newest.requester_email == owner.person.email and newest.id != ticket.id
    first = session.scalars(select(TicketMessage).where(TicketMessage.ticket_id == newest.id)).first()
    assert first is not None and first.name == reader.person.name


@only_sqlite
def test_what_was_merged_into_another_account_stays_with_who_asked(
    new_client: Callable[[], ConsoleClient], session: Session, agent: Actor, owner: Membership, clock: Clock
) -> None:
    reader = factories.make_member(owner.customer, MemberRole.USER, rights=[Right.TICKETS])
    elsewhere = factories.make_customer()
    mine = asked_by(owner, "Prvo")
    other = make_ticket(requester_email=owner.person.email, subject="Drugo", body="Tajna drugog naloga")
    with transaction():
        merging.merge(agent, [mine.id], other.id)
        session.get_one(Ticket, other.id).customer_id = elsewhere.id
    reply(agent, other, "Odgovor drugom nalogu")
    clock.advance(TAKE_BACK)
    client = enter(new_client, reader)
    page = client.get(f"/moj/tickets/{mine.number}").text
    assert "sajt ne radi" in page and "Tajna" not in page and "Odgovor drugom nalogu" not in page
    assert client.submit(f"/moj/tickets/{mine.number}", json=True, **form("Pišem")).status_code == 409
    assert client.submit(f"/moj/tickets/{mine.number}/solved", json=True).status_code == 404


@pytest.mark.both
def test_the_list_is_searched_and_leafed_through_in_few_queries(
    app: Flask, client: ConsoleClient, session: Session, agent: Actor, owner: Membership
) -> None:
    sign_in_person(client, owner.person.email)
    found = asked_by(owner, "Čuvanje kopija", body="Gde su rezervne kopije?")
    with transaction():
        ticket_messages.note(agent, found.id, Writing("sumnjivo_tajno", client_id="n-1"))
        properties.set_status(agent, [found.id], TicketStatus.SOLVED)
    client.get("/moj/tickets/")
    with count_queries(app) as few:
        client.get("/moj/tickets/")
    for place in range(44):
        asked_by(owner, f"Pitanje {place}")
    with count_queries(app) as many:
        client.get("/moj/tickets/")
    assert few.count == many.count <= 6, many
    client.get(f"/moj/tickets/{found.number}")  # notes that it was read
    with count_queries(app) as one:
        client.get(f"/moj/tickets/{found.number}")
    assert one.count <= 8, one
    seen, cursor = [], ""
    while cursor is not None:
        answer = client.get_json(f"/moj/tickets/?next={cursor}").json
        seen += [item["number"] for item in answer["items"]]
        cursor = answer["next"]
    assert len(seen) == len(set(seen)) == 45
    for query in ("cuvanje", "REZERVNE kopije", found.number, found.number[2:]):
        assert subjects(client, f"?search={query}") == ["Čuvanje kopija"], query
    assert subjects(client, "?search=sumnjivo_tajno") == []  # our notes are not for them
    assert subjects(client, "?state=solved") == ["Čuvanje kopija"]
    assert len(subjects(client, "?state=open")) == 20


@only_sqlite
def test_who_sends_too_much_waits_and_keeps_the_text(
    client: ConsoleClient, owner: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "OPENED", replace(pages.OPENED, amount=2))
    sign_in_person(client, owner.person.email)
    fields = {"department": "sales", "subject": "Pitanje", "body": "Dugačak tekst"}
    for place in range(2):
        assert client.submit("/moj/tickets/new", **fields, client_id=f"{place}" * 24).status_code == 303
    answer = client.submit("/moj/tickets/new", **fields, client_id="z" * 24)
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0 and "Dugačak tekst" in answer.text


@only_sqlite
def test_an_agent_sees_who_was_signed_in_and_that_it_proves_nothing(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], session: Session, owner: Membership
) -> None:
    sign_in_person(client, owner.person.email)
    fields = {"department": "sales", "subject": "Pitanje", "body": "Tekst", "client_id": "z" * 24}
    number = client.submit("/moj/tickets/new", json=True, **fields).json["number"]
    desk = new_client()
    sign_in(desk, Role.AGENT)
    page = desk.get(f"/console/tickets/{number}", headers=ENGLISH).text
    assert owner.customer.number in page and "Signed in to the portal, not verified" in page
    assert desk.get(f"/console/customers/{owner.customer.number}").status_code == 200
