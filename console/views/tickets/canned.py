"""Canned replies: read by all of the desk, edited by those who manage it, and offered in the composer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from flask import flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Invalid, NotFound, Refusal
from console.core.ids import read_key
from console.core.text import fold
from console.core.texts import gettext, lazy_gettext, lazy_pgettext, ngettext
from console.core.transaction import transaction
from console.help.queries import published
from console.staff.models import Department
from console.staff.roles import Permission
from console.tickets.canned import queries, service
from console.tickets.canned.forms import CategoryForm, ReplyForm
from console.tickets.canned.models import REPLY_SEARCH, CannedReply
from console.tickets.canned.placeholders import PLACEHOLDERS, article_address
from console.tickets.canned.serializers import to_payload
from console.tickets.queries import find_ticket
from console.views.shared import formatters
from console.views.shared.base import BaseModelView
from console.views.shared.filters import Flag, ListFilter
from console.views.shared.labels.states import Label
from console.views.shared.paging import ListQuery
from console.views.shared.per_request import cached_per_request
from console.web.answers import local_time, wants_json
from console.web.filters import language
from console.web.identity import current_actor

READERS = (Permission.READ_TICKETS, Permission.MANAGE_DESK)
ACTIVE = {
    True: Label(lazy_pgettext("canned reply", "active"), "ok", "ok"),
    False: Label(lazy_pgettext("canned reply", "switched off"), "ban", "void"),
}
SHUT = Label(lazy_gettext("after verification"), "lock")


def views() -> list[BaseModelView]:
    """Return the list with its forms and the search of the composer."""
    return [ReplyList()]


@dataclass(frozen=True)
class OneOf(ListFilter):
    """One of the rows that there are now, by key."""

    column: Any
    rows: Callable[[], Mapping[int, str]]
    kind: ClassVar[str] = "choice"

    @property
    def choices(self) -> dict[str, str]:
        """Return what the control lists."""
        return {str(key): name for key, name in self.rows().items()}

    def read(self, text: str) -> int:
        key = read_key(text)
        if key is None or key not in self.rows():
            raise ValueError(text)
        return key

    def apply(self, query: Select[Any], value: int) -> Select[Any]:
        return query.where(self.column == value)

    def show(self, value: int) -> str:
        return self.rows()[value]


@cached_per_request
def _categories() -> dict[int, str]:
    return {row.id: row.name(language()) for row in queries.categories()}


@cached_per_request
def _departments() -> dict[int, str]:
    rows = db.session.scalars(select(Department).order_by(Department.position, Department.id))
    return {row.id: row.name(language()) for row in rows}


def _title(_view: Any, _context: Any, row: CannedReply, _name: str) -> str | Markup:
    if row.active:
        return row.title(language())
    return Markup("{} {}").format(row.title(language()), ACTIVE[False].status())


def _shut(_view: Any, _context: Any, row: CannedReply, _name: str) -> str | Markup:
    return SHUT.status() if row.verified_only else ""


def _shortcut(_view: Any, _context: Any, row: CannedReply, _name: str) -> Markup:
    return Markup('<span class="mono">/{}</span>').format(row.shortcut)


def _category(_view: Any, _context: Any, row: CannedReply, _name: str) -> str:
    return row.category.name(language())


def _department(_view: Any, _context: Any, row: CannedReply, _name: str) -> str | Markup:
    if row.department is None:
        return Markup('<span class="muted">{}</span>').format(gettext("everywhere"))
    return row.department.name(language())


class ReplyList(BaseModelView):
    """The canned replies."""

    group = "work"
    can_create = can_edit = can_delete = True
    create_template = edit_template = "admin/tickets/canned/form.html"
    list_template = "admin/tickets/canned/list.html"
    form = ReplyForm
    permission = READERS
    permissions = dict.fromkeys(
        ("create_view", "delete_view", "load_standard", "categories", "save_category", "remove_category"),
        Permission.MANAGE_DESK,
    ) | {"find": Permission.WORK_TICKETS}

    column_list = ("title", "shortcut", "category", "department", "verified_only", "updated_at")
    column_labels = {
        "title": lazy_pgettext("canned reply", "Title"),
        "shortcut": lazy_gettext("Shortcut"),
        "category": lazy_gettext("Category"),
        "department": lazy_gettext("Department"),
        "verified_only": lazy_gettext("Condition"),
        "updated_at": lazy_gettext("Changed"),
    }
    column_formatters = {
        "title": _title,
        "shortcut": _shortcut,
        "category": _category,
        "department": _department,
        "verified_only": _shut,
        "updated_at": formatters.ago,
    }
    sort_columns = {"shortcut": CannedReply.shortcut, "updated_at": CannedReply.updated_at}
    column_options = (joinedload(CannedReply.category), joinedload(CannedReply.department))
    search_index = REPLY_SEARCH
    search_hint = lazy_gettext("Title, shortcut or words in the text")
    list_filters = (
        OneOf("category", lazy_gettext("Category"), CannedReply.category_id, _categories),
        OneOf("department", lazy_gettext("Department"), CannedReply.department_id, _departments),
        Flag("verified_only", lazy_gettext("After verification only"), lambda: CannedReply.verified_only.is_(True)),
        Flag("inactive", lazy_gettext("Switched off only"), lambda: CannedReply.active.is_(False)),
    )
    create_label = lazy_gettext("New reply")
    lead = lazy_gettext("Reusable replies in both languages. In a ticket or chat, type / and a shortcut to use one.")
    empty_icon = "slash"
    empty_title = lazy_gettext("No canned replies yet")
    empty_text = lazy_gettext("The standard replies cover common questions. You can edit them afterwards.")

    def __init__(self) -> None:
        super().__init__(
            CannedReply, name=lazy_gettext("Canned replies"), endpoint="replies", url="replies", menu_icon_value="slash"
        )

    @property
    def manages(self) -> bool:
        """Return whether the reader may change the replies."""
        return current_actor().may(Permission.MANAGE_DESK)

    # --- the list

    def read_list_query(self) -> ListQuery:
        """Read the query; without an order, the oldest first."""
        list_query = super().read_list_query()
        return list_query if "sort" in request.args else replace(list_query, descending=False)

    def row_link(self, row: Any) -> str:
        return str(self.get_url(".edit_view", id=row.id))

    def row_name(self, row: Any) -> str:
        return str(row.title(language()))

    def row_state(self, row: Any) -> str:
        return "" if row.active else "is-void"

    def get_list_row_actions(self) -> list[Any]:
        return []  # the title links to the reply's page, which has its actions

    def as_json(self, row: Any) -> dict[str, Any]:
        return {
            "id": row.id,
            "title": row.title(language()),
            "titles": {"sr_Latn": row.title_sr, "en": row.title_en},
            "shortcut": row.shortcut,
            "category": row.category.name(language()),
            "department": row.department.key if row.department else None,
            "verified_only": row.verified_only,
            "active": row.active,
            "updated_at": local_time(row.updated_at),
        }

    # --- one reply

    def create_form(self, obj: Any = None) -> Any:
        return _with_choices(super().create_form(obj))

    def edit_form(self, obj: Any = None) -> Any:
        return _with_choices(super().edit_form(obj))

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> ResponseReturnValue:
        """Show a reply, to those who manage the desk as its form; or change it."""
        if request.method != "GET" and not self.manages:
            raise NotFound(code="not_allowed")
        row = self.find_row(request.values.get("id"))
        if request.method == "GET" and wants_json():
            return jsonify(self._whole(row))
        if not self.manages:
            state = ACTIVE[row.active]
            return self.render("admin/tickets/canned/page.html", row=row, return_url=self.return_url(), state=state)
        form, refusal = self.edit_form(obj=row), None
        if self.validate_form(form):
            refusal = self.change_row(row, form)
            if refusal is None:
                if wants_json():
                    return jsonify(self._whole(row))
                flash(gettext("Saved."), "success")
                return redirect(self.get_save_return_url(row, is_created=False), 303)
        return self.render_form(self.edit_template, form, refusal, model=row)

    def render_form(
        self, template: str, form: Any, refusal: Refusal | None = None, **context: Any
    ) -> ResponseReturnValue:
        samples = {code: queries.samples(code) for code in ("sr_Latn", "en")}
        articles = [(one.article.slug, one.version.title(language())) for one in published()]
        for code, values in samples.items():
            values |= {f"help:{slug}": article_address(slug, code) for slug, _title in articles}
        return super().render_form(
            template, form, refusal, placeholders=PLACEHOLDERS, articles=articles, samples=samples, **context
        )

    def _whole(self, row: CannedReply) -> dict[str, Any]:
        return self.as_json(row) | {"bodies": {"sr_Latn": row.body_sr, "en": row.body_en}}

    def create_verb(self, actor: Actor, form: Any) -> CannedReply:
        return service.add_reply(actor, form.reply_data())

    def change_verb(self, actor: Actor, row: Any, form: Any) -> None:
        service.change_reply(actor, row, form.reply_data())

    def delete_verb(self, actor: Actor, row: Any) -> None:
        service.remove_reply(actor, row)

    # --- the standard ones

    @expose("/standard", methods=("POST",))
    def load_standard(self) -> ResponseReturnValue:
        """Load the standard replies that are not there."""
        with transaction():
            added = service.load_standard(current_actor())
        if wants_json():
            return jsonify(added=added)
        flash(
            ngettext("%(num)d reply was added.", "%(num)d replies were added.", added)
            if added
            else gettext("All standard replies are already loaded."),
            "success",
        )
        return redirect(self.get_url(".index_view"), 303)

    # --- categories

    @expose("/categories")
    def categories(self) -> ResponseReturnValue:
        """Show the categories, each as a small form."""
        return self._categories_page(CategoryForm(formdata=None, position=len(queries.categories()) + 1))

    @expose("/categories", methods=("POST",))
    def save_category(self) -> ResponseReturnValue:
        """Make a category, or change the one that ``id`` names."""
        form = CategoryForm()
        try:
            if not form.validate():
                raise Invalid(fields=form.errors)
            with transaction():
                category = service.save_category(
                    current_actor(),
                    form.key(),
                    name_sr=form.name_sr.data,
                    name_en=form.name_en.data,
                    position=form.position.data or 0,
                )
        except Invalid as refusal:
            if wants_json():
                raise
            form.mark(refusal)
            return self._categories_page(form, refusal)
        if wants_json():
            return jsonify(id=category.id)
        flash(gettext("Saved."), "success")
        return redirect(self.get_url(".categories"), 303)

    @expose("/categories/<id:key>/remove", methods=("POST",))
    def remove_category(self, key: int) -> ResponseReturnValue:
        """Remove an empty category."""
        with transaction():
            service.remove_category(current_actor(), key)
        if wants_json():
            return "", 204
        flash(gettext("Deleted."), "success")
        return redirect(self.get_url(".categories"), 303)

    def _categories_page(self, form: CategoryForm, refusal: Refusal | None = None) -> ResponseReturnValue:
        rows = queries.categories()
        if wants_json():
            items = [
                {"id": row.id, "name_sr": row.name_sr, "name_en": row.name_en, "position": row.position} for row in rows
            ]
            return jsonify(items=items)
        page = self.render(
            "admin/tickets/canned/categories.html", rows=rows, counts=queries.counts(), form=form, tried=form.key()
        )
        return page, refusal.status if refusal else 200

    # --- for the composer

    @expose("/find")
    def find(self) -> ResponseReturnValue:
        """Answer what ``q`` finds, filled in for ``ticket`` in its requester's language; shut ones without a text."""
        actor, number = current_actor(), request.args.get("ticket", "")
        ticket = find_ticket(actor, number) if number else None
        found = queries.offers(actor, fold(request.args.get("q", "")), ticket)
        return jsonify(items=[to_payload(offer, language()) for offer in found])


def _with_choices(form: Any) -> Any:
    form.category_id.choices = list(_categories().items())
    form.department_id.choices = [("", gettext("everywhere")), *_departments().items()]
    return form
