"""Kinds of settings: how a value is read from a form, written into it, and checked.

Each refuses with a :class:`ValueError` whose one argument is for the user.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from console.core import money
from console.core.errors import Text
from console.core.settings import read_days, write_days
from console.core.text import one_line, without_unseen
from console.core.texts import lazy_gettext

_NONE = lazy_gettext("none")
_YES, _NO = lazy_gettext("Yes"), lazy_gettext("No")
_COLOR = re.compile(r"#[0-9a-f]{6}")
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Kind(ABC):
    """What is common to all. A value is stored as JSON, so ``is_valid`` looks at what may come out of a table."""

    control: ClassVar[str] = "text"

    @abstractmethod
    def read(self, typed: str) -> Any:
        """Return what was typed as a value.

        Raises:
            ValueError: it is none; the argument says why.
        """

    def write(self, value: Any) -> str:
        """Return ``value`` as the form has it."""
        return str(value)

    def say(self, value: Any, _language: str) -> Text:
        """Return ``value`` in words, as for "default: …"."""
        return self.write(value)

    def is_valid(self, value: Any) -> bool:
        """Return whether ``value``, from the database, is one of these."""
        try:
            return bool(self.read(self.write(value)) == value)
        except (ValueError, TypeError, AttributeError):
            return False


@dataclass(frozen=True)
class Words(Kind):
    """A text of one line. ``check``: reads it further, as a PIB or an account; what it returns is stored."""

    longest: int = 120
    required: bool = True
    check: Callable[[str], str] | None = None

    def read(self, typed: str) -> str:
        text = without_unseen(one_line(typed))
        if not text:
            if self.required:
                raise ValueError(lazy_gettext("This field is required."))
            return ""
        if len(text) > self.longest:
            raise ValueError(lazy_gettext("At most %(count)s characters.", count=self.longest))
        return self.check(text) if self.check else text

    def is_valid(self, value: Any) -> bool:
        return isinstance(value, str) and super().is_valid(value)


@dataclass(frozen=True)
class Number(Kind):
    """A whole number within bounds. ``unit``: what is counted."""

    control = "number"
    least: int = 1
    most: int = 999
    unit: Text = ""

    def read(self, typed: str) -> int:
        text = typed.strip()
        if not (_NUMBER.fullmatch(text) and text.isascii() and self.least <= int(text) <= self.most):
            raise ValueError(
                lazy_gettext("Enter a number from %(least)d to %(most)d.", least=self.least, most=self.most)
            )
        return int(text)

    def say(self, value: Any, _language: str) -> Text:
        return f"{value} {self.unit}".strip()


@dataclass(frozen=True)
class Days(Kind):
    """A list of numbers of days, as ``7, 1``; none at all where it is empty."""

    longest: ClassVar[int] = 40
    required: ClassVar[bool] = False

    def read(self, typed: str) -> str:
        try:
            return write_days(read_days(typed))
        except ValueError:
            raise ValueError(lazy_gettext("Enter at most six numbers of days, like 7, 1.")) from None

    def say(self, value: Any, _language: str) -> Text:
        return value or _NONE

    def is_valid(self, value: Any) -> bool:
        return isinstance(value, str) and super().is_valid(value)


@dataclass(frozen=True)
class Amount(Kind):
    """An amount of money in whole minor units, as :func:`console.core.money.read` understands it."""

    control = "amount"
    currency: str = "RSD"
    least: int = 0
    most: int = 1_000_000_000_000

    def read(self, typed: str) -> int:
        try:
            value = money.read(typed)
        except ValueError:
            raise ValueError(lazy_gettext("Enter an amount like 1.234,50.")) from None
        if not self.least <= value <= self.most:
            raise ValueError(lazy_gettext("This amount is too small or too large."))
        return value

    def write(self, value: Any) -> str:
        return money.write(value)

    def say(self, value: Any, language: str) -> Text:
        return money.write(value, self.currency, language)


@dataclass(frozen=True)
class YesNo(Kind):
    """One of two. ``yes`` and ``no``: the two in words."""

    control = "choice"
    yes: Text = _YES
    no: Text = _NO

    def options(self) -> Mapping[str, Text]:
        """Return what can be chosen, by the form's value."""
        return {"yes": self.yes, "no": self.no}

    def read(self, typed: str) -> bool:
        if typed not in ("yes", "no"):
            raise ValueError(lazy_gettext("Not a valid choice."))
        return typed == "yes"

    def write(self, value: Any) -> str:
        return "yes" if value else "no"

    def say(self, value: Any, _language: str) -> Text:
        return self.yes if value else self.no

    def is_valid(self, value: Any) -> bool:
        return isinstance(value, bool)


@dataclass(frozen=True)
class Choice(Kind):
    """One of several. ``names`` returns them by their value, in the reader's language."""

    control = "choice"
    names: Callable[[], Mapping[str, Text]] = dict

    def options(self) -> Mapping[str, Text]:
        """Return what can be chosen, by the form's value."""
        return self.names()

    def read(self, typed: str) -> str:
        if typed not in self.names():
            raise ValueError(lazy_gettext("Not a valid choice."))
        return typed

    def say(self, value: Any, _language: str) -> Text:
        return self.names().get(value, value)


@dataclass(frozen=True)
class Color(Kind):
    """A colour like ``#0a6c61``; empty: ``own``, the one that the style sheets have."""

    control = "color"
    own: str = ""

    def read(self, typed: str) -> str:
        text = typed.strip().lower()
        if text and not _COLOR.fullmatch(text):
            raise ValueError(lazy_gettext("Enter a colour like #0a6c61."))
        return "" if text == self.own else text

    def write(self, value: Any) -> str:
        return str(value or self.own)
