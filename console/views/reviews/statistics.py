"""Statistics of reviews and ratings per agent, department and month. Who is no reviewer sees their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from flask_admin import expose

from console.audit.service import record
from console.core import clock
from console.core.context import settings
from console.core.ids import read_key
from console.core.sorting import sort_key
from console.core.texts import gettext, lazy_gettext, ngettext
from console.core.transaction import transaction
from console.staff.roles import Permission
from console.tickets.reviews import stats as chat_stats
from console.tickets.reviews.stats import ReviewStats, Tally
from console.views.shared.base import Page
from console.views.shared.choices import department_name, names
from console.views.shared.export import Number, write_csv
from console.views.shared.labels.periods import month_name
from console.views.shared.labels.reviews import percent
from console.web.answers import wants_json
from console.web.filters import language
from console.web.identity import current_actor

SPANS = (1, 3, 6, 12, 24)
USUAL = 6
ONE_PERCENT = 0.5  # less is no difference


@dataclass(frozen=True)
class StatisticsQuery:
    """Of whose reviews, and of how many months."""

    months: int
    agent: int | None
    department: int | None

    def query(self, **changes: Any) -> dict[str, Any]:
        """Return the query parameters, with ``changes``."""
        parameters = {"months": self.months, "agent": self.agent, "department": self.department} | changes
        return {name: value for name, value in parameters.items() if value is not None}


class ReviewStatistics(Page):
    """The statistics of reviews: of everyone, or one's own."""

    permission = (Permission.REVIEW, Permission.WORK_TICKETS)
    parent = "reviews"

    def __init__(self) -> None:
        super().__init__(name=lazy_gettext("Statistics"), endpoint="review_figures", url="/console/reviews/figures")

    @expose("")
    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show the figures of the last months."""
        query = _read()
        book = _book(query)
        of_everyone = current_actor().may(Permission.REVIEW)
        if wants_json():
            return jsonify(_json(book))
        by_agent = [(names().staff.get(key, "?"), tally) for key, tally in book.by_agent().items()]
        rendered: str = self.render(
            "admin/reviews/statistics.html",
            query=query,
            spans=SPANS,
            of_everyone=of_everyone,
            whole=book.of(),
            months=list(zip(book.months.firsts, book.by_month(), strict=True)),
            agents=sorted(by_agent, key=lambda one: sort_key(one[0])) if of_everyone else [],
            departments=_departments(book),
            criteria=[(one.name(language()), one.id) for one in book.criteria],
            sentence=trend(book),
            staff=names().staff,
            all_departments={key: department_name(key) for key in names().departments},
            address=lambda **changes: self.get_url(".index", **query.query(**changes)),
        )
        return rendered

    @expose("/csv")
    def export(self) -> ResponseReturnValue:
        """Answer the figures as CSV: a line for each agent, department and month."""
        query = _read()
        book = _book(query)
        criteria = [(one.name(language()), one.id) for one in book.criteria]
        titles = [
            gettext("Month"), gettext("Agent"), gettext("Department"), gettext("Reviews"),
            gettext("Average (%)"), gettext("Answered"), gettext("Ratings"), gettext("Average rating"),
            gettext("Low ratings"),
            *(name for name, _key in criteria),
        ]  # fmt: skip
        # Before it is recorded: after a commit the reader would be read again.
        written = "".join(write_csv(titles, [_lines(book, [key for _name, key in criteria])]))
        with transaction():
            filters = {name: str(value) for name, value in query.query().items()}
            record(current_actor(), "list.exported", "review_figures", filters=filters, searched=False)
        name = f"review-figures-{clock.now().astimezone(settings().zone):%Y%m%d-%H%M}.csv"
        return Response(
            written,
            mimetype="text/csv",
            headers={"Content-Disposition": f"attachment; filename={name}"},
        )


def _read() -> StatisticsQuery:
    """Read what is query for; what cannot be read is not query for."""
    months = read_key(request.args.get("months"))
    of_everyone = current_actor().may(Permission.REVIEW)
    return StatisticsQuery(
        months if months in SPANS else USUAL,
        read_key(request.args.get("agent")) if of_everyone else None,
        read_key(request.args.get("department")),
    )


def _book(query: StatisticsQuery) -> ReviewStats:
    zone = settings().zone
    months = chat_stats.months_until(clock.local_date(clock.now(), zone), query.months, zone)
    return chat_stats.book(current_actor(), months, agent_id=query.agent, department_id=query.department)


def _departments(book: ReviewStats) -> list[tuple[str, Tally]]:
    found = [
        (gettext("outside tickets") if key is None else department_name(key), tally)
        for key, tally in book.by_department().items()
    ]
    return sorted(found, key=lambda one: sort_key(one[0]))


def trend(book: ReviewStats) -> str:
    """Compare in a sentence the last month with reviews with the one before it."""
    months = [
        (first, tally)
        for first, tally in zip(book.months.firsts, book.by_month(), strict=True)
        if tally.average is not None
    ]
    if not months:
        return gettext("No reviews in this period.")
    first, last = months[-1]
    words = ngettext(
        "%(month)s: %(num)d review, %(percent)s on average",
        "%(month)s: %(num)d reviews, %(percent)s on average",
        last.reviews,
        month=month_name(first).capitalize(),
        percent=percent(last.average),
    )
    if len(months) == 1:
        return f"{words}."
    before, earlier = months[-2]
    step = (last.average or 0) - (earlier.average or 0)
    if abs(step) < ONE_PERCENT:
        compared = gettext("as before (%(month)s)", month=month_name(before))
    elif step > 0:
        compared = ngettext(
            "%(num)d point more than before (%(month)s)",
            "%(num)d points more than before (%(month)s)",
            round(step),
            month=month_name(before),
        )
    else:
        compared = ngettext(
            "%(num)d point less than before (%(month)s)",
            "%(num)d points less than before (%(month)s)",
            round(-step),
            month=month_name(before),
        )
    return f"{words}; {compared}."


def _lines(book: ReviewStats, criteria: list[int]) -> Iterator[list[Any]]:
    for (agent, department, place), tally in sorted(book.cells.items(), key=lambda one: (one[0][2], str(one[0]))):
        yield [
            f"{book.months.firsts[place]:%Y-%m}",
            "" if agent is None else names().staff.get(agent, "?"),
            "" if department is None else department_name(department),
            tally.reviews,
            _number(tally.average),
            tally.answered,
            tally.ratings,
            _number(tally.rating),
            tally.low,
            *(_number(tally.of(key)) for key in criteria),
        ]


def _number(value: float | None) -> Number | None:
    return None if value is None else Number(f"{value:.2f}")


def _json(book: ReviewStats) -> dict[str, Any]:
    staff: Mapping[int, str] = names().staff
    return {
        "whole": _tally(book.of()),
        "months": [
            {"month": f"{first:%Y-%m}", **_tally(tally)}
            for first, tally in zip(book.months.firsts, book.by_month(), strict=True)
        ],
        "agents": [{"agent": staff.get(key, "?"), **_tally(tally)} for key, tally in book.by_agent().items()],
        "departments": [{"department": name, **_tally(tally)} for name, tally in _departments(book)],
    }


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        "reviews": tally.reviews,
        "percent": tally.average,
        "answered": tally.answered,
        "criteria": {str(key): tally.of(key) for key in tally.criteria},
        "ratings": tally.ratings,
        "rating": tally.rating,
        "low_ratings": tally.low,
    }
