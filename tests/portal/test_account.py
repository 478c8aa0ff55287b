"""The account in the portal: profile, sign-in address, handover, home, and who finds what of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core.actor import SYSTEM
from console.core.db import db
from console.core.transaction import transaction
from console.customers import holds
from console.customers.account import handover
from console.customers.account.disputes import last_uses
from console.customers.account.handover import HandoverData
from console.customers.account.models import Correction, Handover
from console.customers.models import Customer, CustomerKind, CustomerStatus, MemberRole, Membership, Verification
from console.customers.rights import Right
from console.customers.verification import cards
from console.customers.verification.portal import verify_in_portal
from console.customers.verification.service import verify
from console.staff.roles import Role
from tests import factories
from tests.conftest import Clock
from tests.customers.account.support import actor_of, audited, mails, token_in
from tests.factories.chat import ask, monday, take, visitor
from tests.factories.tickets import make_ticket
from tests.support.client import ConsoleClient, sign_in, sign_in_person

pytestmark = pytest.mark.only("sqlite")

ENGLISH = {"Accept-Language": "en"}
STRONG = "Tri-Sunca7"
NewClient = Callable[[], ConsoleClient]


@pytest.fixture
def firm(session: Session) -> Customer:
    return factories.make_customer(CustomerKind.COMPANY, name="Jasen d.o.o.")


@pytest.fixture
def owner(firm: Customer) -> Membership:
    return factories.owner_of(firm)


@pytest.fixture
def signed_in(client: ConsoleClient, owner: Membership) -> ConsoleClient:
    sign_in_person(client, owner.person.email)
    return client


# --- profile ---------------------------------------------------------------------------------------------------------


def test_the_profile_is_shown_and_saved(signed_in: ConsoleClient, firm: Customer) -> None:
    present = signed_in.get_json("/moj/profile").json
    assert present is not None and present["profile"]["company"] == "Jasen d.o.o." and present["correction"] is None
    fields = {name: present["profile"][name] for name in ("name", "company", "pib", "mb", "address", "postcode")}
    answer = signed_in.submit("/moj/profile", **fields, city="Niš", country="RS", phone="018 1", language="en")
    assert answer.status_code == 303 and "Niš" in signed_in.get("/moj/profile").text
    partial = signed_in.submit("/moj/profile", json=True, phone="018 2")  # what a program leaves out stays
    assert partial.json is not None and partial.json["changed"] == ["phone"]
    db.session.refresh(firm)
    assert (firm.city, firm.phone, firm.address) == ("Niš", "018 2", fields["address"])
    wrong = signed_in.submit("/moj/profile", headers=ENGLISH, country="XX", city="Š" * 101, company="")
    assert wrong.status_code == 422 and "Š" * 101 in wrong.text and "This field is required." in wrong.text


def test_another_holder_is_asked_about_and_a_correction_waits(signed_in: ConsoleClient, firm: Customer) -> None:
    fields = {"company": "Jasen Plus d.o.o.", "city": "Niš"}
    page = signed_in.submit("/moj/profile", headers=ENGLISH, **fields)
    assert page.status_code == 200 and "Correction or handover?" in page.text and 'value="Niš"' in page.text
    program = signed_in.submit("/moj/profile", json=True, **fields)
    assert program.status_code == 409 and program.json["error"]["code"] == "holder"
    silent = signed_in.submit("/moj/profile", headers=ENGLISH, **fields, choice="correction", reason="")
    assert silent.status_code == 422 and "Enter a reason" in silent.text
    assert db.session.scalars(select(Correction)).all() == []
    response = signed_in.submit("/moj/profile", **fields, choice="correction", reason="Novo ime u APR-u")
    assert response.status_code == 303
    assert "Jasen Plus d.o.o." in signed_in.get("/moj/profile").text
    db.session.refresh(firm)
    assert (firm.name, firm.city) == ("Jasen d.o.o.", "Niš")
    key = db.session.scalars(select(Correction.id)).one()
    assert signed_in.submit(f"/moj/profile/corrections/{key}/withdraw").status_code == 303
    handed = signed_in.submit("/moj/profile", headers=ENGLISH, **fields, choice="handover")
    assert handed.status_code == 200 and 'value="Jasen Plus d.o.o."' in handed.text and 'name="step"' in handed.text


def test_a_stale_sign_in_changes_nothing_without_the_password(
    signed_in: ConsoleClient, firm: Customer, clock: Clock
) -> None:
    clock.advance(timedelta(minutes=11))
    handed: dict[str, Any] = {"person_name": "Novi", "email": "novi@example.rs", "country": "RS"}
    for path, fields in (
        ("/moj/profile", {"city": "Niš"}),
        ("/moj/email", {"email": "nova@example.rs"}),
        ("/moj/handover", handed),
    ):
        refused = signed_in.submit(path, json=True, **fields)
        assert (refused.status_code, refused.json["error"]["code"]) == (403, "reauth"), path
    page = signed_in.submit("/moj/profile", city="Niš")
    assert page.status_code == 403 and 'value="Niš"' in page.text and 'name="own_password"' in page.text
    assert signed_in.submit("/moj/profile", json=True, city="Niš", own_password=factories.PASSWORD).status_code == 200


# --- sign-in address -------------------------------------------------------------------------------------------------


def test_the_address_is_changed_by_both_links(
    signed_in: ConsoleClient, new_client: NewClient, owner: Membership
) -> None:
    assert signed_in.submit("/moj/email", email="nova@example.rs").status_code == 303
    assert "nova@example.rs" in signed_in.get("/moj/email").text
    reader = new_client()
    for template in ("email_change_old", "email_change_new"):
        link = f"/moj/email/confirm/{token_in(mails(template)[0], '/moj/email/confirm/')}"
        page = reader.get(link, headers=ENGLISH)
        assert page.status_code == 200 and page.headers["Cache-Control"] == "no-store"
        assert reader.submit(link).status_code == 200
        assert reader.get(link).status_code == 404
    sign_in_person(reader, "nova@example.rs")
    assert signed_in.submit("/moj/email", json=True, email="treca@example.rs").json["error"]["code"] == "held"


def test_the_answer_is_the_same_for_a_known_address(signed_in: ConsoleClient) -> None:
    known = factories.make_person(email="poznata@example.rs")
    answers = [
        signed_in.submit("/moj/email", json=True, email=email) for email in (known.email, "nepoznata@example.rs")
    ]
    assert {(one.status_code, one.text) for one in answers} == {(200, answers[0].text)}
    assert signed_in.get_json("/moj/email").json["waiting"] == "nepoznata@example.rs"
    assert signed_in.submit("/moj/email/withdraw", json=True).json == {"withdrawn": True}


# --- handover --------------------------------------------------------------------------------------------------------

NEW = {
    "kind": "person", "person_name": "Novi Vlasnik", "email": "novi@example.rs", "address": "Nova 1",
    "city": "Niš", "postcode": "18000", "country": "RS", "phone": "018 555", "users": "keep", "contacts": "remove",
}  # fmt: skip


def test_a_handover_goes_step_by_step_and_is_accepted_by_its_link(
    signed_in: ConsoleClient, new_client: NewClient, firm: Customer, owner: Membership
) -> None:
    user = factories.make_member(firm)
    wrong = signed_in.submit("/moj/handover", headers=ENGLISH, **NEW | {"email": "x", "step": "data"})
    assert wrong.status_code == 422 and "Enter a valid e-mail address." in wrong.text
    for step, follows in (("data", 'value="people"'), ("people", 'value="send"'), ("back:data", 'value="data"')):
        page = signed_in.submit("/moj/handover", **NEW | {"step": step})
        assert page.status_code == 200 and follows in page.text and 'value="novi@example.rs"' in page.text
    assert signed_in.submit("/moj/handover", **NEW | {"step": "send"}).status_code == 303
    assert "novi@example.rs" in signed_in.get("/moj/handover").text and "novi@example.rs" in signed_in.get("/moj/").text
    link = f"/moj/handover/accept/{token_in(mails('handover_offer')[0], '/moj/handover/accept/')}"
    guest = new_client()
    page = guest.get(link, headers=ENGLISH)
    assert page.status_code == 200 and "Take over the account" in page.text and "Novi Vlasnik" in page.text
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "strict-origin")
    weak = guest.submit(f"{link}/register", name="Novi Vlasnik", password="samomala", again="samomala")
    assert weak.status_code == 422
    taken = guest.submit(f"{link}/register", name="Novi Vlasnik", password=STRONG, again=STRONG)
    assert taken.status_code == 303 and "Novi Vlasnik" in guest.get("/moj/").text
    assert guest.get(link).status_code == 404
    assert signed_in.get_json("/moj/pin").status_code == 401  # the old owner's session has ended
    assert {row["email"] for row in guest.get_json("/moj/users/").json["items"]} == {
        "novi@example.rs",
        user.person.email,
    }


def test_what_stands_in_the_way_is_said_before_anything_is_typed(signed_in: ConsoleClient, owner: Membership) -> None:
    assert "72 hours" not in signed_in.get("/moj/handover", headers=ENGLISH).text
    with transaction():
        holds.begin(actor_of(owner), owner.person, "password_reset")
    assert "72 hours" in signed_in.get("/moj/handover", headers=ENGLISH).text
    assert signed_in.submit("/moj/handover", json=True, **NEW).json["error"]["code"] == "held"


def test_a_known_person_accepts_with_their_password_and_an_offer_is_declined_or_withdrawn(
    signed_in: ConsoleClient, new_client: NewClient, owner: Membership
) -> None:
    known = factories.make_person(email="novi@example.rs")
    guest = new_client()

    def offer() -> str:
        assert signed_in.submit("/moj/handover", json=True, **NEW).status_code == 200
        return f"/moj/handover/accept/{token_in(mails('handover_offer')[-1], '/moj/handover/accept/')}"

    assert guest.submit(f"{offer()}/refuse").status_code == 200
    link, key = offer(), db.session.scalars(select(Handover.id).order_by(Handover.id.desc())).first()
    assert signed_in.submit("/moj/handover", json=True, **NEW).json["error"]["code"] == "handover"
    assert signed_in.submit(f"/moj/handover/{key}/withdraw").status_code == 303
    assert guest.get(link).status_code == 404 and guest.submit(link, json=True).json["error"]["code"] == "link_gone"
    link = offer()
    assert guest.submit(link, own_password="pogrešna").status_code == 422
    assert guest.submit(link, own_password=factories.PASSWORD).status_code == 303
    assert factories.owner_of(owner.customer).person_id == known.id


# --- one's own data --------------------------------------------------------------------------------------------------


def test_a_passkey_confirms_where_the_password_does(signed_in: ConsoleClient, owner: Membership, clock: Clock) -> None:
    factories.make_passkey(owner.person)
    service = factories.make_service(owner.customer)
    clock.advance(timedelta(minutes=11))
    for path in ("/moj/privacy", f"/moj/migrations/new?service={service.id}"):
        assert "data-passkey-confirm" in signed_in.get(path).text, path


def test_the_page_stays_with_the_account_that_was_chosen(signed_in: ConsoleClient, owner: Membership) -> None:
    other = factories.make_customer(owner=owner.person)
    assert f"/moj/notices?account={other.number}" in signed_in.get(f"/moj/privacy?account={other.number}").text


def test_a_suspended_account_leads_to_support_only_who_may_ask(client: ConsoleClient, firm: Customer) -> None:
    with transaction():
        firm.status = CustomerStatus.SUSPENDED
    for rights in ([Right.TICKETS], []):
        sign_in_person(client, factories.make_member(firm, rights=rights).person.email)
        page = client.get("/moj/", headers=ENGLISH).text
        assert "This account is suspended." in page and ("/moj/tickets/new" in page) is bool(rights)


# --- PIN -------------------------------------------------------------------------------------------------------------


def test_the_last_use_of_the_pin_is_shown_and_can_be_denied(
    signed_in: ConsoleClient, new_client: NewClient, owner: Membership
) -> None:
    assert "Not used yet." in signed_in.get("/moj/", headers=ENGLISH).text
    supervisor = factories.make_staff(Role.SUPERVISOR)
    agent = factories.make_staff(Role.AGENT)
    pin, verification = factories.pin_of(owner), factories.make_verification(agent, owner)
    page = signed_in.get("/moj/", headers=ENGLISH).text
    assert f"verified by {agent.name} from support" in page and "Was it not you?" in page
    stranger = new_client()
    sign_in_person(stranger, factories.make_member(owner.customer, rights=Right).person.email)
    assert stranger.submit(f"/moj/pin/deny/{verification.id}").status_code == 404
    assert signed_in.submit(f"/moj/pin/deny/{verification.id}").status_code == 303
    db.session.refresh(verification)
    assert verification.ended_at is not None and verification.disputed_at is not None
    assert factories.pin_of(owner) != pin
    assert [mail.to_address for mail in mails("verification_disputed")] == [supervisor.email]
    assert audited("verification.disputed")[0].data["staff"] == agent.id
    assert signed_in.submit(f"/moj/pin/deny/{verification.id}").status_code == 404  # once
    board = new_client()
    sign_in(board, staff=supervisor)
    assert "Denied verifications" in board.get("/console/", headers=ENGLISH).text


def test_each_way_of_using_the_pin_is_shown(signed_in: ConsoleClient, owner: Membership, clock: Clock) -> None:
    clock.set(monday(11))
    person = owner.person
    sign_in_person(signed_in, person.email)
    agent = factories.make_staff(Role.AGENT).actor()
    pin, session = factories.pin_of(owner), factories.make_person_session(person)
    chat, own_chat, ticket = take(agent, ask()), take(agent, ask(session=session)), make_ticket(SYSTEM)

    def by_card(channel: str, email: str) -> Verification | None:
        _card, token = cards.ask(agent, channel)
        return cards.submit(visitor(), token, email=email, pin=pin).verification

    ways: list[tuple[str, Callable[[], Verification | None]]] = [
        ("by phone", lambda: verify(agent, email=person.email, pin=pin, channel="phone")),
        ("in a chat", lambda: by_card(f"chat:{chat.number}", person.email)),
        ("on a ticket", lambda: by_card(f"ticket:{ticket.number}", person.email)),
        ("in a chat", lambda: by_card(f"chat:{own_chat.number}", "")),  # the portal's: who it is, is known
        ("in the portal", lambda: verify_in_portal(actor_of(owner), owner, pin)),
    ]
    for words, way in ways:
        clock.advance(timedelta(minutes=1))
        with transaction():
            made = way()
        assert made is not None and last_uses(owner)[0].verification.id == made.id, words
        assert words in signed_in.get("/moj/", headers=ENGLISH).text
    page = signed_in.get("/moj/", headers=ENGLISH).text
    assert "by someone signed in" in page and "It was not me" in page  # support's use before it can still be denied


def test_what_the_person_verified_themselves_is_not_denied(signed_in: ConsoleClient, owner: Membership) -> None:
    with transaction():
        verification = verify_in_portal(actor_of(owner), owner, factories.pin_of(owner))
    assert verification is not None
    assert signed_in.submit(f"/moj/pin/deny/{verification.id}").status_code == 404


# --- who finds what --------------------------------------------------------------------------------------------------


def test_each_route_is_open_to_those_whose_permission_it_is(
    firm: Customer, owner: Membership, new_client: NewClient
) -> None:
    with transaction():
        offer = handover.start(actor_of(owner), firm.id, HandoverData("Novi", "novi@example.rs"))
    routes: dict[str, Callable[[str], bool]] = {
        "GET /moj/profile": lambda who: who in ("owner", "profile"),
        "POST /moj/profile": lambda who: who in ("owner", "profile"),
        "GET /moj/handover": lambda who: who == "owner",
        "POST /moj/handover": lambda who: who == "owner",
        f"POST /moj/handover/{offer.id}/withdraw": lambda _who: False,  # tried by the others alone
        "GET /moj/email": lambda _who: True,  # one's own sign-in
        "GET /moj/": lambda who: who != "stranger",
    }
    people: dict[str, Membership] = {
        **{right.value: factories.make_member(firm, rights=[right]) for right in Right},
        "none": factories.make_member(firm),
        "stranger": factories.owner_of(factories.make_customer()),
        "owner": owner,
    }
    wrong = []
    for who, member in people.items():
        browser = new_client()
        sign_in_person(browser, member.person.email)
        for route, may in routes.items():
            method, path = route.split()
            if who == "owner" and path.endswith("withdraw"):
                continue
            about = {"account": firm.number} if "email" not in path else {}
            ask = browser.get_json if method == "GET" else browser.submit
            options: dict[str, Any] = {"query_string": about} if method == "GET" else {"json": True, **about}
            status = ask(path, **options).status_code
            if (status != 404) != may(who):
                wrong.append(f"{who}: {route} {status}")
    assert wrong == []
    anonymous = new_client()
    for route in routes:
        method, path = route.split()
        status = (anonymous.get_json(path) if method == "GET" else anonymous.submit(path, json=True)).status_code
        assert status == 401, route
    contact = factories.make_member(firm, MemberRole.CONTACT, rights=Right)  # has no sign-in to come with
    assert contact.person.password_hash is None
