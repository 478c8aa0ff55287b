"""Forms of payments and credit. Field names are part of the contract with scripts."""

from __future__ import annotations

from datetime import date
from typing import Any

from wtforms import DateField, HiddenField, IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from console.billing.payments.service.receiving import IncomingPayment
from console.core import money
from console.core.errors import Invalid, Text
from console.core.forms import Form
from console.core.money import CURRENCIES
from console.core.texts import lazy_gettext

_CURRENCIES = [SelectChoice(one, one) for one in CURRENCIES]
NO_AMOUNT = lazy_gettext("Enter an amount, for example 1,234.50.")
MAX_DIGITS = 18  # of an amount in minor units
NO_DAY = lazy_gettext("Enter a day.")


class PaymentForm(Form):
    """A payment as programs send it: the amount in minor units."""

    reference = StringField(lazy_gettext("Payment reference"))
    amount = IntegerField(lazy_gettext("Amount"))
    currency = StringField(lazy_gettext("Currency"))
    paid_on = DateField(lazy_gettext("Paid on"))
    payer = StringField(lazy_gettext("Payer"))
    idempotency_key = HiddenField()

    def incoming(self) -> IncomingPayment:
        """Return the payment.

        Raises:
            Invalid: something is no amount or no day.
        """
        self.refuse_spoiled()
        wrong: dict[str, list[Text]] = {}
        if self.amount.data is None:
            wrong["amount"] = [lazy_gettext("Enter the amount in minor units.")]
        return _incoming(self, self.amount.data or 0, wrong)


class TypedPaymentForm(Form):
    """A payment as a person types it."""

    reference = StringField(lazy_gettext("Payment reference"))
    amount = StringField(lazy_gettext("Amount"))
    currency = SelectField(lazy_gettext("Currency"), choices=_CURRENCIES, validate_choice=False)
    paid_on = DateField(lazy_gettext("Paid on"))
    payer = StringField(lazy_gettext("Payer"))
    idempotency_key = HiddenField()

    def incoming(self) -> IncomingPayment:
        """Return the payment.

        Raises:
            Invalid: something is no amount or no day.
        """
        self.refuse_spoiled()
        wrong: dict[str, list[Text]] = {}
        amount = 0
        try:
            amount = money.read(self.amount.data or "")
        except ValueError:
            wrong["amount"] = [NO_AMOUNT]
        return _incoming(self, amount, wrong)


def _incoming(form: Any, amount: int, wrong: dict[str, list[Text]]) -> IncomingPayment:
    if form.paid_on.data is None:
        wrong["paid_on"] = [NO_DAY]
    if not (form.reference.data or "").strip():
        wrong["reference"] = [lazy_gettext("Enter the payment reference.")]
    if wrong:
        raise Invalid(fields=wrong)
    day: date = form.paid_on.data
    return IncomingPayment(
        form.reference.data.strip(), amount, (form.currency.data or "").strip().upper(), day, form.payer.data or ""
    )


class ResolveForm(Form):
    """What becomes of an unmatched payment: one of the suggestions, or a number that a person typed."""

    choice = StringField()  # way, target and what is owed there in one, as the page's radio buttons send them
    way = StringField()
    target = StringField(lazy_gettext("Numbers of pro-formas, or of a customer"))
    reason = StringField(lazy_gettext("Note"))
    idempotency_key = HiddenField()

    def decision(self) -> tuple[str, str, int | None]:
        """Return the way, its target, and what was owed there when the suggestion was shown."""
        self.refuse_spoiled()
        choice = self.choice.data or ""
        target = (self.target.data or "").strip()
        if choice and choice != "other":
            way, _colon, named = choice.partition(":")
            named, _colon, owed = named.partition(":")
            return way, named, read_amount(owed)
        if choice == "other":
            return ("credit" if target.upper().startswith("K-") else "document"), target, None
        return self.way.data or "", target, None


def read_amount(text: str) -> int | None:
    """Return an amount in minor units as our own pages send it; ``None`` for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else None


class UndoForm(Form):
    """Why something is undone, and the last entry that the page showed."""

    reason = TextAreaField(lazy_gettext("Reason"))
    seen = HiddenField()


class CreditForm(Form):
    """A refund or a correction of a customer's credit."""

    kind = RadioField(
        lazy_gettext("What"),
        choices=[
            SelectChoice("refund", lazy_gettext("Refund to the customer")),
            SelectChoice("give", lazy_gettext("Correction: add credit")),
            SelectChoice("take", lazy_gettext("Correction: take credit")),
        ],
        default="refund",
        validate_choice=False,
    )
    amount = StringField(lazy_gettext("Amount"))
    currency = SelectField(lazy_gettext("Currency"), choices=_CURRENCIES, validate_choice=False)
    reason = StringField(lazy_gettext("Reason"))
    idempotency_key = HiddenField()

    def amount_of(self) -> int:
        """Return the amount.

        Raises:
            Invalid: it is none above zero.
        """
        self.refuse_spoiled()
        try:
            amount = money.read(self.amount.data or "")
        except ValueError:
            amount = 0
        if amount <= 0:
            raise Invalid(fields={"amount": [NO_AMOUNT]})
        return amount
