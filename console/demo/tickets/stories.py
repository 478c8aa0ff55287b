"""Reading the tickets of the demo from ``data/tickets/``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from console.demo import data
from console.demo.tickets import steps
from console.demo.tickets.steps import Case, Step
from console.tickets.models import Priority, TicketSource, TicketStatus

FILES = ("past", "with_customer", "in_work", "new")
NONE = "none"  # TOML has no empty value


def _status(text: str) -> TicketStatus | None:
    return None if text == NONE else TicketStatus(text)


def _priority(text: str) -> Priority:
    return Priority[text.upper()]


def _points(points: list[Any]) -> tuple[int | None, ...]:
    return tuple(None if one == NONE else int(one) for one in points)


# How a field is read that is neither a text nor a number.
_CASE: dict[str, Callable[[Any], Any]] = {"priority": _priority, "source": TicketSource}
_STEPS: dict[type[Step], dict[str, Callable[[Any], Any]]] = {
    steps.Reply: {"then": _status},
    steps.SetStatus: {"to": _status},
    steps.SetPriority: {"to": _priority},
    steps.ScoreReview: {"points": _points},
}
_ACTIONS = {re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower(): kind for kind in Step.__subclasses__()}


def load() -> list[Case]:
    """Return the tickets of every file, those that were solved long ago first.

    Raises:
        KeyError: an action that there is none of.
        TypeError: a field that there is none of, or one that is missing.
    """
    return [_case(row) for name in FILES for row in data.read("tickets", f"{name}.toml")["ticket"]]


def _case(row: dict[str, Any]) -> Case:
    return Case(**_fields(row, _CASE, but="step"), steps=tuple(_step(step) for step in row.get("step", ())))


def _step(row: dict[str, Any]) -> Step:
    kind = _ACTIONS[row["action"]]
    return kind(**_fields(row, _STEPS.get(kind, {}), but="action"))


def _fields(row: Mapping[str, Any], readers: Mapping[str, Callable[[Any], Any]], *, but: str) -> dict[str, Any]:
    return {key: readers.get(key, _plain)(value) for key, value in row.items() if key != but}


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
