"""The opening hours: the week, single closures and openings, holidays, and what the next weeks look like."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import Response, flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose

from console.core import clock
from console.core.context import settings
from console.core.errors import Conflict, Invalid, Refusal
from console.core.text import one_line
from console.core.texts import gettext, lazy_gettext, ngettext
from console.core.transaction import transaction
from console.hours import queries, service
from console.hours.calendar import Calendar, Special, SpecialKind
from console.hours.holidays import of_year
from console.hours.models import HoursSpecial
from console.hours.preview import Look, weeks
from console.staff.roles import Permission
from console.tickets.sla import impact
from console.views.hours.forms import SpecialForm, WeekDraft, fields_of
from console.views.shared.base import Page
from console.views.shared.labels.audit import action_name
from console.views.shared.labels.hours import change_label, clock_field, kind_label, status_at, uncovered
from console.web.answers import local_time, refuse, wants_json
from console.web.filters import language
from console.web.identity import current_actor

MOST_COUNTED = 999  # SLA targets: a larger count would not change the decision
MOST_PAST = 50  # closures that are over, listed
CHANGES = 6
DAY = timedelta(days=1)


def views() -> list[Page]:
    """Return the page."""
    return [HoursPage(name=lazy_gettext("Opening hours"), endpoint="hours", url="hours", menu_icon_value="clock")]


@dataclass
class Draft:
    """The forms of the page as typed, and their outcome."""

    week: WeekDraft
    special: SpecialForm
    refusal: Refusal | None = None
    dirty: bool = False  # the week differs from the saved one: the preview shows what it would become
    extra: tuple[Special, ...] = field(default=())  # a closure or opening that is being typed


class HoursPage(Page):
    """All staff can read it; changing it needs the permission to edit hours."""

    permission = Permission.SEE_HOURS
    permissions = dict.fromkeys(("change", "add", "remove"), Permission.EDIT_HOURS)
    group = "system"
    parent = "settings"
    settings_group = "desk"
    settings_lead = lazy_gettext("Weekly hours, holidays and exceptions.")
    letter = "h"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show the hours."""
        now = queries.current()
        if wants_json():
            return jsonify(_as_json(now))
        return self._page(now, self._fresh(now))

    @expose("/", methods=["POST"])
    def change(self) -> ResponseReturnValue:
        """Save the week, or do the action ``do``: ``preview``, ``add-0``, ``remove-3``, ``copy``."""
        draft = Draft(WeekDraft.read(request.form), SpecialForm(), dirty=True)
        wish = request.form.get("do", "save")
        if wish == "save":
            return self._save(draft)
        draft.week.apply(wish)
        draft.special = SpecialForm() if "kind" in request.form else _empty_special()
        draft.extra = _previewed(draft.special)
        now = queries.current()
        if wants_json():
            return jsonify(days=_days_json(_outlook(now.calendar, draft)), valid=not draft.week.has_errors)
        return self._page(now, draft)

    def _save(self, draft: Draft) -> ResponseReturnValue:
        draft.special = _empty_special()
        try:
            intervals = draft.week.intervals()
            with transaction():
                changed = service.set_week(current_actor(), intervals, seen=draft.week.seen)
        except (Invalid, Conflict) as refusal:
            if wants_json():
                return refuse(refusal)
            draft.refusal = refusal
            now = queries.current()
            if isinstance(refusal, Conflict):
                draft.week.seen = now.number  # saving again overwrites: the page says that it was changed
            return Response(self._page(now, draft), refusal.status)
        if wants_json():
            return jsonify(changed=changed, **_as_json(queries.current()))
        if changed:
            flash(_saved(impact.count_running(MOST_COUNTED)), "success")
        else:
            flash(gettext("Nothing to save."), "info")
        return redirect(self.get_url(".index"), 303)

    @expose("/specials", methods=["POST"])
    def add(self) -> ResponseReturnValue:
        """Add a closure or an extra opening."""
        form = SpecialForm()
        try:
            data = form.special()
            with transaction():
                row = service.add_special(current_actor(), data)
        except Invalid as refusal:
            if wants_json():
                return refuse(fields_of(refusal))
            form.mark(refusal)
            now = queries.current()
            draft = Draft(WeekDraft.of(now.calendar.weekly, now.number), form, refusal)
            return Response(self._page(now, draft), 422)
        if wants_json():
            return jsonify(_special_json(row)), 201
        flash(_added(row), "success")
        return redirect(self.get_url(".index"), 303)

    @expose("/specials/<id:key>/remove", methods=["POST"])
    def remove(self, key: int) -> ResponseReturnValue:
        """Remove a closure or an opening."""
        with transaction():
            service.remove_special(current_actor(), key)
        if wants_json():
            return "", 204
        flash(gettext("Removed. The regular hours apply again."), "success")
        return redirect(self.get_url(".index"), 303)

    # --- the page

    def _fresh(self, now: queries.Current) -> Draft:
        return Draft(WeekDraft.of(now.calendar.weekly, now.number), _empty_special())

    def _page(self, now: queries.Current, draft: Draft) -> str:
        edits = current_actor().may(Permission.EDIT_HOURS)
        instant = clock.now()
        today = clock.local_date(instant, settings().zone)
        looks = _outlook(now.calendar, draft)
        coming, past = _split(queries.specials(), today)
        return self.render(
            "admin/hours/page.html",
            edits=edits,
            now_status=status_at(now.calendar, instant),
            draft=draft,
            weeks=looks,
            differing=sum(look.before is not None for week in looks for look in week),
            coming=coming,
            past=past[:MOST_PAST],
            kind_label=kind_label,
            clock_field=clock_field,
            today=today,
            years=[(year, of_year(year)) for year in (today.year, today.year + 1)],
            missing_year=uncovered(today),
            sla_targets=_at_most(impact.count_running(MOST_COUNTED)) if edits else "",
            changes=queries.recent_changes(CHANGES) if edits else (),
            action_name=action_name,
            change_label=change_label,
        )


