"""Settings that an administrator changes in the browser: an index, and a page for each section."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from wtforms import HiddenField, StringField

from console.core.context import settings
from console.core.errors import Conflict, Invalid, Refusal, Text
from console.core.forms import Form
from console.core.ids import read_number
from console.core.texts import gettext, lazy_gettext, lazy_pgettext
from console.core.transaction import transaction
from console.settings import queries, service
from console.settings.queries import Line, State
from console.settings.section import Section
from console.settings.sections import SECTIONS
from console.staff.roles import Permission
from console.views.shared import menu
from console.views.shared.base import Page
from console.web.answers import local_time, refuse, wants_json
from console.web.filters import language
from console.web.identity import current_actor

ENDPOINT = "settings"
GROUPS: dict[str, Text] = {
    "company": lazy_pgettext("settings", "Company"),
    "desk": lazy_gettext("Support desk"),
    "people": lazy_gettext("People"),
    "privacy": lazy_gettext("Privacy"),
}
OWN_PAGES = frozenset({"retention"})  # sections whose page shows more: console.views.settings.retention


def views() -> list[Page]:
    """Return the index, and the page of each section."""
    index = SettingsIndex(name=lazy_gettext("Settings"), endpoint=ENDPOINT, url=ENDPOINT, menu_icon_value="settings")
    return [index, *(SectionPage(section) for section in SECTIONS.values() if section.key not in OWN_PAGES)]


class SettingsIndex(Page):
    """The index of all settings, on whatever page they are."""

    permission = Permission.MANAGE_SETTINGS
    group = "system"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show the index."""
        if wants_json():
            return jsonify(sections=[as_json(state) for state in queries.states()])
        pages = sorted(menu.below(ENDPOINT), key=lambda one: not isinstance(one[0], SectionPage))
        page: str = self.render(
            "admin/settings/index.html",
            groups=[(name, [one for one in pages if one[0].settings_group == key]) for key, name in GROUPS.items()],
            states={f"{ENDPOINT}_{state.section.key}": state for state in queries.states()},
        )
        return page


class SectionPage(Page):
    """One section: its settings with their defaults; each can be reset."""

    permission = Permission.MANAGE_SETTINGS
    group = "system"
    parent = ENDPOINT
    settings_group = "company"

    def __init__(self, section: Section) -> None:
        self.section = section
        self.settings_lead = section.lead
        self.form: type[Any] = _form_class(section)
        super().__init__(
            name=section.title,
            endpoint=f"{ENDPOINT}_{section.key}",
            url=f"{ENDPOINT}/{section.key}",
            menu_icon_value=section.icon,
        )

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show the section."""
        state = queries.state(self.section)
        return jsonify(as_json(state)) if wants_json() else self._page(state)

    @expose("/", methods=["POST"])
    def change(self) -> ResponseReturnValue:
        """Save the form; settings that are not in it stay unchanged."""
        typed = {one.field: request.form[one.field] for one in self.section.settings if one.field in request.form}
        form = self.form()
        try:
            form.refuse_spoiled()
            with transaction():
                changed = service.change(current_actor(), self.section.key, typed, seen=_seen())
        except (Invalid, Conflict) as refusal:
            return self._refused(form, refusal)
        return self._done(gettext("Saved. It applies everywhere within five seconds.") if changed else "")

    @expose("/reset", methods=["POST"])
    def reset(self) -> ResponseReturnValue:
        """Reset one setting, ``name``, to its default."""
        try:
            with transaction():
                changed = service.reset(current_actor(), self.section.key, request.form.get("name", ""), seen=_seen())
        except Conflict as refusal:
            return self._refused(None, refusal)
        return self._done(gettext("Reset to default.") if changed else "")

    def _done(self, message: str) -> ResponseReturnValue:
        if wants_json():
            return jsonify(as_json(queries.state(self.section)))
        flash(message or gettext("Nothing to save."), "success" if message else "info")
        return redirect(self.get_url(".index"), 303)

    def _refused(self, form: Any, refusal: Refusal) -> ResponseReturnValue:
        """Show the errors next to what was typed. Saving again overwrites what a colleague has saved."""
        if wants_json():
            return refuse(refusal)
        state = queries.state(self.section)
        for name, texts in refusal.fields.items():
            form[name].errors = [str(text) for text in texts]
        if form is not None and isinstance(refusal, Conflict):
            form.revision.data = str(state.revision)
        return Response(self._page(state, form, refusal), refusal.status)

    def _page(self, state: State, form: Any = None, refusal: Refusal | None = None) -> str:
        filled = self._filled(state) if form is None else form
        page: str = self.render(
            "admin/settings/section.html",
            section=self.section,
            state=state,
            form=filled,
            refusal=refusal,
            theirs=_theirs(state, filled) if isinstance(refusal, Conflict) else {},
            say=_say,
            issuer=settings().issuer,
            **self.more(),
        )
        return page

    def more(self) -> dict[str, Any]:
        """Return what the template shows besides the settings."""
        return {}

    def _filled(self, state: State) -> Any:
        values = {line.setting.field: line.setting.kind.write(line.value) for line in state.lines}
        return self.form(formdata=None, revision=str(state.revision), **values)


def _form_class(section: Section) -> type[Any]:
    """Return a form with a field for each setting; the verb validates each by its kind."""
    fields: dict[str, Any] = {one.field: StringField(one.label, description=one.help) for one in section.settings}
    return type("SectionForm", (Form,), fields | {"revision": HiddenField()})


def _seen() -> int | None:
    """Return the revision that a form was filled in from; ``None`` where a program names none.

    Raises:
        Invalid: it is none.
    """
    typed = request.form.get("revision", "")
    seen = read_number(typed, "")
    if typed and seen is None:
        raise Invalid(fields={"revision": [lazy_gettext("Invalid input.")]})
    return seen


def _say(line: Line, value: Any) -> Text:
    """Return a value as text."""
    return line.setting.kind.say(value, language()) or gettext("empty")


def _theirs(state: State, form: Any) -> dict[str, Text]:
    """Return the saved values that differ from what was typed, by field."""
    typed = [one for one in state.lines if one.setting.field in request.form]
    lines = [one for one in typed if one.setting.kind.write(one.value) != form[one.setting.field].data]
    return {line.setting.field: _say(line, line.value) for line in lines}


def as_json(state: State) -> dict[str, Any]:
    """Return a section as programs read it."""
    return {
        "section": state.section.key,
        "revision": state.revision,
        "changed_at": local_time(state.changed_at),
        "changed_by": state.changed_by or None,
        "settings": [
            {
                "name": line.setting.field,
                "value": line.value,
                "default": line.default,
                "set": line.is_set,
                "environment": line.setting.environment_name,
            }
            for line in state.lines
        ],
    }
