"""What refuses to start: settings that would be unsafe in production, or can never work."""

from __future__ import annotations

import re
from email.headerregistry import Address
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from console.core.settings.defaults import DEMO_SEAL_KEY, DEMO_SECRET_KEY
from console.core.settings.reading import PREFIX, SettingsError

if TYPE_CHECKING:
    from console.core.settings.environment import Settings

_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")


def check_settings(settings: Settings) -> None:
    """Refuse what would be unsafe in production, or can never work.

    Raises:
        SettingsError: naming the setting and what to do.
    """
    try:
        ZoneInfo(settings.timezone)
    except Exception as error:
        raise SettingsError(f"{PREFIX}TIMEZONE: no such zone: {settings.timezone}") from error
    _check_mail(settings)
    _check_dns(settings)
    _check_staff_oidc(settings)
    if not settings.production:
        return
    if settings.secret_key == DEMO_SECRET_KEY or len(settings.secret_key) < 32:
        raise SettingsError(f"{PREFIX}SECRET_KEY: production needs its own, 32 characters or more")
    if DEMO_SEAL_KEY in settings.seal_keys:
        raise SettingsError(f"{PREFIX}SEAL_KEYS: production needs its own (console new-key)")
    if settings.clock is not None:
        raise SettingsError(f"{PREFIX}CLOCK: time cannot be set in production")
    if not settings.https and not _is_loopback(settings.base_url):
        raise SettingsError(
            f"{PREFIX}BASE_URL: production needs https://, http:// only for this machine itself (127.0.0.1)"
        )


def _check_mail(settings: Settings) -> None:
    server = settings.smtp
    if server is not None and server.ca_file is not None and not Path(server.ca_file).is_file():
        raise SettingsError(f"{PREFIX}SMTP_URL: no such file of certificates: {server.ca_file}")
    if server is not None and server.bare_password and settings.production:
        raise SettingsError(
            f"{PREFIX}SMTP_URL: its password would be sent in the clear: use smtp+starttls:// or smtps://"
        )
    _ = settings.imap  # it must be readable
    if settings.imap_ca and not Path(settings.imap_ca).is_file():
        raise SettingsError(f"{PREFIX}IMAP_CA: no such file of certificates: {settings.imap_ca}")
    if not _is_address(settings.mail_from):
        raise SettingsError(f"{PREFIX}MAIL_FROM: {settings.mail_from!r} is no address, as in help@example.com")
    _ = settings.dkim  # read now, so that a broken key refuses the start


def _check_staff_oidc(settings: Settings) -> None:
    issuer = settings.staff_oidc_issuer
    if (issuer is None) != (settings.staff_oidc_client_id is None):
        raise SettingsError(f"{PREFIX}STAFF_OIDC_ISSUER and {PREFIX}STAFF_OIDC_CLIENT_ID go together")
    if issuer is None:
        return
    try:
        parts = urlsplit(issuer)
        usable = (parts.scheme == "https" and parts.hostname) or _is_loopback(issuer)
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment:
        raise SettingsError(f"{PREFIX}STAFF_OIDC_ISSUER: it must look like https://login.example.com")


def _check_dns(settings: Settings) -> None:
    try:
        parts = urlsplit(settings.dns_url or "http://:key@localhost")
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.password and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(f"{PREFIX}DNS_URL: it must look like http://:KEY@127.0.0.1:8081")
    for server in settings.dns_servers:
        if not _HOST.fullmatch(server):
            raise SettingsError(f"{PREFIX}DNS_SERVERS: {server!r} is no name of a server, as in ns1.example.com")
    if settings.dns_mailbox and not _is_address(settings.dns_mailbox):
        raise SettingsError(f"{PREFIX}DNS_MAILBOX: {settings.dns_mailbox!r} is no address, as in dns@example.com")


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return url.startswith("http://") and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:  # a name
        return False


def _is_address(text: str) -> bool:
    try:
        address = Address(addr_spec=text)
    except Exception:  # noqa: BLE001  the parser raises whatever it stumbles over
        return False
    return bool(address.username and address.domain) and text.isascii()
