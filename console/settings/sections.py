"""What an administrator may set on a page, section by section. What is secret is not here: it stays in the environment.

A setting is one more line in a section: where :class:`console.core.settings.Settings` keeps it, what people call it,
and its kind. The environment's value is its default. ``settings()`` then has what is set, in every process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from babel import Locale
from sqlalchemy import select

from console.core.db import db
from console.core.errors import NotFound, Text
from console.core.settings import Settings
from console.core.texts import lazy_gettext, of_reader
from console.settings.duties import DUTIES
from console.settings.kinds import Amount, Choice, Color, Days, Number, Words, YesNo
from console.settings.section import Section, Setting
from console.settings.serbian import read_account, read_bic, read_iban, read_mb, read_pib
from console.staff.models import Department

# Codes of CLDR that are no countries.
_NO_COUNTRIES = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"})


def value_of(settings: Settings, name: str) -> Any:
    """Return the value that ``settings`` has for a setting."""
    found: Any = settings
    for part in name.split("."):
        found = found.get(part, "") if isinstance(found, Mapping) else getattr(found, part)
    return found


def with_value(holder: Any, name: str, value: Any) -> Any:
    """Return ``holder`` (settings, or a part of them) with another value for a setting."""
    part, _, rest = name.partition(".")
    if isinstance(holder, Mapping):
        return {**holder, part: value}
    return replace(holder, **{part: with_value(getattr(holder, part), rest, value) if rest else value})


def countries() -> dict[str, str]:
    """Return the countries by their two letters, in the reader's language and order."""
    return _countries("en" if of_reader().language == "en" else "sr_Latn")


@lru_cache(maxsize=2)
def _countries(language: str) -> dict[str, str]:
    names = {str(code): str(name) for code, name in Locale.parse(language).territories.items()}
    known = {code: name for code, name in names.items() if len(code) == 2 and code.isalpha()}
    return {code: known[code] for code in sorted(known, key=known.__getitem__) if code not in _NO_COUNTRIES}


def _departments() -> dict[str, str]:
    """Return the open departments by their keys, in the reader's language and in their order."""
    query = select(Department).where(Department.active).order_by(Department.position, Department.id)
    return {one.key: one.name(of_reader().language) for one in db.session.scalars(query)}


@dataclass(frozen=True)
class DepartmentKey(Choice):
    """A department, by its key. One that is closed later stays set; requests then go to the first open one."""

    names: Callable[[], Mapping[str, Text]] = _departments

    def is_valid(self, value: Any) -> bool:
        return isinstance(value, str) and bool(value)  # read with the settings: no statement for it


BRAND = Section(
    "brand",
    lazy_gettext("Brand"),
    lazy_gettext("What customers and colleagues see: names, and the colour of the chat widget."),
    "star",
    (
        Setting(
            "brand", lazy_gettext("Support team name"), Words(longest=60), "BRAND",
            lazy_gettext("At the top of every page, in e-mails and in the chat."),
        ),
        Setting(
            "portal_brand", lazy_gettext("Customer portal name"), Words(longest=60), "PORTAL_BRAND",
            lazy_gettext("The name your customers know the portal by."),
        ),
        Setting(
            "mail_from_name", lazy_gettext("E-mail sender name"), Words(longest=60, required=False), "MAIL_FROM_NAME",
            lazy_gettext("Shown next to the address. Leave empty to use the support team name."),
        ),
        Setting(
            "widget_color", lazy_gettext("Chat widget colour"), Color(own="#0a6c61"), "WIDGET_COLOR",
            lazy_gettext("Sites that have already loaded the widget may show the old colour for up to five minutes."),
        ),
    ),
)  # fmt: skip

