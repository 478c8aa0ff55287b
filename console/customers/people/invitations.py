"""Inviting an independent user: a link in a mail, once and for seven days.

The link proves that its holder reads the invited address. Who has a sign-in with that address accepts with it; who has
none makes one. What is granted was the inviter's to grant when they asked, and must be when it is accepted: an
invitation dies with the rights it came from.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import func, select

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.emails import NoAddress, email_problem, read_email
from console.core.errors import Conflict, Invalid, NotFound
from console.core.texts import lazy_gettext
from console.customers import holds, mails
from console.customers.access import membership_behind
from console.customers.models import Customer, CustomerStatus, Invitation, MemberRole, Membership, Person
from console.customers.people import rules
from console.customers.registration import make_sign_in
from console.customers.rights import MailCategory, Right
from console.customers.service import MemberData, check_member, enroll
from console.mail import limits
from console.mail.links import SecretLink
from console.tokens import service as tokens

PURPOSE = "account.invitation"
LASTS = timedelta(days=7)
MOST_OPEN = 20  # of one account


def invite(actor: Actor, customer: Customer, email: str, rights: Iterable[Right]) -> Invitation:
    """Invite an address to an account as an independent user; an earlier invitation of it is void.

    Raises:
        NotFound: ``actor`` may not manage people.
        Invalid: the address is wrong, or a permission is not theirs to grant.
        Conflict: ``member`` (they are on the account), ``invitations`` (too many are open), ``held``.
    """
    own = rules.require_manager(actor, customer.id)
    rights = frozenset(rights)
    try:
        email = read_email(email)
    except NoAddress as error:
        raise Invalid(fields={"email": [email_problem(error)]}) from error
    rules.require_may_grant(actor, customer.id, rights, own)
    customer = db.session.get_one(Customer, customer.id, with_for_update=True)
    if _is_member(customer.id, email):
        raise Conflict(lazy_gettext("This person is already on the account."), code="member")
    for earlier in open_invitations(customer.id):
        if earlier.email == email:
            _end(earlier)
    if len(open_invitations(customer.id)) >= MOST_OPEN:
        raise Conflict(
            lazy_gettext("Too many invitations are waiting. Revoke one, or wait until it is accepted."),
            code="invitations",
        )
    inviter, now = membership_behind(actor, customer.id), clock.now()
    invitation = Invitation(
        customer=customer,
        email=email,
        rights=sorted(right.value for right in rights),
        invited_by_id=inviter.id if inviter is not None else None,
        created_at=now,
        expires_at=now + LASTS,
    )
    db.session.add(invitation)
    db.session.flush()
    _send(actor, invitation)
    record(
        actor,
        "invitation.sent",
        customer.number,
        customer_id=customer.id,
        invitation=invitation.id,
        rights=invitation.rights,
    )
    mails.notify_owner_of_invitation(actor, invitation)
    return invitation


def resend(actor: Actor, invitation_id: int) -> Invitation:
    """Mail the link again, a new one; the last is void, and the seven days begin again. The owner is told.

    Raises:
        NotFound: as in :func:`revoke`.
        TooMany: the address got enough within the hour.
    """
    invitation = _lock_open(actor, invitation_id)
    tokens.revoke(PURPOSE, _subject(invitation))
    invitation.expires_at = clock.now() + LASTS
    _send(actor, invitation)
    record(actor, "invitation.resent", invitation.customer.number, customer_id=invitation.customer_id,
           invitation=invitation.id)  # fmt: skip
    mails.notify_owner_of_invitation(actor, invitation, "reinvited")
    return invitation


def revoke(actor: Actor, invitation_id: int) -> Invitation:
    """Make an invitation void; the owner is told.

    Raises:
        NotFound: ``actor`` may not manage the account's people, or it is not open.
    """
    invitation = _lock_open(actor, invitation_id)
    _end(invitation)
    record(actor, "invitation.revoked", invitation.customer.number, customer_id=invitation.customer_id,
           invitation=invitation.id)  # fmt: skip
    mails.notify_owner_of_invitation(actor, invitation, "revoked")
    return invitation


def invitation_behind(token: str) -> Invitation:
    """Return what a link invites to. Looking uses nothing up.

    Raises:
        NotFound: ``link_gone``: it was used, revoked, is too old, or those who sent it may no longer invite.
    """
    subject = tokens.subject_of(PURPOSE, token)
    invitation = db.session.get(Invitation, int(subject.partition(":")[2])) if subject else None
    if invitation is None or not _still_stands(invitation):
        raise tokens.gone()
    return invitation


def accept(actor: Actor, token: str, person: Person) -> Membership:
    """Join the account as ``person``, who is signed in or has just been registered.

    Raises:
        NotFound: as in :func:`invitation_behind`.
        Conflict: ``other_person`` (the invitation went to another address), ``held`` (who grants the permissions is).
    """
    invitation = invitation_behind(token)
    db.session.get_one(Customer, invitation.customer_id, with_for_update=True)
    db.session.refresh(invitation)
    if not _still_stands(invitation):
        raise tokens.gone()
    if person.email != invitation.email:
        raise Conflict(
            lazy_gettext("This invitation is for %(email)s. Sign in with that address.", email=invitation.email),
            code="other_person",
        )
    if invitation.rights and invitation.invited_by is not None:
        holds.require_none(invitation.invited_by.person)  # also where the hold began after it was sent
    if tokens.use(PURPOSE, token) != _subject(invitation):
        raise tokens.gone()
    rights = [Right(key) for key in invitation.rights]
    membership = enroll(
        actor,
        invitation.customer,
        MemberData(email=person.email, name=person.name, role=MemberRole.USER, rights=rights, mail=tuple(MailCategory)),
    )
    _end(invitation, membership)
    limits.prove(person.email)
    mails.notify_owner_of_people(actor, membership, "joined")
    return membership


def register_invited(token: str, name: str, password_hash: str, address: str | None) -> Membership:
    """Make a sign-in for the invited address and join the account with it.

    Raises:
        NotFound: as in :func:`invitation_behind`.
        Invalid: the name is wrong.
        Conflict: ``registered`` (the address has a sign-in already), ``held``.
    """
    invitation = invitation_behind(token)
    check_member(MemberData(email=invitation.email, name=name))
    person = make_sign_in(invitation.email, name, password_hash)
    actor = Actor(kind="person", id=person.id, name=person.name, address=address)
    record(actor, "person.registered", f"person:{person.id}", invitation=invitation.id)
    return accept(actor, token, person)


def open_invitations(customer_id: int) -> list[Invitation]:
    """Return the account's invitations that wait for an answer, newest first."""
    query = (
        select(Invitation)
        .where(
            Invitation.customer_id == customer_id,
            Invitation.ended_at.is_(None),
            Invitation.expires_at > clock.now(),
        )
        .order_by(Invitation.id.desc())
    )
    return list(db.session.scalars(query))


