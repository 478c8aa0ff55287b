"""Names for things: tokens that cannot be guessed, references people can read out."""

from __future__ import annotations

import hashlib
import hmac
import secrets

CUSTOMER_BASE = 10_000
TOKEN_BYTES = 32
LARGEST_KEY = 2**31 - 1  # our keys are 32-bit; a larger number does not even fit into a statement
MAX_DIGITS = 9  # of a reference that people type


def new_token() -> str:
    """Return 256 random bits, safe in a URL or a cookie."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_digest(token: str) -> str:
    """Return what is stored of a token: a copy of the table opens no session."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def same_token(one: str, other: str) -> bool:
    """Compare two secrets in a time that tells nothing of either, whatever characters they hold."""
    return hmac.compare_digest(one.encode(errors="surrogatepass"), other.encode(errors="surrogatepass"))


def read_key(value: object) -> int | None:
    """Return a row's key from what came over the wire; ``None`` for what can be no key."""
    return read_count(value) or None


def read_count(value: object) -> int | None:
    """Return a number from nothing up to the largest key, from what came over the wire; ``None`` for what is none."""
    text = str(value)
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(LARGEST_KEY)):
        return None
    number = int(text)
    return number if number <= LARGEST_KEY else None


def to_key(value: object) -> int:
    """Return a row's key, as a form's field reads one.

    Raises:
        ValueError: it can be no key.
    """
    key = read_key(value)
    if key is None:
        raise ValueError(value)
    return key


def customer_key(number: str) -> int | None:
    """Return the key of the account called ``K-10482``, ``None`` where it is no such number in full."""
    read = read_number(number, "K-") if number.strip().upper().startswith("K-") else None
    return None if read is None or read <= CUSTOMER_BASE else read - CUSTOMER_BASE


def read_number(text: str, prefix: str) -> int | None:
    """Read a reference as people type it: ``M-0317``, ``m-317`` or ``317``; ``None`` if it is none."""
    digits = text.strip().upper().removeprefix(prefix)
    usable = digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS
    return int(digits) if usable else None
