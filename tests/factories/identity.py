"""Second factors of customers' people."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pyotp

from console.core import clock, one_time_codes
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.ids import token_digest
from console.core.sessions import open_session
from console.customers.models import Person, PersonSession
from console.identity.models import Passkey
from console.identity.service import factors
from tests.factories.shared import next_number, writing


def code_at(secret: str, *, ahead: int = 0) -> str:
    """Return an authenticator's code, ``ahead`` steps from now."""
    code: str = pyotp.TOTP(secret).at(int(clock.machine_now().timestamp()), counter_offset=ahead)
    return code


def person_actor(person: Person) -> Actor:
    """Return the actor of a person."""
    return Actor(kind="person", id=person.id, name=person.name, address="192.0.2.7")


def signed_in_actor(person: Person) -> Actor:
    """Return the actor of a person who has just signed in."""
    return replace(person_actor(person), session_id=make_person_session(person).id)


def make_person_session(person: Person) -> PersonSession:
    """Sign a person in, past the form."""
    row = PersonSession(person=person)
    with writing():
        lasts = timedelta(hours=settings().session_hours)
        open_session(db.session(), row, now=clock.now(), lasts=lasts, address="192.0.2.7", user_agent="Test")
    return row


def switch_totp_on(person: Person) -> tuple[str, list[str]]:
    """Switch a person's two-step sign-in on; return the secret and the recovery codes.

    The code that confirms it belongs to the step before this one, so that this one's still serves.
    """
    secret = one_time_codes.new_secret()
    row = make_person_session(person)
    with writing():
        codes = factors.switch_on(person_actor(person), row.id, secret, code_at(secret, ahead=-1))
        db.session.delete(row)
        db.session.flush()
    return secret, codes


def make_passkey(person: Person, name: str = "Telefon") -> Passkey:
    """Give a person a passkey that no device has."""
    identifier = f"passkey-{next_number()}"
    with writing():
        passkey = Passkey(
            person_id=person.id,
            name=name,
            credential_digest=token_digest(identifier),
            credential_id=identifier,
            public_key="AA",
            user_handle="AA",
            sign_count=0,
            created_at=clock.now(),
        )
        db.session.add(passkey)
        db.session.flush()
    return passkey
