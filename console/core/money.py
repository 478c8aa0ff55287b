"""Amounts in whole minor units (para, cent). Never a float."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

CURRENCIES = ("RSD", "EUR")
MINOR = 100
BASIS_POINTS = 10_000
# Without groups; in groups of three. One group alone (1.234) could be either, so it is none.
_FORMS = tuple(
    re.compile(form)
    for form in (
        r"[+-]?[0-9]{1,15}([.,][0-9]{1,2})?",
        r"[+-]?[0-9]{1,3}((\.[0-9]{3}){2,4}|(\.[0-9]{3}){1,4},[0-9]{1,2})",
        r"[+-]?[0-9]{1,3}((,[0-9]{3}){2,4}|(,[0-9]{3}){1,4}\.[0-9]{1,2})",
    )
)


def share(amount: int, basis_points: int) -> int:
    """Return ``basis_points`` ten-thousandths of ``amount``, rounded half away from zero.

    Args:
        amount: minor units, negative on a storno.
        basis_points: 2000 is 20 %.
    """
    exact = Decimal(amount) * basis_points / BASIS_POINTS
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def write(amount: int, currency: str = "", locale: str = "sr_Latn") -> str:
    """Write ``amount`` for people: ``1.234,50 RSD``, in English ``1,234.50 RSD``."""
    whole, cents = divmod(abs(amount), MINOR)
    thousands = f"{whole:,}"
    if locale.startswith("sr"):
        text = thousands.replace(",", ".") + f",{cents:02d}"
    else:
        text = f"{thousands}.{cents:02d}"
    return ("−" if amount < 0 else "") + text + (f" {currency}" if currency else "")


def read(text: str) -> int:
    """Read an amount as people and spreadsheets write it, into minor units.

    ``1.234,50``, ``1,234.50``, ``1234.5`` and ``1234`` are understood. ``1.234`` is not: it is
    a thousand to some and one to others.

    Raises:
        ValueError: not an amount, an ambiguous one, or finer than a minor unit.
    """
    plain = "".join(text.split()).replace("\N{MINUS SIGN}", "-")
    if not any(form.fullmatch(plain) for form in _FORMS):
        raise ValueError(f"no amount: {text!r}")
    whole, mark, cents = _cut(plain)
    digits = re.sub(r"[.,]", "", whole)
    return int(Decimal(f"{digits}.{cents}" if mark else digits) * MINOR)


def _cut(plain: str) -> tuple[str, str, str]:
    """Cut off the minor units: what one or two digits at the end are."""
    found = re.fullmatch(r"(.*?)([.,])([0-9]{1,2})", plain)
    return (found[1], found[2], found[3]) if found else (plain, "", "")