ISSUER = Section(
    "issuer",
    lazy_gettext("Issuer"),
    lazy_gettext("The company that issues documents. Each document keeps the details it was issued with."),
    "building",
    (
        Setting("issuer.name", lazy_gettext("Company name"), Words(longest=200), "ISSUER_NAME"),
        Setting(
            "issuer.brand", lazy_gettext("Name at the top of documents"), Words(longest=60, required=False),
            "ISSUER_BRAND", lazy_gettext("If empty, the company name."),
        ),
        Setting("issuer.address", lazy_gettext("Street and number"), Words(longest=200), "ISSUER_ADDRESS"),
        Setting("issuer.postcode", lazy_gettext("Postal code"), Words(longest=20), "ISSUER_POSTCODE"),
        Setting("issuer.city", lazy_gettext("City"), Words(longest=100), "ISSUER_CITY"),
        Setting("issuer.country", lazy_gettext("Country"), Choice(countries), "ISSUER_COUNTRY"),
        Setting("issuer.pib", lazy_gettext("PIB"), Words(longest=20, check=read_pib), "ISSUER_PIB"),
        Setting("issuer.mb", lazy_gettext("Company number (MB)"), Words(longest=20, check=read_mb), "ISSUER_MB"),
        Setting(
            "issuer.in_vat_system", lazy_gettext("PDV"),
            YesNo(lazy_gettext("In the PDV system"), lazy_gettext("Not in the PDV system")), "ISSUER_VAT",
            lazy_gettext("Outside the PDV system, new documents have no PDV and state the reason."),
        ),
        Setting(
            "issuer.accounts.RSD", lazy_gettext("Dinar account"), Words(longest=42, check=read_account),
            "ISSUER_ACCOUNTS", lazy_gettext("For example 840-955845-10, or its IBAN."),
        ),
        Setting(
            "issuer.accounts.EUR", lazy_gettext("Euro account (IBAN)"),
            Words(longest=42, required=False, check=read_iban), "ISSUER_ACCOUNTS",
            lazy_gettext("If empty, documents in euros show no account."),
        ),
        Setting(
            "issuer.bic", lazy_gettext("BIC (SWIFT) of the bank with the euro account"),
            Words(longest=11, required=False, check=read_bic), "ISSUER_BIC",
            lazy_gettext("Payers abroad need it beside the IBAN."),
        ),
    ),
)  # fmt: skip

BILLING = Section(
    "billing",
    lazy_gettext("Billing"),
    lazy_gettext("Payment term and service migrations."),
    "coins",
    (
        Setting(
            "issuer.terms_days", lazy_gettext("Payment term"), Number(1, 365, lazy_gettext("days")),
            "ISSUER_TERMS_DAYS", lazy_gettext("How long after issue a new pro-forma is due."),
        ),
        Setting(
            "migration_days", lazy_gettext("Migration requests stay open for"), Number(1, 365, lazy_gettext("days")),
            "MIGRATION_DAYS", lazy_gettext("A migration that is neither executed nor rejected by then expires."),
        ),
        Setting(
            "migration_acceptance", lazy_gettext("New owner accepts migrations"),
            YesNo(lazy_gettext("The new owner accepts before billing approves"),
                  lazy_gettext("Billing approves without the new owner")),
            "MIGRATION_ACCEPTANCE",
            lazy_gettext("They get a link by e-mail and can also accept in the portal. Open requests stay as they "
                         "are."),
        ),
        Setting(
            "migration_reversal_days", lazy_gettext("Migrations can be reversed for"),
            Number(1, 365, lazy_gettext("days")), "MIGRATION_REVERSAL_DAYS",
            lazy_gettext("After that, services move back by an ordinary migration."),
        ),
        Setting(
            "migration_four_eyes", lazy_gettext("Four-eyes rule for migrations"),
            YesNo(lazy_gettext("Consecutive steps need two people"), lazy_gettext("One person can do all steps")),
            "MIGRATION_FOUR_EYES",
            lazy_gettext("The person who requests a migration cannot approve it, and the one who approves it "
                         "cannot execute it."),
        ),
        Setting(
            "migration_four_eyes_above.RSD", lazy_gettext("Applies above, in dinars"), Amount("RSD"),
            "MIGRATION_FOUR_EYES_ABOVE",
            lazy_gettext("Total of all documents in one migration. Zero in both currencies applies the rule to "
                         "every migration."),
        ),
        Setting(
            "migration_four_eyes_above.EUR", lazy_gettext("Applies above, in euros"), Amount("EUR"),
            "MIGRATION_FOUR_EYES_ABOVE",
        ),
    ),
)  # fmt: skip

