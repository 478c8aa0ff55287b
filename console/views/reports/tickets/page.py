"""Ticket reports: volume, response and resolution times, SLA targets, satisfaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement

from console.core.texts import lazy_gettext
from console.staff.roles import Permission
from console.tickets.models import Ticket
from console.tickets.stats import queries
from console.tickets.stats.periods import Period
from console.tickets.stats.queries import Scope
from console.views.reports.distributions import scores_chart
from console.views.reports.measures import Line, lines
from console.views.reports.page import ReportPage
from console.views.reports.query import ReportQuery
from console.views.reports.tickets import labels as ticket_labels
from console.views.reports.tickets import queries as ticket_queries
from console.views.reports.tickets.queries import TicketReading
from console.views.reports.tickets.tables import TABLES
from console.views.shared.charts import Chart
from console.views.shared.flow_chart import flow_chart
from console.views.shared.labels.stats import working_time


class TicketReports(ReportPage[TicketReading]):
    """The page in the sidebar."""

    group = "oversight"
    letter = "i"
    template = "admin/reports/tickets.html"
    file = "report"
    tables = TABLES
    subject = Ticket
    permission = (Permission.SEE_REPORTS, Permission.WORK_TICKETS)  # all statistics, or one's own

    def __init__(self) -> None:
        super().__init__(name=lazy_gettext("Reports"), endpoint="reports", url="reports", menu_icon_value="chart")

    def has_results(self, period: Period, scope: Scope) -> ColumnElement[bool]:
        """Return the condition that a period has something to show."""
        return queries.has_results(period, scope)

    def read(self, report_query: ReportQuery) -> TicketReading:
        """Return what reads the figures."""
        return TicketReading(report_query)

    def as_json(self, reading: TicketReading) -> dict[str, Any]:
        """Return the report for programs."""
        return ticket_queries.as_json(reading)

    def lines(self, reading: TicketReading) -> list[Line]:
        """Return the figures, each with the one before."""
        return lines(ticket_labels.MEASURES, reading.whole, reading.before)

    def charts(self, reading: TicketReading) -> list[tuple[str, Chart]]:
        """Return the charts, each with the table that holds its numbers."""
        grain, whole = reading.report_query.period.grain, reading.whole
        return [
            ("flow", flow_chart(reading.flow, grain)),
            ("answers", ticket_labels.answers_chart(whole.first_answers)),
            ("sla", ticket_labels.outcomes_chart(reading.outcomes, grain)),
            ("ratings", scores_chart(whole.scores, ticket_labels.RATED)),
        ]

    def parts(self, reading: TicketReading, *, ever: bool) -> dict[str, Any]:
        """Return what else the template needs."""
        whole = reading.whole
        return {
            "departments": reading.departments,
            "agents": reading.agents,
            "heads": ticket_labels.HEADS,
            "time_label": working_time,
            "quiet": reading.is_quiet,
            "no_tickets": reading.is_quiet and not (whole.open + whole.waiting) and not ever,
        }
