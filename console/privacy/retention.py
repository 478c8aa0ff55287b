"""How long each kind of data is stored: by which setting, what is due next, and the jobs that obey it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute

from console.billing.statements import retention as bank_statements
from console.billing.statements.models import BankStatement
from console.chat import retention as chats
from console.chat.models import Chat
from console.core import clock
from console.core.context import settings
from console.core.db import db
from console.core.errors import Text
from console.core.logging import get_logger
from console.core.periods import add_months
from console.core.texts import lazy_gettext, ngettext
from console.customers import registration
from console.customers import retention as customers
from console.customers.models import Invitation, PersonSession, Verification
from console.mail import retention as mails
from console.mail.models import Mail
from console.mail.receiving import retention as received
from console.mail.receiving.models import IncomingMail
from console.privacy import links  # noqa: F401  (what names a row that goes is cut off it)
from console.tickets import retention as tickets
from console.tickets.models import Ticket

log = get_logger(__name__)

LOOKS_AHEAD = timedelta(days=30)
DOCUMENT_YEARS = 10  # Zakon o računovodstvu and Zakon o porezu na dodatu vrednost: docs/privacy.md


@dataclass(frozen=True)
class Kind:
    """One kind of data that goes by age.

    Args:
        setting: the field of the settings that has its period; it ends in ``_months`` or ``_days``.
        ended: since when a row's age counts.
        is_due: the condition of a row that goes, given the instant its age is compared to.
    """

    key: str
    name: Text
    setting: str
    ended: InstrumentedAttribute[Any]
    is_due: Callable[[datetime], ColumnElement[bool]]

    @property
    def period(self) -> int:
        """Return the period now, in the setting's unit."""
        return int(getattr(settings(), self.setting))

    def before(self, instant: datetime) -> datetime:
        """Return until when something must have ended to be due at ``instant``."""
        return self._moved(instant, -self.period)

    def goes_at(self, ended: datetime) -> datetime:
        """Return when something that ended then is due."""
        return self._moved(ended, self.period)

    def period_words(self) -> Text:
        """Return the period in words."""
        if self.setting.endswith("_months"):
            return ngettext("%(num)d month", "%(num)d months", self.period)
        return ngettext("%(num)d day", "%(num)d days", self.period)

    def _moved(self, instant: datetime, count: int) -> datetime:
        if self.setting.endswith("_months"):
            return add_months(instant, count, settings().zone)
        return instant + timedelta(days=count)


KINDS: tuple[Kind, ...] = (
    Kind("chats", lazy_gettext("Ended chats, with their files"), "chat_keep_months", Chat.ended_at, chats.is_due),
    Kind(
        "tickets", lazy_gettext("Closed tickets, with files, ratings and reviews"), "ticket_keep_months",
        Ticket.updated_at, tickets.is_due,
    ),
    Kind("mails", lazy_gettext("E-mails that we sent"), "mail_keep_months", Mail.created_at, mails.is_due),
    Kind(
        "raw_mails", lazy_gettext("E-mails that we received, in their original form"), "raw_mail_keep_days",
        IncomingMail.received_at, received.is_raw_due,
    ),
    Kind(
        "sessions", lazy_gettext("Ended sign-ins, with address and device"), "session_keep_days",
        PersonSession.expires_at, customers.session_is_due,
    ),
    Kind(
        "verifications", lazy_gettext("Verifications: who, when, through which channel"), "verification_keep_months",
        Verification.expires_at, customers.verification_is_due,
    ),
    Kind(
        "invitations", lazy_gettext("Invitations that were answered or have expired"), "invitation_keep_days",
        Invitation.expires_at, customers.invitation_is_due,
    ),
    Kind(
        "statements", lazy_gettext("Files of imported bank statements"), "statement_keep_months",
        BankStatement.finished_at, bank_statements.file_is_due,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Upcoming:
    """What of one kind goes next. ``first_at``: when the oldest does; ``None`` where there is nothing."""

    kind: Kind
    due: int  # within thirty days
    stored: int
    first_at: datetime | None


def upcoming() -> list[Upcoming]:
    """Return what of each kind goes next, in one statement."""
    now = clock.now()
    columns: list[Any] = []
    far = datetime.max.replace(tzinfo=now.tzinfo) - timedelta(days=2)
    for kind in KINDS:
        for condition, value in (
            (kind.is_due(kind.before(now + LOOKS_AHEAD)), func.count()),
            (kind.is_due(far), func.count()),
            (kind.is_due(far), func.min(kind.ended)),
        ):
            columns.append(select(value).select_from(kind.ended.class_).where(condition).scalar_subquery())
    row: tuple[Any, ...] = tuple(db.session.execute(select(*columns)).one())
    found = []
    for place, kind in enumerate(KINDS):
        due: int | None = row[3 * place]
        stored: int | None = row[3 * place + 1]
        oldest: datetime | None = row[3 * place + 2]
        first = max(kind.goes_at(oldest), now) if oldest is not None else None
        found.append(Upcoming(kind, due or 0, stored or 0, first))
    return found


def periods() -> list[tuple[Text, Text]]:
    """Return how long everything is stored, for the privacy page: what is set, and what is fixed."""
    fixed: list[tuple[Text, Text]] = [
        (lazy_gettext("Your account, its people and services"), lazy_gettext("as long as the account exists")),
        (
            lazy_gettext("Pro-formas, invoices and other business documents"),
            lazy_gettext("%(years)d years, as the law on accounting and the law on VAT require", years=DOCUMENT_YEARS),
        ),
        (
            lazy_gettext("The audit log: what was done on the account, when and by whom"),
            lazy_gettext("as long as the account exists; after an erasure it names no one"),
        ),
    ]
    short: list[tuple[Text, Text]] = [
        (
            lazy_gettext("Registrations whose address was not confirmed"),
            ngettext("%(num)d hour", "%(num)d hours", int(registration.LASTS.total_seconds() // 3600)),
        ),
    ]
    return [*fixed, *((kind.name, kind.period_words()) for kind in KINDS), *short]


def delete_due() -> None:
    """Delete everything that is due. Run by the worker; each step is its own transactions."""
    chats.delete_due()
    gone, digests = tickets.delete_due()
    chats.remove_unused_files(digests)
    raw, raw_files = received.delete_due()
    chats.remove_unused_files(raw_files)
    mailed = mails.delete_due()
    verified = customers.delete_verifications()
    customers.delete_sessions()
    customers.delete_invitations()
    bank_statements.delete_files()
    if gone or mailed or raw or verified:
        log.info("data deleted", tickets=gone, mails=mailed, raw_mails=raw, verifications=verified)
