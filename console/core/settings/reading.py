"""Reading values of the environment: a value that cannot be used is refused with the setting's name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from console.core.money import CURRENCIES
from console.core.settings.defaults import REQUEST_DEPARTMENTS

PREFIX = "CONSOLE_"
MOST_DAYS = 365


class SettingsError(ValueError):
    """A setting is missing, malformed or not allowed in this environment."""


class Reader:
    """Typed look-ups that name the setting in every complaint."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def optional(self, name: str) -> str | None:
        return self.environ.get(PREFIX + name, "").strip() or None

    def text(self, name: str, default: str) -> str:
        return self.optional(name) or default

    def many(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        raw = self.optional(name)
        return tuple(part.strip() for part in raw.split(",") if part.strip()) if raw else default

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.text(name, default)
        if value not in allowed:
            raise SettingsError(f"{PREFIX}{name}: {value!r} is none of {', '.join(allowed)}")
        return value

    def number(self, name: str, default: int, *, least: int = 1) -> int:
        raw = self.optional(name)
        if raw is None:
            return default
        if not raw.isdecimal() or int(raw) < least:
            kind = "positive whole number" if least else "whole number"
            raise SettingsError(f"{PREFIX}{name}: {raw!r} is no {kind}")
        return int(raw)

    def amounts(self, name: str) -> dict[str, int]:
        """Read minor units by currency, ``RSD:10000000,EUR:100000``; a number alone is in dinars, the rest is zero."""
        found: dict[str, int] = {}
        for part in self.many(name, ()):
            currency, _, amount = part.rpartition(":")
            currency = currency.strip() or "RSD"
            if currency not in CURRENCIES or not amount.strip().isdecimal() or currency in found:
                raise SettingsError(f"{PREFIX}{name}: {part!r} is no amount in minor units, as in RSD:10000000")
            found[currency] = int(amount)
        return dict.fromkeys(CURRENCIES, 0) | found

    def days(self, name: str, default: str) -> str:
        """Read numbers of days, ``7, 1``; ``none`` for none at all."""
        raw = self.optional(name)
        if raw is None:
            return default
        try:
            return write_days(read_days("" if raw == "none" else raw))
        except ValueError as error:
            raise SettingsError(f"{PREFIX}{name}: {raw!r} is no list of days, as in 7,1") from error

    def departments(self, name: str) -> dict[str, str]:
        """Read departments by kind of request, ``order:sales,password:technical``; others keep their own."""
        found: dict[str, str] = {}
        for part in self.many(name, ()):
            kind, _, department = (one.strip() for one in part.partition(":"))
            if kind not in REQUEST_DEPARTMENTS or not department or kind in found:
                raise SettingsError(f"{PREFIX}{name}: {part!r} is no kind and department, as in order:sales")
            found[kind] = department
        return REQUEST_DEPARTMENTS | found

    def color(self, name: str, default: str) -> str:
        raw = self.optional(name)
        if raw is None:
            return default
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", raw):
            raise SettingsError(f"{PREFIX}{name}: {raw!r} is no colour like #0a6c61")
        return raw.lower()

    def instant(self, name: str) -> datetime | None:
        raw = self.optional(name)
        if raw is None:
            return None
        try:
            value = datetime.fromisoformat(raw)
        except ValueError as error:
            raise SettingsError(f"{PREFIX}{name}: {raw!r} is no RFC 3339 time") from error
        if value.tzinfo is None:
            raise SettingsError(f"{PREFIX}{name}: {raw!r} lacks its offset, as in +01:00")
        return value


def read_days(text: str) -> tuple[int, ...]:
    """Return the days that a list like ``7, 1`` names, each once.

    Raises:
        ValueError: it is none; at most six, up to :data:`MOST_DAYS`.
    """
    parts = [part for part in text.replace(",", " ").split() if part]
    if len(parts) > 6 or not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
        raise ValueError(text)
    days = tuple(dict.fromkeys(int(part) for part in parts))
    if any(day > MOST_DAYS for day in days):
        raise ValueError(text)
    return days


def write_days(days: tuple[int, ...]) -> str:
    """Write a list of days for people."""
    return ", ".join(map(str, days))
