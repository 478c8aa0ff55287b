"""The figures of tickets in words: how each is counted, what a chart shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from console.core.errors import Text
from console.core.texts import gettext, lazy_gettext, lazy_pgettext, ngettext
from console.tickets.figures.numbers import percent
from console.tickets.figures.periods import Grain
from console.tickets.figures.queries import Figures, Flow, Word
from console.views.charts import Chart, Column, Series
from console.views.promise_words import minutes_words
from console.views.reports.days import BY, STEP, step_label, step_name
from console.views.reports.lines import Good, Measure, nothing, percent_words, score_words, spread_words, whole
from console.views.reports.spreads import RATINGS, ratings_note, spread

CAME, SOLVED = lazy_pgettext("figures", "came"), lazy_pgettext("figures", "solved")
KEPT, BROKEN = lazy_pgettext("figures", "kept"), lazy_pgettext("figures", "broken")
ANSWERS = lazy_pgettext("figures", "answers")
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
    "ratings": RATINGS,
}
RATED = lazy_gettext("Ratings given in the period, from 1 to 5; content is 4 and 5.")
UP_TO = (15, 30, 60, 120, 240, 480, 960)  # working minutes; the last column is what took longer


def time_words(value: float | None) -> str:
    """Write working time to the minute."""
    return "—" if value is None else minutes_words(round(value))


# --- Figures ----------------------------------------------------------------------------------------------------------


def _waiting_note(figures: Figures) -> str:
    return ngettext("%(num)d waits for the customer", "%(num)d wait for the customer", figures.waiting)


def _broken_note(figures: Figures) -> str:
    return ngettext("%(num)d broken", "%(num)d broken", figures.broken) if figures.kept + figures.broken else ""


def _reopened_note(figures: Figures) -> str:
    return gettext("%(part)d of %(whole)d solved", part=figures.reopened, whole=figures.ended)


MEASURES = (
    Measure(
        "created",
        lazy_gettext("New tickets"),
        lazy_gettext(
            "Tickets opened in the period, by whoever and on whatever way. One that was merged into another is not "
            "counted: its question goes on there."
        ),
        lambda figures: figures.created,
        whole,
        nothing,
    ),
    Measure(
        "solved",
        lazy_gettext("Solved tickets"),
        lazy_gettext(
            "Tickets that were solved in the period and still are, whenever they were opened. One that came back "
            "counts again on the day it is solved for good."
        ),
        lambda figures: figures.solved,
        whole,
        nothing,
        Good.MORE,
    ),
    Measure(
        "open",
        lazy_gettext("Open now"),
        lazy_gettext(
            "Tickets that are open at this moment and wait for us, those on hold among them; beside it, those that "
            "wait for the customer. Not a figure of the period."
        ),
        lambda figures: figures.open,
        whole,
        _waiting_note,
        is_standing=True,
    ),
    Measure(
        "first_answer",
        lazy_gettext("First answer, median"),
        lazy_gettext(
            "Working time from the opening to our first reply, as the promise counts it: only while we are open, not"
            " while the ticket waits for the customer. Solving without a reply counts as the answer, because the "
            "customer is told. Of questions asked in the period and answered by now; tickets that we began ourselves"
            " have none."
        ),
        lambda figures: figures.first_answer[0],
        time_words,
        lambda figures: spread_words(figures.first_answer[1], time_words),
        Good.LESS,
        is_time=True,
    ),
    Measure(
        "solution",
        lazy_gettext("Solution, median"),
        lazy_gettext(
            "Working time from the opening until the ticket was solved, without the time it waited for the customer or "
            "was on hold. Of tickets solved in the period."
        ),
        lambda figures: figures.solution[0],
        time_words,
        lambda figures: spread_words(figures.solution[1], time_words),
        Good.LESS,
        is_time=True,
    ),
    Measure(
        "kept",
        lazy_gettext("Promises kept"),
        lazy_gettext(
            "Of all promises (first answer, next answer, solution) that began in the period and whose outcome is "
            "known: the share that was kept in time. One that is late counts as broken at once, also while it still "
            "runs."
        ),
        lambda figures: figures.kept_percent,
        percent_words,
        _broken_note,
        Good.MORE,
    ),
    Measure(
        "reopened",
        lazy_gettext("Came back"),
        lazy_gettext(
            "Of the tickets opened in the period that were ever solved: the share that came back at least once, by the "
            "customer’s answer or by our hand."
        ),
        lambda figures: figures.reopen_percent,
        percent_words,
        _reopened_note,
        Good.LESS,
    ),
    Measure(
        "score",
        lazy_gettext("Satisfaction, average"),
        lazy_gettext(
            "The average of the ratings, from 1 to 5, that customers gave in the period. Counted with whose work the "
            "ticket was when it was rated."
        ),
        lambda figures: figures.score,
        score_words,
        ratings_note,
        Good.MORE,
    ),
    Measure(
        "content",
        lazy_gettext("Content customers"),
        lazy_gettext("Of the ratings given in the period: the share of 4 and 5."),
        lambda figures: figures.content_percent,
        percent_words,
        ratings_note,
        Good.MORE,
    ),
)


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
        spread(times, UP_TO, minutes_words),
    )
