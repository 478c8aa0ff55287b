"""An account statement: payments, what they were used for, and the remaining credit, in one currency.

It is made when it is asked for and not stored: a later one of the same days may say more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from console.billing.ledger.queries import Statement, StatementRow, statement
from console.billing.payments.labels import ENTRIES
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


def read_period(values: Mapping[str, str], customer: Customer) -> Period:
    """Return what is asked for by ``currency``, ``since`` and ``until``: the account's currency and today if not.

    Raises:
        Invalid: one of them is none.
    """
    currency = values.get("currency") or customer.currency
    if currency not in CURRENCIES:
        raise Invalid(fields={"currency": [lazy_gettext("Choose a currency.")]})
    since, until = _day(values, "since"), _day(values, "until")
    return Period(currency, since, min(until or today(), today()))


def _day(values: Mapping[str, str], name: str) -> date | None:
    text = values.get(name) or ""
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
    issuer, title = settings().issuer.snapshot(found.currency), gettext("Account statement")
    until = words.day(found.until)
    if found.since is None:
        period = gettext("until %(day)s", day=until)
    else:
        period = f"{words.day(found.since)} – {until}"
    return Sheet(
        lang=words.lang(),
        title=title,
        number=period,
        brand=words.brand_of(issuer),
        made_at=datetime.combine(found.until, time(), tzinfo=settings().zone),
        parties=(words.party(gettext("Issuer"), issuer), words.party(gettext("Customer"), customer.buyer())),
        facts=(
            Fact(gettext("Brought forward"), words.amount(found.opening, found.currency)),
            Fact(gettext("Debit"), words.amount(found.debit, found.currency)),
            Fact(pgettext("statement column", "Credit"), words.amount(found.credit, found.currency)),
            Fact(gettext("On credit"), words.amount(found.closing, found.currency), strong=True),
        ),
        tables=(_table(found),),
        closing=gettext("The statement shows what was paid and how it was used. It is not a tax document."),
        footer=words.issuer_line(issuer),
        page_of=words.page_of(),
        continued=f"{title} · {customer.number} · {period}",
    )


def _table(found: Statement) -> Table:
    return Table(
        columns=(
            Column(gettext("Date"), 24),
            Column(gettext("What")),
            Column(gettext("Debit"), 31, numbers=True),
            Column(pgettext("statement column", "Credit"), 31, numbers=True),
            Column(gettext("Balance"), 31, numbers=True),
        ),
        rows=tuple(_row(row) for row in found.rows),
        totals=(
            Fact(gettext("Debit"), words.amount(found.debit)),
            Fact(pgettext("statement column", "Credit"), words.amount(found.credit)),
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
            words.amount(row.debit) if row.debit else "",
            words.amount(row.credit) if row.credit else "",
            words.amount(row.balance),
        )
    )


def _description(row: StatementRow, day: date) -> str:
    what = str(ENTRIES[row.kind])
    if row.paid_on is not None and row.paid_on != day:
        paid = gettext("paid %(day)s", day=words.day(row.paid_on))
        what = f"{what} ({paid})"
    return ", ".join(one for one in (what, row.proforma, row.migration) if one)
