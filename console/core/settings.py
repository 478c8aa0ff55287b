"""Settings, read once from the environment (every name with ``CONSOLE_`` in front).

Some of them an administrator may set on a page as well: ``console.settings``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from console.core.dkim_key import DkimKey, read_dkim_key
from console.core.duty_rules import DutyRules, read_duty_rules
from console.core.money import CURRENCIES
from console.core.places import ANCHOR, FILES, ZONES, place_of
from console.core.smtp_url import SmtpServer, read_smtp_url

PREFIX = "CONSOLE_"
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")
# Known to everyone who can read this file: good for a demo, refused in production.
DEMO_SECRET_KEY = "demo-secret-key-known-to-everyone"  # noqa: S105
DEMO_SEAL_KEY = "ZGVtby1zZWFsLWtleS1rbm93bi10by1ldmVyeW9uZSE="
DEMO_PASSWORD = "Demo-lozinka-1"  # noqa: S105
# Departments that a new installation has, by what customers ask for in the portal.
REQUEST_DEPARTMENTS = {
    "order": "sales",
    "change": "sales",
    "cancellation": "sales",
    "password": "technical",
    "quote": "accounting",
}


MOST_DAYS = 365


def read_days(text: str) -> tuple[int, ...]:
    """Return the days that a list like ``7, 1`` names, each once.

    Raises:
        ValueError: it is none; at most six, up to :data:`MOST_DAYS`.
    """
    parts = [part for part in text.replace(",", " ").split() if part]
    if len(parts) > 6 or not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
        raise ValueError(text)
    days = tuple(dict.fromkeys(int(part) for part in parts))
    if any(day > MOST_DAYS for day in days):
        raise ValueError(text)
    return days


def write_days(days: tuple[int, ...]) -> str:
    """Write a list of days for people."""
    return ", ".join(map(str, days))


class SettingsError(ValueError):
    """A setting is missing, malformed or not allowed in this environment."""


@dataclass(frozen=True)
class Issuer:
    """Who issues our documents, as printed and frozen on each of them."""

    name: str = "Mint Hosting d.o.o."
    brand: str = "Mint Hosting"  # at the top of documents; the name when empty
    pib: str = "100000049"
    mb: str = "20000009"
    address: str = "Bulevar primera 1"
    postcode: str = "11000"
    city: str = "Beograd"
    country: str = "RS"
    in_vat_system: bool = True
    # account number by currency, 18 digits or IBAN
    accounts: Mapping[str, str] = field(
        default_factory=lambda: {"RSD": "840-955845-10", "EUR": "RS35105008123123123173"}
    )
    bic: str = "AIKBRS22"  # of the bank that has the account for other currencies than dinars
    terms_days: int = 8

    def snapshot(self, currency: str) -> dict[str, object]:
        """Return what a document in ``currency`` freezes about its issuer."""
        return {
            "name": self.name,
            "brand": self.brand,
            "pib": self.pib,
            "mb": self.mb,
            "address": self.address,
            "postcode": self.postcode,
            "city": self.city,
            "country": self.country,
            "in_vat_system": self.in_vat_system,
            "account": self.accounts.get(currency, ""),
            "bic": "" if currency == "RSD" else self.bic,
        }


@dataclass(frozen=True)
class Settings:
    """Everything that may differ between two installations. Its ``repr`` leaves out what may hold a secret."""

    env: str = "development"
    secret_key: str = field(default=DEMO_SECRET_KEY, repr=False)
    seal_keys: tuple[str, ...] = field(default=(DEMO_SEAL_KEY,), repr=False)
    database_url: str = field(default="sqlite:///var/console.sqlite3", repr=False)
    database_pool: int = 10  # connections that a process keeps; PostgreSQL alone
    database_overflow: int = 20  # and takes besides while it needs them
    redis_url: str | None = field(default=None, repr=False)
    speedups: bool = True  # what goes round a library for speed: ``console.speedups``
    processes: int = 1  # that `console serve` starts
    smtp_url: str | None = field(default=None, repr=False)
    imap_url: str | None = field(default=None, repr=False)
    # Staff's sign-in through an OpenID provider outside: console.identity.outside.
    staff_oidc_issuer: str | None = None
    staff_oidc_client_id: str | None = None
    staff_oidc_client_secret: str | None = field(default=None, repr=False)
    dns_url: str | None = field(default=None, repr=False)  # PowerDNS; zone files without it
    dns_folder: str = ""  # of zone files; next to the database when empty: see zone_folder
    dns_servers: tuple[str, ...] = ("ns1.example.test", "ns2.example.test")  # of zones that name none themselves
    dns_mailbox: str = ""  # in each SOA record; mail_from when empty
    base_url: str = "http://127.0.0.1:8000"
    forwarded_host: bool = False  # the proxy in front sets X-Forwarded-Host, whatever a client sent
    allowed_origins: tuple[str, ...] = ()
    timezone: str = "Europe/Belgrade"
    locale: str = "sr_Latn"
    brand: str = "Mint podrška"
    portal_brand: str = "Moj Mint"
    mail_from: str = "podrska@example.test"
    mail_from_name: str = ""  # the brand when empty
    # The mail server whose Authentication-Results and spam marks count; nothing proves a sender when empty.
    mail_authserv_id: str = ""
    # What mail is signed with (DKIM); it is not signed when they are empty.
    dkim_key_file: str = ""
    dkim_selector: str = ""
    dkim_domain: str = ""  # of mail_from when empty
    clock: datetime | None = None
    audit_anchor: str = ""  # next to the database when empty: see anchor_file
    files: str = ""  # next to the database when empty: see files_folder
    metrics_token: str | None = field(default=None, repr=False)
    issuer: Issuer = field(default_factory=Issuer)
    duties: DutyRules = field(default_factory=DutyRules)

    pin_minutes: int = 60
    contact_pin_minutes: int = 7 * 24 * 60
    verification_minutes: int = 30
    session_idle_minutes: int = 60
    session_hours: int = 12
    totp_roles: tuple[str, ...] = ()
    migration_days: int = 30
    migration_acceptance: bool = False  # of the new owner; from the environment on, but in the demo
    migration_reversal_days: int = 14
    # Of who asks for a migration, approves and executes it, no one person takes two steps in a row.
    migration_four_eyes: bool = False
    # In minor units by currency; zero in each: for every migration.
    migration_four_eyes_above: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(CURRENCIES, 0))
    # What bills by itself; off until it is switched on, so that an update of a running shop bills no one by surprise.
    renewals: bool = False
    renewal_days: int = 30  # before its first day that a period is billed
    renewals_together: bool = True  # what one account has due on one day, on one document
    reminders_before: str = "7, 1"  # days before the due date, each once
    reminders_after: str = "3, 10, 20"
    suspension_days: int = 15  # overdue, then staff are asked to suspend the service
    grace_days: int = 30  # past the last day paid, then it has expired
    # The key of the department that carries out what customers ask for in the portal, by the kind of request.
    request_departments: Mapping[str, str] = field(default_factory=lambda: dict(REQUEST_DEPARTMENTS))
    widget_color: str = ""  # of the chat widget, as #0a6c61; our own when empty
    chat_keep_months: int = 24  # ended chats, then they are deleted
    ticket_keep_months: int = 60  # closed tickets
    raw_mail_keep_days: int = 90  # messages that we received, as they came; their tickets stay
    mail_keep_months: int = 24  # mail that was sent, failed or was withdrawn
    session_keep_days: int = 90  # ended sign-ins: listed to their owner, who may wonder who signed in
    verification_keep_months: int = 24
    invitation_keep_days: int = 90
    statement_megabytes: int = 32  # the largest file of a bank statement that is read
    statement_keep_months: int = 24  # files of imported statements; their lines stay as long as the law says
    export_keep_days: int = 7  # copies of a person's data that were prepared
    chat_address_limit: int = 30  # open chats of one network address, which may be a whole office
    chat_limit_factor: int = 1  # multiplies every limit of the chat: for benches and tests

    @property
    def production(self) -> bool:
        return self.env == "production"

    @property
    def demo(self) -> bool:
        """Whether everything in it is made up: then all may read what others were mailed, and move the clock."""
        return self.env == "demo"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def https(self) -> bool:
        return self.base_url.startswith("https://")

    @cached_property
    def smtp(self) -> SmtpServer | None:
        """The mail server; ``None`` where mail goes nowhere.

        Raises:
            SettingsError: the address cannot be read.
        """
        try:
            return read_smtp_url(self.smtp_url) if self.smtp_url else None
        except ValueError as error:
            raise SettingsError(f"{PREFIX}SMTP_URL: it {error}") from error

    @cached_property
    def dkim(self) -> DkimKey | None:
        """What mail is signed with; ``None`` where it is not.

        Raises:
            SettingsError: the key cannot be used.
        """
        if not self.dkim_key_file and not self.dkim_selector:
            return None
        if not (self.dkim_key_file and self.dkim_selector):
            raise SettingsError(f"{PREFIX}DKIM_KEY_FILE and {PREFIX}DKIM_SELECTOR go together")
        domain = self.dkim_domain or self.mail_from.rpartition("@")[2]
        try:
            return read_dkim_key(self.dkim_key_file, self.dkim_selector, domain)
        except ValueError as error:
            raise SettingsError(f"{PREFIX}DKIM_{error}") from error

    @property
    def anchor_file(self) -> Path:
        """Where the audit log's end is noted."""
        return Path(self.audit_anchor).absolute() if self.audit_anchor else place_of(self.database_url, ANCHOR)

    @property
    def files_folder(self) -> Path:
        """Where attachments are stored."""
        return Path(self.files).absolute() if self.files else place_of(self.database_url, FILES)

    @property
    def zone_folder(self) -> Path:
        """Where zone files are written."""
        return Path(self.dns_folder).absolute() if self.dns_folder else place_of(self.database_url, ZONES)

    @property
    def sender_name(self) -> str:
        """Under which name mail goes out."""
        return self.mail_from_name or self.brand

    @property
    def connections(self) -> int:
        """Return how many connections to PostgreSQL a process may have at once."""
        return self.database_pool + self.database_overflow

    @property
    def sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read ``CONSOLE_*`` from ``environ`` (the process's own by default).

        Raises:
            SettingsError: a value cannot be read, or is not allowed in production.
        """
        values = _Reader(os.environ if environ is None else environ)
        settings = cls(
            env=values.choice("ENV", ("development", "demo", "production"), "development"),
            secret_key=values.text("SECRET_KEY", DEMO_SECRET_KEY),
            seal_keys=values.many("SEAL_KEYS", (DEMO_SEAL_KEY,)),
            database_url=_database_url(values.text("DATABASE_URL", cls.database_url)),
            database_pool=values.number("DATABASE_POOL", cls.database_pool),
            database_overflow=values.number("DATABASE_OVERFLOW", cls.database_overflow, least=0),
            redis_url=values.optional("REDIS_URL"),
            speedups=values.choice("SPEEDUPS", ("on", "off"), "on") == "on",
            processes=values.number("PROCESSES", cls.processes),
            smtp_url=values.optional("SMTP_URL"),
            imap_url=values.optional("IMAP_URL"),
            staff_oidc_issuer=values.optional("STAFF_OIDC_ISSUER"),
            staff_oidc_client_id=values.optional("STAFF_OIDC_CLIENT_ID"),
            staff_oidc_client_secret=values.optional("STAFF_OIDC_CLIENT_SECRET"),
            dns_url=values.optional("DNS_URL"),
            dns_folder=values.text("DNS_FOLDER", cls.dns_folder),
            dns_servers=values.many("DNS_SERVERS", cls.dns_servers),
            dns_mailbox=values.text("DNS_MAILBOX", cls.dns_mailbox),
            base_url=values.text("BASE_URL", cls.base_url).rstrip("/"),
            forwarded_host=values.choice("FORWARDED_HOST", ("yes", "no"), "no") == "yes",
            allowed_origins=values.many("ALLOWED_ORIGINS", ()),
            timezone=values.text("TIMEZONE", cls.timezone),
            locale=values.choice("LOCALE", ("sr_Latn", "en"), "sr_Latn"),
            brand=values.text("BRAND", cls.brand),
            portal_brand=values.text("PORTAL_BRAND", cls.portal_brand),
            mail_from=values.text("MAIL_FROM", cls.mail_from),
            mail_from_name=values.text("MAIL_FROM_NAME", cls.mail_from_name),
            mail_authserv_id=values.text("MAIL_AUTHSERV_ID", cls.mail_authserv_id),
            dkim_key_file=values.text("DKIM_KEY_FILE", cls.dkim_key_file),
            dkim_selector=values.text("DKIM_SELECTOR", cls.dkim_selector),
            dkim_domain=values.text("DKIM_DOMAIN", cls.dkim_domain),
            clock=values.instant("CLOCK"),
            audit_anchor=values.text("AUDIT_ANCHOR", cls.audit_anchor),
            files=values.text("FILES", cls.files),
            metrics_token=values.optional("METRICS_TOKEN"),
            issuer=_issuer(values),
            duties=read_duty_rules(values.number, values.choice),
            pin_minutes=values.number("PIN_MINUTES", cls.pin_minutes),
            contact_pin_minutes=values.number("CONTACT_PIN_MINUTES", cls.contact_pin_minutes),
            verification_minutes=values.number("VERIFICATION_MINUTES", cls.verification_minutes),
            session_idle_minutes=values.number("SESSION_IDLE_MINUTES", cls.session_idle_minutes),
            session_hours=values.number("SESSION_HOURS", cls.session_hours),
            totp_roles=values.many("TOTP_ROLES", ()),
            migration_days=values.number("MIGRATION_DAYS", cls.migration_days),
            migration_acceptance=values.choice("MIGRATION_ACCEPTANCE", ("yes", "no"), _unless_demo(values)) == "yes",
            migration_reversal_days=values.number("MIGRATION_REVERSAL_DAYS", cls.migration_reversal_days),
            migration_four_eyes=values.choice("MIGRATION_FOUR_EYES", ("yes", "no"), "no") == "yes",
            migration_four_eyes_above=values.amounts("MIGRATION_FOUR_EYES_ABOVE"),
            renewals=values.choice("RENEWALS", ("yes", "no"), "no") == "yes",
            renewal_days=values.number("RENEWAL_DAYS", cls.renewal_days),
            renewals_together=values.choice("RENEWALS_TOGETHER", ("yes", "no"), "yes") == "yes",
            reminders_before=values.days("REMINDERS_BEFORE", cls.reminders_before),
            reminders_after=values.days("REMINDERS_AFTER", cls.reminders_after),
            suspension_days=values.number("SUSPENSION_DAYS", cls.suspension_days),
            grace_days=values.number("GRACE_DAYS", cls.grace_days, least=0),
            request_departments=values.departments("REQUEST_DEPARTMENTS"),
            widget_color=values.color("WIDGET_COLOR", cls.widget_color),
            chat_keep_months=values.number("CHAT_KEEP_MONTHS", cls.chat_keep_months),
            ticket_keep_months=values.number("TICKET_KEEP_MONTHS", cls.ticket_keep_months),
            raw_mail_keep_days=values.number("RAW_MAIL_KEEP_DAYS", cls.raw_mail_keep_days),
            mail_keep_months=values.number("MAIL_KEEP_MONTHS", cls.mail_keep_months),
            session_keep_days=values.number("SESSION_KEEP_DAYS", cls.session_keep_days),
            verification_keep_months=values.number("VERIFICATION_KEEP_MONTHS", cls.verification_keep_months),
            invitation_keep_days=values.number("INVITATION_KEEP_DAYS", cls.invitation_keep_days),
            statement_megabytes=values.number("STATEMENT_MEGABYTES", cls.statement_megabytes),
            statement_keep_months=values.number("STATEMENT_KEEP_MONTHS", cls.statement_keep_months),
            export_keep_days=values.number("EXPORT_KEEP_DAYS", cls.export_keep_days),
            chat_address_limit=values.number("CHAT_ADDRESS_LIMIT", cls.chat_address_limit),
            chat_limit_factor=values.number("CHAT_LIMIT_FACTOR", cls.chat_limit_factor),
        )
        settings.check()
        return settings

    def check(self) -> None:
        """Refuse what would be unsafe in production, or can never work.

        Raises:
            SettingsError: naming the setting and what to do.
        """
        try:
            ZoneInfo(self.timezone)
        except Exception as error:
            raise SettingsError(f"{PREFIX}TIMEZONE: no such zone: {self.timezone}") from error
        self._check_mail()
        self._check_dns()
        self._check_staff_oidc()
        if not self.production:
            return
        if self.secret_key == DEMO_SECRET_KEY or len(self.secret_key) < 32:
            raise SettingsError(f"{PREFIX}SECRET_KEY: production needs its own, 32 characters or more")
        if DEMO_SEAL_KEY in self.seal_keys:
            raise SettingsError(f"{PREFIX}SEAL_KEYS: production needs its own (console new-key)")
        if self.clock is not None:
            raise SettingsError(f"{PREFIX}CLOCK: time cannot be set in production")
        if not self.https and not _is_loopback(self.base_url):
            raise SettingsError(
                f"{PREFIX}BASE_URL: production needs https://, http:// only for this machine itself (127.0.0.1)"
            )

    def check_processes(self, count: int) -> None:
        """Refuse to serve with several processes what only one can.

        Raises:
            SettingsError: says what is missing.
        """
        if count > 1 and self.sqlite:
            raise SettingsError(
                f"{count} processes need PostgreSQL ({PREFIX}DATABASE_URL): a SQLite file has one process alone"
            )
        if count > 1 and self.redis_url is None:
            raise SettingsError(
                f"{count} processes need {PREFIX}REDIS_URL: without it none of them hears what another has stored"
            )

    def _check_mail(self) -> None:
        server = self.smtp
        if server is not None and server.ca_file is not None and not Path(server.ca_file).is_file():
            raise SettingsError(f"{PREFIX}SMTP_URL: no such file of certificates: {server.ca_file}")
        if server is not None and server.bare_password and self.production:
            raise SettingsError(
                f"{PREFIX}SMTP_URL: its password would be sent in the clear: use smtp+starttls:// or smtps://"
            )
        if not _is_address(self.mail_from):
            raise SettingsError(f"{PREFIX}MAIL_FROM: {self.mail_from!r} is no address, as in help@example.com")
        _ = self.dkim  # read now, so that a broken key refuses the start

    def _check_staff_oidc(self) -> None:
        issuer = self.staff_oidc_issuer
        if (issuer is None) != (self.staff_oidc_client_id is None):
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

    def _check_dns(self) -> None:
        try:
            parts = urlsplit(self.dns_url or "http://:key@localhost")
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.password and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise SettingsError(f"{PREFIX}DNS_URL: it must look like http://:KEY@127.0.0.1:8081")
        for server in self.dns_servers:
            if not _HOST.fullmatch(server):
                raise SettingsError(f"{PREFIX}DNS_SERVERS: {server!r} is no name of a server, as in ns1.example.com")
        if self.dns_mailbox and not _is_address(self.dns_mailbox):
            raise SettingsError(f"{PREFIX}DNS_MAILBOX: {self.dns_mailbox!r} is no address, as in dns@example.com")


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


def _database_url(url: str) -> str:
    """Spell the PostgreSQL driver out, so that ``postgresql://…`` means psycopg 3."""
    for short in ("postgres://", "postgresql://"):
        if url.startswith(short):
            return "postgresql+psycopg://" + url.removeprefix(short)
    return url


def _unless_demo(values: _Reader) -> str:
    """Return the default of what is on everywhere but in the demo, where people try things alone."""
    return "no" if values.text("ENV", "") == "demo" else "yes"


def _issuer(values: _Reader) -> Issuer:
    default = Issuer()
    accounts = dict(pair.split(":", 1) for pair in values.many("ISSUER_ACCOUNTS", ()) if ":" in pair)
    return Issuer(
        name=values.text("ISSUER_NAME", default.name),
        brand=values.text("ISSUER_BRAND", "" if values.optional("ISSUER_NAME") else default.brand),
        bic=values.text("ISSUER_BIC", "" if accounts else default.bic),  # another's bank would be worse than none
        pib=values.text("ISSUER_PIB", default.pib),
        mb=values.text("ISSUER_MB", default.mb),
        address=values.text("ISSUER_ADDRESS", default.address),
        postcode=values.text("ISSUER_POSTCODE", default.postcode),
        city=values.text("ISSUER_CITY", default.city),
        country=values.text("ISSUER_COUNTRY", default.country),
        in_vat_system=values.choice("ISSUER_VAT", ("yes", "no"), "yes") == "yes",
        accounts=accounts or default.accounts,
        terms_days=values.number("ISSUER_TERMS_DAYS", default.terms_days),
    )


class _Reader:
    """Typed look-ups that name the setting in every complaint."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def optional(self, name: str) -> str | None:
        return self.environ.get(PREFIX + name, "").strip() or None

    def text(self, name: str, default: str) -> str:
        return self.optional(name) or default

    def many(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        raw = self.optional(name)
        return tuple(part.strip() for part in raw.split(",") if part.strip()) if raw else default

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.text(name, default)
        if value not in allowed:
            raise SettingsError(f"{PREFIX}{name}: {value!r} is none of {', '.join(allowed)}")
        return value

    def number(self, name: str, default: int, *, least: int = 1) -> int:
        raw = self.optional(name)
        if raw is None:
            return default
        if not raw.isdecimal() or int(raw) < least:
            kind = "positive whole number" if least else "whole number"
            raise SettingsError(f"{PREFIX}{name}: {raw!r} is no {kind}")
        return int(raw)

    def amounts(self, name: str) -> dict[str, int]:
        """Read minor units by currency, ``RSD:10000000,EUR:100000``; a number alone is in dinars, the rest is zero."""
        found: dict[str, int] = {}
        for part in self.many(name, ()):
            currency, _, amount = part.rpartition(":")
            currency = currency.strip() or "RSD"
            if currency not in CURRENCIES or not amount.strip().isdecimal() or currency in found:
                raise SettingsError(f"{PREFIX}{name}: {part!r} is no amount in minor units, as in RSD:10000000")
            found[currency] = int(amount)
        return dict.fromkeys(CURRENCIES, 0) | found

    def days(self, name: str, default: str) -> str:
        """Read numbers of days, ``7, 1``; ``none`` for none at all."""
        raw = self.optional(name)
        if raw is None:
            return default
        try:
            return write_days(read_days("" if raw == "none" else raw))
        except ValueError as error:
            raise SettingsError(f"{PREFIX}{name}: {raw!r} is no list of days, as in 7,1") from error

    def departments(self, name: str) -> dict[str, str]:
        """Read departments by kind of request, ``order:sales,password:technical``; others keep their own."""
        found: dict[str, str] = {}
        for part in self.many(name, ()):
            kind, _, department = (one.strip() for one in part.partition(":"))
            if kind not in REQUEST_DEPARTMENTS or not department or kind in found:
                raise SettingsError(f"{PREFIX}{name}: {part!r} is no kind and department, as in order:sales")
            found[kind] = department
        return REQUEST_DEPARTMENTS | found

    def color(self, name: str, default: str) -> str:
        raw = self.optional(name)
        if raw is None:
            return default
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", raw):
            raise SettingsError(f"{PREFIX}{name}: {raw!r} is no colour like #0a6c61")
        return raw.lower()

    def instant(self, name: str) -> datetime | None:
        raw = self.optional(name)
        if raw is None:
            return None
        try:
            value = datetime.fromisoformat(raw)
        except ValueError as error:
            raise SettingsError(f"{PREFIX}{name}: {raw!r} is no RFC 3339 time") from error
        if value.tzinfo is None:
            raise SettingsError(f"{PREFIX}{name}: {raw!r} lacks its offset, as in +01:00")
        return value
