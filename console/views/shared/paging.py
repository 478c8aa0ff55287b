"""The query of a list, read from its address and clamped; its order, its pages, and the cursors of its JSON answers.

Paging by key is forty lines here, because every order is one column that is never empty, then the key. sqlakeyset
covers any order, and for that wraps selects and rows.
"""

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

PAGE_SIZES = (20, 50, 100)
MAX_ROWS = 100  # in one answer
COUNT_LIMIT = 10_000  # beyond it a list says "10.000+": counting further would cost what the rows do
MAX_SEARCH = 200


@dataclass(frozen=True)
class ActiveFilter:
    """One filter that is on."""

    filter: ListFilter
    text: str  # as the address has it
    value: Any

    def show(self) -> str:
        """Write the value for people."""
        return self.filter.show(self.value)


@dataclass(frozen=True)
class ListQuery:
    """Which rows of a list, in which order, and which part of them."""

    page: int = 1
    size: int = PAGE_SIZES[0]
    sort: str = "id"
    descending: bool = True
    search: str = ""
    cursor: str = ""
    filters: tuple[ActiveFilter, ...] = ()
    ignored: tuple[str, ...] = field(default=(), compare=False)  # labels of filters that could not be read

    def query(self, **changes: Any) -> dict[str, str]:
        """Return the query parameters of this list query, with ``changes``; what is default is left out."""
        changed = replace(self, **changes)
        parameters = {active.filter.name: active.text for active in changed.filters}
        if changed.search:
            parameters["search"] = changed.search
        if changed.sort != "id" or not changed.descending:
            parameters["sort"] = f"-{changed.sort}" if changed.descending else changed.sort
        if changed.size != PAGE_SIZES[0]:
            parameters["page_size"] = str(changed.size)
        if changed.page > 1:
            parameters["page"] = str(changed.page)
        return parameters

    @property
    def is_wordless(self) -> bool:
        """Return whether something was typed into the search and none of it is a word."""
        return asks_nothing(self.search)

    def page_within(self, count: int) -> int:
        """Return the number of the page, at most the last one of ``count`` rows."""
        return min(self.page, page_count(count, self.size))

    def without(self, name: str) -> dict[str, str]:
        """Return the parameters with one filter taken off, from the first page."""
        return self.query(page=1, filters=tuple(active for active in self.filters if active.filter.name != name))


@dataclass(frozen=True)
class ListPage:
    """The rows of one page, and how many the list has; one more than ``count_limit`` where there are more."""

    rows: list[Any]
    count: int
    number: int
    size: int
    count_limit: int

    @property
    def pages(self) -> int:
        return page_count(min(self.count, self.count_limit), self.size)


