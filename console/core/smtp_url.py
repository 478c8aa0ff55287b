"""Where mail is handed over, as one address: ``smtp+starttls://user:password@mail.example.com``.

``smtp://`` speaks plainly (port 25), ``smtp+starttls://`` begins plainly and insists on
TLS (587), ``smtps://`` is TLS from the first byte (465). Name and password are
percent-encoded. ``?timeout=`` is in seconds, ``?ca=`` a file of certificates to trust.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qsl, unquote, urlsplit

TIMEOUT, MOST_TIMEOUT = 60, 600
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]+")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Tls(StrEnum):
    NONE = "none"
    STARTTLS = "starttls"
    WHOLE = "tls"


_SCHEMES = {
    "smtp": (Tls.NONE, 25),
    "smtp+starttls": (Tls.STARTTLS, 587),
    "smtps": (Tls.WHOLE, 465),
}


@dataclass(frozen=True)
class SmtpServer:
    """The mail server that takes our mail, and how to speak to it.

    Args:
        timeout: seconds that connecting may take, then signing in, then each mail.
        ca_file: certificates to trust in place of the system's.
    """

    host: str
    port: int
    tls: Tls
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: int = TIMEOUT
    ca_file: str | None = None

    @property
    def bare_password(self) -> bool:
        """Whether the password would cross a network for all to read."""
        return bool(self.user) and self.tls is Tls.NONE and self.host not in _LOOPBACK

    @property
    def name(self) -> str:
        """The server as people name it; without the password."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_smtp_url(url: str) -> SmtpServer:
    """Read the address of a mail server.

    Raises:
        ValueError: in words, without the address: it holds a password.
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
        more = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError as error:
        raise ValueError("is no address; write smtp://host:25, percent-encode name and password") from error
    if parts.scheme not in _SCHEMES:
        raise ValueError(f"begins with none of {', '.join(f'{scheme}://' for scheme in _SCHEMES)}")
    if not _HOST.fullmatch(host):
        raise ValueError("names no host")
    if parts.path not in ("", "/") or parts.fragment:
        raise ValueError("has something after the host and port; percent-encode name and password")
    tls, usual_port = _SCHEMES[parts.scheme]
    if _yes(more.pop("starttls", "no"), "starttls"):
        if tls is Tls.WHOLE:
            raise ValueError("asks for STARTTLS inside of TLS; choose one")
        tls, usual_port = _SCHEMES["smtp+starttls"]
    server = SmtpServer(
        host=host,
        port=port or usual_port,
        tls=tls,
        user=_credential(parts.username),
        password=_credential(parts.password),
        timeout=_seconds(more.pop("timeout", str(TIMEOUT))),
        ca_file=more.pop("ca", None) or None,
    )
    if more:
        raise ValueError(f"has an option that does not exist: {', '.join(sorted(more))} (timeout, ca and starttls do)")
    if bool(server.user) != bool(server.password):
        raise ValueError("has a name without a password, or a password without a name")
    return server


def _credential(quoted: str | None) -> str:
    value = unquote(quoted or "")
    if not value.isascii() or not all(char.isprintable() for char in value):
        raise ValueError("has a name or password with something other than ASCII letters, digits and signs")
    return value


def _yes(value: str, name: str) -> bool:
    if value not in ("yes", "required", "true", "1", "no", "false", "0"):
        raise ValueError(f"says neither yes nor no to {name}")
    return value in ("yes", "required", "true", "1")


def _seconds(value: str) -> int:
    if not value.isdigit() or not 0 < int(value) <= MOST_TIMEOUT:
        raise ValueError(f"has a timeout that is not 1 to {MOST_TIMEOUT} seconds")
    return int(value)
