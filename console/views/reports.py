"""Figures of a period: what came, how fast it was answered and solved, what was promised, what customers say.

Supervisors see everybody's; whoever works on tickets sees their own at the same address.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from flask import Response, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_babel import gettext, lazy_gettext, ngettext
from sqlalchemy import select

from console.audit.service import record
from console.core.context import settings
from console.core.db import db
from console.core.errors import Invalid, NotFound, Text
from console.core.transaction import transaction
from console.staff.roles import Permission
from console.tickets.figures import queries
from console.tickets.figures.periods import MOST_DAYS, Period, read_period
from console.tickets.figures.queries import Figures, Flow, Report, Scope, Word
from console.tickets.models import Ticket
from console.views import charts, report_words
from console.views.base import Page
from console.views.export import Number, write_csv
from console.views.filtering import read_key
from console.views.labels import today
from console.views.ticket_list_filters import ME, department_name, names
from console.web.answers import refuse, wants_json
from console.web.identity import current_actor

MOST_TYPED = 40  # letters of a value that is shown again


def views() -> list[Page]:
    """Return the page."""
    return [ReportsPage(name=lazy_gettext("Reports"), endpoint="reports", url="reports", menu_icon_value="chart")]


@dataclass
class ReportAsk:
    """What is asked for: a period, a department, an agent; and what of it could not be read.

    Args:
        own: the figures of whoever asks.
        typed: what stands in the form.
    """

    period: Period
    department_id: int | None = None
    agent_id: int | None = None
    own: bool = False
    typed: dict[str, str] = field(default_factory=dict)
    errors: dict[str, list[Text]] = field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        return Scope(self.department_id, self.agent_id)

    def query(self, **changes: str | None) -> dict[str, str]:
        """Return the parameters that ask for the same again, with ``changes``; ``None`` leaves one out."""
        parameters: dict[str, str | None] = dict(self.period.query())
        if self.department_id is not None:
            parameters["department"] = str(self.department_id)
        if self.agent_id is not None and _sees_all():
            parameters["agent"] = str(self.agent_id)
        return {name: value for name, value in (parameters | changes).items() if value}


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
        return redirect(self.get_url(".index", **given, **({"agent": ME} if _sees_all() else {})))

    @expose("/export/<table>/")
    def export(self, table: str) -> ResponseReturnValue:
        """Answer one of the tables as CSV."""
        ask = read_report_ask()
        if table not in TABLES or (table == "agents" and not _sees_all()):
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
            sees_all=_sees_all(),
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


def _sees_all() -> bool:
    return current_actor().may(Permission.SEE_REPORTS)


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


# --- What is asked ----------------------------------------------------------------------------------------------------


def read_report_ask() -> ReportAsk:
    """Read what this request asks for.

    Raises:
        NotFound: a colleague's figures, and these are not for this person to see.
    """
    args = {name: request.args.get(name, "").strip() for name in ("period", "from", "until", "department", "agent")}
    zone, errors = settings().zone, dict[str, list[Text]]()
    try:
        period = read_period(args, today(), zone)
    except ValueError:
        period = read_period({}, today(), zone)
        errors["period"] = [
            lazy_gettext("This is no period that can be counted: give days as 2026-11-23, the first before the last.")
        ]
    department = _read_department(args["department"], errors)
    agent, own = _read_agent(args["agent"], errors)
    typed = {name: value[:MOST_TYPED] for name, value in args.items()}
    if period.choice == "custom" and not errors:
        typed |= {"from": period.first.isoformat(), "until": period.last.isoformat()}
    return ReportAsk(period, department, agent, own, typed, errors)


def _read_department(text: str, errors: dict[str, list[Text]]) -> int | None:
    key = read_key(text)
    if text and key not in names().departments:
        errors["department"] = [lazy_gettext("There is no such department.")]
        return None
    return key


def _read_agent(text: str, errors: dict[str, list[Text]]) -> tuple[int | None, bool]:
    """Return whose figures are asked for, and whether they are one's own."""
    own = current_actor().id
    if not _sees_all():
        if text not in ("", ME, str(own)):
            raise NotFound
        return own, True
    if text == ME:
        return own, True
    key = read_key(text)
    if text and key not in names().staff:
        errors["agent"] = [lazy_gettext("There is no such colleague.")]
        return None, False
    return key, key is not None and key == own


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


# --- For programs -----------------------------------------------------------------------------------------------------


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
    if _sees_all():
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


# --- For spreadsheets -------------------------------------------------------------------------------------------------

Table = tuple[Sequence[Text], Iterable[Sequence[Any]]]
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
        *(_cell(value) for value in (*figures.first_answer, *figures.solution)),
        figures.kept,
        figures.broken,
        _cell(figures.kept_percent),
        figures.ended,
        figures.reopened,
        _cell(figures.reopen_percent),
        figures.scores.total(),
        _cell(figures.score),
        _cell(figures.content_percent),
    ]


def _cell(value: float | None) -> Number | None:
    return None if value is None else Number(f"{value:.2f}".rstrip("0").rstrip("."))


def _figure_table(reading: Reading) -> Table:
    """Two lines: the period, and the one before (of which nobody knows what was open)."""
    before = _figure_cells(reading.before)
    before[:2] = [None, None]
    old = reading.ask.period.before()
    rows = [
        (reading.ask.period.first, reading.ask.period.last, *_figure_cells(reading.whole)),
        (old.first, old.last, *before),
    ]
    return (lazy_gettext("From"), lazy_gettext("Until"), *_FIGURES), rows


def _department_table(reading: Reading) -> Table:
    rows = [(name, *_figure_cells(figures)) for _key, name, figures in reading.departments]
    return (lazy_gettext("Department"), *_FIGURES), rows


def _agent_table(reading: Reading) -> Table:
    rows = [(name, *_figure_cells(figures)) for _key, name, figures in reading.agents]
    return (lazy_gettext("Agent"), *_FIGURES), rows


def _flow_table(reading: Reading) -> Table:
    titles = (lazy_gettext("From"), lazy_gettext("Until"), lazy_gettext("New tickets"), lazy_gettext("Solved tickets"))
    return titles, [(one.step.first, one.step.last, one.created, one.solved) for one in reading.flow]


def _promise_table(reading: Reading) -> Table:
    titles = (lazy_gettext("From"), lazy_gettext("Until"), report_words.KEPT, report_words.BROKEN)
    return titles, [(one.step.first, one.step.last, one.kept, one.broken) for one in reading.kept]


def _answer_table(reading: Reading) -> Table:
    """Every time that occurred, not the ranges of the chart."""
    titles = (lazy_gettext("First answer (working min)"), lazy_gettext("Tickets"))
    return titles, sorted(reading.whole.first_answers.items())


def _rating_table(reading: Reading) -> Table:
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
