"""Filters of the list of pro-formas: how late they are, what is still owed; and the sums above the list."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, Select, and_, case, func, select

from console.billing.models import ACTIVE_STATUSES, Proforma
from console.core import money
from console.core.db import db
from console.core.errors import Text
from console.core.texts import lazy_gettext
from console.views.shared.filters import ListFilter
from console.views.shared.labels.states import today

# The last day of each bucket in days overdue; what is older is in the last one.
AGES: dict[str, tuple[int, int | None, Text]] = {
    "30": (1, 30, lazy_gettext("1–30 days late")),
    "60": (31, 60, lazy_gettext("31–60 days late")),
    "90": (61, 90, lazy_gettext("61–90 days late")),
    "more": (91, None, lazy_gettext("Over 90 days late")),
}


def overdue_by(key: str) -> ColumnElement[bool]:
    """Return the condition of documents that are as late as a bucket says."""
    least, most, _label = AGES[key]
    day = today()
    late = [Proforma.due_on <= day - timedelta(days=least)]
    if most is not None:
        late.append(Proforma.due_on >= day - timedelta(days=most))
    return and_(Proforma.status.in_(ACTIVE_STATUSES), *late)


@dataclass(frozen=True)
class Age(ListFilter):
    """How late it is."""

    kind: ClassVar[str] = "choice"

    @property
    def choices(self) -> dict[str, Text]:
        """Return the buckets in words."""
        return {key: label for key, (_least, _most, label) in AGES.items()}

    def read(self, text: str) -> str:
        if text not in AGES:
            raise ValueError(text)
        return text

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        return query.where(overdue_by(value))

    def show(self, value: str) -> str:
        return str(AGES[value][2])


@dataclass(frozen=True)
class Owed(ListFilter):
    """What is still owed, from or up to an amount."""

    column: Any
    compare: str = "from"
    hint: Text = field(default="1.000,00", kw_only=True)

    def read(self, text: str) -> int:
        value = money.read(text)
        if not 0 <= value < 10**17:
            raise ValueError(text)
        return value

    def apply(self, query: Select[Any], value: int) -> Select[Any]:
        return query.where(self.column >= value if self.compare == "from" else self.column <= value)

    def show(self, value: int) -> str:
        return money.write(value)


@dataclass(frozen=True)
class Tile:
    """One figure above the list: how many documents wait, and for how much by currency."""

    label: Text
    query: dict[str, str]
    count: int
    owed: dict[str, int]
    late: bool


def tiles() -> list[Tile]:
    """Return what waits for money, and how late it is, in one statement."""
    bucket = case(*((overdue_by(key), key) for key in AGES), else_="")
    rows: Any = db.session.execute(
        select(bucket, Proforma.currency, func.count(), func.sum(Proforma.total - Proforma.paid))
        .where(Proforma.status.in_(ACTIVE_STATUSES))
        .group_by(bucket, Proforma.currency)
    )
    counts: dict[str, int] = {}
    owed: dict[str, dict[str, int]] = {}
    for key, currency, count, amount in rows:
        for part in (key, "all"):
            counts[part] = counts.get(part, 0) + count
            sums = owed.setdefault(part, {})
            sums[currency] = sums.get(currency, 0) + int(amount)
    found = [
        Tile(lazy_gettext("Unpaid"), {"unpaid": "1"}, counts.get("all", 0), _by_currency(owed.get("all")), late=False)
    ]
    for key, (_least, _most, label) in AGES.items():
        found.append(
            Tile(label, {"age": key}, counts.get(key, 0), _by_currency(owed.get(key)), late=counts.get(key, 0) > 0)
        )
    return found


def _by_currency(sums: dict[str, int] | None) -> dict[str, int]:
    return {code: sums[code] for code in money.CURRENCIES if code in sums} if sums else {}
