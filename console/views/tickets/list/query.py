"""The query of the ticket list: a view, filters, a search, an order; and the saved view it began with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from werkzeug.datastructures import MultiDict

from console.core.errors import NotFound
from console.core.ids import read_key
from console.core.text import words
from console.tickets.list_queries import ALL, BUILT_IN
from console.tickets.models import SavedView, Ticket
from console.views.shared.paging import PAGE_SIZES, ListQuery, read_list_query
from console.views.tickets.list.filters import FILTERS

RELEVANCE = "relevance"
SORTS: dict[str, Any] = {
    "updated_at": Ticket.updated_at,
    "due_at": Ticket.due_at,
    "priority": Ticket.priority,
    RELEVANCE: None,  # ordered by the search itself
}
_OF_THE_PAGE = ("page", "page_size", "cursor", "next")


@dataclass(frozen=True)
class TicketListQuery(ListQuery):
    """Which tickets, in which order.

    Args:
        began: the saved view it began with; still that, or changed since.
    """

    began: SavedView | None = field(default=None, compare=False)

    @property
    def view(self) -> str:
        """Return which of the views that are always there it shows."""
        return next((str(active.value) for active in self.filters if active.filter.name == "view"), ALL)

    @property
    def narrowing(self) -> tuple[Any, ...]:
        """Return the filters besides the view."""
        return tuple(active for active in self.filters if active.filter.name != "view")

    @property
    def order(self) -> str:
        """Return the order as an address has it."""
        return f"-{self.sort}" if self.descending else self.sort

    @property
    def usual_order(self) -> str:
        """Return the order where the address names none."""
        return f"-{RELEVANCE}" if words(self.search) else BUILT_IN[self.view].order

    @property
    def orders(self) -> tuple[str, ...]:
        """Return the orders there are."""
        return (*BUILT_IN[self.view].orders, *((RELEVANCE,) if words(self.search) else ()))

    def query(self, **changes: Any) -> dict[str, str]:
        """Return the query parameters of this list query, with ``changes``; what is usual is left out."""
        changed = replace(self, **changes)
        parameters = super().query(**changes)
        parameters.pop("sort", None)
        if changed.order != changed.usual_order and changed.sort in changed.orders:
            parameters["sort"] = changed.order
        if changed.began is not None:
            parameters["of"] = str(changed.began.id)
        return parameters

    def stored(self) -> dict[str, str]:
        """Return the parameters as a saved view keeps them."""
        return self.query(page=1, size=PAGE_SIZES[0], began=None)

    @property
    def changed(self) -> bool:
        """Return whether it differs from the saved view it began with."""
        return self.began is not None and self.stored() != self.began.query


def read_ticket_list_query(args: MultiDict[str, str], views: Sequence[SavedView]) -> TicketListQuery:
    """Read the query of the list.

    Args:
        views: the saved views of the reader.

    Raises:
        NotFound: no such view, or none of theirs.
    """
    began = _find(args.get("saved"), views)
    if "saved" in args:
        if began is None:
            raise NotFound
        of_the_page = {name: args[name] for name in _OF_THE_PAGE if name in args}
        args = MultiDict({**began.query, **of_the_page})
    else:
        began = _find(args.get("of"), views)
    plain = read_list_query(args, FILTERS, SORTS)
    list_query = TicketListQuery(**{one.name: getattr(plain, one.name) for one in fields(plain)}, began=began)
    order = args.get("sort", "")
    if order.removeprefix("-") not in list_query.orders:
        usual = list_query.usual_order
        list_query = replace(list_query, sort=usual.removeprefix("-"), descending=usual.startswith("-"))
    return list_query


def _find(key: str | None, views: Sequence[SavedView]) -> SavedView | None:
    found_key = read_key(key or "")
    return next((view for view in views if view.id == found_key), None)
