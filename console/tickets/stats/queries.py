"""The desk in figures, read in a fixed number of statements over indexed ranges.

Counted with whom a ticket is given to now (a rating: with whose work it was then). Created, reopened, first
answers and promises belong to the day the question came; solved tickets, and how long solving took, to the day
they were solved. Times are working minutes without what was paused, as the promises count them.

A ticket that was merged into another is not counted as created or solved: what it asked goes on there. Its
promises that were decided before are, so that no merge hides a broken one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    case,
    column,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
    values,
)
from sqlalchemy.orm import joinedload

from console.core.db import Instant, db
from console.core.sorting import sort_key
from console.customers.models import Customer
from console.staff.models import Staff
from console.tickets.models import NO_DUE, Ticket, TicketStatus
from console.tickets.reviews.models import TicketRating
from console.tickets.sla.models import SlaTarget
from console.tickets.sla.rules import TargetKind
from console.tickets.stats.cells import MEDIAN, P90, Apart, Counted
from console.tickets.stats.numbers import percent, quantile
from console.tickets.stats.periods import Period, Step


@dataclass
class Stats(Counted):
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

    @property
    def kept_percent(self) -> float | None:
        """Return how many of the promises that are decided were kept."""
        return percent(self.kept, self.kept + self.broken)

    @property
    def reopen_percent(self) -> float | None:
        """Return how many of what was solved came back."""
        return percent(self.reopened, self.ended)

    @property
    def first_answer(self) -> tuple[float | None, float | None]:
        """Return median and 90th percentile of the time to the first answer."""
        return quantile(self.first_answers, MEDIAN), quantile(self.first_answers, P90)

    @property
    def solution(self) -> tuple[float | None, float | None]:
        """Return median and 90th percentile of the time to the solution."""
        return quantile(self.solutions, MEDIAN), quantile(self.solutions, P90)


Report = Apart[Stats]


@dataclass(frozen=True)
class Scope:
    """Whose tickets are counted: of a department, of an agent, of everybody."""

    department_id: int | None = None
    agent_id: int | None = None

    def of(self, department: Any, agent: Any) -> list[ColumnElement[bool]]:
        """Return the conditions on the columns that say whose a row is."""
        found = []
        if self.department_id is not None:
            found.append(department == self.department_id)
        if self.agent_id is not None:
            found.append(agent == self.agent_id)
        return found

    @property
    def tickets(self) -> list[ColumnElement[bool]]:
        """Return the conditions on tickets."""
        return self.of(Ticket.department_id, Ticket.assignee_id)


EVERYBODY = Scope()


def report(period: Period, scope: Scope = EVERYBODY, *, standing: bool = True) -> Report:
    """Return the figures of a period: seven statements, however many tickets there are.

    Args:
        standing: count what is open now too (one statement of them); the past does not need it.
    """
    found = Report(Stats)

    def cell(row: Any) -> Stats:
        return found.cell(row.department_id, row.agent_id)

    if standing:
        for row in db.session.execute(_standing(scope)):
            cell(row).open, cell(row).waiting = row.open, row.waiting
    for row in db.session.execute(_created(period, scope)):
        cell(row).created, cell(row).ended, cell(row).reopened = row.created, row.ended, row.reopened
    for row in db.session.execute(_solved(period, scope)):
        cell(row).solved = row.solved
    for row in db.session.execute(_kept(period, scope)):
        cell(row).kept, cell(row).broken = row.kept, row.broken
    for row in db.session.execute(_first_answers(period, scope)):
        cell(row).first_answers[row.spent] = row.many
    for row in db.session.execute(_solutions(period, scope)):
        cell(row).solutions[row.spent] = row.many
    for row in db.session.execute(_scores(period, scope)):
        cell(row).scores[row.score] = row.many
    return found


def brief(period: Period, scope: Scope) -> Stats:
    """Return first answers and promises alone, in two statements: what a dashboard has room for."""
    figures = Stats()
    for row in db.session.execute(_first_answers(period, scope)):
        figures.first_answers[row.spent] += row.many
    for row in db.session.execute(_kept(period, scope)):
        figures.kept, figures.broken = figures.kept + row.kept, figures.broken + row.broken
    return figures


def latest_with_results(periods: Sequence[Period], scope: Scope) -> Period | None:
    """Return the first of ``periods`` in which a ticket was solved, in one statement; ``None`` if there is none."""
    return first_with(periods, [exists().where(*_within(Ticket.solved_at, one), *scope.tickets) for one in periods])


def first_with(periods: Sequence[Period], conditions: Sequence[ColumnElement[bool]]) -> Period | None:
    """Return the first of ``periods`` whose condition, at the same place, holds; all asked in one statement."""
    held = db.session.execute(select(*conditions)).one()
    return next((period for period, holds in zip(periods, held, strict=True) if holds), None)


_WHOSE = (Ticket.department_id, Ticket.assignee_id.label("agent_id"))
_KEPT = SlaTarget.met_at.is_not(None) & SlaTarget.broken_at.is_(None)
_BROKEN = SlaTarget.broken_at.is_not(None)


def _apart(scope: Scope, *columns: Any) -> Select[Any]:
    return select(*_WHOSE, *columns).where(*scope.tickets).group_by(Ticket.department_id, Ticket.assignee_id)


def _sum(condition: Any) -> Any:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _standing(scope: Scope) -> Select[Any]:
    open_, waiting = _sum(Ticket.status != TicketStatus.WAITING), _sum(Ticket.status == TicketStatus.WAITING)
    return _apart(scope, open_.label("open"), waiting.label("waiting")).where(Ticket.is_open.is_(True))


def _created(period: Period, scope: Scope) -> Select[Any]:
    ended = or_(Ticket.solved_at.is_not(None), Ticket.reopened > 0)
    counts = (func.count().label("created"), _sum(ended).label("ended"), _sum(Ticket.reopened > 0).label("reopened"))
    return _apart(scope, *counts).where(*_within(Ticket.created_at, period), _NOT_MERGED)


def _solved(period: Period, scope: Scope) -> Select[Any]:
    query = _apart(scope, func.count().label("solved"))
    return query.where(*_within(Ticket.solved_at, period), _NOT_MERGED)


_NOT_MERGED = Ticket.merged_into_id.is_(None)


def _kept(period: Period, scope: Scope) -> Select[Any]:
    """Count promises whose outcome is known: kept in time, or broken, whether met later or not."""
    return (
        _apart(scope, _sum(_KEPT).label("kept"), _sum(_BROKEN).label("broken"))
        .join(SlaTarget, SlaTarget.ticket_id == Ticket.id)
        .where(*_targets(), *_within(SlaTarget.started_at, period))
    )


def _targets() -> tuple[Any, ...]:
    # The index begins with the kind.
    return SlaTarget.kind.in_(list(TargetKind)), SlaTarget.goal.is_not(None)


def _first_answers(period: Period, scope: Scope) -> Select[Any]:
    return _times(TargetKind.FIRST_ANSWER, scope).where(*_within(SlaTarget.started_at, period))


def _solutions(period: Period, scope: Scope) -> Select[Any]:
    # From the tickets to their promises: the other way round SQLite reads the promises of every year.
    solved = select(Ticket.id).where(*_within(Ticket.solved_at, period), _NOT_MERGED, *scope.tickets)
    return _times(TargetKind.SOLUTION, scope).where(SlaTarget.ticket_id.in_(solved))


def _times(kind: TargetKind, scope: Scope) -> Select[Any]:
    return (
        _apart(scope, SlaTarget.spent, func.count().label("many"))
        .join(SlaTarget, SlaTarget.ticket_id == Ticket.id)
        .where(
            SlaTarget.kind == kind,
            SlaTarget.met_at.is_not(None),
            SlaTarget.spent.is_not(None),
        )
        .group_by(SlaTarget.spent)
    )


def _scores(period: Period, scope: Scope) -> Select[Any]:
    whose: list[Any] = [TicketRating.department_id, TicketRating.agent_id, TicketRating.score]
    query: Select[Any] = select(*whose, func.count().label("many")).group_by(*whose)
    query = query.where(*scope.of(TicketRating.department_id, TicketRating.agent_id))
    return query.where(*_within(TicketRating.at, period))


def _within(instant: Any, period: Period) -> tuple[Any, Any]:
    return instant >= period.begin, instant < period.end


# --- Step by step -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Flow:
    """What came and what was solved in one step of a period."""

    step: Step
    created: int
    solved: int


@dataclass(frozen=True)
class Word:
    """How the promises of one step ended."""

    step: Step
    kept: int
    broken: int


def flow(period: Period, scope: Scope = EVERYBODY, steps: list[Step] | None = None) -> list[Flow]:
    """Return what came and what was solved, a day (or a longer step) after the other. One statement."""
    steps = period.steps() if steps is None else steps
    local = steps_of(period, steps)
    parts = [
        select(literal(name).label("what"), local.c.place.label("place"), func.count().label("many"))
        .join(Ticket, within_step(instant, local))
        .where(_NOT_MERGED, *scope.tickets)
        .group_by(local.c.place)
        for name, instant in (("created", Ticket.created_at), ("solved", Ticket.solved_at))
    ]
    found = {(row.what, row.place): row.many for row in db.session.execute(union_all(*parts))}
    return [
        Flow(step, found.get(("created", place), 0), found.get(("solved", place), 0))
        for place, step in enumerate(steps)
    ]


def kept_by_step(period: Period, scope: Scope = EVERYBODY, steps: list[Step] | None = None) -> list[Word]:
    """Return how many promises were kept and broken, step by step. One statement."""
    steps = period.steps() if steps is None else steps
    local = steps_of(period, steps)
    query: Select[Any] = (
        select(local.c.place, _sum(_KEPT).label("kept"), _sum(_BROKEN).label("broken"))
        .join(SlaTarget, within_step(SlaTarget.started_at, local))
        .where(*_targets())
        .group_by(local.c.place)
    )
    if scope.tickets:
        query = query.join(Ticket, Ticket.id == SlaTarget.ticket_id).where(*scope.tickets)
    found = {row.place: (row.kept, row.broken) for row in db.session.execute(query)}
    return [Word(step, *found.get(place, (0, 0))) for place, step in enumerate(steps)]


def steps_of(period: Period, steps: list[Step]) -> Any:
    """Return the steps as rows. Local days are no function of a stored instant: each brings its own bounds."""
    columns = (column("place", Integer), column("begins", Instant()), column("ends", Instant()))
    rows = [(place, *pair) for place, pair in enumerate(period.bounds(steps))]
    return values(*columns, name="steps").data(rows).cte("steps")


def within_step(instant: Any, local: Any) -> Any:
    return (instant >= local.c.begins) & (instant < local.c.ends)


# --- Now --------------------------------------------------------------------------------------------------------------


def longest_waiting(*conditions: Any) -> Ticket | None:
    """Return the open ticket in which nothing has happened for the longest time.

    Args:
        conditions: on tickets, as for one agent's alone.
    """
    query = select(Ticket).where(Ticket.status == TicketStatus.OPEN, *conditions).order_by(Ticket.updated_at, Ticket.id)
    return db.session.scalar(query.limit(1))


def due_next(most: int, *conditions: Any) -> list[Ticket]:
    """Return the open tickets whose promises are due first, the most urgent first."""
    query = (
        select(Ticket)
        .options(joinedload(Ticket.customer).load_only(Customer.name))
        .where(Ticket.is_open.is_(True), Ticket.due_at < NO_DUE, *conditions)
        .order_by(Ticket.due_at, Ticket.id)
        .limit(most)
    )
    return list(db.session.scalars(query))


@dataclass(frozen=True)
class Load:
    """How much lies with one colleague; ``agent_id`` is ``None`` for what nobody has."""

    agent_id: int | None
    name: str
    open: int
    waiting: int
    late: int


def loads(now: datetime) -> list[Load]:
    """Return how many open tickets lie with whom, the most first. One statement."""
    query = (
        select(
            Ticket.assignee_id,
            Staff.name,
            _sum(Ticket.status != TicketStatus.WAITING).label("open"),
            _sum(Ticket.status == TicketStatus.WAITING).label("waiting"),
            _sum(Ticket.due_at < now).label("late"),
        )
        .outerjoin(Staff, Staff.id == Ticket.assignee_id)
        .where(Ticket.is_open.is_(True))
        .group_by(Ticket.assignee_id, Staff.name)
    )
    found = [
        Load(row.assignee_id, row.name or "", row.open, row.waiting, row.late) for row in db.session.execute(query)
    ]
    return sorted(found, key=lambda one: (one.agent_id is None, -(one.open + one.waiting), sort_key(one.name)))
