"""Dates, amounts and rates, as people and programs write them."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.core import money
from console.imports.cells import MAX_AMOUNT, Cells, Column, RowError, read_amount, read_day, read_percent


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


COLUMNS = (Column("a", needed=True, limit=10), Column("b", limit=10))


@pytest.mark.parametrize("text", ["2026-11-23", "23.11.2026.", "23.11.2026", "23. 11. 2026."])
def test_dates_in_both_ways(text: str) -> None:
    assert read_day(text) == date(2026, 11, 23)


@pytest.mark.parametrize(
    "text",
    [
        "23/11/2026",
        "11-23-2026",
        "2026-02-29",
        "31.4.2026.",
        "1.1.26.",
        "1900-01-01",
        "٢٠٢٦-١١-٢٣",
        "9999-12-31",
        "23.11.2026..",
        "",
    ],
)
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (the message is the cell)
        read_day(text)


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("1.234,50", 123450), ("1,234.50", 123450), ("1234.5", 123450), ("1234,5", 123450), ("1234", 123400),
        ("1 234,50", 123450), ("0", 0), ("0,01", 1), ("1.234.567,89", 123456789), ("1,234,567.89", 123456789),
        ("-3", -300),
    ],
)  # fmt: skip
def test_amounts_in_both_notations(text: str, minor: int) -> None:
    assert read_amount(text) == minor


@pytest.mark.parametrize(
    "text",
    [
        "1.234",
        "1,234",
        "1e5",
        "1_000",
        "0x10",
        "NaN",
        "inf",
        "12,345,6",
        "1.2.3,4",
        "12 RSD",
        "--1",
        "१२",
        "1,234,56",
        "9" * 30,
        "",
        ".",
    ],
)
def test_what_is_no_amount_or_could_mean_two(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        read_amount(text)


@given(st.integers(0, MAX_AMOUNT), st.sampled_from(["sr_Latn", "en"]))
def test_what_the_console_writes_is_read_back(minor: int, locale: str) -> None:
    assert read_amount(money.write(minor, locale=locale)) == minor


@given(st.text(max_size=30))
def test_no_cell_breaks_the_readers(text: str) -> None:
    for read in (read_day, read_amount, read_percent):
        try:
            read(text)
        except ValueError:
            continue


@pytest.mark.parametrize(
    ("text", "points"), [("20", 2000), ("20 %", 2000), ("10%", 1000), ("0", 0), ("10,5", 1050), ("8.25", 825)]
)
def test_rates(text: str, points: int) -> None:
    assert read_percent(text) == points


@pytest.mark.parametrize("text", ["101", "-1", "20 %%", "2000", "x"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        read_percent(text)


def test_every_flaw_of_a_row_is_told_at_once() -> None:
    cells = Cells({"a": "", "b": "purple"}, COLUMNS)
    assert cells.choice("b", Colour, Colour.RED) is Colour.RED
    with pytest.raises(RowError, match=r"^a: is needed; b: 'purple' is none of red, blue$"):
        cells.check()


@pytest.mark.parametrize(
    ("raw", "flaw"),
    [
        ("a\0b", "a NUL or another control character"),
        ("a\x1bb", "a NUL or another control character"),
        ("x" * 11, "longer than 10 characters"),
        ("x" * 100_000, "longer than 10 characters"),
    ],
)
def test_what_no_column_holds(raw: str, flaw: str) -> None:
    with pytest.raises(RowError, match=flaw):
        Cells({"a": raw}, COLUMNS).check()


@pytest.mark.parametrize("text", ["3,81645E+11", "3.81645e+11", "4E+11", "-1,5E+12"])
def test_what_a_spreadsheet_made_of_a_long_number_is_refused(text: str) -> None:
    columns = Column("phone", code=True), Column("name")
    cells = Cells({"phone": text, "name": text}, columns)
    assert cells.flaws == [
        f"phone: {text} is what a spreadsheet made of a long number: format the column as text and enter it again"
    ]
    for good in ("+381 64 555 333", "0641112233", "E11", "2E10", "1E+1"):
        assert Cells({"phone": good}, columns).text("phone") == good


def test_white_space_and_accents_are_brought_into_one_form() -> None:
    cells = Cells({"a": "  Z\u030cika \t\n Z "}, COLUMNS)
    cells.check()
    assert cells.text("a") == "Žika Z"
