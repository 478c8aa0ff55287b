"""Reading a row's cells into what they mean. Every flaw of a row is found, not only the first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from console.core import money
from console.core.errors import Invalid
from console.core.text import is_blank, one_line

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")

MAX_AMOUNT = 10**15  # ten trillion dinars; sums of lines stay far inside 64 bits
OLDEST, NEWEST = date(1980, 1, 1), date(2199, 12, 31)
NO_DAY = date.min  # in place of a day that is wrong, until check() raises
MAX_BP = 10_000
_ISO = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)", re.ASCII)
_SERBIAN = re.compile(r"(\d\d?)\. ?(\d\d?)\. ?(\d{4})\.?", re.ASCII)
_AMOUNT = re.compile(
    r"-?(\d{1,16}([.,]\d{1,2})?|\d{1,3}(\.\d{3})+,\d{1,2}|\d{1,3}(,\d{3})+\.\d{1,2}|\d{1,3}( \d{3})+([.,]\d{1,2})?)",
    re.ASCII,
)
_PERCENT = re.compile(r"(\d{1,3})([.,](\d{1,2}))? ?%?", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
_FLAGS = {"yes": True, "da": True, "1": True, "true": True, "no": False, "ne": False, "0": False, "false": False}
MAX_QUOTED = 60
# As spreadsheets show numbers of more than eleven digits: 3,81641E+11. Most of the digits are gone.
_SCIENTIFIC = re.compile(r"-?\d([.,]\d+)?E\+\d{2,3}", re.ASCII | re.IGNORECASE)
NOT_A_NUMBER = "format the column as text and enter it again"


@dataclass(frozen=True)
class Column:
    """One column.

    ``needed``: it must be there and filled, or the column ``instead``. ``limit``: how long a cell may be.
    ``code``: its digits are a name (a telephone, an id), which a spreadsheet may have taken for a number.
    """

    name: str
    needed: bool = False
    limit: int = 255
    instead: str = ""
    code: bool = False


class RowError(Exception):
    """A row is not stored; ``str()`` says why."""


class Cells:
    """One row's cells by their column's name; ``check()`` raises with all that was wrong."""

    def __init__(
        self,
        values: Mapping[str, str],
        columns: Iterable[Column],
        words: Mapping[str, Mapping[str, StrEnum]] = MappingProxyType({}),
    ) -> None:
        self.flaws: list[str] = []
        self._values = values
        self._words = words  # by column: states as our own exports call them
        self._texts = {column.name: self._text(values.get(column.name, ""), column) for column in columns}

    def check(self) -> None:
        """Raise :class:`RowError` if anything was wrong."""
        if self.flaws:
            raise RowError("; ".join(self.flaws))

    def flaw(self, name: str, what: str) -> None:
        """Note what is wrong with a cell."""
        self.flaws.append(f"{name}: {what}")

    def flaws_of(self, error: Invalid, names: Mapping[str, str] | None = None) -> None:
        """Note what a domain's own check found, under the columns' names."""
        for field, messages in error.fields.items():
            self.flaw((names or {}).get(field, field), " ".join(str(message) for message in messages))

    def text(self, name: str) -> str:
        """Return the cell, white space made single, in normal form C."""
        return self._texts[name]

    def choice(self, name: str, kind: type[E], default: E) -> E:
        """Return the member that the cell names, ``default`` where it is blank."""
        return self.maybe_choice(name, kind) or default

    def maybe_choice(self, name: str, kind: type[E]) -> E | None:
        """Return the member that the cell names, ``None`` where it is blank."""
        complaint = f"is none of {', '.join(kind)}"
        words = self._words.get(name, {})
        return self._parsed(name, lambda text: kind(words.get(text.casefold(), text.casefold())), complaint)

    def day(self, name: str, default: date = NO_DAY) -> date:
        """Return the day, written as 2026-11-23 or 23.11.2026."""
        return self._parsed(name, read_day, "is no date: write 2026-11-23 or 23.11.2026.") or default

    def amount(self, name: str) -> int:
        """Return the amount in minor units, nothing where it is blank."""
        return self.maybe_amount(name) or 0

    def maybe_amount(self, name: str) -> int | None:
        """Return the amount in minor units, ``None`` where it is blank. None is negative."""
        value = self._parsed(name, read_amount, "is no amount: write 1234,50 or 1.234,50 or 1,234.50")
        if value is not None and value < 0:
            self.flaw(name, "an amount here is never negative")
        return value

    def percent(self, name: str, default: int) -> int:
        """Return a rate in basis points."""
        value = self._parsed(name, read_percent, "is no rate: write 20 or 10 or 0")
        return default if value is None else value

    def flag(self, name: str, *, default: bool) -> bool:
        """Return yes or no."""
        value = self._parsed(name, lambda text: _FLAGS[text.casefold()], "is neither yes nor no")
        return default if value is None else value

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """Return a whole number between ``low`` and ``high``."""
        value = self._parsed(name, _whole, "is no whole number")
        if value is None:
            return default
        if not low <= value <= high:
            self.flaw(name, f"{value} is not between {low} and {high}")
        return value

    def _parsed(self, name: str, read: Callable[[str], T], complaint: str) -> T | None:
        text = self.text(name)
        if not text:
            return None
        try:
            return read(text)
        except (ValueError, KeyError):
            self.flaw(name, f"{_quoted(text)} {complaint}")
            return None

    def _text(self, raw: str, column: Column) -> str:
        if len(raw) > max(column.limit * 4, 1000):
            self.flaw(column.name, f"longer than {column.limit} characters")
            return ""
        if any(unicodedata.category(char) == "Cc" and char not in "\t\r\n" for char in raw):
            self.flaw(column.name, "contains a NUL or another control character")
            return ""
        text = one_line(raw)
        if column.code and _SCIENTIFIC.fullmatch(text):
            self.flaw(column.name, f"{text} is what a spreadsheet made of a long number: {NOT_A_NUMBER}")
            return ""
        if column.needed and not text and is_blank(self._values.get(column.instead, "")):
            self.flaw(column.name, "is needed")
        if len(text) > column.limit:
            self.flaw(column.name, f"longer than {column.limit} characters")
            return ""
        return text


def read_day(text: str) -> date:
    """Read a day as people and programs write it.

    Raises:
        ValueError: no such day, or one that cannot be meant.
    """
    iso, serbian = _ISO.fullmatch(text), _SERBIAN.fullmatch(text)
    if iso:
        year, month, day = iso.groups()
    elif serbian:
        day, month, year = serbian.groups()
    else:
        raise ValueError(text)
    value = date(int(year), int(month), int(day))
    if not OLDEST <= value <= NEWEST:
        raise ValueError(text)
    return value


def read_amount(text: str) -> int:
    """Read an amount. ``1.234`` is refused: it may mean a thousand or one and a bit.

    Raises:
        ValueError: no amount, or one too large.
    """
    if not _AMOUNT.fullmatch(text):
        raise ValueError(text)
    value = money.read(text)
    if abs(value) > MAX_AMOUNT:
        raise ValueError(text)
    return value


def read_percent(text: str) -> int:
    """Read a rate into basis points: ``20``, ``20 %`` and ``10,5``.

    Raises:
        ValueError: none, or above 100.
    """
    match = _PERCENT.fullmatch(text)
    if match is None:
        raise ValueError(text)
    value = int(match[1]) * 100 + int((match[3] or "0").ljust(2, "0"))
    if value > MAX_BP:
        raise ValueError(text)
    return value


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _quoted(text: str) -> str:
    """Quote a cell in a message, shortened."""
    return repr(text if len(text) <= MAX_QUOTED else text[:MAX_QUOTED] + "…")
