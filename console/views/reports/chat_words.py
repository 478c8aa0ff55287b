"""The figures of chats in words: how each is counted, what a chart shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import ceil

from console.chat.figures import ChatFigures, ChatFlow
from console.core.errors import Text
from console.core.texts import gettext, lazy_gettext, lazy_pgettext, ngettext
from console.tickets.figures.periods import Grain
from console.views.charts import Chart, Column, Series
from console.views.promise_words import minutes_words
from console.views.reports.days import BY, STEP, step_label, step_name
from console.views.reports.lines import Good, Measure, percent_words, score_words, spread_words, whole
from console.views.reports.spreads import RATINGS, ratings_note, spread

ANSWERED, UNANSWERED = lazy_pgettext("chats", "answered"), lazy_pgettext("chats", "not answered")
CHATS, QUESTIONS = lazy_pgettext("figures", "chats"), lazy_pgettext("figures", "questions")
HEADS: dict[str, Text] = {
    "begun": lazy_pgettext("chats", "begun"),
    "answered": ANSWERED,
    "unanswered": UNANSWERED,
    "share": lazy_pgettext("chats", "share"),
    "median": lazy_pgettext("figures", "median"),
    "p90": lazy_pgettext("figures", "nine in ten"),
    "length": lazy_pgettext("chats", "length"),
    "handed": lazy_pgettext("chats", "to ticket"),
    "verified": lazy_pgettext("chats", "verified"),
    "score": lazy_pgettext("figures", "satisfaction"),
    "ratings": RATINGS,
}
MINUTE, PRECISE = 60, 600  # seconds; from the second on whole minutes are enough
UP_TO = (15, 30, 60, 120, 300, 600)  # seconds of waiting; the last column is what took longer
RATED = lazy_gettext("Ratings of chats begun in the period, from 1 to 5; content is 4 and 5.")
FIRST_HOUR, LAST_HOUR = 8, 17  # drawn even where nobody asked


def time_words(value: float | None) -> str:
    """Write seconds, so that nothing took longer than is written: ``45 s``, ``1 min 59 s``, ``12 min``."""
    if value is None:
        return "—"
    seconds = ceil(value)
    if seconds < MINUTE:
        return gettext("%(num)d s", num=seconds)
    if seconds >= PRECISE:
        return minutes_words(ceil(seconds / MINUTE))
    minutes, rest = divmod(seconds, MINUTE)
    return gettext("%(minutes)d min %(seconds)d s", minutes=minutes, seconds=rest) if rest else minutes_words(minutes)


# --- Figures ----------------------------------------------------------------------------------------------------------


def _outside_note(figures: ChatFigures) -> str:
    if not figures.outside:
        return ""
    return ngettext(
        "and %(num)d question outside of opening hours",
        "and %(num)d questions outside of opening hours",
        figures.outside,
    )


def _unanswered_note(figures: ChatFigures) -> str:
    said = []
    if figures.missed:
        said.append(ngettext("%(num)d became a ticket", "%(num)d became tickets", figures.missed))
    if figures.closed:
        said.append(ngettext("%(num)d ended unanswered", "%(num)d ended unanswered", figures.closed))
    return ", ".join(said)


def _handed_note(figures: ChatFigures) -> str:
    return gettext("%(part)d of %(whole)d answered", part=figures.handed, whole=figures.answered)


MEASURES = (
    Measure(
        "begun",
        lazy_gettext("Chats"),
        lazy_gettext(
            "Conversations that visitors began in the period while we were open. A question left outside of opening "
            "hours becomes a ticket at once; those are counted beside it and in no other figure here."
        ),
        lambda figures: figures.begun,
        whole,
        _outside_note,
    ),
    Measure(
        "answered",
        lazy_gettext("Answered in the chat"),
        lazy_gettext(
            "Of the chats begun in the period that no longer wait: the share in which one of us wrote. The others "
            "became a ticket, because nobody came in time, we closed or the visitor did not wait; or they were taken "
            "and ended without a word."
        ),
        lambda figures: figures.answered_percent,
        percent_words,
        _unanswered_note,
        Good.MORE,
    ),
    Measure(
        "first_answer",
        lazy_gettext("First answer, median"),
        lazy_gettext(
            "Time from the visitor’s question to the first word of one of us, by the clock. Of chats begun in the "
            "period and answered by now."
        ),
        lambda figures: figures.wait[0],
        time_words,
        lambda figures: spread_words(figures.wait[1], time_words),
        Good.LESS,
        is_time=True,
    ),
    Measure(
        "length",
        lazy_gettext("Length, median"),
        lazy_gettext("Time from the question to the end of the conversation. Of answered chats that have ended."),
        lambda figures: figures.length[0],
        time_words,
        lambda figures: spread_words(figures.length[1], time_words),
    ),
    Measure(
        "handed",
        lazy_gettext("Went on as a ticket"),
        lazy_gettext(
            "Of the answered chats: the share that became a ticket, because the answer needed longer, the agent’s "
            "connection was lost, or the day was over."
        ),
        lambda figures: figures.handed_percent,
        percent_words,
        _handed_note,
    ),
    Measure(
        "score",
        lazy_gettext("Satisfaction, average"),
        lazy_gettext("The average of the ratings, from 1 to 5, that visitors gave to chats begun in the period."),
        lambda figures: figures.score,
        score_words,
        ratings_note,
        Good.MORE,
    ),
)


# --- Charts -----------------------------------------------------------------------------------------------------------


def flow_chart(flow: Sequence[ChatFlow], grain: Grain) -> Chart:
    """Draw the chats that were answered, and on top those that were not."""
    return Chart(
        "chats",
        _flow_title(flow, grain),
        gettext("Chats by when they began, %(by)s; those that still wait are not in it.", by=BY[grain]),
        STEP[grain],
        (Series(ANSWERED, 1), Series(UNANSWERED, 3)),
        tuple(
            Column(step_label(one.step, grain), step_name(one.step, grain), (one.answered, one.unanswered))
            for one in flow
        ),
        stacked=True,
    )


def _flow_title(flow: Sequence[ChatFlow], grain: Grain) -> str:
    answered, unanswered = sum(one.answered for one in flow), sum(one.unanswered for one in flow)
    if not answered + unanswered:
        return gettext("No chat was answered and none was missed")
    if not unanswered:
        return gettext("Nobody was left without an answer")
    if len(flow) == 1:
        return ngettext(
            "%(num)d visitor was not answered in the chat", "%(num)d visitors were not answered in the chat", unanswered
        )
    worst = max(flow, key=lambda one: one.unanswered)
    return ngettext(
        "%(num)d visitor was not answered in the chat; most: %(when)s",
        "%(num)d visitors were not answered in the chat; most: %(when)s",
        unanswered,
        when=step_name(worst.step, grain),
    )


def waits_chart(waits: Counter[int]) -> Chart:
    """Draw how long visitors waited for the first answer."""
    median, p90 = ChatFigures(waits=waits).wait
    if not waits:
        title = gettext("Nobody was answered")
    elif waits.total() == 1:
        title = gettext("One visitor was answered, within %(time)s", time=time_words(median))
    else:
        title = gettext(
            "Half of the visitors were answered within %(median)s, nine in ten within %(p90)s",
            median=time_words(median),
            p90=time_words(p90),
        )
    return Chart(
        "waits",
        title,
        gettext("First answers by how long the visitor waited for them."),
        gettext("Waited"),
        (Series(CHATS, 1),),
        spread(waits, UP_TO, time_words),
    )


def hours_chart(hours: Counter[int]) -> Chart:
    """Draw at which hour of the day visitors ask."""
    first = min([FIRST_HOUR, *(hour for hour in hours if hours[hour])])
    last = max([LAST_HOUR, *(hour for hour in hours if hours[hour])])
    title = gettext("Nobody asked in the chat")
    if hours.total():
        busiest = max(sorted(hours), key=lambda hour: hours[hour])
        title = gettext("The busiest hour is from %(begin)d to %(end)d o’clock", begin=busiest, end=busiest + 1)
    return Chart(
        "hours",
        title,
        gettext("Questions by the hour of the day they were asked at, those outside of opening hours among them."),
        gettext("Hour"),
        (Series(QUESTIONS, 1),),
        tuple(Column(str(hour), _hour_name(hour), (hours[hour],)) for hour in range(first, last + 1)),
    )


def _hour_name(hour: int) -> str:
    return f"{hour}:00–{hour + 1}:00"
