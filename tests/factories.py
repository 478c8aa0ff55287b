"""Things to test with: plain functions, one section a domain.

Each works inside an open ``transaction()`` and opens one itself where none is.
What has a verb is made through it, so that a factory's rows are the ones that
the console would have made. Names are unique in one test run.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import count
from typing import Any

from sqlalchemy import select
from stdnum.iso7064 import mod_11_10

from console.billing.models import Proforma
from console.billing.service import LineDraft, cancel_proforma, issue_proforma, record_payment
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.context import settings
from console.core.db import db
from console.core.passwords import hash_password
from console.core.settings import DEMO_PASSWORD
from console.core.transaction import is_writing, transaction
from console.customers.models import (
    Customer,
    CustomerKind,
    CustomerStatus,
    MemberRole,
    Membership,
    Person,
    Verification,
    VerificationKind,
)
from console.customers.rights import MailCategory, Right
from console.customers.service import (
    CustomerData,
    MemberData,
    add_member,
    close_customer,
    register_customer,
    suspend_customer,
)
from console.customers.verification.pins import current_pin
from console.hosting import service as hosting
from console.hosting.models import Domain, Product, ProductKind, Service, SuspensionReason
from console.hosting.service import ServiceData
from console.staff.models import Staff
from console.staff.roles import Role

PASSWORD = DEMO_PASSWORD
_numbers = count(1)


def _next() -> int:
    return next(_numbers)


def _writing() -> Any:
    """Open a transaction, unless the caller holds one."""
    return nullcontext() if is_writing() else transaction()


def at(instant: datetime) -> AbstractContextManager[None]:
    """Do something at another time, then go on from where the clock was."""
    return clock.standing_at(instant)


def today() -> date:
    """Return the local day documents would be dated with now."""
    return clock.local_date(clock.now(), settings().zone)


# --- Staff -----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def password_hash() -> str:
    """Return the hash of :data:`PASSWORD`, worked out once: Argon2 takes its time."""
    return hash_password(PASSWORD)


def make_staff(role: Role = Role.AGENT, *, email: str | None = None, name: str | None = None, **more: Any) -> Staff:
    """Make a staff member, who signs in with :data:`PASSWORD`.

    Args:
        more: columns that differ from a new account's, as in ``active=False``.
    """
    # Written as a row, not through ``add_staff``: tests count what is on the record about staff.
    number = _next()
    hashed = password_hash()
    with _writing():
        staff = Staff(
            email=email or f"{role.value}{number}@example.test",
            name=name or f"Zaposleni Žarko {number}",
            role=role,
            password_hash=hashed,
            created_at=clock.now(),
            **more,
        )
        db.session.add(staff)
        db.session.flush()
    return staff


def actor_of(staff: Staff) -> Actor:
    """Return ``staff`` as verbs are told."""
    return staff.actor("192.0.2.7")


# --- Customers -------------------------------------------------------------------------------------------------------


def make_pib(number: int | None = None) -> str:
    """Return a PIB with its right check digit."""
    body = f"{10_000_000 + (_next() if number is None else number) % 80_000_000:08d}"
    return body + mod_11_10.calc_check_digit(body)


def make_mb(number: int | None = None) -> str:
    """Return eight digits."""
    return f"{20_000_000 + (_next() if number is None else number) % 70_000_000:08d}"


def make_person(*, email: str | None = None, name: str | None = None, sign_in: bool = True, **more: Any) -> Person:
    """Make a person; without ``sign_in`` a contact, who has no password."""
    number = _next()
    hashed = password_hash() if sign_in else None
    with _writing():
        person = Person(
            email=email or f"osoba{number}@example.test",
            name=name or f"Đorđe Šćepanović {number}",
            password_hash=hashed,
            created_at=clock.now(),
            **more,
        )
        db.session.add(person)
        db.session.flush()
    return person


def make_customer(
    kind: CustomerKind = CustomerKind.PERSON,
    *,
    name: str | None = None,
    owner: Person | None = None,
    status: CustomerStatus = CustomerStatus.ACTIVE,
    **more: Any,
) -> Customer:
    """Make an account with its owner, whose membership :func:`owner_of` gives.

    Args:
        owner: a person who is there already.
        more: what ``CustomerData`` takes, as in ``tax_status=…, currency="EUR"``.
    """
    number = _next()
    company = kind is CustomerKind.COMPANY
    data = CustomerData(
        kind=kind,
        name=name or (f"Preduzeće Čačak {number} d.o.o." if company else f"Jelena Đukić {number}"),
        **{
            "pib": make_pib() if company else None,
            "mb": make_mb() if company else None,
            "address": f"Ulica Žrtava {number}",
            "postcode": "11000",
            "city": "Beograd",
            "phone": "+381 11 123 45 67",
            **more,
        },
    )
    with _writing():
        customer = register_customer(SYSTEM, data)
        make_member(customer, MemberRole.OWNER, person=owner or make_person(name=None if company else data.name))
        if status is CustomerStatus.SUSPENDED:
            suspend_customer(SYSTEM, customer, "Nije plaćeno")
        elif status is CustomerStatus.CLOSED:
            close_customer(SYSTEM, customer, "Na zahtev")
    return customer


def make_member(
    customer: Customer,
    role: MemberRole = MemberRole.USER,
    *,
    person: Person | None = None,
    rights: Iterable[Right] = (),
    mail: Iterable[MailCategory] = (),
) -> Membership:
    """Put a person on an account. An owner holds every right and gets all mail; others what is named."""
    with _writing():
        person = person or make_person(sign_in=role is not MemberRole.CONTACT)
        data = MemberData(
            email=person.email,
            name=person.name,
            role=role,
            rights=rights,
            mail=tuple(MailCategory) if role is MemberRole.OWNER else mail,
        )
        return add_member(SYSTEM, customer, data)


def owner_of(customer: Customer) -> Membership:
    """Return the owner's membership."""
    query = select(Membership).where(
        Membership.customer_id == customer.id, Membership.role == MemberRole.OWNER, Membership.removed_at.is_(None)
    )
    return db.session.scalars(query).one()


