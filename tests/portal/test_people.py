"""Contacts, users and invitations in the portal: by form and by program, and what a stale sign-in may not do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core.db import db
from console.core.transaction import transaction
from console.customers.models import Invitation, MemberRole, Membership, Person
from console.customers.people.members import ContactData, add_contact, change_user, remove_member
from console.customers.registration import make_sign_in
from console.customers.rights import Right
from console.staff.roles import Role
from tests import factories
from tests.conftest import Clock
from tests.customers.test_people import actor_of
from tests.portal.things import token_of
from tests.support.client import ConsoleClient, sign_in, sign_in_person

pytestmark = pytest.mark.only("sqlite")

ENGLISH = {"Accept-Language": "en"}
STRONG = "Tri-Sunca7"


def test_a_contact_is_added_changed_and_removed(client: ConsoleClient, owner: Membership) -> None:
    sign_in_person(client, owner.person.email)
    fields = {
        "name": "Vera Knjigović", "email": "vera@knjige.example.rs", "phone": "011 222 333", "address": "Ulica 5",
        "city": "Niš", "postcode": "18000", "categories": ["invoice"], "permissions": ["invoices"],
    }  # fmt: skip
    answer = client.submit("/moj/contacts/", **fields)
    assert answer.status_code == 303
    page = client.get("/moj/contacts/", headers=ENGLISH).text
    assert "Vera Knjigović" in page and "vera@knjige.example.rs" in page
    (row,) = client.get_json("/moj/contacts/").json["items"]
    assert {name: row[name] for name in fields} == fields
    changed = client.submit(f"/moj/contacts/{row['id']}", json=True, **fields | {"city": "Zaječar", "permissions": []})
    assert changed.json is not None and (changed.json["contact"]["city"], changed.json["contact"]["permissions"]) == (
        "Zaječar",
        [],
    )
    assert client.submit(f"/moj/members/{row['id']}/remove").status_code == 303
    assert client.get_json("/moj/contacts/").json == {"items": [], "next": None}


def test_what_another_account_wrote_down_of_a_contact_is_not_shown(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], owner: Membership
) -> None:
    elsewhere = factories.owner_of(factories.make_customer())
    with transaction():
        known = ContactData("Vera Tuđa", "vera@knjige.example.rs", phone="060 111 222")
        add_contact(actor_of(elsewhere), elsewhere.customer, known)
    sign_in_person(client, owner.person.email)
    added = client.submit("/moj/contacts/", json=True, name="Vera", email=known.email).json["contact"]
    assert (added["name"], added["phone"]) == ("Vera", "")
    pages = [client.get(f"/moj/contacts/{added['id']}").text, client.get(f"/moj/pin?member={added['id']}").text]
    desk = new_client()
    factories.make_verification(sign_in(desk, Role.AGENT), owner)
    pages += [desk.get(f"/console/customers/{owner.customer.number}{tab}").text for tab in ("", "?tab=people")]
    pages.append(desk.get_json(f"/console/customers/{owner.customer.number}").text)
    for page in pages:
        assert "Vera" in page and "Tuđa" not in page and "060 111 222" not in page


def test_a_number_typed_in_one_account_is_not_the_persons_in_another(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], owner: Membership
) -> None:
    elsewhere = factories.owner_of(factories.make_customer())
    with transaction():
        known = ContactData("Vera Tuđa", "vera@knjige.example.rs", phone="060 111 222")
        contact = add_contact(actor_of(elsewhere), elsewhere.customer, known)
    assert contact.phone_number == "060 111 222"
    factories.make_member(owner.customer, person=contact.person)
    desk = new_client()
    factories.make_verification(sign_in(desk, Role.AGENT), owner)
    page = f"/console/customers/{owner.customer.number}"
    for detail_page in (desk.get(f"{page}?tab=people"), desk.get_json(page)):
        assert "vera@knjige.example.rs" in detail_page.text and "060 111 222" not in detail_page.text


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(client: ConsoleClient, owner: Membership) -> None:
    sign_in_person(client, owner.person.email)
    answer = client.submit(
        "/moj/contacts/", headers=ENGLISH, name="Vera", email="nije adresa", city="Niš", permissions=["tickets"]
    )
    assert answer.status_code == 422
    assert "Enter a valid e-mail address." in answer.text
    assert 'value="Niš"' in answer.text and 'value="tickets" checked' in answer.text
    forged = client.submit("/moj/contacts/", json=True, name="Vera", email="v@example.rs", permissions=["everything"])
    assert forged.status_code == 422 and "permissions" in forged.json["error"]["fields"]


def test_a_stale_sign_in_grants_nothing_without_the_password(
    client: ConsoleClient, owner: Membership, clock: Clock
) -> None:
    sign_in_person(client, owner.person.email)
    clock.advance(timedelta(minutes=11))
    fields = {"email": "pozvan@example.rs", "permissions": ["transfer"]}
    refused = client.submit("/moj/users/invite", json=True, **fields)
    assert refused.status_code == 403 and refused.json["error"]["code"] == "reauth"
    page = client.submit("/moj/users/invite", headers=ENGLISH, **fields)
    assert page.status_code == 403 and 'value="pozvan@example.rs"' in page.text and 'name="own_password"' in page.text
    assert client.submit("/moj/users/invite", json=True, **fields, own_password="pogrešna").status_code == 403
    assert db.session.scalars(select(Invitation)).all() == []
    assert client.submit("/moj/users/invite", json=True, **fields, own_password=factories.PASSWORD).status_code == 200
    again = {"email": "druga@example.rs", "permissions": ["transfer"]}
    assert client.submit("/moj/users/invite", json=True, **again).status_code == 200  # it counts for ten minutes


def test_a_contact_who_becomes_another_person_needs_the_password(
    client: ConsoleClient, owner: Membership, clock: Clock
) -> None:
    contact = factories.make_member(owner.customer, MemberRole.CONTACT, rights=[Right.EMAILS])
    sign_in_person(client, owner.person.email)
    clock.advance(timedelta(minutes=11))
    path, fields = f"/moj/contacts/{contact.id}", {"name": "Vera", "permissions": ["emails"]}
    assert client.submit(path, json=True, **fields, email=contact.person.email).status_code == 200
    other = fields | {"email": "druga@example.rs"}
    refused = client.submit(path, json=True, **other)
    assert refused.status_code == 403 and refused.json["error"]["code"] == "reauth"
    assert client.submit(path, json=True, **other, own_password=factories.PASSWORD).status_code == 200


def test_who_was_invited_registers_in_the_page_of_the_link(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], owner: Membership
) -> None:
    sign_in_person(client, owner.person.email)
    answer = client.submit("/moj/users/invite", email="pozvan@example.rs", which="all")
    assert answer.status_code == 303
    assert "pozvan@example.rs" in client.get("/moj/users/").text
    link = f"/moj/invitation/{token_of(db.session.scalars(select(Invitation)).one())}"
    guest = new_client()
    page = guest.get(link, headers=ENGLISH)
    assert page.status_code == 200 and "Register" in page.text
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "strict-origin")
    for weak in ("Kr-1", "samomala", "Password-1"):  # short, of one kind, in every list of guesses
        assert guest.submit(f"{link}/register", name="Petar", password=weak, again=weak).status_code == 422
    assert guest.submit(f"{link}/register", name="Petar", password=STRONG, again="x").status_code == 422
    joined = guest.submit(f"{link}/register", name="Petar Pozvan", password=STRONG, again=STRONG)
    assert joined.status_code == 303
    home = guest.get("/moj/")
    assert home.status_code == 200 and owner.customer.name in home.text
    assert guest.get(link).status_code == 404
    member = db.session.scalars(select(Membership).join(Person).where(Person.email == "pozvan@example.rs")).one()
    assert member.held_rights() == frozenset(Right)


def test_a_known_person_accepts_with_their_password_or_at_once_when_signed_in(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], owner: Membership
) -> None:
    sign_in_person(client, owner.person.email)
    for signed_in in (False, True):
        known = factories.owner_of(factories.make_customer()).person
        client.submit("/moj/users/invite", json=True, email=known.email)
        newest = db.session.scalars(select(Invitation).order_by(Invitation.id.desc())).first()
        assert newest is not None
        link = f"/moj/invitation/{token_of(newest)}"
        guest = new_client()
        if signed_in:
            sign_in_person(guest, known.email)
        else:
            assert guest.submit(f"{link}/accept", own_password="pogrešna").status_code == 422
            assert guest.submit(f"{link}/register", name="x", password=STRONG, again=STRONG).status_code == 409
        joined = guest.submit(f"{link}/accept", **({} if signed_in else {"own_password": factories.PASSWORD}))
        assert joined.status_code == 303
        assert owner.customer.name in guest.get("/moj/").text


def test_another_person_who_is_signed_in_does_not_join(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], owner: Membership
) -> None:
    sign_in_person(client, owner.person.email)
    known = factories.make_person(email="pozvan@example.rs")
    client.submit("/moj/users/invite", json=True, email=known.email)
    link = f"/moj/invitation/{token_of(db.session.scalars(select(Invitation)).one())}"
    other = new_client()
    sign_in_person(other, factories.owner_of(factories.make_customer()).person.email)
    assert other.submit(f"{link}/accept").status_code == 422  # asks for the password of the invited address
    assert db.session.scalar(select(Membership.id).where(Membership.person_id == known.id)) is None


def test_what_is_taken_away_is_gone_at_the_next_request(client: ConsoleClient, owner: Membership) -> None:
    user = factories.make_member(owner.customer, rights=[Right.CONTACTS, Right.EMAILS])
    sign_in_person(client, user.person.email)
    assert client.get("/moj/contacts/").status_code == 200
    with transaction():
        change_user(actor_of(owner), user.id, [Right.EMAILS])
    assert client.get("/moj/contacts/").status_code == 404
    assert client.get("/moj/mails/").status_code == 200
    with transaction():
        remove_member(actor_of(owner), user.id)
    assert client.get("/moj/mails/").status_code == 404
    assert owner.customer.name not in client.get("/moj/").text


def test_accounts_are_not_mixed_up(client: ConsoleClient, owner: Membership) -> None:
    stranger = factories.make_member(factories.make_customer(), MemberRole.CONTACT)
    theirs = factories.make_member(factories.make_customer())
    sign_in_person(client, owner.person.email)
    assert client.get(f"/moj/contacts/{stranger.id}").status_code == 404
    assert client.submit(f"/moj/contacts/{stranger.id}", json=True, name="x", email="x@example.rs").status_code == 404
    assert client.submit(f"/moj/users/{theirs.id}", json=True).status_code == 404
    assert client.submit(f"/moj/members/{theirs.id}/remove", json=True).status_code == 404
    answer = client.submit(
        "/moj/contacts/", json=True, name="x", email="x@example.rs", account=stranger.customer.number
    )
    assert answer.status_code == 404


def test_an_imported_owners_number_stays_when_they_get_a_sign_in(session: Session) -> None:
    """They have none yet, and the number is that of their own account."""
    person = factories.make_person(sign_in=False, phone="060 111 222")
    own = factories.owner_of(factories.make_customer(owner=person))
    with transaction():
        make_sign_in(person.email, "Milan Ilić", "hash")
    session.expire_all()
    assert own.phone_number == "060 111 222"
