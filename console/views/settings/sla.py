"""The SLA policy: goals by department and priority, with examples for a question asked on a Friday afternoon."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from flask import Response, flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select
from wtforms import BooleanField, Form, FormField, StringField

from console.core import clock
from console.core.context import settings
from console.core.db import db
from console.core.errors import Invalid, NotFound, Text
from console.core.forms import Form as TokenForm
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.staff.models import Department
from console.staff.roles import Permission
from console.tickets.models import Priority
from console.tickets.sla import calendar as sla_calendar
from console.tickets.sla import queries
from console.tickets.sla.labels import KIND
from console.tickets.sla.policies import field_name, set_goals
from console.tickets.sla.rules import Goals, TargetKind
from console.views.shared.base import Page
from console.views.shared.labels.sla import day_and_hour, duration_label, read_minutes
from console.views.shared.labels.tickets import PRIORITY
from console.web.answers import refuse, wants_json
from console.web.filters import language
from console.web.identity import current_actor

PRIORITIES = tuple(sorted(Priority, reverse=True))
FRIDAY, HALF_PAST_FOUR = 4, time(16, 30)


def views() -> list[Page]:
    """Return the page."""
    return [SlaPage(name=lazy_gettext("SLA targets"), endpoint="sla", url="sla", menu_icon_value="target")]


class DurationField(StringField):
    """Working time, such as ``1 h 30 min``; ``data`` is minutes."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was typed."""
        if not valuelist:
            return
        try:
            self.data = read_minutes(valuelist[0])
        except ValueError:
            self.data = None
            raise ValueError(gettext("Enter a time like 30 min, 2 h or 1 h 30 min.")) from None

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else duration_label(self.data)


class GoalsForm(Form):
    """The goals of one priority."""

    own = BooleanField(lazy_gettext("own"))
    first_answer = DurationField(KIND[TargetKind.FIRST_ANSWER])
    next_answer = DurationField(KIND[TargetKind.NEXT_ANSWER])
    solution = DurationField(KIND[TargetKind.SOLUTION])


class RulesForm(TokenForm):
    """The goals of one department, or of all. The names are ``urgent-first_answer`` and so on."""

    urgent = FormField(GoalsForm)
    high = FormField(GoalsForm)
    normal = FormField(GoalsForm)
    low = FormField(GoalsForm)


@dataclass(frozen=True)
class Cell:
    """The goals of a priority in a department. ``own``: its own rule, not the one for all departments."""

    goals: Goals
    own: bool


@dataclass(frozen=True)
class Line:
    """A row of the matrix; ``key`` is empty in the row for all departments."""

    key: str
    id: int | None
    name: Text
    cells: dict[Priority, Cell]


