"""Opening an account of one's own: asked for in a form, there once the address is confirmed.

Answer and work are the same for an address that is known; only its mailbox learns it. Until the link in the mail is
used with the password that was chosen, there is neither person nor account: no one prepares an account with another's
address, and a password of their own, for that other to confirm.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from console.audit.service import record
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.context import settings
from console.core.db import db
from console.core.emails import normal_email
from console.core.errors import Conflict, Invalid, Text
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.core.upsert import insert_missing
from console.customers.models import Customer, CustomerKind, MemberRole, Membership, Person, Registration
from console.customers.service import CustomerData, MemberData, check_customer, check_member, enroll, register_customer
from console.mail import limits
from console.mail.links import SecretLink
from console.mail.service import queue
from console.tokens import service as tokens

PURPOSE = "account.registration"
LASTS = timedelta(hours=24)


@dataclass(frozen=True)
class RegistrationData:
    """What the form asks for."""

    name: str
    email: str
    kind: CustomerKind = CustomerKind.PERSON
    company: str = ""
    pib: str = ""
    mb: str = ""
    language: str = "sr_Latn"


def check(data: RegistrationData) -> RegistrationData:
    """Return the data in the form it is stored in. Call before the password is hashed, which takes its time.

    Raises:
        Invalid: with a message for every wrong field.
    """
    wrong: dict[str, list[Text]] = {}
    try:
        check_member(MemberData(email=data.email, name=one_line(data.name)))
    except Invalid as refusal:
        wrong |= refusal.fields
    try:
        check_customer(_account(data))
    except Invalid as refusal:
        # An account of a person is called as the person is: that is said once.
        renamed = {"company" if name == "name" else name: messages for name, messages in refusal.fields.items()}
        wrong |= {name: found for name, found in renamed.items() if data.kind is CustomerKind.COMPANY}
    if wrong:
        raise Invalid(fields=wrong)
    return RegistrationData(
        name=one_line(data.name),
        email=normal_email(data.email),
        kind=data.kind,
        company=one_line(data.company),
        pib=one_line(data.pib),
        mb=one_line(data.mb),
        language=data.language,
    )


def ask(data: RegistrationData, password_hash: str, address: str | None) -> None:
    """Mail a link that confirms the address; or, where it is known, say so to its mailbox alone.

    Raises:
        TooMany: the address got enough mail within the hour, known or not.
    """
    known = has_sign_in(data.email)
    row = Registration(
        email=data.email,
        name=data.name,
        password_hash=password_hash,
        kind=data.kind,
        company=data.company,
        pib=data.pib or None,
        mb=data.mb or None,
        language=data.language,
        expires_at=clock.now() + LASTS,
    )
    db.session.add(row)
    db.session.flush()
    link = SecretLink(f"{settings().base_url}/moj/register/", tokens.issue(PURPOSE, _subject(row), LASTS))
    queue(
        "registration_known" if known else "registration",
        to_address=data.email,
        language=data.language,
        link=f"{settings().base_url}/moj/login" if known else link,
        until=row.expires_at,
        portal=settings().portal_brand,
    )
    if known:
        tokens.revoke(PURPOSE, _subject(row))
        db.session.delete(row)
        db.session.flush()
    visitor = Actor(kind="visitor", id=None, name="", address=address)
    record(visitor, "person.registration_asked", "unknown")


def registration_behind(token: str) -> Registration:
    """Return what a link confirms. Looking uses nothing up.

    Raises:
        NotFound: ``link_gone``: it was used, is too old, or the address has a sign-in by now.
    """
    subject = tokens.subject_of(PURPOSE, token)
    row = db.session.get(Registration, int(subject.partition(":")[2])) if subject else None
    if row is None or has_sign_in(row.email):
        raise tokens.gone()
    return row


def confirm(token: str, password_hash: str, address: str | None) -> Membership:
    """Open the account; the password was shown again.

    Args:
        password_hash: the one that was compared, void where it is not the registration's.

    Raises:
        NotFound: as in :func:`registration_behind`.
    """
    row = registration_behind(token)
    if row.password_hash != password_hash or tokens.use(PURPOSE, token) != _subject(row):
        raise tokens.gone()
    try:
        person = make_sign_in(row.email, row.name, row.password_hash)
    except Conflict as refusal:
        raise tokens.gone() from refusal
    person.language = row.language
    actor = Actor(kind="person", id=person.id, name=person.name, address=address)
    record(actor, "person.registered", f"person:{person.id}")
    customer = _open_account(row)
    membership = enroll(
        actor, customer, MemberData(email=person.email, name=person.name, role=MemberRole.OWNER, language=row.language)
    )
    limits.prove(person.email)
    db.session.delete(row)
    db.session.flush()
    return membership


def make_sign_in(email: str, name: str, password_hash: str) -> Person:
    """Make the sign-in of an address: a contact somewhere else gets theirs, others are new. Of two at once one does.

    Raises:
        Conflict: ``registered``: it has one already.
    """
    blank = {"email": email, "name": one_line(name), "phone": "", "created_at": clock.now()}
    insert_missing(Person, [blank], Person.email)
    query = select(Person).where(Person.email == email).with_for_update()
    person = db.session.scalars(query.execution_options(populate_existing=True)).one()
    if person.password_hash is not None:
        raise Conflict(lazy_gettext("This address already has a sign-in. Sign in to accept."), code="registered")
    person.name, person.password_hash = one_line(name), password_hash
    if not _owns_an_account(person.id):
        # An account that had them as a contact may have written a number down: that is not theirs to show to others.
        person.phone = ""
    db.session.flush()
    return person


def _owns_an_account(person_id: int) -> bool:
    """Return whether they own one: an import brings owners who have no sign-in yet, and their number."""
    query = select(Membership.id).where(Membership.person_id == person_id, Membership.is_owner)
    return db.session.scalar(query.limit(1)) is not None


def has_sign_in(email: str) -> bool:
    """Return whether a person signs in with this address. Never to be told to a visitor."""
    query = select(Person.id).where(Person.email == email, Person.password_hash.is_not(None))
    return db.session.scalar(query) is not None


def clear(before: datetime) -> None:
    """Delete registrations that were not confirmed in time."""
    db.session.execute(delete(Registration).where(Registration.expires_at < before))


def _account(data: RegistrationData | Registration) -> CustomerData:
    company = data.kind is CustomerKind.COMPANY
    return CustomerData(
        name=one_line(data.company if company else data.name),
        kind=data.kind,
        pib=one_line(data.pib or "") or None if company else None,
        mb=one_line(data.mb or "") or None if company else None,
        language=data.language,
    )


def _open_account(row: Registration) -> Customer:
    return register_customer(SYSTEM, _account(row))


def _subject(row: Registration) -> str:
    return f"registration:{row.id}"
