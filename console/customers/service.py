"""Accounts and the people on them: registered, changed, closed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypeVar

from babel import Locale
from sqlalchemy import select, update
from stdnum.rs import pib as serbian_pib

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.emails import NoAddress, email_problem, read_email
from console.core.errors import Conflict, Invalid, Text
from console.core.money import CURRENCIES
from console.core.text import is_blank, one_line
from console.core.texts import lazy_gettext
from console.core.upsert import insert_missing
from console.customers.mails import notify_of_state
from console.customers.masking import mask_pins
from console.customers.models import (
    CUSTOMER_SEARCH,
    Customer,
    CustomerKind,
    CustomerStatus,
    MemberRole,
    Membership,
    Person,
    TaxStatus,
    Verification,
)
from console.customers.owners import owner_of
from console.customers.rights import MailCategory, Right
from console.staff.roles import Permission

MANAGE = "customers.manage"  # no role has it: imports and the demo act as the system
LANGUAGES = ("sr_Latn", "en")
HOME = "RS"
MB_DIGITS = 8
MAX_REASON = 1_000
_COUNTRY = re.compile(r"[A-Z]{2}")
_LIMITS = {"name": 200, "pib": 20, "mb": 20, "address": 200, "postcode": 20, "city": 100, "phone": 40}
_PERSON_LIMITS = {"name": 120, "phone": 40}

_MISSING = lazy_gettext("This field is required.")
_TOO_LONG = lazy_gettext("This is too long.")


D = TypeVar("D", "CustomerData", "MemberData")


@dataclass(frozen=True)
class CustomerData:
    """What an account is registered with."""

    name: str
    kind: CustomerKind = CustomerKind.PERSON
    pib: str | None = None
    mb: str | None = None
    address: str = ""
    postcode: str = ""
    city: str = ""
    country: str = HOME
    phone: str = ""
    tax_status: TaxStatus = TaxStatus.DOMESTIC
    language: str = "sr_Latn"
    currency: str = "RSD"
    external_id: str | None = None


@dataclass(frozen=True)
class MemberData:
    """A person who joins an account, and what they may do there.

    Args:
        rights: what is granted; an owner holds all rights in any case.
        mail: the categories of mail they get.
        password_hash: for a new person; an existing person's sign-in is never changed.
    """

    email: str
    name: str
    role: MemberRole = MemberRole.OWNER
    phone: str = ""
    language: str | None = None
    rights: Iterable[Right] = ()
    mail: Iterable[MailCategory] = field(default=tuple(MailCategory))
    password_hash: str | None = None


def tax_status_in(country: str) -> TaxStatus:
    """Return how a buyer in a country is taxed; an exemption is decided by staff."""
    return TaxStatus.DOMESTIC if country == HOME else TaxStatus.ABROAD


def register_customer(actor: Actor, data: CustomerData) -> Customer:
    """Open an account.

    Raises:
        Invalid: with a message for every wrong field.
        Conflict: the external id is taken.
    """
    actor.require(MANAGE)
    data = _on_one_line(data, _LIMITS)
    check_customer(data)
    if data.external_id is not None and _external_id_taken(data.external_id):
        raise Conflict(lazy_gettext("An account with this external ID already exists."), code="external_id")
    customer = Customer(
        kind=data.kind,
        name=data.name,
        pib=data.pib or None,
        mb=data.mb or None,
        address=data.address,
        postcode=data.postcode,
        city=data.city,
        country=data.country,
        phone=data.phone,
        tax_status=data.tax_status,
        status=CustomerStatus.ACTIVE,
        language=data.language,
        currency=data.currency,
        external_id=data.external_id,
        created_at=clock.now(),
    )
    db.session.add(customer)
    db.session.flush()
    CUSTOMER_SEARCH.put(db.session(), customer.id, customer.searchable())
    record(actor, "customer.registered", customer.number, customer_id=customer.id, kind=customer.kind.value)
    return customer


def add_member(actor: Actor, customer: Customer, data: MemberData) -> Membership:
    """Put a person on an account; a person who is known by this e-mail stays the same person.

    Raises:
        Invalid: the e-mail or another field is wrong.
        Conflict: they are on the account already, or it has an owner.
    """
    actor.require(MANAGE)
    return enroll(actor, customer, data)


def enroll(actor: Actor, customer: Customer, data: MemberData) -> Membership:
    """Add a person as part of another verb, which has asked whether ``actor`` may.

    Raises:
        Invalid, Conflict: as :func:`add_member`.
    """
    data = _on_one_line(data, _PERSON_LIMITS)
    email = check_member(data)
    # Locked, so that of two calls at once the second sees the person or the owner that the first one added.
    customer = db.session.get_one(Customer, customer.id, with_for_update=True)
    person = _person(email, data)
    membership = db.session.scalar(
        select(Membership).where(Membership.customer_id == customer.id, Membership.person_id == person.id)
    )
    if membership is not None and membership.removed_at is None:
        raise Conflict(lazy_gettext("This person is already on the account."), code="member")
    if data.role is MemberRole.OWNER and _has_owner(customer.id):
        raise Conflict(lazy_gettext("The account already has an owner."), code="owner")
    if membership is None:
        membership = Membership(customer=customer, person=person, pin_counter=0, pin_failures=0)
        db.session.add(membership)
    membership.role = data.role
    membership.rights = _keys(data.rights)
    membership.mail = _keys(data.mail)
    membership.removed_at = None
    membership.contact_name = membership.address = membership.city = membership.postcode = ""
    membership.phone = data.phone if data.role is MemberRole.CONTACT else ""
    membership.pin_expires_at = None  # a person who comes back gets a new PIN
    db.session.flush()
    record(
        actor,
        "member.added",
        customer.number,
        customer_id=customer.id,
        person=person.id,
        role=data.role.value,
        rights=membership.rights,
    )
    return membership


def _has_owner(customer_id: int) -> bool:
    query = select(Membership.id).where(Membership.customer_id == customer_id, Membership.is_owner)
    return db.session.scalar(query) is not None


def suspend_customer(actor: Actor, customer: Customer, reason: str) -> None:
    """Suspend an account: nothing is transferred to it and it is not handed over; its people can still be verified.

    Raises:
        NotFound: the role does not set the state of accounts.
        Invalid: no reason was given, or it is too long.
        Conflict: it is suspended already, or closed.
    """
    _change_status(actor, customer, CustomerStatus.SUSPENDED, reason)


def close_customer(actor: Actor, customer: Customer, reason: str) -> None:
    """Close an account and end every verification for it. Its services and documents stay as they are.

    Raises:
        NotFound: the role does not set the state of accounts.
        Invalid: no reason was given, or it is too long.
        Conflict: it is closed already.
    """
    _change_status(actor, customer, CustomerStatus.CLOSED, reason)
    end_verifications(Verification.customer_id == customer.id, reason="closed")


def reopen_customer(actor: Actor, customer: Customer, reason: str) -> None:
    """Open a suspended or closed account again. What was ended with it, as verifications, stays ended.

    Raises:
        NotFound: the role does not set the state of accounts.
        Invalid: no reason was given, or it is too long.
        Conflict: it is open, or ``no_owner``: its owner was erased.
    """
    actor.require(Permission.SET_ACCOUNT_STATE)
    if owner_of(customer.id) is None:
        raise Conflict(lazy_gettext("The account has no owner any more, so it cannot be reopened."), code="no_owner")
    _change_status(actor, customer, CustomerStatus.ACTIVE, reason)


def end_verifications(condition: object, *, reason: str) -> None:
    """End the live verifications that meet ``condition``, in the open transaction."""
    now = clock.now()
    db.session.execute(
        update(Verification)
        .where(condition, Verification.ended_at.is_(None), Verification.expires_at > now)  # type: ignore[arg-type]
        .values(ended_at=now, end_reason=reason)
    )


def _change_status(actor: Actor, customer: Customer, status: CustomerStatus, reason: str) -> None:
    """Change an account's state and write to its people who get general messages, with the reason."""
    actor.require(Permission.SET_ACCOUNT_STATE)
    reason = mask_pins(one_line(reason))[0]
    if not reason:
        raise Invalid(fields={"reason": [lazy_gettext("Enter a reason.")]})
    if len(reason) > MAX_REASON:
        raise Invalid(fields={"reason": [_TOO_LONG]})
    # Of two at once the second sees what the first did. Not FOR UPDATE, which would hold up rows that refer to it.
    db.session.refresh(customer, with_for_update={"key_share": True})
    if customer.status is status or (customer.status is CustomerStatus.CLOSED and status is CustomerStatus.SUSPENDED):
        raise Conflict(lazy_gettext("The state of this account was changed in the meantime."), code="state")
    before, customer.status = customer.status, status
    db.session.flush()
    notify_of_state(customer, reason)
    record(
        actor,
        "customer.status_changed",
        customer.number,
        customer_id=customer.id,
        about=owner_of(customer.id),
        personal={"reason": reason},
        before=before.value,
        after=status.value,
    )