def _empty_special() -> SpecialForm:
    return SpecialForm(formdata=None)


def _previewed(form: SpecialForm) -> tuple[Special, ...]:
    """Return the closure or opening that is being typed, once it has a day; errors are shown on adding."""
    try:
        data = form.special()
    except Invalid:
        return ()
    finally:
        for one in form:
            one.errors = ()
    special = Special(data.day, data.kind, data.opens, data.closes, one_line(data.reason))
    if data.opens is None and data.closes is None:
        return (special,) if data.kind is SpecialKind.CLOSED else ()
    whole = data.opens is not None and data.closes is not None and data.opens < data.closes
    return (special,) if whole else ()


def _outlook(calendar: Calendar, draft: Draft) -> list[list[Look]]:
    """Return the next weeks as typed, compared with those saved."""
    today = clock.local_date(clock.now(), settings().zone)
    if not draft.dirty:
        return weeks(calendar, today)
    drafted = Calendar(calendar.zone, draft.week.usable(), calendar.holidays, (*calendar.specials, *draft.extra))
    return weeks(drafted, today, calendar)


def _split(rows: list[HoursSpecial], today: date) -> tuple[list[HoursSpecial], list[HoursSpecial]]:
    """Return upcoming exceptions, nearest first, and past ones, latest first."""
    return [row for row in rows if row.day >= today], [row for row in reversed(rows) if row.day < today]


# --- Words ------------------------------------------------------------------------------------------------------------


def _at_most(count: int) -> str:
    return f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count)


def _saved(sla_targets: int) -> str:
    if not sla_targets:
        return gettext("Saved.")
    return ngettext(
        "Saved. %(count)s open SLA target will be recalculated within a minute.",
        "Saved. %(count)s open SLA targets will be recalculated within a minute.",
        sla_targets,
        count=_at_most(sla_targets),
    )


def _added(row: HoursSpecial) -> str:
    """Say what was added and, of a closure, how many SLA targets were due in it."""
    hit = impact.count_due_within(*_span(row), MOST_COUNTED) if row.kind is SpecialKind.CLOSED else 0
    if not hit:
        return gettext("Added. Open SLA targets will be recalculated within a minute.")
    return ngettext(
        "Added. %(count)s SLA target was due in that time; it will be moved within a minute.",
        "Added. %(count)s SLA targets were due in that time; they will be moved within a minute.",
        hit,
        count=_at_most(hit),
    )


def _span(row: HoursSpecial) -> tuple[datetime, datetime]:
    """Return a closure's beginning and end; what is due at its very end is due in it."""
    midnight = datetime.combine(row.day, time(), settings().zone)
    opens, closes = row.special().hours
    return midnight + timedelta(minutes=opens), midnight + timedelta(minutes=closes, microseconds=1)


# --- For programs -----------------------------------------------------------------------------------------------------


def _as_json(now: queries.Current) -> dict[str, Any]:
    status = status_at(now.calendar, clock.now())
    today = clock.local_date(status.at, settings().zone)
    return {
        "open": status.is_open,
        "until": local_time(status.until) if status.is_open else None,
        "next_open": local_time(status.at if status.is_open else status.until),
        "why": None if status.why is None else status.why.value,
        "reason": status.reason or None,
        "zone": str(now.calendar.zone),
        "revision": now.number,
        "week": [
            {"weekday": one.weekday, "opens": clock_field(one.opens), "closes": clock_field(one.closes)}
            for one in sorted(now.calendar.weekly)
        ],
        "specials": [_special_json(row) for row in queries.specials(since=today)],
        "holidays": [
            {"day": day.isoformat(), "name": holiday.name(language())}
            for year in (today.year, today.year + 1)
            for day, holiday in of_year(year).items()
        ],
        "uncovered_year": uncovered(today),
        "days": _days_json(weeks(now.calendar, today)),
    }


def _days_json(looks: list[list[Look]]) -> list[dict[str, Any]]:
    return [
        {
            "day": look.date.isoformat(),
            "hours": [{"opens": clock_field(opens), "closes": clock_field(closes)} for opens, closes in look.day.hours],
            "holiday": look.day.holiday.name(language()) if look.day.holiday else None,
            "closures": [one.reason for one in look.day.closures],
            "openings": [one.reason for one in look.day.openings],
            "clock_change_minutes": None if look.shift is None else int(look.shift.total_seconds() // 60),
            "differs": look.before is not None,
        }
        for week in looks
        for look in week
    ]


def _special_json(row: HoursSpecial) -> dict[str, Any]:
    return {
        "id": row.id,
        "day": row.day.isoformat(),
        "kind": row.kind.value,
        "begins": clock_field(row.opens) or None,
        "ends": clock_field(row.closes) or None,
        "reason": row.reason,
        "by": row.staff_name,
    }
