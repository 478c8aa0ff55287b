"""People, their accounts, memberships and verifications."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from stdnum.iso7064 import mod_11_10

from console.core import clock
from console.core.actor import SYSTEM
from console.core.db import db
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
from console.staff.models import Staff
from tests.factories.shared import next_number, writing
from tests.factories.staff import password_hash


def make_pib(number: int | None = None) -> str:
    """Return a PIB with its right check digit."""
    body = f"{10_000_000 + (next_number() if number is None else number) % 80_000_000:08d}"
    return body + mod_11_10.calc_check_digit(body)


def make_mb(number: int | None = None) -> str:
    """Return eight digits."""
    return f"{20_000_000 + (next_number() if number is None else number) % 70_000_000:08d}"


def make_person(*, email: str | None = None, name: str | None = None, sign_in: bool = True, **more: Any) -> Person:
    """Make a person; without ``sign_in`` a contact, who has no password."""
    number = next_number()
    hashed = password_hash() if sign_in else None
    with writing():
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
    number = next_number()
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
    with writing():
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
    with writing():
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
    with writing():
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
    with writing():
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
