"""An account statement: what came in, what it was used for, and what stays on credit, in one currency.

It is made when it is asked for and not stored: a later one of the same days may say more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from console.billing.ledger.models import EntryKind
from console.billing.ledger.queries import Statement, StatementRow, statement
from console.billing.pdf import words
from console.billing.pdf.sheet import Column, Fact, Row, Sheet, Table
from console.billing.service import today
from console.core.context import settings
from console.core.errors import Invalid
from console.core.hub import off_the_hub
from console.core.money import CURRENCIES
from console.core.texts import gettext, in_language, lazy_gettext, pgettext
from console.customers.models import Customer

FIRST, LAST = date(1990, 1, 1), date(9998, 12, 31)


@dataclass(frozen=True)
class Period:
    """What a statement is of. ``since``: the first day; all that ever was where there is none."""

    currency: str
    since: date | None
    until: date


def read_period(asked: Mapping[str, str], customer: Customer) -> Period:
    """Return what is asked for by ``currency``, ``since`` and ``until``: the account's currency and today if not.

    Raises:
        Invalid: one of them is none.
    """
    currency = asked.get("currency") or customer.currency
    if currency not in CURRENCIES:
        raise Invalid(fields={"currency": [lazy_gettext("Choose a currency.")]})
    since, until = _day(asked, "since"), _day(asked, "until")
    return Period(currency, since, min(until or today(), today()))


def _day(asked: Mapping[str, str], name: str) -> date | None:
    text = asked.get(name) or ""
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        day = date.min
    if day is not None and not FIRST <= day <= LAST:
        raise Invalid(fields={name: [lazy_gettext("Enter a date as 2026-11-30.")]})
    return day


def statement_pdf(customer: Customer, period: Period, language: str) -> bytes:
    """Return the statement of an account as PDF."""
    from console.billing.pdf.layout import render

    found = statement(customer.id, period.currency, period.since, period.until)
    with in_language(language):
        sheet = sheet_of(customer, found)
    return off_the_hub(render, sheet)


def sheet_of(customer: Customer, found: Statement) -> Sheet:
    """Return a statement in the language of the block."""
    issuer = settings().issuer.snapshot(found.currency)
    until = words.day(found.until)
    if found.since is None:
        period = gettext("until %(day)s", day=until)
    else:
        period = f"{words.day(found.since)} – {until}"
    return Sheet(
        lang=words.lang(),
        title=gettext("Account statement"),
        number=period,
        brand=words.brand_of(issuer),
        made_at=datetime.combine(found.until, time(), tzinfo=settings().zone),
        parties=(words.party(gettext("Issuer"), issuer), words.party(gettext("Customer"), customer.buyer())),
        facts=(
            Fact(gettext("Opening balance"), words.amount(found.opening, found.currency)),
            Fact(gettext("Came in"), words.amount(found.credit, found.currency)),
            Fact(gettext("Used or returned"), words.amount(found.debit, found.currency)),
            Fact(gettext("On credit"), words.amount(found.closing, found.currency), strong=True),
        ),
        tables=(_table(found),),
        closing=gettext("The statement says what was paid and how it was used. It is not a tax document."),
        footer=words.issuer_line(issuer),
        page_of=words.page_of(),
        continued=f"{gettext('Account statement')} · {customer.number} · {period}",
    )


def _table(found: Statement) -> Table:
    return Table(
        columns=(
            Column(gettext("Date"), 24),
            Column(gettext("Description")),
            Column(gettext("Came in"), 31, numbers=True),
            Column(gettext("Used or returned"), 31, numbers=True),
            Column(gettext("On credit"), 31, numbers=True),
        ),
        rows=tuple(_row(row) for row in found.rows),
        totals=(
            Fact(gettext("Came in"), words.amount(found.credit)),
            Fact(gettext("Used or returned"), words.amount(found.debit)),
            Fact(gettext("On credit"), words.amount(found.closing, found.currency), strong=True),
        ),
        empty=gettext("Nothing was paid or used in this period."),
    )


def _row(row: StatementRow) -> Row:
    day = row.at.astimezone(settings().zone).date()
    return Row(
        (
            words.day(day),
            _description(row, day),
            words.amount(row.credit) if row.credit else "",
            words.amount(row.debit) if row.debit else "",
            words.amount(row.balance),
        )
    )


def _description(row: StatementRow, day: date) -> str:
    what = _kinds()[row.kind]
    if row.paid_on is not None and row.paid_on != day:
        what = f"{what} ({gettext('paid on %(day)s', day=words.day(row.paid_on))})"
    return ", ".join(one for one in (what, row.proforma, row.migration) if one)


def _kinds() -> dict[EntryKind, str]:
    """Return why an entry was written, for the customer: what staff noted beside it is not theirs to read."""
    return {
        EntryKind.OPENING: pgettext("statement", "Paid earlier"),
        EntryKind.RECEIVED: pgettext("statement", "Payment"),
        EntryKind.MATCHED: pgettext("statement", "Payment"),
        EntryKind.CREDITED: pgettext("statement", "Payment to credit"),
        EntryKind.RETURNED: pgettext("statement", "Payment returned"),
        EntryKind.UNDONE: pgettext("statement", "Reversal"),
        EntryKind.CREDIT_USED: pgettext("statement", "Paid from credit"),
        EntryKind.RELEASED: pgettext("statement", "Moved to credit from a cancelled pro-forma"),
        EntryKind.REFUNDED: pgettext("statement", "Credit refunded"),
        EntryKind.CORRECTED: pgettext("statement", "Correction"),
    }
