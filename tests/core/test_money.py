"""Amounts are whole minor units, rounded half away from zero, read as people write them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core import money

AMOUNTS = st.integers(-(10**15), 10**15)


@pytest.mark.parametrize(
    ("amount", "basis_points", "expected"),
    [(12345, 2000, 2469), (1, 2000, 0), (2, 2500, 1), (3, 5000, 2), (-3, 5000, -2), (0, 2000, 0), (999, 1000, 100)],
)
def test_share(amount: int, basis_points: int, expected: int) -> None:
    assert money.share(amount, basis_points) == expected


@given(AMOUNTS, st.integers(0, 10_000))
def test_share_is_within_half_a_unit_and_symmetric(amount: int, basis_points: int) -> None:
    exact = Fraction(amount * basis_points, money.BASIS_POINTS)
    assert abs(money.share(amount, basis_points) - exact) <= Fraction(1, 2)
    # A storno is exactly what it cancels, with the other sign.
    assert money.share(-amount, basis_points) == -money.share(amount, basis_points)


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "expected"),
    [
        (123450, "RSD", "sr_Latn", "1.234,50 RSD"),
        (123450, "EUR", "en", "1,234.50 EUR"),
        (-5, "", "sr_Latn", "−0,05"),
        (100_000_000, "", "en", "1,000,000.00"),
    ],
)
def test_written(amount: int, currency: str, locale: str, expected: str) -> None:
    assert money.write(amount, currency, locale) == expected


@given(st.integers(-(10**14), 10**14), st.sampled_from(["sr_Latn", "en"]))
def test_what_is_written_can_be_read(amount: int, locale: str) -> None:
    assert money.read(money.write(amount, "", locale)) == amount


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.234,50", 123450),
        ("1,234.50", 123450),
        ("1234.5", 123450),
        ("1234", 123400),
        (" 12 345,67 ", 1234567),
        ("1.234.567", 123456700),
        ("-10,00", -1000),
        ("−10,00", -1000),
        ("1,234,567", 123456700),
    ],
)
def test_read(text: str, expected: int) -> None:
    assert money.read(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "1,2,3.4.5",
        "1.001,005",
        "0,001",
        "1.234",
        "1,234",
        "12,34.5",
        "1_000",
        "٣",
        "NaN",
        "Infinity",
        "1e400",
        "--5",
    ],
)
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        money.read(text)
