"""What is on a document, as texts in its language: all that its layout knows, free of database and application.

The same sheet is the same bytes, in whatever process.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from console.billing.pdf.qr import Squares


@dataclass(frozen=True)
class Party:
    """One side of a document."""

    label: str
    name: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fact:
    """A value with its name. ``strong``: the one that is looked for."""

    label: str
    value: str
    strong: bool = False


@dataclass(frozen=True)
class Column:
    """A column of a table, ``width`` in millimetres; one of nothing takes what is left."""

    title: str
    width: float = 0
    numbers: bool = False


@dataclass(frozen=True)
class Row:
    """A row. ``note`` is below the first cell, quieter."""

    cells: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under a heading, then their totals, which never are alone on a page.

    Args:
        empty: what is said where there are no rows.
        breakdown: a small table next to the totals, as of PDV by rate; its first row has the titles.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    heading: str = ""
    empty: str = ""
    totals: tuple[Fact, ...] = ()
    breakdown: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Payment:
    """How it is paid. ``code``: what a banking app reads, ``code_label`` says so."""

    title: str
    facts: tuple[Fact, ...]
    code: Squares | None = None
    code_label: str = ""


@dataclass(frozen=True)
class Sheet:
    """A whole document.

    Args:
        lang: as PDF readers know it: ``sr-Latn``, ``en``.
        made_at: when what it says came to be; the file says no other time.
        lead: a sentence below the title.
        page_of: ``Page {page} of {pages}``.
        continued: what is at the top of its further pages.
    """

    lang: str
    title: str
    number: str
    brand: str
    made_at: datetime
    parties: tuple[Party, ...]
    facts: tuple[Fact, ...]
    tables: tuple[Table, ...]
    footer: str
    page_of: str
    continued: str
    lead: str = ""
    notes: tuple[str, ...] = ()
    payment: Payment | None = None
    closing: str = ""
