"""The figures of one report, and how programs are told them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from console.core.texts import gettext
from console.tickets.figures import queries
from console.tickets.figures.queries import Figures, Flow, Report, Word
from console.views.report_ask import ReportAsk, sees_all
from console.views.ticket_list_filters import department_name, names


@dataclass(frozen=True)
class Reading:
    """Everything the page, its JSON and its files are made of; each part is read when it is asked for."""

    ask: ReportAsk

    @cached_property
    def now(self) -> Report:
        return queries.report(self.ask.period, self.ask.scope)

    @cached_property
    def before(self) -> Figures:
        return queries.report(self.ask.period.before(), self.ask.scope, standing=False).whole

    @cached_property
    def whole(self) -> Figures:
        return self.now.whole

    @cached_property
    def flow(self) -> list[Flow]:
        return queries.flow(self.ask.period, self.ask.scope)

    @cached_property
    def kept(self) -> list[Word]:
        return queries.kept_by_step(self.ask.period, self.ask.scope)

    @cached_property
    def departments(self) -> list[tuple[int, str, Figures]]:
        """Return the departments in their order."""
        found = self.now.by_department()
        return [(key, department_name(key), found[key]) for key in names().departments if key in found]

    @cached_property
    def agents(self) -> list[tuple[int | None, str, Figures]]:
        """Return the agents by name; what nobody has comes last."""
        found = self.now.by_agent()
        people: list[tuple[int | None, str, Figures]] = [
            (key, names().staff.get(key, "?"), figures) for key, figures in found.items() if key is not None
        ]
        people.sort(key=lambda one: one[1].casefold())
        return [*people, (None, gettext("nobody"), found[None])] if None in found else people

    @property
    def is_quiet(self) -> bool:
        """Tell whether nothing at all happened in the period."""
        figures = self.whole
        counted = figures.created + figures.solved + figures.kept + figures.broken
        return not (counted or figures.first_answers or figures.solutions or figures.scores)


def as_json(reading: Reading) -> dict[str, Any]:
    """Return what programs are told."""
    ask, before = reading.ask, reading.ask.period.before()
    answer: dict[str, Any] = {
        "period": {**_days(ask.period), "name": ask.period.choice, "cut": ask.period.cut, "by": ask.period.grain.value},
        "department": ask.department_id,
        "agent": ask.agent_id,
        "figures": figures_json(reading.whole, standing=True),
        "before": {**_days(before), "figures": figures_json(reading.before, standing=False)},
        "by_department": [
            {"id": key, "name": name, **figures_json(figures, standing=True)}
            for key, name, figures in reading.departments
        ],
        "flow": [{**_days(one.step), "created": one.created, "solved": one.solved} for one in reading.flow],
        "promises": [{**_days(one.step), "kept": one.kept, "broken": one.broken} for one in reading.kept],
        "ratings": {str(score): reading.whole.scores[score] for score in range(1, 6)},
    }
    if sees_all():
        answer["by_agent"] = [
            {"id": key, "name": name if key is not None else None, **figures_json(figures, standing=True)}
            for key, name, figures in reading.agents
        ]
    return answer


def _days(span: Any) -> dict[str, str]:
    return {"from": span.first.isoformat(), "until": span.last.isoformat()}


def figures_json(figures: Figures, *, standing: bool) -> dict[str, Any]:
    """Return figures for programs: times in working minutes, shares in percent."""
    now = {"open": figures.open, "waiting": figures.waiting} if standing else {}
    return {
        **now,
        "created": figures.created,
        "solved": figures.solved,
        "first_answer": _times(figures.first_answer),
        "solution": _times(figures.solution),
        "promises": {"kept": figures.kept, "broken": figures.broken, "percent": _rounded(figures.kept_percent)},
        "reopened": {"of": figures.ended, "came_back": figures.reopened, "percent": _rounded(figures.reopen_percent)},
        "satisfaction": {
            "ratings": figures.scores.total(),
            "average": _rounded(figures.score),
            "content_percent": _rounded(figures.content_percent),
        },
    }


def _times(pair: tuple[float | None, float | None]) -> dict[str, float | None]:
    return {"median": _rounded(pair[0]), "p90": _rounded(pair[1])}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
