"""The payment code of Narodna banka Srbije (NBS IPS QR), as text. Banking apps read it and fill in the payment.

Tags in the order of the standard, ``|`` between them and none at an end; what is empty is left out.
Source: nbs.rs, "IPS QR kod". The example published there is in the tests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from console.billing.references import is_checked

BANK, NUMBER, CHECK = 3, 13, 2
ACCOUNT = BANK + NUMBER + CHECK
SERVICES = "221"  # payment code: cashless, goods and services, final use
MAX_NAME, MAX_NAME_LINES, MAX_PURPOSE = 70, 3, 35
MAX_AMOUNT = 18  # with the currency
MODEL_97, NO_MODEL = "97", "00"
_ACCOUNT = re.compile(r"([0-9]{3})-?([0-9]{1,13})-?([0-9]{2})")
_IBAN = re.compile(r"RS([0-9]{2})([0-9]{18})")
_CODE = re.compile(r"[0-9]{3}")
_REFERENCE = re.compile(r"[0-9A-Z-]{1,23}")


class NoPaymentCode(ValueError):
    """No code can be made of it. Says why, in words."""


@dataclass(frozen=True)
class PaymentOrder:
    """One payment in dinars.

    Args:
        account: the payee's, as 18 digits.
        payee: at most three lines.
        amount: in para.
        reference: two digits of the model, then the reference; empty where there is none.
        payer: empty where anyone may pay.
    """

    account: str
    payee: str
    amount: int
    purpose: str = ""
    reference: str = ""
    payer: str = ""
    code: str = SERVICES


def write(order: PaymentOrder) -> str:
    """Return the text of the code.

    Raises:
        NoPaymentCode: a part is not what the standard allows.
    """
    tags = [
        ("K", "PR"),
        ("V", "01"),
        ("C", "1"),
        ("R", _checked_account(order.account)),
        ("N", _name(order.payee, "payee")),
        ("I", _amount(order.amount)),
        ("P", _name(order.payer, "payer") if order.payer else ""),
        ("SF", _fitting(order.code, _CODE, "payment code")),
        ("S", _plain(order.purpose)[:MAX_PURPOSE].rstrip()),
        ("RO", _checked_reference(order.reference) if order.reference else ""),
    ]
    return "|".join(f"{tag}:{value}" for tag, value in tags if value)


def read_account(text: str) -> str:
    """Return a Serbian account as its 18 digits: ``840-955845-10`` and its IBAN are the same.

    Raises:
        NoPaymentCode: it is none, or its check digits (the whole number mod 97 is 1) are wrong.
    """
    plain = re.sub(r"\s", "", text).upper()
    if found := _IBAN.fullmatch(plain):
        check, digits = found.groups()
        if int(f"{digits}2728{check}") % 97 != 1:  # R is 27, S is 28 (ISO 13616)
            raise NoPaymentCode(f"the check digits of the IBAN are wrong: {text!r}")
        return _checked_account(digits)
    found = _ACCOUNT.fullmatch(plain)
    if found is None or ("-" not in plain and len(plain) != ACCOUNT):
        raise NoPaymentCode(f"no account: {text!r}")
    bank, number, check = found.groups()
    return _checked_account(bank + number.zfill(NUMBER) + check)


def print_account(digits: str) -> str:
    """Return 18 digits as people write them: ``840-955845-10``."""
    return f"{digits[:BANK]}-{digits[BANK:-CHECK].lstrip('0') or '0'}-{digits[-CHECK:]}"


def with_model(reference: str) -> str:
    """Return a reference with its model in front: 97 where its check digits fit, else none (00)."""
    plain = re.sub(r"\s", "", reference).upper()
    return (MODEL_97 if is_model_97(plain) else NO_MODEL) + plain


def is_model_97(reference: str) -> bool:
    """Return whether the first two digits are the check digits of the rest, letters as A=10 … Z=35."""
    plain = re.sub(r"[\s-]", "", reference).upper()
    return bool(re.fullmatch(r"[0-9]{2}[0-9A-Z]{1,20}", plain)) and is_checked(plain)


def _checked_account(digits: str) -> str:
    if not re.fullmatch(r"[0-9]{18}", digits):
        raise NoPaymentCode(f"an account has 18 digits: {digits!r}")
    if int(digits) % 97 != 1:
        raise NoPaymentCode(f"the check digits of the account are wrong: {digits!r}")
    return digits


def _amount(amount: int) -> str:
    if amount <= 0:
        raise NoPaymentCode("nothing to pay")
    text = f"RSD{amount // 100},{amount % 100:02d}"
    if len(text) > MAX_AMOUNT:
        raise NoPaymentCode("the amount is too large")
    return text


def _name(text: str, what: str) -> str:
    lines = [line for line in map(_plain, text.splitlines()) if line][:MAX_NAME_LINES]
    name = "\n".join(lines)[:MAX_NAME].rstrip()
    if not name:
        raise NoPaymentCode(f"no {what}")
    return name


def _plain(text: str) -> str:
    """Return a text of one line without the sign that parts tags."""
    return " ".join(text.replace("|", " ").split())


def _checked_reference(reference: str) -> str:
    model, number = reference[:2], reference[2:]
    if model not in (MODEL_97, NO_MODEL) or not _REFERENCE.fullmatch(number):
        raise NoPaymentCode(f"no reference: {reference!r}")
    if model == MODEL_97 and not is_model_97(number):
        raise NoPaymentCode(f"the check digits of the reference are wrong: {reference!r}")
    return reference


def _fitting(text: str, pattern: re.Pattern[str], what: str) -> str:
    if not pattern.fullmatch(text):
        raise NoPaymentCode(f"no {what}: {text!r}")
    return text
