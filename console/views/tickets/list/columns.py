"""The columns of the ticket list: their cells, which of them are shown, and what the export has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from markupsafe import Markup, escape

from console.core.errors import Text
from console.core.texts import lazy_gettext, lazy_pgettext
from console.tickets.labels import SOURCE
from console.tickets.list_queries import DUE, KEY, PRIORITY, UPDATED
from console.tickets.models import NO_DUE, SavedView, Ticket
from console.views.shared.choices import department_name, names
from console.views.shared.export import state_cell
from console.views.shared.labels.tickets import PRIORITY as PRIORITY_LABELS
from console.views.shared.labels.tickets import due, status_label, ticket_url
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
# The order that the head of a column links to.
ORDERS = {"number": KEY, "created_at": KEY, "due_at": DUE, "priority": PRIORITY, "updated_at": UPDATED}


def known(names: Iterable[str]) -> tuple[str, ...]:
    """Return the columns among ``names``, in their own order and with the subject; without any, the usual ones."""
    columns = set(names) & LABELS.keys()
    return tuple(name for name in LABELS if name in columns or name == SUBJECT) if columns else USUAL


def cookie(view: int | None) -> str:
    """Return the name of the cookie with this browser's columns: of a shared view apart from the others'."""
    return COOKIE if view is None else f"{COOKIE}_{view}"


def of_view(view: SavedView | None) -> tuple[str, ...]:
    """Return the columns to show: those chosen in this browser, those of the saved view, or the usual ones."""
    of_browser = read_cookie(cookie(view.id)) if view is not None else ""
    if view is not None and not of_browser and view.columns:
        return known(view.columns)
    return known((of_browser or read_cookie(COOKIE)).split("."))


def is_unread(row: Ticket) -> bool:
    """Return whether something in an open ticket is new to the reader."""
    return row.is_open and row.last_seq > (row.read_seq or 0)


def is_mentioned(row: Ticket) -> bool:
    """Return whether a note the reader has not seen names them."""
    return (row.mention_seq or 0) > (row.read_seq or 0)


class Cells:
    """Draws the cells of a page's rows. What many rows have alike is drawn once."""

    def __init__(self) -> None:
        self._drawn: dict[object, Markup] = {}
        self._by_column: dict[str, Callable[[Ticket], Any]] = {
            "number": _number,
            SUBJECT: self._subject,
            "requester": _requester,
            "customer": _customer,
            "department": self._department,
            "priority": lambda row: self._once(row.priority, PRIORITY_LABELS[row.priority].status),
            "status": self._status,
            "assignee": self._assignee,
            "tags": _tags,
            "due_at": lambda row: due(row.due_at),
            "source": lambda row: SOURCE[row.source],
            "created_at": lambda row: ago(row.created_at),
            "updated_at": lambda row: ago(row.updated_at),
        }

    def draw(self, column: str, row: Ticket) -> Any:
        """Return the cell of ``row`` in ``column``."""
        return self._by_column[column](row)

    def drawers(self, columns: Iterable[str]) -> list[Callable[[Ticket], Any]]:
        """Return the functions that draw ``columns``."""
        return [self._by_column[column] for column in columns]

    def _once(self, key: object, draw: Callable[[], Any]) -> Markup:
        if key not in self._drawn:
            self._drawn[key] = escape(draw())
        return self._drawn[key]

    def _subject(self, row: Ticket) -> Markup:
        signs = ""
        if is_mentioned(row):
            signs += self._once("mention", lambda: _sign("sign-mention", "@", lazy_gettext("mentions you")))
        if is_unread(row):
            signs += self._once("unread", lambda: _sign("sign-unread", "", lazy_gettext("unread")))
        mark: Markup | str = " · "
        if row.last_by == "staff":
            mark = self._once("reply", lambda: Markup(" {} ").format(icon("reply", "icon-sm")))
        url = self._once("tickets", lambda: ticket_url("")) + row.number
        return Markup(
            f'<span class="subject-line">{signs}'
            f'<a class="subject truncate" href="{url}" data-open>{escape(row.subject)}</a></span>'
            f'<span class="preview truncate"><span class="ref">{row.number}</span>{mark}{escape(row.preview)}</span>'
        )

    def _department(self, row: Ticket) -> Markup:
        return self._once(("department", row.department_id), lambda: department_name(row.department_id))

    def _status(self, row: Ticket) -> Markup:
        label = status_label(row)
        return self._once(label, label.status)

    def _assignee(self, row: Ticket) -> Markup:
        if row.assignee_id is None:
            return self._once("unassigned", lambda: _muted(lazy_gettext("unassigned")))
        return Markup(f'<span class="truncate cell-name">{escape(names().staff.get(row.assignee_id, "?"))}</span>')


