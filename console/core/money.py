"""Amounts in whole minor units (para, cent). Never a float."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

CURRENCIES = ("RSD", "EUR")
MINOR = 100
BASIS_POINTS = 10_000


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

    ``1.234,50``, ``1,234.50``, ``1234.5`` and ``1234`` are understood.

    Raises:
        ValueError: not an amount, or finer than a minor unit.
    """
    plain = text.strip().replace(" ", "").replace("\N{NO-BREAK SPACE}", "")
    comma, dot = plain.rfind(","), plain.rfind(".")
    if comma > dot:
        plain = plain.replace(".", "").replace(",", ".")
    elif dot > comma >= 0 or plain.count(".") > 1:
        plain = plain.replace(",", "")
    try:
        minor = Decimal(plain) * MINOR
    except InvalidOperation as error:
        raise ValueError(f"no amount: {text!r}") from error
    if not minor.is_finite() or minor != minor.to_integral_value():
        raise ValueError(f"no amount: {text!r}")
    return int(minor)
