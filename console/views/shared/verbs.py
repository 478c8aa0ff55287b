"""Lists that are written to: the domains' verbs write, never Flask-Admin's own methods, which know no audit log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request
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
    """The base of the lists' forms. CSRFProtect checks the token of every unsafe request."""

    class Meta(BaseForm.Meta):
        """The messages are ours."""

        def get_translations(self, _form: Any) -> Catalogue:
            return Catalogue()


class VerbModelView(ModelView):
    """A ``ModelView`` that writes by verbs: a subclass says which, and switches on what there is.

    Its views replace Flask-Admin's because an answer has a status here: 303 after a change, 422 with the form for bad
    input, 409 for a conflict, and JSON for programs. Flask-Admin's answer 302 and 200.
    """

    form_base_class = ConsoleForm

    def create_verb(self, _actor: Actor, _form: Any) -> Any:
        """Call the verb that creates what the form says and return the new row (inside a transaction)."""
        raise NotFound

    def change_verb(self, _actor: Actor, _row: Any, _form: Any) -> None:
        """Call the verb that changes the row (inside a transaction)."""
        raise NotFound

    def delete_verb(self, _actor: Actor, _row: Any) -> None:
        """Call the verb that removes the row (inside a transaction)."""
        raise NotFound

    def mark(self, _row: Any) -> str:
        """Return the mark of a row as it is now, for a hidden field ``seen`` (``core.edit_conflicts``)."""
        return ""

    def find_row(self, key: Any) -> Any:
        """Return the row in scope.

        Raises:
            NotFound: there is none.
        """
        row = self.get_one(key)
        if row is None:
            raise NotFound
        return row

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> ResponseReturnValue:
        """Show the form for a new row, or create it."""
        form, refusal = self.create_form(), None
        if self.validate_form(form):
            row, refusal = _try_verb(lambda actor: self.create_verb(actor, form), form)
            if refusal is None:
                flash(gettext("Created."), "success")
                return redirect(self.get_save_return_url(row, is_created=True), 303)
        return self.render_form(self.create_template, form, refusal, model=None)

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> ResponseReturnValue:
        """Show the form for a row, or change it."""
        row = self.find_row(request.values.get("id"))
        form, refusal = self.edit_form(obj=row), None
        if self.validate_form(form):
            refusal = self.change_row(row, form)
            if refusal is None:
                flash(gettext("Saved."), "success")
                return redirect(self.get_save_return_url(row, is_created=False), 303)
        if "seen" in form and (request.method == "GET" or isinstance(refusal, Conflict)):
            db.session.refresh(row)
            form.seen.data = self.mark(row)  # after a conflict the form shows it, so saving again is meant
        return self.render_form(self.edit_template, form, refusal, model=row)

    def change_row(self, row: Any, form: Any) -> Refusal | None:
        """Change the row through the verb; return why it refused."""
        key = row.id  # a refusal expires the row
        return _try_verb(lambda actor: self.change_verb(actor, self.find_row(key), form), form)[1]

    def render_form(
        self, template: str, form: Any, refusal: Refusal | None = None, **context: Any
    ) -> ResponseReturnValue:
        """Render the form with the status of its answer; programs get what is wrong as an error."""
        is_sent = request.method == "POST"
        if is_sent and wants_json():
            raise Invalid(fields=form.errors)
        page = self.render(template, form=form, return_url=self.return_url(), **context)
        return page, refusal.status if refusal is not None else 422 if is_sent else 200

    @expose("/delete/", methods=("POST",))
    def delete_view(self) -> ResponseReturnValue:
        """Remove one row."""
        key = self.find_row(request.form.get("id")).id
        with transaction():
            self.delete_verb(current_actor(), self.find_row(key))
        flash(gettext("Deleted."), "success")
        return redirect(self.return_url(), 303)

    @expose("/action/", methods=("POST",))
    def action_view(self) -> ResponseReturnValue:
        """Run a bulk action on the selected rows."""
        actions, _confirmations = self.get_actions_list()
        if request.form.get("action") not in dict(actions):
            raise NotFound
        if not request.form.getlist("rowid"):
            flash(gettext("Select at least one row first."), "warning")
            return redirect(self.return_url(), 303)
        answer = self.handle_action()
        return redirect(answer.location, 303) if answer.status_code == 302 else answer

    @action("delete", lazy_gettext("Delete"))
    def action_delete(self, _ids: tuple[str, ...]) -> None:
        """Flask-Admin's own deletes and commits row by row: it is off."""
        raise NotFound

    def is_action_allowed(self, name: str) -> bool:
        """Return whether this person may use the bulk action ``name``."""
        return name != "delete" and bool(super().is_action_allowed(name))

    def return_url(self) -> str:
        """Return the page to go back to: the one that the request names, or the list."""
        return get_redirect_target() or self.get_url(".index_view")


def _try_verb(verb: Callable[[Actor], Any], form: Any) -> tuple[Any, Refusal | None]:
    """Run ``verb`` in a transaction; return its result, or the refusal, which is then on the form too."""
    try:
        with transaction():
            return verb(current_actor()), None
    except Refusal as refusal:
        if wants_json():
            raise
        for name, texts in refusal.fields.items():
            if name in form:
                form[name].errors = [*form[name].errors, *map(str, texts)]
        flash(str(refusal.message), "danger")
        return None, refusal
