"""Finding documents and payments by what people read off a statement: a reference however it is written, an amount."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import ColumnElement, or_

from console.billing.models import Proforma, Storno
from console.billing.payments.models import Payment
from console.billing.references import possible_keys
from console.core import money
from console.core.ids import read_number
from console.core.money import CURRENCIES
from console.core.series import Series

LEAST_DIGITS = 6  # of a reference: fewer are a number of something else
LEAST_AMOUNT = 100  # in whole units, where it is written without its decimals
_CURRENCY = re.compile(rf"({'|'.join(CURRENCIES)}|DIN\.?|€)\s*$", re.IGNORECASE)
_FIGURES = re.compile(r"[0-9 .,\-/]+")
_REFERENCE = re.compile(r"[0-9A-Za-z \-/]+")
_LAST = "\uffff"  # sorts behind what a key may hold


def read_amount(text: str) -> int | None:
    """Return what was typed as an amount, ``11.880,00`` or ``11880 RSD``, in minor units; ``None`` if it is none."""
    plain = _CURRENCY.sub("", text.strip()).strip()
    try:
        amount = money.read(plain)
    except ValueError:
        return None
    is_small = plain.isdigit() and amount < LEAST_AMOUNT * money.MINOR
    return amount if 0 < amount < 2**62 and not is_small else None


def is_figures(text: str) -> bool:
    """Return whether a text is a number alone: an amount, a reference, a part of a document's number."""
    return _FIGURES.fullmatch(text.strip()) is not None


def proforma_condition(text: str) -> ColumnElement[bool] | None:
    """Return the condition "has this reference, or its beginning, or this total"; ``None`` where it is neither."""
    found = _by_reference(text, Proforma.reference_key)
    amount = read_amount(text)
    if amount is not None:
        found.append(Proforma.total == amount)
    return or_(*found) if found else None


def storno_condition(text: str) -> ColumnElement[bool]:
    """Return the condition "has this number, or its beginning, or this total"."""
    number, amount = text.strip().upper(), read_amount(text)
    found = [Storno.number == number, Storno.number.between(number, number + _LAST)]
    if amount is not None:
        found.append(Storno.total == -amount)
    return or_(*found)


def payment_condition(text: str) -> ColumnElement[bool] | None:
    """Return the condition "came with this reference, or has this number"; ``None`` where it is neither."""
    found = _by_reference(text, Payment.reference_key)
    prefix = f"{Series.PAYMENT.value}-"
    key = read_number(text, prefix) if text.strip().upper().startswith(prefix) else None
    if key is not None:
        found.append(Payment.id == key)
    return or_(*found) if found else None


def _by_reference(text: str, column: Any) -> list[ColumnElement[bool]]:
    digits = sum(char.isdigit() for char in text)
    if digits < LEAST_DIGITS or not text.isascii() or _REFERENCE.fullmatch(text.strip()) is None:
        return []
    keys = possible_keys(text)
    return [column.in_(keys), *(column.between(key, key + _LAST) for key in keys[:1])]
