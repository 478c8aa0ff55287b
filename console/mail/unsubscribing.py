"""Leaving a kind of mail by one click (RFC 8058), without signing in.

A mail's row says what its receiver may turn off, as ``membership:12:invoice``; the signed address is made when the mail
leaves, so that no row has it. What it says is known above: mail knows no people. It opens nothing and ends nothing but
that one kind of mail, so that it does not run out.
"""

from __future__ import annotations

import hmac
import re

from console.core.context import sealer, settings

PATH = "/unsubscribe/"
_SIGNATURE = 32  # hexadecimal digits: 128 bits
_TOKEN = re.compile(r"([a-z]+)\.([0-9a-z]{1,12})\.([a-z_]{1,30})\.([0-9a-f]{32})")


def key_of(kind: str, number: int, what: str) -> str:
    """Return how a mail's row says it."""
    return f"{kind}:{number}:{what}"


def url(key: str) -> str:
    """Return the address that turns it off."""
    return f"{settings().base_url}{PATH}{_token(key)}"


def read(token: str) -> str | None:
    """Return what a token turns off; ``None`` where we did not make it."""
    found = _TOKEN.fullmatch(token[:120])
    if found is None:
        return None
    key = ":".join(found.groups()[:3])
    return key if hmac.compare_digest(_token(key), token) else None


def _token(key: str) -> str:
    signature = sealer().keyed_digest("unsubscribe", key)[:_SIGNATURE]
    return f"{key.replace(':', '.')}.{signature}"
