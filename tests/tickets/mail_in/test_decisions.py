"""What an agent decides, on the ticket's page, in the inbox and by program."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from console.core import clock
from console.core.actor import Actor
from console.core.context import files
from console.core.db import db
from console.core.errors import Conflict, NotFound, Unavailable
from console.core.transaction import transaction
from console.mail.mailboxes.models import Mailbox
from console.mail.receiving import incoming, retention, stops
from console.mail.receiving.classification import classify
from console.mail.receiving.models import BlockedSender, IncomingMail, IncomingState, StoppedAddress
from console.privacy.sources.conversations import MAILS
from console.staff.roles import Role
from console.tickets.mail_in.service import decisions, delivering, participants, receiving
from console.tickets.models import MessageKind, Ticket
from tests import factories
from tests.factories.tickets import make_department
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries
from tests.tickets.mail_in.scene import ANA, entries, mails_to, make_raw, proven, take, ticket_of

ActorOf = Callable[[Role | str], Actor]
STRANGER = "zli@zli.test"


@pytest.fixture(autouse=True)
def _department(session: Session) -> None:
    make_department()


@pytest.fixture
def agent(actor: ActorOf) -> Actor:
    return actor("agent")


@pytest.fixture
def ticket() -> Ticket:
    return ticket_of(take(make_raw(auth=proven())))


@pytest.fixture
def row(ticket: Ticket) -> IncomingMail:
    """A stranger's reply that waits, with a copy to another."""
    address = str(mails_to(ANA)[-1].reply_to)
    return take(make_raw("Ja sam <b>njen</b> muž.", sender=f"Zli <{STRANGER}>", to=address, Cc="treci@tri.test"))


def test_it_is_added_in_its_senders_name(agent: Actor, ticket: Ticket, row: IncomingMail) -> None:
    with transaction():
        assert decisions.add_to_ticket(agent, row.id).id == ticket.id
    added = entries(ticket, MessageKind.QUESTION)[-1]
    assert (added.name, added.data["from"], added.data["unproven"]) == ("Zli", STRANGER, True)
    (note,) = entries(ticket, MessageKind.NOTE)
    assert (note.data["waits"], note.data["decided"]) == ("", "added")
    assert row.state is IncomingState.TICKET
    with pytest.raises(Conflict), transaction():
        decisions.add_to_ticket(agent, row.id)


def test_it_gets_a_ticket_of_its_own(agent: Actor, ticket: Ticket, row: IncomingMail) -> None:
    with transaction():
        new = decisions.open_new(agent, row.id)
    assert (new.requester_email, row.ticket_id) == (STRANGER, new.id)
    assert new.id != ticket.id
    assert mails_to(STRANGER) == []  # the agent answers
    assert len(entries(ticket, MessageKind.QUESTION)) == 1


def test_spam_leaves_and_returns(agent: Actor, ticket: Ticket, row: IncomingMail) -> None:
    with transaction():
        decisions.mark_spam(agent, row.id, block="address")
    assert entries(ticket, MessageKind.NOTE)[0].data["decided"] == "spam"
    assert take(make_raw(sender=STRANGER)).reason == "blocked"
    with transaction():
        new = decisions.not_spam(agent, row.id)
    assert (row.state, row.ticket_id) == (IncomingState.TICKET, new.id)


@pytest.mark.parametrize("kind", [MessageKind.QUESTION, MessageKind.NOTE])
def test_what_is_in_a_ticket_stays_there_when_it_is_no_spam(
    session: Session, agent: Actor, ticket: Ticket, kind: MessageKind
) -> None:
    headers = {"Auto_Submitted": "auto-replied"} if kind is MessageKind.NOTE else {}
    inside = take(make_raw("Evo odgovora.", to=str(mails_to(ANA)[-1].reply_to), auth=proven(), **headers))
    count, tickets = len(entries(ticket, kind)), session.scalar(select(func.count(Ticket.id)))
    with transaction():
        decisions.mark_spam(agent, inside.id)
    with transaction():
        assert decisions.not_spam(agent, inside.id).id == ticket.id
    assert (inside.state, inside.ticket_id) == (IncomingState.TICKET, ticket.id)
    assert (len(entries(ticket, kind)), session.scalar(select(func.count(Ticket.id)))) == (count, tickets)


def test_a_participant_writes_where_proven(agent: Actor, ticket: Ticket, row: IncomingMail) -> None:
    with transaction():
        decisions.add_participant(agent, row.id, "treci@tri.test")
    address = str(mails_to(ANA)[-1].reply_to)
    assert take(make_raw("Treći.", sender="treci@tri.test", to=address)).reason == "unproven"
    assert take(make_raw("Treći opet.", sender="treci@tri.test", to=address, auth=proven("tri.test"))).reason == ""
    assert entries(ticket, MessageKind.QUESTION)[-1].name == "treci@tri.test"
    with transaction():
        participants.remove(agent, ticket.id, "treci@tri.test")
    assert (
        take(make_raw("Treći pak.", sender="treci@tri.test", to=address, auth=proven("tri.test"))).reason == "stranger"
    )


