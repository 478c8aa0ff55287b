"""The tables of a report as spreadsheets have them."""

from __future__ import annotations

from typing import Any

from console.core.errors import Text
from console.core.texts import lazy_gettext
from console.tickets.stats.queries import Stats
from console.views.reports.tables import Table, cell, shared
from console.views.reports.tickets.labels import MET, MISSED
from console.views.reports.tickets.queries import TicketReading

_FIGURES: tuple[Text, ...] = (
    lazy_gettext("Open now"),
    lazy_gettext("Waiting for customer"),
    lazy_gettext("New tickets"),
    lazy_gettext("Solved tickets"),
    lazy_gettext("First response, median (working min)"),
    lazy_gettext("First response, 90th percentile (working min)"),
    lazy_gettext("Resolution, median (working min)"),
    lazy_gettext("Resolution, 90th percentile (working min)"),
    lazy_gettext("SLA targets met"),
    lazy_gettext("SLA targets missed"),
    lazy_gettext("SLA targets met (%)"),
    lazy_gettext("Ever solved"),
    lazy_gettext("Reopened"),
    lazy_gettext("Reopened (%)"),
    lazy_gettext("Ratings"),
    lazy_gettext("Satisfaction, average"),
    lazy_gettext("Satisfaction, CSAT (%)"),
)


def _stats_cells(figures: Stats) -> list[Any]:
    return [
        figures.open,
        figures.waiting,
        figures.created,
        figures.solved,
        *(cell(value) for value in (*figures.first_answer, *figures.solution)),
        figures.met,
        figures.missed,
        cell(figures.met_percent),
        figures.ended,
        figures.reopened,
        cell(figures.reopen_percent),
        figures.scores.total(),
        cell(figures.score),
        cell(figures.content_percent),
    ]


def _flow_table(reading: TicketReading) -> Table:
    titles = (lazy_gettext("From"), lazy_gettext("Until"), lazy_gettext("New tickets"), lazy_gettext("Solved tickets"))
    return titles, [(one.step.first, one.step.last, one.created, one.solved) for one in reading.flow]


def _sla_table(reading: TicketReading) -> Table:
    titles = (lazy_gettext("From"), lazy_gettext("Until"), MET, MISSED)
    return titles, [(one.step.first, one.step.last, one.met, one.missed) for one in reading.outcomes]


def _answer_table(reading: TicketReading) -> Table:
    """Every time that occurred, not the ranges of the chart."""
    titles = (lazy_gettext("First response (working min)"), lazy_gettext("Tickets"))
    return titles, sorted(reading.whole.first_answers.items())


TABLES = {
    **shared(_FIGURES, _stats_cells, standing=2),
    "flow": _flow_table,
    "sla": _sla_table,
    "answers": _answer_table,
}
