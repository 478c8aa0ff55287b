"""The chat desk over HTTP: who opens it, what its side column opens, canned replies, files, checks by word of mouth."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from markupsafe import escape
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.chat import serializers
from console.chat.models import Chat, ChatMessage, MessageKind
from console.chat.service import assignment
from console.chat.service import verification as chat_verification
from console.core.actor import SYSTEM, Actor
from console.core.transaction import transaction
from console.customers.models import Membership, VerificationKind
from console.customers.verification import cards
from console.customers.verification import service as verifications
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.canned import service
from tests import factories
from tests.chat.past import make_past, verify_in, write
from tests.factories.chat import ask, monday, take
from tests.factories.tickets import make_department, make_ticket
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries

StaffOf = Callable[[Role | str], Staff]
NewClient = Callable[[], ConsoleClient]


@pytest.fixture(autouse=True)
def _office_hours(session: Session, clock: Any) -> None:
    clock.set(monday(11))


@pytest.fixture
def agent(client: ConsoleClient, staff_of: StaffOf) -> Staff:
    return sign_in(client, staff=staff_of(Role.AGENT))


@pytest.fixture
def chat(agent: Staff) -> Chat:
    return take(agent.actor(), ask("Ne stižu mi poruke."))


def url(chat: Chat, path: str = "") -> str:
    return f"/console/desk/{chat.number}{path}"


def side(client: ConsoleClient, chat: Chat) -> str:
    answer = client.get(url(chat, "/side"))
    assert answer.status_code == 200, answer.text
    return answer.text


def events(session: Session, chat: Chat) -> list[str]:
    session.rollback()
    query = select(ChatMessage).where(ChatMessage.chat_id == chat.id, ChatMessage.kind == MessageKind.EVENT)
    return [one.data["event"] for one in session.scalars(query.order_by(ChatMessage.seq))]


def say_pin(client: ConsoleClient, chat: Chat, member: Membership, pin: str | None = None) -> Any:
    fields = {"email": member.person.email, "pin": pin or factories.pin_of(member), "channel": f"chat:{chat.number}"}
    return client.submit("/console/verify/", json=True, **fields)


@pytest.mark.both
def test_the_page_opens_at_a_chat_and_counts_who_waits(
    client: ConsoleClient, app: Flask, agent: Staff, staff_of: StaffOf, new_client: NewClient
) -> None:
    waiting = ask()
    page = client.get(url(waiting)).text
    assert f'data-opened="{waiting.number}"' in page and 'data-pane="chat"' in page
    assert 'data-go="l"' in page and ">1</span>" in page.partition('data-go="l"')[2].partition("</a>")[0]
    assert "data-leads" not in page and 'id="d-block"' not in page
    assert client.get_json("/console/desk/").get_json()["items"] == [{"chat": waiting.number, "status": "queued"}]
    assert client.get("/console/desk/C-99999").status_code == 404
    with count_queries(app) as one:
        client.get("/console/desk/")
    for _ in range(3):
        ask()
    with count_queries(app) as many:
        client.get("/console/desk/")
    assert len(many) == len(one), "the page costs the same for any number of chats"

    boss = new_client()
    sign_in(boss, staff=staff_of(Role.SUPERVISOR))
    page = boss.get("/console/desk/").text
    assert "data-leads" in page and 'id="d-block"' in page


def test_nothing_is_opened_before_the_chat_is_verified(
    client: ConsoleClient, agent: Staff, chat: Chat, new_client: NewClient
) -> None:
    subject = factories.ana()
    make_ticket(SYSTEM, subject="Raniji tiket", customer_id=subject.customer.id)
    secrets = [
        subject.customer.number,
        subject.owner.person.email,
        str(escape(subject.services[0].label)),
        subject.proformas[0].number,
        "Raniji tiket",
    ]
    # Verified by phone, the account is open on its own page; of who writes here that says nothing.
    factories.make_verification(agent, subject.owner)
    assert [secret for secret in secrets if secret in side(client, chat)] == []
    # Nor does a supervisor's override, or a colleague's verification in this very chat.
    factories.make_verification(
        agent, subject.owner, kind=VerificationKind.OVERRIDE, channel=chat_verification.channel(chat)
    )
    colleague = factories.make_staff(Role.AGENT)
    factories.make_verification(colleague, subject.owner, channel=chat_verification.channel(chat))
    assert [secret for secret in secrets if secret in side(client, chat)] == []

    verify_in(agent.actor(), chat, subject.owner)
    opened = side(client, chat)
    assert [secret for secret in secrets if secret not in opened] == []
    assert f"customer={subject.customer.number}" in opened and "/console/migrations/new?" in opened

    # A colleague who looks on, billing and supervisors too, see that it was verified, and nothing of what that opens.
    for role in (Role.AGENT, Role.BILLING, Role.SUPERVISOR):
        reader = new_client()
        sign_in(reader, staff=factories.make_staff(role))
        assert [secret for secret in secrets if secret in side(reader, chat)] == []

    # Passed on, the verification has ended for everybody.
    with transaction():
        assignment.hand_over(agent.actor(), chat.number, colleague.id, None, "")
    assert [secret for secret in secrets if secret in side(client, chat)] == []


def test_a_verification_opens_what_the_person_may(client: ConsoleClient, agent: Staff, chat: Chat) -> None:
    subject = factories.firma()
    assert subject.bookkeeper is not None and subject.user is not None
    lines = [factories.LineSpec(subject.services[0], 120_000)]
    proforma = factories.make_proforma(subject.customer, lines, issued_days_ago=30, paid=40_000)
    verify_in(agent.actor(), chat, subject.bookkeeper)
    opened = side(client, chat)
    assert "1.040,00" in opened and "delimično plaćen, kasni" in opened, "what is still owed, and both states"
    assert proforma.number in opened and subject.services[0].label not in opened
    assert "/console/migrations/new?" not in opened
    with transaction():
        verifications.end(agent.actor(), chat_verification.live_for(agent.actor(), chat).id)
    verify_in(agent.actor(), chat, subject.user)
    opened = side(client, chat)
    assert proforma.number not in opened and subject.services[0].label in opened


@pytest.mark.only("sqlite")
def test_the_badge_stands_with_the_verified_name(
    client: ConsoleClient, agent: Staff, clock: Any, new_client: NewClient
) -> None:
    """Whoever wrote one name and is verified under another is shown under both, wherever the badge is."""
    chat = take(agent.actor(), ask("Ne stižu mi poruke.", name="Marko Marković"))
    subject = factories.ana()
    person = subject.owner.person.name
    assert serializers.chat_row(chat)["verified_name"] is None
    verify_in(agent.actor(), chat, subject.owner)
    both = {"name": "Marko Marković", "verified": True, "verified_name": person, "wrote_as": "Marko Marković"}
    for shape in (serializers.chat_row(chat), serializers.chat_whole(chat)):
        assert {key: shape[key] for key in both} == both
    assert "Ime navedeno u razgovoru: Marko Marković." in side(client, chat)
    colleague = new_client()
    sign_in(colleague, staff=factories.make_staff(Role.AGENT))
    assert person in side(colleague, chat).partition("h-who")[2].partition("</section>")[0]
    for page in ("/console/chats/?status=active", f"/console/chats/{chat.number}"):
        html = client.get(page).text
        assert f"<bdi>{person}</bdi>" in html and "pisao kao Marko Marković" in html, page
    with transaction() as session:
        session.get_one(Chat, chat.id).name = " ".join(reversed(person.upper().split()))
    assert serializers.chat_row(chat)["wrote_as"] is None, "the same name, spelled otherwise"
    clock.advance(timedelta(hours=2))
    over = serializers.chat_row(chat)
    assert (over["verified"], over["verified_name"], over["wrote_as"]) == (False, None, None)


@pytest.mark.both
def test_earlier_chats_are_the_account_s(client: ConsoleClient, agent: Staff, chat: Chat) -> None:
    subject = factories.ana()
    earlier = take(agent.actor(), ask("Ranije pitanje o prenosu"))
    verify_in(agent.actor(), earlier, subject.owner)
    stranger = make_past(agent.actor(), "Tuđe pitanje", email=chat.email)
    assert earlier.number not in side(client, chat)
    verify_in(agent.actor(), chat, subject.owner)
    opened = side(client, chat)
    assert f'data-open-chat="{earlier.number}"' in opened and "Ranije pitanje o prenosu" in opened
    assert stranger.number not in opened, "the address they gave proves nothing"


def test_what_somebody_dictates_is_told_in_the_chat(
    client: ConsoleClient, session: Session, agent: Staff, chat: Chat, new_client: NewClient
) -> None:
    subject = factories.ana()
    assert say_pin(client, chat, subject.owner, "000000").get_json() == {"verified": False}
    made = say_pin(client, chat, subject.owner).get_json()["verification"]
    assert made["customer"] == subject.customer.number
    session.rollback()
    assert session.get_one(Chat, chat.id).verified_until is not None
    assert client.submit(f"/console/verify/{made['id']}/end", json=True).get_json()["ended"]
    assert events(session, chat) == ["claimed", "verification_failed", "verified", "verification_ended"]
    assert session.get_one(Chat, chat.id).verified_until is None

    colleague = new_client()
    sign_in(colleague, staff=factories.make_staff(Role.AGENT))
    refused = say_pin(colleague, chat, subject.owner)
    assert refused.status_code == 409 and refused.get_json()["error"]["code"] == "not_yours"
    assert subject.customer.number not in side(colleague, chat)


def test_canned_replies_about_an_account_stay_shut(client: ConsoleClient, agent: Staff, chat: Chat) -> None:
    with transaction():
        shelf = service.save_category(SYSTEM, None, name_sr="Razno", name_en="Various")
        open_text = "Dobar dan, {requester_name}. Ovde {agent_name}, broj {ticket_number}."
        service.add_reply(SYSTEM, service.ReplyData(shelf.id, "pozdrav", "Pozdrav", "Hello", open_text, "Hello"))
        shut = service.ReplyData(shelf.id, "stanje", "Stanje", "State", "Predračuni su", "Due", verified_only=True)
        service.add_reply(SYSTEM, shut)

    def offered() -> dict[str, dict[str, Any]]:
        items = client.get_json(url(chat, "/replies")).get_json()["items"]
        return {item["shortcut"]: item for item in items}

    before = offered()
    assert before["stanje"]["locked"] and before["stanje"]["body"] is None and before["stanje"]["locked_reason"]
    greeting = before["pozdrav"]["body"]
    assert chat.name in greeting and chat.number in greeting and agent.name.split()[0] in greeting
    assert client.get_json(url(chat, "/replies?q=stan")).get_json()["items"][0]["shortcut"] == "stanje"
    verify_in(agent.actor(), chat, factories.ana().owner)
    assert offered()["stanje"]["body"] == "Predračuni su"


def test_files_are_checked_and_nobody_else_s(
    client: ConsoleClient, agent: Staff, chat: Chat, new_client: NewClient
) -> None:
    def upload(name: str, content: bytes) -> Any:
        return client.submit(url(chat, "/files"), json=True, file=(BytesIO(content), name))

    assert upload("virus.exe", b"MZ").status_code == 422
    assert client.submit(url(chat, "/files"), json=True).status_code == 422
    file = upload("uputstvo.txt", b"korak po korak").get_json()["file"]
    mine = client.get(url(chat, f"/files/{file['id']}"))
    assert mine.data == b"korak po korak" and mine.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in mine.headers["Content-Security-Policy"]

    colleague = new_client()
    sign_in(colleague, staff=factories.make_staff(Role.AGENT))
    assert colleague.get(url(chat, f"/files/{file['id']}")).status_code == 404, "not sent yet: its uploader's alone"
    other = ask()
    assert client.get(url(other, f"/files/{file['id']}")).status_code == 404, "of another chat"


def test_a_private_department_s_chat_is_not_there(client: ConsoleClient, session: Session, agent: Staff) -> None:
    hidden = ask()
    write(hidden, "poverljivo")
    with transaction():
        session.get_one(Chat, hidden.id).department_id = make_department(private=True).id
    for path in ("", "/side", "/replies", "/files/1"):
        assert client.get(url(hidden, path)).status_code == 404
    assert client.submit(url(hidden, "/files"), json=True, file=(BytesIO(b"a"), "a.txt")).status_code == 404
    assert hidden.number not in str(client.get_json("/console/desk/").get_json())


def test_a_card_can_be_taken_back(client: ConsoleClient, session: Session, agent: Staff, chat: Chat) -> None:
    actor: Actor = agent.actor()
    with transaction():
        cards.ask(actor, chat_verification.channel(chat))
    assert 'data-do="withdraw"' in side(client, chat)
    with transaction():
        cards.withdraw(actor, chat_verification.channel(chat))
    with transaction():
        cards.withdraw(actor, chat_verification.channel(chat))  # nothing is open any more, and nothing is told
    assert chat_verification.open_card(chat) is None and 'data-do="ask"' in side(client, chat)
    assert events(session, chat) == ["claimed", "verification_asked", "verification_withdrawn"]
