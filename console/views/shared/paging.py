"""What a list was asked for, read from the address and clamped, and the cursors it answers."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, TypeDecorator, and_, or_
from sqlalchemy.types import TypeEngine
from werkzeug.datastructures import MultiDict

from console.core.errors import Invalid
from console.core.ids import read_key
from console.core.search import asks_nothing
from console.core.text import clean
from console.views.shared.filters import ListFilter
from console.web.filters import language

PAGE_SIZES = (20, 50, 100)
MOST_ROWS = 100  # in one answer
COUNTED = 10_000  # beyond it a list says "10.000+": counting further would cost what the rows do
MAX_SEARCH = 200


@dataclass(frozen=True)
class Active:
    """One filter that is on."""

    filter: ListFilter
    text: str  # as it stood in the address
    value: Any

    def show(self) -> str:
        """Write the value for people."""
        return self.filter.show(self.value)


@dataclass(frozen=True)
class ListQuery:
    """One reading of a list: which rows, in which order, which part of them."""

    page: int = 1
    size: int = PAGE_SIZES[0]
    sort: str = "id"
    descending: bool = True
    search: str = ""
    cursor: str = ""
    filters: tuple[Active, ...] = ()
    ignored: tuple[str, ...] = field(default=(), compare=False)  # labels of filters that could not be read

    def query(self, **changes: Any) -> dict[str, str]:
        """Return the query parameters of this reading, with ``changes``; what is default is left out."""
        asked = replace(self, **changes)
        parameters = {active.filter.name: active.text for active in asked.filters}
        if asked.search:
            parameters["search"] = asked.search
        if asked.sort != "id" or not asked.descending:
            parameters["sort"] = f"-{asked.sort}" if asked.descending else asked.sort
        if asked.size != PAGE_SIZES[0]:
            parameters["page_size"] = str(asked.size)
        if asked.page > 1:
            parameters["page"] = str(asked.page)
        return parameters

    @property
    def asks_nothing(self) -> bool:
        """Tell whether something was typed into the search and none of it is a word."""
        return asks_nothing(self.search)

    def without(self, name: str) -> dict[str, str]:
        """Return the parameters with one filter taken off, from the first page."""
        return self.query(page=1, filters=tuple(active for active in self.filters if active.filter.name != name))


def read_list_query(args: MultiDict[str, str], filters: tuple[ListFilter, ...], sorts: dict[str, Any]) -> ListQuery:
    """Read what a list is asked for. Numbers are clamped; what cannot be read is left out and named."""
    active, ignored = _read_filters(args, filters)
    sort = args.get("sort", "-id")
    name = sort.removeprefix("-")
    known = name == "id" or name in sorts
    return ListQuery(
        page=_number(args.get("page"), 1, COUNTED),
        size=_number(args.get("page_size"), PAGE_SIZES[0], MOST_ROWS),
        sort=name if known else "id",
        descending=sort.startswith("-") if known else True,
        search=args.get("search", "")[:MAX_SEARCH].strip(),
        cursor=args.get("cursor") or args.get("next") or "",  # callers also send it under the name they got it by
        filters=active,
        ignored=ignored,
    )


def _read_filters(
    args: MultiDict[str, str], filters: tuple[ListFilter, ...]
) -> tuple[tuple[Active, ...], tuple[str, ...]]:
    active, ignored = [], []
    for known in filters:
        text = args.get(known.name, "")
        if not text:
            continue
        try:
            active.append(Active(known, text, known.read(text)))
        except ValueError:
            ignored.append(str(known.label))
    return tuple(active), tuple(ignored)


def _number(text: str | None, default: int, largest: int) -> int:
    """Read a positive number up to ``largest``; ``default`` when it is none."""
    if text is None or not (text.isascii() and text.isdigit()):
        return default
    return max(1, min(int(text[:9]), largest)) if int(text[:9]) else default


def ordered(query: Select[Any], ask: ListQuery, key: Any, sorts: dict[str, Any]) -> Select[Any]:
    """Order by the sort column, then by the key: no two rows are equal, so pages do not overlap."""
    columns = [key] if ask.sort == "id" else [sorts[ask.sort], key]
    return query.order_by(*(column.desc() if ask.descending else column.asc() for column in columns))


def after_cursor(query: Select[Any], ask: ListQuery, key: Any, sorts: dict[str, Any]) -> Select[Any]:
    """Continue behind the row that ``ask.cursor`` names.

    Raises:
        Invalid: the cursor is not one of this list in this order.
    """
    if not ask.cursor:
        return query
    value, last = _read_cursor(ask)
    if ask.sort == "id":
        return query.where(_beyond(key, last, ask.descending))
    column = sorts[ask.sort]
    try:
        value = _typed(column.type, value)
    except (TypeError, ValueError) as error:
        raise Invalid(code="cursor") from error
    return query.where(
        or_(_beyond(column, value, ask.descending), and_(column == value, _beyond(key, last, ask.descending)))
    )


def _typed(kind: TypeEngine[Any], value: Any) -> Any:
    """Return a cursor's value as its column has it."""
    # A decorated type does not say what it is of.
    python = kind.impl_instance.python_type if isinstance(kind, TypeDecorator) else kind.python_type
    if python is datetime:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None:
            raise ValueError(value)
        return instant
    return date.fromisoformat(value) if python is date else python(value)


