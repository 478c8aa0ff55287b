"""What filters the audit log: when, who, and which kind of action."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select

from console.audit.models import AuditEntry
from console.core.db import db
from console.core.emails import normal_email
from console.core.errors import Text
from console.core.text import fold
from console.core.texts import lazy_gettext
from console.customers.models import Person
from console.staff.models import Staff
from console.views.shared.filters import Choice, CustomerNumber, Exact, ListFilter, LocalDay
from console.views.shared.labels.audit import ACTOR_KINDS, AREAS, action_names, actions_of


def _choices() -> dict[str, Text]:
    """Return what may be chosen: a whole area, or one action."""
    return {key: name for key, (name, _prefixes) in AREAS.items()} | action_names()


@dataclass(frozen=True)
class Action(Choice):
    """One action, or all of an area."""

    def groups(self) -> Iterable[tuple[str, Text, Mapping[str, Text]]]:
        """Yield each area with its name and its actions, for the list to choose from."""
        names = action_names()
        for key, (name, _prefixes) in AREAS.items():
            yield key, name, {action: names[action] for action in actions_of(key)}

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        return query.where(AuditEntry.action.in_(actions_of(value) if value in AREAS else [value]))


@dataclass(frozen=True)
class Who(Exact):
    """A person by their e-mail or name; a colleague by a part of the name, too."""

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        staff = [key for key, name, email in _staff() if fold(value) in (fold(name), fold(email)) or _part(value, name)]
        people = select(Person.id).where(or_(Person.email == normal_email(value), Person.name == value))
        return query.where(
            or_(
                AuditEntry.actor_name == value,
                _actor("staff", AuditEntry.actor_id.in_(staff)),
                _actor("person", AuditEntry.actor_id.in_(people)),
            )
        )


def _actor(kind: str, key: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(AuditEntry.actor_kind == kind, key)


def _part(value: str, name: str) -> bool:
    return fold(value) in fold(name).split()


def _staff() -> list[tuple[int, str, str]]:
    return [
        (key, name, email)
        for key, name, email in db.session.execute(select(Staff.id, Staff.name, Staff.email).order_by(Staff.name))
    ]


def _known() -> dict[str, Text]:
    """Return the colleagues' names, offered while typing."""
    return {name: email for _key, name, email in _staff()}


FILTERS: tuple[ListFilter, ...] = (
    Action("action", lazy_gettext("What"), AuditEntry.action, _choices()),
    Choice("kind", lazy_gettext("User"), AuditEntry.actor_kind, ACTOR_KINDS),
    Who("actor", lazy_gettext("Who"), AuditEntry.actor_name, _known, hint=lazy_gettext("name or e-mail")),
    LocalDay("since", lazy_gettext("From"), AuditEntry.at, compare="from"),
    LocalDay("until", lazy_gettext("Until"), AuditEntry.at, compare="until"),
    Exact("subject", lazy_gettext("Affected item"), AuditEntry.subject, hint="M-0317"),
    CustomerNumber("customer", lazy_gettext("Customer number"), AuditEntry.customer_id),
)