@pytest.mark.parametrize("verb", [decisions.add_to_ticket, decisions.open_new, decisions.mark_spam, decisions.dismiss])
def test_none_of_it_is_for_others(actor: ActorOf, row: IncomingMail, verb: Callable[[Actor, int], object]) -> None:
    with pytest.raises(NotFound), transaction():
        verb(actor("admin"), row.id)


@pytest.mark.both
def test_a_private_departments_mail_is_hidden(session: Session, agent: Actor, actor: ActorOf) -> None:
    private = make_department("Zloupotrebe", private=True)
    with transaction():
        box = Mailbox(
            key="abuse", address="abuse@example.test", department_id=private.id, language="", signature="",
            active=True, created_at=clock.now(),
        )  # fmt: skip
        session.add(box)
    spam = take(make_raw(X_Spam_Flag="YES"), mailbox=box)
    inside = take(make_raw("Prijava", auth=proven()), mailbox=box)
    for key in (spam.id, inside.id):
        with pytest.raises(NotFound), transaction():
            decisions.mark_spam(agent, key)
    with transaction():
        decisions.mark_spam(actor("supervisor"), inside.id)


def test_the_worker_takes_up_what_was_left_and_no_more_than_five_times(
    monkeypatch: pytest.MonkeyPatch, session: Session
) -> None:
    def broken(*_args: object) -> None:
        raise RuntimeError("kvar")

    with transaction():
        key = incoming.store(make_raw("Ostalo"), via="pipe").id
    whole = classify
    monkeypatch.setattr(delivering, "classify", broken)
    receiving.deliver_stored(key)
    row = session.get_one(IncomingMail, key, populate_existing=True)
    assert (row.state, row.reason, row.attempts) == (IncomingState.FAILED, "delivery", 1)
    assert entries(ticket_of(row), MessageKind.QUESTION)[0].attachments[0].name == "message.eml"
    monkeypatch.setattr(delivering, "classify", whole)
    with transaction():
        late = incoming.store(make_raw("Kasno"), via="pipe")
        late.attempts = incoming.MOST_ATTEMPTS
        key = late.id
    receiving.deliver_stored(key)
    row = session.get_one(IncomingMail, key, populate_existing=True)
    assert (row.state, row.reason) == (IncomingState.FAILED, "attempts")
    receiving.deliver_stored(key)
    assert session.scalar(select(func.count(Ticket.id))) == 2


def test_a_store_that_is_away_for_a_while_costs_no_message(session: Session) -> None:
    with transaction():
        row = incoming.store(make_raw("Čeka na disk."), via="pipe")
        key, place = row.id, files().path(str(row.raw_file))
    aside = place.rename(place.with_suffix(".aside"))
    place.mkdir()  # reading it fails, and not because it is gone
    for _ in range(incoming.MOST_ATTEMPTS + 2):
        with pytest.raises(Unavailable):
            receiving.deliver_stored(key)
    place.rmdir()
    aside.rename(place)
    receiving.deliver_stored(key)
    row = session.get_one(IncomingMail, key, populate_existing=True)
    assert (row.state, row.reason, row.attempts) == (IncomingState.TICKET, "", 1)
    assert entries(ticket_of(row), MessageKind.QUESTION)[0].body == "Čeka na disk."


def test_an_erasure_empties_what_a_person_wrote_into_tickets_of_others(session: Session, ticket: Ticket) -> None:
    person = factories.ana().owner.person
    row = take(make_raw("Nepoznata priča.", sender=person.email, to=str(mails_to(ANA)[-1].reply_to)))
    assert row.reason == "stranger"
    with transaction():
        MAILS.erase(person)
    (note,) = entries(ticket, MessageKind.NOTE)
    assert "priča" not in note.body
    assert note.data == {}  # no one is asked to decide about what is not there
    assert not session.scalars(select(IncomingMail.id).where(IncomingMail.from_address == person.email)).all()


# --- pages


