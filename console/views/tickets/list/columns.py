"""The columns of the ticket list, and which of them somebody wants to see."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import g
from markupsafe import Markup, escape

from console.core.errors import Text
from console.core.texts import lazy_gettext, lazy_pgettext
from console.tickets.list_queries import DUE, KEY, PRIORITY, UPDATED
from console.tickets.models import NO_DUE, SavedView, Ticket
from console.views.shared.choices import department_name, names
from console.views.shared.export import words
from console.views.shared.labels.tickets import PRIORITY as PRIORITY_LABELS
from console.views.shared.labels.tickets import SOURCE, due, status_label, ticket_url
from console.views.shared.menu import customer_url
from console.web.cookies import read_cookie
from console.web.filters import ago, icon

COOKIE = "ticket_columns"
SUBJECT = "subject"  # always shown: it is the way to the ticket
LABELS: dict[str, Text] = {
    "number": lazy_gettext("Number"),
    SUBJECT: lazy_gettext("Subject"),
    "requester": lazy_gettext("Requester"),
    "customer": lazy_gettext("Customer"),
    "department": lazy_gettext("Department"),
    "priority": lazy_gettext("Priority"),
    "status": lazy_gettext("State"),
    "assignee": lazy_gettext("Assignee"),
    "tags": lazy_gettext("Tags"),
    "due_at": lazy_pgettext("SLA target", "Due"),
    "source": lazy_gettext("Source"),
    "created_at": lazy_gettext("Created"),
    "updated_at": lazy_gettext("Changed"),
}
USUAL = (SUBJECT, "requester", "status", "priority", "assignee", "due_at", "updated_at")
# The order that a column's head asks for.
ORDERS = {"number": KEY, "created_at": KEY, "due_at": DUE, "priority": PRIORITY, "updated_at": UPDATED}


def chosen(wanted: Iterable[str]) -> tuple[str, ...]:
    """Return the columns of ``wanted`` that there are, in their own order, the subject among them; else the usual."""
    asked = set(wanted) & LABELS.keys()
    return tuple(name for name in LABELS if name in asked or name == SUBJECT) if asked else USUAL


def cookie(view: int | None) -> str:
    """Return the name under which this browser keeps the columns, of a shared view apart from the others'."""
    return COOKIE if view is None else f"{COOKIE}_{view}"


def of_view(view: SavedView | None) -> tuple[str, ...]:
    """Return what to show: as this browser was told, as the saved view has it, or what is usual."""
    told = read_cookie(cookie(view.id)) if view is not None else ""
    if view is not None and not told and view.columns:
        return chosen(view.columns)
    return chosen((told or read_cookie(COOKIE)).split("."))


def is_unread(row: Ticket) -> bool:
    """Tell whether something in an open ticket is new to the reader."""
    seq, _mention = read_marks(row)
    return row.is_open and row.last_seq > seq


def is_mentioned(row: Ticket) -> bool:
    """Tell whether a note the reader has not seen names them."""
    seq, mention = read_marks(row)
    return mention > seq


def read_marks(row: Ticket) -> tuple[int, int]:
    """Return how far the reader has read, and the last entry that names them."""
    marks: dict[int, tuple[int, int]] = g.get("ticket_marks", {})
    return marks.get(row.id, (0, 0))


def _once(name: object, draw: Callable[[], Any]) -> Markup:
    """Draw what many rows of a page have alike once a request."""
    drawn: dict[object, Markup] = g.setdefault("ticket_drawn", {})
    if name not in drawn:
        drawn[name] = escape(draw())
    return drawn[name]


def _number(row: Ticket) -> Markup:
    return Markup(f'<span class="ref">{row.number}</span>')


def _subject(row: Ticket) -> Markup:
    signs = ""
    if is_mentioned(row):
        signs += _once("mention", lambda: _sign("sign-mention", "@", lazy_gettext("mentions you")))
    if is_unread(row):
        signs += _once("unread", lambda: _sign("sign-unread", "", lazy_gettext("unread")))
    joint = _once("reply", lambda: Markup(" {} ").format(icon("reply", "icon-sm"))) if row.last_by == "staff" else " · "
    url = _once("tickets", lambda: ticket_url("")) + row.number
    return Markup(
        f'<span class="subject-line">{signs}'
        f'<a class="subject truncate" href="{url}" data-open>{escape(row.subject)}</a></span>'
        f'<span class="preview truncate"><span class="ref">{row.number}</span>{joint}{escape(row.preview)}</span>'
    )


