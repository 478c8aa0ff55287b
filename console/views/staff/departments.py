"""Departments, for those who manage the desk."""

from __future__ import annotations

from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from wtforms import BooleanField, HiddenField, IntegerField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, NumberRange
from wtforms.validators import Optional as MayBeEmpty
from wtforms.widgets import CheckboxInput, ListWidget

from console.core.actor import Actor
from console.core.texts import lazy_gettext, lazy_pgettext
from console.staff import departments as verbs
from console.staff.departments import DepartmentData
from console.staff.models import Department
from console.staff.roles import Permission
from console.views.shared import formatters
from console.views.shared.base import BaseModelView
from console.views.shared.labels.states import Label
from console.views.shared.per_request import cached_per_request
from console.views.shared.verbs import ConsoleForm
from console.web.answers import wants_json

YES_NO = {
    True: Label(lazy_pgettext("department", "yes"), "check"),
    False: Label(lazy_pgettext("department", "no"), "minus", "void"),
}
ACTIVE = {
    True: Label(lazy_pgettext("department", "in use"), "ok", "ok"),
    False: Label(lazy_pgettext("department", "not in use"), "ban", "void"),
}


def views() -> list[BaseModelView]:
    """Return the list with its forms."""
    return [DepartmentList()]


class DepartmentForm(ConsoleForm):
    """A department."""

    name_sr = StringField(lazy_gettext("Name in Serbian"), [DataRequired(), Length(max=80)])
    name_en = StringField(lazy_gettext("Name in English"), [DataRequired(), Length(max=80)])
    verified_only = BooleanField(
        lazy_gettext("Requires verification"),
        description=lazy_gettext("Technical help and accounting: agents are reminded to verify the requester first."),
    )
    private = BooleanField(
        lazy_gettext("Private"),
        description=lazy_gettext("Only members and supervisors can see its tickets."),
    )
    active = BooleanField(
        lazy_gettext("In use"),
        default=True,
        description=lazy_gettext("Otherwise no new tickets or chats can be routed there."),
    )
    position = IntegerField(lazy_gettext("Sort order"), [MayBeEmpty(), NumberRange(min=0, max=9_999)], default=0)
    members = SelectMultipleField(
        lazy_gettext("Members"), coerce=int, widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )
    seen = HiddenField()


def _name(_view: Any, _context: Any, row: Department, _name: str) -> Markup:
    return Markup('{} <span class="muted">{}</span>').format(row.name_sr, row.name_en)


def _members(_view: Any, _context: Any, row: Department, _name: str) -> int:
    return _member_counts().get(row.id, 0)


@cached_per_request
def _member_counts() -> dict[int, int]:
    return verbs.member_counts()  # of all rows in one query


class DepartmentList(BaseModelView):
    """Where questions belong."""

    permission = Permission.MANAGE_DESK
    group = "system"
    parent = "settings"
    settings_group = "desk"
    settings_lead = lazy_gettext("Departments and their members.")
    can_create = can_edit = True
    create_template = edit_template = "admin/staff/department.html"
    form = DepartmentForm

    column_list = ("name_sr", "key", "verified_only", "private", "members", "active")
    column_labels = {
        "name_sr": lazy_gettext("Name"),
        "key": lazy_gettext("Key"),
        "verified_only": lazy_gettext("Verified only"),
        "private": lazy_gettext("Private"),
        "members": lazy_gettext("Members"),
        "active": lazy_gettext("State"),
    }
    column_formatters = {
        "name_sr": _name,
        "verified_only": formatters.state(YES_NO),
        "private": formatters.state(YES_NO),
        "members": _members,
        "active": formatters.state(ACTIVE),
    }
    create_label = lazy_gettext("New department")
    lead = lazy_gettext(
        "Tickets and chats are routed to departments. A private department’s tickets are visible to its members "
        "and supervisors only."
    )
    empty_icon = "inbox"
    empty_title = lazy_gettext("No departments yet")
    empty_text = lazy_gettext("Every ticket and chat belongs to a department.")

    def __init__(self) -> None:
        super().__init__(
            Department, name=lazy_gettext("Departments"), endpoint="departments", url="departments",
            menu_icon_value="inbox",
        )  # fmt: skip

    def row_link(self, row: Department) -> str:
        return str(self.get_url(".edit_view", id=row.id))

    def row_name(self, row: Department) -> str:
        return row.name_sr

    def row_state(self, row: Department) -> str:
        return "" if row.active else "is-void"

    def as_json(self, row: Department) -> dict[str, Any]:
        return {
            "id": row.id,
            "key": row.key,
            "name_sr": row.name_sr,
            "name_en": row.name_en,
            "verified_only": row.verified_only,
            "private": row.private,
            "active": row.active,
            "position": row.position,
        }

    def create_form(self, obj: Any = None) -> Any:
        return _with_staff(super().create_form(obj))

    def edit_form(self, obj: Any = None) -> Any:
        form = _with_staff(super().edit_form(obj))
        if request.method == "GET" and obj is not None:
            form.members.data = verbs.members_of(obj.id)
        return form

    def create_verb(self, actor: Actor, form: Any) -> Department:
        return verbs.add_department(actor, _data(form))

    def change_verb(self, actor: Actor, row: Department, form: Any) -> None:
        verbs.change_department(actor, row.id, _data(form), seen=form.seen.data)

    def mark(self, row: Department) -> str:
        return verbs.mark(row)

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> ResponseReturnValue:
        """Show the form for a department, or change it; programs get its fields."""
        if request.method == "GET" and wants_json():
            row = self.find_row(request.args.get("id"))
            return jsonify(department=self.as_json(row) | {"members": verbs.members_of(row.id)})
        return super().edit_view()


def _with_staff(form: Any) -> Any:
    form.members.choices = [SelectChoice(one.id, one.name) for one in verbs.active_staff()]
    form.members.validate_choice = False  # a person disabled meanwhile may be among them: the verb decides
    return form


def _data(form: Any) -> DepartmentData:
    return DepartmentData(
        name_sr=form.name_sr.data or "",
        name_en=form.name_en.data or "",
        verified_only=bool(form.verified_only.data),
        private=bool(form.private.data),
        active=bool(form.active.data),
        position=form.position.data or 0,
        members=tuple(form.members.data or ()),
    )
