"""Statistics of reviews and ratings: per agent, department and month, in three statements however many there are.

Reviews and ratings belong to the month in which they were written, to the agent who did the work, and to the
department of the ticket at that time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, case, func, select

from console.core.actor import Actor
from console.core.db import db
from console.staff.roles import Permission
from console.tickets.reviews.models import (
    BEST,
    Review,
    ReviewAnswer,
    ReviewCriterion,
    ReviewScore,
    ReviewState,
    TicketRating,
)
from console.tickets.service.ratings import LOW
from console.tickets.stats.periods import midnight

MAX_MONTHS = 24
CellKey = tuple[int | None, int | None, int]  # agent, department, index of the month


@dataclass
class Tally:
    """The sums of some reviews and ratings."""

    reviews: int = 0
    scored: int = 0  # reviews in which at least one criterion applied
    total: int = 0  # sum of their results, in hundredths of a percent
    answered: int = 0  # reviews the agent answered
    criteria: dict[int, tuple[int, int]] = field(default_factory=dict)  # points, and number of scores
    ratings: int = 0
    stars: int = 0  # sum of the ratings
    low: int = 0

    def add(self, other: Tally) -> None:
        """Add other sums to these."""
        for name in ("reviews", "scored", "total", "answered", "ratings", "stars", "low"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for key, (points, many) in other.criteria.items():
            before = self.criteria.get(key, (0, 0))
            self.criteria[key] = (before[0] + points, before[1] + many)

    @property
    def average(self) -> float | None:
        """Return the mean result in percent."""
        return self.total / self.scored / 100 if self.scored else None

    @property
    def rating(self) -> float | None:
        """Return the mean rating, 1 to 5."""
        return self.stars / self.ratings if self.ratings else None

    def of(self, criterion: int) -> float | None:
        """Return the points of a criterion in percent of the possible ones."""
        points, many = self.criteria.get(criterion, (0, 0))
        return 100 * points / (BEST * many) if many else None


@dataclass(frozen=True)
class Months:
    """Whole months, the oldest first."""

    firsts: tuple[date, ...]
    zone: ZoneInfo

    @property
    def bounds(self) -> list[datetime]:
        """Return when each begins, and when the last ends."""
        return [midnight(day, self.zone) for day in (*self.firsts, _next(self.firsts[-1]))]


def months_until(today: date, many: int, zone: ZoneInfo) -> Months:
    """Return the last ``many`` months, the present one among them."""
    place = today.year * 12 + today.month - 1
    places = range(place - min(max(many, 1), MAX_MONTHS) + 1, place + 1)
    return Months(tuple(date(one // 12, one % 12 + 1, 1) for one in places), zone)


def _next(first: date) -> date:
    place = first.year * 12 + first.month
    return date(place // 12, place % 12 + 1, 1)


@dataclass(frozen=True)
class ReviewStats:
    """The statistics of some months, by agent, department and month."""

    months: Months
    cells: dict[CellKey, Tally]
    criteria: list[ReviewCriterion]  # the whole rubric in its order

    def of(self, matches: Callable[[CellKey], bool] = lambda _key: True) -> Tally:
        """Return the sum of the matching cells."""
        whole = Tally()
        for key, cell in self.cells.items():
            if matches(key):
                whole.add(cell)
        return whole

    def by_agent(self) -> dict[int, Tally]:
        """Return the sum of each agent."""
        keys = {agent for agent, _department, _month in self.cells if agent is not None}
        return {key: self.of(lambda cell, key=key: cell[0] == key) for key in keys}  # type: ignore[misc]

    def by_department(self) -> dict[int | None, Tally]:
        """Return the sum of each department; ``None``: overrides outside of a ticket."""
        keys = {department for _agent, department, _month in self.cells}
        return {key: self.of(lambda cell, key=key: cell[1] == key) for key in keys}  # type: ignore[misc]

    def by_month(self) -> list[Tally]:
        """Return the sum of each month in order, empty ones too."""
        places = range(len(self.months.firsts))
        return [self.of(lambda cell, place=place: cell[2] == place) for place in places]  # type: ignore[misc]


def book(actor: Actor, months: Months, *, agent_id: int | None = None, department_id: int | None = None) -> ReviewStats:
    """Return the statistics of ``months``: for supervisors of all agents, for others only their own.

    Args:
        agent_id: only of this agent's work.
        department_id: only of this department's tickets.
    """
    mine = None if actor.may(Permission.REVIEW) else actor.id or 0
    cells: dict[CellKey, Tally] = {}

    def limited(query: Select[Any], agent: Any, department: Any) -> Select[Any]:
        for key, column in ((mine, agent), (agent_id, agent), (department_id, department)):
            query = query if key is None else query.where(column == key)
        return query

    def cell_of(row: Any) -> Tally:
        return cells.setdefault((row.agent_id, row.department_id, row.place), Tally())

    for row in db.session.execute(limited(_reviews(months), Review.agent_id, Review.department_id)):
        cell = cell_of(row)
        cell.reviews, cell.scored, cell.total, cell.answered = row.reviews, row.scored, row.total, row.answered
    criteria: dict[int, ReviewCriterion] = {}
    for row in db.session.execute(_with_criteria(limited(_scores(months), Review.agent_id, Review.department_id))):
        criteria[row.ReviewCriterion.id] = row.ReviewCriterion
        if row.many is not None:  # else it was not scored
            cell_of(row).criteria[row.ReviewCriterion.id] = (row.points, row.many)
    for row in db.session.execute(limited(_ratings(months), TicketRating.agent_id, TicketRating.department_id)):
        cell = cell_of(row)
        cell.ratings, cell.stars, cell.low = row.ratings, row.stars, row.low
    return ReviewStats(months, cells, list(criteria.values()))


def _place(instant: Any, bounds: Sequence[datetime]) -> ColumnElement[int]:
    """Return the place of an instant's month. Local months are no function of the stored instant."""
    return case(*((instant < end, place) for place, end in enumerate(bounds[1:-1])), else_=len(bounds) - 2)