def page_count(count: int, size: int) -> int:
    """Return how many pages ``count`` rows take."""
    return max(1, -(-count // size))


def read_list_query(args: MultiDict[str, str], filters: tuple[ListFilter, ...], sorts: dict[str, Any]) -> ListQuery:
    """Read the query of a list. Numbers are clamped; a filter that cannot be read is left out and named."""
    active, ignored = _read_filters(args, filters)
    sort = args.get("sort", "-id")
    name = sort.removeprefix("-")
    is_known = name == "id" or name in sorts
    return ListQuery(
        page=_number(args.get("page"), 1, COUNT_LIMIT),
        size=_number(args.get("page_size"), PAGE_SIZES[0], MAX_ROWS),
        sort=name if is_known else "id",
        descending=sort.startswith("-") if is_known else True,
        search=args.get("search", "")[:MAX_SEARCH].strip(),
        cursor=args.get("cursor") or args.get("next") or "",  # callers also send it under the name they got it by
        filters=active,
        ignored=ignored,
    )


def _read_filters(
    args: MultiDict[str, str], filters: tuple[ListFilter, ...]
) -> tuple[tuple[ActiveFilter, ...], tuple[str, ...]]:
    active, ignored = [], []
    for list_filter in filters:
        text = args.get(list_filter.name, "")
        if not text:
            continue
        try:
            active.append(ActiveFilter(list_filter, text, list_filter.read(text)))
        except ValueError:
            ignored.append(str(list_filter.label))
    return tuple(active), tuple(ignored)


def _number(text: str | None, default: int, largest: int) -> int:
    """Read a positive number up to ``largest``; ``default`` when it is none."""
    if text is None or not (text.isascii() and text.isdigit()):
        return default
    return max(1, min(int(text[:9]), largest)) if int(text[:9]) else default


def in_order(query: Select[Any], list_query: ListQuery, key: Any, sorts: dict[str, Any]) -> Select[Any]:
    """Order by the sort column, then by the key: no two rows are equal, so pages do not overlap."""
    columns = [key] if list_query.sort == "id" else [sorts[list_query.sort], key]
    return query.order_by(*(column.desc() if list_query.descending else column.asc() for column in columns))


def after_cursor(query: Select[Any], list_query: ListQuery, key: Any, sorts: dict[str, Any]) -> Select[Any]:
    """Go on after the row that ``list_query.cursor`` names.

    Raises:
        Invalid: the cursor is not one of this list in this order.
    """
    if not list_query.cursor:
        return query
    value, last = _read_cursor(list_query)
    if list_query.sort == "id":
        return query.where(_after(key, last, list_query.descending))
    column = sorts[list_query.sort]
    try:
        value = _typed(column.type, value)
    except (TypeError, ValueError) as error:
        raise Invalid(code="cursor") from error
    return query.where(
        or_(
            _after(column, value, list_query.descending),
            and_(column == value, _after(key, last, list_query.descending)),
        )
    )


def _typed(column_type: TypeEngine[Any], value: Any) -> Any:
    """Return a cursor's value as its column has it."""
    # A decorated type does not say what it is of.
    python = (
        column_type.impl_instance.python_type if isinstance(column_type, TypeDecorator) else column_type.python_type
    )
    if python is datetime:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None:
            raise ValueError(value)
        return instant
    return date.fromisoformat(value) if python is date else python(value)


def _after(column: Any, value: Any, descending: bool) -> ColumnElement[bool]:
    return column < value if descending else column > value


def write_cursor(list_query: ListQuery, row: Any, sorts: dict[str, Any]) -> str:
    """Return the cursor after ``row``."""
    value = None if list_query.sort == "id" else getattr(row, sorts[list_query.sort].key)
    if isinstance(value, date):
        value = value.isoformat()
    text = json.dumps([_order(list_query), value, row.id], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def write_offset(list_query: ListQuery, offset: int) -> str:
    """Return the cursor after ``offset`` rows, for an order that has no column: the best hits of a search."""
    text = json.dumps([_order(list_query), offset, 1], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_offset(list_query: ListQuery) -> int:
    """Return after how many rows ``list_query`` goes on.

    Raises:
        Invalid: the cursor is not one of this list in this order.
    """
    if not list_query.cursor:
        return 0
    offset, _one = _read_cursor(list_query)
    if not isinstance(offset, int) or not 0 <= offset <= COUNT_LIMIT:
        raise Invalid(code="cursor")
    return offset


def _read_cursor(list_query: ListQuery) -> tuple[Any, int]:
    try:
        padded = list_query.cursor + "=" * (-len(list_query.cursor) % 4)
        order, value, last = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise Invalid(code="cursor") from error
    key = read_key(last)
    if order != _order(list_query) or key is None:
        raise Invalid(code="cursor")
    if isinstance(value, str) and value != clean(value):
        raise Invalid(code="cursor")
    if isinstance(value, int) and abs(value) >= 2**63:
        raise Invalid(code="cursor")
    return value, key


def _order(list_query: ListQuery) -> str:
    return f"-{list_query.sort}" if list_query.descending else list_query.sort


def page_links(pages: int, page: int) -> list[int | None]:
    """Return which page numbers a pager shows: the first, the last, those around; ``None`` is a gap."""
    numbers_shown = sorted({1, pages, *range(max(1, page - 1), min(pages, page + 1) + 1)})
    numbers: list[int | None] = []
    for number in numbers_shown:
        skipped = number - numbers[-1] - 1 if numbers and numbers[-1] is not None else 0
        if skipped:
            numbers.append(number - 1 if skipped == 1 else None)  # a gap of one page is that page
        numbers.append(number)
    return numbers
