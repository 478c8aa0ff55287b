"""What both report pages share: access, query, page, JSON and files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Generic, TypeVar

from flask import Response, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import ColumnElement, Select, select

from console.audit.service import record
from console.chat.models import Chat
from console.core.context import settings
from console.core.errors import Invalid, NotFound
from console.core.texts import lazy_gettext
from console.core.transaction import transaction
from console.tickets.models import Ticket
from console.tickets.stats.periods import Period, named_periods
from console.tickets.stats.queries import Scope
from console.views.reports.measures import Line
from console.views.reports.query import ReportQuery, read_report_query, sees_all
from console.views.reports.tables import Table
from console.views.shared import charts
from console.views.shared.base import Page
from console.views.shared.charts import Chart
from console.views.shared.choices import ME, department_name, names
from console.views.shared.export import write_csv
from console.views.shared.labels import periods as period_labels
from console.views.shared.labels import stats as stats_labels
from console.views.shared.labels.states import today
from console.views.shared.menu import BadgeCounts, badge_counts_with
from console.web.answers import refuse, wants_json
from console.web.identity import current_actor

Reading = TypeVar("Reading")


class ReportPage(Page, Generic[Reading]):
    """Statistics: of everyone for supervisors, one's own for those who do the work."""

    template: ClassVar[str]
    file: ClassVar[str]  # what a downloaded table is named after
    tables: ClassVar[Mapping[str, Callable[[Any], Table]]]

    subject: ClassVar[type[Ticket] | type[Chat]]  # what is counted

    @abstractmethod
    def has_results(self, period: Period, scope: Scope) -> ColumnElement[bool]:
        """Return the condition that a period has something to show."""

    @abstractmethod
    def read(self, report_query: ReportQuery) -> Reading:
        """Return what reads the figures."""

    @abstractmethod
    def as_json(self, reading: Reading) -> dict[str, Any]:
        """Return the report for programs."""

    @abstractmethod
    def lines(self, reading: Reading) -> list[Line]:
        """Return the figures, each with the one before."""

    @abstractmethod
    def charts(self, reading: Reading) -> list[tuple[str, Chart]]:
        """Return the charts, each with the table that holds its numbers."""

    @abstractmethod
    def parts(self, reading: Reading, *, ever: bool) -> dict[str, Any]:
        """Return what else the template needs; ``ever``: there is something to count in some period."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show the figures of ``?period=`` (or ``from`` and ``until``), of a department, of an agent."""
        report_query = read_report_query()
        if not wants_json():
            return Response(self._page(report_query), 422 if report_query.errors else 200)
        if report_query.errors:
            return refuse(Invalid(lazy_gettext("Enter a valid period."), fields=report_query.errors))
        return jsonify(self.as_json(self.read(report_query)))

    @expose("/mine")
    def mine(self) -> ResponseReturnValue:
        """Redirect to the reader's own statistics."""
        parameters = {
            name: request.args[name] for name in ("period", "from", "until", "department") if name in request.args
        }
        return redirect(self.get_url(".index", **parameters, **({"agent": ME} if sees_all() else {})))

    @expose("/export/<table>/")
    def export(self, table: str) -> ResponseReturnValue:
        """Answer one of the tables as CSV."""
        report_query = read_report_query()
        if table not in self.tables or (table == "agents" and not sees_all()):
            raise NotFound
        if report_query.errors:
            raise Invalid(lazy_gettext("Enter a valid period."), fields=report_query.errors)
        titles, rows = self.tables[table](self.read(report_query))
        # Before it is recorded: after a commit the reader would be read again.
        written = "".join(write_csv([str(title) for title in titles], [rows]))
        with transaction():
            record(
                current_actor(),
                "list.exported",
                self.endpoint,
                filters={"table": table, **report_query.query()},
                searched=False,
            )
        length = f"{report_query.period.first:%Y-%m-%d}_{report_query.period.last:%Y-%m-%d}"
        return Response(
            written,
            mimetype="text/csv",
            headers={"Content-Disposition": f"attachment; filename={self.file}-{table}-{length}.csv"},
        )

    def _start(self, report_query: ReportQuery) -> tuple[ReportQuery, BadgeCounts, bool]:
        """Choose the latest period with something to show, where the request names none.

        Returns:
            The query, the sidebar's counts, and whether there is something to count in any period: in one statement.
        """
        periods = [] if report_query.dated else named_periods(today(), settings().zone)
        results: dict[str, Select[Any]] = {
            one.choice: select(self.has_results(one, report_query.scope)) for one in periods
        }
        counts, values = badge_counts_with({"any": select(self.subject.id).limit(1), **results})
        latest = next((one for one in periods if values[one.choice]), report_query.period)
        return replace(report_query, period=latest), counts, values["any"] is not None

    def _page(self, report_query: ReportQuery) -> str:
        report_query, badge_counts, ever = self._start(report_query)
        reading = self.read(report_query)
        rendered: str = self.render(
            self.template,
            report_query=report_query,
            badge_counts=badge_counts,
            lines=self.lines(reading),
            period_labels=period_labels,
            stats_labels=stats_labels,
            charts=self.charts(reading),
            draw=charts.draw,
            draw_axis=charts.draw_axis,
            rows=charts.table,
            cut=period_labels.cut_notice(report_query.period),
            sees_all=sees_all(),
            all_departments=_choices(report_query),
            all_agents=_colleagues(report_query),
            of_department=lambda key: self.get_url(".index", **report_query.query(department=key)),
            of_agent=lambda key: self.get_url(".index", **report_query.query(agent=key)),
            named=lambda period: self.get_url(".index", **_named(report_query, period)),
            csv=lambda table: self.get_url(".export", table=table, **report_query.query()),
            other=lambda endpoint: self.get_url(f"{endpoint}.index", **report_query.query()),
            **self.parts(reading, ever=ever),
        )
        return rendered


def days_json(span: Any) -> dict[str, str]:
    """Return from which to which day, for programs."""
    return {"from": span.first.isoformat(), "until": span.last.isoformat()}


def query_json(report_query: ReportQuery) -> dict[str, Any]:
    """Return the query for programs."""
    period = {
        **days_json(report_query.period),
        "name": report_query.period.choice,
        "cut": report_query.period.cut,
        "by": report_query.period.grain.value,
    }
    return {"period": period, "department": report_query.department_id, "agent": report_query.agent_id}


def rounded(value: float | None) -> float | None:
    """Return a figure for programs."""
    return None if value is None else round(value, 2)


def times_json(pair: tuple[float | None, float | None]) -> dict[str, float | None]:
    """Return a median and what nine in ten did not exceed, for programs."""
    return {"median": rounded(pair[0]), "p90": rounded(pair[1])}


def _named(report_query: ReportQuery, period: str) -> dict[str, str]:
    """Return the parameters of another period by its name."""
    others = report_query.query(period=None, until=None, **{"from": None})
    return {"period": period, **others}


def _choices(report_query: ReportQuery) -> dict[int, str]:
    """Return the departments to choose from: those in use, and the one that is chosen."""
    known = names()
    return {
        key: department_name(key)
        for key in known.departments
        if key not in known.inactive_departments or key == report_query.department_id
    }


def _colleagues(report_query: ReportQuery) -> dict[int, str]:
    """Return the agents to choose from: who works on tickets, and the one that is chosen."""
    known = names()
    return {
        key: name for key, name in known.staff.items() if key not in known.former_staff or key == report_query.agent_id
    }
