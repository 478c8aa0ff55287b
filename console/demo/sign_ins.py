"""Customers' people who sign in for one thing, as in the portal: what is dangerous asks for a fresh sign-in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select

from console.core.actor import Actor
from console.core.db import db
from console.core.ids import token_digest
from console.customers import signin
from console.customers.models import Person, PersonSession


@contextmanager
def signed_in(person: Person, *, address: str | None = None, browser: str = "") -> Iterator[Actor]:
    """Sign a person in, and out again after what they do."""
    token = signin.enter(person, address=address, user_agent=browser)
    digest = PersonSession.token_digest == token_digest(token)
    session_id = db.session.scalars(select(PersonSession.id).where(digest)).one()
    actor = Actor(kind="person", id=person.id, name=person.name, address=address, session_id=session_id)
    yield actor
    signin.sign_out(actor, token)