def _apart(columns: tuple[Any, Any], instant: Any, months: Months, *counts: Any) -> Select[Any]:
    bounds = months.bounds
    inner = _place(instant, bounds) if len(bounds) > 2 else func.coalesce(0, 0)
    place = inner.label("place")
    return (
        select(*columns, place, *counts)
        .where(and_(instant >= bounds[0], instant < bounds[-1]))
        .group_by(*columns, place)
    )


_WHOSE = (Review.agent_id, Review.department_id)


def _reviews(months: Months) -> Select[Any]:
    spoke = select(ReviewAnswer.id).where(ReviewAnswer.review_id == Review.id, ReviewAnswer.staff_id == Review.agent_id)
    counts = (
        func.count().label("reviews"),
        func.count(Review.total).label("scored"),
        func.coalesce(func.sum(Review.total), 0).label("total"),
        func.sum(case((spoke.exists(), 1), else_=0)).label("answered"),
    )
    return _apart(_WHOSE, Review.reviewed_at, months, *counts).where(Review.state == ReviewState.DONE)


def _scores(months: Months) -> Select[Any]:
    counts = (
        ReviewScore.criterion_id,
        func.sum(ReviewScore.points).label("points"),
        func.count(ReviewScore.points).label("many"),
    )
    return (
        _apart(_WHOSE, Review.reviewed_at, months, *counts)
        .join(ReviewScore, ReviewScore.review_id == Review.id)
        .where(Review.state == ReviewState.DONE, ReviewScore.points.is_not(None))
        .group_by(ReviewScore.criterion_id)
    )


def _with_criteria(scores: Select[Any]) -> Select[Any]:
    """Select the rubric in its order, each criterion with its scores, if any."""
    found = scores.subquery("scores")
    return (
        select(
            ReviewCriterion,
            found.c.agent_id,
            found.c.department_id,
            found.c.place,
            found.c.points,
            found.c.many,
        )
        .outerjoin(found, found.c.criterion_id == ReviewCriterion.id)
        .order_by(ReviewCriterion.position, ReviewCriterion.id)
    )


def _ratings(months: Months) -> Select[Any]:
    counts = (
        func.count().label("ratings"),
        func.sum(TicketRating.score).label("stars"),
        func.sum(case((TicketRating.score <= LOW, 1), else_=0)).label("low"),
    )
    return _apart((TicketRating.agent_id, TicketRating.department_id), TicketRating.at, months, *counts)
