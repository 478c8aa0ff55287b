"""What the ticket list can be narrowed by, beside its views. All of them combine."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

from flask import g
from sqlalchemy import Select

from console.core import clock
from console.core.context import settings
from console.core.emails import normal_email
from console.core.errors import Text
from console.core.ids import read_key
from console.core.texts import gettext, lazy_gettext, pgettext
from console.tickets import list_queries
from console.tickets.list_queries import BUILT_IN, Names
from console.tickets.models import Priority, Ticket, TicketSource
from console.views.shared.filters import Choice, CustomerNumber, Day, Exact, Flag, ListFilter
from console.views.shared.labels.tickets import PRIORITY, SOURCE, STATUS
from console.web.filters import language
from console.web.identity import current_actor

ME, NOBODY = "me", "none"
MY_DEPARTMENTS = "mine"
DAY = timedelta(days=1)


def names() -> Names:
    """Return departments and colleagues; read once a request."""
    if "ticket_names" not in g:
        g.ticket_names = list_queries.load_names()
    found: Names = g.ticket_names
    return found


def department_name(key: int) -> str:
    """Return what a department is called in the reader's language."""
    serbian, english = names().departments.get(key, ("?", "?"))
    return english if language() == "en" else serbian


def departments() -> dict[str, str]:
    """Return the departments in use, to choose from."""
    return {str(key): department_name(key) for key in names().departments if key not in names().inactive_departments}


def colleagues() -> dict[str, str]:
    """Return who works on tickets, to choose from."""
    known = names()
    return {str(key): name for key, name in known.staff.items() if key not in known.former_staff}


def _departments() -> dict[str, str]:
    return {
        MY_DEPARTMENTS: pgettext("departments", "mine"),
        **{str(key): department_name(key) for key in names().departments},
    }


def assignees() -> dict[str, str]:
    return {ME: gettext("me"), NOBODY: gettext("unassigned"), **colleagues()}


class LazyChoices(Mapping[str, Text]):
    """Choices that are read when a request needs them."""

    def __init__(self, ask: Callable[[], Mapping[str, Text]]) -> None:
        self._ask = ask

    def __getitem__(self, key: str) -> Text:
        return self._ask()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ask())

    def __len__(self) -> int:
        return len(self._ask())

    def items(self) -> ItemsView[str, Text]:
        """Return all of them, asked for once: a mapping's own way asks again for each."""
        return self._ask().items()


@dataclass(frozen=True)
class View(ListFilter):
    """One of the views that are always there."""

    kind: ClassVar[str] = "view"

    def read(self, text: str) -> str:
        if text not in BUILT_IN:
            raise ValueError(text)
        return text

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        return query.where(BUILT_IN[value].condition(current_actor(), clock.now()))


@dataclass(frozen=True)
class Department(Choice):
    """Of one department, or of those the reader works in."""

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        if value == MY_DEPARTMENTS:
            return query.where(list_queries.of_my_departments(current_actor()))
        return query.where(Ticket.department_id == int(value))


@dataclass(frozen=True)
class Urgency(Choice):
    """How urgent it is."""

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        return query.where(Ticket.priority == Priority(int(value)))


@dataclass(frozen=True)
class Assignee(Choice):
    """Whose it is; somebody who works here no more can still be asked for by their key."""

    def read(self, text: str) -> str:
        if text in (ME, NOBODY) or read_key(text) is not None:
            return text
        raise ValueError(text)

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        if value == NOBODY:
            return query.where(self.column.is_(None))
        return query.where(self.column == (current_actor().id if value == ME else int(value)))

    def show(self, value: str) -> str:
        if value in (ME, NOBODY):
            return str(self.choices[value])
        return names().staff.get(int(value), value)


@dataclass(frozen=True)
class Tag(Exact):
    """It has this tag."""

    def read(self, text: str) -> str:
        return super().read(text).lower()

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        return query.where(list_queries.tagged(value))


@dataclass(frozen=True)
class Email(Exact):
    """Asked from this address."""

    def read(self, text: str) -> str:
        return normal_email(super().read(text))


@dataclass(frozen=True)
class LocalDay(Day):
    """A day here, of a column that holds instants."""

    def read(self, text: str) -> date:
        value = super().read(text)
        if not date(1970, 1, 1) <= value <= date(2999, 12, 31):
            raise ValueError(text)
        return value

    def apply(self, query: Select[Any], value: date) -> Select[Any]:
        begins = datetime.combine(value, time(), settings().zone)
        ends = datetime.combine(value + DAY, time(), settings().zone)
        if self.compare == "from":
            return query.where(self.column >= begins)
        if self.compare == "until":
            return query.where(self.column < ends)
        return query.where(self.column >= begins, self.column < ends)


FILTERS: tuple[ListFilter, ...] = (
    View("view", lazy_gettext("View")),
    Assignee("assignee", lazy_gettext("Assignee"), Ticket.assignee_id, LazyChoices(assignees)),
    Department("department", lazy_gettext("Department"), Ticket.department_id, LazyChoices(_departments)),
    Choice("status", lazy_gettext("State"), Ticket.status, {key.value: label.text for key, label in STATUS.items()}),
    Urgency(
        "priority",
        lazy_gettext("Priority"),
        Ticket.priority,
        {str(int(key)): label.text for key, label in reversed(PRIORITY.items())},
    ),
    Choice("source", lazy_gettext("Source"), Ticket.source, {key.value: SOURCE[key] for key in TicketSource}),
    Tag("tag", lazy_gettext("Tag"), None),
    CustomerNumber("customer", lazy_gettext("Customer number"), Ticket.customer_id),
    Email("requester", lazy_gettext("Requester’s e-mail"), Ticket.requester_email, hint="ime@example.rs"),
    LocalDay("created_from", lazy_gettext("Created from"), Ticket.created_at, compare="from"),
    LocalDay("created_until", lazy_gettext("Created until"), Ticket.created_at, compare="until"),
    LocalDay("updated_from", lazy_gettext("Changed from"), Ticket.updated_at, compare="from"),
    LocalDay("updated_until", lazy_gettext("Changed until"), Ticket.updated_at, compare="until"),
    Flag("unread", lazy_gettext("Unread only"), lambda: list_queries.unread(current_actor())),
    Flag("mentioned", lazy_gettext("Mentions me"), lambda: list_queries.mentioned(current_actor())),
)
AT_ONCE = ("assignee", "department", "status")  # which filters stand beside the search box
