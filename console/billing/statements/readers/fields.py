"""Amounts, days, accounts and references as banks write them."""

from __future__ import annotations

import re
from datetime import date

from console.core import money
from console.core.text import one_line

MOST = 10**15  # ten trillion dinars in para
OLDEST, NEWEST = date(2000, 1, 1), date(2199, 12, 31)
_OLD_DINARS = {"DIN": "RSD", "CSD": "RSD", "YUM": "RSD", "941": "RSD", "891": "RSD", "978": "EUR"}
_IMPLIED = re.compile(r"[0-9]{1,18}", re.ASCII)
_SERBIAN_DAY = re.compile(r"(\d\d?)\. ?(\d\d?)\. ?(\d{4})\.?", re.ASCII)
_ISO_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)(T.*)?", re.ASCII)
_COMPACT_DAY = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
_DOMESTIC = re.compile(r"(\d{3})-?(\d{1,13})-?(\d\d)", re.ASCII)
_MODEL = re.compile(r"\((\d\d)\)\s*(.*)", re.ASCII)
_WORDLESS = re.compile(r"[^0-9A-Za-z]")
ACCOUNT_LENGTH, NAME_LENGTH, PURPOSE_LENGTH, REFERENCE_LENGTH, ID_LENGTH = 40, 140, 300, 40, 60


def amount(text: str) -> int:
    """Read an amount with its two decimals, ``1.234,50`` or ``1234.50``, into minor units.

    Raises:
        ValueError: none, or one too large.
    """
    value = money.read(text)
    if abs(value) > MOST:
        raise ValueError(text)
    return value


def implied_amount(text: str) -> int:
    """Read an amount whose last two digits are the minor units; a sign may stand before or after it.

    Raises:
        ValueError: none, or one too large.
    """
    plain = text.strip()
    digits = plain.strip("+-").strip()
    if not _IMPLIED.fullmatch(digits) or int(digits) > MOST:
        raise ValueError(text)
    negative = "-" in (plain[:1], plain[-1:])
    return -int(digits) if negative else int(digits)


def day(text: str) -> date:
    """Read ``2026-11-23`` (a time after it is left out), ``23.11.2026.`` or ``20261123``.

    Raises:
        ValueError: no such day.
    """
    plain = text.strip()
    serbian = _SERBIAN_DAY.fullmatch(plain)
    if serbian:
        return within(date(int(serbian[3]), int(serbian[2]), int(serbian[1])))
    found = _ISO_DAY.fullmatch(plain) or _COMPACT_DAY.fullmatch(plain)
    if found is None:
        raise ValueError(text)
    return within(date(int(found[1]), int(found[2]), int(found[3])))


def day_by_digits(text: str) -> date:
    """Read a day of fixed places: ``23112026``, ``231126``, ``23.11.26``.

    Raises:
        ValueError: no such day.
    """
    digits = text.replace(".", "")
    if len(digits) not in (6, 8) or not digits.isdecimal():
        raise ValueError(text)
    year = int(digits[4:]) if len(digits) == 8 else 2000 + int(digits[4:])
    return within(date(year, int(digits[2:4]), int(digits[:2])))


def within(value: date) -> date:
    """Return a day that a statement can have.

    Raises:
        ValueError: it cannot be meant.
    """
    if not OLDEST <= value <= NEWEST:
        raise ValueError(value.isoformat())
    return value


def currency(text: str) -> str:
    """Return the code of a currency: the dinar has had other names, which programs still write.

    Raises:
        ValueError: none of ours.
    """
    code = text.strip().upper()
    code = _OLD_DINARS.get(code, code)
    if code not in money.CURRENCIES:
        raise ValueError(text)
    return code


def account(text: str) -> str:
    """Return an account in one form: domestic ones as their 18 digits, others without spaces.

    Raises:
        ValueError: longer than any account.
    """
    plain = one_line(text).replace(" ", "").replace("/", "-").upper()
    found = _DOMESTIC.fullmatch(plain)
    if found:
        return found[1] + found[2].zfill(13) + found[3]
    if len(plain) > ACCOUNT_LENGTH:
        raise ValueError(text)
    return plain.replace("-", "") if plain.replace("-", "").isdecimal() else plain


def reference(number: str, model: str = "") -> tuple[str, str]:
    """Return a reference and its model, whether the bank has them in two fields or in one: ``(97)16-22``."""
    plain, kind = one_line(number), _WORDLESS.sub("", model)
    found = _MODEL.fullmatch(plain)
    if found:
        plain, kind = found[2], kind or found[1]
    if not _WORDLESS.sub("", plain).strip("0"):
        return "", ""  # zeros fill a field that is empty
    return plain[:REFERENCE_LENGTH], kind[:2] if kind.strip("0") else ""


def name(text: str) -> str:
    """Return a name on one line, not longer than a column is."""
    return one_line(text)[:NAME_LENGTH]


def purpose(text: str) -> str:
    """Return a purpose on one line, not longer than a column is."""
    return one_line(text)[:PURPOSE_LENGTH]


def bank_id(text: str) -> str:
    """Return what a bank calls a line, not longer than a column is."""
    return one_line(text)[:ID_LENGTH]
