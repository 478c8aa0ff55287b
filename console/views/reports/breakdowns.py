"""Figures by department and by agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from console.core.sorting import sort_key
from console.core.texts import gettext
from console.views.shared.choices import department_name, names

StatsType = TypeVar("StatsType")


def by_department(found: Mapping[int, StatsType]) -> list[tuple[int, str, StatsType]]:
    """Return the departments that have figures, in their order."""
    return [(key, department_name(key), found[key]) for key in names().departments if key in found]


def by_agent(found: Mapping[int | None, StatsType]) -> list[tuple[int | None, str, StatsType]]:
    """Return the agents that have figures, by name; unassigned ones come last."""
    people: list[tuple[int | None, str, StatsType]] = [
        (key, names().staff.get(key, "?"), figures) for key, figures in found.items() if key is not None
    ]
    people.sort(key=lambda one: sort_key(one[1]))
    return [*people, (None, gettext("unassigned"), found[None])] if None in found else people
