"""The base classes of the console's pages: ``Page``, and ``BaseModelView`` for a list of one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from typing import Any, ClassVar

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from flask_admin.base import BaseView, expose
from flask_admin.form import BaseForm
from markupsafe import Markup
from sqlalchemy import Select, func, select
from sqlalchemy.orm import raiseload

from console.core.db import db
from console.core.errors import NotFound, Text
from console.core.ids import read_key
from console.core.search import SearchIndex
from console.core.texts import lazy_gettext
from console.views.shared import export as csv_export
from console.views.shared.access import Guarded
from console.views.shared.filters import ListFilter
from console.views.shared.labels.states import Label
from console.views.shared.paging import (
    COUNT_LIMIT,
    PAGE_SIZES,
    ListPage,
    ListQuery,
    after_cursor,
    in_order,
    read_list_query,
    write_cursor,
)
from console.views.shared.verbs import VerbModelView
from console.web.answers import local_time, wants_json

MAX_SELECTED = 100  # rows that one bulk action takes

# The views that Flask-Admin exposes for every list, and what switches each of them on.
SWITCHES = {
    "create_view": "can_create",
    "edit_view": "can_edit",
    "delete_view": "can_delete",
    "details_view": "can_view_details",
    "export": "can_export",
    "action_view": "can_act",
}
NEVER = ("ajax_lookup", "ajax_update")  # read past ``scope``, write past the verbs


class Page(Guarded, BaseView):
    """A page that is not a list of one table."""


class BaseModelView(Guarded, VerbModelView):
    """A list of one table, safe by default: whatever writes, exports or shows one row is off until switched on.

    What differs from Flask-Admin's ``ModelView``, and why:

    - ``list_filters`` for ``column_filters``: addresses name their filters (``?status=open``) and programs rely on
      it; Flask-Admin numbers them.
    - ``search_index`` for ``column_searchable_list``: LIKE would read the whole table.
    - ``sort_columns`` for ``column_sortable_list``: columns by name, and only indexed ones that are never empty.
    - ``read_page`` for ``get_list``: a count of all rows costs what the rows do, so it ends at ``count_limit``;
      programs go on by key (``next`` is a cursor), so that rows added meanwhile neither repeat nor hide one.
    - ``scope`` limits every reading; ``get_query`` and ``get_count_query`` alone would leave out details and export.
    - ``create_verb``, ``change_verb``, ``delete_verb`` for ``create_model`` and so on: the domains' verbs write.
    - ``export`` streams in batches and is on the audit log; Flask-Admin's reads all rows into memory.
    - A list answers JSON too, at the same address.
    - What is off has no address: it is replaced by a method that is not exposed.

    Columns, labels, formatters, forms, bulk actions (``@action``), row actions and templates are Flask-Admin's.

    Args of a subclass (class attributes), besides Flask-Admin's:
        list_filters: the filters, by query parameter.
        search_index: the index that the search box reads.
        sort_columns: list column to model column.
        column_options: how the rows are loaded; a relation that is not named here raises when touched.
        amount_columns, state_columns: in an export, amounts in minor units, and states with their labels.
    """

    can_create = False
    can_edit = False
    can_delete = False
    can_export = False
    can_view_details = False
    can_act: ClassVar[bool] = False  # has bulk actions
    column_display_actions = False
    column_list: tuple[str, ...] | None = None
    column_details_list: tuple[str, ...] | None = None
    column_export_list: tuple[str, ...] | None = None
    column_formatters_export: ClassVar[dict[str, Any]] = {}  # an export and JSON have values, not how a page shows them
    column_type_formatters_export: ClassVar[dict[type, Any]] = {}
    column_sortable_list = ()
    column_filters = None
    column_searchable_list = None
    column_editable_list = None
    inline_models = None
    form: type[BaseForm] | None = None
    form_columns = None
    export_types: tuple[str, ...] = ("csv", "xlsx")
    page_size = PAGE_SIZES[0]
    list_template = "admin/model/list.html"

    count_limit: ClassVar[int] = COUNT_LIMIT
    list_filters: ClassVar[tuple[ListFilter, ...]] = ()
    search_index: ClassVar[SearchIndex | None] = None
    search_hint: ClassVar[Text] = ""
    search_is_wordwise: ClassVar[bool] = True  # the search finds words: punctuation alone finds nothing
    sort_columns: ClassVar[dict[str, Any]] = {}
    column_options: ClassVar[tuple[Any, ...]] = ()
    amount_columns: ClassVar[tuple[str, ...]] = ()
    state_columns: ClassVar[dict[str, Mapping[Any, Label | Text]]] = {}
    more_exports: ClassVar[dict[str, Text]] = {}  # further kinds of export, with the labels of their links
    lead: ClassVar[Text] = ""  # one line under the heading
    create_label: ClassVar[Text] = lazy_gettext("New")
    empty_icon: ClassVar[str] = "inbox"
    empty_title: ClassVar[Text] = lazy_gettext("Nothing here yet")
    empty_text: ClassVar[Text] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _check_attributes(cls)
        for method in (*NEVER, *(method for method, switch in SWITCHES.items() if not getattr(cls, switch))):
            setattr(cls, method, _not_exposed)

    def __init__(self, model: type[Any], **kwargs: Any) -> None:
        self.column_display_actions = bool(
            self.can_edit or self.can_delete or self.can_view_details or self.column_extra_row_actions
        )
        super().__init__(model, db, **kwargs)
        self.list_columns = [(str(name), label) for name, label in self.get_list_columns()]
        self.export_columns = [(str(name), label) for name, label in self.get_export_columns()]

    def scaffold_form(self) -> type[BaseForm]:
        """Guess no form from the table's columns: a list that is written to names its own."""
        return BaseForm

    # What may be read --------------------------------------------------

    def scope(self, query: Any) -> Any:
        """Return ``query`` limited to what this person may see. Every reading goes through it."""
        return query

    def get_query(self) -> Any:
        return self.scope(db.session.query(self.model))

    def get_count_query(self) -> Any:
        return db.session.query(func.count()).select_from(self._limited_keys(self.select_rows()))

    def get_one(self, id: Any) -> Any:  # noqa: A002  (Flask-Admin's name)
        """Return the row, ``None`` where there is none in scope."""
        key = read_key(id)
        return None if key is None else db.session.scalar(self.select_rows().where(self._key == key))

    def get_many(self, ids: list[str]) -> list[Any]:
        """Return the rows in scope that a bulk action names."""
        keys = [key for key in map(read_key, ids[:MAX_SELECTED]) if key is not None]
        return list(db.session.scalars(self.select_rows().where(self._key.in_(keys)).order_by(self._key)))

    @property
    def _key(self) -> Any:
        return self.model.id

    def select_rows(self) -> Select[Any]:
        """Return the select of all rows in scope."""
        return self.scope(select(self.model))

    def with_row_data(self, query: Select[Any]) -> Select[Any]:
        """Return ``query`` with everything that a shown row needs.

        One forgotten relation would be a query a row: it raises, and a test finds it.
        """
        return query.options(*self.column_options, raiseload("*", sql_only=True))

    def read_rows(self, query: Select[Any]) -> list[Any]:
        """Read rows to be shown."""
        return list(db.session.scalars(self.with_row_data(query)))

    # The list ----------------------------------------------------------

    def read_list_query(self) -> ListQuery:
        """Read the filters, the search, the order and the page from this request."""
        query = read_list_query(request.args, self.list_filters, self.sort_columns)
        return query if self.search_index is not None else replace(query, search="")

    def filtered(self, list_query: ListQuery) -> Select[Any]:
        """Return the rows that the filters leave."""
        query = self.select_rows()
        for active in list_query.filters:
            query = active.filter.apply(query, active.value)
        return query

    def matching(self, list_query: ListQuery, *, all_hits: bool = False) -> Select[Any]:
        """Return the rows that filters and search leave.

        Args:
            list_query: the list's filters and search.
            all_hits: of a search too, as an export has them; a page shows the newest hits.
        """
        query = self.filtered(list_query)
        if list_query.search and self.search_index is not None:
            hits = self.search_index.matches(db.session(), self._key, list_query.search, whole=all_hits)
            if hits is not None:
                query = query.where(hits)
        return query

    def read_page(self, list_query: ListQuery) -> ListPage:
        """Read one page of the list, and how many rows there are."""
        query = self.matching(list_query)
        count = db.session.scalar(select(func.count()).select_from(self._limited_keys(query))) or 0
        number = list_query.page_within(min(count, self.count_limit))
        query = in_order(query, list_query, self._key, self.sort_columns)
        rows = self.read_rows(query.limit(list_query.size).offset((number - 1) * list_query.size))
        return ListPage(rows, count, number, list_query.size, self.count_limit)

    def _limited_keys(self, query: Select[Any]) -> Any:
        """Return the first keys, one more than a page names: counting further would cost what the rows do."""
        return query.with_only_columns(self._key).order_by(None).limit(self.count_limit + 1).subquery()

    def read_after_cursor(self, list_query: ListQuery) -> tuple[list[Any], str | None]:
        """Read the rows after the cursor, and the next cursor where there are more."""
        query = in_order(self.matching(list_query), list_query, self._key, self.sort_columns)
        query = after_cursor(query, list_query, self._key, self.sort_columns)
        rows = self.read_rows(query.limit(list_query.size + 1))
        if len(rows) <= list_query.size:
            return rows, None
        rows = rows[: list_query.size]
        return rows, write_cursor(list_query, rows[-1], self.sort_columns)

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """Answer the list, as a page or as JSON."""
        list_query = self.read_list_query()
        if wants_json():
            return self._list_json(list_query)
        return self.render_list(list_query)

    def render_list(self, list_query: ListQuery, **more: Any) -> str:
        """Draw a page of the list, with ``more`` for its template."""
        page = self.read_page(list_query)
        actions, confirmations = self.get_actions_list()
        context = {
            "rows": page.rows,
            "count": page.count,
            "count_limit": page.count_limit,
            "page": page.number,
            "pages": page.pages,
            "page_sizes": PAGE_SIZES,
            "list_query": list_query,
            "address": lambda query: self.get_url(".index_view", **query),
            "return_url": self.get_url(".index_view", **list_query.query(page=page.number)),
            "filters": self.list_filters,
            "columns": [(name, str(label)) for name, label in self.list_columns],
            "get_pk_value": self.get_pk_value,
            "get_value": self.get_list_value,
            "list_row_actions": self.get_list_row_actions() if self.column_display_actions else [],
            "delete_form": self.delete_form() if self.can_delete else None,
            "actions": actions,
            "confirmations": confirmations,
        }
        drawn: str = self.render(self.list_template, **context | self.list_context(list_query, page) | more)
        return drawn

    def list_context(self, _list_query: Any, _page: ListPage) -> dict[str, Any]:
        """Return what the template of this list needs besides."""
        return {}

    def _list_json(self, list_query: ListQuery) -> Response:
        rows, cursor = self.read_after_cursor(list_query)
        answer: dict[str, Any] = {"items": [self.as_json(row) for row in rows], "next": cursor}
        if list_query.ignored:
            answer["ignored"] = list(list_query.ignored)
        return jsonify(answer)

    def as_json(self, row: Any) -> dict[str, Any]:
        """Return one row for programs: the columns of the list."""
        return {name: json_value(self.get_export_value(row, name)) for name, _label in self.list_columns}

    def row_link(self, _row: Any) -> str | None:
        """Return the address of the row's own page, if it has one. The first column links there."""
        return None

    def row_name(self, row: Any) -> str:
        """Return how people call the row: names its checkbox and its buttons."""
        return str(getattr(row, "number", None) or getattr(row, "name", None) or row.id)

    def row_state(self, _row: Any) -> str:
        """Return the row's state class (``is-late``, ``is-void``), if any."""
        return ""

    @expose("/details/")
    def details_view(self) -> ResponseReturnValue:
        """Show one row."""
        row = self.find_row(request.args.get("id"))
        return self.render(
            self.details_template,
            model=row,
            details_columns=self.get_details_columns(),
            get_value=self.get_detail_value,
            return_url=self.return_url(),
        )

    # Export ------------------------------------------------------------

    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> ResponseReturnValue:
        """Answer the list as a file: all rows that search and filters leave."""
        if export_type not in self.export_types:
            raise NotFound
        return csv_export.export_list(self, self.read_list_query(), export_type)

    def export_titles(self, _export_type: str) -> list[str]:
        """Return the titles of the export's columns."""
        return [str(label) for _name, label in self.export_columns]

    def export_query(self, query: Select[Any], _export_type: str) -> Select[Any]:
        """Return ``query`` with what the export loads besides the list's own."""
        return query

    def export_rows(self, row: Any, _export_type: str) -> list[list[Any]]:
        """Return what one row of the list becomes: one row, unless the export is of its parts."""
        return [[self.export_cell(row, name) for name, _label in self.export_columns]]

    def export_cell(self, row: Any, name: str) -> Any:
        """Return one cell of the export."""
        value = self.get_export_value(row, name)
        if name in self.state_columns:
            return csv_export.state_cell(self.state_columns[name], value)
        return csv_export.amount_cell(value) if name in self.amount_columns and value is not None else value


def _not_exposed(_view: BaseModelView) -> ResponseReturnValue:
    """Stand in for a view that is off: Flask-Admin gives no address to a method without ``expose``."""
    raise NotFound


def _check_attributes(cls: type[BaseModelView]) -> None:
    """Raise where Flask-Admin would guess columns or read past ``scope``."""
    needs = {"column_list": True, "column_details_list": cls.can_view_details, "column_export_list": cls.can_export}
    for name, needed in needs.items():
        if needed and not getattr(cls, name):
            raise TypeError(f"{cls.__name__} must say its {name}")
    if (cls.can_create or cls.can_edit) and not (cls.form_columns or cls.form):
        raise TypeError(f"{cls.__name__} must say its form_columns or its form")
    for name in ("column_filters", "column_searchable_list", "column_editable_list", "inline_models"):
        if getattr(cls, name):
            raise TypeError(f"{cls.__name__}.{name} is not used here: see list_filters and search_index")


def json_value(value: Any) -> Any:
    """Return ``value`` as JSON knows it."""
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "astimezone"):
        return local_time(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value) if isinstance(value, Markup) else value
