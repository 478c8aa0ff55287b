"""People, their memberships, sign-ins, invitations and verifications."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, delete, or_, select, update

from console.core import clock
from console.core.db import db
from console.customers.account.models import EmailChange
from console.customers.models import (
    CUSTOMER_SEARCH,
    Customer,
    CustomerKind,
    CustomerStatus,
    Invitation,
    Membership,
    Person,
    PersonSession,
    Registration,
    Verification,
)
from console.customers.service import end_verifications
from console.mail.models import ProvenAddress
from console.privacy.parts import ANONYMOUS, Erased, Part, Source, addresses_of, all_rows, anonymous_address, dump
from console.privacy.sources.account import erase_changes
from console.tokens import service as tokens


def _of_person(person: Person) -> Iterator[Part]:
    yield Part("person", dump(person))
    memberships = all_rows(select(Membership).where(Membership.person_id == person.id))
    yield Part("memberships", [dump(row) | {"account": row.customer.number} for row in memberships])
    yield Part("sign-ins", [dump(row) for row in all_rows(select(PersonSession).where(_session_of(person)))])
    invitations = all_rows(select(Invitation).where(Invitation.email.in_(addresses_of(person))))
    yield Part("invitations", [dump(row) | {"account": row.customer.number} for row in invitations])
    verified = all_rows(select(Verification).where(Verification.membership_id.in_([row.id for row in memberships])))
    yield Part("verifications", [dump(row, "staff_id") for row in verified])


def _of_account(customer: Customer) -> Iterator[Part]:
    folder = f"accounts/{customer.number}"
    yield Part(f"{folder}/account", dump(customer) | {"number": customer.number})
    members = all_rows(select(Membership).where(Membership.customer_id == customer.id))
    # An account knows of its people what it was given for them; what they do elsewhere is their own.
    people = [dump(row) | {"name": row.name, "email": row.person.email} for row in members]
    yield Part(f"{folder}/people", people)
    invitations = all_rows(select(Invitation).where(Invitation.customer_id == customer.id))
    yield Part(f"{folder}/invitations", [dump(row) for row in invitations])
    verified = all_rows(select(Verification).where(Verification.customer_id == customer.id))
    yield Part(f"{folder}/verifications", [dump(row, "staff_id") for row in verified])


def _erase(person: Person) -> Erased:
    """Take the person out; their own accounts close and become anonymous, documents aside."""
    session, now, known = db.session(), clock.now(), addresses_of(person)
    wished = list(session.scalars(select(EmailChange.new_email).where(EmailChange.person_id == person.id)))
    memberships = all_rows(select(Membership).where(Membership.person_id == person.id))
    owned = [row.customer for row in memberships if row.is_owner]
    end_verifications(Verification.membership_id.in_([row.id for row in memberships]), reason="removed")
    for row in memberships:
        row.removed_at = row.removed_at or now
        row.contact_name = row.phone = row.address = row.city = row.postcode = ""
        row.pin_secret, row.rights, row.mail = None, [], []
    invited = or_(Invitation.email.in_(known), Invitation.customer_id.in_([row.id for row in owned]))
    for invitation in all_rows(select(Invitation).where(invited)):
        tokens.revoke("account.invitation", f"invitation:{invitation.id}")
        invitation.email, invitation.ended_at = anonymous_address(person.id), invitation.ended_at or now
    session.execute(delete(PersonSession).where(_session_of(person)))
    session.execute(delete(Registration).where(Registration.email.in_(known)))
    session.execute(delete(ProvenAddress).where(ProvenAddress.address.in_([*known, *wished])))
    tokens.revoke("person.password", f"person:{person.id}")
    changes = erase_changes(person)
    for customer in owned:
        _close(customer)
    _make_anonymous(person)
    return Erased({"memberships": len(memberships), "accounts": len(owned), "email_changes": changes})


def _make_anonymous(person: Person) -> None:
    person.email, person.name, person.phone = anonymous_address(person.id), ANONYMOUS, ""
    person.password_hash = person.language = person.theme = person.held_until = None
    db.session.flush()


def _close(customer: Customer) -> None:
    """Close an account that has no owner any more. A company's name and numbers are no person's data: they stay."""
    customer.status = CustomerStatus.CLOSED
    customer.phone = ""
    if customer.kind is CustomerKind.PERSON:
        customer.name = ANONYMOUS
        customer.address = customer.postcode = customer.city = ""
        customer.pib = customer.mb = customer.external_id = None
    for member in customer.members:
        member.removed_at = member.removed_at or clock.now()
        member.contact_name = member.phone = member.address = member.city = member.postcode = ""
        if member.person.password_hash is None and all(one.removed_at for one in member.person.memberships):
            _make_anonymous(member.person)  # a contact whom only this account named
    reasons = update(Verification).where(Verification.customer_id == customer.id, Verification.reason.is_not(None))
    db.session.execute(reasons.values(reason=ANONYMOUS))
    db.session.flush()
    CUSTOMER_SEARCH.put(db.session(), customer.id, customer.searchable())


def _session_of(person: Person) -> ColumnElement[bool]:
    return PersonSession.person_id == person.id


SOURCE = Source("customers", _of_person, _of_account, _erase)
