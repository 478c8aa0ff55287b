"""The ticket desk's list: views, filters that combine, columns of choice, what is new to whom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import CTE, Select, True_, and_, func, select
from sqlalchemy.orm import joinedload, with_expression

from console.core import clock
from console.core.db import db
from console.core.search import LIMIT
from console.core.texts import gettext, lazy_gettext
from console.customers.models import Customer
from console.staff.roles import Permission
from console.tickets import list_queries, search
from console.tickets.list_queries import ALL, AT_RISK
from console.tickets.models import NO_DUE, TICKET_SEARCH, SavedView, Ticket, TicketRead
from console.tickets.queries import visible
from console.tickets.service.saved_views import may_change
from console.views.shared import choices, menu
from console.views.shared.base import BaseModelView
from console.views.shared.labels.tickets import PRIORITY, STATUS, ticket_url
from console.views.shared.paging import ListPage, ListQuery, in_order, read_offset, write_offset
from console.views.shared.per_request import cached_per_request
from console.views.tickets.list import actions, columns, filters, live, saved_views
from console.views.tickets.list.query import RELEVANCE, SORTS, TicketListQuery, read_ticket_list_query
from console.web.answers import local_time
from console.web.identity import current_actor

COUNT_LIMIT = 1_000  # as many as a search ranks; further on one filters instead of turning pages


@dataclass(frozen=True)
class Elsewhere:
    """How many tickets a search finds outside of what the list is filtered to. ``more``: there are more than that."""

    count: int
    more: bool


def views() -> list[BaseModelView]:
    """Return the list."""
    return [TicketList()]


@cached_per_request
def _saved_views() -> list[SavedView]:
    """Return the saved views of the reader."""
    return list(list_queries.saved_views(current_actor()))


class TicketList(BaseModelView):
    """Every ticket the reader may see."""

    permission = Permission.READ_TICKETS
    permissions = {"bulk_action": Permission.WORK_TICKETS}
    group = "work"
    letter = "t"
    menu_query = {"view": "mine"}  # what the sidebar opens
    can_export = True
    list_template = "admin/tickets/list/page.html"

    column_list = tuple(columns.LABELS)
    column_export_list = columns.EXPORT_COLUMNS
    column_labels = columns.LABELS | {
        "requester_email": lazy_gettext("Requester’s e-mail"),
        "first_answered_at": lazy_gettext("First response"),
        "solved_at": lazy_gettext("Solved"),
    }
    column_options = (joinedload(Ticket.customer).load_only(Customer.name),)
    search_index = TICKET_SEARCH
    search_hint = lazy_gettext("Number, words, requester, customer or domain")
    list_filters = filters.FILTERS
    sort_columns = SORTS
    count_limit = COUNT_LIMIT
    empty_icon = "ticket"
    empty_title = lazy_gettext("No tickets here")

    def __init__(self) -> None:
        super().__init__(
            Ticket, name=lazy_gettext("Tickets"), endpoint="tickets", url="tickets", menu_icon_value="ticket"
        )

    def badge_query(self) -> Select[int]:
        """Count for the sidebar: the reader's open tickets."""
        return list_queries.my_open_query(current_actor(), menu.BADGE_LIMIT + 1)

    # What may be read

    def scope(self, query: Any) -> Any:
        return query.where(visible(current_actor()))

    def read_list_query(self) -> TicketListQuery:
        needs_views = {"saved", "of"} & request.args.keys()
        return read_ticket_list_query(request.args, _saved_views() if needs_views else ())

    def with_row_data(self, query: Select[Any]) -> Select[Any]:
        """Return ``query`` with how far the reader has read each ticket, too."""
        mine = and_(TicketRead.ticket_id == Ticket.id, TicketRead.staff_id == current_actor().id)
        marks = (
            with_expression(Ticket.read_seq, TicketRead.seq),
            with_expression(Ticket.mention_seq, TicketRead.mention_seq),
        )
        return super().with_row_data(query).outerjoin(TicketRead, mine).options(*marks)

    def matching(self, list_query: ListQuery, *, all_hits: bool = False) -> Select[Any]:
        """Return the rows that view, filters and search leave; of a search's only the newest hits that fit."""
        query = self.filtered(list_query)
        if not list_query.search:
            return query
        if all_hits:
            hits = search.matching(current_actor(), list_query.search)
            return query if hits is None else query.where(hits)
        best = self._best_hits(list_query)
        return query if best is None else select(Ticket).join(best, best.c.id == Ticket.id)

    def _best_hits(self, list_query: ListQuery) -> CTE | None:
        """Return the newest hits among what view and filters leave, with their rank."""
        actor = current_actor()
        everything = not list_query.filters and isinstance(visible(actor), True_)
        keys = None if everything else self.filtered(list_query).with_only_columns(Ticket.id)
        return search.ranked(actor, list_query.search, keys)

    def read_page(self, list_query: ListQuery) -> ListPage:
        """Read a page and the count in one statement: at a large desk this list is opened all day."""
        size = list_query.size
        number = min(list_query.page, self.count_limit // size)
        rows, count = self._read_part(list_query, (number - 1) * size, size)
        if not rows and number > 1:  # behind the end
            _first, count = self._read_part(list_query, 0, 1)
            number = list_query.page_within(count)
            rows, count = self._read_part(list_query, (number - 1) * size, size)
        return ListPage(rows, count, number, size, self.count_limit)

    def _read_part(self, list_query: ListQuery, offset: int, size: int) -> tuple[list[Ticket], int]:
        """Return ``size`` rows after the first ``offset``, and how many there are, where there is a row."""
        best = self._best_hits(list_query) if list_query.search else None
        if best is None:
            query = self._in_order(self.filtered(list_query), list_query).limit(size).offset(offset)
            return self._read_with_count(query, self._limited_keys(self.filtered(list_query)))
        if list_query.sort == RELEVANCE:
            # Cut first, then read: a thousand hits are ranked, twenty tickets are read.
            cut = select(best.c.id, best.c.rank).order_by(best.c.rank.desc(), best.c.id.desc())
            top = cut.limit(size).offset(offset).subquery("top")
            query = select(Ticket).join(top, top.c.id == Ticket.id).order_by(top.c.rank.desc(), Ticket.id.desc())
        else:
            hits = select(Ticket).join(best, best.c.id == Ticket.id)
            query = self._in_order(hits, list_query).limit(size).offset(offset)
        rows, count = self._read_with_count(query, best)
        return rows, count + 1 if count >= LIMIT else count  # as many as are ranked: there are more

    def _read_with_count(self, query: Select[Any], all_keys: Any) -> tuple[list[Ticket], int]:
        count = select(func.count()).select_from(all_keys).scalar_subquery().label("row_count")
        found = db.session.execute(self.with_row_data(query).add_columns(count)).all()
        return [row[0] for row in found], found[0].row_count if found else 0

    def _in_order(self, query: Select[Any], list_query: ListQuery) -> Select[Any]:
        return query if list_query.sort == RELEVANCE else in_order(query, list_query, Ticket.id, SORTS)

    def read_after_cursor(self, list_query: ListQuery) -> tuple[list[Any], str | None]:
        """Read the rows after the cursor; of the best matches, which have no key to go on by, after so many rows."""
        if list_query.sort != RELEVANCE:
            return super().read_after_cursor(list_query)
        offset, size = read_offset(list_query), list_query.size
        rows, _count = self._read_part(list_query, offset, size + 1)
        return rows[:size], write_offset(list_query, offset + size) if len(rows) > size else None

    def _elsewhere(self, list_query: TicketListQuery, here: int) -> Elsewhere | None:
        """Count what the search finds besides the ``here`` tickets of this view; ``None`` where nothing is left out."""
        if not list_query.search or not list_query.filters or list_query.is_wordless:
            return None
        best = self._best_hits(replace(list_query, filters=()))
        found = 0 if best is None else db.session.scalar(select(func.count()).select_from(best)) or 0
        return Elsewhere(max(0, found - min(here, LIMIT)), more=found >= LIMIT)

    # The list

    def list_context(self, list_query: TicketListQuery, page: ListPage) -> dict[str, Any]:
        actor = current_actor()
        headers = [(name, str(columns.LABELS[name])) for name in columns.of_view(list_query.began)]
        may_work = actor.may(Permission.WORK_TICKETS)
        return {
            "columns": headers,
            "all_columns": columns.LABELS,
            "draw_row": columns.row_drawer(headers, gettext("Select %(name)s", name="%s") if may_work else None),
            "orders": columns.ORDERS,
            "inline_filters": filters.INLINE,
            "view_names": saved_views.VIEW_NAMES,
            "saved": _saved_views(),
            "actor": actor,
            "may_work": may_work,
            "may_manage": actor.may(Permission.MANAGE_DESK),
            "may_change_view": list_query.began is not None and may_change(actor, list_query.began),
            "statuses": STATUS,
            "priorities": PRIORITY,
            "colleagues": choices.colleagues(),
            "departments": choices.departments(),
            "whole_view": ALL,
            "elsewhere": self._elsewhere(list_query, page.count),
            "loaded_at": clock.now().isoformat(),
        }

    @expose("/counts")
    def counts(self) -> ResponseReturnValue:
        """Answer how many tickets each view has, and the tags in use."""
        return saved_views.count_views(self, _saved_views())

    @expose("/rows")
    def changed_rows(self) -> ResponseReturnValue:
        """Answer the rows that have changed, for a list that is open."""
        return live.changed_rows(self, self.read_list_query())

    @expose("/mass", methods=("POST",))
    def bulk_action(self) -> ResponseReturnValue:
        """Change the selected tickets; see ``actions``."""
        return actions.run(self)

    @expose("/views", methods=("POST",))
    def save_view(self) -> ResponseReturnValue:
        """Save the list, as the address has it, as a view."""
        return saved_views.save(self.read_list_query())

    @expose("/views/<id:key>", methods=("POST",))
    def change_view(self, key: int) -> ResponseReturnValue:
        """Rename a view, share it, or let it show what the address has now."""
        return saved_views.change(key, self.read_list_query())

    @expose("/views/<id:key>/remove", methods=("POST",))
    def remove_view(self, key: int) -> ResponseReturnValue:
        """Delete a view."""
        return saved_views.remove(key)

    @expose("/columns", methods=("POST",))
    def choose_columns(self) -> ResponseReturnValue:
        """Choose the columns of the list."""
        return saved_views.choose_columns(self.read_list_query())

    def as_json(self, row: Ticket) -> dict[str, Any]:
        """Return one ticket for programs."""
        return {
            "number": row.number,
            "subject": row.subject,
            "preview": row.preview,
            "requester": {"name": row.requester_name, "email": row.requester_email},
            "customer": None if row.customer is None else {"number": row.customer.number, "name": row.customer.name},
            "department": choices.department_name(row.department_id),
            "status": row.status.value,
            "priority": row.priority.name.lower(),
            "assignee": None if row.assignee_id is None else choices.names().staff.get(row.assignee_id),
            "tags": row.tags,
            "source": row.source.value,
            "due_at": None if row.due_at >= NO_DUE else local_time(row.due_at),
            "created_at": local_time(row.created_at),
            "updated_at": local_time(row.updated_at),
            "seq": row.last_seq,
            "unread": columns.is_unread(row),
            "mentioned": columns.is_mentioned(row),
            "at_risk": row.is_open and row.due_at <= clock.now() + AT_RISK,
        }

    def row_link(self, row: Ticket) -> str:
        return ticket_url(row.number)

    def row_state(self, row: Ticket) -> str:
        """Return the row's bar: late, at risk, unread; merged and closed are quiet."""
        now = clock.now()
        if not row.is_open:
            return "is-void" if row.merged_into_id is not None or row.status.value == "closed" else ""
        unread = " is-unread" if columns.is_unread(row) else ""
        if row.due_at <= now:
            return "is-late" + unread
        return ("is-risk" if row.due_at <= now + AT_RISK else "") + unread

    def export_cell(self, row: Any, name: str) -> Any:
        return columns.export_cell(row, name)
