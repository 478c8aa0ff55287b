"""The filters of the chat list. All of them combine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select

from console.chat.models import Chat
from console.core.errors import Text
from console.core.ids import read_key
from console.core.texts import lazy_gettext, lazy_pgettext
from console.views.shared.choices import LazyChoices, assignees, department_name, departments
from console.views.shared.filters import Assignee, Choice, CustomerNumber, Email, Flag, ListFilter, LocalDay
from console.views.shared.labels.chats import STATUS

ANY, POOR = "any", "poor"
RATINGS: dict[str, Text] = {
    ANY: lazy_pgettext("rating", "any"),
    POOR: lazy_pgettext("rating", "1 or 2"),
    **{str(score): str(score) for score in (5, 4, 3, 2, 1)},
}
POOR_AT_MOST = 2


@dataclass(frozen=True)
class Department(Choice):
    """Asked in one department; a closed one can still be found by its key."""

    def read(self, text: str) -> str:
        if read_key(text) is None:
            raise ValueError(text)
        return text

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        return query.where(Chat.department_id == int(value))

    def show(self, value: str) -> str:
        return department_name(int(value))


@dataclass(frozen=True)
class Rating(Choice):
    """How it was rated."""

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        if value == ANY:
            return query.where(Chat.rating.is_not(None))
        return query.where(Chat.rating <= POOR_AT_MOST if value == POOR else Chat.rating == int(value))


FILTERS: tuple[ListFilter, ...] = (
    Choice("status", lazy_gettext("State"), Chat.status, {key.value: label.text for key, label in STATUS.items()}),
    Department("department", lazy_gettext("Department"), Chat.department_id, LazyChoices(departments)),
    Assignee("agent", lazy_gettext("Agent"), Chat.assignee_id, LazyChoices(assignees)),
    Rating("rating", lazy_gettext("Rating"), Chat.rating, RATINGS),
    CustomerNumber("customer", lazy_gettext("Customer number"), Chat.customer_id),
    Email("email", lazy_gettext("Visitor’s e-mail"), Chat.email, hint="ime@example.rs"),
    LocalDay("since", lazy_gettext("Started from"), Chat.created_at, compare="from"),
    LocalDay("until", lazy_gettext("Started until"), Chat.created_at, compare="until"),
    Flag("verified", lazy_pgettext("chats", "Verified only"), lambda: Chat.customer_id.is_not(None)),
)
