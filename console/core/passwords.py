"""Argon2id (RFC 9106), worked out off the event loop."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from console.core.errors import TooMany
from console.core.hub import off_the_hub
from console.core.texts import lazy_gettext

AT_ONCE = 4  # evaluations of one process; each takes 64 MB and a core
PATIENCE = 8.0  # seconds that one waits for its turn, as in a flood of tries
_turns = threading.BoundedSemaphore(AT_ONCE)

HASHER = PasswordHasher()  # the library's parameters: RFC 9106, section 4, the second recommended option


def prepared(password: str) -> str:
    """Return a password as it is hashed, compared and measured (RFC 8265, OpaqueString).

    One keyboard sends č as one character, another as two; one sends a space that is not ASCII's.
    """
    spaced = "".join(" " if unicodedata.category(char) == "Zs" else char for char in password)
    return unicodedata.normalize("NFC", spaced)


def hash_password(password: str) -> str:
    """Return the hash to store. Call outside of a transaction: it takes tens of milliseconds.

    Raises:
        TooMany: too many passwords are being worked on.
    """
    with turn():
        return off_the_hub(HASHER.hash, prepared(password))


def password_matches(stored: str | None, password: str) -> bool:
    """Compare; with no account to compare to, do the same work and say no.

    Raises:
        TooMany: too many passwords are being worked on; nothing was compared.
    """
    with turn():
        return off_the_hub(_verify, stored or _dummy_hash(), prepared(password)) and stored is not None


@dataclass(frozen=True)
class PasswordMatch:
    """A right password.

    Args:
        new_hash: the password hashed with today's parameters, where the stored hash is older.
    """

    new_hash: str | None = field(repr=False)


def match_password(stored: str | None, password: str) -> PasswordMatch | None:
    """Compare a password at a sign-in, of staff and of customers; call outside of a transaction.

    Args:
        stored: the hash to compare to; ``None`` where the account is unknown, disabled or without a password. It costs
            the same and answers the same as a wrong password.

    Raises:
        TooMany: too many passwords are being worked on; nothing was compared.
    """
    if not password_matches(stored, password) or stored is None:
        return None
    return PasswordMatch(hash_password(password) if needs_new_hash(stored) else None)


@contextmanager
def turn() -> Iterator[None]:
    """Take one of the few places in which passwords are worked on: however many are tried, the rest goes on.

    Raises:
        TooMany: none became free in time.
    """
    if not _turns.acquire(timeout=PATIENCE):
        raise TooMany(
            lazy_gettext("Many people are signing in right now. Wait a moment and try again."),
            retry_after=5,
            code="busy",
        )
    try:
        yield
    finally:
        _turns.release()


def needs_new_hash(stored: str) -> bool:
    """Return whether ``stored`` was made with weaker parameters than today's."""
    return HASHER.check_needs_rehash(stored)


def warm_up() -> None:
    """Make the hash that unknown people are compared to, so that the first of them takes no longer."""
    _dummy_hash()


def _verify(stored: str, password: str) -> bool:
    try:
        return HASHER.verify(stored, password)
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _dummy_hash() -> str:
    return HASHER.hash("the password of no one")