RENEWALS = Section(
    "renewals",
    lazy_gettext("Renewals and reminders"),
    lazy_gettext("What is billed automatically, who is reminded when, and what happens to services that are not paid."),
    "refresh",
    (
        Setting(
            "renewals", lazy_gettext("Automatic billing"),
            YesNo(lazy_gettext("On"), lazy_gettext("Off")), "RENEWALS",
            lazy_gettext("Off: no pro-forma is issued, no reminder sent and no service expires without a person."),
        ),
        Setting(
            "renewal_days", lazy_gettext("Bill a renewal"), Number(1, 120, lazy_gettext("days before")), "RENEWAL_DAYS",
            lazy_gettext("Counted from the last day paid, on which the pro-forma is due."),
        ),
        Setting(
            "renewals_together", lazy_gettext("Services due on the same day"),
            YesNo(lazy_gettext("On one pro-forma"), lazy_gettext("Separate pro-formas")), "RENEWALS_TOGETHER",
            lazy_gettext("Of one account and in one currency."),
        ),
        Setting(
            "reminders_before", lazy_gettext("Remind before the due date"), Days(), "REMINDERS_BEFORE",
            lazy_gettext("Days, separated by commas. Each reminder is sent once. Leave empty to send none."),
        ),
        Setting(
            "reminders_after", lazy_gettext("Remind after the due date"), Days(), "REMINDERS_AFTER",
            lazy_gettext("Days overdue, separated by commas."),
        ),
        Setting(
            "suspension_days", lazy_gettext("Ask staff to suspend"), Number(1, 365, lazy_gettext("days overdue")),
            "SUSPENSION_DAYS", lazy_gettext("A request appears under Suspension requests; a person decides."),
        ),
        Setting(
            "grace_days", lazy_gettext("Services expire"), Number(0, 365, lazy_gettext("days late")), "GRACE_DAYS",
            lazy_gettext("Counted from the last day paid. Paying makes an expired service active again."),
        ),
    ),
)  # fmt: skip

REQUESTS = Section(
    "requests",
    lazy_gettext("Customer requests"),
    lazy_gettext("Which department gets the ticket of what customers ask for in the portal."),
    "inbox",
    tuple(
        Setting(f"request_departments.{kind}", label, DepartmentKey(), "REQUEST_DEPARTMENTS")
        for kind, label in (
            ("order", lazy_gettext("New orders")),
            ("change", lazy_gettext("Changes of product")),
            ("cancellation", lazy_gettext("Cancellations")),
            ("password", lazy_gettext("Service passwords")),
            ("quote", lazy_gettext("Accepted quotes")),
        )
    ),
)

_MONTHS, _DAYS = lazy_gettext("months"), lazy_gettext("days")

RETENTION = Section(
    "retention",
    lazy_gettext("Data retention"),
    lazy_gettext("How long each kind of data is stored. What is older is deleted every hour and cannot be restored."),
    "history",
    (
        Setting(
            "chat_keep_months", lazy_gettext("Chats"), Number(1, 120, _MONTHS), "CHAT_KEEP_MONTHS",
            lazy_gettext("Counted from the end of the chat. Its ticket, if there is one, stays."),
        ),
        Setting(
            "ticket_keep_months", lazy_gettext("Tickets"), Number(12, 120, _MONTHS), "TICKET_KEEP_MONTHS",
            lazy_gettext("Counted from the last change of a closed ticket. Statistics go back no further than this."),
        ),
        Setting(
            "mail_keep_months", lazy_gettext("Sent e-mails"), Number(3, 120, _MONTHS), "MAIL_KEEP_MONTHS",
            lazy_gettext("Customers can read them in the portal until then."),
        ),
        Setting(
            "raw_mail_keep_days", lazy_gettext("Received e-mails in full"), Number(7, 730, _DAYS), "RAW_MAIL_KEEP_DAYS",
            lazy_gettext("The original message with its headers. What it says stays in its ticket."),
        ),
        Setting(
            "session_keep_days", lazy_gettext("Sign-in history"), Number(7, 365, _DAYS), "SESSION_KEEP_DAYS",
            lazy_gettext("Address and device of sign-ins that have ended, of customers and of staff."),
        ),
        Setting(
            "verification_keep_months", lazy_gettext("Verifications"), Number(6, 120, _MONTHS),
            "VERIFICATION_KEEP_MONTHS",
            lazy_gettext("Who was verified, when and through which channel. Those of a migration stay with it."),
        ),
        Setting(
            "invitation_keep_days", lazy_gettext("Invitations"), Number(7, 365, _DAYS), "INVITATION_KEEP_DAYS",
            lazy_gettext("Counted from the day an invitation expires."),
        ),
        Setting(
            "statement_keep_months", lazy_gettext("Files of bank statements"), Number(1, 120, _MONTHS),
            "STATEMENT_KEEP_MONTHS",
            lazy_gettext("The file as the bank gave it. Its lines are business records and stay."),
        ),
        Setting(
            "export_keep_days", lazy_gettext("Copies of data"), Number(1, 30, _DAYS), "EXPORT_KEEP_DAYS",
            lazy_gettext("How long a copy that a customer asked for can be downloaded."),
        ),
    ),
)  # fmt: skip

SECTIONS: dict[str, Section] = {
    section.key: section for section in (BRAND, ISSUER, BILLING, RENEWALS, DUTIES, REQUESTS, RETENTION)
}


def section(key: str) -> Section:
    """Return a section.

    Raises:
        NotFound: there is none called so.
    """
    if key not in SECTIONS:
        raise NotFound
    return SECTIONS[key]
