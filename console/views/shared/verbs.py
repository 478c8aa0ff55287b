"""Lists whose rows are made, changed and removed: by verbs alone, never by Flask-Admin's own hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin.actions import action
from flask_admin.base import expose
from flask_admin.contrib.sqla import ModelView
from flask_admin.form import BaseForm
from flask_admin.helpers import get_redirect_target

from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Refusal
from console.core.forms import Catalogue, MarksSpoiled
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.web.answers import wants_json
from console.web.identity import current_actor


class ConsoleForm(MarksSpoiled, BaseForm):
    """The base of Flask-Admin's generated forms. CSRFProtect checks the token of every unsafe request."""

    class Meta(BaseForm.Meta):
        """The messages are ours."""

        def get_translations(self, _form: Any) -> Catalogue:
            return Catalogue()


class ByVerbs(ModelView):
    """The writing half of a list: a subclass says which verbs, and switches on what there is. The rest is not found."""

    form_base_class = ConsoleForm

    def create_verb(self, _actor: Actor, _form: Any) -> Any:
        """Call the verb that creates what the form says and return the new row (inside a transaction)."""
        raise NotFound

    def change_verb(self, _actor: Actor, _row: Any, _form: Any) -> None:
        """Call the verb that changes the row (inside a transaction)."""
        raise NotFound

    def mark(self, _row: Any) -> str:
        """Return the mark of a row as it is now, for a hidden field ``seen`` (``core.edit_conflicts``)."""
        return ""

    def delete_verb(self, _actor: Actor, _row: Any) -> None:
        """Call the verb that removes the row (inside a transaction)."""
        raise NotFound

    def create_model(self, form: Any) -> Any:
        """Create through the verb; ``None`` when it refused."""
        return self._attempt(lambda actor: self.create_verb(actor, form), form)[1]

    def update_model(self, form: Any, model: Any) -> bool:
        """Change through the verb; ``False`` when it refused."""
        key = model.id
        return self._attempt(lambda actor: self.change_verb(actor, self._wanted(key), form), form)[0]

    def delete_model(self, model: Any) -> bool:
        """Remove through the verb."""
        key = model.id
        return self._attempt(lambda actor: self.delete_verb(actor, self._wanted(key)), None)[0]

    def _attempt(self, verb: Callable[[Actor], Any], form: Any) -> tuple[bool, Any]:
        """Run ``verb`` in a transaction; tell whether it went, and what it returned.

        With a form a refusal is shown beside what was typed, without one it is raised.
        """
        actor = current_actor()
        try:
            with transaction():
                return True, verb(actor)
        except Refusal as refusal:
            if wants_json() or form is None:
                raise
            for name, texts in refusal.fields.items():
                if name in form:
                    form[name].errors = [*form[name].errors, *map(str, texts)]
            flash(str(refusal.message), "danger")
            g.refused = refusal
            return False, None

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> ResponseReturnValue:
        """Show the form for a new row, or create it."""
        form = self.create_form()
        if self.validate_form(form):
            row = self.create_model(form)
            if row is not None:
                flash(gettext("Created."), "success")
                return redirect(self.get_save_return_url(row, is_created=True), 303)
        return self._form_page(self.create_template, form, model=None)

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> ResponseReturnValue:
        """Show the form for a row, or change it."""
        row = self._wanted(request.values.get("id"))
        form = self.edit_form(obj=row)
        if self.validate_form(form) and self.update_model(form, row):
            flash(gettext("Saved."), "success")
            return redirect(self.get_save_return_url(row, is_created=False), 303)
        if "seen" in form and (request.method == "GET" or isinstance(g.get("refused"), Conflict)):
            db.session.refresh(row)
            form.seen.data = self.mark(row)  # whoever saves again has been told what happened meanwhile
        return self._form_page(self.edit_template, form, model=row)

    def _form_page(self, template: str, form: Any, **context: Any) -> ResponseReturnValue:
        tried = request.method == "POST"
        if tried and wants_json():
            raise Invalid(fields=form.errors)
        page = self.render(template, form=form, return_url=self._return_url(), **context)
        return page, g.refused.status if "refused" in g else 422 if tried else 200

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> ResponseReturnValue:
        """Remove one row."""
        self.delete_model(self._wanted(request.form.get("id")))
        flash(gettext("Deleted."), "success")
        return redirect(self._return_url(), 303)

    @expose("/action/", methods=("POST",))
    def action_view(self) -> ResponseReturnValue:
        """Do something to several rows."""
        name = request.form.get("action", "")
        handler = self._actions_data.get(name)
        if handler is None or not self.is_action_allowed(name):
            raise NotFound
        ids = request.form.getlist("rowid")
        if not ids:
            flash(gettext("Select at least one row first."), "warning")
            return redirect(self._return_url(), 303)
        answer: ResponseReturnValue | None = handler[0](ids)
        return answer if answer is not None else redirect(self._return_url(), 303)

    @action("delete", lazy_gettext("Delete"))
    def action_delete(self, _ids: tuple[str, ...]) -> None:
        """Flask-Admin's own deletes and commits row by row: it is off."""
        raise NotFound

    def is_action_allowed(self, name: str) -> bool:
        """Tell whether this person may use the bulk action ``name``."""
        return name != "delete" and bool(super().is_action_allowed(name))

    def _wanted(self, key: Any) -> Any:
        row = self.get_one(key)
        if row is None:
            raise NotFound
        return row

    def _return_url(self) -> str:
        return get_redirect_target() or self.get_url(".index_view")
