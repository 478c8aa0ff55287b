"""The page of one ticket: reading, answering, taking back, what others may not see."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core import clock
from console.core.actor import SYSTEM
from console.core.transaction import transaction
from console.customers.masking import MASKED
from console.mail.models import Mail, MailState
from console.staff.models import Staff
from console.tickets.models import (
    TICKET_SEARCH,
    MessageKind,
    Ticket,
    TicketAttachment,
    TicketDraft,
    TicketMessage,
    TicketStatus,
)
from tests import factories
from tests.factories.tickets import make_department, make_ticket
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries


@pytest.fixture
def agent(client: ConsoleClient, staff_of: Any) -> Staff:
    staff: Staff = staff_of("agent")
    sign_in(client, staff=staff)
    return staff


@pytest.fixture
def ticket(agent: Staff) -> Ticket:
    return make_ticket(SYSTEM, subject='Sajt <script>alert("x")</script>', body="PIN je 482913, hitno", pins=MASKED)


def _url(ticket: Ticket) -> str:
    return f"/console/tickets/{ticket.number}"


def test_what_was_said_is_text_and_holds_no_pin(client: ConsoleClient, ticket: Ticket) -> None:
    page = client.get(_url(ticket)).text
    assert "&lt;script&gt;" in page and "<script>alert" not in page
    assert "482913" not in page and "••••••" in page
    payload = client.get_json(_url(ticket)).get_json()
    assert payload["ticket"]["number"] == ticket.number and payload["messages"][0]["kind"] == "question"


@pytest.mark.both
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
    hidden = make_ticket(SYSTEM, make_department(private=True))
    assert client.get(_url(hidden)).status_code == 404
    assert client.submit(_url(hidden) + "/note", json=True, body="x", client_id="d").status_code == 404
    assert client.get("/console/tickets/T-99999999999").status_code == 404
    assert client.get("/console/tickets/1;drop").status_code == 404


def _add_messages(ticket: Ticket, many: int, *, first: int = 2) -> None:
    """Write entries straight into the table."""
    with transaction() as session:
        session.add_all(
            TicketMessage(
                ticket_id=ticket.id,
                seq=seq,
                kind=MessageKind.EVENT if seq % 5 == 0 else MessageKind.QUESTION,
                event="status" if seq % 5 == 0 else None,
                data={"to": "open"} if seq % 5 == 0 else {},
                name="Ana",
                body="" if seq % 5 == 0 else f"Poruka broj {seq}",
                created_at=clock.now() + timedelta(seconds=seq),
            )
            for seq in range(first, first + many)
        )
        session.get_one(Ticket, ticket.id).last_seq = first + many - 1


@pytest.mark.both
def test_the_whole_page_takes_seven_queries(app: Flask, client: ConsoleClient, agent: Staff) -> None:
    customer = factories.make_customer()
    ticket = make_ticket(SYSTEM, customer_id=customer.id, assignee_id=agent.id)
    factories.make_verification(agent, factories.owner_of(customer))
    url = _url(ticket)
    client.submit(url + "/draft", json=True, kind="note", body="Beleška", based_on=0)
    client.submit(url + "/reply", json=True, body="Gledamo.", client_id="q", based_on=10**6)
    _add_messages(ticket, 140, first=10)
    client.get(url)
    with count_queries(app) as queries:
        assert client.get(url).status_code == 200
    assert queries.count == 7, queries  # four of them for the sidebar, however long the timeline is


@pytest.mark.both
def test_a_long_timeline_comes_in_parts(client: ConsoleClient, ticket: Ticket) -> None:
    _add_messages(ticket, 150)
    page = client.get(_url(ticket)).text
    assert page.count("data-sort=") == 100 and "Poruka broj 51<" not in page and "Poruka broj 151" in page
    assert 'data-count="all">151<' in page and 'data-count="events">30<' in page
    payload = client.get_json(_url(ticket)).get_json()
    assert len(payload["messages"]) == 100
    part = client.get_json(f"{_url(ticket)}/entries?before={payload['earlier']}").get_json()
    assert part["html"].count("data-sort=") == 51 and part["earlier"] is None and "Poruka broj 2<" in part["html"]
    older = client.get(f"{_url(ticket)}?before={payload['earlier']}").text
    assert "data-past" in older and "data-composer" not in older and older.count("data-sort=") == 51
    assert client.get(f"{_url(ticket)}?before=x&show=nothing").status_code == 200


@pytest.mark.both
def test_what_is_new_comes_by_itself(client: ConsoleClient, session: Session, ticket: Ticket) -> None:
    last = client.get_json(_url(ticket)).get_json()["messages"][-1]["id"]
    same = client.get_json(f"{_url(ticket)}/entries?after={last}").get_json()
    assert same["html"].strip() == "" and same["counts"] is None and same["status"] == "open"
    sent = client.submit(_url(ticket) + "/reply", json=True, body="Radimo", client_id="n", then="solved", based_on=last)
    more = client.get_json(f"{_url(ticket)}/entries?after={last}").get_json()
    assert f'id="m{sent.get_json()["message"]["id"]}"' in more["html"] and "data-leaves" in more["html"]
    assert more["status"] == "solved" and more["seq"] > same["seq"] and "badge-ok" in more["head"]
    assert more["counts"]["replies"] == 2


def test_how_a_mail_goes_is_said(client: ConsoleClient, session: Session, ticket: Ticket, clock: Any) -> None:
    sent = client.submit(_url(ticket) + "/reply", json=True, body="Radimo", client_id="m", based_on=10**6).get_json()
    mail = session.get_one(TicketMessage, sent["message"]["id"]).mail_id
    clock.advance(timedelta(seconds=11))
    page = client.get(_url(ticket), headers={"Accept-Language": "en"}).text
    assert "on its way" in page and "data-leaves" not in page and "data-take-back" not in page
    for state, words in ((MailState.SENT, "sent"), (MailState.FAILED, "not sent"), (MailState.CANCELLED, "withdrawn")):
        with transaction():
            row = session.get_one(Mail, mail)
            row.state, row.last_error, row.sent_at = state, "550 5.1.1 <no such> user", clock.now()
        page = client.get(_url(ticket), headers={"Accept-Language": "en"}).text
        assert f"<span>{words}" in page
        assert ("550 5.1.1 &lt;no such&gt; user" in page) == (state is MailState.FAILED)


@pytest.mark.both
def test_drafts_are_saved_by_mode_and_private(
    client: ConsoleClient, new_client: Any, session: Session, ticket: Ticket
) -> None:
    url = _url(ticket) + "/draft"
    payload = client.submit(url, json=True, kind="reply", body="Poštovana <b>Ana</b>", based_on=1).get_json()
    assert payload["draft"]["body"] == "Poštovana <b>Ana</b>" and payload["draft"]["saved"]
    client.submit(url, json=True, kind="note", body="Za kolege", based_on=1)
    page = client.get(_url(ticket)).text
    assert ">Za kolege</textarea>" in page and "tovana \\u003cb\\u003eAna" in page
    other = new_client()
    sign_in(other)
    assert "Za kolege" not in other.get(_url(ticket)).text
    # What was sent is no draft any more, even where the draft arrives after it.
    client.submit(_url(ticket) + "/reply", json=True, body="Poštovana Ana", client_id="k", based_on=10**6)
    client.submit(url, json=True, kind="reply", body="Poštovana Ana", based_on=1, client_id="k")
    session.rollback()
    assert set(session.scalars(select(TicketDraft.kind))) == {MessageKind.NOTE}
    assert client.submit(url, kind="note", body="  ").status_code == 303
    session.rollback()
    assert session.scalars(select(TicketDraft)).all() == []
    for bad in ({"kind": "event", "body": "x"}, {"kind": "note", "body": "x", "based_on": "-1"}, {"body": "x"}):
        assert client.submit(url, json=True, **bad).status_code == 422


def test_a_repeated_request_with_another_text_is_refused(client: ConsoleClient, ticket: Ticket) -> None:
    fields = {"client_id": "isti", "based_on": 10**6}
    first = client.submit(_url(ticket) + "/reply", json=True, body="Prva  \r\nverzija", **fields).get_json()["message"]
    again = client.submit(_url(ticket) + "/reply", json=True, body="Prva\nverzija ", **fields).get_json()["message"]
    assert first["id"] == again["id"]
    for verb, body in (("reply", "Druga verzija"), ("note", "Prva\nverzija")):
        other = client.submit(f"{_url(ticket)}/{verb}", json=True, body=body, **fields)
        assert (other.status_code, other.get_json()["error"]["code"]) == (409, "conflict")
    page = client.submit(_url(ticket) + "/reply", body="Druga verzija", **fields)
    assert page.status_code == 409 and "Druga verzija</textarea>" in page.text
    assert 'name="client_id" value="isti"' not in page.text, "sent from there, it is another message"


def test_who_answers_says_whether_it_is_a_pin(client: ConsoleClient, ticket: Ticket, session: Session) -> None:
    for verb in ("reply", "note"):
        fields = {"body": "Porudžbina 739164 i 482 913", "client_id": verb, "based_on": 10**6, "then": "hold"}
        page = client.submit(f"{_url(ticket)}/{verb}", **fields)
        assert page.status_code == 422 and "Porudžbina 739164 i 482 913</textarea>" in page.text
        assert 'name="mask" value="1"' in page.text and 'name="not_pin" value="739164"' in page.text
        assert 'name="then_asked" value="hold"' in page.text
        answer = client.submit(f"{_url(ticket)}/{verb}", json=True, **fields)
        assert answer.get_json()["error"]["tokens"] == ["739164", "482 913"]
        masked_fields = fields | {"not_pin": "739164", "mask": "1"}
        sent = client.submit(f"{_url(ticket)}/{verb}", json=True, **masked_fields).get_json()["message"]["id"]
        message = session.get_one(TicketMessage, sent, populate_existing=True)
        assert message.body == "Porudžbina 739164 i ••••••" and (message.data["masked"], message.data["not_pin"]) == (
            1,
            1,
        )
        assert "/mask" in client.get(_url(ticket)).text
        masked = client.submit(f"{_url(ticket)}/mask", json=True, message=sent).get_json()["message"]
        assert masked["body"] == "Porudžbina •••••• i ••••••"
        assert client.submit(f"{_url(ticket)}/mask", json=True, message=sent).status_code == 422
        again = client.submit(f"{_url(ticket)}/{verb}", json=True, **masked_fields)
        assert again.get_json()["message"]["id"] == sent, "sent again, it is what it was"
    session.rollback()
    for table in (Mail.text, Mail.html, TicketMessage.body, Ticket.preview):
        assert "739164" not in str(session.scalars(select(table)).all())
    assert "739164" not in str(session.execute(select(AuditEntry.data, AuditEntry.actor_name)).all())
    for words, found in (("Porudžbina", [ticket.id]), ("739164", [])):
        hits = TICKET_SEARCH.matches(session, Ticket.id, words)
        assert hits is not None and list(session.scalars(select(Ticket.id).where(hits))) == found


def test_taken_back_text_goes_before_what_was_begun_since(client: ConsoleClient, ticket: Ticket) -> None:
    attachment = client.post(
        _url(ticket) + "/files",
        data={"csrf_token": client.csrf_token(), "file": (BytesIO(b"log"), "a.log")},
        headers={"Accept": "application/json"},
    ).get_json()["file"]
    sent = client.submit(
        _url(ticket) + "/reply", json=True, body="Prvi", client_id="p", based_on=10**6, attachments=[attachment["id"]]
    ).get_json()["message"]["id"]
    client.submit(_url(ticket) + "/draft", json=True, kind="reply", body="Drugi", based_on=sent)
    payload = client.submit(_url(ticket) + "/take-back", json=True, message=sent).get_json()
    assert payload["draft"]["body"] == "Prvi\n\nDrugi" and [file["id"] for file in payload["files"]] == [
        attachment["id"]
    ]
    assert client.submit(_url(ticket) + "/take-back", json=True, message="x").status_code == 422


def test_files_are_checked_stored_and_removed(client: ConsoleClient, session: Session, ticket: Ticket) -> None:
    def give(name: str, content: bytes, json: bool = True) -> Any:
        data = {"csrf_token": client.csrf_token(), "file": (BytesIO(content), name)}
        return client.post(_url(ticket) + "/files", data=data, headers={"Accept": "application/json"} if json else {})

    file = give("slika.png", b"\x89PNG\r\n\x1a\n123").get_json()["file"]
    assert file["name"] == "slika.png" and file["words"] == "11 B"
    for name, content in (("a.exe", b"MZ12"), ("a.png", b"<svg/>"), ("prazno.txt", b""), ("bez", b"x")):
        refused = give(name, content)
        assert refused.status_code == 422 and refused.get_json()["error"]["fields"]["file"]
    assert client.submit(_url(ticket) + "/files", json=True).status_code == 422
    page = client.get(_url(ticket)).text
    assert f'data-file="{file["id"]}"' in page
    url = f"{_url(ticket)}/files/{file['id']}"
    assert client.get(url).data == b"\x89PNG\r\n\x1a\n123"
    assert client.submit(url + "/remove", json=True).status_code == 200
    assert client.submit(url + "/remove", json=True).status_code == 404
    assert client.get(url).status_code == 404
    assert give("opet.txt", b"x", json=False).status_code == 303


def test_without_a_script_one_form_does_it(client: ConsoleClient, session: Session, ticket: Ticket) -> None:
    fields = {"body": "Evo prepisa.", "client_id": "forma", "based_on": 10**6, "then": "waiting"}
    for _twice in range(2):
        data = {
            **fields,
            "csrf_token": client.csrf_token(),
            "files": [(BytesIO(b"a"), "a.txt"), (BytesIO(b"b"), "b.txt")],
        }
        answer = client.post(_url(ticket) + "/reply", data=data)
        assert answer.status_code == 303 and "#m" in answer.headers["Location"]
    session.rollback()
    reply = session.scalars(select(TicketMessage).where(TicketMessage.kind == MessageKind.REPLY)).one()
    assert [file.name for file in reply.attachments] == ["a.txt", "b.txt"]
    assert len(session.scalars(select(TicketAttachment)).all()) == 2
    refused = client.submit(_url(ticket) + "/note", body="Tekst ostaje", client_id="", based_on=0)
    assert refused.status_code == 422 and "Tekst ostaje" in refused.text and "composer-note" in refused.text
    assert client.submit(_url(ticket) + "/note", body="x", client_id="z", attachments=["nula"]).status_code == 422


@pytest.mark.both
def test_seen_is_unread_no_more(client: ConsoleClient, ticket: Ticket) -> None:
    def unread() -> bool:
        listed = client.get_json("/console/tickets/?view=open").get_json()["items"]
        return bool(next(one for one in listed if one["number"] == ticket.number)["unread"])

    client.get(_url(ticket))
    assert unread() and "data-unread" in client.get(_url(ticket)).text
    assert client.submit(_url(ticket) + "/seen", json=True, seq=1).status_code == 200
    assert not unread() and "data-unread" not in client.get(_url(ticket)).text
    _add_messages(ticket, 2)
    page = client.get(_url(ticket)).text
    assert page.index("data-new") > page.index("data-sort") and unread()
    assert client.submit(_url(ticket) + "/seen").status_code == 303
    assert not unread()


def test_whom_a_note_can_name(client: ConsoleClient, ticket: Ticket, agent: Staff) -> None:
    payload = client.get_json(_url(ticket) + "/colleagues").get_json()["items"]
    assert {"name": agent.name, "handle": ".".join(agent.name.lower().replace("ž", "z").split())} in payload


def test_merged_closed_and_taken_over(client: ConsoleClient, session: Session, ticket: Ticket, agent: Staff) -> None:
    from console.tickets.service.merging import merge

    into = make_ticket(SYSTEM)
    with transaction():
        merge(agent.actor(), [ticket.id], into.id, different_requesters=True)
    page = client.get(_url(ticket)).text
    assert into.number in page and 'id="composer"' not in page
    assert f'href="/console/tickets/{ticket.number}" title=' in client.get(_url(into)).text  # where it was written
    with transaction():
        session.get_one(Ticket, into.id).status = TicketStatus.CLOSED
    page = client.get(_url(into)).text
    assert 'data-to="note"' in page and 'data-to="reply"' not in page
    refused = client.submit(_url(into) + "/reply", json=True, body="x", client_id="c", based_on=10**6)
    assert refused.status_code == 409 and refused.get_json()["error"]["code"] == "closed"
