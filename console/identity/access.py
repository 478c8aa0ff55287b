"""Whose sign-in it is: one's own alone, and from a fresh sign-in where something dangerous is done to it."""

from __future__ import annotations

from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound
from console.customers import signin
from console.customers.models import Person


def lock_person(person_id: int | None) -> Person:
    """Return a person's row, locked, so that two requests with one code come one after the other.

    Raises:
        NotFound: there is none.
    """
    person = db.session.get(Person, person_id or 0, with_for_update=True, populate_existing=True)
    if person is None:
        raise NotFound
    return person


def lock_own(actor: Actor, session_id: int) -> Person:
    """Return the actor's own row, locked, for what only a fresh sign-in may do.

    Args:
        session_id: the session that it is done in.

    Raises:
        NotFound: ``actor`` is no customer's person, or the session is not theirs.
        ConfirmationNeeded: ``reauth``: they last showed who they are more than ten minutes ago.
    """
    if actor.kind != "person":
        raise NotFound(code="not_allowed")
    person = lock_person(actor.id)
    signin.require_confirmed_session(actor, session_id)
    return person


def subject_of(person: Person) -> str:
    """Return what the audit log calls a person."""
    return f"person:{person.id}"
