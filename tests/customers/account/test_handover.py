"""Handing a whole account over: the owner offers it, the new address accepts, and nothing of the old one opens it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.billing.migration import Request, request_migration
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Refusal
from console.core.transaction import transaction
from console.customers import holds, signin
from console.customers.access import rights_of
from console.customers.account import acceptance, corrections, emails, handover, hooks
from console.customers.account.handover import HandoverData
from console.customers.account.hooks import HandedOver
from console.customers.account.models import Handover, HandoverState
from console.customers.account.profile import profile_of, save_profile
from console.customers.models import (
    Customer,
    CustomerKind,
    CustomerStatus,
    MemberRole,
    Membership,
    Person,
    PersonSession,
    TaxStatus,
    VerificationKind,
)
from console.customers.people import invitations
from console.customers.queries import members_of
from console.customers.rights import ALL_RIGHTS, Right
from console.customers.verification.pins import pin_at
from console.hosting.models import Service, SuspensionReason
from console.identity.queries import authenticator_of, passkeys_of
from console.staff.roles import Role
from tests import factories
from tests.conftest import Clock
from tests.customers.account.support import actor_of, audited, mails, token_in

FIRM = HandoverData(
    person_name="Novi Vlasnik",
    email="Novi@Firma.Example.RS",
    kind=CustomerKind.COMPANY,
    company="Nova firma d.o.o.",
    pib=factories.make_pib(7),
    mb=factories.make_mb(7),
    address="Nova 1",
    postcode="21000",
    city="Novi Sad",
    phone="021 555 333",
)


@pytest.fixture
def customer(session: Session) -> Customer:
    return factories.make_customer(name="Ana Stara", tax_status=TaxStatus.EXEMPT)


@pytest.fixture
def owner(customer: Customer) -> Membership:
    return factories.owner_of(customer)


@pytest.fixture
def listened() -> Iterator[list[HandedOver]]:
    heard: list[HandedOver] = []
    hooks.register_handed_over("test", lambda _actor, event: heard.append(event))
    yield heard
    hooks.register_handed_over("test", lambda _actor, _event: None)


def start(member: Membership, data: HandoverData = FIRM, actor: Actor | None = None) -> str:
    with transaction():
        handover.start(actor or actor_of(member), member.customer_id, data)
    return token_in(mails("handover_offer")[-1], "/moj/handover/accept/")


def register(token: str) -> Membership:
    with transaction():
        return acceptance.register_new_owner(token, "Novi Vlasnik", factories.password_hash(), None)


@pytest.mark.both
def test_the_account_has_a_new_holder_and_nothing_of_the_old_one_opens_it(
    customer: Customer, owner: Membership, listened: list[HandedOver], clock: Clock
) -> None:
    old, issued = owner.person, factories.make_proforma(customer)
    session = signed_in(old)
    user, contact = factories.make_member(customer), factories.make_member(customer, MemberRole.CONTACT)
    pins = {one.id: factories.pin_of(one) for one in (owner, user, contact)}
    verification = factories.make_verification(factories.make_staff(), user)
    with transaction():
        invitation = invitations.invite(actor_of(owner), customer, "pozvan@example.rs", [Right.TRANSFER])
        save_profile(actor_of(owner), customer.id, replace(profile_of(customer), name="Ana Nova"), correction="razlog")
        emails.ask(actor_of(owner), "ana-nova@example.rs")
    new = register(start(owner, replace(FIRM, keeps_users=True, keeps_contacts=True)))
    db.session.expire_all()
    assert (new.is_owner, new.person.email, new.person.name) == (True, "novi@firma.example.rs", "Novi Vlasnik")
    assert (customer.kind, customer.name, customer.pib) == (CustomerKind.COMPANY, FIRM.company, FIRM.pib)
    assert (customer.address, customer.city, customer.phone) == ("Nova 1", "Novi Sad", "021 555 333")
    assert customer.tax_status is TaxStatus.DOMESTIC  # the exemption was the old holder's
    assert issued.buyer["name"] == "Ana Stara"
    assert {one.id for one in members_of(customer.id)} == {new.id, user.id, contact.id}
    assert (
        rights_of(actor_of(owner), customer.id) == frozenset() and rights_of(actor_of(new), customer.id) == ALL_RIGHTS
    )
    assert session.revoked_at is not None and old.password_hash is None
    assert signin.check_password(old.email, factories.PASSWORD) is None
    assert verification.ended_at is not None and invitation.ended_at is not None
    assert corrections.open_correction(customer.id) is None and emails.open_change(old.id) is None
    assert pin_at(owner) is None and pin_at(user) is None and pin_at(contact) is None
    assert factories.pin_of(contact) != pins[contact.id]
    assert not new.person.is_held(clock.now())  # a password made inside a handover begins no hold
    assert [(one.old.id, one.new.id, one.keeps_sign_in) for one in listened] == [(old.id, new.person_id, False)]
    assert [m.to_address for m in mails("handover_update")][-2:] == [old.email, new.person.email]
    assert audited("account.handed_over")[0].actor_id == new.person_id


def signed_in(person: Person) -> PersonSession:
    proof = signin.check_password(person.email, factories.PASSWORD)
    assert proof is not None
    with transaction():
        signin.sign_in(proof, address=None, user_agent=None)
    return db.session.scalars(select(PersonSession).where(PersonSession.person_id == person.id)).one()


@pytest.mark.parametrize("elsewhere", [False, True])
def test_second_factors_end_with_the_sign_in(customer: Customer, owner: Membership, elsewhere: bool) -> None:
    if elsewhere:
        factories.make_member(factories.make_customer(), person=owner.person)
    factories.switch_totp_on(owner.person)
    factories.make_passkey(owner.person)
    register(start(owner))
    db.session.expire_all()
    left = authenticator_of(owner.person_id) is not None, len(passkeys_of(owner.person_id))
    assert left == ((True, 1) if elsewhere else (False, 0))


def test_others_go_unless_they_are_kept_and_another_account_keeps_the_sign_in(
    customer: Customer, owner: Membership, listened: list[HandedOver]
) -> None:
    other = factories.make_member(factories.make_customer(), person=owner.person)
    user, contact = factories.make_member(customer), factories.make_member(customer, MemberRole.CONTACT)
    new = register(start(owner, replace(FIRM, keeps_contacts=True)))
    assert {one.id for one in members_of(customer.id)} == {new.id, contact.id}
    assert user.removed_at is not None and other.removed_at is None
    assert owner.person.password_hash is not None and listened[0].keeps_sign_in
    assert not rights_of(actor_of(owner), customer.id)


def test_a_known_person_accepts_with_their_own_sign_in_also_one_of_the_accounts_users(
    customer: Customer, owner: Membership
) -> None:
    user = factories.make_member(customer, rights=[Right.TICKETS])
    before = user.person.password_hash
    token = start(owner, replace(FIRM, email=user.person.email))
    with pytest.raises(Conflict) as registered:
        register(token)
    assert registered.value.code == "registered"
    stranger = factories.make_person()
    with pytest.raises(Conflict) as other, transaction():
        acceptance.accept(Actor("person", stranger.id, stranger.name), token, stranger)
    assert other.value.code == "other_person"
    with transaction():
        new = acceptance.accept(actor_of(user), token, user.person)
    assert new.is_owner and new.person.password_hash == before
    assert [one.id for one in members_of(customer.id)] == [new.id]


@pytest.mark.parametrize("who", ["user", "contact", "stranger", "agent", "agent_of_user", "override"])
def test_only_the_owner_begins_one_or_staff_who_verified_the_owner(
    customer: Customer, owner: Membership, who: str
) -> None:
    user = factories.make_member(customer, rights=Right)
    agent = factories.make_staff(Role.SUPERVISOR if who == "override" else Role.AGENT)
    if who == "agent_of_user":
        factories.make_verification(agent, user)
    elif who == "override":
        factories.make_verification(agent, owner, kind=VerificationKind.OVERRIDE)
    actors = {
        "user": actor_of(user),
        "contact": actor_of(factories.make_member(customer, MemberRole.CONTACT, rights=Right)),
        "stranger": actor_of(factories.owner_of(factories.make_customer())),
    }
    with pytest.raises(NotFound):
        start(owner, actor=actors.get(who, agent.actor()))
    if who == "agent":
        factories.make_verification(agent, owner)
        start(owner, actor=agent.actor())
        row = db.session.scalars(select(Handover)).one()
        assert (row.staff_id, row.verification_id is not None) == (agent.id, True)


@pytest.mark.parametrize("what", ["held", "suspended", "migration", "abuse", "own", "twice", "data"])
def test_what_stands_in_the_way(customer: Customer, owner: Membership, what: str) -> None:
    data = FIRM
    with transaction():
        if what == "held":
            holds.begin(actor_of(owner), owner.person, "password_reset")
        elif what == "suspended":
            customer.status = CustomerStatus.SUSPENDED
        elif what == "own":
            data = replace(FIRM, email=owner.person.email)
        elif what == "data":
            data = replace(FIRM, pib="123", company=" ", email="x", person_name="")
    if what in ("migration", "abuse"):
        service = factories.make_service(customer)
        hold_back(what, service, owner)
    if what == "twice":
        start(owner)
    kind: dict[str, Any] = {"own": Invalid, "data": Invalid}
    with pytest.raises(kind.get(what, Conflict)) as refused:
        start(owner, data)
    if what == "data":
        assert set(refused.value.fields) == {"pib", "company", "email", "person_name"}
    assert len(mails("handover_offer")) == (1 if what == "twice" else 0)


def hold_back(what: str, service: Service, owner: Membership) -> None:
    if what == "abuse":
        with transaction():
            service.suspension = SuspensionReason.ABUSE
        return
    agent, target = factories.make_staff(), factories.make_customer()
    verification = factories.make_verification(agent, owner)

    with transaction():
        request_migration(agent.actor(), Request((service.id,), target.number, verification.id, "Prodaja"), "kljuc-1")


def test_a_hold_or_a_migration_that_began_later_stops_the_acceptance(
    customer: Customer, owner: Membership, clock: Clock
) -> None:
    token = start(owner)
    with transaction():
        holds.begin(actor_of(owner), owner.person, "password_reset")
    with pytest.raises(Conflict) as held:
        register(token)
    assert held.value.code == "held"
    assert db.session.scalars(select(Person).where(Person.email == "novi@firma.example.rs")).all() == []
    clock.advance(holds.LASTS)
    hold_back("migration", factories.make_service(customer), owner)
    with pytest.raises(Conflict) as moving:
        register(token)
    assert moving.value.code == "in_migration" and factories.owner_of(customer).id == owner.id


def test_it_is_withdrawn_declined_or_expires_and_then_its_link_leads_nowhere(
    customer: Customer, owner: Membership, clock: Clock
) -> None:
    def states() -> list[HandoverState]:
        return list(db.session.scalars(select(Handover.state).order_by(Handover.id)))

    token = start(owner)
    key = db.session.scalars(select(Handover.id)).one()
    with pytest.raises(NotFound), transaction():
        handover.withdraw(actor_of(factories.make_member(customer, rights=Right)), key)
    with transaction():
        handover.withdraw(actor_of(owner), key)
    with pytest.raises(NotFound):
        register(token)
    token = start(owner)
    with transaction():
        handover.refuse(token, None)
    assert "odbijen" in mails("handover_update")[-1].text or "declined" in mails("handover_update")[-1].text
    with pytest.raises(NotFound), transaction():
        handover.refuse(token, None)
    token = start(owner)
    clock.advance(handover.LASTS)
    with pytest.raises(NotFound):
        register(token)
    with transaction():
        assert (handover.expire_due(), handover.expire_due()) == (1, 0)
    assert states() == [HandoverState.WITHDRAWN, HandoverState.REFUSED, HandoverState.EXPIRED]
    assert factories.owner_of(customer).id == owner.id
    start(owner)  # and another one can begin


def test_a_link_serves_once(customer: Customer, owner: Membership) -> None:
    token = start(owner)
    new = register(token)
    with pytest.raises(NotFound):
        register(token)
    assert factories.owner_of(customer).id == new.id


@pytest.mark.both
def test_of_several_acceptances_at_once_one_is_carried_out(
    app: Flask, customer: Customer, owner: Membership, in_threads: Callable[[Callable[[], None], int], None]
) -> None:
    token, hashed = start(owner), factories.password_hash()
    answers: list[str] = []

    def accept() -> None:
        with app.app_context():
            try:
                with transaction():
                    acceptance.register_new_owner(token, "Novi Vlasnik", hashed, None)
                answers.append("accepted")
            except Refusal as refusal:
                answers.append(refusal.code)

    db.session.rollback()
    in_threads(accept, 4)
    assert sorted(answers) == ["accepted", *["link_gone"] * 3]
    assert [one.role for one in members_of(customer.id)] == [MemberRole.OWNER]
    assert len(mails("handover_update")) == 3
