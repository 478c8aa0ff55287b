"""Labels of statistics: numbers, shares, ratings and working times as reports and the dashboard write them."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import format_decimal

from console.core.texts import gettext
from console.views.shared.labels.sla import duration_label


def count_label(value: float | None) -> str:
    """Write a number of things."""
    return "—" if value is None else str(round(value))


def percent_label(value: float | None) -> str:
    """Write a share: ``87%``, in Serbian ``87 %``; a dash where there is nothing to share."""
    return "—" if value is None else gettext("%(rate)s%%", rate=round(value))


def score_label(value: float | None) -> str:
    """Write an average rating: ``4,3``."""
    return "—" if value is None else str(format_decimal(value, "0.0"))


def p90_label(p90: float | None, write: Callable[[float | None], str]) -> str:
    """Say what nine in ten did not exceed."""
    if p90 is None:
        return gettext("none in this period")
    return gettext("90%% within %(time)s", time=write(p90))


def working_time(value: float | None) -> str:
    """Write working time to the minute."""
    return "—" if value is None else duration_label(round(value))
