"""How times and ratings spread: the ranges of a distribution, and what both reports draw of ratings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from console.core.errors import Text
from console.core.texts import gettext, lazy_pgettext, ngettext
from console.tickets.stats.numbers import content_percent
from console.views.shared.charts import Chart, Column, Series
from console.views.shared.labels.stats import percent_label

RATINGS = lazy_pgettext("figures", "ratings")


def ratings_note(figures: Any) -> str:
    """Say how many rated."""
    return ngettext("%(num)d rating", "%(num)d ratings", figures.scores.total())


def spread(times: Counter[int], up_to: Sequence[int], write: Callable[[int], str]) -> tuple[Column, ...]:
    """Return how many times fall into each range, as columns.

    Args:
        up_to: where the ranges end; one more has the times above the last.
    """
    return tuple(
        Column(label, name, (sum(many for value, many in times.items() if low < value <= high),))
        for low, high, label, name in _ranges(up_to, write)
    )


def _ranges(up_to: Sequence[int], write: Callable[[int], str]) -> list[tuple[float, float, str, str]]:
    """Return above which and up to which value a range has, and its words, short and in full."""
    found: list[tuple[float, float, str, str]] = []
    low: float = -1
    for high in up_to:
        name = gettext("up to %(time)s", time=write(high))
        if low > 0:
            name = gettext("%(low)s to %(high)s", low=write(int(low)), high=write(high))
        found.append((low, high, write(high), name))
        low = high
    last = write(up_to[-1])
    found.append((low, float("inf"), f"> {last}", gettext("more than %(time)s", time=last)))
    return found


def scores_chart(scores: Counter[int], caption: Text) -> Chart:
    """Draw how the ratings spread."""
    content = content_percent(scores)
    title = gettext("No ratings")
    if content is not None:
        title = gettext("%(share)s satisfied (CSAT)", share=percent_label(content))
    names = {
        5: gettext("5, very satisfied"),
        4: gettext("4, satisfied"),
        3: gettext("3, neutral"),
        2: gettext("2, dissatisfied"),
        1: gettext("1, very dissatisfied"),
    }
    return Chart(
        "scores",
        title,
        caption,
        gettext("Rating"),
        (Series(RATINGS, 1),),
        tuple(Column(str(score), names[score], (scores[score],)) for score in sorted(names)),
    )