def _number(row: Ticket) -> Markup:
    return Markup(f'<span class="ref">{row.number}</span>')


def _requester(row: Ticket) -> Markup:
    name, email = escape(row.requester_name), escape(row.requester_email)
    return Markup(f'<span class="truncate cell-name" title="{email}">{name}</span>')


def _customer(row: Ticket) -> Markup:
    if row.customer is None:
        return _muted("—")
    return Markup('<a class="plain truncate cell-name" href="{}">{}</a> <span class="muted ref">{}</span>').format(
        customer_url(row.customer.number), row.customer.name, row.customer.number
    )


def _tags(row: Ticket) -> Markup:
    return Markup(" ").join(Markup('<span class="badge badge-line">{}</span>').format(tag) for tag in row.tags)


def _sign(css: str, text: str, label: Text) -> Markup:
    return Markup(
        '<span class="{0}" title="{2}"><span aria-hidden="true">{1}</span><span class="sr-only">{2}: </span></span>'
    ).format(css, text, label)


def _muted(text: Text) -> Markup:
    return Markup('<span class="muted">{}</span>').format(text)


def row_drawer(columns: Sequence[tuple[str, str]], select: str | None) -> Callable[[Ticket], Markup]:
    """Return a function that draws the cells of a row: a loop in the template takes four times as long.

    Args:
        columns: the columns and their labels.
        select: the label of a row's checkbox, ``%s`` for the ticket's number; no checkbox where it is empty.
    """
    drawers = Cells().drawers(name for name, _label in columns)
    begins = [
        f'<td class="col-{name}{" wide" if name == SUBJECT else ""}" data-label="{escape(label)}" data-cell="{name}"'
        for name, label in columns
    ]

    def draw(row: Ticket) -> Markup:
        number = row.number
        parts = [_checkbox(row, select.replace("%s", number)) if select else ""]
        mark = f' data-ticket="{number}"'  # on the first one
        for cell, begin in zip(drawers, begins, strict=True):
            parts.append(f"{begin}{mark}>{escape(cell(row))}</td>\n")
            mark = ""
        return Markup("".join(parts))

    return draw


def _checkbox(row: Ticket, label: str) -> str:
    return (
        f'<td class="list-checkbox-column"><input type="checkbox" name="rowid" value="{row.id}" form="picked" '
        f'data-pick data-number="{row.number}" data-title="{escape(row.subject)}" aria-label="{escape(label)}"></td>\n'
    )


EXPORT_COLUMNS = (
    "number", SUBJECT, "requester", "requester_email", "customer", "department", "priority", "status", "assignee",
    "tags", "due_at", "source", "created_at", "updated_at", "first_answered_at", "solved_at",
)  # fmt: skip
_EXPORT_CELLS: dict[str, Callable[[Ticket], Any]] = {
    "requester": lambda row: row.requester_name,
    "customer": lambda row: row.customer.number if row.customer else None,
    "department": lambda row: department_name(row.department_id),
    "priority": lambda row: state_cell(PRIORITY_LABELS, row.priority),
    "status": lambda row: str(status_label(row).text),
    "source": lambda row: state_cell(SOURCE, row.source),
    "assignee": lambda row: names().staff.get(row.assignee_id) if row.assignee_id else None,
    "tags": lambda row: ", ".join(row.tags),
    "due_at": lambda row: None if row.due_at >= NO_DUE else row.due_at,
}


def export_cell(row: Ticket, name: str) -> Any:
    """Return one cell of the export."""
    return _EXPORT_CELLS[name](row) if name in _EXPORT_CELLS else getattr(row, name)
