"""The page of one ticket: reading, answering, taking back, what others may not see."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core.transaction import transaction
from console.mail.models import Mail, MailState
from console.staff.models import Staff
from console.tickets.models import MessageKind, Ticket, TicketMessage, TicketStatus
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries
from tests.tickets.rows import make_department, make_ticket


@pytest.fixture
def agent(client: ConsoleClient, staff_of: Any) -> Staff:
    staff: Staff = staff_of("agent")
    sign_in(client, staff=staff)
    return staff


@pytest.fixture
def ticket(agent: Staff) -> Ticket:
    from console.core.actor import SYSTEM

    return make_ticket(SYSTEM, subject='Sajt <script>alert("x")</script>', body="PIN je 482913, hitno")


def _url(ticket: Ticket) -> str:
    return f"/console/tickets/{ticket.number}"


def test_what_was_said_is_text_and_holds_no_pin(client: ConsoleClient, ticket: Ticket) -> None:
    page = client.get(_url(ticket)).text
    assert "&lt;script&gt;" in page and "<script>alert" not in page
    assert "482913" not in page and "••••••" in page
    told = client.get_json(_url(ticket)).get_json()
    assert told["ticket"]["number"] == ticket.number and told["messages"][0]["kind"] == "question"


def test_a_reply_is_one_reply_and_waits(client: ConsoleClient, session: Session, ticket: Ticket) -> None:
    first = session.scalars(select(TicketMessage.id).where(TicketMessage.ticket_id == ticket.id)).one()
    fields = {"body": "Dobar dan, gledamo.", "client_id": "jedan", "based_on": first, "then": "waiting"}
    sent = [client.submit(_url(ticket) + "/reply", json=True, **fields).get_json()["message"]["id"] for _ in range(2)]
    assert sent[0] == sent[1]
    session.rollback()
    mail = session.get_one(Mail, session.get_one(TicketMessage, sent[0]).mail_id)
    assert mail.state is MailState.QUEUED and mail.send_after > mail.created_at
    assert session.get_one(Ticket, ticket.id).status is TicketStatus.WAITING


def test_a_reply_can_be_taken_back(client: ConsoleClient, session: Session, ticket: Ticket) -> None:
    answer = client.submit(
        _url(ticket) + "/reply", json=True, body="Prebrzo", client_id="a", based_on=10**6, then="solved"
    )
    sent = answer.get_json()["message"]["id"]
    assert client.submit(_url(ticket) + "/take-back", json=True, message=sent).status_code == 200
    session.rollback()
    message = session.get_one(TicketMessage, sent)
    assert message.taken_back_at is not None
    assert session.get_one(Mail, message.mail_id).state is MailState.CANCELLED
    assert session.get_one(Ticket, ticket.id).status is TicketStatus.OPEN


def test_something_newer_stops_a_reply_and_keeps_its_text(client: ConsoleClient, ticket: Ticket) -> None:
    answer = client.submit(_url(ticket) + "/reply", body="Moj tekst", client_id="b", based_on=0)
    assert answer.status_code == 409
    assert "Moj tekst" in answer.text


@pytest.mark.parametrize(("verb", "fields"), [("reply", {"body": " "}), ("note", {}), ("status", {"status": "gone"})])
def test_bad_input_changes_nothing(
    client: ConsoleClient, session: Session, ticket: Ticket, verb: str, fields: dict[str, str]
) -> None:
    assert client.submit(f"{_url(ticket)}/{verb}", json=True, client_id="c", **fields).status_code == 422
    session.rollback()
    assert session.get_one(Ticket, ticket.id).last_seq == 1


def test_a_private_department_is_not_there_for_others(client: ConsoleClient, agent: Staff) -> None:
    from console.core.actor import SYSTEM

    hidden = make_ticket(SYSTEM, make_department(private=True))
    assert client.get(_url(hidden)).status_code == 404
    assert client.submit(_url(hidden) + "/note", json=True, body="x", client_id="d").status_code == 404
    assert client.get("/console/tickets/T-99999999999").status_code == 404
    assert client.get("/console/tickets/1;drop").status_code == 404


def test_opening_takes_few_queries(app: Flask, client: ConsoleClient, session: Session, ticket: Ticket) -> None:
    with transaction():
        session.add_all(
            TicketMessage(
                ticket_id=ticket.id,
                seq=seq,
                kind=MessageKind.QUESTION,
                name="A",
                body="x",
                created_at=ticket.created_at,
            )
            for seq in range(2, 40)
        )
    client.get(_url(ticket))
    with count_queries(app) as queries:
        assert client.get(_url(ticket)).status_code == 200
    assert queries.count <= 8, queries  # whatever the length of the timeline
