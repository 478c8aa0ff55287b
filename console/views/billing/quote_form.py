"""The form of a quote: what it has, how it is read, what is wrong with it."""

from __future__ import annotations

from typing import Any

from wtforms import DateField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from console.billing.quotes.models import Quote
from console.billing.quotes.service import QuoteData
from console.core import money
from console.core.errors import Invalid, Refusal, Text
from console.core.forms import Form, refuse_spoiled
from console.core.money import CURRENCIES
from console.core.texts import lazy_gettext
from console.customers.models import Customer
from console.customers.queries import find_account
from console.views.billing.quote_lines import COLUMNS, Row, read_lines


class QuoteForm(Form):
    """A quote without its lines, which are rows of :data:`COLUMNS`."""

    customer = StringField(lazy_gettext("Customer number"))
    currency = SelectField(
        lazy_gettext("Currency"), choices=[SelectChoice(one, one) for one in CURRENCIES], validate_choice=False
    )
    valid_until = DateField(lazy_gettext("Valid until"))
    note = TextAreaField(lazy_gettext("Note"))
    idempotency_key = HiddenField()
    seen = HiddenField()


def read_data(form: QuoteForm, rows: list[Row]) -> QuoteData:
    """Return what was typed.

    Raises:
        Invalid: with a message for every wrong field that can be told without the verb.
    """
    form.refuse_spoiled()
    refuse_spoiled(*COLUMNS)
    wrong: dict[str, list[Text]] = {}
    lines: Any = ()
    if form.valid_until.data is None:
        wrong["valid_until"] = [lazy_gettext("Enter a day from today on, within a year.")]
    try:
        lines = read_lines(rows)
    except ValueError:
        wrong["lines"] = [lazy_gettext("Each line needs a description, a quantity and an amount without PDV.")]
    if wrong or form.valid_until.data is None:
        raise Invalid(fields=wrong)
    return QuoteData(form.currency.data or "", form.valid_until.data, lines, form.note.data or "")


def read_customer(form: QuoteForm) -> Customer:
    """Return the account that a quote is for.

    Raises:
        Invalid: there is none.
    """
    customer = find_account(form.customer.data or "")
    if customer is None:
        raise Invalid(fields={"customer": [lazy_gettext("Account not found.")]})
    return customer


def show(form: Any, refusal: Refusal) -> None:
    """Put what was refused at its fields."""
    for name, texts in refusal.fields.items():
        if name in form:
            form[name].errors = [str(text) for text in texts]


def rows_of(quote: Quote) -> list[Row]:
    """Return the rows that a quote was made from."""
    return [
        Row(
            product=str(line.product_id or ""),
            description=line.description,
            quantity=str(line.quantity),
            net=money.write(line.net),
            tax=f"{line.tax_bp / 100:g}",
        )
        for line in quote.lines
    ]
