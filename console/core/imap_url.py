"""Where mail is read, as one address: ``imaps://user:password@imap.example.com/INBOX``.

``imaps://`` is TLS from the first byte (port 993), ``imap+starttls://`` begins plainly and insists on TLS (143),
``imap://`` speaks plainly, with this machine alone. Name, password and folder are percent-encoded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from console.core.smtp_url import Tls

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]+")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SCHEMES = {"imaps": (Tls.WHOLE, 993), "imap+starttls": (Tls.STARTTLS, 143), "imap": (Tls.NONE, 143)}


@dataclass(frozen=True)
class ImapServer:
    """A folder on a mail server, and how to sign in there."""

    host: str
    port: int
    tls: Tls
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"


def read_imap_url(url: str) -> ImapServer:
    """Read the address of a mailbox.

    Raises:
        ValueError: in words, without the address: it holds a password.
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError as error:
        raise ValueError("is no address; write imaps://user:password@host/INBOX, percent-encoded") from error
    if parts.scheme not in _SCHEMES:
        raise ValueError(f"begins with none of {', '.join(f'{scheme}://' for scheme in _SCHEMES)}")
    if not _HOST.fullmatch(host):
        raise ValueError("names no host")
    if parts.query or parts.fragment:
        raise ValueError("has a ? or # in it; percent-encode name, password and folder")
    tls, usual_port = _SCHEMES[parts.scheme]
    if tls is Tls.NONE and host not in _LOOPBACK:
        raise ValueError("would send its password in the clear: use imaps:// or imap+starttls://")
    user, password, folder = (unquote(part or "") for part in (parts.username, parts.password, parts.path[1:]))
    if not user or not password:
        raise ValueError("needs a name and a password before the @")
    if not (user + password + folder).isprintable():
        raise ValueError("has control characters in its name, password or folder")
    return ImapServer(host, port or usual_port, tls, user, password, folder_name(folder))


def folder_name(name: str) -> str:
    """Return a folder as it is stored: INBOX is one in any case (RFC 9051, 5.1), and is meant where none is named."""
    return "INBOX" if name.upper() in ("", "INBOX") else name
