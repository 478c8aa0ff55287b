"""The secret of an authenticator while it is being set up: sealed in the browser's cookie, in no row yet."""

from __future__ import annotations

from flask import session

from console.core.context import sealer
from console.core.one_time_codes import new_secret
from console.core.seal import InvalidToken


def secret_for(slot: str, owner: int) -> str:
    """Return the secret being set up in this browser, a new one if there is none.

    Args:
        slot: the name in the cookie, of staff or of customers' people.
        owner: whose it is; another's is not gone on with.
    """
    stored = session.get(slot)
    if isinstance(stored, str):
        try:
            whose, _, secret = sealer().open(stored).decode().partition(":")
        except InvalidToken:
            whose = secret = ""
        if whose == str(owner):
            return secret
    secret = new_secret()
    session[slot] = sealer().seal(f"{owner}:{secret}".encode())
    return secret


def discard(slot: str) -> None:
    """Drop the secret that was being set up."""
    session.pop(slot, None)
