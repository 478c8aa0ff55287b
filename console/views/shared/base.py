"""What every page of the console shares: who may open it, and lists that are safe by default."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any, ClassVar

from flask import Response, jsonify, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_admin.base import BaseView, expose
from flask_admin.form import BaseForm
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import Select, func, select
from sqlalchemy.orm import raiseload

from console.audit.service import record
from console.core import clock
from console.core.context import settings
from console.core.db import db
from console.core.errors import NotFound, Text
from console.core.ids import read_key
from console.core.search import SearchIndex
from console.core.texts import lazy_gettext
from console.core.transaction import transaction
from console.staff.roles import Permission
from console.views.shared import export as csv_export
from console.views.shared.filters import ListFilter
from console.views.shared.labels.states import Label
from console.views.shared.paging import (
    COUNTED,
    PAGE_SIZES,
    ListQuery,
    after_cursor,
    ordered,
    read_list_query,
    write_cursor,
)
from console.views.shared.verbs import ByVerbs
from console.web.answers import local_time, wants_json
from console.web.identity import ask_to_sign_in, current_actor

EXPORT_BATCH = 1_000
MOST_PICKED = 100  # rows that one bulk action takes


class Guarded:
    """Rules of every view (a mixin).

    ``permission`` opens the view; ``permissions`` names more for single methods.
    Nobody signed in is asked to sign in; whoever may not see a page finds nothing there.
    """

    permission: ClassVar[Permission | None] = None
    permissions: ClassVar[dict[str, Permission]] = {}
    group: ClassVar[str | None] = None  # of ``console.views.shared.menu.GROUPS``; None: not in the sidebar
    letter: ClassVar[str] = ""  # G, then this letter, opens the page
    # The endpoint of the sidebar's page above this one. With a group too it stands in the sidebar by itself for those
    # who may not open the page above.
    parent: ClassVar[str | None] = None
    settings_group: ClassVar[str] = (
        ""  # of ``console.views.settings.sections.GROUPS``: where it stands among the settings
    )
    settings_lead: Text = ""  # what it is about, there
    command: ClassVar[Text] = ""  # what the palette calls a page that is not in the sidebar

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for method in cls.permissions:  # a renamed method would otherwise lose its permission silently
            if not callable(getattr(cls, method, None)):
                raise TypeError(f"{cls.__name__}.permissions names {method}, which is not one of its methods")

    def is_accessible(self) -> bool:
        """Tell whether the signed-in person may open this view."""
        return bool(current_user.is_authenticated) and _may(self.permission)

    def may(self, method: str) -> bool:
        """Tell whether the signed-in person may use one of the view's methods."""
        return _may(self.permission) and _may(self.permissions.get(method))

    def _handle_view(self, name: str, **_kwargs: Any) -> ResponseReturnValue | None:
        if not current_user.is_authenticated:
            return ask_to_sign_in()
        if not self.may(name):
            raise NotFound(code="not_allowed")
        return None

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        # Flask-Admin's own catches TypeError and calls again, which hides mistakes.
        return fn(self, *args, **kwargs)


def _may(permission: Permission | None) -> bool:
    return permission is None or current_actor().may(permission)


class Page(Guarded, BaseView):
    """A page that is not a list of one table."""


