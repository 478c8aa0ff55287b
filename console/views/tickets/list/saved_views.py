"""The list's views: their names, saving, changing and counting them, and which columns a browser shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Response, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from werkzeug.datastructures import MultiDict

from console.core.errors import Invalid, Text
from console.core.forms import refuse_spoiled
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.tickets import list_queries
from console.tickets.list_queries import ALL, BUILT_IN
from console.tickets.models import SavedView, Ticket
from console.tickets.service import saved_views
from console.views.tickets.list import columns
from console.views.tickets.list.query import TicketListQuery, read_ticket_list_query
from console.web.answers import wants_json
from console.web.cookies import remember
from console.web.identity import current_actor

VIEW_NAMES: dict[str, tuple[Text, Text]] = {
    "mine": (lazy_gettext("My open"), lazy_gettext("You have no open tickets. Take one from the unassigned.")),
    "unassigned": (lazy_gettext("Unassigned"), lazy_gettext("Every open ticket is assigned.")),
    "risk": (lazy_gettext("At risk"), lazy_gettext("No SLA target is missed or due within the hour.")),
    "waiting": (lazy_gettext("Waiting"), lazy_gettext("No tickets waiting for a customer.")),
    "open": (lazy_gettext("All open"), lazy_gettext("No open tickets.")),
    "watched": (lazy_gettext("Watching"), lazy_gettext("Tickets you watch, and those in which a note mentions you.")),
    "solved": (lazy_gettext("Recently solved"), lazy_gettext("No tickets were solved in the last 7 days.")),
    ALL: (
        lazy_gettext("All"),
        lazy_gettext("Tickets from e-mail, the web form and chat, and those you open, appear here."),
    ),
}

if TYPE_CHECKING:
    from console.views.shared.base import BaseModelView as _Base
else:
    _Base = object


class TicketViews(_Base):
    """The addresses of views (a mixin of the list)."""

    if TYPE_CHECKING:

        def saved_views(self) -> list[SavedView]: ...
        def read_list_query(self) -> TicketListQuery: ...
        def _narrowed(self, ask: TicketListQuery) -> Any: ...

    @expose("/counts")
    def counts(self) -> ResponseReturnValue:
        """Tell how many tickets each view has, up to 999 and "more"; and the tags in use."""
        asked = {key: read_ticket_list_query(MultiDict({"view": key}), ()) for key in BUILT_IN if key != ALL}
        for view in self.saved_views():
            ask = read_ticket_list_query(MultiDict(view.query), ())
            if not ask.search:  # a search is not counted: it would be asked on each visit
                asked[str(view.id)] = ask
        counted = list_queries.count_each(
            {key: self._narrowed(ask).with_only_columns(Ticket.id) for key, ask in asked.items()}
        )
        return jsonify(
            counts={key: min(count, list_queries.MAX_COUNT) for key, count in counted.items()},
            more=[key for key, count in counted.items() if count > list_queries.MAX_COUNT],
            tags=list_queries.known_tags(),
        )

    @expose("/views", methods=("POST",))
    def save_view(self) -> ResponseReturnValue:
        """Keep the list, as the address has it, under a name."""
        refuse_spoiled("name")
        ask = self.read_list_query()
        with transaction():
            view = saved_views.save_view(
                current_actor(),
                request.form.get("name", ""),
                ask.stored(),
                columns.of_view(ask.began),
                shared=request.form.get("shared") == "1",
            )
        return self._view_answer(view, gettext("View saved."), 201)

    @expose("/views/<id:key>", methods=("POST",))
    def change_view(self, key: int) -> ResponseReturnValue:
        """Rename a view, share it, or let it show what the address has now."""
        refuse_spoiled("name")
        ask = self.read_list_query()
        form = request.form
        with transaction():
            view = saved_views.change_view(
                current_actor(),
                key,
                name=form.get("name"),
                query=ask.stored() if form.get("replace") == "1" else None,
                shared=form["shared"] == "1" if "shared" in form else None,
            )
        return self._view_answer(view, gettext("View saved."))

    @expose("/views/<id:key>/remove", methods=("POST",))
    def remove_view(self, key: int) -> ResponseReturnValue:
        """Forget a view."""
        with transaction():
            saved_views.remove_view(current_actor(), key)
        if wants_json():
            return jsonify(removed=True)
        flash(gettext("View deleted."), "success")
        return redirect(url_for("tickets.index_view", view="mine"), 303)

    @expose("/columns", methods=("POST",))
    def choose_columns(self) -> ResponseReturnValue:
        """Choose what the list shows: in a saved view one may change for good, else in this browser."""
        ask = self.read_list_query()
        wanted = request.form.getlist("columns")
        if not wanted:
            raise Invalid(gettext("Choose at least one column."))
        shown = columns.chosen(wanted)
        actor = current_actor()
        kept = ask.began is not None and saved_views.may_change(actor, ask.began)
        if kept and ask.began is not None:
            key = ask.began.id
            with transaction():
                saved_views.change_view(actor, key, columns=shown)
        answer: Response = (
            jsonify(columns=list(shown))
            if wants_json()
            else redirect(url_for("tickets.index_view", **cast("dict[str, Any]", ask.query())), 303)  # type: ignore[assignment]
        )
        if not kept:
            remember(answer, columns.cookie(None if ask.began is None else ask.began.id), ".".join(shown))
        return answer

    def _view_answer(self, view: SavedView, message: str, status: int = 200) -> ResponseReturnValue:
        if wants_json():
            told = {"id": view.id, "name": view.name, "shared": view.shared, "query": view.query}
            return jsonify(view=told), status
        flash(message, "success")
        return redirect(url_for("tickets.index_view", saved=view.id), 303)
