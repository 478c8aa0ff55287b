"""Names that could be real and are not, drawn from one seeded generator."""

from __future__ import annotations

import re
from random import Random

from stdnum.iso7064 import mod_11_10

from console.core.text import fold
from console.demo import data

_LISTS = data.read("names.toml")
WOMEN: list[str] = _LISTS["women"]
MEN: list[str] = _LISTS["men"]
SURNAMES: list[str] = _LISTS["surnames"]
TOWNS: list[tuple[str, str]] = [(postcode, town) for postcode, town in _LISTS["towns"]]
STREETS: list[str] = _LISTS["streets"]
TRADES: list[str] = _LISTS["trades"]
MARKS: list[str] = _LISTS["marks"]
_NOT_A_LABEL = re.compile(r"[^a-z0-9]+")


def slug(text: str) -> str:
    """Return ``text`` as a part of a domain name."""
    return _NOT_A_LABEL.sub("-", fold(text)).strip("-")


class Names:
    """Draws names; those that must be unique carry a number of their own."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._count = 0

    def number(self) -> int:
        """Return a number not given before."""
        self._count += 1
        return self._count

    def person(self) -> str:
        """Return a first name and a surname."""
        return f"{self._rng.choice(WOMEN + MEN)} {self._rng.choice(SURNAMES)}"

    def company(self) -> str:
        """Return a company's name."""
        form = self._rng.choice(("d.o.o.", "d.o.o.", "PR", "a.d."))
        return f"{self._rng.choice(TRADES)} {self._rng.choice(MARKS)} {form}"

    def town(self) -> tuple[str, str]:
        """Return a postcode and its town."""
        return self._rng.choice(TOWNS)

    def street(self) -> str:
        """Return a street with a house number."""
        return f"{self._rng.choice(STREETS)} {self._rng.randint(1, 180)}"

    def phone(self) -> str:
        """Return a number of a range that is not in use."""
        return f"+381 60 000 {self._rng.randint(0, 9999):04d}"


def pib(number: int) -> str:
    """Return a PIB with its check digit (ISO 7064 MOD 11,10), a different one for every number."""
    body = f"{10_000_000 + number % 89_999_999:08d}"
    return body + str(mod_11_10.calc_check_digit(body))


def mb(number: int) -> str:
    """Return a company number: eight digits."""
    return f"{20_000_000 + number % 79_999_999:08d}"
