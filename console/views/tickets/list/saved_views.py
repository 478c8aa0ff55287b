"""The views of the ticket list: their names, saving, changing and counting them, and the choice of columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from flask import Response, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from console.core.errors import Invalid, Text
from console.core.forms import refuse_spoiled
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.tickets import list_queries
from console.tickets.list_queries import ALL, BUILT_IN
from console.tickets.models import SavedView, Ticket
from console.tickets.service import saved_views
from console.views.shared.base import BaseModelView
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


def count_views(ticket_list: BaseModelView, views: Iterable[SavedView]) -> ResponseReturnValue:
    """Answer how many tickets each view has, up to 999 and "more"; and the tags in use."""
    by_view = {key: read_ticket_list_query(MultiDict({"view": key}), ()) for key in BUILT_IN if key != ALL}
    for view in views:
        list_query = read_ticket_list_query(MultiDict(view.query), ())
        if not list_query.search:  # a search costs too much to run on each visit
            by_view[str(view.id)] = list_query
    counts = list_queries.count_each(
        {key: ticket_list.filtered(list_query).with_only_columns(Ticket.id) for key, list_query in by_view.items()}
    )
    return jsonify(
        counts={key: min(count, list_queries.MAX_COUNT) for key, count in counts.items()},
        more=[key for key, count in counts.items() if count > list_queries.MAX_COUNT],
        tags=list_queries.known_tags(),
    )


def save(list_query: TicketListQuery) -> ResponseReturnValue:
    """Save the list, as the address has it, under a name."""
    refuse_spoiled("name")
    with transaction():
        view = saved_views.save_view(
            current_actor(),
            request.form.get("name", ""),
            list_query.stored(),
            columns.of_view(list_query.began),
            shared=request.form.get("shared") == "1",
        )
    return _answer(view, gettext("View saved."), 201)


def change(key: int, list_query: TicketListQuery) -> ResponseReturnValue:
    """Rename a view, share it, or let it show what the address has now."""
    refuse_spoiled("name")
    form = request.form
    with transaction():
        view = saved_views.change_view(
            current_actor(),
            key,
            name=form.get("name"),
            query=list_query.stored() if form.get("replace") == "1" else None,
            shared=form["shared"] == "1" if "shared" in form else None,
        )
    return _answer(view, gettext("View saved."))


def remove(key: int) -> ResponseReturnValue:
    """Delete a view."""
    with transaction():
        saved_views.remove_view(current_actor(), key)
    if wants_json():
        return jsonify(removed=True)
    flash(gettext("View deleted."), "success")
    return redirect(url_for("tickets.index_view", view="mine"), 303)


def choose_columns(list_query: TicketListQuery) -> ResponseReturnValue:
    """Choose the columns: of a saved view that the reader may change: saved; of others: in this browser only."""
    names = request.form.getlist("columns")
    if not names:
        raise Invalid(gettext("Choose at least one column."))
    chosen, view = columns.known(names), list_query.began
    in_view = view is not None and saved_views.may_change(current_actor(), view)
    if in_view and view is not None:
        key = view.id
        with transaction():
            saved_views.change_view(current_actor(), key, columns=chosen)
    answer: Response = (
        jsonify(columns=list(chosen))
        if wants_json()
        else redirect(url_for("tickets.index_view", **cast("dict[str, Any]", list_query.query())), 303)  # type: ignore[assignment]
    )
    if not in_view:
        remember(answer, columns.cookie(None if view is None else view.id), ".".join(chosen))
    return answer


def _answer(view: SavedView, message: str, status: int = 200) -> ResponseReturnValue:
    if wants_json():
        payload = {"id": view.id, "name": view.name, "shared": view.shared, "query": view.query}
        return jsonify(view=payload), status
    flash(message, "success")
    return redirect(url_for("tickets.index_view", saved=view.id), 303)