def test_the_inbox_goes_from_one_to_the_next(
    app: Flask, client: ConsoleClient, row: IncomingMail, ticket: Ticket
) -> None:
    second = take(make_raw("Drugi.", sender=STRANGER, to=str(mails_to(ANA)[-1].reply_to)))
    sign_in(client)
    client.get("/console/mail/in/?state=waiting")
    with count_queries(app) as queries:
        page = client.get("/console/mail/in/?state=waiting").text
    assert queries.count <= 8, "\n".join(queries)
    assert page.count("data-open") == 2
    with count_queries(app) as queries:
        page = client.get(f"/console/mail/in/{row.id}").text
    assert queries.count <= 8, "\n".join(queries)
    assert "nije" not in page or ticket.number in page
    assert "&lt;b&gt;njen&lt;/b&gt;" in page
    answer = client.submit(f"/console/mail/in/{row.id}/add")
    assert answer.status_code == 303
    assert answer.location.endswith(f"/console/mail/in/{second.id}")
    assert client.submit(f"/console/mail/in/{row.id}/add", json=True).status_code == 409
    answer = client.submit(f"/console/mail/in/{second.id}/dismiss")
    assert "state=waiting" in answer.location
    (item,) = client.get_json("/console/mail/in/?state=ignored").json["items"]
    assert (item["id"], item["reason"]) == (second.id, "dismissed")


def test_the_ticket_shows_the_note_and_its_buttons(client: ConsoleClient, ticket: Ticket, row: IncomingMail) -> None:
    take(make_raw("Nedokazano.", to=str(mails_to(ANA)[-1].reply_to)))
    sign_in(client)
    page = client.get(f"/console/tickets/{ticket.number}").text
    assert page.count("data-waits") == 1
    assert re.search(rf'action="[^"]*/console/mail/in/{row.id}/add"', page)
    assert "badge-warn" in page
    answer = client.submit(f"/console/mail/in/{row.id}/spam", **{"from": "ticket"})
    assert answer.location.endswith(ticket.number)
    assert "data-waits" not in client.get(f"/console/tickets/{ticket.number}").text


def test_the_original_is_masked_and_for_supervisors(client: ConsoleClient, ticket: Ticket) -> None:
    address = str(mails_to(ANA)[-1].reply_to)
    row = take(make_raw("PIN 123456 https://x.test/t/AbcdefGhijklmnopQrst12", to=address, auth=proven()))
    sign_in(client, "supervisor")
    text = client.get(f"/console/mail/in/{row.id}/raw").text
    assert "authentication-results" in text
    for secret in ("123456", "AbcdefGhijklmnopQrst12", address.partition("+")[2].partition("@")[0]):
        assert secret not in text
        assert secret not in client.get(f"/console/mail/in/{row.id}").text


def test_a_ticket_names_no_original_that_was_deleted(client: ConsoleClient, ticket: Ticket, row: IncomingMail) -> None:
    sign_in(client)
    link = f'/console/mail/in/{row.id}"'
    assert link in client.get(f"/console/tickets/{ticket.number}").text
    with transaction():
        retention.delete_rows([row.id])
    assert link not in client.get(f"/console/tickets/{ticket.number}").text


def test_a_file_that_tickets_do_not_take_is_downloaded_from_its_mail(client: ConsoleClient) -> None:
    part = b'--gr\nContent-Type: text/plain\n\nPonuda.\n--gr\nContent-Type: text/html; name="a/PIN 123456.pptx"\n'
    part += b"Content-Disposition: attachment\n\n<script>alert(1)</script>\n--gr--\n"
    row = take(b"From: a@gost.test\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=gr\n\n" + part)
    url = f"/console/mail/in/{row.id}/files/1"
    sign_in(client)
    assert url not in client.get(f"/console/mail/in/{row.id}").text
    assert client.get(url).status_code == 404
    sign_in(client, "supervisor")
    assert url in client.get(f"/console/mail/in/{row.id}").text
    answer = client.get(url)
    assert answer.data.strip() == b"<script>alert(1)</script>"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "123456" not in answer.headers["Content-Disposition"]
    assert client.get(f"/console/mail/in/{row.id}/files/2").status_code == 404
    with transaction():
        db.session.get_one(IncomingMail, row.id).raw_file = None
    assert client.get(url).status_code == 404


def test_the_html_and_the_names_of_files_are_masked_too(client: ConsoleClient, ticket: Ticket) -> None:
    address = str(mails_to(ANA)[-1].reply_to)
    link = "<a href='https://x.test/t/AbcdefGhijklmnopQrst12'>tiket</a>"
    html = f"<p title='PIN 123456'>PIN 123<b>45</b>6</p>{link} {address}"
    part = b"--gr\nContent-Type: text/html\n\n" + html.encode()
    part += b'\n--gr\nContent-Type: image/png; name="PIN 123456.png"\nContent-ID: <a>\n\nx\n--gr--\n'
    raw = b"From: a@gost.test\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary=gr\n\n" + part
    key = take(raw).id
    sign_in(client, "supervisor")
    for path in ("", "/html", "/raw"):
        page = client.get(f"/console/mail/in/{key}{path}").text
        for secret in ("123456", "123<b>45", "AbcdefGhijklmnopQrst12", address.partition("+")[2].partition("@")[0]):
            assert secret not in page, path
    assert "••<b>••</b>•" in client.get(f"/console/mail/in/{key}/html").text


