"""The raw message in the file store: sealed with a key of its own, which is sealed with the console's.

So a new console key (``console reseal``) reseals a line in a table and no files.
"""

from __future__ import annotations

import hashlib
import re

from cryptography.fernet import Fernet, InvalidToken

from console.core.context import files, sealer
from console.core.errors import Unavailable
from console.core.files import DamagedFile
from console.mail.receiving.models import IncomingMail

_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(rb"\r?\n[ \t]+")
_NAMED = (b"message-id", b"from", b"date", b"subject")
MAX_HEAD = 2 * 1024 * 1024


class RawGone(Exception):
    """The raw message was deleted, or no key opens it."""


def split_head(raw: bytes) -> tuple[bytes, bytes]:
    """Return the header and the body of a message."""
    found = _END_OF_HEAD.search(raw, 0, MAX_HEAD)
    if raw[:1] in (b"\n", b"\r"):
        return b"", raw
    return (raw, b"") if found is None and len(raw) <= MAX_HEAD else _cut(raw, found)


def _cut(raw: bytes, found: re.Match[bytes] | None) -> tuple[bytes, bytes]:
    return (raw[:MAX_HEAD], raw[MAX_HEAD:]) if found is None else (raw[: found.start()], raw[found.end() :])


def fingerprint(raw: bytes) -> str:
    """Return what is the same for one message whichever way it came: its Message-ID, From, Date, Subject and body.

    Of what has none of these headers only the same bytes are the same message.
    """
    head, body = split_head(raw)
    found = hashlib.sha256()
    named = 0
    lines = _FOLD.sub(b" ", head).replace(b"\r", b"").split(b"\n")
    for name in _NAMED:
        prefix = name + b":"
        values = [line[len(prefix) :].strip() for line in lines if line[: len(prefix)].lower() == prefix]
        named += any(values)
        found.update(name + b"\0" + b"\0".join(values) + b"\n")
    if not named:
        return hashlib.sha256(raw).hexdigest()
    found.update(body.replace(b"\r\n", b"\n").rstrip(b"\n"))
    return found.hexdigest()


def store(raw: bytes) -> tuple[str, str]:
    """Store a message sealed, and return the digest of its file and its sealed key."""
    key = Fernet.generate_key()
    return files().put(Fernet(key).encrypt(raw)), sealer().seal(key)


def load(row: IncomingMail) -> bytes:
    """Return the raw message.

    Raises:
        RawGone: it was deleted, or is damaged, or no listed key opens it.
        Unavailable: the store does not give it now.
    """
    if row.raw_file is None or row.sealed_key is None:
        raise RawGone
    try:
        return Fernet(sealer().open(row.sealed_key)).decrypt(files().get(row.raw_file))
    except (FileNotFoundError, DamagedFile, InvalidToken) as error:
        raise RawGone from error
    except OSError as error:  # too many open files, a disk that is away: it may be there
        raise Unavailable from error
