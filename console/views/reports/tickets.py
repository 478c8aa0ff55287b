"""Figures of a period: what came, how fast it was answered and solved, what was promised, what customers say.

Supervisors see everybody's; whoever works on tickets sees their own at the same address.
"""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select

from console.audit.service import record
from console.core.db import db
from console.core.errors import Invalid, NotFound
from console.core.texts import lazy_gettext, ngettext
from console.core.transaction import transaction
from console.staff.roles import Permission
from console.tickets.figures.periods import MOST_DAYS, Period
from console.tickets.models import Ticket
from console.views import charts, report_words
from console.views.base import Page
from console.views.export import write_csv
from console.views.report_ask import ReportAsk, read_report_ask, sees_all
from console.views.report_reading import Reading, as_json
from console.views.report_tables import TABLES
from console.views.ticket_list_filters import ME, department_name, names
from console.web.answers import refuse, wants_json
from console.web.identity import current_actor


def views() -> list[Page]:
    """Return the page."""
    return [ReportsPage(name=lazy_gettext("Reports"), endpoint="reports", url="reports", menu_icon_value="chart")]


class ReportsPage(Page):
    """The figures: everybody's for supervisors, one's own for whoever works on tickets."""

    group = "oversight"
    letter = "i"

    def is_accessible(self) -> bool:
        """Tell whether this person has figures to see."""
        return super().is_accessible() and _may_read()

    def _handle_view(self, name: str, **kwargs: Any) -> ResponseReturnValue | None:
        answer = super()._handle_view(name, **kwargs)
        if answer is None and not _may_read():
            raise NotFound(code="not_allowed")
        return answer

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show the figures of ``?period=`` (or ``from`` and ``until``), of a department, of an agent."""
        ask = read_report_ask()
        if ask.errors and wants_json():
            return refuse(Invalid(lazy_gettext("That is no period."), fields=ask.errors))
        reading = Reading(ask)
        if wants_json():
            return jsonify(as_json(reading))
        return Response(self._page(reading), 422 if ask.errors else 200)

    @expose("/mine")
    def mine(self) -> ResponseReturnValue:
        """Lead to the figures of whoever asks."""
        given = {name: request.args[name] for name in ("period", "from", "until", "department") if name in request.args}
        return redirect(self.get_url(".index", **given, **({"agent": ME} if sees_all() else {})))

    @expose("/export/<table>/")
    def export(self, table: str) -> ResponseReturnValue:
        """Answer one of the tables as CSV."""
        ask = read_report_ask()
        if table not in TABLES or (table == "agents" and not sees_all()):
            raise NotFound
        if ask.errors:
            raise Invalid(lazy_gettext("That is no period."), fields=ask.errors)
        titles, rows = TABLES[table](Reading(ask))
        with transaction():
            record(current_actor(), "list.exported", "reports", filters={"table": table, **ask.query()}, searched=False)
        days = f"{ask.period.first:%Y-%m-%d}_{ask.period.last:%Y-%m-%d}"
        return Response(
            "".join(write_csv([str(title) for title in titles], [rows])),
            mimetype="text/csv",
            headers={"Content-Disposition": f"attachment; filename=report-{table}-{days}.csv"},
        )

    def _page(self, reading: Reading) -> str:
        ask, grain = reading.ask, reading.ask.period.grain
        whole = reading.whole
        rendered: str = self.render(
            "admin/reports.html",
            ask=ask,
            lines=report_words.lines(whole, reading.before),
            words=report_words,
            departments=reading.departments,
            agents=reading.agents,
            charts=[
                ("flow", report_words.flow_chart(reading.flow, grain)),
                ("answers", report_words.answers_chart(whole.first_answers)),
                ("promises", report_words.kept_chart(reading.kept, grain)),
                ("ratings", report_words.scores_chart(whole.scores)),
            ],
            draw=charts.draw,
            draw_axis=charts.draw_axis,
            rows=charts.table,
            quiet=reading.is_quiet,
            no_tickets=reading.is_quiet and not (whole.open + whole.waiting) and not _any_ticket(),
            cut=_cut_words(ask.period),
            sees_all=sees_all(),
            all_departments=_choices(ask),
            all_agents=_colleagues(ask),
            address=lambda **changes: self.get_url(".index", **ask.query(**changes)),
            named=lambda period: self.get_url(".index", **_named(ask, period)),
            csv=lambda table: self.get_url(".export", table=table, **ask.query()),
        )
        return rendered


def _may_read() -> bool:
    actor = current_actor()
    return actor.may(Permission.SEE_REPORTS) or actor.may(Permission.WORK_TICKETS)


def _any_ticket() -> bool:
    return db.session.scalar(select(Ticket.id).limit(1)) is not None


def _cut_words(period: Period) -> str:
    if not period.cut:
        return ""
    return ngettext(
        "A report covers %(num)d day at most. Counted are the last of them, %(days)s.",
        "A report covers %(num)d days at most. Counted are the last of them, %(days)s.",
        MOST_DAYS,
        days=report_words.period_words(period),
    )


def _named(ask: ReportAsk, period: str) -> dict[str, str]:
    """Return the parameters of another period by its name."""
    kept = ask.query(period=None, until=None, **{"from": None})
    return {"period": period, **kept}


def _choices(ask: ReportAsk) -> dict[int, str]:
    """Return the departments to choose from: those in use, and the one that is chosen."""
    known = names()
    return {
        key: department_name(key) for key in known.departments if key not in known.closed or key == ask.department_id
    }


def _colleagues(ask: ReportAsk) -> dict[int, str]:
    """Return the agents to choose from: who works on tickets, and the one that is chosen."""
    known = names()
    return {key: name for key, name in known.staff.items() if key not in known.gone or key == ask.agent_id}
