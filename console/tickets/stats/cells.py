"""Statistics by department and agent, and their sums. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from typing import Generic, Self, TypeVar

from console.tickets.stats.numbers import content_percent, mean

MEDIAN, P90 = 0.5, 0.9
CellKey = tuple[int | None, int | None]  # department, agent


@dataclass
class BaseStats:
    """Statistics that can be added up: numbers, and how often a value occurred."""

    scores: Counter[int] = field(default_factory=Counter)  # ratings, from 1 to 5

    def add(self, other: Self) -> None:
        """Add other statistics to these."""
        for item in fields(self):
            mine, theirs = getattr(self, item.name), getattr(other, item.name)
            if isinstance(mine, Counter):
                mine.update(theirs)
            else:
                setattr(self, item.name, mine + theirs)

    @property
    def score(self) -> float | None:
        """Return the average rating."""
        return mean(self.scores)

    @property
    def content_percent(self) -> float | None:
        """Return the share of satisfied ratings (CSAT)."""
        return content_percent(self.scores)


StatsType = TypeVar("StatsType", bound=BaseStats)


@dataclass(frozen=True)
class Breakdown(Generic[StatsType]):
    """The statistics of a period, by department and agent.

    Args:
        make: makes empty statistics.
    """

    make: Callable[[], StatsType]
    cells: dict[CellKey, StatsType] = field(default_factory=dict)

    def cell(self, department: int | None, agent: int | None) -> StatsType:
        """Return the statistics of a department and an agent, to fill."""
        return self.cells.setdefault((department, agent), self.make())

    @property
    def whole(self) -> StatsType:
        """Return the sum of all."""
        return self._sum_of(self.cells.values())

    def of_agent(self, agent: int | None) -> StatsType:
        """Return the sum of one agent."""
        return self._sum_of(cell for (_department, key), cell in self.cells.items() if key == agent)

    def by_agent(self) -> dict[int | None, StatsType]:
        """Return the sum of each agent; ``None``: unassigned."""
        return {agent: self.of_agent(agent) for agent in {agent for _department, agent in self.cells}}

    def by_department(self) -> dict[int, StatsType]:
        """Return the sum of each department."""
        keys = {department for department, _agent in self.cells if department is not None}
        return {key: self._sum_of(cell for (one, _agent), cell in self.cells.items() if one == key) for key in keys}

    def _sum_of(self, cells: Iterable[StatsType]) -> StatsType:
        whole = self.make()
        for cell in cells:
            whole.add(cell)
        return whole
