"""Finding words in a column without an index: letters with and without accents are the same.

For what is narrowed down already, as the mail or the tickets of one account.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func

from console.core.text import fold

MAX_TERMS = 8
# Folded on both sides of a search. PostgreSQL and SQLite have no unfolding in common but this. A đ is written đ, dj
# and d: all of them are a d.
_ACCENTS = (
    ("č", "c"), ("ć", "c"), ("š", "s"), ("ž", "z"), ("đ", "d"), ("dj", "d"),
    ("Č", "c"), ("Ć", "c"), ("Š", "s"), ("Ž", "z"), ("Đ", "d"), ("Dj", "d"), ("DJ", "d"),
)  # fmt: skip


def terms_of(query: str) -> list[str]:
    """Return the words that are searched for."""
    return query.split()[:MAX_TERMS]


def contains(column: Any, term: str) -> ColumnElement[bool]:
    """Return the condition "``column`` has ``term`` somewhere"."""
    folded = fold(term).replace("dj", "d") or term
    for accented, base in _ACCENTS:
        column = func.replace(column, accented, base)
    found: ColumnElement[bool] = func.lower(column).contains(folded, autoescape=True)
    return found