def end_all(customer_id: int) -> None:
    """Make every open invitation of an account void, as part of another verb."""
    for invitation in open_invitations(customer_id):
        _end(invitation)


def _still_stands(invitation: Invitation) -> bool:
    """Return whether it is open, and its inviter still holds what it grants."""
    if not invitation.is_open(clock.now()) or invitation.customer.status is CustomerStatus.CLOSED:
        return False
    if invitation.invited_by is None:
        return True
    held = invitation.invited_by.held_rights()
    return Right.CONTACTS in held and {Right(key) for key in invitation.rights} <= held


def _is_member(customer_id: int, email: str) -> bool:
    query = (
        select(func.count())
        .select_from(Membership)
        .join(Membership.person)
        .where(Membership.customer_id == customer_id, Membership.removed_at.is_(None), Person.email == email)
    )
    return bool(db.session.scalar(query))


def _lock_open(actor: Actor, invitation_id: int) -> Invitation:
    """Return an open invitation. Its account is locked first, as where it is accepted: one of the two comes second."""
    customer_id = db.session.scalar(select(Invitation.customer_id).where(Invitation.id == invitation_id))
    if customer_id is None:
        raise NotFound
    db.session.get_one(Customer, customer_id, with_for_update=True)
    invitation = db.session.get_one(Invitation, invitation_id, populate_existing=True)
    rules.require_manager(actor, customer_id)
    if not invitation.is_open(clock.now()):
        raise NotFound
    return invitation


def _end(invitation: Invitation, membership: Membership | None = None) -> None:
    invitation.ended_at = clock.now()
    invitation.membership_id = membership.id if membership is not None else None
    tokens.revoke(PURPOSE, _subject(invitation))
    db.session.flush()


def _send(actor: Actor, invitation: Invitation) -> None:
    token = tokens.issue(PURPOSE, _subject(invitation), invitation.expires_at - clock.now())
    mails.write_invitation(actor, invitation, SecretLink(f"{settings().base_url}/moj/invitation/", token))


def _subject(invitation: Invitation) -> str:
    return f"invitation:{invitation.id}"
