"""What happens in a story, in an order in which nothing comes before what it needs.

An event has an instant, and the events it needs. Instants are told in two ways: accounts and documents by calendar
days, the desk by working hours. Over holidays the two drift apart, and a question may be older than the account that
asks it. So needs come first: what others build on happens as much earlier as they ask for. Nothing ever happens later
than told, so nothing moves into the future.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

AT_ONCE = timedelta(0)


class StoryError(Exception):
    """The story contradicts itself. ``str()`` says how."""


@dataclass(frozen=True)
class Need:
    """An event that must have happened, ``lead`` or longer before."""

    event: Event
    lead: timedelta = AT_ONCE


@dataclass(eq=False)
class Event:
    """Something that happens.

    Args:
        at: the instant it was told for; :func:`put_in_order` may choose an earlier one.
        act: lets it happen; what it returns is the event's outcome.
        needs: what must have happened before.
    """

    at: datetime
    act: Callable[[], object] = field(repr=False)
    needs: Sequence[Need] = field(default=(), repr=False)
    _done: bool = field(default=False, init=False, repr=False)
    _outcome: Any = field(default=None, init=False, repr=False)
    _before: frozenset[Event] | None = field(default=None, init=False, repr=False)

    def happen(self) -> None:
        """Let it happen, now."""
        token = _present.set(self)
        try:
            self._outcome = self.act()
        finally:
            _present.reset(token)
        self._done = True

    @property
    def outcome(self) -> Any:
        """What it brought about.

        Raises:
            StoryError: it has not happened, or the event that asks does not say that it needs this one. That is
                refused even where this one happens to come first: on another day it might not.
        """
        asking = _present.get()
        if asking is not None and self not in asking.before():
            raise StoryError(f"{asking} uses the outcome of {self} and does not say that it needs it")
        if not self._done:
            raise StoryError(f"{self} has not happened yet")
        return self._outcome

    def before(self) -> frozenset[Event]:
        """Return what it needs, what that needs, and so on."""
        if self._before is None:
            needed = [need.event for need in self.needs]
            self._before = frozenset(needed).union(*(event.before() for event in needed))
        return self._before


_present: ContextVar[Event | None] = ContextVar("present event of the demo's story", default=None)


def put_in_order(events: Sequence[Event]) -> list[Event]:
    """Return ``events`` in the order they happen, and give each its instant.

    What is needed by none keeps its instant. What is needed happens early enough for all that need it. At the same
    instant what is needed comes first, else the order in which they were told decides.

    Raises:
        StoryError: two events need each other.
    """
    position = {event: place for place, event in enumerate(events)}
    depth: dict[Event, int] = {}  # how many must have happened one after the other
    needed_first: list[Event] = []

    def visit(event: Event, asking: tuple[Event, ...]) -> None:
        if event in asking:
            raise StoryError(f"each needs the next: {[*asking[asking.index(event) :], event]}")
        if event not in depth:
            needed = [need.event for need in event.needs if need.event in position]
            for one in needed:
                visit(one, (*asking, event))
            depth[event] = 1 + max((depth[one] for one in needed), default=0)
            needed_first.append(event)

    for event in events:
        visit(event, ())
    for event in reversed(needed_first):
        for need in event.needs:
            if need.event in position:
                need.event.at = min(need.event.at, event.at - need.lead)
    return sorted(events, key=lambda event: (event.at, depth[event], position[event]))