def pin_of(membership: Membership) -> str:
    """Return the person's support PIN, a new one where there was none or it has expired."""
    with _writing():
        pin, _expires_at = current_pin(membership)
    return pin


def make_verification(
    staff: Staff,
    membership: Membership,
    *,
    kind: VerificationKind = VerificationKind.PIN,
    lasts: timedelta = timedelta(minutes=30),
    **more: Any,
) -> Verification:
    """Make a live verification of a person by ``staff``, as if the PIN had been right."""
    now = clock.now()
    override = kind is VerificationKind.OVERRIDE
    with _writing():
        verification = Verification(
            kind=kind,
            customer_id=membership.customer_id,
            membership_id=None if override else membership.id,
            staff_id=staff.id,
            **{
                "channel": "phone",
                "rights": sorted(membership.held_rights()),
                "reason": "Sumnja na preuzet nalog" if override else None,
                "started_at": now,
                "expires_at": now + lasts,
                **more,
            },
        )
        db.session.add(verification)
        db.session.flush()
    return verification


# --- Hosting ---------------------------------------------------------------------------------------------------------


def make_product(kind: ProductKind = ProductKind.HOSTING, *, code: str | None = None, **more: Any) -> Product:
    """Make something to sell: 12,000.00 a year net, PDV 20 %.

    Args:
        more: ``name, price, currency, period_months, tax_bp``.
    """
    number = _next()
    with _writing():
        product = hosting.add_product(
            SYSTEM,
            code=code or f"{kind.value}-{number}",
            kind=kind,
            **{"name": f"Paket {number}", "price": 1_200_000, **more},
        )
        db.session.flush()
    return product


def make_service(
    customer: Customer, product: Product | None = None, *, label: str | None = None, **more: Any
) -> Service:
    """Start a service, owned by ``customer`` from now on.

    Args:
        more: what ``ServiceData`` takes, as in ``price=…``.
    """
    number = _next()
    with _writing():
        product = product or make_product(currency=customer.currency)
        data = ServiceData(
            label=label or f"sajt-{number}.example.rs",
            **{"started_on": today() - timedelta(days=100), "paid_until": today() + timedelta(days=265), **more},
        )
        service = hosting.start_service(SYSTEM, customer, product, data)
        db.session.flush()
    return service


