"""Accounts and their people: what is checked, who stays who."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.core.actor import SYSTEM
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.text import words
from console.core.transaction import transaction
from console.customers.models import (
    CUSTOMER_SEARCH,
    Customer,
    CustomerKind,
    CustomerStatus,
    MemberRole,
    Membership,
    Person,
    TaxStatus,
)
from console.customers.people.members import change_user, remove_member
from console.customers.queries import customer_by_number, live_verification, members_of, opened_rights
from console.customers.rights import ALL_RIGHTS, Right
from console.customers.service import (
    CustomerData,
    MemberData,
    add_member,
    close_customer,
    register_customer,
)
from tests import factories

COMPANY = CustomerData(
    name="Mlekara Jasen d.o.o.", kind=CustomerKind.COMPANY, pib="100000024", mb="20000017", city="Kragujevac"
)


def register(data: CustomerData) -> Customer:
    with transaction():
        return register_customer(SYSTEM, data)


def test_a_company_is_kept_as_it_was_given(session: Session) -> None:
    customer = register(replace(COMPANY, name="  Mlekara Jasen d.o.o. ", tax_status=TaxStatus.EXEMPT, currency="EUR"))
    db.session.expire_all()
    stored = customer_by_number(customer.number.lower())
    assert (stored.name, stored.pib, stored.mb) == ("Mlekara Jasen d.o.o.", "100000024", "20000017")
    assert (stored.tax_status, stored.currency, stored.status) == (TaxStatus.EXEMPT, "EUR", CustomerStatus.ACTIVE)


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"pib": None}, "pib"),
        ({"pib": "100000025"}, "pib"),  # the check digit
        ({"pib": "10000002"}, "pib"),
        ({"pib": "١٠٠٠٠٠٠٢٤"}, "pib"),
        ({"mb": "2000001"}, "mb"),
        ({"mb": "2000001a"}, "mb"),
        ({"country": "XX"}, "country"),
        ({"country": "rs"}, "country"),
        ({"country": "ZZ"}, "country"),
        ({"language": "de"}, "language"),
        ({"currency": "USD"}, "currency"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_kept(session: Session, change: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        register(replace(COMPANY, **change))  # type: ignore[arg-type]
    assert list(refusal.value.fields) == [field]
    assert db.session.scalar(select(func.count()).select_from(Customer)) == 0


def test_numbers_of_other_countries_are_not_ours_to_check(session: Session) -> None:
    assert register(replace(COMPANY, country="SI", pib="SI12345678", mb=None)).pib == "SI12345678"
    assert register(CustomerData(name="Ana Petrović")).pib is None


@pytest.mark.both
def test_an_external_id_is_taken_once(session: Session) -> None:
    register(replace(COMPANY, external_id="A-1"))
    with pytest.raises(Conflict):
        register(replace(COMPANY, external_id="A-1"))


@pytest.mark.both
def test_it_is_found_by_name_and_number_and_by_nothing_personal(session: Session) -> None:
    customer = register(replace(COMPANY, name="Đorđević Čačak"))
    for term in ("djordjevic", "ђорђевић", "čač", customer.number):
        condition = CUSTOMER_SEARCH.matches(db.session(), Customer.id, term)
        assert condition is not None and db.session.scalar(select(Customer.id).where(condition)) == customer.id
    for secret in ("100000024", "20000017", "Kragujevac"):
        assert words(secret)
        condition = CUSTOMER_SEARCH.matches(db.session(), Customer.id, secret)
        assert condition is not None and db.session.scalar(select(Customer.id).where(condition)) is None


@pytest.mark.both
def test_one_person_is_one_person_on_every_account(session: Session) -> None:
    first, second = factories.make_customer(), factories.make_customer()
    with transaction():
        one = add_member(
            SYSTEM, first, MemberData("Knjigovodja@Example.test", "Vera", MemberRole.CONTACT, rights=[Right.INVOICES])
        )
        two = add_member(
            SYSTEM,
            second,
            MemberData(" knjigovodja@example.TEST", "Neko drugi", MemberRole.USER, password_hash="$argon2id$stolen"),
        )
    assert one.person_id == two.person_id
    assert (one.person.email, one.person.name) == ("knjigovodja@example.test", "Vera")
    assert one.person.password_hash is None  # nobody gives somebody else's person a sign-in
    assert one.held_rights() == {Right.INVOICES} and two.held_rights() == frozenset()


@pytest.mark.both
def test_an_owner_holds_every_right_and_there_is_one(session: Session) -> None:
    customer = factories.make_customer()
    assert factories.owner_of(customer).held_rights() == ALL_RIGHTS
    with pytest.raises(Conflict), transaction():
        add_member(SYSTEM, customer, MemberData("drugi@example.test", "Drugi", MemberRole.OWNER))
    with pytest.raises(Conflict), transaction():
        remove_member(SYSTEM, factories.owner_of(customer).id)
    with pytest.raises(Conflict), transaction():
        change_user(SYSTEM, factories.owner_of(customer).id, [Right.INVOICES])
    assert db.session.scalar(select(Person.id).where(Person.email == "drugi@example.test")) is None


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    "email", ["", "ana", "ana@", "@example.test", "a b@example.test", "ana@example", "a\0@example.test"]
)
def test_a_wrong_email_joins_nobody(session: Session, email: str) -> None:
    customer = factories.make_customer()
    with pytest.raises(Invalid) as refusal, transaction():
        add_member(SYSTEM, customer, MemberData(email, "Ana", MemberRole.USER))
    assert "email" in refusal.value.fields
    assert len(members_of(customer.id)) == 1


def test_who_was_removed_may_come_back_without_the_old_pin(session: Session) -> None:
    customer = factories.make_customer()
    member = factories.make_member(customer, MemberRole.CONTACT, rights=[Right.INVOICES])
    old = factories.pin_of(member)
    with transaction():
        remove_member(SYSTEM, member.id)
    assert member.held_rights() == frozenset() and member not in members_of(customer.id)
    with transaction():
        again = add_member(
            SYSTEM, customer, MemberData(member.person.email, "x", MemberRole.USER, rights=[Right.ORDERS])
        )
    assert again.id == member.id and again.held_rights() == {Right.ORDERS}
    assert factories.pin_of(again) != old


def test_taking_rights_away_closes_live_verifications_at_once(session: Session) -> None:
    customer = factories.make_customer()
    member = factories.make_member(customer, rights=[Right.INVOICES, Right.PRODUCTS])
    staff = factories.make_staff()
    factories.make_verification(staff, member)
    actor = factories.actor_of(staff)
    assert opened_rights(actor, customer.id) == {Right.INVOICES, Right.PRODUCTS}
    with transaction():
        change_user(SYSTEM, member.id, [Right.PRODUCTS, Right.TRANSFER])
    # What was granted afterwards was not held when the person was verified.
    assert opened_rights(actor, customer.id) == {Right.PRODUCTS}
    with transaction():
        remove_member(SYSTEM, member.id)
    assert live_verification(actor, customer.id) is None


@pytest.mark.both
def test_closing_an_account_ends_its_verifications(session: Session) -> None:
    customer = factories.make_customer()
    staff = factories.make_staff()
    verification = factories.make_verification(staff, factories.owner_of(customer))
    with transaction():
        close_customer(SYSTEM, customer, "na zahtev")
    db.session.refresh(verification)
    assert verification.ended_at is not None and verification.end_reason == "closed"
    assert live_verification(factories.actor_of(staff), customer.id) is None


def test_no_role_of_ours_registers_or_adds(session: Session) -> None:
    customer = factories.make_customer()
    for role in ("agent", "billing", "supervisor", "admin"):
        actor = factories.actor_of(factories.make_staff(factories.Role(role)))
        with pytest.raises(NotFound), transaction():
            register_customer(actor, COMPANY)
        with pytest.raises(NotFound), transaction():
            add_member(actor, customer, MemberData("x@example.test", "X", MemberRole.USER))
    assert db.session.scalar(select(func.count()).select_from(Membership)) == 1


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("number", ["K-10000", "K-9999", "K-99999999999", "K-1e5", "10001", "", "K-", "K-10001x"])
def test_a_number_nobody_has_is_not_found(session: Session, number: str) -> None:
    factories.make_customer()
    with pytest.raises(NotFound):
        customer_by_number(number)
