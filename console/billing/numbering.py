"""Document numbers without gap or duplicate, under concurrency, on both databases.

One row a series and year is the lock: the transaction that holds it numbers until commit,
and a rollback gives the numbers back. (A PostgreSQL sequence would leave gaps.)
"""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from console.billing.models import NumberSeries
from console.core.series import Series

PROFORMA = Series.PROFORMA.value
STORNO = Series.STORNO.value
EXTERNAL = "X"  # numbered elsewhere, stored as it came


def take(session: Session, series: str, year: int, count: int) -> list[int]:
    """Take the next ``count`` numbers. Call after every other lock of the transaction."""
    if count == 0:
        return []
    advance = (
        update(NumberSeries)
        .where(NumberSeries.series == series, NumberSeries.year == year)
        .values(last=NumberSeries.last + count)
        .returning(NumberSeries.last)
    )
    last = session.scalar(advance)
    if last is None:  # the first of its year; another may be beginning it too
        insert = (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert(NumberSeries)
        session.execute(insert.values(series=series, year=year, last=0).on_conflict_do_nothing())
        last = session.scalars(advance).one()
    return list(range(last - count + 1, last + 1))


def write(series: str, year: int, sequence: int) -> str:
    """Return the number as printed: ``PR-2026-004512``."""
    return f"{series}-{year}-{sequence:06d}"


def payment_reference(year: int, sequence: int) -> str:
    """Return the model 97 reference of a document: two check digits, then year and number.

    Check = 98 − (N × 100 mod 97), letters as A=10 … Z=35 (ISO 7064 MOD 97-10,
    Narodna banka Srbije, model 97). At most 20 digits.
    """
    return with_check_digits(f"{year}{sequence:06d}")


def with_check_digits(body: str) -> str:
    """Put the model 97 check digits in front of ``body``."""
    digits = "".join(str(int(char, 36)) for char in body.upper() if char.isalnum())
    return f"{98 - int(digits) * 100 % 97:02d}{body}"
