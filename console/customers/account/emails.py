"""Another sign-in address: asked for by its person, confirmed by a link in the old mailbox and one in the new.

The answer is the same for an address that is known here; only its mailbox learns it. Both links used, the person signs
in with the new address, their PINs are new ones, what was verified ends, and the security hold begins.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from console.audit.service import record
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.context import settings
from console.core.db import db
from console.core.emails import NoAddress, email_problem, read_email
from console.core.errors import Invalid, NotFound
from console.core.texts import lazy_gettext
from console.customers import holds, signin
from console.customers.account import mails
from console.customers.account.hooks import run_address_changed
from console.customers.account.models import EmailChange, EmailChangeState
from console.customers.models import Membership, Person, Verification
from console.customers.passwords import void_links
from console.customers.queries import memberships_of
from console.customers.service import end_verifications
from console.customers.verification.pins import renew_pin
from console.mail import limits
from console.mail.links import SecretLink
from console.tokens import service as tokens

OLD, NEW = "person.email_old", "person.email_new"  # what the tokens in the two mailboxes are for
LASTS = timedelta(hours=24)


def ask(actor: Actor, email: str) -> EmailChange:
    """Mail a link to both addresses; an earlier request is void.

    Raises:
        NotFound: ``actor`` is no person with a sign-in.
        ConfirmationNeeded: ``reauth``: they last showed who they are more than ten minutes ago.
        Invalid: the address is wrong, or it is their own.
        Conflict: ``held``.
        TooMany: the address got enough mail within the hour, known or not.
    """
    if actor.kind != "person" or actor.id is None:
        raise NotFound
    person = _lock(actor.id)
    signin.require_confirmed(actor)
    holds.require_none(person)
    try:
        email = read_email(email)
    except NoAddress as error:
        raise Invalid(fields={"email": [email_problem(error)]}) from error
    if email == person.email:
        raise Invalid(fields={"email": [lazy_gettext("You already sign in with this address.")]})
    withdraw_open(actor, person)
    now = clock.now()
    change = EmailChange(
        person=person,
        old_email=person.email,
        new_email=email,
        created_at=now,
        expires_at=now + LASTS,
        state=EmailChangeState.WAITING,
    )
    db.session.add(change)
    db.session.flush()
    mails.confirm_old_address(change, _link(tokens.issue(OLD, _subject(change), LASTS)))
    known = _is_known(email)
    mails.confirm_new_address(actor, change, _link(tokens.issue(NEW, _subject(change), LASTS)), known=known)
    if known:
        tokens.revoke(NEW, _subject(change))
    record(actor, "person.email_change_asked", f"person:{person.id}", change=change.id)
    return change


def withdraw(actor: Actor) -> None:
    """Withdraw the person's own request, if there is one."""
    if actor.kind != "person" or actor.id is None:
        raise NotFound
    withdraw_open(actor, _lock(actor.id))


def withdraw_open(actor: Actor, person: Person) -> None:
    """End a person's open request, as part of another verb."""
    change = open_change(person.id)
    if change is not None:
        _end(change, EmailChangeState.EXPIRED if change.expires_at <= clock.now() else EmailChangeState.WITHDRAWN)
        record(actor, "person.email_change_withdrawn", f"person:{person.id}", change=change.id)


def open_change(person_id: int) -> EmailChange | None:
    """Return the person's request that has not ended."""
    return db.session.scalar(
        select(EmailChange).where(EmailChange.person_id == person_id, EmailChange.ended_at.is_(None))
    )


def change_behind(token: str) -> tuple[EmailChange, bool]:
    """Return what a link confirms, and whether it is the one in the new mailbox. Looking uses nothing up.

    Raises:
        NotFound: ``link_gone``: it was used, is too old, or its request is over.
    """
    for purpose in (OLD, NEW):
        subject = tokens.subject_of(purpose, token)
        change = db.session.get(EmailChange, int(subject.partition(":")[2])) if subject else None
        if change is not None and change.is_open(clock.now()):
            return change, purpose == NEW
    raise tokens.gone()


def confirm(token: str, address: str | None) -> EmailChange:
    """Use a link up. With the second one of the two the address is another.

    Raises:
        NotFound: as in :func:`change_behind`.
        Conflict: ``held``: a hold began after the request.
    """
    change, is_new = change_behind(token)
    person = _lock(change.person_id)
    db.session.refresh(change, with_for_update=True)
    holds.require_none(person)
    if not change.is_open(clock.now()) or tokens.use(NEW if is_new else OLD, token) != _subject(change):
        raise tokens.gone()
    if is_new:
        change.new_confirmed_at = clock.now()
        limits.prove(change.new_email)
    else:
        change.old_confirmed_at = clock.now()
    db.session.flush()
    actor = Actor(kind="person", id=person.id, name=person.name, address=address)
    record(actor, "person.email_confirmed", f"person:{person.id}", change=change.id, side="new" if is_new else "old")
    if change.old_confirmed_at is not None and change.new_confirmed_at is not None:
        _finish(actor, change, person)
    return change


def expire_due(limit: int = 100) -> int:
    """End the requests that were not confirmed in time; return how many there were."""
    query = select(EmailChange).where(EmailChange.ended_at.is_(None), EmailChange.expires_at <= clock.now())
    due = list(db.session.scalars(query.order_by(EmailChange.id).limit(limit).with_for_update(of=EmailChange)))
    for change in due:
        _end(change, EmailChangeState.EXPIRED)
        record(SYSTEM, "person.email_change_withdrawn", f"person:{change.person_id}", change=change.id)
    return len(due)


def _finish(actor: Actor, change: EmailChange, person: Person) -> None:
    if not _take_address(person, change.new_email):  # registered since
        _end(change, EmailChangeState.WITHDRAWN)
        mails.notify_address_is_known(actor, change)
        return
    _end(change, EmailChangeState.DONE)
    run_address_changed(actor, person, change.old_email)  # tickets are locked before the guards of a PIN
    void_links(person)
    accounts = memberships_of(person.id)
    mine = select(Membership.id).where(Membership.person_id == person.id)
    end_verifications(Verification.membership_id.in_(mine), reason="email")
    for membership in accounts:
        renew_pin(actor, membership)
    until = holds.begin(actor, person, "email_changed")
    record(actor, "person.email_changed", f"person:{person.id}", change=change.id)
    mails.notify_address_changed(change, until)


def _take_address(person: Person, email: str) -> bool:
    """Set the new address of the person, unless it belongs to someone else by now."""
    try:
        with db.session.begin_nested():
            person.email = email
            db.session.flush()
    except IntegrityError:
        return False
    return True


def _is_known(email: str) -> bool:
    return db.session.scalar(select(Person.id).where(Person.email == email)) is not None


def _end(change: EmailChange, state: EmailChangeState) -> None:
    change.state, change.ended_at = state, clock.now()
    for purpose in (OLD, NEW):
        tokens.revoke(purpose, _subject(change))
    db.session.flush()


def _lock(person_id: int) -> Person:
    return db.session.get_one(Person, person_id, with_for_update=True, populate_existing=True)


def _link(token: str) -> SecretLink:
    return SecretLink(f"{settings().base_url}/moj/email/confirm/", token)


def _subject(change: EmailChange) -> str:
    return f"email_change:{change.id}"
