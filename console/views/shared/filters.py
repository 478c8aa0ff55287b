"""Filters of list pages: named query parameters, each read strictly.

A value that cannot be read raises ``ValueError``; the list then leaves the
filter out and says so. Nothing typed into an address can break a page.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

from sqlalchemy import Select
from sqlalchemy.sql.elements import ColumnElement

from console.core.context import settings
from console.core.emails import normal_email
from console.core.errors import Text
from console.core.ids import CUSTOMER_BASE, LARGEST_KEY, read_key
from console.core.series import Series
from console.views.shared.choices import ME, UNASSIGNED, names
from console.web.filters import day
from console.web.identity import current_actor

MAX_TEXT = 120


@dataclass(frozen=True)
class ListFilter(ABC):
    """One filter. ``name`` is its query parameter, ``label`` what people read."""

    name: str
    label: Text
    hint: Text = field(default="", kw_only=True)  # an example, shown in the empty box
    kind: ClassVar[str] = "text"  # which control draws it
    is_free_text: ClassVar[bool] = False  # it may be someone's name or address: the audit log does not repeat it

    @abstractmethod
    def read(self, text: str) -> Any:
        """Return the value typed.

        Raises:
            ValueError: it is none.
        """

    @abstractmethod
    def apply(self, query: Select[Any], value: Any) -> Select[Any]:
        """Return ``query`` narrowed to ``value``."""

    def show(self, value: Any) -> str:
        """Write ``value`` for people."""
        return str(value)


@dataclass(frozen=True)
class Choice(ListFilter):
    """One of a fixed set of values of ``column``."""

    column: Any
    choices: Mapping[str, Text]
    kind: ClassVar[str] = "choice"

    def read(self, text: str) -> str:
        if text not in self.choices:
            raise ValueError(text)
        return text

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        return query.where(self.column == value)

    def show(self, value: str) -> str:
        return str(self.choices[value])


@dataclass(frozen=True)
class Flag(ListFilter):
    """A condition that is on or off."""

    condition: Callable[[], ColumnElement[bool]]
    kind: ClassVar[str] = "flag"

    def read(self, text: str) -> bool:
        if text not in ("1", "true", "on"):
            raise ValueError(text)
        return True

    def apply(self, query: Select[Any], _value: bool) -> Select[Any]:
        return query.where(self.condition())

    def show(self, _value: bool) -> str:
        return ""


@dataclass(frozen=True)
class Day(ListFilter):
    """The calendar day of ``column``: ``on`` it, ``from`` it or ``until`` it (both included)."""

    column: Any
    compare: str = "on"
    kind: ClassVar[str] = "day"

    def read(self, text: str) -> date:
        return date.fromisoformat(text)

    def apply(self, query: Select[Any], value: date) -> Select[Any]:
        if self.compare == "from":
            return query.where(self.column >= value)
        if self.compare == "until":
            return query.where(self.column <= value)
        return query.where(self.column == value)

    def show(self, value: date) -> str:
        return day(value)


@dataclass(frozen=True)
class LocalDay(Day):
    """A day here, of a column that holds instants."""

    def read(self, text: str) -> date:
        value = super().read(text)
        if not date(1970, 1, 1) <= value <= date(2999, 12, 31):
            raise ValueError(text)
        return value

    def apply(self, query: Select[Any], value: date) -> Select[Any]:
        begins = datetime.combine(value, time(), settings().zone)
        ends = datetime.combine(value + timedelta(days=1), time(), settings().zone)
        if self.compare == "from":
            return query.where(self.column >= begins)
        if self.compare == "until":
            return query.where(self.column < ends)
        return query.where(self.column >= begins, self.column < ends)


@dataclass(frozen=True)
class Exact(ListFilter):
    """The whole text of ``column``, as it is written there. ``known`` are offered while typing, with their words."""

    column: Any
    known: Callable[[], Mapping[str, Text]] | None = None
    is_free_text: ClassVar[bool] = True

    def read(self, text: str) -> str:
        value = text.strip()
        if not value or len(value) > MAX_TEXT or not value.isprintable():
            raise ValueError(text)
        return value

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        return query.where(self.column == value)


@dataclass(frozen=True)
class Email(Exact):
    """Asked from this address."""

    def read(self, text: str) -> str:
        return normal_email(super().read(text))


@dataclass(frozen=True)
class Assignee(Choice):
    """The assignee; a former colleague can still be found by their key."""

    def read(self, text: str) -> str:
        if text in (ME, UNASSIGNED) or read_key(text) is not None:
            return text
        raise ValueError(text)

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        if value == UNASSIGNED:
            return query.where(self.column.is_(None))
        return query.where(self.column == (current_actor().id if value == ME else int(value)))

    def show(self, value: str) -> str:
        if value in (ME, UNASSIGNED):
            return str(self.choices[value])
        return names().staff.get(int(value), value)


@dataclass(frozen=True)
class CustomerNumber(ListFilter):
    """The rows of one account, by the number people read out (``K-10482``)."""

    column: Any
    hint: Text = field(default="K-10482", kw_only=True)

    def read(self, text: str) -> int:
        return read_customer_number(text)

    def apply(self, query: Select[Any], value: int) -> Select[Any]:
        return query.where(self.column == value)

    def show(self, value: int) -> str:
        return Series.CUSTOMER.number(CUSTOMER_BASE + value)


def read_customer_number(text: str) -> int:
    """Return the id behind ``K-10482`` (or ``10482``).

    Raises:
        ValueError: no customer number.
    """
    digits = text.strip().upper().removeprefix("K").removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > len(str(LARGEST_KEY)):
        raise ValueError(text)
    key = int(digits) - CUSTOMER_BASE
    if not 0 < key <= LARGEST_KEY:
        raise ValueError(text)
    return key