def test_blocked_senders_have_a_page(client: ConsoleClient) -> None:
    sign_in(client)
    assert client.submit("/console/mail/blocked/add", sender="nije").status_code == 422
    assert client.submit("/console/mail/blocked/add", sender="smece.test").status_code == 303
    (sender,) = client.get_json("/console/mail/blocked/").json["senders"]
    assert sender["sender"] == "smece.test"
    assert client.submit("/console/mail/blocked/remove", sender=sender["id"]).status_code == 303
    assert client.get_json("/console/mail/blocked/").json["senders"] == []


def test_every_blocked_sender_and_stopped_address_can_be_reached(session: Session, client: ConsoleClient) -> None:
    sign_in(client)
    assert client.submit("/console/mail/blocked/add", sender="prvi.test").status_code == 303
    now = clock.now()
    with transaction():
        (first,) = stops.blocked_senders()
        session.add_all(
            BlockedSender(pattern=f"d{number}.test", staff_id=first.staff_id, created_at=now) for number in range(100)
        )
        session.add_all(StoppedAddress(address=f"a{number:03}@b.test", stopped_at=now) for number in range(101))
    client.get("/console/mail/blocked/")  # with the message that it is blocked
    page = client.get("/console/mail/blocked/").text
    assert "senders=2" in page
    assert "prvi.test" not in page
    for query in ("senders=2&stopped=2", "senders=99&stopped=99"):
        page = client.get(f"/console/mail/blocked/?{query}").text
        assert "prvi.test" in page
        assert "a100@b.test" in page
    answer = client.get_json("/console/mail/blocked/?senders=2").json
    assert ([one["sender"] for one in answer["senders"]], answer["senders_pages"]) == (["prvi.test"], 2)
    assert len(answer["stopped"]) == 100


def test_a_sender_that_cannot_be_blocked_keeps_the_page(client: ConsoleClient) -> None:
    gmail, ours = take(make_raw(sender="ana@gmail.com")), take(make_raw(sender="kolega@example.test"))
    sign_in(client)
    page = client.get(f"/console/mail/in/{gmail.id}").text
    assert 'value="address"' in page
    assert 'value="domain"' not in page
    for row in (gmail, ours):
        answer = client.submit(f"/console/mail/in/{row.id}/spam", block="domain")
        assert answer.status_code == 422
        assert "invalid-feedback" in answer.text
        assert row.from_address in answer.text
        assert client.submit(f"/console/mail/in/{row.id}/spam", block="domain", json=True).status_code == 422
        assert client.get_json(f"/console/mail/in/{row.id}").json["mail"]["state"] != "spam"
    answer = client.submit("/console/mail/blocked/add", sender="gmail.com")
    assert answer.status_code == 422
    assert 'value="gmail.com"' in answer.text


# --- the command


def test_the_pipe(app: Flask, session: Session) -> None:
    runner = app.test_cli_runner()
    from console.cli.commands.mail import receive_mail

    made = runner.invoke(receive_mail, input=make_raw("Kroz cev", Message_ID="<cev@gost.test>"))
    assert (made.exit_code, made.output.strip()) == (0, "T-20001")
    again = runner.invoke(receive_mail, input=make_raw("Kroz cev", Message_ID="<cev@gost.test>"))
    assert again.output.strip() in ("T-20001", "T-20002")
    assert runner.invoke(receive_mail, input=b" \n").exit_code == 65


def test_the_pipe_asks_to_be_tried_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    from console.cli.commands.mail import receive_mail

    def away(*_args: object, **_more: object) -> int:
        raise OperationalError("x", {}, Exception("gone"))

    monkeypatch.setattr(receiving, "receive_many", away)
    done = app.test_cli_runner().invoke(receive_mail, input=make_raw("x"))
    assert done.exit_code == 75


@pytest.mark.full
def test_the_command_without_a_database(tmp_path: Path) -> None:
    """A process of its own: what a mail server runs."""
    done = subprocess.run(
        [sys.executable, "-m", "console", "receive-mail"],
        input=b"From: a@b.test\n\nx", capture_output=True, check=False,
        env={"CONSOLE_DATABASE_URL": f"sqlite:///{tmp_path}/nema/c.sqlite3", "PATH": "/usr/bin"}, timeout=60,
    )  # fmt: skip
    assert done.returncode == 75, done.stderr