class SlaPage(Page):
    """The matrix of goals: the desk can read it, those who manage the desk can change it."""

    permissions = {"change": Permission.MANAGE_DESK}
    group = "system"
    permission = (Permission.READ_TICKETS, Permission.MANAGE_DESK)
    parent = "settings"
    settings_group = "desk"
    settings_lead = lazy_gettext("Response and resolution targets of each department.")

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show the matrix and the goals of one department: ``?department=sales``."""
        table = matrix()
        line = _chosen(table)
        if wants_json():
            return jsonify(
                items=[_as_json(one, priority, cell) for one in table for priority, cell in one.cells.items()]
            )
        return self._page(table, line, _filled(line))

    @expose("/", methods=["POST"])
    def change(self) -> ResponseReturnValue:
        """Change the goals of one department, or of all."""
        table = matrix()
        line, form = _chosen(table), RulesForm()
        try:
            if not form.validate():
                raise Invalid(fields=_errors(form))
            goals = {priority: _goals(form, line, priority) for priority in PRIORITIES}
            with transaction():
                changed = set_goals(current_actor(), line.id, goals)
        except Invalid as refusal:
            if wants_json():
                return refuse(refusal)
            _show(form, refusal)
            return Response(self._page(table, line, form), 422)
        if wants_json():
            fresh = _chosen(matrix())
            return jsonify(
                changed=changed, items=[_as_json(fresh, priority, cell) for priority, cell in fresh.cells.items()]
            )
        if changed:
            flash(gettext("Saved. Open tickets are being recalculated."), "success")
        else:
            flash(gettext("Nothing to save."), "info")
        return redirect(self.get_url(".index", department=line.key or None), 303)

    def _page(self, table: list[Line], line: Line, form: RulesForm) -> str:
        opened_at = next_friday(clock.now())
        rendered: str = self.render(
            "admin/settings/sla.html",
            table=table,
            line=line,
            form=form,
            priorities=PRIORITIES,
            priority_labels=PRIORITY,
            kinds=KIND,
            opened_at=opened_at,
            examples=examples(line, opened_at),
            may_change=current_actor().may(Permission.MANAGE_DESK),
            address=lambda key: self.get_url(".index", department=key or None),
        )
        return rendered


def matrix() -> list[Line]:
    """Return the active departments with their goals; the first row is for all departments."""
    rules = queries.all_rules()
    departments = db.session.scalars(
        select(Department).where(Department.active.is_(True)).order_by(Department.position, Department.id)
    )
    everywhere = {priority: Cell(rules.get((None, priority), queries.NO_GOALS), own=True) for priority in PRIORITIES}
    lines = [Line("", None, lazy_gettext("All departments"), everywhere)]
    for one in departments:
        cells = {
            priority: Cell(rules[one.id, priority], own=True)
            if (one.id, priority) in rules
            else Cell(everywhere[priority].goals, own=False)
            for priority in PRIORITIES
        }
        lines.append(Line(one.key, one.id, one.name(language()), cells))
    return lines


def _chosen(table: list[Line]) -> Line:
    """Return the row that the request is about.

    Raises:
        NotFound: no such department in use.
    """
    key = request.values.get("department", "")
    found = next((line for line in table if line.key == key), None)
    if found is None:
        raise NotFound
    return found


def _filled(line: Line) -> RulesForm:
    """Return the form of a row; goals for all departments are placeholders in it, not values."""
    data = {
        priority.name.lower(): {"own": cell.own, **({k.value: v for k, v in cell.goals.items()} if cell.own else {})}
        for priority, cell in line.cells.items()
    }
    return RulesForm(formdata=None, data=data)


def _goals(form: RulesForm, line: Line, priority: Priority) -> Goals | None:
    sent = form[priority.name.lower()].form
    if line.id is not None and not sent.own.data:
        return None
    return {kind: sent[kind.value].data for kind in TargetKind}


def _errors(form: RulesForm) -> dict[str, list[Text]]:
    """Return the messages by the fields' full names."""
    return {
        field_name(priority, kind): list(form[priority.name.lower()].form[kind.value].errors)
        for priority in PRIORITIES
        for kind in TargetKind
        if form[priority.name.lower()].form[kind.value].errors
    } or {name: [str(errors)] for name, errors in form.errors.items()}


def _show(form: RulesForm, refusal: Invalid) -> None:
    for priority in PRIORITIES:
        for kind in TargetKind:
            texts = refusal.fields.get(field_name(priority, kind))
            if texts:
                form[priority.name.lower()].form[kind.value].errors = [str(text) for text in texts]
    flash(str(refusal.message), "danger")


# --- What it means ----------------------------------------------------------------------------------------------------


def examples(line: Line, opened_at: datetime) -> list[tuple[Priority, str]]:
    """Return, for each priority, when a question asked at that time is due."""
    calendar = sla_calendar.calendar()

    def due(cell: Cell, kind: TargetKind) -> str:
        goal = cell.goals[kind]
        instant = None if goal is None else calendar.add(opened_at, timedelta(minutes=goal))
        return "" if instant is None else day_and_hour(instant)

    return [
        (priority, _sentence(due(cell, TargetKind.FIRST_ANSWER), due(cell, TargetKind.SOLUTION)))
        for priority, cell in line.cells.items()
    ]


def _sentence(answered: str, solved: str) -> str:
    if answered and solved:
        return gettext("answered by %(answered)s, solved by %(solved)s", answered=answered, solved=solved)
    if answered:
        return gettext("answered by %(answered)s", answered=answered)
    if solved:
        return gettext("solved by %(solved)s", solved=solved)
    return gettext("no target")


def next_friday(now: datetime) -> datetime:
    """Return half past four in the afternoon of the next Friday."""
    local = now.astimezone(settings().zone)
    ahead = (FRIDAY - local.weekday()) % 7
    day = local.date() + timedelta(days=ahead)
    if ahead == 0 and local.time() >= HALF_PAST_FOUR:
        day += timedelta(days=7)
    return datetime.combine(day, HALF_PAST_FOUR, settings().zone).astimezone(UTC)


def _as_json(line: Line, priority: Priority, cell: Cell) -> dict[str, Any]:
    return {
        "department": line.key or None,
        "priority": priority.name.lower(),
        "own": cell.own,
        **{kind.value: goal for kind, goal in cell.goals.items()},
    }
