"""Labels of the figures and charts about tickets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from console.core.errors import Text
from console.core.texts import gettext, lazy_gettext, lazy_pgettext, ngettext
from console.tickets.stats.numbers import percent
from console.tickets.stats.periods import Grain
from console.tickets.stats.queries import Outcomes, Stats
from console.views.reports.distributions import RATINGS, ratings_note, spread
from console.views.reports.measures import Good, Measure, no_note
from console.views.shared.charts import Chart, Column, Series
from console.views.shared.flow_chart import SOLVED
from console.views.shared.labels.periods import BY, STEP, step_label, step_name
from console.views.shared.labels.sla import duration_label
from console.views.shared.labels.stats import count_label, p90_label, percent_label, score_label, working_time

MET, MISSED = lazy_pgettext("figures", "met"), lazy_pgettext("figures", "missed")
ANSWERS = lazy_pgettext("figures", "responses")
HEADS: dict[str, Text] = {
    "open": lazy_pgettext("figures", "open"),
    "waiting": lazy_pgettext("figures", "waiting"),
    "new": lazy_pgettext("figures", "new"),
    "solved": SOLVED,
    "median": lazy_pgettext("figures", "median"),
    "p90": lazy_pgettext("figures", "90th percentile"),
    "kept": lazy_pgettext("figures", "SLA targets met"),
    "reopened": lazy_pgettext("figures", "reopened"),
    "score": lazy_pgettext("figures", "satisfaction"),
    "ratings": RATINGS,
}
RATED = lazy_gettext("Ratings from 1 to 5 given in the period; 4 and 5 count as satisfied.")
UP_TO = (15, 30, 60, 120, 240, 480, 960)  # working minutes; the last column is what took longer


# --- Figures ----------------------------------------------------------------------------------------------------------


def _waiting_note(figures: Stats) -> str:
    return ngettext("%(num)d waiting for the customer", "%(num)d waiting for the customer", figures.waiting)


def _broken_note(figures: Stats) -> str:
    return ngettext("%(num)d missed", "%(num)d missed", figures.missed) if figures.met + figures.missed else ""


def _reopened_note(figures: Stats) -> str:
    return gettext("%(part)d of %(whole)d solved", part=figures.reopened, whole=figures.ended)


MEASURES = (
    Measure(
        "created",
        lazy_gettext("New tickets"),
        lazy_gettext("Tickets opened in the period from any source. Tickets merged into another are not counted."),
        lambda figures: figures.created,
        count_label,
        no_note,
    ),
    Measure(
        "solved",
        lazy_gettext("Solved tickets"),
        lazy_gettext(
            "Tickets solved in the period and still solved, whenever they were opened. A reopened "
            "ticket counts on the day it is finally solved."
        ),
        lambda figures: figures.solved,
        count_label,
        no_note,
        Good.MORE,
    ),
    Measure(
        "open",
        lazy_gettext("Open now"),
        lazy_gettext(
            "Tickets open right now and waiting for us, including those on hold; those waiting for "
            "the customer are shown separately. Not limited to the period."
        ),
        lambda figures: figures.open,
        count_label,
        _waiting_note,
        is_standing=True,
    ),
    Measure(
        "first_answer",
        lazy_gettext("First response, median"),
        lazy_gettext(
            "Working time from opening to our first reply, as the SLA target counts it: opening hours"
            " only, paused while waiting for the customer. Solving without a reply counts as a "
            "response. For questions asked in the period and answered so far; tickets opened by us "
            "are not included."
        ),
        lambda figures: figures.first_answer[0],
        working_time,
        lambda figures: p90_label(figures.first_answer[1], working_time),
        Good.LESS,
        is_time=True,
    ),
    Measure(
        "solution",
        lazy_gettext("Resolution, median"),
        lazy_gettext(
            "Working time from opening until the ticket was solved, excluding time waiting for the "
            "customer or on hold. For tickets solved in the period."
        ),
        lambda figures: figures.solution[0],
        working_time,
        lambda figures: p90_label(figures.solution[1], working_time),
        Good.LESS,
        is_time=True,
    ),
    Measure(
        "kept",
        lazy_gettext("SLA targets met"),
        lazy_gettext(
            "Share of SLA targets (first response, next response, resolution) started in the period "
            "and decided that were met. An overdue target counts as missed at once."
        ),
        lambda figures: figures.met_percent,
        percent_label,
        _broken_note,
        Good.MORE,
    ),
    Measure(
        "reopened",
        lazy_gettext("Reopened"),
        lazy_gettext(
            "Share of tickets opened in the period and ever solved that were reopened at least once, "
            "by the customer or by us."
        ),
        lambda figures: figures.reopen_percent,
        percent_label,
        _reopened_note,
        Good.LESS,
    ),
    Measure(
        "score",
        lazy_gettext("Satisfaction, average"),
        lazy_gettext(
            "Average rating from 1 to 5 given in the period, counted towards the agent at the time of rating."
        ),
        lambda figures: figures.score,
        score_label,
        ratings_note,
        Good.MORE,
    ),
    Measure(
        "content",
        lazy_gettext("Satisfaction (CSAT)"),
        lazy_gettext("Share of ratings of 4 and 5 given in the period."),
        lambda figures: figures.content_percent,
        percent_label,
        ratings_note,
        Good.MORE,
    ),
)


# --- Charts -----------------------------------------------------------------------------------------------------------


def outcomes_chart(outcomes: Sequence[Outcomes], grain: Grain) -> Chart:
    """Draw the SLA targets that were met, and on top those that were missed."""
    return Chart(
        "kept",
        _outcomes_title(outcomes, grain),
        gettext("SLA targets by start time, %(by)s; undecided ones are not included.", by=BY[grain]),
        STEP[grain],
        (Series(MET, 1), Series(MISSED, 3)),
        tuple(
            Column(step_label(one.step, grain), step_name(one.step, grain), (one.met, one.missed)) for one in outcomes
        ),
        stacked=True,
    )


def _outcomes_title(outcomes: Sequence[Outcomes], grain: Grain) -> str:
    met, missed = sum(one.met for one in outcomes), sum(one.missed for one in outcomes)
    if not met + missed:
        return gettext("No SLA targets met or missed")
    if not missed:
        return gettext("All SLA targets were met")
    share = percent_label(percent(met, met + missed))
    worst = max(outcomes, key=lambda one: one.missed)
    if len(outcomes) == 1:
        return gettext("%(share)s of SLA targets were met", share=share)
    return gettext(
        "%(share)s of SLA targets were met; most missed %(when)s",
        share=share,
        when=step_name(worst.step, grain),
    )


def answers_chart(times: Counter[int]) -> Chart:
    """Draw how long first answers took."""
    figures = Stats(first_answers=times)
    median, p90 = figures.first_answer
    if not times:
        title = gettext("No questions were answered")
    elif times.total() == 1:
        title = gettext("One question was answered, within %(time)s", time=working_time(median))
    else:
        title = gettext(
            "Half of the questions were answered within %(median)s, 90%% within %(p90)s",
            median=working_time(median),
            p90=working_time(p90),
        )
    return Chart(
        "answers",
        title,
        gettext("First responses by working time."),
        gettext("Working time"),
        (Series(ANSWERS, 1),),
        spread(times, UP_TO, duration_label),
    )
