"""Whole accounts, as the demo has them."""

from __future__ import annotations

from dataclasses import dataclass

from console.billing.models import Proforma
from console.customers.models import Customer, CustomerKind, MemberRole, Membership
from console.customers.rights import MailCategory, Right
from console.hosting.models import ProductKind, Service
from tests.factories.billing import LineSpec, make_proforma
from tests.factories.customers import make_customer, make_member, make_person, owner_of
from tests.factories.hosting import make_domain, make_product, make_service
from tests.factories.shared import next_number, writing


@dataclass(frozen=True)
class Persona:
    """An account and what stands on it."""

    customer: Customer
    owner: Membership
    services: tuple[Service, ...] = ()
    proformas: tuple[Proforma, ...] = ()
    user: Membership | None = None
    bookkeeper: Membership | None = None


def ana() -> Persona:
    """Make Ana, a person with two services that share an open pro-forma; the first has a domain."""
    with writing():
        person = make_person(email=f"ana{next_number()}@example.test", name="Ana Đorđević")
        customer = make_customer(name="Ana Đorđević", owner=person)
        first = make_service(customer, label="prodavnica-jasen.example.rs")
        second = make_service(customer, label="čajdžinica.example.rs")
        make_domain(make_service(customer, make_product(ProductKind.DOMAIN), hosted_with=first))
        shared = make_proforma(customer, [LineSpec(first, 990_000), LineSpec(second, 450_050)])
    return Persona(customer, owner_of(customer), (first, second), (shared,))


def firma() -> Persona:
    """Make a company: an owner, a user who may see services, a bookkeeper who may see documents."""
    with writing():
        person = make_person(email=f"firma{next_number()}@example.test", name="Željko Šarić")
        customer = make_customer(CustomerKind.COMPANY, name="Građevina Žunić d.o.o.", owner=person)
        user = make_member(customer, MemberRole.USER, rights=[Right.PRODUCTS, Right.DOMAINS, Right.TICKETS])
        bookkeeper = make_member(customer, MemberRole.CONTACT, rights=[Right.INVOICES], mail=[MailCategory.INVOICE])
        service = make_service(customer)
    return Persona(customer, owner_of(customer), (service,), (), user, bookkeeper)


def novi() -> Persona:
    """Make Novi, who registered and has no service yet."""
    with writing():
        person = make_person(email=f"novi{next_number()}@example.test", name="Novak Čolić")
        customer = make_customer(name="Novak Čolić", owner=person)
    return Persona(customer, owner_of(customer))
