"""The tables of both reports, as spreadsheets have them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from console.core.errors import Text
from console.core.texts import lazy_gettext
from console.views.shared.export import Number

Table = tuple[Sequence[Text], Iterable[Sequence[Any]]]
RATINGS = range(1, 6)


def cell(value: float | None) -> Number | None:
    """Return a figure as a spreadsheet has it."""
    return None if value is None else Number(f"{value:.2f}".rstrip("0").rstrip("."))


def shared(
    titles: Sequence[Text], cells: Callable[[Any], list[Any]], *, standing: int = 0
) -> dict[str, Callable[[Any], Table]]:
    """Return the tables that both reports have: all figures, by department, by agent, and the ratings.

    Args:
        titles: what the figures are called.
        cells: writes the figures of one row.
        standing: so many of them are of this moment, and not known of the period before.
    """

    def figures(reading: Any) -> Table:
        """Two lines: the period, and the one before."""
        now, before = reading.report_query.period, reading.report_query.period.before()
        earlier = [None] * standing + cells(reading.before)[standing:]
        rows = [(now.first, now.last, *cells(reading.whole)), (before.first, before.last, *earlier)]
        return (lazy_gettext("From"), lazy_gettext("Until"), *titles), rows

    def departments(reading: Any) -> Table:
        rows = [(name, *cells(found)) for _key, name, found in reading.departments]
        return (lazy_gettext("Department"), *titles), rows

    def agents(reading: Any) -> Table:
        rows = [(name, *cells(found)) for _key, name, found in reading.agents]
        return (lazy_gettext("Agent"), *titles), rows

    def ratings(reading: Any) -> Table:
        titles = (lazy_gettext("Rating"), lazy_gettext("Ratings"))
        return titles, [(score, reading.whole.scores[score]) for score in RATINGS]

    return {"figures": figures, "departments": departments, "agents": agents, "ratings": ratings}
