"""Customers' people signing in to the portal, and their sessions.

A locked verification never keeps a person from signing in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.emails import normal_email
from console.core.errors import ConfirmationNeeded, NotFound, SignInNeeded
from console.core.ids import token_digest
from console.core.passwords import match_password
from console.core.sessions import open_session
from console.customers.models import Person, PersonSession

CONFIRMED_FOR = timedelta(minutes=10)  # within it, what is dangerous asks for no password
_second_steps: list[Callable[[int], bool]] = []


@dataclass(frozen=True)
class PasswordProof:
    """A person showed their password. ``password_hash`` is the hash it matched; void as soon as that changes."""

    person_id: int
    password_hash: str
    new_hash: str | None = None


def check_password(email: str, password: str) -> PasswordProof | None:
    """Compare a password; call outside of a transaction, because Argon2 is slow on purpose.

    An unknown e-mail, a contact without a sign-in and a wrong password cost the
    same and answer the same.
    """
    row = db.session.execute(
        select(Person.id, Person.password_hash).where(Person.email == normal_email(email))
    ).one_or_none()
    db.session.rollback()  # no connection is held while Argon2 works
    match = match_password(row.password_hash if row is not None else None, password)
    if match is None or row is None:
        return None
    return PasswordProof(row.id, row.password_hash, match.new_hash)


def needs_second_step(rule: Callable[[int], bool]) -> None:
    """Register what tells whether a person's password alone opens no session."""
    _second_steps.append(rule)


def sign_in(proof: PasswordProof, *, address: str | None, user_agent: str | None, old_token: str | None = None) -> str:
    """Open a session and return its token; the one this browser had ends.

    Raises:
        SignInNeeded: the password was changed since it was compared, or alone it opens nothing (``second_step``).
    """
    person = lock_proven(proof)
    if any(rule(person.id) for rule in _second_steps):
        raise SignInNeeded(code="second_step")
    return enter(person, address=address, user_agent=user_agent, old_token=old_token)


def lock_proven(proof: PasswordProof) -> Person:
    """Return whose password was compared, locked; a hash with old parameters is replaced.

    Raises:
        SignInNeeded: the password was changed since it was compared.
    """
    person = db.session.get(Person, proof.person_id, with_for_update=True, populate_existing=True)
    if person is None or person.password_hash != proof.password_hash:
        raise SignInNeeded
    if proof.new_hash is not None:
        person.password_hash = proof.new_hash
    return person


def enter(person: Person, *, address: str | None, user_agent: str | None, old_token: str | None = None) -> str:
    """Open a session for a person, locked, who showed everything that their sign-in asks for; return its token."""
    actor = Actor(kind="person", id=person.id, name=person.name, address=address)
    if old_token is not None:
        sign_out(actor, old_token)
    token = open_session(
        db.session(),
        PersonSession(person=person),
        now=clock.now(),
        lasts=timedelta(hours=settings().session_hours),
        address=address,
        user_agent=user_agent,
    )
    record(actor, "person.signed_in", _subject(person.id))
    return token


def confirm(proof: PasswordProof, session_id: int) -> None:
    """Note that the person of a session has shown their password again.

    Raises:
        SignInNeeded: the session is another person's or has ended, or the password was changed since it was compared.
    """
    row = _lock_session(proof.person_id, session_id)
    if row.person.password_hash != proof.password_hash:
        raise SignInNeeded
    row.confirmed_at = clock.now()
    db.session.flush()


def confirm_otherwise(person_id: int, session_id: int) -> None:
    """Note that the person of a session has shown who they are with something else than their password.

    Raises:
        SignInNeeded: the session is another person's or has ended.
    """
    _lock_session(person_id, session_id).confirmed_at = clock.now()
    db.session.flush()


def is_confirmed(row: PersonSession) -> bool:
    """Return whether the person of a session showed who they are within the last minutes."""
    return clock.now() - row.confirmed_at < CONFIRMED_FOR


def require_confirmed(actor: Actor) -> None:
    """Refuse what is dangerous to a person who does it in a sign-in that is not fresh.

    Staff act under a verification, which ends by itself; the system needs no sign-in.

    Raises:
        NotFound: a person acts in no session of theirs, as behind a mailed link.
        ConfirmationNeeded: ``reauth``: they last showed who they are more than ten minutes ago.
    """
    if actor.kind == "person":
        require_confirmed_session(actor, actor.session_id)


def require_confirmed_session(actor: Actor, session_id: int | None) -> None:
    """Refuse any session but a live one of the actor's own in which they showed who they are within the last minutes.

    Raises:
        NotFound, ConfirmationNeeded: as in :func:`require_confirmed`.
    """
    row = db.session.get(PersonSession, session_id or 0, populate_existing=True)
    if row is None or row.person_id != actor.id or row.revoked_at is not None or clock.now() >= row.expires_at:
        raise NotFound(code="not_allowed")
    if not is_confirmed(row):
        raise ConfirmationNeeded


def record_failure(email: str, address: str | None) -> None:
    """Write a refused sign-in to the audit log; what was typed is left out, it may have been the password."""
    person_id = db.session.scalar(select(Person.id).where(Person.email == normal_email(email)))
    visitor = Actor(kind="visitor", id=None, name="", address=address)
    record(visitor, "person.sign_in_failed", _subject(person_id) if person_id else "unknown")


def sign_out(actor: Actor, token: str) -> None:
    """End the session behind ``token``. Without one nothing happens."""
    row = db.session.scalar(select(PersonSession).where(PersonSession.token_digest == token_digest(token)))
    if row is None or row.revoked_at is not None:
        return
    row.revoked_at = clock.now()
    db.session.flush()
    record(actor, "person.signed_out", _subject(row.person_id))


def revoke_session(actor: Actor, session_id: int) -> None:
    """End one session of the person. Ending it twice is no error.

    Raises:
        NotFound: there is none, or it is another person's.
    """
    row = db.session.get(PersonSession, session_id)
    if row is None or actor.kind != "person" or row.person_id != actor.id:
        raise NotFound
    if row.revoked_at is None:
        row.revoked_at = clock.now()
        db.session.flush()
        record(actor, "person.session_revoked", _subject(row.person_id), session=row.id)


def revoke_others(actor: Actor, current: int) -> int:
    """End all of one's own sessions except ``current``; return how many there were."""
    if actor.kind != "person" or actor.id is None:
        raise NotFound
    query = (
        update(PersonSession)
        .where(PersonSession.person_id == actor.id, PersonSession.revoked_at.is_(None), PersonSession.id != current)
        .values(revoked_at=clock.now())
        .returning(PersonSession.id)
    )
    count = len(db.session.execute(query).all())
    record(actor, "person.sessions_revoked", _subject(actor.id), count=count)
    return count


def _subject(person_id: int) -> str:
    return f"person:{person_id}"


def _lock_session(person_id: int, session_id: int) -> PersonSession:
    row = db.session.get(PersonSession, session_id, with_for_update=True, populate_existing=True)
    if row is None or row.revoked_at is not None or row.person_id != person_id:
        raise SignInNeeded
    return row
