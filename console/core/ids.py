"""Names for things: tokens nobody can guess, references people can read out."""

from __future__ import annotations

import hashlib
import secrets

CUSTOMER_BASE = 10_000
TOKEN_BYTES = 32
MAX_DIGITS = 9  # what a 32-bit key can hold


def new_token() -> str:
    """Return 256 random bits, safe in a URL or a cookie."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_digest(token: str) -> str:
    """Return what is stored of a token: a copy of the table opens no session."""
    return hashlib.sha256(token.encode()).hexdigest()


def read_number(text: str, prefix: str) -> int | None:
    """Read a reference as people type it: ``M-0317``, ``m-317`` or ``317``; ``None`` if it is none."""
    digits = text.strip().upper().removeprefix(prefix)
    usable = digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS
    return int(digits) if usable else None