def _beyond(column: Any, value: Any, descending: bool) -> ColumnElement[bool]:
    return column < value if descending else column > value


def write_cursor(ask: ListQuery, row: Any, sorts: dict[str, Any]) -> str:
    """Return the cursor that continues behind ``row``."""
    value = None if ask.sort == "id" else getattr(row, sorts[ask.sort].key)
    if isinstance(value, date):
        value = value.isoformat()
    text = json.dumps([_order(ask), value, row.id], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def write_offset(ask: ListQuery, offset: int) -> str:
    """Return the cursor that continues behind so many rows, where an order has no column: a search's best hits."""
    text = json.dumps([_order(ask), offset, 1], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_offset(ask: ListQuery) -> int:
    """Return behind how many rows ``ask`` continues.

    Raises:
        Invalid: the cursor is not one of this list in this order.
    """
    if not ask.cursor:
        return 0
    offset, _one = _read_cursor(ask)
    if not isinstance(offset, int) or not 0 <= offset <= COUNTED:
        raise Invalid(code="cursor")
    return offset


def _read_cursor(ask: ListQuery) -> tuple[Any, int]:
    try:
        padded = ask.cursor + "=" * (-len(ask.cursor) % 4)
        order, value, last = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise Invalid(code="cursor") from error
    key = read_key(last)
    if order != _order(ask) or key is None:
        raise Invalid(code="cursor")
    if isinstance(value, str) and value != clean(value):
        raise Invalid(code="cursor")
    if isinstance(value, int) and abs(value) >= 2**63:
        raise Invalid(code="cursor")
    return value, key


def _order(ask: ListQuery) -> str:
    return f"-{ask.sort}" if ask.descending else ask.sort


def near(pages: int, page: int) -> list[int | None]:
    """Return which page numbers a pager shows: the first, the last, those around; ``None`` is a gap."""
    shown = sorted({1, pages, *range(max(1, page - 1), min(pages, page + 1) + 1)})
    numbers: list[int | None] = []
    for number in shown:
        skipped = number - numbers[-1] - 1 if numbers and numbers[-1] is not None else 0
        if skipped:
            numbers.append(number - 1 if skipped == 1 else None)  # a gap of one page is that page
        numbers.append(number)
    return numbers


def whole(number: int) -> str:
    """Write a count with its thousands apart: ``10.000``, in English ``10,000``."""
    text = f"{number:,}"
    return text.replace(",", ".") if language() == "sr_Latn" else text