def _person(email: str, data: MemberData) -> Person:
    """Return the person known by ``email``, made now if there is none (one of two at once makes them).

    What an account knows of a contact is the account's, not the person's: other accounts may have the person too.
    """
    insert_missing(
        Person,
        [
            {
                "email": email,
                "name": data.name,
                "phone": "" if data.role is MemberRole.CONTACT else data.phone,
                "language": data.language,
                "password_hash": data.password_hash,
                "created_at": clock.now(),
            }
        ],
        Person.email,
    )
    return db.session.scalars(select(Person).where(Person.email == email)).one()


def _external_id_taken(external_id: str) -> bool:
    return db.session.scalar(select(Customer.id).where(Customer.external_id == external_id)) is not None


def check_customer(data: CustomerData) -> None:
    """Raise :class:`Invalid` with a message for every wrong field. Pure: the import checks with it too."""
    wrong = _too_long(data, _LIMITS)
    if is_blank(data.name):
        wrong["name"] = [_MISSING]
    if data.country not in _countries():
        wrong["country"] = [lazy_gettext("Enter a two-letter country code, like RS.")]
    if data.language not in LANGUAGES:
        wrong["language"] = [lazy_gettext("This language is not supported.")]
    if data.currency not in CURRENCIES:
        wrong["currency"] = [lazy_gettext("This currency is not supported.")]
    if data.country == HOME:
        wrong |= _check_numbers(data)
    if wrong:
        raise Invalid(fields=wrong)