def _sign(css: str, text: str, words: Text) -> Markup:
    return Markup(
        '<span class="{0}" title="{2}"><span aria-hidden="true">{1}</span><span class="sr-only">{2}: </span></span>'
    ).format(css, text, words)


def _requester(row: Ticket) -> Markup:
    name, email = escape(row.requester_name), escape(row.requester_email)
    return Markup(f'<span class="truncate cell-name" title="{email}">{name}</span>')


def _customer(row: Ticket) -> Markup:
    if row.customer is None:
        return _dash()
    return Markup('<a class="plain truncate cell-name" href="{}">{}</a> <span class="muted ref">{}</span>').format(
        customer_url(row.customer.number), row.customer.name, row.customer.number
    )


def _assignee(row: Ticket) -> Markup:
    if row.assignee_id is None:
        return _once("nobody", lambda: Markup('<span class="muted">{}</span>').format(lazy_gettext("unassigned")))
    return Markup(f'<span class="truncate cell-name">{escape(names().staff.get(row.assignee_id, "?"))}</span>')


def _tags(row: Ticket) -> Markup:
    return Markup(" ").join(Markup('<span class="badge badge-line">{}</span>').format(tag) for tag in row.tags)


def _status(row: Ticket) -> Markup:
    label = status_label(row)
    return _once(label, label.status)


def _priority(row: Ticket) -> Markup:
    return _once(row.priority, PRIORITY_LABELS[row.priority].status)


def _dash() -> Markup:
    return Markup('<span class="muted">—</span>')


CELLS: dict[str, Callable[[Ticket], Any]] = {
    "number": _number,
    SUBJECT: _subject,
    "requester": _requester,
    "customer": _customer,
    "department": lambda row: _once(("department", row.department_id), lambda: department_name(row.department_id)),
    "priority": _priority,
    "status": _status,
    "assignee": _assignee,
    "tags": _tags,
    "due_at": lambda row: due(row.due_at),
    "source": lambda row: SOURCE[row.source],
    "created_at": lambda row: ago(row.created_at),
    "updated_at": lambda row: ago(row.updated_at),
}


def row_drawer(shown: Iterable[tuple[str, str]], select: str | None) -> Callable[[Ticket], Markup]:
    """Return what draws the cells of a row: for a page of rows it costs a quarter of what the template's loop did.

    Args:
        shown: the columns and what they are called.
        select: what a row's box says, ``%s`` for the ticket's number; none has a box where it is empty.
    """
    columns = [
        (
            CELLS[key],
            f'<td class="col-{key}{" wide" if key == SUBJECT else ""}" data-label="{escape(name)}" data-cell="{key}"',
        )
        for key, name in shown
    ]

    def draw(row: Ticket) -> Markup:
        number = row.number
        parts = [_box(row, select.replace("%s", number)) if select else ""]
        mark = f' data-ticket="{number}"'  # on the first one
        for cell, begin in columns:
            parts.append(f"{begin}{mark}>{escape(cell(row))}</td>\n")
            mark = ""
        return Markup("".join(parts))

    return draw


def _box(row: Ticket, words: str) -> str:
    return (
        f'<td class="list-checkbox-column"><input type="checkbox" name="rowid" value="{row.id}" form="picked" '
        f'data-pick data-number="{row.number}" data-title="{escape(row.subject)}" aria-label="{escape(words)}"></td>\n'
    )


EXPORTED = (
    "number", SUBJECT, "requester", "requester_email", "customer", "department", "priority", "status", "assignee",
    "tags", "due_at", "source", "created_at", "updated_at", "first_answered_at", "solved_at",
)  # fmt: skip
_WRITTEN: dict[str, Callable[[Ticket], Any]] = {
    "requester": lambda row: row.requester_name,
    "customer": lambda row: row.customer.number if row.customer else None,
    "department": lambda row: department_name(row.department_id),
    "priority": lambda row: words(PRIORITY_LABELS, row.priority),
    "status": lambda row: str(status_label(row).text),
    "source": lambda row: words(SOURCE, row.source),
    "assignee": lambda row: names().staff.get(row.assignee_id) if row.assignee_id else None,
    "tags": lambda row: ", ".join(row.tags),
    "due_at": lambda row: None if row.due_at >= NO_DUE else row.due_at,
}


def written(row: Ticket, name: str) -> Any:
    """Return one cell of the export."""
    return _WRITTEN[name](row) if name in _WRITTEN else getattr(row, name)
