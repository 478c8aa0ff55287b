"""Figures of chats: how many came and when, how many were answered and how fast, what visitors say."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement

from console.chat.models import Chat
from console.chat.stats import has_results
from console.core.context import settings
from console.core.texts import lazy_gettext, ngettext
from console.staff.roles import Permission
from console.tickets.stats.periods import Period
from console.tickets.stats.queries import Scope
from console.views.reports.chats import labels as chat_labels
from console.views.reports.chats import queries as chat_queries
from console.views.reports.chats.queries import ChatReading
from console.views.reports.chats.tables import TABLES
from console.views.reports.distributions import scores_chart
from console.views.reports.measures import Line, lines
from console.views.reports.page import ReportPage
from console.views.reports.query import ReportQuery
from console.views.shared.charts import Chart


class ChatReports(ReportPage[ChatReading]):
    """The reports about chats; those about tickets are next to it."""

    parent = "reports"
    template = "admin/reports/chats.html"
    file = "chats"
    tables = TABLES
    subject = Chat
    permission = (Permission.SEE_REPORTS, Permission.CHAT)  # all statistics, or one's own

    def __init__(self) -> None:
        super().__init__(name=lazy_gettext("Chats"), endpoint="chat_reports", url="/console/reports/chats")

    def has_results(self, period: Period, scope: Scope) -> ColumnElement[bool]:
        """Return the condition that a period has something to show."""
        return has_results(period, scope)

    def read(self, report_query: ReportQuery) -> ChatReading:
        """Return what reads the figures."""
        return ChatReading(report_query)

    def as_json(self, reading: ChatReading) -> dict[str, Any]:
        """Return the report for programs."""
        return chat_queries.as_json(reading)

    def lines(self, reading: ChatReading) -> list[Line]:
        """Return the figures, each with the one before."""
        return lines(chat_labels.MEASURES, reading.whole, None if reading.is_past_keeping else reading.before)

    def charts(self, reading: ChatReading) -> list[tuple[str, Chart]]:
        """Return the charts, each with the table that holds its numbers."""
        return [
            ("flow", chat_labels.flow_chart(reading.flow, reading.report_query.period.grain)),
            ("waits", chat_labels.waits_chart(reading.whole.waits)),
            ("hours", chat_labels.hours_chart(reading.hours)),
            ("ratings", scores_chart(reading.whole.scores, chat_labels.RATED)),
        ]

    def parts(self, reading: ChatReading, *, ever: bool) -> dict[str, Any]:
        """Return what else the template needs."""
        return {
            "departments": reading.departments,
            "agents": reading.agents,
            "heads": chat_labels.HEADS,
            "time_label": chat_labels.wait_label,
            "notice": _retention_notice(reading),
            "quiet": reading.is_quiet,
            "no_chats": reading.is_quiet and not ever,
        }


def _retention_notice(reading: ChatReading) -> str:
    """Say that chats are deleted after a while, where that affects the figures."""
    if not reading.is_past_keeping:
        return ""
    return ngettext(
        "Chats are kept for %(num)d month; older ones are not included.",
        "Chats are kept for %(num)d months; older ones are not included.",
        settings().chat_keep_months,
    )
