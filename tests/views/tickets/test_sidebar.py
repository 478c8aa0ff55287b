"""Beside a ticket: facts in their place, merging and splitting by form, who was verified and what that opens."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from markupsafe import escape
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core import clock as core_clock
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.transaction import transaction
from console.customers.models import MemberRole, Verification, VerificationCard
from console.customers.rights import Right
from console.mail.models import Mail
from console.mail.reading import whole
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.links import requester_token
from console.tickets.models import LinkKind, Priority, Ticket, TicketLink, TicketMessage, TicketStatus, TicketWatcher
from console.tickets.reviews.models import Review, ReviewReason, ReviewState, TicketRating
from console.tickets.service import linking, merging, messages, properties, requester
from tests import factories
from tests.factories.tickets import any_department, make_department, make_ticket
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries

StaffOf = Callable[[Role | str], Staff]
NewClient = Callable[[], ConsoleClient]
ANA = "ana.petrovic@example.test"
TRICK = '<img src=x onerror="alert(1)">'
only_sqlite = pytest.mark.only("sqlite")


@pytest.fixture
def agent(client: ConsoleClient, staff_of: StaffOf) -> Staff:
    return sign_in(client, staff=staff_of("agent"))


@pytest.fixture
def ticket(agent: Staff) -> Ticket:
    return make_ticket(SYSTEM, requester_email=ANA, requester_name="Ana Petrović")


def url(ticket: Ticket, path: str = "") -> str:
    return f"/console/tickets/{ticket.number}{path}"


def send(client: ConsoleClient, ticket: Ticket, verb: str, **fields: Any) -> Any:
    return client.submit(url(ticket, f"/{verb}"), json=True, **fields)


def undo(client: ConsoleClient, answer: Any) -> Any:
    payload = answer.get_json()["undo"]
    return client.submit(payload["url"], json=True, **payload["fields"])


def side(client: ConsoleClient, ticket: Ticket) -> str:
    """Return the column as it is now."""
    answer = client.get(url(ticket, "/side"))
    assert answer.status_code == 200, answer.text
    return answer.text


# --- Facts ------------------------------------------------------------------------------------------------------------


@pytest.mark.both
def test_each_property_is_set_confirmed_and_undone(
    client: ConsoleClient, session: Session, agent: Staff, ticket: Ticket, staff_of: StaffOf
) -> None:
    other, customer = make_department("Prodaja"), factories.make_customer()
    expected = {
        "department": str(other.id),
        "priority": "4",
        "assignee": str(staff_of("supervisor").id),
        "status": "hold",
        "tags": "hitno, dns",
        "subject": "Nov naslov",
        "customer": customer.number,
        "language": "en",
    }
    for fact, value in expected.items():
        previous = re.search(r'name="had" value="([^"]*)"', client.get(url(ticket, f"/facts?part={fact}")).text)
        assert previous is not None, fact
        done = send(client, ticket, f"set/{fact}", value=value, had=previous[1].replace("&#34;", '"'))
        assert done.status_code == 200, (fact, done.text)
        assert done.get_json()["message"]
        again = send(client, ticket, f"set/{fact}", value=value)
        assert "undo" not in again.get_json(), "nothing was changed"
        stale = send(client, ticket, f"set/{fact}", value=value, had="something else")
        assert stale.status_code == 409 and stale.get_json()["error"]["code"] == "changed"
        assert undo(client, done).status_code == 200, fact
        assert undo(client, done).status_code == 409, "what was put back is not put back again"
    session.expire_all()
    assert (ticket.priority, ticket.status, ticket.tags) == (Priority.NORMAL, TicketStatus.OPEN, [])
    assert (ticket.assignee_id, ticket.customer_id) == (None, None)


BAD: tuple[tuple[str, str], ...] = (
    ("department", "0"), ("department", "x"), ("department", "99999999"), ("department", "1,2"),
    ("priority", "9"), ("priority", "high"), ("priority", ""), ("priority", "2 "),
    ("assignee", "99999999"), ("assignee", "x"), ("assignee", ""), ("assignee", "-1"),
    ("status", "gone"), ("status", ""), ("status", "OPEN"),
    ("tags", "x" * 41), ("tags", ",".join(map(str, range(21)))),
    ("subject", ""), ("subject", " \n "), ("subject", "x" * 201),
    ("customer", "K-1"), ("customer", "ana"), ("customer", "K-99999999999"), ("customer", "/1"),
    ("language", "de"), ("language", ""),
)  # fmt: skip


@only_sqlite
def test_bad_values_are_refused_in_words_and_stay_in_the_form(
    client: ConsoleClient, session: Session, ticket: Ticket
) -> None:
    before = ticket.last_seq
    for fact, value in BAD:
        refused = send(client, ticket, f"set/{fact}", value=value)
        assert refused.status_code == 422 and refused.get_json()["error"].get("fields"), (fact, value, refused.text)
        page = client.submit(url(ticket, f"/set/{fact}"), value=value)
        assert page.status_code == 422 and 'role="alert"' in page.text and "<h1>" in page.text, (fact, value)
        if fact in ("tags", "customer", "subject") and value.strip():
            assert str(escape(value.partition("/")[0])) in page.text, "what was typed is kept"
    session.expire_all()
    assert ticket.last_seq == before


@only_sqlite
def test_a_number_like_a_pin_is_asked_about_in_a_subject_and_refused_in_a_tag(
    client: ConsoleClient, session: Session, ticket: Ticket
) -> None:
    old, new = ticket.subject, "porudžbina 482913"
    response = send(client, ticket, "set/subject", value=new)
    assert response.status_code == 422 and response.get_json()["error"]["code"] == "pin_like"
    page = client.submit(url(ticket, "/set/subject"), value=new)
    assert 'name="not_pin" value="482913"' in page.text and f'value="{new}"' in page.text
    payload = send(client, ticket, "set/subject", value=new, not_pin="482913").get_json()
    session.expire_all()
    assert ticket.subject == new
    again = send(client, ticket, "set/subject", value=old).get_json()["undo"]["fields"]  # it puts the number back
    assert send(client, ticket, "set/subject", **again).status_code == 200
    send(client, ticket, "set/subject", **payload["undo"]["fields"])
    assert send(client, ticket, "set/subject", value=new, mask="1").status_code == 200
    session.expire_all()
    assert ticket.subject == "porudžbina ••••••"
    question = session.query(TicketMessage).filter_by(ticket_id=ticket.id).first()
    assert question is not None
    split = send(client, ticket, "split", messages=str(question.id), subject=new)
    assert split.get_json()["error"]["code"] == "pin_like"
    for tag in ("pin 123456", "654321", "654-321"):
        assert set(send(client, ticket, "set/tags", value=tag).get_json()["error"]["fields"]) == {"tags"}, tag


@only_sqlite
def test_strange_facts_and_fields(client: ConsoleClient, ticket: Ticket) -> None:
    for fact in ("id", "link_version", "requester_email", "merged_into_id"):
        assert send(client, ticket, f"set/{fact}", value="1").status_code == 404
        assert client.get(url(ticket, f"/facts?part={fact}")).status_code == 404
    assert send(client, ticket, "set/priority").status_code == 422
    assert client.post(url(ticket, "/set/priority"), data={"value": "4"}).status_code == 400, "without a token"
    assert client.get(url(ticket, "/set/priority")).status_code == 405


@only_sqlite
def test_the_first_who_takes_it_has_it(
    client: ConsoleClient, new_client: NewClient, session: Session, ticket: Ticket, staff_of: StaffOf
) -> None:
    second = new_client()
    supervisor = sign_in(second, staff=staff_of("supervisor"))
    for one in (client, second):
        assert 'name="had" value="none"' in one.get(url(ticket)).text
    assert second.submit(url(ticket, "/set/assignee"), value="me", had="none").status_code == 303
    late = client.submit(url(ticket, "/set/assignee"), value="me", had="none", headers={"Accept-Language": "en"})
    assert late.status_code == 409 and str(escape(supervisor.name)) in late.text and "Nothing was changed" in late.text
    session.expire_all()
    assert ticket.assignee_id == supervisor.id
    send(client, ticket, "assign")  # without what it was shown with, it is taken over
    session.expire_all()
    assert ticket.assignee_id == staff_of("agent").id


@only_sqlite
def test_into_a_closed_department_leads_to_the_list(client: ConsoleClient, ticket: Ticket, staff_of: StaffOf) -> None:
    shut = make_department(private=True, members=(staff_of("billing"),))
    moved = send(client, ticket, "set/department", value=shut.id)
    assert moved.status_code == 200 and moved.get_json()["url"] == "/console/tickets/"
    for path in ("", "/side", "/facts", "/give", "/merge", "/split", "/link", "/forward", "/void", "/opened/services"):
        assert client.get(url(ticket, path)).status_code == 404, path
    for verb in ("set/priority", "merge", "split", "link", "unlink", "void", "part", "watch", "unwatch",
                 "ask-verification", "withdraw-verification"):  # fmt: skip
        assert send(client, ticket, verb, value="4", other="T-20001", reason="Razlog je").status_code == 404, verb


@only_sqlite
def test_who_may_take_it_is_offered(client: ConsoleClient, session: Session, staff_of: StaffOf, agent: Staff) -> None:
    outsider = factories.make_staff(Role.BILLING, name="Bez Uvida")
    gone = factories.make_staff(name="Više Ne Radi", active=False)
    shut = make_ticket(SYSTEM, make_department(private=True, members=(agent,)))
    with transaction():
        properties.assign(SYSTEM, [make_ticket(SYSTEM).id, make_ticket(SYSTEM).id], agent.id)
    supervisor, admin = staff_of("supervisor"), staff_of("admin")
    page = client.get(url(shut, "/give")).text
    for name, there in ((agent.name, True), (supervisor.name, True), (outsider.name, False), (gone.name, False),
                        (admin.name, False)):  # fmt: skip
        assert (f'data-name="{escape(name)}"' in page) is there, name
    assert re.search(rf'value="{agent.id}".*?>2 [^<]+</span></button>', page, re.DOTALL), "how many they have"
    assert send(client, shut, "set/assignee", value=outsider.id).status_code == 422


def test_watching(client: ConsoleClient, session: Session, agent: Staff, ticket: Ticket) -> None:
    assert undo(client, send(client, ticket, "watch")).status_code == 200
    assert not session.scalars(select(TicketWatcher)).all()
    for _twice in range(2):
        assert client.submit(url(ticket, "/watch")).status_code == 303
    assert session.scalars(select(TicketWatcher.staff_id)).all() == [agent.id]
    assert str(escape(agent.name)) in side(client, ticket)


# --- Merging, splitting, linking by form ------------------------------------------------------------------------------


@pytest.mark.both
def test_a_merge_says_what_it_will_do_and_is_undone(client: ConsoleClient, session: Session, ticket: Ticket) -> None:
    same = make_ticket(SYSTEM, requester_email=ANA, subject=TRICK)
    choose = client.get(url(ticket, "/merge"))
    assert same.number in choose.text and TRICK not in choose.text and str(escape(TRICK)) in choose.text
    preview = client.get(url(ticket, f"/merge?other={same.number.lower()}")).text
    assert 'name="sure"' not in preview and 'name="way" value="in"' in preview and ANA in preview
    merged = send(client, ticket, "merge", other=same.number, way="out")
    assert merged.get_json()["url"] == url(same)
    session.expire_all()
    assert ticket.merged_into_id == same.id
    page = client.get(url(ticket), headers={"Accept-Language": "en"}).text
    assert same.number in page and "Merged into another ticket" in page and "Undo merge" in page
    assert 'data-edit-fact="priority"' not in page
    assert ticket.number in side(client, same)
    assert undo(client, merged).status_code == 200
    back = send(client, ticket, "merge", other=same.number, way="in")
    assert back.get_json()["url"] == url(ticket)
    parted = client.submit(url(same, "/part"), back=ticket.number)
    assert parted.headers["Location"] == url(ticket)
    session.expire_all()
    assert same.merged_into_id is None
    assert client.submit(url(same, "/part")).status_code == 409


def test_two_people_are_merged_only_knowingly(client: ConsoleClient, session: Session, ticket: Ticket) -> None:
    other = make_ticket(SYSTEM, make_department(private=False), requester_email="drugi@example.test")
    preview = client.get(url(ticket, f"/merge?other={other.number}"), headers={"Accept-Language": "en"}).text
    assert "two different people" in preview and 'name="sure"' in preview and "drugi@example.test" in preview
    unsure = client.submit(url(ticket, "/merge"), other=other.number, way="out")
    assert unsure.status_code == 409 and 'name="sure"' in unsure.text
    assert send(client, ticket, "merge", other=other.number, sure="yes").status_code == 409
    session.expire_all()
    assert ticket.merged_into_id is None
    assert send(client, ticket, "merge", other=other.number, sure="1").status_code == 200


@only_sqlite
def test_replies_to_both_requesters_and_mails_with_copies_are_drawn(
    client: ConsoleClient, session: Session, ticket: Ticket, agent: Staff
) -> None:
    """What a reply says of its mails to others is not what a mail says of whom it was sent to as well."""
    other = make_ticket(SYSTEM, make_department(private=False), requester_email="drugi@example.test")
    assert send(client, ticket, "merge", other=other.number, way="in", sure="1").status_code == 200
    with transaction():
        messages.reply(agent.actor(), ticket.id, messages.Writing("Oboma.", "r-1", anyway=True))
    message = session.scalars(select(TicketMessage).where(TicketMessage.client_id == "r-1")).one()
    assert len(message.data[messages.COPIES]) == 1
    assert client.get(url(ticket)).status_code == 200


def test_what_cannot_be_merged_is_said_before(client: ConsoleClient, session: Session, ticket: Ticket) -> None:
    one, two = factories.make_customer(), factories.make_customer()
    shut = make_ticket(SYSTEM, make_department(private=True))
    theirs = make_ticket(SYSTEM, customer_id=two.id)
    closed = make_ticket(SYSTEM, requester_email=ANA)
    with transaction():
        properties.set_status(SYSTEM, [closed.id], TicketStatus.CLOSED)
        properties.set_customer(SYSTEM, ticket.id, one)
    for other in (theirs, closed, ticket):
        page = client.get(url(ticket, f"/merge?other={other.number}"))
        assert page.status_code == 200 and 'role="alert"' in page.text and "data-do" not in page.text, other.number
        assert send(client, ticket, "merge", other=other.number, sure="1").status_code in (409, 422)
    for typed in (shut.number, "T-99999999", "x", "", "20001; drop", "\0", "9" * 400):
        assert client.get(url(ticket, "/merge"), query_string={"other": typed}).status_code == 200
        assert send(client, ticket, "merge", other=typed, sure="1").status_code == 422, typed
        assert send(client, ticket, "link", other=typed).status_code == 422, typed
        assert send(client, ticket, "unlink", other=typed).status_code == 422, typed
    hidden = client.get(url(ticket, "/merge"), query_string={"other": shut.number}).text
    assert str(escape(shut.subject)) not in hidden, "it looks as if it were not there"


def test_splitting_by_form(client: ConsoleClient, session: Session, ticket: Ticket) -> None:
    assert "data-do" not in client.get(url(ticket, "/split")).text, "there is but one message"
    with transaction():
        second = requester.write(SYSTEM, ticket, f"Drugo {TRICK}", client_id="x" * 20)
    page = client.get(url(ticket, f"/split?messages={second.id}")).text
    assert f'value="{second.id}" checked' in page and TRICK not in page
    foreign = session.scalars(select(TicketMessage.id).where(TicketMessage.ticket_id != ticket.id)).first()
    for fields in (
        {"subject": "Naslov"}, {"subject": "", "messages": second.id}, {"subject": "N", "messages": "x"},
        {"subject": "N", "messages": [second.id, foreign or 10**6]}, {"subject": "N" * 300, "messages": second.id},
    ):  # fmt: skip
        assert send(client, ticket, "split", **fields).status_code == 422, fields
    response = client.submit(url(ticket, "/split"), subject="Moj naslov", messages=[10**6])
    assert response.status_code == 422 and 'value="Moj naslov"' in response.text
    done = send(client, ticket, "split", subject="Drugo pitanje", messages=[second.id])
    assert done.status_code == 200
    new = session.scalars(select(Ticket).order_by(Ticket.id.desc())).first()
    assert new is not None and done.get_json()["url"] == url(new) and new.subject == "Drugo pitanje"
    assert new.number in side(client, ticket) and ticket.number in side(client, new)
    assert f'name="other" value="{ticket.number}"' not in side(client, new), "where it came from stays"
    assert send(client, new, "unlink", other=ticket.number).status_code == 409
    assert undo(client, done).status_code == 200
    session.expire_all()
    assert new.merged_into_id == ticket.id


def test_linking_by_form(client: ConsoleClient, session: Session, ticket: Ticket) -> None:
    other = make_ticket(SYSTEM, requester_email=ANA, subject=TRICK)
    shut = make_ticket(SYSTEM, make_department(private=True))
    assert other.number in client.get(url(ticket, "/link")).text
    done = send(client, ticket, "link", other=other.number)
    assert done.status_code == 200
    with transaction():
        db.session.add(TicketLink(ticket_id=ticket.id, other_id=shut.id, kind=LinkKind.RELATED))
    sidebar = side(client, ticket)
    assert other.number in sidebar and str(escape(TRICK)) in sidebar and TRICK not in sidebar
    assert shut.number not in sidebar and str(escape(shut.subject)) not in sidebar, "a closed department's is left out"
    assert send(client, ticket, "unlink", other=shut.number).status_code == 422
    assert undo(client, done).status_code == 200
    assert other.number not in client.get(url(ticket)).text.partition('data-part="others"')[0].rpartition("h-facts")[2]


@only_sqlite
def test_links_are_called_back_with_a_reason(client: ConsoleClient, session: Session, ticket: Ticket) -> None:
    token = requester_token(ticket)
    assert client.get(f"/t/{token}").status_code == 200
    refused = client.submit(url(ticket, "/void"), reason="ne")
    assert refused.status_code == 422 and ">ne</textarea>" in refused.text
    assert client.submit(url(ticket, "/void"), reason="Sanduče je preuzeto").status_code == 303
    assert client.get(f"/t/{token}").status_code == 404
    assert "Sanduče je preuzeto" in client.get(url(ticket)).text


@only_sqlite
def test_a_ticket_that_is_over_goes_on_in_a_new_one(client: ConsoleClient, session: Session, ticket: Ticket) -> None:
    assert "follows=" not in client.get(url(ticket)).text
    fields = {"follows": ticket.number, "requester_email": ANA, "subject": "Opet", "body": "Javljamo se ponovo.",
              "department": ticket.department_id, "first": "reply"}  # fmt: skip
    assert client.submit("/console/tickets/new", json=True, **fields).status_code == 409, "it is still open"
    with transaction():
        properties.set_status(SYSTEM, [ticket.id], TicketStatus.CLOSED)
    assert f"follows={ticket.number}" in client.get(url(ticket)).text
    form = client.get(f"/console/tickets/new?follows={ticket.number}").text
    assert f'name="follows" value="{ticket.number}"' in form and ANA in form and "Ana Petrović" in form
    opened = client.submit("/console/tickets/new", json=True, **fields)
    assert opened.status_code == 201
    assert opened.get_json()["ticket"]["number"] in side(client, ticket)
    assert client.get("/console/tickets/new?follows=T-99999999").status_code == 404


@only_sqlite
def test_only_supervisors_send_a_ticket_for_review(
    client: ConsoleClient, new_client: NewClient, session: Session, ticket: Ticket, agent: Staff, staff_of: StaffOf
) -> None:
    with transaction():
        properties.assign(SYSTEM, [ticket.id], agent.id)
    assert client.get(url(ticket, "/review")).status_code == 404
    assert send(client, ticket, "review", agent=agent.id).status_code == 404
    second = new_client()
    sign_in(second, staff=staff_of("supervisor"))
    assert f'value="{agent.id}" checked' in second.get(url(ticket, "/review")).text
    assert second.submit(url(ticket, "/review"), json=True, agent=10**6).status_code == 422
    assert second.submit(url(ticket, "/review"), agent=agent.id).status_code == 303
    review = session.scalars(select(Review)).one()
    assert (review.reason, review.state) == (ReviewReason.PICKED, ReviewState.WAITING)


@only_sqlite
def test_ratings_are_for_all_and_reviews_for_two(
    client: ConsoleClient, new_client: NewClient, session: Session, ticket: Ticket, agent: Staff, staff_of: StaffOf
) -> None:
    now, where = core_clock.now(), any_department().id
    with transaction():
        db.session.add_all(
            [
                TicketRating(ticket_id=ticket.id, score=2, comment=f"Sporo {TRICK}", at=now, department_id=where),
                Review(key="a", reason=ReviewReason.RATING, ticket_id=ticket.id, agent_id=agent.id, created_at=now,
                       state=ReviewState.DONE, reviewer_id=staff_of("supervisor").id, reviewed_at=now, total=7500),
            ]
        )  # fmt: skip
    callers = {"agent": (client, True)}
    for role, sees in (("billing", False), ("supervisor", True)):
        other = new_client()
        sign_in(other, staff=staff_of(role))
        callers[role] = (other, sees)
    for role, (one, sees) in callers.items():
        page = one.get(url(ticket)).text
        assert "Sporo" in page and TRICK not in page, role
        assert ("/console/reviews/" in page.partition("h-rating")[2]) is sees, role


# --- Who is verified, and what that opens -----------------------------------------------------------------------------


@pytest.fixture
def firm(session: Session) -> Any:
    return factories.ana()  # with services, a domain and an open pro-forma


def verified(staff: Staff, ticket: Ticket, membership: Any, **more: Any) -> Verification:
    return factories.make_verification(staff, membership, channel=f"ticket:{ticket.number}", **more)


GROUPS = ("services", "documents", "people", "tickets", "mail")


def test_nothing_of_an_account_is_there_before(
    client: ConsoleClient, session: Session, ticket: Ticket, agent: Staff, firm: Any, new_client: NewClient,
    staff_of: StaffOf,
) -> None:  # fmt: skip
    customer, service = firm.customer, firm.services[0]
    with transaction():
        properties.set_customer(SYSTEM, ticket.id, customer, service.id)
    secrets = [service.label, firm.proformas[0].number, customer.pib, firm.owner.person.email]
    other = make_ticket(SYSTEM)
    verified(agent, other, firm.owner)  # for another ticket
    factories.make_verification(agent, firm.owner)  # by phone
    verified(staff_of("supervisor"), ticket, firm.owner)  # a colleague's
    ended = verified(agent, ticket, firm.owner)
    with transaction():
        session.get_one(Verification, ended.id).ended_at = core_clock.now()
    page = client.get(url(ticket), headers={"Accept-Language": "en"}).text
    assert not [one for one in secrets if one and one in page]
    assert "masked" in page and "for this ticket" not in page
    assert "You have this account open by phone" in page
    assert f"Verified for {escape(staff_of('supervisor').name)}" in page
    for group in GROUPS:
        assert client.get(url(ticket, f"/opened/{group}")).status_code == 404, group
    assert 'id="fact-customer-service"' not in client.get(url(ticket, "/facts")).text, "nor is a service to choose"
    stranger = new_client()
    sign_in(stranger, staff=staff_of("admin"))
    assert stranger.get(url(ticket, "/side")).status_code == 404


def test_a_verification_opens_what_the_rights_open_and_shuts_it_again(
    client: ConsoleClient, session: Session, ticket: Ticket, agent: Staff, firm: Any
) -> None:
    bookkeeper = factories.make_member(firm.customer, MemberRole.CONTACT, rights={Right.INVOICES, Right.TICKETS})
    with transaction():
        properties.set_customer(SYSTEM, ticket.id, firm.customer, firm.services[0].id)
    live = verified(agent, ticket, bookkeeper)
    page = client.get(url(ticket), headers={"Accept-Language": "en"}).text
    assert "Verified for this ticket" in page and str(escape(bookkeeper.person.name)) in page
    assert f"The requester gave a different name: {ticket.requester_name}." in page
    assert firm.services[0].label not in page, "a bookkeeper opens no services"
    assert "/console/migrations/new" not in page.partition("h-who")[2].partition("h-others")[0]
    opened = {group: client.get(url(ticket, f"/opened/{group}")) for group in (*GROUPS, "everything", "..")}
    assert {group for group, answer in opened.items() if answer.status_code == 200} == {"documents", "tickets"}
    assert firm.proformas[0].number in opened["documents"].text and ticket.number in opened["tickets"].text
    assert page.count("data-opens=") == 2 and page.count("opened-shut") == 3
    ending = client.submit(f"/console/verify/{live.id}/end", back="ticket")
    assert ending.headers["Location"] == url(ticket)
    assert client.get(url(ticket, "/opened/documents")).status_code == 404
    assert str(escape(bookkeeper.person.name)) not in side(client, ticket)
    owner = verified(agent, ticket, firm.owner)
    sidebar = side(client, ticket)
    assert firm.services[0].label in sidebar, "the chosen service has its name"
    move = re.search(r'href="(/console/migrations/new[^"]*)"', sidebar)
    assert move is not None and firm.customer.number in move[1] and str(owner.id) in move[1]
    form = client.get(move[1].replace("&amp;", "&")).text
    assert re.search(rf'name="verification"[^>]*value="{owner.id}"', form)
    assert all(client.get(url(ticket, f"/opened/{group}")).status_code == 200 for group in GROUPS)
    with transaction():
        session.get_one(Verification, owner.id).expires_at = core_clock.now()
    assert firm.services[0].label not in side(client, ticket)
    assert client.get(url(ticket, "/opened/services")).status_code == 404


def test_verifying_by_what_the_person_says(client: ConsoleClient, session: Session, ticket: Ticket, firm: Any) -> None:
    other = factories.make_customer()
    with transaction():
        properties.set_customer(SYSTEM, ticket.id, other)
    pin = factories.pin_of(firm.owner)
    fields = {"email": firm.owner.person.email, "channel": f"ticket:{ticket.number}"}
    wrong = client.submit("/console/verify/", pin=f"{(int(pin) + 1) % 10**6:06d}", **fields)
    assert wrong.status_code == 200 and ticket.number in wrong.text and "gate-failed" in wrong.text
    right = client.submit("/console/verify/", pin=pin, **fields)
    assert right.status_code == 303 and right.headers["Location"] == url(ticket)
    sidebar = side(client, ticket)
    assert firm.customer.number in sidebar and f'name="value" value="{firm.customer.number}"' in sidebar, (
        "offered to link"
    )
    linked = send(client, ticket, "set/customer", value=firm.customer.number, had=other.number)
    assert linked.status_code == 200
    assert f'name="value" value="{firm.customer.number}"' not in side(client, ticket)
    assert pin not in client.get(url(ticket)).text
    with transaction():
        properties.set_status(SYSTEM, [ticket.id], TicketStatus.CLOSED)
    assert client.submit("/console/verify/", json=True, pin=pin, **fields).status_code == 409
    assert "data-verify" not in side(client, ticket) and "ask-verification" not in side(client, ticket)


def test_the_single_use_link_in_all_its_states(
    client: ConsoleClient, new_client: NewClient, session: Session, ticket: Ticket, firm: Any
) -> None:
    def card_url() -> str:
        mail = session.scalars(
            select(Mail).where(Mail.template == "verification_asked").order_by(Mail.id.desc())
        ).first()
        assert mail is not None
        found = re.search(r"/v/[\w-]+", whole(mail).text)
        assert found is not None
        return found[0]

    visitor = new_client()
    assert "vcard-" not in side(client, ticket)
    assert send(client, ticket, "ask-verification").status_code == 200
    first = card_url()
    assert "vcard-pending" in side(client, ticket) and "withdraw-verification" in side(client, ticket)
    assert send(client, ticket, "withdraw-verification").status_code == 200
    assert "vcard-" not in side(client, ticket) and visitor.get(first).status_code == 404
    send(client, ticket, "ask-verification")
    second = card_url()
    pin = factories.pin_of(firm.owner)
    for _try in range(5):
        visitor.submit(second, email="nepoznat@example.test", pin="000000")
    assert "vcard-failed" in side(client, ticket) and visitor.get(second).status_code == 404
    send(client, ticket, "ask-verification")
    third = card_url()
    assert visitor.submit(third, email=firm.owner.person.email, pin=pin).status_code == 200
    sidebar = side(client, ticket)
    assert "vcard-live" in sidebar and firm.customer.number in sidebar
    colleague = new_client()
    sign_in(colleague)
    assert "vcard-live" not in side(colleague, ticket), "it opens for whoever asked"
    assert colleague.get(url(ticket, "/opened/services")).status_code == 404
    assert session.scalars(select(VerificationCard.failures).order_by(VerificationCard.id)).all() == [0, 5, 0]


# --- What it costs ----------------------------------------------------------------------------------------------------


@pytest.mark.both
@pytest.mark.parametrize("opened", [False, True])
def test_the_page_takes_eight_queries_at_most(
    app: Flask, client: ConsoleClient, session: Session, ticket: Ticket, agent: Staff, firm: Any, opened: bool
) -> None:
    others = [make_ticket(SYSTEM, requester_email=ANA) for _ in range(6)]
    with transaction():
        properties.set_customer(SYSTEM, ticket.id, firm.customer, firm.services[0].id)
        linking.link(SYSTEM, ticket.id, others[0].id)
        merging.merge(SYSTEM, [others[1].id, others[2].id], ticket.id, different_requesters=True)
        properties.watch(agent.actor(), ticket.id)
        properties.tag(SYSTEM, [ticket.id], ["a", "b"])
    if opened:
        verified(agent, ticket, firm.owner)
    address, aside = url(ticket), url(ticket, "/side")
    client.get(address)
    with count_queries(app) as queries:
        assert client.get(address).status_code == 200
    assert queries.count <= 8, "\n".join(queries)
    with count_queries(app) as queries:
        assert client.get(aside).status_code == 200
    assert queries.count <= 7, "\n".join(queries)