def _check_numbers(data: CustomerData) -> dict[str, list[Text]]:
    """PIB: ISO 7064 MOD 11,10; MB: only its length can be checked."""
    wrong: dict[str, list[Text]] = {}
    pib, mb = data.pib or None, data.mb or None
    if pib is None and data.kind is CustomerKind.COMPANY:
        wrong["pib"] = [lazy_gettext("Enter the company’s PIB.")]
    if pib is not None and not (pib.isascii() and pib.isdigit() and serbian_pib.is_valid(pib)):
        wrong["pib"] = [lazy_gettext("Enter a valid PIB: nine digits, the last one a check digit.")]
    if mb is not None and not (mb.isascii() and mb.isdigit() and len(mb) == MB_DIGITS):
        wrong["mb"] = [lazy_gettext("Enter an eight-digit company number.")]
    return wrong


def check_member(data: MemberData) -> str:
    """Return the normal e-mail, or raise :class:`Invalid` with a message for every wrong field. Pure."""
    wrong = _too_long(data, _PERSON_LIMITS)
    if is_blank(data.name):
        wrong["name"] = [_MISSING]
    if data.language is not None and data.language not in LANGUAGES:
        wrong["language"] = [lazy_gettext("This language is not supported.")]
    email = ""
    try:
        email = read_email(data.email)
    except NoAddress as error:
        wrong["email"] = [email_problem(error)]
    if wrong:
        raise Invalid(fields=wrong)
    return email


def _on_one_line(data: D, names: Iterable[str]) -> D:
    """Return the data with its texts each on one line."""
    texts: dict[str, Any] = {name: one_line(getattr(data, name) or "") for name in names}
    return replace(data, **texts)


def _too_long(data: CustomerData | MemberData, limits: dict[str, int]) -> dict[str, list[Text]]:
    return {name: [_TOO_LONG] for name, limit in limits.items() if len(getattr(data, name) or "") > limit}


def _keys(values: Iterable[Right] | Iterable[MailCategory]) -> list[str]:
    return sorted({value.value for value in values})


@lru_cache(maxsize=1)
def _countries() -> frozenset[str]:
    """Return the two-letter codes that Babel knows as countries (CLDR)."""
    codes = (str(code) for code in Locale("en").territories)
    return frozenset(code for code in codes if _COUNTRY.fullmatch(code)) - {"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"}
