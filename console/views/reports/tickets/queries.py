"""The figures of one report, and their JSON."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from console.tickets.stats import queries
from console.tickets.stats.queries import Comparison, Flow, Outcomes, Report, Stats
from console.views.reports.breakdowns import by_agent, by_department
from console.views.reports.page import days_json, query_json, rounded, times_json
from console.views.reports.query import ReportQuery, sees_all


@dataclass(frozen=True)
class TicketReading:
    """The data of the page, its JSON and its files, read when it is first used."""

    report_query: ReportQuery

    @cached_property
    def _comparison(self) -> Comparison:
        return queries.compare(self.report_query.period, self.report_query.scope)

    @property
    def now(self) -> Report:
        return self._comparison.now

    @cached_property
    def before(self) -> Stats:
        return self._comparison.before.whole

    @cached_property
    def whole(self) -> Stats:
        return self.now.whole

    @property
    def flow(self) -> list[Flow]:
        return self._comparison.flow

    @property
    def outcomes(self) -> list[Outcomes]:
        return self._comparison.outcomes

    @cached_property
    def departments(self) -> list[tuple[int, str, Stats]]:
        """Return the departments in their order."""
        return by_department(self.now.by_department())

    @cached_property
    def agents(self) -> list[tuple[int | None, str, Stats]]:
        """Return the agents by name; unassigned tickets come last."""
        return by_agent(self.now.by_agent())

    @property
    def is_quiet(self) -> bool:
        """Return whether nothing at all happened in the period."""
        figures = self.whole
        count = figures.created + figures.solved + figures.met + figures.missed
        return not (count or figures.first_answers or figures.solutions or figures.scores)


def as_json(reading: TicketReading) -> dict[str, Any]:
    """Return the report for programs."""
    before = reading.report_query.period.before()
    answer: dict[str, Any] = {
        **query_json(reading.report_query),
        "figures": stats_json(reading.whole, standing=True),
        "before": {**days_json(before), "figures": stats_json(reading.before, standing=False)},
        "by_department": [
            {"id": key, "name": name, **stats_json(figures, standing=True)}
            for key, name, figures in reading.departments
        ],
        "flow": [{**days_json(one.step), "created": one.created, "solved": one.solved} for one in reading.flow],
        "sla": [{**days_json(one.step), "met": one.met, "missed": one.missed} for one in reading.outcomes],
        "ratings": {str(score): reading.whole.scores[score] for score in range(1, 6)},
    }
    if sees_all():
        answer["by_agent"] = [
            {"id": key, "name": name if key is not None else None, **stats_json(figures, standing=True)}
            for key, name, figures in reading.agents
        ]
    return answer


def stats_json(figures: Stats, *, standing: bool) -> dict[str, Any]:
    """Return figures for programs: times in working minutes, shares in percent."""
    now = {"open": figures.open, "waiting": figures.waiting} if standing else {}
    return {
        **now,
        "created": figures.created,
        "solved": figures.solved,
        "first_answer": times_json(figures.first_answer),
        "solution": times_json(figures.solution),
        "sla": {"met": figures.met, "missed": figures.missed, "percent": rounded(figures.met_percent)},
        "reopened": {"of": figures.ended, "came_back": figures.reopened, "percent": rounded(figures.reopen_percent)},
        "satisfaction": {
            "ratings": figures.scores.total(),
            "average": rounded(figures.score),
            "content_percent": rounded(figures.content_percent),
        },
    }
