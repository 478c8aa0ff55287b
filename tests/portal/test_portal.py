"""The portal: signing in, one's own PIN, the PINs an owner hands out, one's own sessions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core.db import db
from console.core.transaction import transaction
from console.customers.models import MemberRole, Membership, PersonSession
from console.customers.rights import Right
from console.customers.verification.guards import ALLOWED
from console.customers.verification.pins import current_pin, pin_at
from console.customers.verification.portal import verify_in_portal
from console.customers.verification.service import verify
from console.hosting.models import ProductKind
from console.portal import signin as pages
from tests import factories
from tests.conftest import Clock
from tests.support.client import ConsoleClient, sign_in, sign_in_person


def trail(action: str) -> list[AuditEntry]:
    return list(db.session.scalars(select(AuditEntry).where(AuditEntry.action == action)))


# --- the account's services ---


@pytest.mark.only("sqlite")
def test_services_are_shown_as_far_as_ones_rights_go(
    client: ConsoleClient, owner: Membership, new_client: Callable[[], ConsoleClient]
) -> None:
    customer = owner.customer
    hosting = factories.make_service(customer, label="moj-sajt.example.rs", paid_until=date(2027, 3, 12))
    name = factories.make_service(
        customer, factories.make_product(ProductKind.DOMAIN), label="moj-domen.example.rs", paid_until=date(2027, 5, 1)
    )
    factories.make_service(factories.make_customer(), label="tudji-sajt.example.rs")
    rights: dict[str, tuple[Right, ...]] = {
        "services": (Right.PRODUCTS,), "domains": (Right.DOMAINS,), "neither": (Right.INVOICES,),
    }  # fmt: skip
    members = {key: factories.make_member(customer, MemberRole.USER, rights=held) for key, held in rights.items()}
    seen = {"owner": owner, **members, "newcomer": factories.owner_of(factories.make_customer())}
    pages = {}
    for key, member in seen.items():
        browser = new_client()
        sign_in_person(browser, member.person.email)
        pages[key] = browser.get("/moj/", headers={"Accept-Language": "en"}).text
    assert f"{hosting.product.name} · paid until" in pages["owner"]
    visible = {
        key: (hosting.label in page, name.label in page, "No services yet" in page) for key, page in pages.items()
    }
    assert visible == {
        "owner": (True, True, False),
        "services": (True, False, False),
        "domains": (False, True, False),
        "neither": (False, False, False),
        "newcomer": (False, False, True),
    }
    assert not any("tudji-sajt" in page for page in pages.values())


# --- signing in ------------------------------------------------------------------------------------------------------


@pytest.mark.both
def test_signing_in_and_out(client: ConsoleClient, owner: Membership) -> None:
    assert client.get("/moj/").status_code == 302
    assert client.get_json("/moj/pin").status_code == 401
    sign_in_person(client, f"  {owner.person.email.upper()} ")
    assert owner.person.name.split()[0] in client.get("/moj/").text
    assert client.get("/moj/login").location == "/moj/"
    assert client.submit("/moj/logout").status_code == 303
    assert client.get("/moj/").status_code == 302
    assert [entry.actor_id for entry in trail("person.signed_in") + trail("person.signed_out")] == [owner.person_id] * 2


def test_json_for_programs(client: ConsoleClient, owner: Membership) -> None:
    answer = client.submit("/moj/login", json=True, email=owner.person.email, password=factories.PASSWORD)
    assert answer.status_code == 200 and answer.json is not None and answer.json["signed_in"] is True
    again = client.get_json(
        "/moj/pin",
    )
    assert again.json is not None and set(again.json) == {"pin", "expires_at", "account"}
    assert again.json["pin"] == pin_at(owner)
    assert datetime.fromisoformat(again.json["expires_at"]).utcoffset() is not None


@pytest.mark.only("sqlite")
def test_every_refusal_looks_the_same(client: ConsoleClient, owner: Membership) -> None:
    contact = factories.make_member(owner.customer, MemberRole.CONTACT)
    tries = [
        (owner.person.email, "pogresna-lozinka"),
        ("niko@example.test", factories.PASSWORD),
        (contact.person.email, factories.PASSWORD),
        (contact.person.email, ""),
        ("", factories.PASSWORD),
        ("nije adresa", factories.PASSWORD),
        (owner.person.email, "x" * 2_000),
    ]
    seen = set()
    for email, password in tries:
        answer = client.submit("/moj/login", json=True, email=email, password=password)
        seen.add((answer.status_code, answer.get_data(as_text=True)))
        page = client.submit("/moj/login", email=email, password=password)
        assert page.status_code == 422 and (not password or password not in page.text)
    assert len(seen) == 1
    recorded = "".join(entry.subject + str(entry.data) for entry in trail("person.sign_in_failed"))
    assert "niko" not in recorded and "lozinka" not in recorded.lower()


@pytest.mark.only("sqlite")
def test_guessing_is_slowed_and_the_right_password_is_not_told(client: ConsoleClient, owner: Membership) -> None:
    answers = [
        client.submit("/moj/login", json=True, email=owner.person.email, password=f"pogresna-{n}").status_code
        for n in range(12)
    ]
    assert answers[0] == 422 and answers[-1] == 429
    last = client.submit("/moj/login", json=True, email=owner.person.email, password=factories.PASSWORD)
    assert last.status_code == 429 and int(last.headers["Retry-After"]) > 0
    # From another address the person comes in as always: nobody can be kept out by guessing elsewhere.
    data = {"csrf_token": client.csrf_token(), "email": owner.person.email, "password": factories.PASSWORD}
    elsewhere = client.post("/moj/login", data=data, environ_base={"REMOTE_ADDR": "192.0.2.55"})
    assert elsewhere.status_code == 303


def test_a_known_browser_keeps_no_person_out(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], owner: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "EVERYWHERE", replace(pages.EVERYWHERE, amount=4))
    email = owner.person.email
    sign_in_person(client, email)
    client.submit("/moj/logout")
    stranger = new_client()
    for number in range(5):
        stranger.environ_base["REMOTE_ADDR"] = f"192.0.2.{number}"
        last = stranger.submit("/moj/login", email=email, password="x")
    assert last.status_code == 429, "guessing is slowed wherever it comes from"
    sign_in_person(client, email)


def test_a_session_cookie_from_before_is_worth_nothing(client: ConsoleClient, owner: Membership) -> None:
    client.get("/moj/login")
    token = client.csrf_token()
    sign_in_person(client, owner.person.email)
    assert client.post("/moj/pin/new", data={"csrf_token": token}).status_code == 400
    assert client.post("/moj/pin/new").status_code == 400


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/moj/", "/console/", "/moj/\\evil", "javascript:1"]
)
def test_it_leads_only_into_the_portal(client: ConsoleClient, owner: Membership, target: str) -> None:
    answer = client.submit("/moj/login", email=owner.person.email, password=factories.PASSWORD, next=target)
    assert answer.location == "/moj/"


@pytest.mark.only("sqlite")
def test_it_leads_back_to_where_one_wanted(client: ConsoleClient, owner: Membership) -> None:
    response = client.get("/moj/users/?account=K-1")
    assert "next=" in response.location
    answer = client.submit("/moj/login", email=owner.person.email, password=factories.PASSWORD, next="/moj/sessions")
    assert answer.location == "/moj/sessions"


def test_staff_and_customer_are_two_identities(client: ConsoleClient, owner: Membership) -> None:
    sign_in(client)
    assert client.get_json("/moj/pin").status_code == 401
    sign_in_person(client, owner.person.email)
    assert client.get("/console/verify/").status_code == 200
    assert client.get_json("/moj/pin").status_code == 200
    client.submit("/moj/logout")
    assert client.get("/console/verify/").status_code == 200


def test_a_lock_of_the_verification_keeps_nobody_out(client: ConsoleClient, owner: Membership) -> None:
    actor = factories.actor_of(factories.make_staff())
    pin, email = factories.pin_of(owner), owner.person.email
    for _ in range(ALLOWED):
        with transaction():
            verify(actor, email=email, pin=f"{(int(pin) + 1) % 1_000_000:06d}", channel="phone")
    sign_in_person(client, email)
    assert client.get_json("/moj/pin").status_code == 200
    new = client.submit("/moj/pin/new", json=True)
    assert new.json is not None
    with transaction():
        assert verify(actor, email=email, pin=new.json["pin"], channel="phone")


# --- PIN -------------------------------------------------------------------------------------------------------------


def test_the_card_reads_digit_by_digit_and_names_its_account(client: ConsoleClient, owner: Membership) -> None:
    sign_in_person(client, owner.person.email)
    page = client.get("/moj/").text
    pin = pin_at(owner)
    assert pin is not None
    spoken = ", ".join(" ".join(part) for part in (pin[:3], pin[3:]))
    assert f'aria-label="{spoken}"' in page
    assert owner.customer.number in page and "<progress" in page


def test_seeing_it_twice_changes_nothing_and_a_new_one_does(client: ConsoleClient, owner: Membership) -> None:
    sign_in_person(client, owner.person.email)
    first, second = (client.get_json("/moj/pin").json for _ in range(2))
    assert first == second and first is not None
    new = client.submit("/moj/pin/new", json=True).json
    assert new is not None and new["pin"] != first["pin"]
    assert client.get_json("/moj/pin").json == new
    page = client.submit("/moj/pin/new")
    assert page.status_code == 303


def test_an_expired_one_is_made_anew(client: ConsoleClient, owner: Membership, clock: Clock) -> None:
    sign_in_person(client, owner.person.email)
    first = client.get_json("/moj/pin").json
    clock.advance(timedelta(minutes=40))
    assert client.get_json("/moj/pin").json == first
    clock.advance(timedelta(minutes=21))
    second = client.get_json("/moj/pin").json
    assert first is not None and second is not None and first["pin"] != second["pin"]


@pytest.mark.both
def test_each_account_has_its_own(client: ConsoleClient, session: Session) -> None:
    person = factories.make_person()
    members = [factories.owner_of(factories.make_customer(owner=person)) for _ in range(2)]
    stranger = factories.owner_of(factories.make_customer())
    sign_in_person(client, person.email)
    pins = {}
    for member in members:
        answer = client.get_json(f"/moj/pin?account={member.customer.number}").json
        assert answer is not None and answer["account"] == member.customer.number
        pins[member.customer.number] = answer["pin"]
        page = client.get(f"/moj/?account={member.customer.number}").text
        assert answer["pin"][:3] in page and all(m.customer.number in page for m in members)
    assert len(set(pins.values())) == 2
    changed = client.submit("/moj/pin/new", json=True, account=members[1].customer.number).json
    assert changed is not None and changed["account"] == members[1].customer.number
    first = client.get_json("/moj/pin").json
    assert first is not None and first["pin"] == pins[members[0].customer.number]
    for account in (stranger.customer.number, "K-0", "x"):
        assert client.get_json(f"/moj/pin?account={account}").status_code == 404
        assert client.get(f"/moj/?account={account}").status_code == 404
        assert client.submit("/moj/pin/new", json=True, account=account).status_code == 404


def test_an_owner_hands_out_contacts_pins_and_no_others(client: ConsoleClient, owner: Membership) -> None:
    contact = factories.make_member(owner.customer, MemberRole.CONTACT, rights=[Right.INVOICES])
    user = factories.make_member(owner.customer, MemberRole.USER, rights=[Right.CONTACTS])
    stranger = factories.make_member(factories.make_customer(), MemberRole.CONTACT)
    sign_in_person(client, owner.person.email)
    page = client.get("/moj/contacts/").text
    assert f"member={contact.id}" in page and f"member={user.id}" not in page
    payload = client.get_json(f"/moj/pin?member={contact.id}").json
    assert payload is not None and payload["pin"] == pin_at(contact)
    assert payload["pin"][:3] in client.get(f"/moj/pin?member={contact.id}").text
    new = client.submit("/moj/pin/new", json=True, member=str(contact.id)).json
    assert new is not None and new["pin"] != payload["pin"]
    for member in (user.id, stranger.id, 99_999, "x"):
        assert client.get("/moj/pin", query_string={"member": member}).status_code == 404
        assert client.submit("/moj/pin/new", json=True, member=str(member)).status_code == 404


def test_a_contacts_pin_does_not_tell_whether_they_have_a_sign_in(
    client: ConsoleClient, owner: Membership, clock: Clock
) -> None:
    elsewhere = factories.owner_of(factories.make_customer()).person
    known = factories.make_member(owner.customer, MemberRole.CONTACT, person=elsewhere)
    unknown = factories.make_member(owner.customer, MemberRole.CONTACT)
    with transaction():
        assert verify_in_portal(factories.person_actor(elsewhere), known, current_pin(known)[0]) is not None
    sign_in_person(client, owner.person.email)
    page = client.get("/moj/contacts/").text
    ends = set()
    for contact in (known, unknown):
        assert f"member={contact.id}" in page
        ends.add(client.submit("/moj/pin/new", json=True, member=str(contact.id)).json["expires_at"])
        assert "Not used yet." in client.get(f"/moj/pin?member={contact.id}", headers={"Accept-Language": "en"}).text
    assert len(ends) == 1


def test_a_user_sees_their_own_and_nobody_else(client: ConsoleClient, owner: Membership) -> None:
    rights = [right for right in Right if right is not Right.CONTACTS]
    user = factories.make_member(owner.customer, MemberRole.USER, rights=rights)
    contact = factories.make_member(owner.customer, MemberRole.CONTACT)
    sign_in_person(client, user.person.email)
    page = client.get("/moj/")
    assert page.status_code == 200 and contact.person.name not in page.text and "/moj/users" not in page.text
    assert client.get("/moj/users/").status_code == 404
    for member in (contact.id, owner.id):
        assert client.get_json(f"/moj/pin?member={member}").status_code == 404
    mine = client.get_json("/moj/pin").json
    assert mine is not None and mine["pin"] == pin_at(user) != pin_at(owner)


def test_who_is_on_no_open_account_is_told_so(client: ConsoleClient, session: Session) -> None:
    member = factories.owner_of(factories.make_customer(status=factories.CustomerStatus.CLOSED))
    sign_in_person(client, member.person.email)
    page = client.get("/moj/")
    assert page.status_code == 200 and "pin-code" not in page.text
    assert client.get_json("/moj/pin").status_code == 404


@pytest.mark.only("sqlite")
def test_the_page_links_only_to_what_is_there(client: ConsoleClient, owner: Membership) -> None:
    factories.make_member(owner.customer, MemberRole.CONTACT)
    sign_in_person(client, owner.person.email)
    seen: set[str] = set()
    todo = {"/moj/"}
    while todo:
        path = todo.pop()
        seen.add(path)
        page = client.get(path)
        assert page.status_code == 200, path
        links = re.findall(r'href="([^"#]+)"', page.text)
        todo |= {link.replace("&amp;", "&") for link in links if link.startswith("/moj/")} - seen
    assert len(seen) >= 4
    menus = [re.search(r'<nav class="portal-nav.*?</nav>', client.get(path).text, re.DOTALL) for path in sorted(seen)]
    assert len({tuple(re.findall(r'href="([^"?]+)', menu[0])) for menu in menus if menu is not None}) == 1, "one menu"


# --- sessions --------------------------------------------------------------------------------------------------------


@pytest.mark.both
def test_one_sees_and_ends_ones_own_sessions(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], owner: Membership
) -> None:
    stranger = factories.owner_of(factories.make_customer())
    third = new_client()
    sign_in_person(third, stranger.person.email)
    theirs = db.session.scalars(select(PersonSession.id)).one()
    phone = new_client()
    sign_in_person(phone, owner.person.email)
    sign_in_person(client, owner.person.email)
    rows = db.session.scalars(select(PersonSession.id).where(PersonSession.person_id == owner.person_id)).all()
    page = client.get("/moj/sessions").text
    assert f"/moj/sessions/{min(rows)}/revoke" in page and f"/moj/sessions/{theirs}/revoke" not in page
    assert client.submit(f"/moj/sessions/{theirs}/revoke").status_code == 404
    assert client.submit("/moj/sessions/99999/revoke").status_code == 404
    assert client.submit(f"/moj/sessions/{min(rows)}/revoke").status_code == 303
    assert phone.get("/moj/").status_code == 302
    assert third.get("/moj/").status_code == 200
    sign_in_person(phone, owner.person.email)
    assert client.submit("/moj/sessions/revoke", json=True).json == {"revoked": 1}
    assert phone.get("/moj/").status_code == 302 and client.get("/moj/").status_code == 200


@pytest.mark.both
def test_a_session_ends_idle_and_absolutely(client: ConsoleClient, owner: Membership, clock: Clock) -> None:
    sign_in_person(client, owner.person.email)
    clock.advance(timedelta(minutes=61))
    assert client.get("/moj/").status_code == 302
    sign_in_person(client, owner.person.email)
    for _ in range(15):
        clock.advance(timedelta(minutes=50))
        client.get("/moj/")
    assert client.get("/moj/").status_code == 302


def test_signing_in_again_ends_the_browsers_old_session(client: ConsoleClient, owner: Membership) -> None:
    sign_in_person(client, owner.person.email)
    other = factories.owner_of(factories.make_customer())
    client.submit("/moj/login", email=other.person.email, password=factories.PASSWORD)
    live = db.session.scalars(select(PersonSession.person_id).where(PersonSession.revoked_at.is_(None))).all()
    assert live == [other.person_id]
