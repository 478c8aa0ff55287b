"""Lists as CSV: whole however many rows, in bounded memory, harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Any

from console.core.sheets import neutral
from console.web.answers import local_time

BOM = "\ufeff"  # without it Excel reads č as two letters


class Number(str):
    """A number that we wrote ourselves: it stays one in a spreadsheet."""

    __slots__ = ()


def amount_cell(minor: int) -> Number:
    """Write an amount in whole minor units as a plain number: ``1234.50``."""
    whole, cents = divmod(abs(minor), 100)
    return Number(f"{'-' if minor < 0 else ''}{whole}.{cents:02d}")


def harmless(value: Any) -> str:
    """Write one cell so that no spreadsheet runs it. What is a number stays one: we write it, nobody types it."""
    if value is None:
        return ""
    if isinstance(value, Number):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        return local_time(value) or ""
    if isinstance(value, date):
        return value.isoformat()
    text = str(value.value if isinstance(value, Enum) else value)
    return neutral(text)


def write_csv(titles: Sequence[str], batches: Iterable[Iterable[Sequence[Any]]]) -> Iterator[str]:
    """Yield the file piece by piece: the titles, then a piece a batch."""
    yield BOM + _rows([titles])
    for batch in batches:
        yield _rows(batch)


def _rows(rows: Iterable[Sequence[Any]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([harmless(value) for value in row] for row in rows)
    return buffer.getvalue()
