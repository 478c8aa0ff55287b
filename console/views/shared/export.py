"""Lists as CSV: whole however many rows, in bounded memory, harmless in a spreadsheet, as its reader writes numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from console.core.context import settings
from console.core.errors import Text
from console.core.sheets import neutral
from console.core.texts import gettext
from console.views.shared.labels.states import Label
from console.web.answers import local_time
from console.web.filters import language

BOM = "\ufeff"  # without it Excel reads č as two letters


@dataclass(frozen=True)
class Style:
    """How a spreadsheet of one language has it: Excel reads what differs from it as text, or in one column."""

    delimiter: str = ","
    decimal: str = "."
    day: str = "%Y-%m-%d"
    moment: str = ""  # RFC 3339 where empty


PLAIN = Style()
# Excel shows the days of a Serbian Windows like this, and takes them as days; `console import` reads them too.
SERBIAN = Style(";", ",", "%d.%m.%Y.", "%d.%m.%Y. %H:%M:%S")


def style() -> Style:
    """Return how the reader of this request has it."""
    return SERBIAN if language() == "sr_Latn" else PLAIN


class Number(str):
    """A number that we wrote ourselves, with a decimal point: it stays one in a spreadsheet."""

    __slots__ = ()


def amount_cell(minor: int) -> Number:
    """Write an amount in whole minor units as a plain number: ``1234.50``."""
    whole, cents = divmod(abs(minor), 100)
    return Number(f"{'-' if minor < 0 else ''}{whole}.{cents:02d}")


def words(labels: Mapping[Any, Label | Text], value: Any) -> str:
    """Write a state as the page does."""
    if value is None:
        return ""
    label = labels.get(value, value)
    return str(label.text if isinstance(label, Label) else label)


def harmless(value: Any, style: Style = PLAIN) -> str:
    """Write one cell so that no spreadsheet runs it. What is a number stays one: we write it, nobody types it."""
    if value is None:
        return ""
    if isinstance(value, Number):
        return value.replace(".", style.decimal)
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        return _moment(value, style)
    if isinstance(value, date):
        return value.strftime(style.day)
    text = str(value.value if isinstance(value, Enum) else value)
    return neutral(text)


def _moment(instant: datetime, style: Style) -> str:
    if style.moment:
        return instant.astimezone(settings().zone).strftime(style.moment)
    return local_time(instant) or ""


def write_csv(
    titles: Sequence[str], batches: Iterable[Iterable[Sequence[Any]]], reader: Style | None = None
) -> Iterator[str]:
    """Return the file piece by piece: the titles, then a piece a batch.

    Args:
        reader: how its reader has it; that of this request where it is left out.
    """
    # Decided now: when the pieces are made, the session has let go of whoever is signed in.
    return _pieces(titles, batches, reader or style())


def _pieces(titles: Sequence[str], batches: Iterable[Iterable[Sequence[Any]]], reader: Style) -> Iterator[str]:
    yield BOM + _rows([titles], reader)
    for batch in batches:
        yield _rows(batch, reader)


def _rows(rows: Iterable[Sequence[Any]], style: Style) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=style.delimiter)
    writer.writerows([harmless(value, style) for value in row] for row in rows)
    return buffer.getvalue()
