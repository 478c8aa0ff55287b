"""A customer's person signing in to the last step: the password, then a code or a passkey where two steps are on.

Until the last step there is no session, only a :class:`Pending`, which any change of password or authenticator voids.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from console.audit.models import AuditEntry
from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.context import sealer
from console.core.db import db
from console.core.errors import SignInNeeded
from console.core.texts import lazy_gettext
from console.customers import signin
from console.customers.models import Person, PersonSession
from console.customers.signin import PasswordProof
from console.identity import mails
from console.identity.access import lock_person, subject_of
from console.identity.queries import authenticator_of
from console.identity.service import recovery
from console.identity.service.factors import take_code

STEP_LASTS = timedelta(minutes=10)


@dataclass(frozen=True)
class Browser:
    """Where a person signs in from.

    Args:
        device: what the browser calls itself, in words.
        known: they were signed in there before.
        old_token: the session this browser had, which ends.
    """

    address: str | None
    user_agent: str | None = None
    device: str = ""
    known: bool = False
    old_token: str | None = None


@dataclass(frozen=True)
class Pending:
    """A right password of a person with a second step. ``state``: a keyed digest of what the sign-in depends on."""

    person_id: int
    state: str
    at: datetime


@dataclass(frozen=True)
class Outcome:
    """Either a session (``token``), or the state to go on with."""

    person_id: int
    token: str | None = None
    pending: Pending | None = None
    wrong_code: bool = False


def sign_in(proof: PasswordProof, browser: Browser, *, code: str | None = None) -> Outcome:
    """Continue after a correct password: open the session, or require the second step.

    A wrong code is an outcome, not an error, so that it stays on the record.

    Raises:
        SignInNeeded: the password was changed since it was compared.
    """
    person = signin.lock_proven(proof)
    if authenticator_of(person.id) is None:
        return Outcome(person.id, token=_enter(person, browser))
    pending = Pending(person.id, _state(person), clock.now())
    return go_on(pending, browser, code) if code else Outcome(person.id, pending=pending)


def go_on(pending: Pending, browser: Browser, code: str) -> Outcome:
    """Take the code of the second step, used up by that.

    Raises:
        SignInNeeded: it took too long, or the password or the authenticator changed meanwhile.
    """
    person = lock_pending(pending)
    actor = actor_of(person, browser.address)
    how = take_code(person, code)
    if how is None:
        record(actor, "person.code_refused", subject_of(person))
        return Outcome(person.id, pending=pending, wrong_code=True)
    if how == "recovery":
        record(actor, "person.recovery_code_used", subject_of(person))
        mails.notify(person, "code_used")
    recovery.end_by_sign_in(actor, person)
    return Outcome(person.id, token=_enter(person, browser))


def enter_with_passkey(person_id: int, browser: Browser) -> Outcome:
    """Open the session of a person whose passkey was just taken, in the same transaction (``passkeys.take``)."""
    person = lock_person(person_id)
    recovery.end_by_sign_in(actor_of(person, browser.address), person)
    return Outcome(person.id, token=_enter(person, browser))


def has_second_step(person_id: int) -> bool:
    """Return whether a person's password alone opens no session."""
    return authenticator_of(person_id) is not None


signin.needs_second_step(has_second_step)


def still_pending(pending: Pending) -> Person | None:
    """Return whose sign-in waits for its second step; ``None`` once it lapsed. For showing the step's page."""
    person = db.session.get(Person, pending.person_id)
    return person if person is not None and _holds(person, pending) else None


def lock_pending(pending: Pending) -> Person:
    """Return the person of an open sign-in, locked.

    Raises:
        SignInNeeded: it lapsed.
    """
    person = lock_person(pending.person_id)
    if not _holds(person, pending):
        raise SignInNeeded(
            lazy_gettext("That took too long, or your account has changed. Sign in again."), code="sign_in_again"
        )
    return person


def actor_of(person: Person, address: str | None) -> Actor:
    """Return the actor of a person who is signing in."""
    return Actor(kind="person", id=person.id, name=person.name, address=address)


def _holds(person: Person, pending: Pending) -> bool:
    return pending.state == _state(person) and clock.now() < pending.at + STEP_LASTS


def _state(person: Person) -> str:
    authenticator = authenticator_of(person.id)
    parts = (person.id, person.password_hash, authenticator.sealed_secret if authenticator else "")
    return sealer().keyed_digest("person-pending", "|".join(str(part) for part in parts))


def _was_signed_in(person: Person) -> bool:
    """Return whether a person signed in before: their sessions are deleted with time, the audit log is not."""
    session = select(PersonSession.id).where(PersonSession.person_id == person.id)
    entry = select(AuditEntry.id).where(
        AuditEntry.subject == subject_of(person), AuditEntry.action == "person.signed_in"
    )
    return any(db.session.scalar(query.limit(1)) is not None for query in (session, entry))


def _enter(person: Person, browser: Browser) -> str:
    if not browser.known and _was_signed_in(person):
        mails.notify_new_sign_in(person, browser.device, browser.address)
    return signin.enter(person, address=browser.address, user_agent=browser.user_agent, old_token=browser.old_token)
