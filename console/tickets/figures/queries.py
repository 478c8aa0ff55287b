"""The desk in figures, read in a fixed number of statements over indexed ranges.

Counted with whom a ticket is given to now (a rating: with whose work it was then). Created, reopened, first
answers and promises belong to the day the question came; solved tickets, and how long solving took, to the day
they were solved. Times are working minutes without what was paused, as the promises count them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import Integer, Select, case, column, func, or_, select, values
from sqlalchemy.orm import InstrumentedAttribute

from console.core.db import Instant, db
from console.tickets.figures.numbers import mean, percent, quantile
from console.tickets.figures.periods import Period, midnight
from console.tickets.models import Ticket, TicketStatus
from console.tickets.promises.models import TicketPromise
from console.tickets.promises.queries import at_risk, broken
from console.tickets.promises.rules import PromiseKind
from console.tickets.reviews.models import TicketRating

CONTENT = 4  # from this score on a requester was content
P90 = 0.9
Whose = tuple[int | None, int | None]  # department, agent


@dataclass
class Figures:
    """What is known of some tickets: a department's, an agent's, everybody's."""

    open: int = 0  # now; the others are of the period
    waiting: int = 0
    created: int = 0
    ended: int = 0  # of the created, those that were ever solved
    reopened: int = 0  # of these, those that came back
    solved: int = 0
    kept: int = 0
    broken: int = 0
    first_answers: Counter[int] = field(default_factory=Counter)  # working minutes, and how often
    solutions: Counter[int] = field(default_factory=Counter)
    scores: Counter[int] = field(default_factory=Counter)

    def add(self, other: Figures) -> None:
        """Take in what is known of other tickets."""
        for name in ("open", "waiting", "created", "ended", "reopened", "solved", "kept", "broken"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("first_answers", "solutions", "scores"):
            getattr(self, name).update(getattr(other, name))

    @property
    def kept_percent(self) -> float | None:
        """Return how many of the promises that are decided were kept."""
        return percent(self.kept, self.kept + self.broken)

    @property
    def reopen_percent(self) -> float | None:
        """Return how many of what was solved came back."""
        return percent(self.reopened, self.ended)

    @property
    def score(self) -> float | None:
        """Return the average rating."""
        return mean(self.scores)

    @property
    def content_percent(self) -> float | None:
        """Return how many of those who rated were content."""
        return percent(sum(count for score, count in self.scores.items() if score >= CONTENT), self.scores.total())

    @property
    def first_answer(self) -> tuple[float | None, float | None]:
        """Return median and 90th percentile of the time to the first answer."""
        return quantile(self.first_answers, 0.5), quantile(self.first_answers, P90)

    @property
    def solution(self) -> tuple[float | None, float | None]:
        """Return median and 90th percentile of the time to the solution."""
        return quantile(self.solutions, 0.5), quantile(self.solutions, P90)


@dataclass(frozen=True)
class Report:
    """The figures of a period, cut in three ways."""

    cells: dict[Whose, Figures]

    def of(self, cells: Iterable[Figures]) -> Figures:
        """Return the sum of some cells."""
        whole = Figures()
        for cell in cells:
            whole.add(cell)
        return whole

    @property
    def whole(self) -> Figures:
        """Return everybody's."""
        return self.of(self.cells.values())

    def of_agent(self, agent: int | None) -> Figures:
        """Return one agent's."""
        return self.of(cell for (_department, whose), cell in self.cells.items() if whose == agent)

    def by_agent(self) -> dict[int | None, Figures]:
        """Return everybody's apart; ``None`` is nobody's."""
        return {agent: self.of_agent(agent) for agent in {agent for _department, agent in self.cells}}

    def by_department(self) -> dict[int, Figures]:
        """Return the departments' apart."""
        keys = {department for department, _agent in self.cells if department is not None}
        return {key: self.of(cell for (one, _agent), cell in self.cells.items() if one == key) for key in keys}


def report(period: Period) -> Report:
    """Return the figures of a period: seven statements, however many tickets there are."""
    cells: dict[Whose, Figures] = {}

    def cell(row: Any) -> Figures:
        return cells.setdefault((row.department_id, row.agent_id), Figures())

    for row in db.session.execute(_standing()):
        cell(row).open, cell(row).waiting = row.open, row.waiting
    for row in db.session.execute(_created(period)):
        cell(row).created, cell(row).ended, cell(row).reopened = row.created, row.ended, row.reopened
    for row in db.session.execute(_solved(period)):
        cell(row).solved = row.solved
    for row in db.session.execute(_kept(period)):
        cell(row).kept, cell(row).broken = row.kept, row.broken
    for row in db.session.execute(_first_answers(period)):
        cell(row).first_answers[row.spent] = row.many
    for row in db.session.execute(_solutions(period)):
        cell(row).solutions[row.spent] = row.many
    for row in db.session.execute(_scores(period)):
        cell(row).scores[row.score] = row.many
    return Report(cells)


_WHOSE = (Ticket.department_id, Ticket.assignee_id.label("agent_id"))


def _apart(*columns: Any) -> Select[Any]:
    return select(*_WHOSE, *columns).group_by(Ticket.department_id, Ticket.assignee_id)


def _sum(condition: Any) -> Any:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _standing() -> Select[Any]:
    open_, waiting = _sum(Ticket.status != TicketStatus.WAITING), _sum(Ticket.status == TicketStatus.WAITING)
    return _apart(open_.label("open"), waiting.label("waiting")).where(Ticket.is_open.is_(True))


def _created(period: Period) -> Select[Any]:
    ended = or_(Ticket.solved_at.is_not(None), Ticket.reopened > 0)
    counts = (func.count().label("created"), _sum(ended).label("ended"), _sum(Ticket.reopened > 0).label("reopened"))
    return _apart(*counts).where(*_within(Ticket.created_at, period))


def _solved(period: Period) -> Select[Any]:
    query = _apart(func.count().label("solved")).where(*_within(Ticket.solved_at, period))
    return query.where(Ticket.merged_into_id.is_(None))


def _kept(period: Period) -> Select[Any]:
    """Count promises whose outcome is known: kept in time, or broken, whether met later or not."""
    kept = TicketPromise.met_at.is_not(None) & TicketPromise.broken_at.is_(None)
    return (
        _apart(_sum(kept).label("kept"), _sum(TicketPromise.broken_at.is_not(None)).label("broken"))
        .join(TicketPromise, TicketPromise.ticket_id == Ticket.id)
        .where(
            TicketPromise.kind.in_(list(PromiseKind)),  # the index begins with it
            *_within(TicketPromise.started_at, period),
            TicketPromise.goal.is_not(None),
        )
    )


def _first_answers(period: Period) -> Select[Any]:
    return _times(PromiseKind.FIRST_ANSWER).where(*_within(TicketPromise.started_at, period))


def _solutions(period: Period) -> Select[Any]:
    query = _times(PromiseKind.SOLUTION).where(*_within(Ticket.solved_at, period))
    return query.where(Ticket.merged_into_id.is_(None))


def _times(kind: PromiseKind) -> Select[Any]:
    return (
        _apart(TicketPromise.spent, func.count().label("many"))
        .join(TicketPromise, TicketPromise.ticket_id == Ticket.id)
        .where(
            TicketPromise.kind == kind,
            TicketPromise.met_at.is_not(None),
            TicketPromise.spent.is_not(None),
        )
        .group_by(TicketPromise.spent)
    )


def _scores(period: Period) -> Select[Any]:
    whose = (TicketRating.department_id, TicketRating.agent_id, TicketRating.score)
    query: Select[Any] = select(*whose, func.count().label("many")).group_by(*whose)
    return query.where(*_within(TicketRating.at, period))


def _within(instant: Any, period: Period) -> tuple[Any, Any]:
    return instant >= period.begin, instant < period.end


# --- Day by day -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Day:
    """What came and what was solved on one day."""

    day: date
    created: int
    solved: int


def days(period: Period, *, agent_id: int | None = None) -> list[Day]:
    """Return what came and what was solved day by day, in two statements.

    Args:
        agent_id: of one agent's tickets alone.
    """
    created, solved = _daily(Ticket.created_at, period, agent_id), _daily(Ticket.solved_at, period, agent_id)
    return [Day(day, created.get(place, 0), solved.get(place, 0)) for place, day in enumerate(period.days)]


def _daily(instant: InstrumentedAttribute[Any], period: Period, agent_id: int | None) -> dict[int, int]:
    """Count by place of the day. Local days are no function of the stored instant: each brings its own bounds."""
    bounds = [midnight(day, period.zone) for day in period.days] + [period.end]
    spans = values(column("place", Integer), column("begins", Instant()), column("ends", Instant()), name="days").data(
        [(place, *pair) for place, pair in enumerate(pairwise(bounds))]
    )
    local = spans.cte("days")
    query = (
        select(local.c.place, func.count().label("many"))
        .join(Ticket, (instant >= local.c.begins) & (instant < local.c.ends))
        .group_by(local.c.place)
    )
    if instant.key == "solved_at":
        query = query.where(Ticket.merged_into_id.is_(None))
    if agent_id is not None:
        query = query.where(Ticket.assignee_id == agent_id)
    return {row.place: row.many for row in db.session.execute(query)}


# --- Now --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Urgent:
    """What the desk should look at first. ``oldest``: since when the longest waiting question waits."""

    at_risk: int
    broken: int
    oldest: Ticket | None


def urgent(now: datetime, *conditions: Any) -> Urgent:
    """Return how many tickets are at risk or late, and which waits for the longest.

    Args:
        conditions: on tickets, as for one agent's alone.
    """
    counts = db.session.execute(
        select(_count(at_risk(now), *conditions).label("near"), _count(broken(now), *conditions).label("late"))
    ).one()
    return Urgent(counts.near, counts.late, longest_waiting(*conditions))


def longest_waiting(*conditions: Any) -> Ticket | None:
    """Return the open ticket in which nothing has happened for the longest time."""
    query = select(Ticket).where(Ticket.status == TicketStatus.OPEN, *conditions).order_by(Ticket.updated_at, Ticket.id)
    return db.session.scalar(query.limit(1))


def _count(*conditions: Any) -> Any:
    return select(func.count()).select_from(Ticket).where(*conditions).scalar_subquery()
