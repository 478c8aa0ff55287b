"""Money that came in over a period, by day, week or month, each currency apart; and as a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from operator import add
from typing import Any

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from flask_admin import expose

from console.audit.service import record
from console.billing import overview
from console.billing.overview import Received
from console.core.context import settings
from console.core.errors import Invalid, NotFound, Text
from console.core.money import CURRENCIES
from console.core.texts import lazy_gettext
from console.core.transaction import transaction
from console.staff.roles import Permission
from console.tickets.stats.periods import Grain, Period, Step, read_period
from console.views.billing.money_chart import money_chart
from console.views.shared import charts
from console.views.shared.base import Page
from console.views.shared.charts import Chart
from console.views.shared.export import amount_cell, export_table
from console.views.shared.labels import periods as period_labels
from console.views.shared.labels.states import today
from console.web.answers import refuse, wants_json
from console.web.identity import current_actor

ORDER = tuple(Grain)  # from fine to coarse
USUAL = "this_month"
MONTHS = 12  # of the longest period that has a button
MOST_TYPED = 40  # letters of a value that the form shows again
TITLES = (
    lazy_gettext("From"),
    lazy_gettext("Until"),
    lazy_gettext("Currency"),
    lazy_gettext("Payments"),
    lazy_gettext("Received"),
    lazy_gettext("Of which unmatched"),
    lazy_gettext("Sent back to payers"),
)


def views() -> list[Page]:
    """Return the page."""
    return [MoneyPage(name=lazy_gettext("Money in"), endpoint="money", url="money", menu_icon_value="chart")]


@dataclass
class MoneyQuery:
    """A period and its steps, as this request asks for them."""

    period: Period
    grain: Grain
    typed: dict[str, str]
    errors: dict[str, list[Text]] = field(default_factory=dict)

    def query(self, **changes: str) -> dict[str, str]:
        """Return the parameters of its address, with ``changes``."""
        return self.period.query() | {"by": self.grain.value} | changes


@dataclass(frozen=True)
class Row:
    """One step of the period in each currency."""

    step: Step
    received: Mapping[str, Received]


@dataclass(frozen=True)
class Reading:
    """What came in: step by step, and together. ``refunded``: credit that went back, by currency."""

    rows: list[Row]
    totals: Mapping[str, Received]
    refunded: Mapping[str, int]

    @property
    def currencies(self) -> list[str]:
        """Return those in which anything came or went, or the first."""
        return [code for code in CURRENCIES if self.totals[code] != Received() or code in self.refunded] or [
            CURRENCIES[0]
        ]


class MoneyPage(Page):
    """Money in. Billing and supervisors read it, as they read payments."""

    permission = Permission.READ_DOCUMENTS
    group = "billing"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show a period: charts, and a table of what they draw."""
        query = _read_query()
        if query.errors and wants_json():
            return refuse(Invalid(lazy_gettext("Enter a valid period."), fields=query.errors))
        reading = _read(query)
        if wants_json():
            return jsonify(_json(query, reading))
        page: str = self.render(
            "admin/billing/money.html",
            query=query,
            reading=reading,
            charts=_charts(query, reading),
            draw=charts.draw,
            draw_axis=charts.draw_axis,
            rows=charts.table,
            labels=period_labels,
            grains=_possible(query.period),
            name_of=lambda step: period_labels.step_name(step, query.grain),
            cut=period_labels.cut_notice(query.period),
            year=_year(),
            is_year=query.period.choice == "custom" and query.query() == _year(),
        )
        return Response(page, 422 if query.errors else 200)

    @expose("/export/<export_type>/")
    def export(self, export_type: str) -> ResponseReturnValue:
        """Answer the table as CSV or XLSX."""
        query = _read_query()
        if export_type not in ("csv", "xlsx"):
            raise NotFound
        if query.errors:
            raise Invalid(lazy_gettext("Enter a valid period."), fields=query.errors)
        reading = _read(query)
        with transaction():
            record(current_actor(), "list.exported", str(self.endpoint), filters=query.query(), searched=False)
        rows = [_cells(row.step, code, row.received[code]) for code in reading.currencies for row in reading.rows]
        return export_table("money", str(self.name), [str(title) for title in TITLES], rows, export_type)


def _read_query() -> MoneyQuery:
    args = {name: request.args.get(name, "").strip() for name in ("period", "from", "until", "by")}
    zone, errors = settings().zone, dict[str, list[Text]]()
    if not (args["period"] or args["from"] or args["until"]):
        args["period"] = USUAL
    try:
        period = read_period(args, today(), zone)
    except ValueError:
        period = read_period({"period": USUAL}, today(), zone)
        errors["period"] = [lazy_gettext("Enter a valid period: dates like 2026-11-23, the start before the end.")]
    typed = {name: value[:MOST_TYPED] for name, value in args.items()}
    if period.choice == "custom" and not errors:
        typed |= {"from": period.first.isoformat(), "until": period.last.isoformat()}
    grain = Grain(args["by"]) if args["by"] in set(Grain) else period.grain
    return MoneyQuery(period, max(grain, period.grain, key=ORDER.index), typed, errors)


def _possible(period: Period) -> list[Grain]:
    """Return the steps in which a period can be drawn: none so fine that a column is thinner than a line."""
    return list(ORDER[ORDER.index(period.grain) :])


def _read(query: MoneyQuery) -> Reading:
    period = query.period
    came = overview.money_in(period.first, period.last)
    rows = [Row(step, {code: _together(came, step, code) for code in CURRENCIES}) for step in period.steps(query.grain)]
    totals = {code: reduce(add, (row.received[code] for row in rows), Received()) for code in CURRENCIES}
    return Reading(rows, totals, overview.refunded(period.begin, period.end))


def _together(came: Mapping[tuple[date, str], Received], step: Step, currency: str) -> Received:
    found = (one for (day, code), one in came.items() if code == currency and step.first <= day <= step.last)
    return reduce(add, found, Received())


def _charts(query: MoneyQuery, reading: Reading) -> list[Chart]:
    return [
        money_chart(code, query.grain, [(row.step, row.received[code].amount) for row in reading.rows])
        for code in reading.currencies
    ]


def _cells(step: Step, currency: str, one: Received) -> list[Any]:
    amounts = map(amount_cell, (one.amount, one.unmatched, one.returned))
    return [step.first, step.last, currency, one.payments, *amounts]


def _json(query: MoneyQuery, reading: Reading) -> dict[str, Any]:
    return {
        "period": {"from": query.period.first.isoformat(), "until": query.period.last.isoformat()},
        "by": query.grain.value,
        "totals": {code: vars(one) for code, one in reading.totals.items()},
        "refunded": dict(reading.refunded),
        "items": [
            {"from": row.step.first.isoformat(), "until": row.step.last.isoformat()}
            | {code: vars(one) for code, one in row.received.items()}
            for row in reading.rows
        ],
    }


def _year() -> dict[str, str]:
    """Return the parameters of twelve months up to today, month by month."""
    now = today()
    first = date(now.year - (now.month < MONTHS), now.month % MONTHS + 1, 1)
    return {"period": "custom", "from": first.isoformat(), "until": now.isoformat(), "by": Grain.MONTH.value}