def make_abuser(customer: Customer) -> Service:
    """Make a service that is suspended for abuse: it does not move."""
    with _writing():
        service = make_service(customer)
        hosting.suspend(SYSTEM, service, SuspensionReason.ABUSE)
    return service


def make_locked(customer: Customer) -> Service:
    """Make a service whose owner has locked its transfer."""
    with _writing():
        service = make_service(customer)
        hosting.lock_transfer(SYSTEM, service, locked=True)
    return service


def make_domain(service: Service, name: str | None = None) -> Domain:
    """Register a name for ``service``, one with the product kind ``domain`` as a rule."""
    with _writing():
        return hosting.register_domain(
            SYSTEM,
            service,
            name or f"domen-{_next()}.example.rs",
            registered_on=today() - timedelta(days=100),
            expires_on=today() + timedelta(days=265),
        )


# --- Billing ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LineSpec:
    """One line to be billed. ``net`` is the line's own, in minor units."""

    service: Service | None
    net: int = 1_200_000
    tax_bp: int = 2000
    quantity: int = 1
    description: str = "Produženje usluge"


def make_proforma(
    customer: Customer,
    lines: Iterable[LineSpec | Service] = (),
    *,
    issued_days_ago: int = 0,
    due_in_days: int = 8,
    paid: int = 0,
    cancelled: bool = False,
    currency: str | None = None,
) -> Proforma:
    """Issue a pro-forma; one line of 12,000.00 without a service when ``lines`` is empty.

    Args:
        lines: specifications, or services to be billed at 12,000.00 each.
        issued_days_ago: dates the document back; it is due ``due_in_days`` after that day.
        paid: what was paid on it since, in minor units; ``-1`` is all of it.
        cancelled: cancel it by a storno of today.
    """
    specs = [line if isinstance(line, LineSpec) else LineSpec(line) for line in lines] or [LineSpec(None)]
    drafts = [
        LineDraft(
            spec.description, spec.net, spec.tax_bp, None if spec.service is None else spec.service.id, spec.quantity
        )
        for spec in specs
    ]
    with _writing():
        with at(clock.now() - timedelta(days=issued_days_ago)):
            due_on = today() + timedelta(days=due_in_days)
            proforma = issue_proforma(SYSTEM, customer, drafts, currency=currency, due_on=due_on)
        if paid:
            record_payment(SYSTEM, proforma, proforma.total if paid == -1 else paid)
        if cancelled:
            cancel_proforma(SYSTEM, proforma, "Pogrešno izdato")
        db.session.flush()
    return proforma


# --- Personas --------------------------------------------------------------------------------------------------------


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
    with _writing():
        person = make_person(email=f"ana{_next()}@example.test", name="Ana Đorđević")
        customer = make_customer(name="Ana Đorđević", owner=person)
        first = make_service(customer, label="prodavnica-jasen.example.rs")
        second = make_service(customer, label="čajdžinica.example.rs")
        make_domain(make_service(customer, make_product(ProductKind.DOMAIN), hosted_with=first))
        shared = make_proforma(customer, [LineSpec(first, 990_000), LineSpec(second, 450_050)])
    return Persona(customer, owner_of(customer), (first, second), (shared,))


def firma() -> Persona:
    """Make a company: an owner, a user who may see services, a bookkeeper who may see documents."""
    with _writing():
        person = make_person(email=f"firma{_next()}@example.test", name="Željko Šarić")
        customer = make_customer(CustomerKind.COMPANY, name="Građevina Žunić d.o.o.", owner=person)
        user = make_member(customer, MemberRole.USER, rights=[Right.PRODUCTS, Right.DOMAINS, Right.TICKETS])
        bookkeeper = make_member(customer, MemberRole.CONTACT, rights=[Right.INVOICES], mail=[MailCategory.INVOICE])
        service = make_service(customer)
    return Persona(customer, owner_of(customer), (service,), (), user, bookkeeper)


def novi() -> Persona:
    """Make Novi, who registered and has no service yet."""
    with _writing():
        person = make_person(email=f"novi{_next()}@example.test", name="Novak Čolić")
        customer = make_customer(name="Novak Čolić", owner=person)
    return Persona(customer, owner_of(customer))
