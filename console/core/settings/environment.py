"""All settings with their defaults, and how each is read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from console.core.dkim_key import DkimKey, read_dkim_key
from console.core.imap_url import ImapServer, read_imap_url
from console.core.money import CURRENCIES
from console.core.places import ANCHOR, FILES, ZONES, place_of
from console.core.settings.checks import check_settings
from console.core.settings.defaults import DEMO_SEAL_KEY, DEMO_SECRET_KEY, REQUEST_DEPARTMENTS
from console.core.settings.duties import DutyRules, read_duty_rules
from console.core.settings.issuer import Issuer, read_issuer
from console.core.settings.reading import PREFIX, Reader, SettingsError
from console.core.smtp_url import SmtpServer, read_smtp_url


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
    imap_url: str | None = field(default=None, repr=False)  # one mailbox that is read; more are set on a page
    imap_ca: str = ""  # a file of certificates to trust besides the system's, of mail servers that are read
    # Staff's sign-in through an OpenID provider outside: console.identity.service.outside.
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
    # Automatic billing; off until it is switched on, so that an upgrade does not start to bill customers.
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
    def imap(self) -> ImapServer | None:
        """The mailbox of the settings; ``None`` where there is none.

        Raises:
            SettingsError: the address cannot be read.
        """
        try:
            return read_imap_url(self.imap_url) if self.imap_url else None
        except ValueError as error:
            raise SettingsError(f"{PREFIX}IMAP_URL: it {error}") from error

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
        values = Reader(os.environ if environ is None else environ)
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
            imap_ca=values.text("IMAP_CA", cls.imap_ca),
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
            issuer=read_issuer(values),
            duties=read_duty_rules(values),
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
        check_settings(settings)
        return settings

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


def _database_url(url: str) -> str:
    """Spell the PostgreSQL driver out, so that ``postgresql://…`` means psycopg 3."""
    for short in ("postgres://", "postgresql://"):
        if url.startswith(short):
            return "postgresql+psycopg://" + url.removeprefix(short)
    return url


def _unless_demo(values: Reader) -> str:
    """Return the default of what is on everywhere but in the demo, where people try things alone."""
    return "no" if values.text("ENV", "") == "demo" else "yes"
