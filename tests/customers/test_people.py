"""Contacts, users and invitations: nothing is granted that was not held, and every link serves once."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from functools import partial
from time import sleep
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core import clock as core_clock
from console.core.actor import SYSTEM, Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Refusal
from console.core.transaction import transaction
from console.customers import holds
from console.customers.access import rights_of
from console.customers.models import Customer, Invitation, MemberRole, Membership, Person, VerificationKind
from console.customers.people import invitations
from console.customers.people.members import (
    ContactData,
    add_contact,
    change_contact,
    change_user,
    remove_member,
)
from console.customers.queries import members_of
from console.customers.rights import MailCategory, Right
from console.customers.service import close_customer, enroll
from console.mail import links
from console.mail.models import Mail
from tests import factories
from tests.billing.test_migration_concurrency import at_once
from tests.conftest import Clock

pytestmark = pytest.mark.both

BOOKKEEPER = ContactData(
    name="Vera Knjigović",
    email="Vera@Knjige.Example.RS",
    phone="+381 11 222 333",
    address="Ulica 5",
    city="Niš",
    postcode="18000",
    mail=frozenset({MailCategory.INVOICE}),
    rights=frozenset({Right.INVOICES}),
)


def actor_of(member: Membership) -> Actor:
    return factories.signed_in_actor(member.person)


def mails(template: str) -> list[Mail]:
    return list(db.session.scalars(select(Mail).where(Mail.template == template).order_by(Mail.id)))


def token_in(mail: Mail) -> str:
    text, _html = links.put_in(mail.text, mail.html, mail.sealed_links)
    found = re.search(r"/moj/invitation/(\S+)", text)
    assert found is not None
    return found[1]


@pytest.fixture
def customer(session: Session) -> Customer:
    return factories.make_customer()


@pytest.fixture
def owner(customer: Customer) -> Membership:
    return factories.owner_of(customer)


def test_a_contact_is_kept_as_given_and_is_no_sign_in(customer: Customer, owner: Membership) -> None:
    with transaction():
        contact = add_contact(actor_of(owner), customer, BOOKKEEPER)
    db.session.expire_all()
    assert (contact.name, contact.person.email, contact.role) == (
        "Vera Knjigović", "vera@knjige.example.rs", MemberRole.CONTACT,
    )  # fmt: skip
    assert (contact.address, contact.city, contact.postcode) == ("Ulica 5", "Niš", "18000")
    assert (contact.held_rights(), contact.mail) == ({Right.INVOICES}, ["invoice"])
    assert contact.person.password_hash is None


def test_a_known_person_keeps_their_own_name(customer: Customer, owner: Membership) -> None:
    known = factories.make_person(email="vera@knjige.example.rs", name="Vera Prava")
    with transaction():
        contact = add_contact(actor_of(owner), customer, BOOKKEEPER)
    assert contact.person_id == known.id and known.name == "Vera Prava" and contact.name == "Vera Knjigović"


def test_another_address_is_another_person(customer: Customer, owner: Membership) -> None:
    with transaction():
        contact = add_contact(actor_of(owner), customer, BOOKKEEPER)
    old_pin = factories.pin_of(contact)
    staff = factories.make_staff()
    verification = factories.make_verification(staff, contact)
    with transaction():
        new = change_contact(actor_of(owner), contact.id, ContactData(name="Vera Nova", email="vera@nova.example.rs"))
    db.session.expire_all()
    assert new.id != contact.id and contact.removed_at is not None
    assert factories.pin_of(new) != old_pin
    assert verification.ended_at is not None


def test_the_owner_is_told_of_both_people_where_a_contact_becomes_another(
    customer: Customer, owner: Membership
) -> None:
    manager = factories.make_member(customer, rights=[Right.CONTACTS])
    with transaction():
        contact = add_contact(actor_of(owner), customer, replace(BOOKKEEPER, rights=frozenset()))
        change_contact(actor_of(manager), contact.id, ContactData(name="Vera Nova", email="vera@nova.example.rs"))
    removed, added = (mail.text for mail in mails("people_changed"))
    assert contact.person.email in removed and "vera@nova.example.rs" in added


@pytest.mark.parametrize("what", ["add", "grant", "change_more", "remove_more", "self", "owner", "no_contacts"])
def test_nothing_is_granted_that_was_not_held(customer: Customer, owner: Membership, what: str) -> None:
    manager = factories.make_member(customer, rights=[Right.CONTACTS, Right.INVOICES])
    more = factories.make_member(customer, rights=[Right.TRANSFER])
    equal = factories.make_member(customer, rights=[Right.INVOICES])
    reader = factories.make_member(customer, rights=[Right.INVOICES])
    by = actor_of(manager)

    def act() -> None:
        if what == "add":
            add_contact(by, customer, ContactData(name="A", email="a@x.example.rs", rights=frozenset({Right.DOMAINS})))
        elif what == "grant":
            change_user(by, equal.id, [Right.INVOICES, Right.TRANSFER])
        elif what == "change_more":
            change_user(by, more.id, [])
        elif what == "remove_more":
            remove_member(by, more.id)
        elif what == "self":
            change_user(by, manager.id, [Right.CONTACTS])
        elif what == "owner":
            remove_member(by, owner.id)
        else:
            change_user(actor_of(reader), equal.id, [])

    expected: dict[str, type[Refusal]] = {"add": Invalid, "grant": Invalid, "no_contacts": NotFound}
    with pytest.raises(expected.get(what, Conflict)), transaction():
        act()
    db.session.expire_all()
    assert {m.id for m in members_of(customer.id)} == {owner.id, manager.id, more.id, equal.id, reader.id}
    assert equal.rights == ["invoices"] and more.rights == ["transfer"]


def test_what_one_holds_can_be_granted_and_the_owner_is_told(customer: Customer, owner: Membership) -> None:
    manager = factories.make_member(customer, rights=[Right.CONTACTS, Right.INVOICES])
    user = factories.make_member(customer)
    with transaction():
        change_user(actor_of(manager), user.id, [Right.INVOICES], [MailCategory.INVOICE])
    assert user.held_rights() == {Right.INVOICES} and user.mail == ["invoice"]
    (mail,) = mails("people_changed")
    assert mail.to_address == owner.person.email and user.person.email in mail.text
    with transaction():  # the owner needs no mail about what they did themselves
        remove_member(actor_of(owner), user.id)
    assert len(mails("people_changed")) == 1


def test_staff_act_for_the_caller_they_verified_and_for_no_one_else(customer: Customer, owner: Membership) -> None:
    staff = factories.make_staff()
    agent = factories.actor_of(staff)
    with pytest.raises(NotFound), transaction():
        add_contact(agent, customer, BOOKKEEPER)
    override = factories.make_verification(staff, owner, kind=VerificationKind.OVERRIDE)
    assert rights_of(agent, customer.id) == frozenset()
    with transaction():
        db.session.delete(override)
    factories.make_verification(staff, factories.make_member(customer, rights=[Right.CONTACTS]))
    with pytest.raises(Invalid), transaction():
        add_contact(agent, customer, BOOKKEEPER)  # the caller does not hold invoices
    factories.make_verification(staff, owner)
    with transaction():
        add_contact(agent, customer, BOOKKEEPER)
    (mail,) = mails("people_changed")
    assert mail.to_address == owner.person.email and agent.name in mail.text


def test_a_hold_stops_grants_in_every_channel(customer: Customer, owner: Membership, clock: Clock) -> None:
    user = factories.make_member(customer)
    staff = factories.make_staff()
    factories.make_verification(staff, owner, lasts=timedelta(days=9))
    with transaction():
        holds.begin(actor_of(owner), owner.person, "password_reset")
    for by in (actor_of(owner), factories.actor_of(staff)):
        with pytest.raises(Conflict) as refusal, transaction():
            change_user(by, user.id, [Right.TRANSFER])
        assert refusal.value.code == "held"
        with pytest.raises(Conflict), transaction():
            invitations.invite(by, customer, "nova@example.rs", [Right.TICKETS])
        with transaction():
            change_user(by, user.id, [])  # taking away is always possible
    clock.advance(timedelta(hours=72, seconds=1))
    with transaction():
        change_user(actor_of(owner), user.id, [Right.TRANSFER])


# --- invitations -----------------------------------------------------------------------------------------------------


def invite(customer: Customer, by: Membership, *rights: Right, email: str = "pozvan@example.rs") -> str:
    with transaction():
        invitations.invite(actor_of(by), customer, email, rights)
    return token_in(mails("invitation")[-1])


def test_an_invited_person_registers_and_joins_once(customer: Customer, owner: Membership) -> None:
    token = invite(customer, owner, Right.TICKETS)
    with transaction():
        member = invitations.register_invited(token, "Petar Pozvan", "hash", "203.0.113.1")
    assert (member.role, member.held_rights(), member.person.name) == (
        MemberRole.USER, {Right.TICKETS}, "Petar Pozvan",
    )  # fmt: skip
    assert [mail.to_address for mail in mails("people_changed")] == [owner.person.email]
    with pytest.raises(NotFound), transaction():
        invitations.register_invited(token, "Petar", "hash", None)
    row = db.session.scalars(select(Invitation)).one()
    assert row.membership_id == member.id and row.ended_at is not None


def test_a_known_person_accepts_and_another_does_not(customer: Customer, owner: Membership) -> None:
    known, other = factories.make_person(email="pozvan@example.rs"), factories.make_person()
    token = invite(customer, owner, Right.TICKETS)
    with pytest.raises(Conflict), transaction():
        invitations.register_invited(token, "Neko", "hash", None)  # they have a sign-in: it is not replaced
    with pytest.raises(Conflict) as refusal, transaction():
        invitations.accept(Actor(kind="person", id=other.id, name="x"), token, other)
    assert refusal.value.code == "other_person"
    with transaction():
        member = invitations.accept(Actor(kind="person", id=known.id, name="x"), token, known)
    assert member.person_id == known.id


@pytest.mark.parametrize("what", ["expired", "revoked", "replaced", "inviter_removed", "inviter_lost_it", "closed"])
def test_an_invitation_dies_with_what_it_came_from(
    customer: Customer, owner: Membership, clock: Clock, what: str
) -> None:
    manager = factories.make_member(customer, rights=[Right.CONTACTS, Right.TICKETS])
    token = invite(customer, manager, Right.TICKETS)
    with transaction():
        if what == "expired":
            clock.advance(timedelta(days=7, seconds=1))
        elif what == "revoked":
            invitations.revoke(actor_of(owner), db.session.scalars(select(Invitation.id)).one())
        elif what == "replaced":
            invitations.invite(actor_of(owner), customer, "pozvan@example.rs", [])
        elif what == "inviter_removed":
            remove_member(actor_of(owner), manager.id)
        elif what == "inviter_lost_it":
            change_user(actor_of(owner), manager.id, [Right.CONTACTS])
        else:
            close_customer(SYSTEM, customer, "na zahtev")
    with pytest.raises(NotFound), transaction():
        invitations.register_invited(token, "Petar", "hash", None)
    assert db.session.scalar(select(Person.id).where(Person.email == "pozvan@example.rs")) is None


def test_an_invitation_is_accepted_or_revoked_but_not_both(
    customer: Customer, owner: Membership, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = invite(customer, owner)
    key, by = db.session.scalars(select(Invitation.id)).one(), actor_of(owner)
    db.session.rollback()

    def enroll_slowly(*values: Any) -> Membership:
        sleep(0.3)  # the link is used up, the invitation is still open
        return enroll(*values)

    monkeypatch.setattr(invitations, "enroll", enroll_slowly)

    def accept() -> int:
        with transaction():
            return invitations.register_invited(token, "Petar Pozvan", "hash", None).id

    def revoke() -> None:
        sleep(0.1)
        with transaction():
            invitations.revoke(by, key)

    accepted, revoked = at_once(app, [accept, revoke])
    db.session.expire_all()
    assert isinstance(revoked, NotFound)
    assert db.session.get_one(Invitation, key).membership_id == accepted is not None


def test_a_hold_that_begins_later_stops_what_an_invitation_grants(
    customer: Customer, owner: Membership, clock: Clock
) -> None:
    granted, bare = invite(customer, owner, Right.TRANSFER), invite(customer, owner, email="bez@example.rs")
    with transaction():
        holds.begin(actor_of(owner), owner.person, "password_reset")
    with pytest.raises(Conflict) as refusal, transaction():
        invitations.register_invited(granted, "Petar Pozvan", "hash", None)
    assert refusal.value.code == "held"
    assert db.session.scalar(select(Person.id).where(Person.email == "pozvan@example.rs")) is None
    with transaction():  # it grants nothing
        assert invitations.register_invited(bare, "Bez Dozvola", "hash", None).held_rights() == frozenset()
    clock.advance(holds.LASTS)
    with transaction():
        assert invitations.register_invited(granted, "Petar Pozvan", "hash", None).held_rights() == {Right.TRANSFER}


def test_invitations_are_few_and_checked(customer: Customer, owner: Membership) -> None:
    by = actor_of(owner)
    with pytest.raises(Invalid), transaction():
        invitations.invite(by, customer, "nije adresa", [])
    with pytest.raises(Conflict), transaction():
        invitations.invite(by, customer, owner.person.email, [])
    with transaction():
        for number in range(invitations.MOST_OPEN):
            invitations.invite(by, customer, f"p{number}@example.rs", [])
    with pytest.raises(Conflict) as refusal, transaction():
        invitations.invite(by, customer, "jos@example.rs", [])
    assert refusal.value.code == "invitations"


def test_a_link_sent_again_replaces_the_first(customer: Customer, owner: Membership) -> None:
    first = invite(customer, owner)
    with transaction():
        invitations.resend(actor_of(owner), db.session.scalars(select(Invitation.id)).one())
    second = token_in(mails("invitation")[-1])
    assert second != first
    with pytest.raises(NotFound):
        invitations.invitation_behind(first)
    assert invitations.invitation_behind(second).expires_at > core_clock.now()


def test_of_two_accounts_that_invite_one_address_one_makes_the_sign_in(
    app: Flask, customer: Customer, owner: Membership
) -> None:
    def register(token: str) -> int:
        with transaction():
            return invitations.register_invited(token, "Petar Pozvan", "hash", None).customer_id

    other = factories.owner_of(factories.make_customer())
    for number in range(5):
        email = f"p{number}@example.rs"
        tokens = [invite(one.customer, one, email=email) for one in (owner, other)]
        db.session.rollback()
        results = at_once(app, [partial(register, token) for token in tokens])
        refused = [one for one in results if isinstance(one, Refusal)]
        assert [one.code for one in refused] == ["registered"], results
