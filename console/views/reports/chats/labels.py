"""Labels of the figures and charts about chats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import ceil

from console.chat.stats import ChatFlow, ChatStats
from console.core.errors import Text
from console.core.texts import gettext, lazy_gettext, lazy_pgettext, ngettext
from console.tickets.stats.periods import Grain
from console.views.reports.distributions import RATINGS, ratings_note, spread
from console.views.reports.measures import Good, Measure
from console.views.shared.charts import Chart, Column, Series
from console.views.shared.labels.periods import BY, STEP, step_label, step_name
from console.views.shared.labels.sla import duration_label
from console.views.shared.labels.stats import count_label, p90_label, percent_label, score_label

ANSWERED, UNANSWERED = lazy_pgettext("chats", "answered"), lazy_pgettext("chats", "not answered")
CHATS, QUESTIONS = lazy_pgettext("figures", "chats"), lazy_pgettext("figures", "questions")
HEADS: dict[str, Text] = {
    "begun": lazy_pgettext("chats", "started"),
    "answered": ANSWERED,
    "unanswered": UNANSWERED,
    "share": lazy_pgettext("chats", "share"),
    "median": lazy_pgettext("figures", "median"),
    "p90": lazy_pgettext("figures", "90th percentile"),
    "length": lazy_pgettext("chats", "duration"),
    "handed": lazy_pgettext("chats", "to ticket"),
    "verified": lazy_pgettext("chats", "verified"),
    "score": lazy_pgettext("figures", "satisfaction"),
    "ratings": RATINGS,
}
MINUTE, PRECISE = 60, 600  # seconds; from the second on whole minutes are enough
UP_TO = (15, 30, 60, 120, 300, 600)  # seconds of waiting; the last column is what took longer
RATED = lazy_gettext("Ratings from 1 to 5 of chats started in the period; 4 and 5 count as satisfied.")
FIRST_HOUR, LAST_HOUR = 8, 17  # drawn even without questions


def wait_label(value: float | None) -> str:
    """Write seconds, so that nothing took longer than is written: ``45 s``, ``1 min 59 s``, ``12 min``."""
    if value is None:
        return "—"
    seconds = ceil(value)
    if seconds < MINUTE:
        return gettext("%(num)d s", num=seconds)
    if seconds >= PRECISE:
        return duration_label(ceil(seconds / MINUTE))
    minutes, rest = divmod(seconds, MINUTE)
    return gettext("%(minutes)d min %(seconds)d s", minutes=minutes, seconds=rest) if rest else duration_label(minutes)


# --- Figures ----------------------------------------------------------------------------------------------------------


def _outside_note(figures: ChatStats) -> str:
    if not figures.outside:
        return ""
    return ngettext(
        "and %(num)d question outside of opening hours",
        "and %(num)d questions outside of opening hours",
        figures.outside,
    )


def _unanswered_note(figures: ChatStats) -> str:
    said = []
    if figures.missed:
        said.append(ngettext("%(num)d converted to ticket", "%(num)d converted to tickets", figures.missed))
    if figures.closed:
        said.append(ngettext("%(num)d ended unanswered", "%(num)d ended unanswered", figures.closed))
    return ", ".join(said)


def _handed_note(figures: ChatStats) -> str:
    return gettext("%(part)d of %(whole)d answered", part=figures.handed, whole=figures.answered)


MEASURES = (
    Measure(
        "begun",
        lazy_gettext("Chats"),
        lazy_gettext(
            "Chats that visitors started in the period during opening hours. Questions left outside "
            "opening hours become tickets at once; they are shown separately and not counted "
            "elsewhere here."
        ),
        lambda figures: figures.begun,
        count_label,
        _outside_note,
    ),
    Measure(
        "answered",
        lazy_gettext("Answered in chat"),
        lazy_gettext(
            "Share of chats started in the period, and no longer waiting, in which an agent replied. "
            "The others were converted to tickets because no agent was free in time, we closed or the"
            " visitor left, or they ended without a reply."
        ),
        lambda figures: figures.answered_percent,
        percent_label,
        _unanswered_note,
        Good.MORE,
    ),
    Measure(
        "first_answer",
        lazy_gettext("First response, median"),
        lazy_gettext(
            "Elapsed time from the visitor’s question to the first reply, for chats started in the period and "
            "answered so far."
        ),
        lambda figures: figures.wait[0],
        wait_label,
        lambda figures: p90_label(figures.wait[1], wait_label),
        Good.LESS,
        is_time=True,
    ),
    Measure(
        "length",
        lazy_gettext("Duration, median"),
        lazy_gettext("Time from the question to the end of the chat, for answered chats that have ended."),
        lambda figures: figures.length[0],
        wait_label,
        lambda figures: p90_label(figures.length[1], wait_label),
    ),
    Measure(
        "handed",
        lazy_gettext("Converted to ticket"),
        lazy_gettext(
            "Share of answered chats converted to tickets because the answer took longer, the agent "
            "disconnected or the day ended."
        ),
        lambda figures: figures.handed_percent,
        percent_label,
        _handed_note,
    ),
    Measure(
        "score",
        lazy_gettext("Satisfaction, average"),
        lazy_gettext("Average rating from 1 to 5 of chats started in the period."),
        lambda figures: figures.score,
        score_label,
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
        gettext("Chats by start time, %(by)s; waiting chats are not included.", by=BY[grain]),
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
        return gettext("No chats answered or missed")
    if not unanswered:
        return gettext("Every chat was answered")
    if len(flow) == 1:
        return ngettext(
            "%(num)d visitor was not answered in chat", "%(num)d visitors were not answered in chat", unanswered
        )
    worst = max(flow, key=lambda one: one.unanswered)
    return ngettext(
        "%(num)d visitor was not answered in chat; most: %(when)s",
        "%(num)d visitors were not answered in chat; most: %(when)s",
        unanswered,
        when=step_name(worst.step, grain),
    )


def waits_chart(waits: Counter[int]) -> Chart:
    """Draw how long visitors waited for the first answer."""
    median, p90 = ChatStats(waits=waits).wait
    if not waits:
        title = gettext("No chats were answered")
    elif waits.total() == 1:
        title = gettext("One visitor was answered, within %(time)s", time=wait_label(median))
    else:
        title = gettext(
            "Half of the visitors got a reply within %(median)s, 90%% within %(p90)s",
            median=wait_label(median),
            p90=wait_label(p90),
        )
    return Chart(
        "waits",
        title,
        gettext("First responses by waiting time."),
        gettext("Waiting time"),
        (Series(CHATS, 1),),
        spread(waits, UP_TO, wait_label),
    )


def hours_chart(hours: Counter[int]) -> Chart:
    """Draw at which hour of the day visitors report_query."""
    first = min([FIRST_HOUR, *(hour for hour in hours if hours[hour])])
    last = max([LAST_HOUR, *(hour for hour in hours if hours[hour])])
    title = gettext("No chats were started")
    if hours.total():
        busiest = max(sorted(hours), key=lambda hour: hours[hour])
        title = gettext("The busiest hour is %(begin)d:00–%(end)d:00", begin=busiest, end=busiest + 1)
    return Chart(
        "hours",
        title,
        gettext("Questions by hour of day, including those outside opening hours."),
        gettext("Hour"),
        (Series(QUESTIONS, 1),),
        tuple(Column(str(hour), _hour_name(hour), (hours[hour],)) for hour in range(first, last + 1)),
    )


def _hour_name(hour: int) -> str:
    return f"{hour}:00–{hour + 1}:00"
