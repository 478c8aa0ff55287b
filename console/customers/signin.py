"""Customers' people signing in to the portal, and their sessions.

A lock of somebody's verification has no part in this: it never keeps them out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.emails import normal_email
from console.core.errors import NotFound, SignInNeeded
from console.core.ids import token_digest
from console.core.passwords import hash_password, needs_new_hash, password_matches
from console.core.sessions import open_session
from console.customers.models import Person, PersonSession


@dataclass(frozen=True)
class Proven:
    """A right password. ``stored`` is the hash it was right for; void as soon as that changes."""

    person_id: int
    stored: str
    new_hash: str | None = None


def check_password(email: str, password: str) -> Proven | None:
    """Compare a password; call outside of a transaction, because Argon2 is slow on purpose.

    An unknown e-mail, a contact without a sign-in and a wrong password cost the
    same and answer the same.
    """
    row = db.session.execute(
        select(Person.id, Person.password_hash).where(Person.email == normal_email(email))
    ).one_or_none()
    db.session.rollback()  # no connection is held while Argon2 works
    stored = row.password_hash if row else None
    if not password_matches(stored, password) or row is None or stored is None:
        return None
    return Proven(row.id, stored, hash_password(password) if needs_new_hash(stored) else None)


def enter(proven: Proven, *, address: str | None, user_agent: str | None, old_token: str | None = None) -> str:
    """Open a session and return its token; the one this browser had ends.

    Raises:
        SignInNeeded: the password was changed since it was compared.
    """
    person = db.session.get(Person, proven.person_id, with_for_update=True)
    if person is None or person.password_hash != proven.stored:
        raise SignInNeeded
    if proven.new_hash is not None:
        person.password_hash = proven.new_hash
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


def note_failure(email: str, address: str | None) -> None:
    """Put a refused sign-in on the record; what was typed is not kept, it may have been the password."""
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
    """End one of one's own sessions. Ending it twice is no error.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    row = db.session.get(PersonSession, session_id)
    if row is None or actor.kind != "person" or row.person_id != actor.id:
        raise NotFound
    if row.revoked_at is None:
        row.revoked_at = clock.now()
        db.session.flush()
        record(actor, "person.session_revoked", _subject(row.person_id), session=row.id)


def revoke_others(actor: Actor, keep: int) -> int:
    """End all of one's own sessions except ``keep``; return how many there were."""
    if actor.kind != "person" or actor.id is None:
        raise NotFound
    query = (
        update(PersonSession)
        .where(PersonSession.person_id == actor.id, PersonSession.revoked_at.is_(None), PersonSession.id != keep)
        .values(revoked_at=clock.now())
        .returning(PersonSession.id)
    )
    count = len(db.session.execute(query).all())
    record(actor, "person.sessions_revoked", _subject(actor.id), count=count)
    return count


def _subject(person_id: int) -> str:
    return f"person:{person_id}"
