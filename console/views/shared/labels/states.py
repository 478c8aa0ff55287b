"""How states are shown: an icon and a word first, colour third."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from console.billing.models import ACTIVE_STATUSES, Migration, MigrationState, Proforma, ProformaStatus
from console.core import clock, money
from console.core.context import settings
from console.core.errors import Text
from console.core.texts import gettext, lazy_gettext, lazy_pgettext, ngettext
from console.customers.models import CustomerKind, CustomerStatus
from console.hosting.models import ProductKind, ServiceStatus
from console.web.filters import amount, icon, language


@dataclass(frozen=True)
class Label:
    """A state in words, with its icon and its role (ok, warn, danger, info, void or none)."""

    text: Text
    icon: str
    role: str = ""

    def status(self) -> Markup:
        """Draw it for a table: no ground, so that a column of fifty does not shout."""
        css = f"status status-{self.role}" if self.role else "status"
        return Markup('<span class="{}">{}{}</span>').format(css, icon(self.icon), self.text)

    def badge(self) -> Markup:
        """Draw it for a heading."""
        css = f"badge badge-{self.role}" if self.role in ("ok", "warn", "danger", "info") else "badge"
        return Markup('<span class="{}">{}{}</span>').format(css, icon(self.icon), self.text)


CUSTOMER_KIND = {
    CustomerKind.PERSON: Label(lazy_gettext("person"), "user"),
    CustomerKind.COMPANY: Label(lazy_gettext("company"), "building"),
}
CUSTOMER_STATUS = {
    CustomerStatus.ACTIVE: Label(lazy_pgettext("account", "open"), "ok", "ok"),
    CustomerStatus.SUSPENDED: Label(lazy_pgettext("account", "suspended"), "pause", "warn"),
    CustomerStatus.CLOSED: Label(lazy_pgettext("account", "closed"), "ban", "void"),
}
SERVICE_STATUS = {
    ServiceStatus.ACTIVE: Label(lazy_pgettext("service", "active"), "ok", "ok"),
    ServiceStatus.SUSPENDED: Label(lazy_pgettext("service", "suspended"), "pause", "warn"),
    ServiceStatus.EXPIRED: Label(lazy_pgettext("service", "expired"), "clock", "danger"),
    ServiceStatus.CANCELLED: Label(lazy_pgettext("service", "cancelled"), "ban", "void"),
}
PRODUCT_KIND = {
    ProductKind.HOSTING: Label(lazy_gettext("hosting"), "server"),
    ProductKind.VPS: Label(lazy_gettext("VPS"), "server"),
    ProductKind.DOMAIN: Label(lazy_gettext("domain"), "globe"),
    ProductKind.SSL: Label(lazy_gettext("SSL certificate"), "lock"),
    ProductKind.ADDON: Label(lazy_gettext("add-on"), "plus"),
}
PROFORMA_STATUS = {
    ProformaStatus.OPEN: Label(lazy_pgettext("pro-forma", "unpaid"), "clock"),
    ProformaStatus.PART_PAID: Label(lazy_pgettext("pro-forma", "partly paid"), "half", "warn"),
    ProformaStatus.PAID: Label(lazy_pgettext("pro-forma", "paid"), "ok", "ok"),
    ProformaStatus.CANCELLED: Label(lazy_pgettext("pro-forma", "cancelled by storno"), "ban", "void"),
}
OVERDUE = {
    ProformaStatus.OPEN: Label(lazy_pgettext("pro-forma", "overdue"), "alert", "danger"),
    ProformaStatus.PART_PAID: Label(lazy_pgettext("pro-forma", "partly paid, overdue"), "alert", "danger"),
}
MIGRATION_STATE = {
    MigrationState.REQUESTED: Label(lazy_pgettext("migration", "waiting for approval"), "clock", "warn"),
    MigrationState.ACCEPTED: Label(lazy_pgettext("migration", "accepted by the new owner"), "clock", "warn"),
    MigrationState.APPROVED: Label(lazy_pgettext("migration", "waiting for execution"), "clock", "warn"),
    MigrationState.EXECUTED: Label(lazy_pgettext("migration", "executed"), "ok", "ok"),
    MigrationState.REJECTED: Label(lazy_pgettext("migration", "rejected"), "x", "danger"),
    MigrationState.WITHDRAWN: Label(lazy_pgettext("migration", "withdrawn"), "ban"),
    MigrationState.EXPIRED: Label(lazy_pgettext("migration", "expired"), "clock"),
}
_FOR_NEW_OWNER = Label(lazy_pgettext("migration", "waiting for the new owner"), "clock", "warn")
SCHEDULED = Label(lazy_pgettext("migration", "scheduled"), "clock", "info")


def migration_label(migration: Migration) -> Label:
    """Return a migration's state: for whom it waits, and that a day is chosen."""
    if migration.waits_for_new_owner:
        return _FOR_NEW_OWNER
    if migration.state is MigrationState.APPROVED and migration.scheduled_for is not None:
        return SCHEDULED
    return MIGRATION_STATE[migration.state]


def today() -> date:
    """Return the calendar day here."""
    return clock.local_date(clock.now(), settings().zone)


def is_overdue(proforma: Proforma) -> bool:
    """Return whether a pro-forma waits for money past its day."""
    return proforma.status in ACTIVE_STATUSES and proforma.due_on < today()


def proforma_label(proforma: Proforma) -> Label:
    """Return a pro-forma's state: how much of it is paid, and that it is overdue where it is."""
    return OVERDUE[proforma.status] if is_overdue(proforma) else PROFORMA_STATUS[proforma.status]


def proforma_amount(proforma: Proforma) -> Markup:
    """Write what a row shows as a pro-forma's amount: what is still owed, and of how much where part of it is paid."""
    if not _is_part_paid(proforma):
        return amount(proforma.total, proforma.currency)
    return Markup('<span class="owed">{} <small class="muted">{}</small></span>').format(
        amount(proforma.owed, proforma.currency), _of_total(proforma)
    )


def proforma_amount_text(proforma: Proforma) -> str:
    """Write the same where there is only text."""
    if not _is_part_paid(proforma):
        return money.write(proforma.total, proforma.currency, language())
    return f"{money.write(proforma.owed, proforma.currency, language())} {_of_total(proforma)}"


def _is_part_paid(proforma: Proforma) -> bool:
    return 0 < proforma.owed < proforma.total


def _of_total(proforma: Proforma) -> str:
    return gettext("left of %(total)s", total=money.write(proforma.total, proforma.currency, language()))


def expires(day: date) -> str:
    """Write how far an expiry is away."""
    days = (day - today()).days
    if days < 0:
        return ngettext("expired %(num)d day ago", "expired %(num)d days ago", -days)
    if days == 0:
        return gettext("expires today")
    return ngettext("expires in %(num)d day", "expires in %(num)d days", days)
