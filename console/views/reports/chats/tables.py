"""The tables of a report about chats, as spreadsheets have them."""

from __future__ import annotations

from typing import Any

from console.chat.stats import ChatStats
from console.core.errors import Text
from console.core.texts import lazy_gettext
from console.views.reports.chats.queries import ChatReading
from console.views.reports.tables import Table, cell, shared

_FIGURES: tuple[Text, ...] = (
    lazy_gettext("Chats"),
    lazy_gettext("Outside of opening hours"),
    lazy_gettext("Answered in chat"),
    lazy_gettext("Converted to ticket unanswered"),
    lazy_gettext("Ended unanswered"),
    lazy_gettext("Answered in chat (%)"),
    lazy_gettext("First response, median (s)"),
    lazy_gettext("First response, 90th percentile (s)"),
    lazy_gettext("Duration, median (s)"),
    lazy_gettext("Duration, 90th percentile (s)"),
    lazy_gettext("Converted to ticket"),
    lazy_gettext("Converted to ticket (%)"),
    lazy_gettext("Verified in chat"),
    lazy_gettext("Ratings"),
    lazy_gettext("Satisfaction, average"),
    lazy_gettext("Satisfaction, CSAT (%)"),
)


def _stats_cells(figures: ChatStats) -> list[Any]:
    return [
        figures.begun,
        figures.outside,
        figures.answered,
        figures.missed,
        figures.closed,
        cell(figures.answered_percent),
        *(cell(value) for value in (*figures.wait, *figures.length)),
        figures.handed,
        cell(figures.handed_percent),
        figures.verified,
        figures.scores.total(),
        cell(figures.score),
        cell(figures.content_percent),
    ]


def _flow_table(reading: ChatReading) -> Table:
    titles = (
        lazy_gettext("From"),
        lazy_gettext("Until"),
        lazy_gettext("Answered in chat"),
        lazy_gettext("Not answered in chat"),
    )
    return titles, [(one.step.first, one.step.last, one.answered, one.unanswered) for one in reading.flow]


def _wait_table(reading: ChatReading) -> Table:
    """Every time that occurred, not the ranges of the chart."""
    return (lazy_gettext("First response (s)"), lazy_gettext("Chats")), sorted(reading.whole.waits.items())


def _hour_table(reading: ChatReading) -> Table:
    return (lazy_gettext("Hour"), lazy_gettext("Questions")), [(hour, reading.hours[hour]) for hour in range(24)]


TABLES = {
    **shared(_FIGURES, _stats_cells),
    "flow": _flow_table,
    "waits": _wait_table,
    "hours": _hour_table,
}
