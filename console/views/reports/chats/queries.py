"""The figures of one report about chats, and their JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from console.chat import stats as chat_stats
from console.chat.retention import retained_since
from console.chat.stats import ChatComparison, ChatFlow, ChatReport, ChatStats
from console.views.reports.breakdowns import by_agent, by_department
from console.views.reports.page import days_json, query_json, rounded, times_json
from console.views.reports.query import ReportQuery, sees_all


@dataclass(frozen=True)
class ChatReading:
    """The data of the page, its JSON and its files; each part is read when it is first used."""

    report_query: ReportQuery

    @cached_property
    def _comparison(self) -> ChatComparison:
        return chat_stats.compare(self.report_query.period, self.report_query.scope)

    @property
    def now(self) -> ChatReport:
        return self._comparison.now

    @cached_property
    def before(self) -> ChatStats:
        return self._comparison.before.whole

    @cached_property
    def whole(self) -> ChatStats:
        return self.now.whole

    @property
    def flow(self) -> list[ChatFlow]:
        return self._comparison.flow

    @cached_property
    def hours(self) -> Counter[int]:
        return chat_stats.by_hour(self.report_query.period, self.report_query.scope)

    @cached_property
    def departments(self) -> list[tuple[int, str, ChatStats]]:
        """Return the departments in their order."""
        return by_department(self.now.by_department())

    @cached_property
    def agents(self) -> list[tuple[int | None, str, ChatStats]]:
        """Return the agents by name; chats without one come last."""
        return by_agent(self.now.by_agent())

    @property
    def is_past_keeping(self) -> bool:
        """Return whether chats of the period, or of what it is compared with, have been deleted."""
        return self.report_query.period.before().begin < retained_since()

    @property
    def is_quiet(self) -> bool:
        """Return whether there were no questions in the period."""
        return not (self.whole.begun + self.whole.outside)


def as_json(reading: ChatReading) -> dict[str, Any]:
    """Return the report for programs."""
    answer: dict[str, Any] = {
        **query_json(reading.report_query),
        "figures": stats_json(reading.whole),
        "before": {**days_json(reading.report_query.period.before()), "figures": stats_json(reading.before)},
        "by_department": [{"id": key, "name": name, **stats_json(one)} for key, name, one in reading.departments],
        "flow": [
            {**days_json(one.step), "answered": one.answered, "unanswered": one.unanswered} for one in reading.flow
        ],
        "by_hour": {str(hour): reading.hours[hour] for hour in range(24)},
        "ratings": {str(score): reading.whole.scores[score] for score in range(1, 6)},
    }
    if sees_all():
        answer["by_agent"] = [
            {"id": key, "name": name if key is not None else None, **stats_json(one)}
            for key, name, one in reading.agents
        ]
    return answer


def stats_json(one: ChatStats) -> dict[str, Any]:
    """Return figures for programs: times in seconds, shares in percent."""
    return {
        "begun": one.begun,
        "answered": {"of": one.answered + one.unanswered, "answered": one.answered,
                     "percent": rounded(one.answered_percent)},
        "unanswered": {"became_a_ticket": one.missed, "ended": one.closed},
        "outside_hours": one.outside,
        "first_answer": times_json(one.wait),
        "length": times_json(one.length),
        "became_a_ticket": {"chats": one.handed, "percent": rounded(one.handed_percent)},
        "verified": one.verified,
        "satisfaction": {
            "ratings": one.scores.total(),
            "average": rounded(one.score),
            "content_percent": rounded(one.content_percent),
        },
    }  # fmt: skip
