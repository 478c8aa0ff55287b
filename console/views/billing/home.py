"""Where billing begins the day: what is due, overdue, unmatched, waiting, and what came in. Each figure is a link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue
from flask_admin import expose

from console.billing import overview
from console.billing.duties.queries import LATER, OVERDUE, TODAY, DutyCounts, count_duties
from console.billing.models import MigrationState
from console.billing.overview import AGES, Owed, Received, Unmatched, Waiting
from console.billing.renewals.models import SuspensionState
from console.core.context import settings
from console.core.errors import Text
from console.core.money import CURRENCIES
from console.core.texts import gettext, lazy_gettext, lazy_pgettext, ngettext
from console.staff.roles import Permission
from console.tickets.stats.periods import Grain, latest_days
from console.views.billing.money_chart import money_chart
from console.views.shared import charts
from console.views.shared.base import Page
from console.views.shared.charts import Chart
from console.views.shared.labels.states import MIGRATION_STATE, SCHEDULED, Label, today
from console.views.shared.menu import link
from console.web.addresses import url_for
from console.web.answers import wants_json
from console.web.filters import ago, moment

DAYS = 14  # of the chart
AGE: dict[str, Text] = {
    "30": lazy_pgettext("days overdue", "up to 30 days"),
    "60": lazy_pgettext("days overdue", "31 to 60 days"),
    "90": lazy_pgettext("days overdue", "61 to 90 days"),
    "more": lazy_pgettext("days overdue", "over 90 days"),
}

DUE: dict[str, Text] = {
    OVERDUE: lazy_pgettext("duties", "Overdue"),
    TODAY: lazy_pgettext("duties", "Due today"),
    LATER: lazy_pgettext("duties", "Later"),
}


@dataclass(frozen=True)
class Cell:
    """What is owed in one currency at one age, and the list behind it."""

    owed: Owed
    currency: str
    url: str


@dataclass(frozen=True)
class AgeRow:
    """What is overdue for some days. ``cells``: one for each currency."""

    key: str
    label: Text
    url: str
    count: int
    cells: list[Cell]


@dataclass(frozen=True)
class Figure:
    """One figure and the list behind it. ``amounts``: by currency. ``mark``: warn or danger."""

    key: str
    label: Text
    icon: str
    count: int
    note: Text
    url: str
    amounts: Mapping[str, int]
    mark: str = ""


def views() -> list[Page]:
    """Return the page."""
    name = lazy_gettext("Billing today")
    return [BillingHome(name=name, endpoint="billing", url="billing", menu_icon_value="coins")]


class BillingHome(Page):
    """Billing's day."""

    permission = Permission.RECORD_PAYMENTS
    group = "billing"
    letter = "b"
    landing = True

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show the day, or tell programs its figures."""
        now = today()
        owed, duties = overview.receivables(now), count_duties(now)
        waiting, unmatched = overview.waiting(), overview.unmatched()
        figures = _figures(now, owed, unmatched, waiting, duties)
        ages = _ages(now, owed)
        if wants_json():
            return jsonify(_json(figures, ages))
        page: str = self.render(
            "admin/billing/home.html",
            figures=figures,
            ages=ages,
            currencies=CURRENCIES,
            totals={code: sum(row.cells[place].owed.amount for row in ages) for place, code in enumerate(CURRENCIES)},
            migrations=_migration_rows(waiting),
            duties=_duty_rows(duties),
            charts=_charts(now),
            draw=charts.draw,
            draw_axis=charts.draw_axis,
            rows=charts.table,
        )
        return page


def _figures(
    now: date,
    owed: Mapping[tuple[str, str], Owed],
    unmatched: Unmatched,
    waiting: Waiting,
    duties: DutyCounts,
) -> list[Figure]:
    due = {code: owed.get((overview.TODAY, code), Owed()) for code in CURRENCIES}
    moving, documents = sum(waiting.migrations.values()) - waiting.scheduled, duties.overdue + duties.today
    oldest = gettext("oldest %(ago)s", ago=ago(unmatched.oldest)) if unmatched.oldest else gettext("none waiting")
    late = ngettext("%(num)d overdue", "%(num)d overdue", duties.overdue) if duties.overdue else gettext("none overdue")
    return [
        Figure(
            "due", gettext("Due today"), "calendar", sum(one.count for one in due.values()), gettext("pro-formas"),
            link("proformas", unpaid="1", due_from=now.isoformat(), due_until=now.isoformat()),
            {code: one.amount for code, one in due.items() if one.count},
        ),
        Figure(
            "unmatched", gettext("Unmatched payments"), "inbox", unmatched.count, oldest, url_for("unmatched.index"),
            unmatched.amounts, "warn" if unmatched.count else "",
        ),
        Figure(
            "migrations", gettext("Migrations"), "migrate", moving,
            gettext("waiting for you or the new owner") if moving else gettext("none waiting"),
            link("migrations"), {}, "warn" if moving else "",
        ),
        Figure(
            "suspensions", gettext("Suspension requests"), "pause", waiting.suspensions,
            gettext("waiting for your decision") if waiting.suspensions else gettext("none waiting"),
            link("suspensions", state=SuspensionState.OPEN.value), {}, "warn" if waiting.suspensions else "",
        ),
        Figure(
            "duties", gettext("Tax documents due"), "note", documents, late,
            link("duties", when=OVERDUE if duties.overdue else TODAY, sort="due_on"), {},
            "danger" if duties.overdue else "",
        ),
    ]  # fmt: skip


def _ages(now: date, owed: Mapping[tuple[str, str], Owed]) -> list[AgeRow]:
    rows = []
    for age in AGES:
        first, last = overview.days_of(age, now)
        query = {"overdue": "1", "due_until": last.isoformat(), "sort": "due_on"}
        query |= {} if first is None else {"due_from": first.isoformat()}
        cells = [
            Cell(owed.get((age, code), Owed()), code, link("proformas", **query, currency=code)) for code in CURRENCIES
        ]
        rows.append(AgeRow(age, AGE[age], link("proformas", **query), sum(one.owed.count for one in cells), cells))
    return rows


def _duty_rows(duties: DutyCounts) -> list[tuple[Text, int, str, str]]:
    """Return the parts of the queue: label, count, address, mark."""
    parts = (
        (OVERDUE, DUE[OVERDUE], duties.overdue, "danger"),
        (TODAY, DUE[TODAY], duties.today, "warn"),
        (LATER, DUE[LATER], duties.later, ""),
    )
    return [
        (label, count, link("duties", when=key, sort="due_on"), mark if count else "")
        for key, label, count, mark in parts
    ]


def _migration_rows(waiting: Waiting) -> list[tuple[Label, int, str, str]]:
    """Return the parts of what waits: label, count, address, note. What has a day is apart from what has none."""
    rows = []
    for state, count in waiting.migrations.items():
        unplanned = count - waiting.scheduled if state is MigrationState.APPROVED else count
        scheduled = {"scheduled": "no"} if state is MigrationState.APPROVED else {}
        rows.append((MIGRATION_STATE[state], unplanned, link("migrations", state=state.value, **scheduled), ""))
    note = gettext("next %(at)s", at=moment(waiting.next_at)) if waiting.next_at else ""
    planned = link("migrations", state=MigrationState.APPROVED.value, scheduled="yes")
    return [*rows, (SCHEDULED, waiting.scheduled, planned, note)]


def _charts(now: date) -> list[Chart]:
    period = latest_days(DAYS, now, settings().zone)
    came, steps = overview.money_in(period.first, period.last), period.steps(Grain.DAY)

    def chart(code: str) -> Chart:
        amounts = [(one, came.get((one.first, code), Received()).amount) for one in steps]
        return money_chart(code, Grain.DAY, amounts, days=DAYS)

    found = [chart(code) for code in CURRENCIES]
    return [one for place, one in enumerate(found) if place == 0 or not one.is_empty]


def _json(figures: Sequence[Figure], ages: Sequence[AgeRow]) -> dict[str, Any]:
    return {
        "figures": {one.key: {"count": one.count, "amounts": dict(one.amounts), "url": one.url} for one in figures},
        "overdue": {
            row.key: {
                "count": row.count,
                "url": row.url,
                "amounts": {cell.currency: cell.owed.amount for cell in row.cells if cell.owed.count},
            }
            for row in ages
        },
    }
