"""The requester's page: who holds the link reads and answers that ticket, and nothing else in the world."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core.actor import Actor
from console.core.context import settings
from console.core.settings import Settings
from console.core.transaction import transaction
from console.customers.verification import cards
from console.mail.models import Mail
from console.portal import requester
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets import links
from console.tickets.models import MessageKind, Ticket, TicketAttachment, TicketMessage, TicketStatus
from console.tickets.service import merging, properties
from console.tickets.service import messages as ticket_messages
from console.tickets.service import verification as ticket_verification
from console.tickets.service.attachments import attach
from console.tickets.service.messages import TAKE_BACK, Writing
from tests.support.client import ConsoleClient
from tests.support.queries import count_queries
from tests.tickets.canned.support import make_ticket

StaffOf = Callable[[Role | str], Staff]
only_sqlite = pytest.mark.only("sqlite")  # what it asks of the database is asked on both elsewhere
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 60
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
def agent(staff_of: StaffOf) -> Actor:
    return staff_of("agent").actor()


def path(ticket: Ticket) -> str:
    return f"/t/{links.requester_token(ticket)}"


def reply(agent: Actor, ticket: Ticket, body: str, **more: Any) -> TicketMessage:
    with transaction():
        return ticket_messages.reply(agent, ticket.id, Writing(body, client_id=f"c-{body[:40]}", anyway=True, **more))


def note(agent: Actor, ticket: Ticket, body: str) -> TicketMessage:
    with transaction():
        return ticket_messages.note(agent, ticket.id, Writing(body, client_id=f"n-{body[:40]}"))


def form(body: str, client_id: str = "a" * 24, **more: Any) -> dict[str, Any]:
    return {"body": body, "client_id": client_id, **more}


def bodies(session: Session, ticket: Ticket) -> list[str]:
    session.expire_all()
    query = select(TicketMessage.body).where(
        TicketMessage.ticket_id == ticket.id, TicketMessage.kind == MessageKind.QUESTION
    )
    return list(session.scalars(query.order_by(TicketMessage.id)))


@pytest.mark.both
def test_it_shows_what_was_said_and_only_that(
    client: ConsoleClient, session: Session, agent: Actor, clock: Any
) -> None:
    ticket = make_ticket(language="sr_Latn", body="Prvo pitanje")
    note(agent, ticket, "Samo za nas, K-10001")
    reply(agent, ticket, "Javno rešenje: http://example.test/a?b=1&c=<d>")
    assert "Javno rešenje" not in client.get(path(ticket)).text  # may still be taken back
    taken = reply(agent, ticket, "Povučeno")
    with transaction():
        ticket_messages.take_back(agent, ticket.id, taken.id)
    clock.advance(TAKE_BACK)
    page = client.get(path(ticket))
    assert page.status_code == 200
    assert "Prvo pitanje" in page.text and "Javno rešenje" in page.text
    for hidden in ("Samo za nas", "Povučeno", "K-10001", agent.name, "/console/"):
        assert hidden not in page.text, hidden
    assert agent.name.split()[0] in page.text
    assert 'href="http://example.test/a?b=1&amp;c="' not in page.text and "&lt;d&gt;" in page.text
    assert page.headers["Referrer-Policy"] == "strict-origin"
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert page.headers["Cache-Control"] == "no-store"
    assert "'unsafe-inline'" not in page.headers["Content-Security-Policy"]


@only_sqlite
def test_the_language_is_the_mails_and_can_be_changed(client: ConsoleClient, session: Session) -> None:
    ticket = make_ticket(language="sr_Latn")
    assert 'lang="sr-Latn"' in client.get(path(ticket), headers={"Accept-Language": "en"}).text[:200]
    english = client.get(path(ticket) + "?lang=en").text
    assert 'lang="en"' in english[:200] and "lang=en" in re.search(r'action="([^"]+)"', english).group(1)
    assert 'lang="sr-Latn"' in client.get(path(ticket) + "?lang=<x>").text[:200]


@only_sqlite
def test_under_https_the_form_is_taken_with_the_referrer_that_the_page_allows(
    settings: Settings, make_app: Callable[[Settings], Flask], session: Session
) -> None:
    ticket, home = make_ticket(), "https://console.example.test"
    client = make_app(replace(settings, base_url=home)).test_client()
    page = client.get(path(ticket), base_url=home)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]
    referrers = {
        "no-referrer": {},
        "strict-origin": {"Referer": f"{home}/"},
        "same-origin": {"Referer": "with the key"},
    }
    headers = referrers[page.headers["Referrer-Policy"]]
    fields = {"csrf_token": token, **form("Odgovor pod ključem")}
    answer = client.post(path(ticket), data=fields, headers=headers, base_url=home)
    assert answer.status_code == 303, answer.text
    assert "Odgovor pod ključem" in client.get(path(ticket), base_url=home).text


@only_sqlite
def test_a_token_opens_its_ticket_alone(client: ConsoleClient, session: Session) -> None:
    ticket, other = make_ticket(subject="Moje"), make_ticket(subject="Tuđe")
    token = links.requester_token(ticket)
    head, _dot, signature = token.rpartition(".")
    forged = [
        token[:-2], token + "x", head, f"{head}.", f"{links.requester_token(other).rpartition('.')[0]}.{signature}",
        "x", "%00", "..%2f..%2fconsole", "a" * 5_000, token.swapcase(), f"{token}%0a",
    ]  # fmt: skip
    for bad in forged:
        answer = client.get(f"/t/{bad}")
        assert answer.status_code == 404, bad
        assert "Tuđe" not in answer.text and "Moje" not in answer.text
        assert client.submit(f"/t/{bad}", **form("x")).status_code == 404
    assert client.get_json(f"/t/{token[:-2]}").json["error"]["code"] == "not_found"
    with transaction():
        session.get_one(Ticket, ticket.id).link_version += 1
    gone = client.get(f"/t/{token}")
    assert gone.status_code == 404 and gone.headers["Referrer-Policy"] == "strict-origin"


@only_sqlite
def test_an_answer_opens_the_ticket_again_and_is_stored_once(
    client: ConsoleClient, session: Session, agent: Actor
) -> None:
    ticket = make_ticket()
    reply(agent, ticket, "Rešeno?", then=TicketStatus.SOLVED)
    for _time in range(3):
        answer = client.submit(path(ticket), **form("I dalje ne radi\r\n\r\nPozdrav"))
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith(path(ticket))
    assert bodies(session, ticket)[1:] == ["I dalje ne radi\n\nPozdrav"]
    assert session.get_one(Ticket, ticket.id).status is TicketStatus.OPEN
    assert "I dalje ne radi" in client.get(path(ticket)).text


@pytest.mark.both
def test_many_at_once_are_stored_once(
    new_client: Callable[[], ConsoleClient],
    session: Session,
    agent: Actor,
    in_threads: Callable[[Callable[[], None], int], None],
) -> None:
    ticket, closed = make_ticket(), make_ticket(subject="Zatvoreno")
    with transaction():
        properties.set_status(agent, [closed.id], TicketStatus.CLOSED)
    addresses, statuses = [path(ticket), path(closed)], []
    session.rollback()

    def send() -> None:
        client = new_client()
        for address in addresses:
            statuses.append(client.submit(address, **form("Jednom")).status_code)

    in_threads(send, 6)
    assert statuses == [303] * 12
    assert bodies(session, ticket).count("Jednom") == 1
    assert session.scalar(select(func.count()).where(TicketMessage.body == "Jednom")) == 2
    assert session.scalar(select(func.count(Ticket.id)).where(Ticket.subject == "Zatvoreno")) == 2


@only_sqlite
def test_the_form_can_name_nothing_of_the_desks(client: ConsoleClient, session: Session, agent: Actor) -> None:
    ticket = make_ticket()
    with transaction():
        ticket_messages.note(agent, ticket.id, Writing("Tajna beleška", client_id="b" * 24))
    assert client.submit(path(ticket), **form("Moje reči", "b" * 24)).status_code == 303
    assert bodies(session, ticket)[-1] == "Moje reči"


@only_sqlite
def test_what_looks_like_a_pin_is_asked_about_before_it_is_stored(client: ConsoleClient, session: Session) -> None:
    ticket = make_ticket()
    response = client.submit(path(ticket), **form("Moj PIN je 482 913, a iznos 1.250,00"))
    assert response.status_code == 422 and "Moj PIN je 482 913, a iznos 1.250,00</textarea>" in response.text
    assert 'name="mask" value="1"' in response.text and 'name="not_pin"' not in response.text  # it follows the word
    assert len(bodies(session, ticket)) == 1
    assert client.submit(path(ticket), **form("Moj PIN je 482 913, a iznos 1.250,00", mask="1")).status_code == 303
    page = client.get(path(ticket))
    assert bodies(session, ticket)[-1] == "Moj PIN je ••••••, a iznos 1.250,00"
    assert "482" not in page.text and "post-note" in page.text

    order = form("Porudžbine 739164 i 120000", "b" * 24)
    response = client.submit(path(ticket), **order)
    assert 'name="not_pin" value="739164"' in response.text
    response = client.submit(path(ticket), **order, not_pin="739164")
    assert 'type="hidden" name="not_pin" value="739164"' in response.text and 'value="120000"' in response.text
    assert client.submit(path(ticket), **order, not_pin=["739164", "120000"]).status_code == 303
    assert bodies(session, ticket)[-1] == "Porudžbine 739164 i 120000"
    error = client.submit(path(ticket), json=True, **form("Evo 739164", "c" * 24)).get_json()["error"]
    assert (error["code"], error["tokens"], error["only_mask"]) == ("pin_like", ["739164"], False)
    # They may mask it afterwards, and nobody else's words.
    mine = session.scalars(select(TicketMessage.id).order_by(TicketMessage.id.desc())).first()
    assert f'name="message" value="{mine}"' in client.get(path(ticket)).text
    for link, key, status in ((make_ticket(), mine, 404), (ticket, 2**63, 422), (ticket, "x", 422)):
        assert client.submit(f"{path(link)}/mask", json=True, message=key).status_code == status
    assert client.submit(f"{path(ticket)}/mask", json=True, message=mine, token="739164").status_code == 200
    assert bodies(session, ticket)[-1] == "Porudžbine •••••• i 120000"
    assert client.submit(path(ticket), **order, not_pin=["739164", "120000"]).status_code == 303
    assert len(bodies(session, ticket)) == 3, "sent again, it is what it was"


@only_sqlite
def test_while_a_link_to_verify_waits_it_can_only_be_masked(
    client: ConsoleClient, session: Session, agent: Actor
) -> None:
    ticket = make_ticket()
    with transaction():
        cards.ask(agent, ticket_verification.channel(ticket))
    answer = client.submit(path(ticket), json=True, **form("Evo 739164", not_pin="739164"))
    assert answer.get_json()["error"]["only_mask"]
    assert client.submit(path(ticket), **form("Evo 739164", mask="1")).status_code == 303
    assert bodies(session, ticket)[-1] == "Evo ••••••"


@only_sqlite
def test_one_id_with_another_text_is_a_conflict_and_the_text_stays(client: ConsoleClient, session: Session) -> None:
    ticket = make_ticket()
    one = [(BytesIO(PNG), "a.png")]
    assert client.submit(path(ticket), **form("Prva verzija", files=one)).status_code == 303
    one = [(BytesIO(PNG), "a.png")]
    assert client.submit(path(ticket), **form("Prva verzija ", files=one)).status_code == 303
    for other in (form("Druga verzija"), form("Prva verzija"), form("Prva verzija", files=[(BytesIO(b"b"), "b.txt")])):
        answer = client.submit(path(ticket), **other)
        assert answer.status_code == 409 and f"{other['body']}</textarea>" in answer.text
        assert 'value="' + "a" * 24 not in answer.text, "sent from there, it is another message"
    assert client.submit(path(ticket), json=True, **form("Druga")).get_json()["error"]["code"] == "conflict"
    assert bodies(session, ticket)[1:] == ["Prva verzija"]


@only_sqlite
def test_a_question_without_a_chat_is_one_ticket(client: ConsoleClient, session: Session) -> None:
    fields = {
        "name": "Vera 739164",
        "email": "vera@example.test",
        "question": "Porudžbina 739164",
        "client_id": "x" * 20,
    }
    response = client.post("/chat/ask", data=fields)
    assert response.status_code == 422 and "Porudžbina 739164</textarea>" in response.text
    assert 'name="not_pin" value="739164"' in response.text and f'value="{"x" * 20}"' in response.text
    json = {"Accept": "application/json"}
    first = client.post("/chat/ask", data=fields | {"not_pin": "739164"}, headers=json).get_json()
    assert client.post("/chat/ask", data=fields | {"not_pin": "739164"}, headers=json).get_json() == first
    for wrong in ({"question": " "}, {"email": settings().mail_from}):
        refused = client.post(
            "/chat/ask", data=fields | {"question": "Pitanje", "client_id": "y" * 20} | wrong, headers=json
        )
        assert set(refused.get_json()["error"]["fields"]) == set(wrong)
    other = client.post("/chat/ask", data=fields | {"question": "Nešto drugo"}, headers=json)
    assert (other.status_code, other.get_json()["error"]["code"]) == (409, "conflict")
    ticket = session.scalars(select(Ticket)).one()
    assert (ticket.number, ticket.requester_name, ticket.subject) == (
        first["ticket"],
        "Vera ••••••",
        "Porudžbina 739164",
    )
    assert "739164" not in str(session.scalars(select(AuditEntry.actor_name)).all())


@only_sqlite
def test_a_closed_one_goes_on_as_another(client: ConsoleClient, session: Session, agent: Actor) -> None:
    ticket = make_ticket(subject="Staro")
    with transaction():
        properties.set_status(agent, [ticket.id], TicketStatus.CLOSED)
    files = [(BytesIO(PNG), "slika.png")]
    answer = client.submit(path(ticket), **form("Opet PIN 482913", "c" * 24, files=files, mask="1"))
    assert answer.status_code == 303
    new = session.scalars(select(Ticket).order_by(Ticket.id.desc())).first()
    assert new is not None and new.id != ticket.id
    assert answer.headers["Location"].startswith(path(new))
    assert bodies(session, new) == ["Opet PIN ••••••"]
    assert session.scalars(select(TicketAttachment.ticket_id)).all() == [new.id]
    page = client.get(path(new)).text
    assert new.number in page and "slika.png" in page
    assert path(new) in client.get(path(ticket)).text  # the old page leads there
    client.submit(path(ticket), **form("Još nešto", "d" * 24))
    assert bodies(session, new)[-1] == "Još nešto"
    assert session.scalar(select(func.count(Ticket.id))) == 2


@only_sqlite
def test_what_is_wrong_is_said_and_the_text_stays(client: ConsoleClient, session: Session) -> None:
    ticket = make_ticket()
    tries: list[tuple[dict[str, Any], int]] = [
        (form("  \n "), 422),
        (form("x" * 50_001), 422),
        (form("Čuvaj me", "kratko"), 422),
        (form("Čuvaj me", files=[(BytesIO(b"MZ" + b"0" * 20), "x.exe")]), 422),
        (form("Čuvaj me", files=[(BytesIO(b"<svg/>"), "x.png")]), 422),
        (form("Čuvaj me", files=[(BytesIO(b""), "prazno.txt")]), 422),
        (form("Čuvaj me", files=[(BytesIO(b"1"), f"{n}.txt") for n in range(11)]), 422),
        (form("NUL \0 unutra"), 422),
    ]
    for fields, status in tries:
        answer = client.submit(path(ticket), **fields)
        assert answer.status_code == status, fields
        if "Čuvaj" in fields["body"]:
            assert "Čuvaj me" in answer.text
    assert len(bodies(session, ticket)) == 1
    assert session.scalar(select(func.count(TicketAttachment.id))) == 0
    assert client.post(path(ticket), data=form("bez žetona")).status_code == 400


@only_sqlite
def test_too_many_are_told_when_to_go_on(
    client: ConsoleClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requester, "BY_LINK", replace(requester.BY_LINK, amount=3))
    ticket = make_ticket()
    for number in range(3):
        assert client.submit(path(ticket), **form(f"Poruka {number}", f"{number:024}")).status_code == 303
    answer = client.submit(path(ticket), **form("Ova čeka", "z" * 24))
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "Ova čeka" in answer.text and "z" * 24 in answer.text
    assert client.submit(path(make_ticket()), **form("Drugi")).status_code == 303


@only_sqlite
def test_files_come_as_downloads_and_only_those_of_the_link(
    client: ConsoleClient, session: Session, agent: Actor, clock: Any
) -> None:
    ticket, other = make_ticket(), make_ticket()
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    names = ['<b>"š\u202egnp.svg', "a.html", "ok.png"]
    contents = [svg, b"<script>alert(1)</script>", PNG + b"<script>"]
    with transaction():
        mine = [attach(agent, ticket, name, content).id for name, content in zip(names, contents, strict=True)]
        inner = attach(agent, ticket, "interno.txt", b"tajna").id
        theirs = attach(agent, other, "tudje.txt", b"tajna").id
        unsent = attach(agent, ticket, "neposlato.txt", b"tajna").id
    reply(agent, ticket, "Evo", attachments=tuple(mine))
    with transaction():
        ticket_messages.note(agent, ticket.id, Writing("Interno", client_id="n", attachments=(inner,)))
    reply(agent, other, "Tuđe", attachments=(theirs,))
    assert client.get(f"{path(ticket)}/files/{mine[0]}").status_code == 404  # the reply may still be taken back
    clock.advance(TAKE_BACK)
    page = client.get(path(ticket)).text
    assert "<b>" not in re.sub(r"<b>[^<]*</b>", "", page)
    for key, content in zip(mine, contents, strict=True):
        assert f"{path(ticket)}/files/{key}" in page
        got = client.get(f"{path(ticket)}/files/{key}")
        assert got.status_code == 200 and got.data == content
        assert got.headers["Content-Disposition"].startswith("attachment;")
        assert got.headers["Content-Type"].startswith("application/octet-stream")
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in got.headers["Content-Security-Policy"]
        assert got.headers["Cache-Control"] == "no-store"
        assert not re.search(r"[\r\n<>]|\u202e", got.headers["Content-Disposition"])
    for key in (inner, theirs, unsent, 999_999):
        assert client.get(f"{path(ticket)}/files/{key}").status_code == 404, key
    assert client.get(f"{path(ticket)}/files/-1").status_code == 404
    assert client.get(f"{path(ticket)}/files/1e3").status_code == 404


@only_sqlite
def test_nothing_typed_runs(client: ConsoleClient, session: Session, agent: Actor, clock: Any) -> None:
    ticket = make_ticket(subject=EVIL, body=EVIL, requester_name=EVIL[:100])
    reply(agent, ticket, f'{EVIL} javascript:alert(1) http://a.test/"onmouseover=alert(1)//')
    clock.advance(TAKE_BACK)
    client.submit(path(ticket), **form(EVIL, files=[(BytesIO(PNG), "<img src=x onerror=alert(1)>.png")]))
    page = client.get(path(ticket)).text
    assert "<script>alert" not in page and "<img" not in page
    assert 'href="javascript' not in page and '"onmouseover' not in page
    assert client.submit(path(ticket), **form(EVIL, EVIL)).text.count("<script>alert") == 0


def test_a_merged_one_shows_the_other_only_to_the_same_address(
    client: ConsoleClient, session: Session, agent: Actor, clock: Any
) -> None:
    target = make_ticket(subject="Glavno", body="Glavno pitanje", requester_email="ana@example.test")
    same = make_ticket(subject="Isto", body="Isto pitanje", requester_email="ana@example.test")
    other = make_ticket(subject="Drugo", body="Drugo pitanje", requester_email="zoran@example.test")
    reply(agent, target, "Pre spajanja")
    with transaction():
        merging.merge(agent, [same.id, other.id], target.id, different_requesters=True)
    reply(agent, target, "Odgovor za oboje")
    clock.advance(TAKE_BACK)
    for ticket in (target, same):
        page = client.get(path(ticket)).text
        assert "Glavno pitanje" in page and "Isto pitanje" in page and "Odgovor za oboje" in page
        assert "Drugo pitanje" not in page and "zoran" not in page
    page = client.get(path(other)).text
    assert "Drugo pitanje" in page and "Odgovor za oboje" in page
    for hidden in ("Glavno", "Isto pitanje", "Pre spajanja", target.number, "ana@"):
        assert hidden not in page, hidden
    assert client.submit(f"{path(other)}/solved").status_code == 404
    assert session.get_one(Ticket, target.id).status is TicketStatus.OPEN
    client.submit(path(other), **form("Samo moje", "e" * 24))
    client.submit(path(same), **form("Moje u glavnom", "f" * 24))
    page = client.get(path(target)).text
    assert "Moje u glavnom" in page and "Samo moje" not in page
    new = session.scalars(select(Ticket).order_by(Ticket.id.desc()).limit(1)).one()
    assert new.requester_email == "zoran@example.test" and bodies(session, new) == ["Samo moje"]
    assert "Samo moje" in client.get(path(new)).text


@only_sqlite
def test_the_requester_says_that_it_is_solved(
    client: ConsoleClient, session: Session, agent: Actor, clock: Any
) -> None:
    ticket = make_ticket()
    button = r'<button[^>]*form="solved"'
    for _time in range(2):  # before any answer, and while the first one may still be taken back
        assert not re.findall(button, client.get(path(ticket)).text)
        assert client.submit(f"{path(ticket)}/solved", json=True).json["error"]["code"] == "unanswered"
        reply(agent, ticket, f"Gledamo {_time}")
    clock.advance(TAKE_BACK)
    assert re.findall(button, client.get(path(ticket)).text)
    mails = session.scalar(select(func.count(Mail.id)))
    for _time in range(2):
        assert client.submit(f"{path(ticket)}/solved").status_code == 303
    session.expire_all()
    assert session.get_one(Ticket, ticket.id).status is TicketStatus.SOLVED
    events = select(func.count()).where(TicketMessage.ticket_id == ticket.id, TicketMessage.event == "status")
    assert session.scalar(events) == 1
    assert session.scalar(select(func.count(Mail.id))) == mails  # who says so need not be told
    assert "/solved" not in re.findall(r'<button[^>]*form="solved"', client.get(path(ticket)).text)


@only_sqlite
def test_a_long_talk_costs_no_more(
    app: Flask, client: ConsoleClient, session: Session, agent: Actor, clock: Any
) -> None:
    short, long = make_ticket(), make_ticket()
    for number in range(6):
        reply(agent, long, f"Odgovor {number}")
    clock.advance(timedelta(minutes=1))
    counts = []
    for ticket in (short, long):
        address = path(ticket)
        client.get(address)  # the first time it is noted that the mail arrived
        with count_queries(app) as sent:
            assert client.get(address).status_code == 200
        counts.append(sent.count)
    assert counts[0] == counts[1] <= 7


@only_sqlite
def test_no_token_stands_in_the_log(
    client: ConsoleClient, session: Session, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    ticket = make_ticket()
    token = links.requester_token(ticket)
    with caplog.at_level(logging.DEBUG):
        client.get(f"/t/{token}")
        client.submit(f"/t/{token}", **form("x"))
        client.get(f"/t/{token}/files/1")
    logged = "\n".join(entry.getMessage() + str(entry.__dict__) for entry in caplog.records)
    assert "/t/<secret:token>" in logged
    assert token not in logged + "".join(capfd.readouterr())


@only_sqlite
def test_no_token_stands_in_the_log_of_a_failure(
    client: ConsoleClient, session: Session, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = make_ticket()
    token = links.requester_token(ticket)

    def fail(*_args: Any) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr("console.tickets.service.requester.conversation", fail)
    assert client.get(f"/t/{token}").status_code == 500
    logged = "\n".join(entry.getMessage() + str(entry.__dict__) for entry in caplog.records)
    assert "on purpose" in logged and token not in logged
