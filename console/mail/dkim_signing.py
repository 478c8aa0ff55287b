"""Signing what leaves (DKIM, RFC 6376), where a key is set.

Relays may fold and space lines again, so that both canonicalizations are relaxed. What a message has one of is named
one time more than that (RFC 6376, 8.15): a second one, put on top by someone on the way, would break the signature.
"""

from __future__ import annotations

import dkim

from console.core.dkim_key import DkimKey

_ONCE = (
    b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"in-reply-to", b"references", b"reply-to",
    b"list-unsubscribe", b"list-unsubscribe-post",  # RFC 8058, 4 asks for these two
)  # fmt: skip
SIGNED = (*_ONCE, *_ONCE, b"mime-version", b"content-type", b"content-transfer-encoding")
RELAXED = (b"relaxed", b"relaxed")


def signed(message: bytes, key: DkimKey) -> bytes:
    """Return ``message`` with a signature on top.

    Args:
        message: whole, its lines ending in CRLF.

    Raises:
        dkim.DKIMException: it cannot be signed.
    """
    header: bytes = dkim.sign(
        message, key.selector.encode(), key.domain.encode(), key.pem, canonicalize=RELAXED, include_headers=SIGNED
    )
    return header + message
