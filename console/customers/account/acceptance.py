"""The acceptance of a handover: the account has its new holder, and the old one nothing more there.

The old owner's password is theirs, not the account's: it opens what else they are on. Who is on nothing else has no
sign-in any more. The new owner signs in with their own, made here where they have none; that begins no security hold,
for nothing of theirs changed hands but what they were offered.
"""

from __future__ import annotations

from sqlalchemy import select, update

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict
from console.core.texts import lazy_gettext
from console.customers import holds
from console.customers.account import corrections, emails, handover, mails
from console.customers.account.handover import ADDRESS, require_possible
from console.customers.account.hooks import HandedOver, run_handed_over, run_renamed
from console.customers.account.models import Handover, HandoverState
from console.customers.models import (
    CUSTOMER_SEARCH,
    Customer,
    MemberRole,
    Membership,
    Person,
    PersonSession,
    Verification,
)
from console.customers.passwords import void_links
from console.customers.people import invitations
from console.customers.registration import make_sign_in
from console.customers.service import MemberData, check_member, end_verifications, enroll, tax_status_in
from console.mail import limits


def accept(actor: Actor, token: str, person: Person) -> Membership:
    """Take the account over as ``person``, who is signed in or has just been registered.

    Raises:
        NotFound: as in :func:`console.customers.account.handover.handover_behind`.
        Conflict: ``other_person`` (the offer went to another address), ``held`` (the old owner is), or an obstacle.
    """
    offer = handover.lock_behind(token)
    if person.email != offer.email:
        raise Conflict(
            lazy_gettext("This handover is for %(email)s. Sign in with that address.", email=offer.email),
            code="other_person",
        )
    handover.use_up(token, offer)
    holds.require_none(offer.owner.person)
    require_possible(offer.customer)
    old = offer.owner.person
    membership = _change_owner(actor, offer, person)
    _put_holder(offer)
    keeps_sign_in = _end_old(actor, offer.customer, old)
    corrections.end_for(actor, offer.customer_id, old.id)
    handover.end(actor, offer, HandoverState.ACCEPTED, "account.handed_over")
    run_handed_over(actor, HandedOver(offer.customer, old, person, keeps_sign_in))
    limits.prove(person.email)
    mails.notify_of_handover(offer, old, "gone")
    mails.notify_of_handover(offer, person, "received")
    return membership


def register_new_owner(token: str, name: str, password_hash: str, address: str | None) -> Membership:
    """Make a sign-in for the address the offer went to, and take the account over with it.

    Raises:
        NotFound, Conflict: as :func:`accept`; ``registered``: the address has a sign-in already.
        Invalid: the name is wrong.
    """
    offer = handover.lock_behind(token)
    check_member(MemberData(email=offer.email, name=name))
    person = make_sign_in(offer.email, name, password_hash)
    actor = Actor(kind="person", id=person.id, name=person.name, address=address)
    record(actor, "person.registered", f"person:{person.id}", handover=offer.id)
    return accept(actor, token, person)


def _change_owner(actor: Actor, offer: Handover, person: Person) -> Membership:
    """Replace the old owner by the new one; the others stay or are removed, and every PIN is renewed."""
    customer = offer.customer
    query = select(Membership).where(Membership.customer_id == customer.id, Membership.removed_at.is_(None))
    keeps = {MemberRole.USER: offer.keeps_users, MemberRole.CONTACT: offer.keeps_contacts}
    for member in db.session.scalars(query.order_by(Membership.id)).all():
        # The old owner may know it: they handed it out.
        member.pin_expires_at = None
        if member.person_id == person.id or not keeps.get(member.role, False):
            member.removed_at = clock.now()
            db.session.flush()
            record(actor, "member.removed", customer.number, customer_id=customer.id, person=member.person_id)
    db.session.flush()
    end_verifications(Verification.customer_id == customer.id, reason="handover")
    invitations.end_all(customer.id)
    return enroll(actor, customer, MemberData(email=person.email, name=person.name, role=MemberRole.OWNER))


def _put_holder(offer: Handover) -> None:
    """Put the new holder's data on the account. An exemption from PDV was the old holder's own."""
    customer = offer.customer
    customer.kind, customer.name = offer.kind, offer.name
    customer.pib, customer.mb = offer.pib, offer.mb
    for name in ADDRESS:
        setattr(customer, name, getattr(offer, name))
    customer.tax_status = tax_status_in(offer.country)
    db.session.flush()
    CUSTOMER_SEARCH.put(db.session(), customer.id, customer.searchable())
    run_renamed(customer)


def _end_old(actor: Actor, customer: Customer, old: Person) -> bool:
    """End the old owner's sessions and links, and a sign-in that opens nothing else; return whether it stays."""
    now = clock.now()
    live = update(PersonSession).where(PersonSession.person_id == old.id, PersonSession.revoked_at.is_(None))
    db.session.execute(live.values(revoked_at=now))
    void_links(old)
    emails.withdraw_open(actor, old)
    query = select(Membership.id).where(
        Membership.person_id == old.id, Membership.customer_id != customer.id, Membership.removed_at.is_(None)
    )
    if db.session.scalar(query.limit(1)) is not None:
        return True
    old.password_hash = None
    db.session.flush()
    record(actor, "person.sign_in_ended", f"person:{old.id}", customer_id=customer.id)
    return False