class BaseModelView(Guarded, ByVerbs):
    """A list of one table, safe by default.

    Nothing is created, edited, deleted or exported unless a subclass says so,
    and then only by its verbs (``create_verb`` and so on). Columns are named,
    never guessed. ``scope`` limits every reading: list, count, one row, export.

    Args of a subclass (class attributes):
        column_list: what the list shows.
        list_filters: the filters, by query parameter.
        search_index: the folded index that the search box asks.
        sort_columns: what may be sorted by: list column to an indexed, never empty model column.
        column_options: how the rows are loaded; whatever is not named here raises when touched.
        amount_columns, state_columns: in an export, amounts in minor units, and states with their words.
        column_details_list, column_export_list: as in Flask-Admin, needed where these are on.
    """

    can_create = False
    can_edit = False
    can_delete = False
    can_export = False
    can_view_details = False
    column_display_actions = False
    column_list: tuple[str, ...] | None = None
    column_details_list: tuple[str, ...] | None = None
    column_export_list: tuple[str, ...] | None = None
    column_sortable_list = ()
    column_filters = None
    column_searchable_list = None
    column_editable_list = None
    inline_models = None
    form: type[BaseForm] | None = None
    form_columns = None
    export_types: tuple[str, ...] = ("csv",)
    more_exports: ClassVar[dict[str, Text]] = {}  # further kinds of the file, with what their links say
    page_size = PAGE_SIZES[0]
    list_template = "admin/model/list.html"

    list_filters: ClassVar[tuple[ListFilter, ...]] = ()
    search_index: ClassVar[SearchIndex | None] = None
    search_hint: ClassVar[Text] = ""
    sort_columns: ClassVar[dict[str, Any]] = {}
    column_options: ClassVar[tuple[Any, ...]] = ()
    amount_columns: ClassVar[tuple[str, ...]] = ()
    state_columns: ClassVar[dict[str, Mapping[Any, Label | Text]]] = {}
    searches_words: ClassVar[bool] = True  # the search finds words: signs alone are nothing to search for
    lead: ClassVar[Text] = ""  # one line under the heading
    create_label: ClassVar[Text] = lazy_gettext("New")
    empty_icon: ClassVar[str] = "inbox"
    empty_title: ClassVar[Text] = lazy_gettext("Nothing here yet")
    empty_text: ClassVar[Text] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _refuse_guessing(cls)

    def __init__(self, model: type[Any], **kwargs: Any) -> None:
        self.column_display_actions = bool(
            self.can_edit or self.can_delete or self.can_view_details or self.column_extra_row_actions
        )
        super().__init__(model, db, **kwargs)
        # Flask-Admin gathers the routes in its metaclass; this view keeps those that are on.
        self._urls: list[Any] = [route for route in self._urls if self._switched_on(route[1])]

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
        return db.session.query(func.count()).select_from(_bounded(self._rows().with_only_columns(self._key)))

    def get_one(self, id: Any) -> Any:  # noqa: A002  (Flask-Admin's name)
        """Return the row, ``None`` where there is none in scope."""
        key = read_key(id)
        if key is None:
            return None
        return db.session.scalar(self._rows().where(self._key == key))

    def get_many(self, ids: list[str]) -> list[Any]:
        """Return the rows in scope that a bulk action was asked for."""
        keys = [key for key in map(read_key, ids[:MOST_PICKED]) if key is not None]
        return list(db.session.scalars(self._rows().where(self._key.in_(keys)).order_by(self._key)))

    @property
    def _key(self) -> Any:
        return self.model.id

    def _rows(self) -> Select[Any]:
        return self.scope(select(self.model))

    def _switched_on(self, method: str) -> bool:
        """Tell whether the view has ``method`` at all: what is off has no address."""
        switches = {
            "create_view": self.can_create,
            "edit_view": self.can_edit,
            "delete_view": self.can_delete,
            "details_view": self.can_view_details,
            "export": self.can_export,
            "action_view": bool(self._actions_data.keys() - {"delete"}),
            "ajax_lookup": False,  # loads what nobody scoped
            "ajax_update": False,  # never asks can_edit
        }
        return switches.get(method, True)

    # The list ----------------------------------------------------------

    def read_list_query(self) -> ListQuery:
        """Read what this request asks of the list."""
        return read_list_query(request.args, self.list_filters, self.sort_columns)

    def matching(self, ask: ListQuery, *, most_hits: bool = True) -> Select[Any]:
        """Return the rows that search and filters leave.

        Args:
            ask: what the list is asked for.
            most_hits: search among the newest hits only, as a page does; not for an export.
        """
        query = self._rows()
        for active in ask.filters:
            query = active.filter.apply(query, active.value)
        if ask.search and self.search_index is not None:
            hits = self.search_index.matches(db.session(), self._key, ask.search, whole=not most_hits)
            if hits is not None:
                query = query.where(hits)
        return query

    def _loaded(self, query: Select[Any]) -> Select[Any]:
        # One forgotten relation would be a query a row: it raises, and a test finds it.
        return query.options(*self.column_options, raiseload("*", sql_only=True))

    def _page(self, ask: ListQuery) -> tuple[int, int, list[Any]]:
        """Return how many rows there are (counted so far), which page this is, and its rows."""
        query = self.matching(ask)
        counted = select(func.count()).select_from(_bounded(query.with_only_columns(self._key)))
        count = db.session.scalar(counted) or 0
        page = min(ask.page, max(1, -(-min(count, COUNTED) // ask.size)))
        query = ordered(self._loaded(query), ask, self._key, self.sort_columns)
        return count, page, list(db.session.scalars(query.limit(ask.size).offset((page - 1) * ask.size)))

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """Answer the list, as a page or as JSON."""
        ask = self.read_list_query()
        if wants_json():
            return self._list_json(ask)
        count, page, rows = self._page(ask)
        actions, confirmations = self.get_actions_list()
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
            columns=[(name, str(label)) for name, label in self._list_columns],
            address=lambda query: self.get_url(".index_view", **query),
            list_row_actions=self.get_list_row_actions() if self.column_display_actions else [],
            delete_form=self.delete_form() if self.can_delete else None,
            actions=actions,
            confirmations=confirmations,
            get_pk_value=self.get_pk_value,
            get_value=self.get_list_value,
            return_url=self.get_url(".index_view", **ask.query(page=page)),
        )

    def _list_json(self, ask: ListQuery) -> Response:
        query = ordered(self._loaded(self.matching(ask)), ask, self._key, self.sort_columns)
        query = after_cursor(query, ask, self._key, self.sort_columns)
        rows = list(db.session.scalars(query.limit(ask.size + 1)))
        more = len(rows) > ask.size
        rows = rows[: ask.size]
        answer: dict[str, Any] = {
            "items": [self.as_json(row) for row in rows],
            "next": write_cursor(ask, rows[-1], self.sort_columns) if more else None,
        }
        if ask.ignored:
            answer["ignored"] = list(ask.ignored)
        return jsonify(answer)

    def as_json(self, row: Any) -> dict[str, Any]:
        """Return what programs are told of one row: the columns of the list."""
        return {str(name): plain(self._get_field_value(row, name)) for name, _label in self._list_columns}

    def row_link(self, _row: Any) -> str | None:
        """Return the address of the row's own page, if it has one. The first column links there."""
        return None

    def row_name(self, row: Any) -> str:
        """Return how people call the row: names its checkbox and its buttons."""
        return str(getattr(row, "number", None) or getattr(row, "name", None) or row.id)

    def row_state(self, _row: Any) -> str:
        """Return the row's state class (``is-late``, ``is-void``), if any."""
        return ""

    # Export ------------------------------------------------------------

    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> ResponseReturnValue:
        """Answer the list as CSV: all rows that search and filters leave."""
        if export_type not in self.export_types:
            raise NotFound
        ask = self.read_list_query()
        filters = {active.filter.name: active.text for active in ask.filters}
        with transaction():
            record(current_actor(), "list.exported", str(self.endpoint), filters=filters, searched=bool(ask.search))
        pieces = csv_export.write_csv(
            self.export_titles(export_type), self._export_batches(self.matching(ask, most_hits=False), export_type)
        )
        what = self.endpoint if export_type == "csv" else f"{self.endpoint}-{export_type}"
        name = f"{what}-{clock.now().astimezone(settings().zone):%Y%m%d-%H%M}.csv"
        return Response(
            stream_with_context(pieces),
            mimetype="text/csv",
            headers={"Content-Disposition": f"attachment; filename={name}"},
        )

    def export_titles(self, _export_type: str) -> list[str]:
        """Return the titles of the export's columns."""
        return [str(label) for _name, label in self._export_columns]

    def export_rows(self, row: Any, _export_type: str) -> list[list[Any]]:
        """Return what one row of the list becomes: one row, unless the export is of its parts."""
        return [[self.export_cell(row, str(name)) for name, _label in self._export_columns]]

    def export_query(self, query: Select[Any], _export_type: str) -> Select[Any]:
        """Return ``query`` with what the export loads beside the list's own."""
        return query

    def _export_batches(self, query: Select[Any], export_type: str = "csv") -> Iterator[list[list[Any]]]:
        """Yield the rows by key, oldest first, a batch at a time; nothing is kept of the one before."""
        last = 0
        while True:
            batch = (
                self.export_query(self._loaded(query), export_type)
                .where(self._key > last)
                .order_by(self._key)
                .limit(EXPORT_BATCH)
            )
            rows = list(db.session.scalars(batch))
            if not rows:
                return
            last = rows[-1].id
            yield [cells for row in rows for cells in self.export_rows(row, export_type)]
            db.session.expunge_all()
            db.session.rollback()  # no reading transaction stays open while the client takes its time

    def export_cell(self, row: Any, name: str) -> Any:
        """Return one cell of the export."""
        value = self._get_field_value(row, name)
        if name in self.state_columns:
            return csv_export.words(self.state_columns[name], value)
        return csv_export.amount_cell(value) if name in self.amount_columns and value is not None else value

    @expose("/details/")
    def details_view(self) -> ResponseReturnValue:
        """Show one row."""
        row = self._wanted(request.args.get("id"))
        return self.render(
            self.details_template,
            model=row,
            details_columns=self._details_columns,
            get_value=self.get_detail_value,
            return_url=self._return_url(),
        )


def _bounded(keys: Select[Any]) -> Any:
    """Return the first keys, one more than are told: counting further would cost what the rows do."""
    return keys.order_by(None).limit(COUNTED + 1).subquery()


def _refuse_guessing(cls: type[BaseModelView]) -> None:
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


def plain(value: Any) -> Any:
    """Return ``value`` as JSON knows it."""
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "astimezone"):
        return local_time(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value) if isinstance(value, Markup) else value
