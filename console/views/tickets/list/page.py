"""The ticket desk's list: views, filters that combine, columns of choice, what is new to whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from flask import g, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import CTE, Row, Select, True_, and_, func, select
from sqlalchemy.orm import joinedload

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
from console.views.shared.paging import (
    PAGE_SIZES,
    ListQuery,
    after_cursor,
    ordered,
    read_offset,
    write_cursor,
    write_offset,
)
from console.views.tickets.list import columns, filters
from console.views.tickets.list.actions import TicketActions
from console.views.tickets.list.live import TicketLive
from console.views.tickets.list.query import RELEVANCE, SORTS, TicketListQuery, read_ticket_list_query
from console.views.tickets.list.saved_views import VIEW_NAMES, TicketViews
from console.web.answers import local_time, wants_json
from console.web.identity import current_actor

COUNTED = 1_000  # as many as a search ranks; further one narrows instead of leafing
BADGE = 99


@dataclass(frozen=True)
class Elsewhere:
    """How many tickets a search finds outside of what the list is narrowed to. ``more``: there are more than that."""

    count: int
    more: bool


def views() -> list[BaseModelView]:
    """Return the list."""
    return [TicketList()]


class TicketList(TicketViews, TicketActions, TicketLive, BaseModelView):
    """Every ticket the reader may see."""

    permission = Permission.READ_TICKETS
    group = "work"
    letter = "t"
    menu_query = {"view": "mine"}  # what the sidebar opens
    can_export = True
    list_template = "admin/tickets/list/page.html"

    column_list = tuple(columns.LABELS)
    column_export_list = columns.EXPORTED
    column_labels = columns.LABELS | {
        "requester_email": lazy_gettext("Requester’s e-mail"),
        "first_answered_at": lazy_gettext("First response"),
        "solved_at": lazy_gettext("Solved"),
    }
    column_options = (joinedload(Ticket.customer).load_only(Customer.name),)
    search_index = TICKET_SEARCH
    search_hint = lazy_gettext("Number, words, requester, customer, domain")
    list_filters = filters.FILTERS
    sort_columns = SORTS
    empty_icon = "ticket"
    empty_title = lazy_gettext("No tickets here")

    def __init__(self) -> None:
        super().__init__(
            Ticket, name=lazy_gettext("Tickets"), endpoint="tickets", url="tickets", menu_icon_value="ticket"
        )

    def badge(self) -> str:
        """Return how many open tickets the reader has, for the sidebar."""
        count = menu.counted(self)
        return "" if not count else f"{BADGE}+" if count > BADGE else str(count)

    def badge_query(self) -> Select[int]:
        """Return what counts them."""
        return list_queries.my_open_query(current_actor(), BADGE + 1)

    # What may be read

    def scope(self, query: Any) -> Any:
        return query.where(visible(current_actor()))

    def read_list_query(self) -> TicketListQuery:
        """Read what this request asks of the list."""
        return read_ticket_list_query(request.args, self.saved_views() if {"saved", "of"} & request.args.keys() else ())

    def saved_views(self) -> list[SavedView]:
        """Return the saved views of whoever asks; read once a request."""
        if "ticket_views" not in g:
            g.ticket_views = list(list_queries.saved_views(current_actor()))
        found: list[SavedView] = g.ticket_views
        return found

    def shown_columns(self, ask: TicketListQuery) -> tuple[str, ...]:
        """Return the columns of this reading."""
        return columns.of_view(ask.began)

    def _narrowed(self, ask: ListQuery) -> Select[Any]:
        """Return the rows that view and filters leave."""
        query = self._rows()
        for active in ask.filters:
            query = active.filter.apply(query, active.value)
        return query

    def matching(self, ask: ListQuery, *, most_hits: bool = True) -> Select[Any]:
        """Return the rows that view, filters and search leave; of a search's only the newest hits that fit."""
        query = self._narrowed(ask)
        if not ask.search:
            return query
        if not most_hits:
            hits = search.matching(current_actor(), ask.search)
            return query if hits is None else query.where(hits)
        best = self._best(ask)
        return query if best is None else select(Ticket).join(best, best.c.id == Ticket.id)

    def _best(self, ask: ListQuery) -> CTE | None:
        """Return the newest hits among what view and filters leave, with their rank."""
        actor = current_actor()
        everything = not ask.filters and isinstance(visible(actor), True_)
        keys = None if everything else self._narrowed(ask).with_only_columns(Ticket.id)
        return search.ranked(actor, ask.search, keys)

    def _page(self, ask: ListQuery) -> tuple[int, int, list[Any]]:
        """Return how many rows there are, one further than is told; which page this is; and its rows: one statement."""
        page = min(ask.page, COUNTED // ask.size)
        rows, count = self._part(ask, (page - 1) * ask.size, ask.size)
        if not rows and page > 1:  # behind the end
            _first, count = self._part(ask, 0, 1)
            page = max(1, -(-count // ask.size))
            rows, count = self._part(ask, (page - 1) * ask.size, ask.size)
        return count, page, rows

    def _part(self, ask: ListQuery, offset: int, size: int) -> tuple[list[Ticket], int]:
        """Return ``size`` rows behind the first ``offset``, and how many there are, where there is a row."""
        best = self._best(ask) if ask.search else None
        if best is None:
            keys = self._narrowed(ask).with_only_columns(Ticket.id).order_by(None).limit(COUNTED + 1).subquery()
            query = self._in_order(self._narrowed(ask), ask).limit(size).offset(offset)
            return self._counted(query, select(func.count()).select_from(keys))
        counted = select(func.count()).select_from(best)
        if ask.sort != RELEVANCE:
            hits = select(Ticket).join(best, best.c.id == Ticket.id)
            rows, count = self._counted(self._in_order(hits, ask).limit(size).offset(offset), counted)
        else:
            # Cut first, then read: a thousand hits are ranked, twenty tickets are read.
            cut = select(best.c.id, best.c.rank).order_by(best.c.rank.desc(), best.c.id.desc())
            top = cut.limit(size).offset(offset).subquery("top")
            shown = select(Ticket).join(top, top.c.id == Ticket.id).order_by(top.c.rank.desc(), Ticket.id.desc())
            rows, count = self._counted(shown, counted)
        return rows, count + 1 if count >= LIMIT else count  # as many as are ranked: there are more

    def _elsewhere(self, ask: TicketListQuery, here: int) -> Elsewhere | None:
        """Count what the search finds beside the ``here`` tickets of this view; ``None`` where there is no beside."""
        if not ask.search or not ask.filters or ask.asks_nothing:
            return None
        best = self._best(replace(ask, filters=()))
        found = 0 if best is None else db.session.scalar(select(func.count()).select_from(best)) or 0
        return Elsewhere(max(0, found - min(here, LIMIT)), more=found >= LIMIT)

    def _in_order(self, query: Select[Any], ask: ListQuery) -> Select[Any]:
        return query if ask.sort == RELEVANCE else ordered(query, ask, Ticket.id, SORTS)

    def rows_of(self, query: Select[Any]) -> list[Ticket]:
        """Read tickets and how far the reader has read each, in one statement."""
        return [row[0] for row in self._read(query)]

    def _counted(self, query: Select[Any], count: Select[int]) -> tuple[list[Ticket], int]:
        """Read tickets and a number in one statement; without a ticket the number is none."""
        found = self._read(query, count.scalar_subquery().label("counted"))
        return [row[0] for row in found], found[0].counted if found else 0

    def _read(self, query: Select[Any], *more: Any) -> Sequence[Row[Any]]:
        mine = and_(TicketRead.ticket_id == Ticket.id, TicketRead.staff_id == current_actor().id)
        columns = (TicketRead.seq, TicketRead.mention_seq, *more)
        found = db.session.execute(self._loaded(query).outerjoin(TicketRead, mine).add_columns(*columns)).all()
        g.ticket_marks = {row[0].id: (row[1] or 0, row[2] or 0) for row in found}
        return found

    # The list

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """Answer the list, as a page or as JSON."""
        ask = self.read_list_query()
        if wants_json():
            return self._list_json(ask)
        saved = self.saved_views()
        count, page, rows = self._page(ask)
        shown = self.shown_columns(ask)
        return self.render(
            self.list_template,
            rows=rows,
            count=count,
            counted=COUNTED,
            page=page,
            pages=max(1, -(-min(count, COUNTED) // ask.size)),
            ask=ask,
            page_sizes=PAGE_SIZES,
            filters=self.list_filters,
            at_once=filters.AT_ONCE,
            columns=[(name, str(columns.LABELS[name])) for name in shown],
            all_columns=columns.LABELS,
            draw_row=columns.row_drawer(
                [(name, str(columns.LABELS[name])) for name in shown],
                gettext("Select %(name)s", name="%s") if current_actor().may(Permission.WORK_TICKETS) else None,
            ),
            orders=columns.ORDERS,
            view_names=VIEW_NAMES,
            saved=saved,
            actor=current_actor(),
            may_work=current_actor().may(Permission.WORK_TICKETS),
            may_manage=current_actor().may(Permission.MANAGE_DESK),
            may_change_view=ask.began is not None and may_change(current_actor(), ask.began),
            statuses=STATUS,
            priorities=PRIORITY,
            colleagues=choices.colleagues(),
            departments=choices.departments(),
            address=lambda query: url_for("tickets.index_view", **query),
            whole_view=ALL,
            elsewhere=self._elsewhere(ask, count),
            list_row_actions=[],
            actions=[],
            return_url=url_for("tickets.index_view", **cast("dict[str, Any]", ask.query(page=page))),
            loaded_at=clock.now().isoformat(),
        )

    def _list_json(self, ask: ListQuery) -> Any:
        if ask.sort == RELEVANCE:
            offset = read_offset(ask)
            rows, _count = self._part(ask, offset, ask.size + 1)
            following = write_offset(ask, offset + ask.size)
        else:
            query = after_cursor(self._in_order(self.matching(ask), ask), ask, Ticket.id, SORTS)
            rows = self.rows_of(query.limit(ask.size + 1))
            following = write_cursor(ask, rows[ask.size - 1], SORTS) if len(rows) > ask.size else ""
        more = len(rows) > ask.size
        answer: dict[str, Any] = {
            "items": [self.as_json(row) for row in rows[: ask.size]],
            "next": following if more else None,
        }
        if ask.ignored:
            answer["ignored"] = list(ask.ignored)
        return jsonify(answer)

    def as_json(self, row: Ticket) -> dict[str, Any]:
        """Return what programs are told of one ticket."""
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
        return columns.written(row, name)

    def find_rows(self, keys: Iterable[int]) -> list[Ticket]:
        """Return those of ``keys`` that the reader may see, with their marks."""
        return self.rows_of(self._rows().where(Ticket.id.in_(list(keys))).order_by(Ticket.id))
