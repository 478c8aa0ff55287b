"""The figures in words: how each is counted, how it compares, what a chart shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import format_date, format_decimal

from console.core.errors import Text
from console.core.texts import gettext, lazy_gettext, lazy_pgettext, ngettext
from console.tickets.figures.numbers import percent
from console.tickets.figures.periods import Grain, Period, Step
from console.tickets.figures.queries import Figures, Flow, Word
from console.views.charts import Chart, Column, Series
from console.views.promise_words import minutes_words
from console.web.filters import day, language

PERIOD: dict[str, Text] = {
    "this_week": lazy_gettext("This week"),
    "last_week": lazy_gettext("Last week"),
    "this_month": lazy_gettext("This month"),
    "last_month": lazy_gettext("Last month"),
}
HOW: dict[str, Text] = {
    "created": lazy_gettext(
        "Tickets opened in the period, by whoever and on whatever way. One that was merged into another is not "
        "counted: its question goes on there."
    ),
    "solved": lazy_gettext(
        "Tickets that were solved in the period and still are, whenever they were opened. One that came back counts "
        "again on the day it is solved for good."
    ),
    "open": lazy_gettext(
        "Tickets that are open at this moment and wait for us, those on hold among them; beside it, those that wait "
        "for the customer. Not a figure of the period."
    ),
    "first_answer": lazy_gettext(
        "Working time from the opening to our first reply, as the promise counts it: only while we are open, not "
        "while the ticket waits for the customer. Solving without a reply counts as the answer, because the customer "
        "is told. Of questions asked in the period and answered by now; tickets that we began ourselves have none."
    ),
    "solution": lazy_gettext(
        "Working time from the opening until the ticket was solved, without the time it waited for the customer or "
        "was on hold. Of tickets solved in the period."
    ),
    "kept": lazy_gettext(
        "Of all promises (first answer, next answer, solution) that began in the period and whose outcome is known: "
        "the share that was kept in time. One that is late counts as broken at once, also while it still runs."
    ),
    "reopened": lazy_gettext(
        "Of the tickets opened in the period that were ever solved: the share that came back at least once, by the "
        "customer’s answer or by our hand."
    ),
    "score": lazy_gettext(
        "The average of the ratings, from 1 to 5, that customers gave in the period. Counted with whose work the "
        "ticket was when it was rated."
    ),
    "content": lazy_gettext("Of the ratings given in the period: the share of 4 and 5."),
}
LABELS: dict[str, Text] = {
    "created": lazy_gettext("New tickets"),
    "solved": lazy_gettext("Solved tickets"),
    "open": lazy_gettext("Open now"),
    "first_answer": lazy_gettext("First answer, median"),
    "solution": lazy_gettext("Solution, median"),
    "kept": lazy_gettext("Promises kept"),
    "reopened": lazy_gettext("Came back"),
    "score": lazy_gettext("Satisfaction, average"),
    "content": lazy_gettext("Content customers"),
}
CAME, SOLVED = lazy_pgettext("figures", "came"), lazy_pgettext("figures", "solved")
KEPT, BROKEN = lazy_pgettext("figures", "kept"), lazy_pgettext("figures", "broken")
ANSWERS, RATINGS = lazy_pgettext("figures", "answers"), lazy_pgettext("figures", "ratings")
HEADS: dict[str, Text] = {
    "open": lazy_pgettext("figures", "open"),
    "waiting": lazy_pgettext("figures", "waiting"),
    "new": lazy_pgettext("figures", "new"),
    "solved": SOLVED,
    "median": lazy_pgettext("figures", "median"),
    "p90": lazy_pgettext("figures", "nine in ten"),
    "kept": lazy_pgettext("figures", "promises kept"),
    "reopened": lazy_pgettext("figures", "came back"),
    "score": lazy_pgettext("figures", "satisfaction"),
}
LESS_IS_GOOD = {"first_answer", "solution", "reopened"}
MORE_IS_GOOD = {"solved", "kept", "score", "content"}
UP_TO = (15, 30, 60, 120, 240, 480, 960)  # working minutes; the last column is what took longer


# --- Values -----------------------------------------------------------------------------------------------------------


def percent_words(value: float | None) -> str:
    """Write a share: ``87 %``; a dash where there is nothing to share."""
    return "—" if value is None else gettext("%(rate)s %%", rate=round(value))


def score_words(value: float | None) -> str:
    """Write an average rating: ``4,3``."""
    return "—" if value is None else str(format_decimal(value, "0.0"))


def time_words(value: float | None) -> str:
    """Write working time to the minute."""
    return "—" if value is None else minutes_words(round(value))


@dataclass(frozen=True)
class Change:
    """How a figure compares with the period before. ``way``: up, down, same; ``good``: ``None`` is neither."""

    way: str
    words: str
    good: bool | None = None


@dataclass(frozen=True)
class Line:
    """One figure of the report."""

    key: str
    label: Text
    value: str
    note: str
    change: Change | None
    how: Text


def lines(now: Figures, before: Figures) -> list[Line]:
    """Return the figures of a period beside those of the one before."""
    return [
        Line(key, LABELS[key], _value(key, now), _note(key, now), _change(key, now, before), HOW[key]) for key in LABELS
    ]


def _raw(key: str, figures: Figures) -> float | None:
    values: dict[str, float | None] = {
        "created": figures.created,
        "solved": figures.solved,
        "open": figures.open,
        "first_answer": figures.first_answer[0],
        "solution": figures.solution[0],
        "kept": figures.kept_percent,
        "reopened": figures.reopen_percent,
        "score": figures.score,
        "content": figures.content_percent,
    }
    return values[key]


def _value(key: str, figures: Figures) -> str:
    return _written(key, _raw(key, figures))


def _written(key: str, value: float | None) -> str:
    if key in ("kept", "reopened", "content"):
        return percent_words(value)
    if key in ("first_answer", "solution"):
        return time_words(value)
    return score_words(value) if key == "score" else str(value)


def _note(key: str, figures: Figures) -> str:
    if key == "open":
        return ngettext("%(num)d waits for the customer", "%(num)d wait for the customer", figures.waiting)
    if key in ("first_answer", "solution"):
        return _spread(figures.first_answers if key == "first_answer" else figures.solutions, _raw_p90(key, figures))
    if key == "kept":
        return ngettext("%(num)d broken", "%(num)d broken", figures.broken) if figures.kept + figures.broken else ""
    if key == "reopened":
        return gettext("%(part)d of %(whole)d solved", part=figures.reopened, whole=figures.ended)
    if key in ("score", "content"):
        return ngettext("%(num)d rating", "%(num)d ratings", figures.scores.total())
    return ""


def _raw_p90(key: str, figures: Figures) -> float | None:
    return (figures.first_answer if key == "first_answer" else figures.solution)[1]


def _spread(times: Counter[int], p90: float | None) -> str:
    if not times:
        return gettext("none in this period")
    return gettext("nine in ten within %(time)s", time=time_words(p90))


def _change(key: str, now: Figures, before: Figures) -> Change | None:
    if key == "open":
        return None
    value, was = _raw(key, now), _raw(key, before)
    if value is None or was is None:
        return None
    written, earlier = _written(key, value), _written(key, was)
    if written == earlier:
        return Change("same", gettext("as before"))
    up = value > was
    good = up if key in MORE_IS_GOOD else not up if key in LESS_IS_GOOD else None
    if key in ("first_answer", "solution"):
        words = gettext("slower than before (%(before)s)", before=earlier)
        if not up:
            words = gettext("faster than before (%(before)s)", before=earlier)
    elif up:
        words = gettext("more than before (%(before)s)", before=earlier)
    else:
        words = gettext("less than before (%(before)s)", before=earlier)
    return Change("up" if up else "down", words, good)


# --- Days -------------------------------------------------------------------------------------------------------------


def period_words(period: Period) -> str:
    """Write from which to which day: ``16.11.2026. – 22.11.2026.``."""
    if period.first == period.last:
        return day(period.first)
    return f"{day(period.first)} – {day(period.last)}"


def step_label(step: Step, grain: Grain) -> str:
    """Write below a column what it stands for, as short as can be."""
    return str(format_date(step.first, "LLL")) if grain is Grain.MONTH else _short(step.first)


def step_name(step: Step, grain: Grain) -> str:
    """Write in full what a column stands for."""
    if grain is Grain.DAY:
        return f"{format_date(step.first, 'EEE')} {_short(step.first)}"
    if grain is Grain.MONTH:
        return str(format_date(step.first, "LLLL y"))
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


# --- Charts -----------------------------------------------------------------------------------------------------------


def flow_chart(flow: Sequence[Flow], grain: Grain, key: str = "flow") -> Chart:
    """Draw what came beside what was solved."""
    came, solved = sum(one.created for one in flow), sum(one.solved for one in flow)
    if came > solved:
        title = gettext("More tickets came (%(came)d) than were solved (%(solved)d)", came=came, solved=solved)
    elif solved > came:
        title = gettext("More tickets were solved (%(solved)d) than came (%(came)d)", came=came, solved=solved)
    else:
        title = gettext("As many tickets were solved as came (%(came)d)", came=came)
    return Chart(
        key,
        title if came or solved else gettext("No tickets came and none were solved"),
        gettext("New and solved tickets %(by)s.", by=BY[grain]),
        STEP[grain],
        (Series(CAME, 2), Series(SOLVED, 1)),
        tuple(
            Column(step_label(one.step, grain), step_name(one.step, grain), (one.created, one.solved)) for one in flow
        ),
    )


def kept_chart(words: Sequence[Word], grain: Grain) -> Chart:
    """Draw the promises that were kept, and on top those that were not."""
    return Chart(
        "kept",
        _kept_title(words, grain),
        gettext("Promises by when they began, %(by)s; those without an outcome yet are not in it.", by=BY[grain]),
        STEP[grain],
        (Series(KEPT, 1), Series(BROKEN, 3)),
        tuple(Column(step_label(one.step, grain), step_name(one.step, grain), (one.kept, one.broken)) for one in words),
        stacked=True,
    )


def _kept_title(words: Sequence[Word], grain: Grain) -> str:
    kept, broken = sum(one.kept for one in words), sum(one.broken for one in words)
    if not kept + broken:
        return gettext("No promise was kept or broken")
    if not broken:
        return gettext("Every promise was kept")
    share = percent_words(percent(kept, kept + broken))
    worst = max(words, key=lambda one: one.broken)
    if len(words) == 1:
        return gettext("%(share)s of the promises were kept", share=share)
    return gettext(
        "%(share)s of the promises were kept; most were broken %(when)s",
        share=share,
        when=step_name(worst.step, grain),
    )


def answers_chart(times: Counter[int]) -> Chart:
    """Draw how long first answers took."""
    columns = [
        Column(label, name, (sum(many for spent, many in times.items() if low < spent <= high),))
        for low, high, label, name in _ranges()
    ]
    figures = Figures(first_answers=times)
    median, p90 = figures.first_answer
    if not times:
        title = gettext("No question was answered")
    elif times.total() == 1:
        title = gettext("One question was answered, within %(time)s", time=time_words(median))
    else:
        title = gettext(
            "Half of the questions were answered within %(median)s, nine in ten within %(p90)s",
            median=time_words(median),
            p90=time_words(p90),
        )
    return Chart(
        "answers",
        title,
        gettext("First answers by the working time they took."),
        gettext("Working time"),
        (Series(ANSWERS, 1),),
        tuple(columns),
    )


def _ranges() -> list[tuple[float, float, str, str]]:
    """Return the ranges of the distribution: above which, up to which, and their words."""
    found: list[tuple[float, float, str, str]] = []
    low: float = -1
    for high in UP_TO:
        name = gettext("up to %(time)s", time=minutes_words(high))
        if low > 0:
            name = gettext("%(low)s to %(high)s", low=minutes_words(int(low)), high=minutes_words(high))
        found.append((low, high, minutes_words(high), name))
        low = high
    last = minutes_words(UP_TO[-1])
    found.append((low, float("inf"), f"> {last}", gettext("more than %(time)s", time=last)))
    return found


def scores_chart(scores: Counter[int]) -> Chart:
    """Draw how the ratings spread."""
    content = Figures(scores=scores).content_percent
    title = gettext("Nobody has rated")
    if content is not None:
        title = gettext("%(share)s of those who rated were content", share=percent_words(content))
    names = {
        5: gettext("5, very content"),
        4: gettext("4, content"),
        3: gettext("3, neither"),
        2: gettext("2, not content"),
        1: gettext("1, not content at all"),
    }
    return Chart(
        "scores",
        title,
        gettext("Ratings given in the period, from 1 to 5; content is 4 and 5."),
        gettext("Rating"),
        (Series(RATINGS, 1),),
        tuple(Column(str(score), names[score], (scores[score],)) for score in sorted(names)),
    )
