"""Figures by department and agent, added up to what is asked for. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from typing import Generic, Self, TypeVar

from console.tickets.stats.numbers import content_percent, mean

MEDIAN, P90 = 0.5, 0.9
Whose = tuple[int | None, int | None]  # department, agent


@dataclass
class Counted:
    """Figures that can be added up: numbers of things, and how often a value occurred."""

    scores: Counter[int] = field(default_factory=Counter)  # ratings, from 1 to 5

    def add(self, other: Self) -> None:
        """Take in what is known of others."""
        for one in fields(self):
            mine, theirs = getattr(self, one.name), getattr(other, one.name)
            if isinstance(mine, Counter):
                mine.update(theirs)
            else:
                setattr(self, one.name, mine + theirs)

    @property
    def score(self) -> float | None:
        """Return the average rating."""
        return mean(self.scores)

    @property
    def content_percent(self) -> float | None:
        """Return how many of those who rated were content."""
        return content_percent(self.scores)


StatsType = TypeVar("StatsType", bound=Counted)


@dataclass(frozen=True)
class Apart(Generic[StatsType]):
    """The figures of a period, by department and agent.

    Args:
        make: makes figures in which nothing is counted yet.
    """

    make: Callable[[], StatsType]
    cells: dict[Whose, StatsType] = field(default_factory=dict)

    def cell(self, department: int | None, agent: int | None) -> StatsType:
        """Return the figures to count into."""
        return self.cells.setdefault((department, agent), self.make())

    @property
    def whole(self) -> StatsType:
        """Return everybody's."""
        return self._sum_of(self.cells.values())

    def of_agent(self, agent: int | None) -> StatsType:
        """Return one agent's."""
        return self._sum_of(cell for (_department, whose), cell in self.cells.items() if whose == agent)

    def by_agent(self) -> dict[int | None, StatsType]:
        """Return everybody's apart; ``None`` is nobody's."""
        return {agent: self.of_agent(agent) for agent in {agent for _department, agent in self.cells}}

    def by_department(self) -> dict[int, StatsType]:
        """Return the departments' apart."""
        keys = {department for department, _agent in self.cells if department is not None}
        return {key: self._sum_of(cell for (one, _agent), cell in self.cells.items() if one == key) for key in keys}

    def _sum_of(self, cells: Iterable[StatsType]) -> StatsType:
        whole = self.make()
        for cell in cells:
            whole.add(cell)
        return whole
