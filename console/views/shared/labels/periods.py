"""Periods and their parts in words."""

from __future__ import annotations

from datetime import date

from flask_babel import format_date

from console.core.errors import Text
from console.core.texts import lazy_gettext, ngettext
from console.tickets.stats.periods import MAX_DAYS, Grain, Period, Step
from console.web.filters import day, language

PERIOD: dict[str, Text] = {
    "this_week": lazy_gettext("This week"),
    "last_week": lazy_gettext("Last week"),
    "this_month": lazy_gettext("This month"),
    "last_month": lazy_gettext("Last month"),
}


def period_label(period: Period) -> str:
    """Write the first and the last day: ``16.11.2026. – 22.11.2026.``."""
    if period.first == period.last:
        return day(period.first)
    return f"{day(period.first)} – {day(period.last)}"


def cut_notice(period: Period) -> str:
    """Write that a report shows only the last part of a period that is too long; nothing where it shows all."""
    if not period.cut:
        return ""
    return ngettext(
        "A report covers at most %(num)d day. Showing the last part, %(days)s.",
        "A report covers at most %(num)d days. Showing the last part, %(days)s.",
        MAX_DAYS,
        days=period_label(period),
    )


def month_name(first: date) -> str:
    """Write a month: ``novembar 2026.``."""
    return str(format_date(first, "LLLL y." if language() == "sr_Latn" else "LLLL y"))


def step_label(step: Step, grain: Grain) -> str:
    """Write the label below a column of a chart, as short as can be."""
    return str(format_date(step.first, "LLL")) if grain is Grain.MONTH else _short(step.first)


def step_name(step: Step, grain: Grain) -> str:
    """Write the label of a column in full."""
    if grain is Grain.DAY:
        return f"{format_date(step.first, 'EEE')} {_short(step.first)}"
    if grain is Grain.MONTH:
        return month_name(step.first)
    if step.first == step.last:
        return _short(step.first)
    return f"{_short(step.first)}–{_short(step.last)}"


def _short(value: date) -> str:
    return str(format_date(value, "d.M." if language() == "sr_Latn" else "d MMM"))


STEP: dict[Grain, Text] = {
    Grain.DAY: lazy_gettext("Day"),
    Grain.WEEK: lazy_gettext("Week"),
    Grain.MONTH: lazy_gettext("Month"),
}
BY: dict[Grain, Text] = {
    Grain.DAY: lazy_gettext("day by day"),
    Grain.WEEK: lazy_gettext("week by week"),
    Grain.MONTH: lazy_gettext("month by month"),
}
