"""The second step of a sign-in, between two requests: in the signed cookie, naming no secret, for some minutes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import session

from console.core.errors import SignInNeeded
from console.core.texts import lazy_gettext
from console.customers.models import Person
from console.identity.service.signin import Pending, still_pending
from console.web import limits
from console.web.limits import Limit

PENDING = "person_pending"  # the key in the cookie
# Wrong codes, of a person, from however many browsers; one that is known to them counts by itself alone.
CODES = Limit("portal-code", 10, 15 * limits.MINUTE)


def remember(pending: Pending) -> None:
    """Let the sign-in go on with the next request of this browser."""
    session[PENDING] = {"person": pending.person_id, "state": pending.state, "at": pending.at.isoformat()}


def read() -> Pending | None:
    """Return the sign-in that waits for its second step in this browser."""
    stored: Any = session.get(PENDING)
    try:
        return Pending(stored["person"], stored["state"], datetime.fromisoformat(stored["at"]))
    except (TypeError, KeyError, ValueError):
        return None  # there is none, or an older release wrote it


def person() -> Person | None:
    """Return the person whose sign-in waits for its second step; drop what has lapsed."""
    pending = read()
    found = still_pending(pending) if pending is not None else None
    if found is None:
        discard()
    return found


def discard() -> None:
    """Let no sign-in wait in this browser."""
    session.pop(PENDING, None)


def lapsed() -> SignInNeeded:
    """Return the refusal of a step whose sign-in waits no more."""
    return SignInNeeded(lazy_gettext("This took too long. Sign in again."), code="sign_in_again")


def count_code(person_id: int, device: str | None) -> tuple[str, ...]:
    """Count a try of a code before it is taken; return what :func:`forgive` takes back.

    Args:
        device: of a browser that the person was signed in to before.

    Raises:
        TooMany: too many were wrong.
    """
    tried = (str(person_id), device) if device else (str(person_id),)
    limits.count(CODES, *tried)
    return tried


def forgive(tried: tuple[str, ...]) -> None:
    """Take a counted try back: the code was right."""
    limits.give_back(CODES, *tried)
