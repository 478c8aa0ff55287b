"""The support PIN: whose it is, how long it counts, where it is never found."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest
from cryptography.fernet import Fernet
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.app import create_app
from console.audit.models import AuditEntry
from console.core import clock as core_clock
from console.core.actor import Actor
from console.core.context import sealer
from console.core.db import db
from console.core.errors import Conflict, NotFound
from console.core.settings import Settings
from console.core.transaction import transaction
from console.customers.models import MemberRole, Membership
from console.customers.queries import live_verification
from console.customers.rights import Right
from console.customers.verification.pins import current_pin, hotp, may_hold, pin_at, renew_pin
from console.customers.verification.service import verify
from console.customers.verification.supervision import unlock
from console.mail.models import Mail
from console.staff.roles import Role
from tests import factories
from tests.conftest import Clock


def person_of(member: Membership) -> Actor:
    return Actor(kind="person", id=member.person_id, name=member.person.name)


def renew(member: Membership) -> str:
    with transaction():
        return renew_pin(person_of(member), member)[0]


def test_it_is_the_hotp_of_rfc_4226(session: Session) -> None:
    """Appendix D of the RFC."""
    sealed = sealer().seal(base64.b32encode(b"12345678901234567890"))
    expected = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
    assert [hotp(sealed, counter) for counter in range(10)] == expected


def test_it_is_the_same_until_it_ends_and_stored_nowhere(session: Session, clock: Clock) -> None:
    member = factories.owner_of(factories.make_customer())
    assert pin_at(member) is None and member.pin_secret is None
    pin = factories.pin_of(member)
    assert len(pin) == 6 and pin.isdigit()
    assert pin_at(member) == factories.pin_of(member) == pin
    secret = sealer().open(member.pin_secret or "")
    assert secret not in (member.pin_secret or "").encode()
    assert pyotp.HOTP(secret.decode()).at(member.pin_counter) == pin
    clock.advance(timedelta(minutes=61))
    assert pin_at(member) is None
    assert factories.pin_of(member) != pin


def test_who_cannot_sign_in_keeps_it_longer(session: Session) -> None:
    customer = factories.make_customer()
    contact = factories.make_member(customer, MemberRole.CONTACT)
    now = core_clock.now()
    with transaction():
        _, own = current_pin(factories.owner_of(customer))
        _, handed = current_pin(contact)
    assert timedelta(minutes=59) < own - now < timedelta(minutes=61)
    assert timedelta(days=6) < handed - now < timedelta(days=8)


@pytest.mark.both
def test_the_pins_of_one_person_name_the_account(session: Session) -> None:
    """They must differ, also where chance makes them alike: two memberships are given one secret."""
    person = factories.make_person()
    first, second = (factories.owner_of(factories.make_customer(owner=person)) for _ in range(2))
    pin = factories.pin_of(first)
    with transaction():
        second.pin_secret, second.pin_counter = first.pin_secret, first.pin_counter - 1
    assert factories.pin_of(second) != pin
    assert pin_at(first) == pin
    agent = factories.actor_of(factories.make_staff())
    for member in (first, second):
        with transaction():
            done = verify(agent, email=person.email, pin=factories.pin_of(member), channel="phone")
        assert done is not None and done.customer_id == member.customer_id


@pytest.mark.both
def test_a_new_one_ends_what_the_old_one_opened(session: Session) -> None:
    member = factories.owner_of(factories.make_customer())
    agent = factories.actor_of(factories.make_staff())
    old = factories.pin_of(member)
    with transaction():
        done = verify(agent, email=member.person.email, pin=old, channel="phone")
    assert done is not None
    new = renew(member)
    assert new != old
    assert live_verification(agent, member.customer_id) is None
    db.session.refresh(done)
    assert done.end_reason == "pin"
    for pin, expected in ((old, False), (new, True)):
        with transaction():
            assert bool(verify(agent, email=member.person.email, pin=pin, channel="phone")) is expected


def test_seeing_an_expired_one_anew_ends_nothing(session: Session, clock: Clock) -> None:
    """Only a renewal is a sign that something is wrong; looking into the portal during a call is not."""
    member = factories.owner_of(factories.make_customer())
    agent = factories.actor_of(factories.make_staff())
    pin = factories.pin_of(member)
    clock.advance(timedelta(minutes=50))
    with transaction():
        assert verify(agent, email=member.person.email, pin=pin, channel="phone")
    clock.advance(timedelta(minutes=15))
    assert factories.pin_of(member) != pin
    assert live_verification(agent, member.customer_id) is not None


def test_the_person_is_mailed_of_a_new_one_without_it(session: Session) -> None:
    member = factories.make_member(factories.make_customer(), MemberRole.CONTACT)
    owner = factories.owner_of(member.customer)
    with transaction():
        pin, _ = renew_pin(person_of(owner), member)
    mail = db.session.scalars(select(Mail).where(Mail.template == "pin_renewed")).one()
    assert mail.to_address == member.person.email and mail.customer_id == member.customer_id
    assert owner.person.name in mail.text
    assert pin not in mail.text + mail.html + mail.subject
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "pin.renewed")).one()
    assert (entry.actor_id, entry.customer_id) == (owner.person_id, member.customer_id)
    assert pin not in str(entry.data)


def test_who_may_see_and_renew_it(session: Session) -> None:
    customer, other = factories.make_customer(), factories.make_customer()
    owner, stranger = factories.owner_of(customer), factories.owner_of(other)
    user = factories.make_member(customer, MemberRole.USER, rights=list(Right))
    contact = factories.make_member(customer, MemberRole.CONTACT)
    colleague = factories.make_member(customer, MemberRole.CONTACT)
    # The contact is also on the other account, whose owner has no say here.
    elsewhere = factories.make_member(other, MemberRole.CONTACT, person=contact.person)
    assert may_hold(person_of(owner), contact) and may_hold(person_of(contact), contact)
    assert may_hold(person_of(stranger), elsewhere)
    refused = [
        (person_of(owner), user),  # who signs in sees it alone
        (person_of(user), contact),
        (person_of(user), owner),
        (person_of(contact), colleague),
        (person_of(stranger), contact),
        (person_of(owner), elsewhere),
        (Actor(kind="visitor", id=None, name=""), contact),
        *((factories.actor_of(factories.make_staff(role)), contact) for role in Role),
    ]
    for actor, member in refused:
        assert not may_hold(actor, member)
        with pytest.raises(NotFound), transaction():
            renew_pin(actor, member)


def test_a_burned_one_stays_burned_until_it_is_renewed(session: Session, clock: Clock) -> None:
    member = factories.owner_of(factories.make_customer())
    pin = factories.pin_of(member)
    agents = [factories.actor_of(factories.make_staff()) for _ in range(2)]
    wrong = "000000" if pin != "000000" else "000001"
    for round_ in range(2):
        for _ in range(5):
            with transaction():
                assert verify(agents[round_], email=member.person.email, pin=wrong, channel="phone") is None
        clock.advance(timedelta(minutes=16))
    db.session.refresh(member)
    assert member.pin_failures == 10 and member.pin_burned_at is not None
    supervisor = factories.actor_of(factories.make_staff(Role.SUPERVISOR))
    with transaction():
        unlock(supervisor, member)
    with transaction():
        assert verify(agents[0], email=member.person.email, pin=pin, channel="phone") is None
    assert pin_at(member) is None
    new = factories.pin_of(member)  # the portal shows a new one
    with transaction():
        assert verify(agents[0], email=member.person.email, pin=new, channel="phone")


def test_a_person_taken_off_or_an_account_closed_gets_none(session: Session) -> None:
    member = factories.make_member(factories.make_customer())
    factories.pin_of(member)
    with transaction():
        member.removed_at = core_clock.now()
    assert pin_at(member) is None
    with pytest.raises(Conflict):
        factories.pin_of(member)
    closed = factories.owner_of(factories.make_customer(status=factories.CustomerStatus.CLOSED))
    with pytest.raises(Conflict):
        factories.pin_of(closed)


@pytest.fixture
def with_other_keys(settings: Settings) -> Callable[[tuple[str, ...]], Flask]:
    """Open the same database with other seal keys."""
    return lambda keys: create_app(replace(settings, seal_keys=keys))


def test_a_lost_seal_key_costs_a_new_pin_and_nothing_else(
    session: Session, with_other_keys: Callable[[tuple[str, ...]], Flask]
) -> None:
    member = factories.owner_of(factories.make_customer())
    old, key = factories.pin_of(member), member.id
    email = member.person.email
    agent = factories.actor_of(factories.make_staff())
    db.session.rollback()
    app = with_other_keys((Fernet.generate_key().decode(),))
    with app.app_context():
        again = db.session.get_one(Membership, key)
        assert pin_at(again) is None
        with transaction():
            assert verify(agent, email=email, pin=old, channel="phone") is None
        db.engine.dispose()
