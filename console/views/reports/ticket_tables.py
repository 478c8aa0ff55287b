"""The tables of a report as spreadsheets have them."""

from __future__ import annotations

from typing import Any

from console.core.errors import Text
from console.core.texts import lazy_gettext
from console.tickets.figures.queries import Figures
from console.views.reports.page import Table, cell
from console.views.reports.ticket_reading import TicketReading
from console.views.reports.ticket_words import BROKEN, KEPT

_FIGURES: tuple[Text, ...] = (
    lazy_gettext("Open now"),
    lazy_gettext("Waiting for customer"),
    lazy_gettext("New tickets"),
    lazy_gettext("Solved tickets"),
    lazy_gettext("First answer, median (working min)"),
    lazy_gettext("First answer, nine in ten (working min)"),
    lazy_gettext("Solution, median (working min)"),
    lazy_gettext("Solution, nine in ten (working min)"),
    lazy_gettext("Promises kept"),
    lazy_gettext("Promises broken"),
    lazy_gettext("Promises kept (%)"),
    lazy_gettext("Ever solved"),
    lazy_gettext("Came back"),
    lazy_gettext("Came back (%)"),
    lazy_gettext("Ratings"),
    lazy_gettext("Satisfaction, average"),
    lazy_gettext("Content customers (%)"),
)


def _figure_cells(figures: Figures) -> list[Any]:
    return [
        figures.open,
        figures.waiting,
        figures.created,
        figures.solved,
        *(cell(value) for value in (*figures.first_answer, *figures.solution)),
        figures.kept,
        figures.broken,
        cell(figures.kept_percent),
        figures.ended,
        figures.reopened,
        cell(figures.reopen_percent),
        figures.scores.total(),
        cell(figures.score),
        cell(figures.content_percent),
    ]


def _figure_table(reading: TicketReading) -> Table:
    """Two lines: the period, and the one before (of which nobody knows what was open)."""
    before = _figure_cells(reading.before)
    before[:2] = [None, None]
    old = reading.ask.period.before()
    rows = [
        (reading.ask.period.first, reading.ask.period.last, *_figure_cells(reading.whole)),
        (old.first, old.last, *before),
    ]
    return (lazy_gettext("From"), lazy_gettext("Until"), *_FIGURES), rows


def _department_table(reading: TicketReading) -> Table:
    rows = [(name, *_figure_cells(figures)) for _key, name, figures in reading.departments]
    return (lazy_gettext("Department"), *_FIGURES), rows


def _agent_table(reading: TicketReading) -> Table:
    rows = [(name, *_figure_cells(figures)) for _key, name, figures in reading.agents]
    return (lazy_gettext("Agent"), *_FIGURES), rows


def _flow_table(reading: TicketReading) -> Table:
    titles = (lazy_gettext("From"), lazy_gettext("Until"), lazy_gettext("New tickets"), lazy_gettext("Solved tickets"))
    return titles, [(one.step.first, one.step.last, one.created, one.solved) for one in reading.flow]


def _promise_table(reading: TicketReading) -> Table:
    titles = (lazy_gettext("From"), lazy_gettext("Until"), KEPT, BROKEN)
    return titles, [(one.step.first, one.step.last, one.kept, one.broken) for one in reading.kept]


def _answer_table(reading: TicketReading) -> Table:
    """Every time that occurred, not the ranges of the chart."""
    titles = (lazy_gettext("First answer (working min)"), lazy_gettext("Tickets"))
    return titles, sorted(reading.whole.first_answers.items())


def _rating_table(reading: TicketReading) -> Table:
    return (lazy_gettext("Rating"), lazy_gettext("Ratings")), [(n, reading.whole.scores[n]) for n in range(1, 6)]


TABLES = {
    "figures": _figure_table,
    "departments": _department_table,
    "agents": _agent_table,
    "flow": _flow_table,
    "promises": _promise_table,
    "answers": _answer_table,
    "ratings": _rating_table,
}
