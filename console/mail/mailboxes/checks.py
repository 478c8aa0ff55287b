"""What a mailbox's form may hold."""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import select

from console.core.context import settings
from console.core.db import db
from console.core.emails import NoAddress, normal_email, sendable
from console.core.errors import Invalid, Text
from console.core.imap_url import folder_name
from console.core.text import one_line, paragraphs
from console.core.texts import lazy_gettext
from console.mail.mailboxes.models import (
    MAX_FOLDER,
    MAX_HOST,
    MAX_NAME,
    MAX_SIGNATURE,
    MAX_USER,
    ImapAccount,
    ImapTls,
    SignIn,
)

if TYPE_CHECKING:
    from console.mail.mailboxes.service import MailboxData

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
MAX_SECRET = 8000  # a refresh token of Microsoft's has up to 2,000 characters
_REQUIRED = lazy_gettext("This field is required.")


def check(data: MailboxData, *, known: ImapAccount | None) -> MailboxData:
    """Return ``data`` as it is stored.

    Args:
        known: the account there is, whose secrets stay where none is typed.

    Raises:
        Invalid: names each field.
    """
    data = replace(
        data, name=one_line(data.name), address=normal_email(data.address.strip()), host=data.host.strip().lower(),
        user=data.user.strip(), folder=folder_name(one_line(data.folder)), token_url=data.token_url.strip(),
        client_id=data.client_id.strip(), signature=paragraphs(data.signature),
    )  # fmt: skip
    if data.sign_in is SignIn.PASSWORD:
        data = replace(data, token_url="", client_id="", client_secret="", refresh_token="")
    else:
        data = replace(data, password="")
    wrong = _shape(data) | _place(data) | _secrets(data, known)
    if not wrong and _read_by_settings(data):
        wrong["folder"] = lazy_gettext("The mailbox of CONSOLE_IMAP_URL already reads this folder.")
    elif not wrong and _taken(data, known):
        wrong["folder"] = lazy_gettext("Another mailbox already reads this folder.")
    if wrong:
        raise Invalid(fields={name: [text] for name, text in wrong.items()})
    return data


def _shape(data: MailboxData) -> dict[str, Text]:
    wrong: dict[str, Text] = {}
    limits = {"name": MAX_NAME, "user": MAX_USER, "folder": MAX_FOLDER, "signature": MAX_SIGNATURE,
              "token_url": 500, "client_id": 300, "password": MAX_SECRET, "client_secret": MAX_SECRET,
              "refresh_token": MAX_SECRET}  # fmt: skip
    for name, longest in limits.items():
        if len(getattr(data, name)) > longest:
            wrong[name] = lazy_gettext("At most %(count)s characters.", count=longest)
    for name in ("name", "user"):
        if not getattr(data, name):
            wrong[name] = _REQUIRED
    try:
        sendable(data.address)
    except NoAddress:
        wrong["address"] = lazy_gettext("Enter a valid e-mail address.")
    for name in ("user", "password", "client_secret", "refresh_token"):
        if not getattr(data, name).isprintable():
            wrong[name] = lazy_gettext("Enter it on one line, without control characters.")
    return wrong


def _place(data: MailboxData) -> dict[str, Text]:
    wrong: dict[str, Text] = {}
    if not _HOST.fullmatch(data.host) or len(data.host) > MAX_HOST:
        wrong["host"] = lazy_gettext("Enter the server’s name, as in imap.example.com.")
    elif data.tls is ImapTls.NONE and not is_loopback(data.host):
        wrong["tls"] = lazy_gettext(
            "Without encryption, anyone along the way can read the password. Choose TLS or STARTTLS."
        )
    if not 0 < data.port < 65536:
        wrong["port"] = lazy_gettext("Enter a number from %(low)s to %(high)s.", low=1, high=65535)
    return wrong


def _secrets(data: MailboxData, known: ImapAccount | None) -> dict[str, Text]:
    """A secret must be typed with a new account, and again with another server: no one sends it elsewhere unseen."""
    if data.sign_in is SignIn.PASSWORD:
        stays = known is not None and known.sealed_password is not None and known.host == data.host
        return {} if data.password or stays else {"password": _again(known)}
    wrong: dict[str, Text] = {}
    if not _is_token_url(data.token_url):
        wrong["token_url"] = lazy_gettext("Enter an address that begins with https://.")
    if not data.client_id:
        wrong["client_id"] = _REQUIRED
    stays = known is not None and known.sealed_refresh_token is not None
    stays = stays and known is not None and (known.host, known.token_url) == (data.host, data.token_url)
    if not (data.refresh_token or stays):
        wrong["refresh_token"] = _again(known)
    moved = known is not None and known.token_url != data.token_url
    if moved and known is not None and known.sealed_client_secret is not None and not data.client_secret:
        wrong["client_secret"] = _again(known)
    return wrong


def _again(known: ImapAccount | None) -> Text:
    return _REQUIRED if known is None else lazy_gettext("Enter it again, because the server has changed.")


def _is_token_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        return bool(secure and parts.hostname and parts.port != 0 and parts.username is None)
    except ValueError:
        return False


def _read_by_settings(data: MailboxData) -> bool:
    server = settings().imap
    return server is not None and (server.host, server.user, server.folder) == (data.host, data.user, data.folder)


def _taken(data: MailboxData, known: ImapAccount | None) -> bool:
    query = select(ImapAccount.mailbox_id).where(
        ImapAccount.host == data.host, ImapAccount.user == data.user, ImapAccount.folder == data.folder
    )
    return any(key != getattr(known, "mailbox_id", None) for key in db.session.scalars(query))


def is_loopback(host: str) -> bool:
    """Return whether ``host`` is this machine itself."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name
        return False
