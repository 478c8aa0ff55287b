"""The filters of the ticket list, its views among them. All of them combine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import Select

from console.core import clock
from console.core.texts import lazy_gettext, pgettext
from console.tickets import list_queries
from console.tickets.labels import SOURCE
from console.tickets.list_queries import BUILT_IN
from console.tickets.models import Priority, Ticket, TicketSource
from console.views.shared.choices import LazyChoices, assignees, department_name, names
from console.views.shared.filters import Assignee, Choice, CustomerNumber, Email, Exact, Flag, ListFilter, LocalDay
from console.views.shared.labels.tickets import PRIORITY, STATUS
from console.web.identity import current_actor

MY_DEPARTMENTS = "mine"


def _departments() -> dict[str, str]:
    return {
        MY_DEPARTMENTS: pgettext("departments", "mine"),
        **{str(key): department_name(key) for key in names().departments},
    }


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
class Tag(Exact):
    """It has this tag."""

    def read(self, text: str) -> str:
        return super().read(text).lower()

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        return query.where(list_queries.tagged(value))


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
INLINE = ("assignee", "department", "status")  # these are next to the search box, the others in its menu
