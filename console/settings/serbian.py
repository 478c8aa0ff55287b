"""Numbers of a Serbian company: PIB, company number (MB), bank account."""

from __future__ import annotations

import re

from stdnum import iban
from stdnum.rs import pib

from console.core.texts import lazy_gettext

MB_DIGITS = 8
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?")
_ACCOUNT = re.compile(r"([0-9]{3})[- ]?([0-9]{1,13})[- ]?([0-9]{2})")
_WHOLE = 18  # digits of an account


def read_pib(text: str) -> str:
    """Return a PIB (nine digits, ISO 7064 MOD 11,10).

    Raises:
        ValueError: it is none.
    """
    digits = text.replace(" ", "")
    if not (digits.isascii() and digits.isdigit() and pib.is_valid(digits)):
        raise ValueError(lazy_gettext("Enter a valid PIB: nine digits, the last one a check digit."))
    return digits


def read_mb(text: str) -> str:
    """Return a company number, of which only the length can be checked.

    Raises:
        ValueError: it is none.
    """
    digits = text.replace(" ", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) == MB_DIGITS):
        raise ValueError(lazy_gettext("Enter an eight-digit company number."))
    return digits


def read_account(text: str) -> str:
    """Return an account as it is printed: bank, number without leading zeros, check; or an IBAN.

    Raises:
        ValueError: it is neither, or its check digits (ISO 7064 MOD 97-10) are wrong.
    """
    if text[:1].isalpha():
        return read_iban(text)
    found = _ACCOUNT.fullmatch(text)
    digits = re.sub(r"[^0-9]", "", text)
    split = "-" in text or " " in text or len(digits) == _WHOLE
    if not (text.isascii() and found and split):
        raise ValueError(lazy_gettext("Enter the account as 840-955845-10, or its IBAN."))
    bank, number, check = found.groups()
    if int(bank + number.zfill(13) + check) % 97 != 1:
        raise ValueError(lazy_gettext("The check digits of this account number are wrong."))
    return f"{bank}-{number.lstrip('0') or '0'}-{check}"


def read_iban(text: str) -> str:
    """Return an IBAN without spaces.

    Raises:
        ValueError: it is none, or its check digits are wrong.
    """
    compact = iban.compact(text) if text.isascii() else ""
    if not compact or not iban.is_valid(compact):
        raise ValueError(lazy_gettext("Enter a valid IBAN: the check digits or the length are wrong."))
    return str(compact)


def read_bic(text: str) -> str:
    """Return a bank's code (ISO 9362): 8 or 11 letters and digits.

    Raises:
        ValueError: it is none.
    """
    compact = text.replace(" ", "").upper()
    if not _BIC.fullmatch(compact):
        raise ValueError(lazy_gettext("Enter the BIC as AIKBRS22: 8 or 11 letters and digits."))
    return compact
