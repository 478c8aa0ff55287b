"""Statistics of the desk, read in a fixed number of statements over indexed ranges.

A ticket counts for its present assignee (a rating: for the agent of that time). Created and reopened tickets, first
answers and SLA targets belong to the day of the question; solved tickets, and the time to the solution, to the day
they were solved. Times are working minutes without pauses, as in the SLA targets.

A merged ticket does not count as created or solved: it continues in the other one. Its targets that were met or
missed before the merge do count, so that no merge hides a missed one.
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
from console.tickets.stats.cells import MEDIAN, P90, BaseStats, Breakdown
from console.tickets.stats.numbers import percent, quantile
from console.tickets.stats.periods import Period, Step


@dataclass
class Stats(BaseStats):
    """Statistics of some tickets: of a department, of an agent, of all."""

    open: int = 0  # open and waiting: now, not in the period
    waiting: int = 0
    created: int = 0
    ended: int = 0  # created ones that were solved at least once
    reopened: int = 0  # of these
    solved: int = 0
    met: int = 0
    missed: int = 0
    first_answers: Counter[int] = field(default_factory=Counter)  # working minutes, and how often
    solutions: Counter[int] = field(default_factory=Counter)

    @property
    def met_percent(self) -> float | None:
        """Return the share of SLA targets that were met."""
        return percent(self.met, self.met + self.missed)

    @property
    def reopen_percent(self) -> float | None:
        """Return the share of solved tickets that were reopened."""
        return percent(self.reopened, self.ended)

    @property
    def first_answer(self) -> tuple[float | None, float | None]:
        """Return median and 90th percentile of the time to the first answer."""
        return quantile(self.first_answers, MEDIAN), quantile(self.first_answers, P90)

    @property
    def solution(self) -> tuple[float | None, float | None]:
        """Return median and 90th percentile of the time to the solution."""
        return quantile(self.solutions, MEDIAN), quantile(self.solutions, P90)


Report = Breakdown[Stats]


@dataclass(frozen=True)
class Scope:
    """Whose tickets count: of a department, of an agent, or all."""

    department_id: int | None = None
    agent_id: int | None = None

    def of(self, department: Any, agent: Any) -> list[ColumnElement[bool]]:
        """Return the conditions on the columns of department and agent."""
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


ALL_TICKETS = Scope()


def report(period: Period, scope: Scope = ALL_TICKETS, *, with_open: bool = True) -> Report:
    """Return the statistics of a period: seven statements, however many tickets there are.

    Args:
        with_open: also count the tickets that are open now, by one of the statements.
    """
    found = Report(Stats)

    def cell(row: Any) -> Stats:
        return found.cell(row.department_id, row.agent_id)

    if with_open:
        for row in db.session.execute(_open(scope)):
            cell(row).open, cell(row).waiting = row.open, row.waiting
    for row in db.session.execute(_created(period, scope)):
        cell(row).created, cell(row).ended, cell(row).reopened = row.created, row.ended, row.reopened
    for row in db.session.execute(_solved(period, scope)):
        cell(row).solved = row.solved
    for row in db.session.execute(_outcomes(period, scope)):
        cell(row).met, cell(row).missed = row.met, row.missed
    for row in db.session.execute(_first_answers(period, scope)):
        cell(row).first_answers[row.spent] = row.many
    for row in db.session.execute(_solutions(period, scope)):
        cell(row).solutions[row.spent] = row.many
    for row in db.session.execute(_scores(period, scope)):
        cell(row).scores[row.score] = row.many
    return found


def brief(period: Period, scope: Scope) -> Stats:
    """Return first answers and SLA targets alone, in two statements: for the dashboard."""
    stats = Stats()
    for row in db.session.execute(_first_answers(period, scope)):
        stats.first_answers[row.spent] += row.many
    for row in db.session.execute(_outcomes(period, scope)):
        stats.met, stats.missed = stats.met + row.met, stats.missed + row.missed
    return stats


def latest_with_results(periods: Sequence[Period], scope: Scope) -> Period | None:
    """Return the first of ``periods`` in which a ticket was solved, in one statement; ``None`` if there is none."""
    return first_with(periods, [exists().where(*_within(Ticket.solved_at, one), *scope.tickets) for one in periods])


def first_with(periods: Sequence[Period], conditions: Sequence[ColumnElement[bool]]) -> Period | None:
    """Return the first of ``periods`` whose condition, at the same position, is true. One statement."""
    results = db.session.execute(select(*conditions)).one()
    return next((period for period, is_true in zip(periods, results, strict=True) if is_true), None)


_CELL = (Ticket.department_id, Ticket.assignee_id.label("agent_id"))
_MET = SlaTarget.met_at.is_not(None) & SlaTarget.broken_at.is_(None)
_MISSED = SlaTarget.broken_at.is_not(None)


def _by_cell(scope: Scope, *columns: Any) -> Select[Any]:
    return select(*_CELL, *columns).where(*scope.tickets).group_by(Ticket.department_id, Ticket.assignee_id)


def _sum(condition: Any) -> Any:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _open(scope: Scope) -> Select[Any]:
    open_, waiting = _sum(Ticket.status != TicketStatus.WAITING), _sum(Ticket.status == TicketStatus.WAITING)
    return _by_cell(scope, open_.label("open"), waiting.label("waiting")).where(Ticket.is_open.is_(True))


def _created(period: Period, scope: Scope) -> Select[Any]:
    ended = or_(Ticket.solved_at.is_not(None), Ticket.reopened > 0)
    counts = (func.count().label("created"), _sum(ended).label("ended"), _sum(Ticket.reopened > 0).label("reopened"))
    return _by_cell(scope, *counts).where(*_within(Ticket.created_at, period), _NOT_MERGED)


def _solved(period: Period, scope: Scope) -> Select[Any]:
    query = _by_cell(scope, func.count().label("solved"))
    return query.where(*_within(Ticket.solved_at, period), _NOT_MERGED)


_NOT_MERGED = Ticket.merged_into_id.is_(None)


def _outcomes(period: Period, scope: Scope) -> Select[Any]:
    """Count the targets with an outcome: met in time, or missed, even if met later."""
    return (
        _by_cell(scope, _sum(_MET).label("met"), _sum(_MISSED).label("missed"))
        .join(SlaTarget, SlaTarget.ticket_id == Ticket.id)
        .where(*_targets(), *_within(SlaTarget.started_at, period))
    )


def _targets() -> tuple[Any, ...]:
    # The index begins with the kind.
    return SlaTarget.kind.in_(list(TargetKind)), SlaTarget.goal.is_not(None)


def _first_answers(period: Period, scope: Scope) -> Select[Any]:
    return _times(TargetKind.FIRST_ANSWER, scope).where(*_within(SlaTarget.started_at, period))


def _solutions(period: Period, scope: Scope) -> Select[Any]:
    # From the tickets to their targets: the other way round SQLite reads the targets of every year.
    solved = select(Ticket.id).where(*_within(Ticket.solved_at, period), _NOT_MERGED, *scope.tickets)
    return _times(TargetKind.SOLUTION, scope).where(SlaTarget.ticket_id.in_(solved))


def _times(kind: TargetKind, scope: Scope) -> Select[Any]:
    return (
        _by_cell(scope, SlaTarget.spent, func.count().label("many"))
        .join(SlaTarget, SlaTarget.ticket_id == Ticket.id)
        .where(
            SlaTarget.kind == kind,
            SlaTarget.met_at.is_not(None),
            SlaTarget.spent.is_not(None),
        )
        .group_by(SlaTarget.spent)
    )


def _scores(period: Period, scope: Scope) -> Select[Any]:
    cell: list[Any] = [TicketRating.department_id, TicketRating.agent_id, TicketRating.score]
    query: Select[Any] = select(*cell, func.count().label("many")).group_by(*cell)
    query = query.where(*scope.of(TicketRating.department_id, TicketRating.agent_id))
    return query.where(*_within(TicketRating.at, period))


def _within(instant: Any, period: Period) -> tuple[Any, Any]:
    return instant >= period.begin, instant < period.end


# --- Step by step -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Flow:
    """Created and solved tickets in one step of a period."""

    step: Step
    created: int
    solved: int


@dataclass(frozen=True)
class Outcomes:
    """Met and missed targets of one step."""

    step: Step
    met: int
    missed: int


def flow(period: Period, scope: Scope = ALL_TICKETS, steps: list[Step] | None = None) -> list[Flow]:
    """Return created and solved tickets, day by day (or in longer steps). One statement."""
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


def outcomes_by_step(period: Period, scope: Scope = ALL_TICKETS, steps: list[Step] | None = None) -> list[Outcomes]:
    """Return met and missed targets, step by step. One statement."""
    steps = period.steps() if steps is None else steps
    local = steps_of(period, steps)
    query: Select[Any] = (
        select(local.c.place, _sum(_MET).label("met"), _sum(_MISSED).label("missed"))
        .join(SlaTarget, within_step(SlaTarget.started_at, local))
        .where(*_targets())
        .group_by(local.c.place)
    )
    if scope.tickets:
        query = query.join(Ticket, Ticket.id == SlaTarget.ticket_id).where(*scope.tickets)
    found = {row.place: (row.met, row.missed) for row in db.session.execute(query)}
    return [Outcomes(step, *found.get(place, (0, 0))) for place, step in enumerate(steps)]


def steps_of(period: Period, steps: list[Step]) -> Any:
    """Return the steps as rows with their bounds: SQL cannot compute the local day of an instant."""
    columns = (column("place", Integer), column("begins", Instant()), column("ends", Instant()))
    rows = [(place, *pair) for place, pair in enumerate(period.bounds(steps))]
    return values(*columns, name="steps").data(rows).cte("steps")


def within_step(instant: Any, local: Any) -> Any:
    return (instant >= local.c.begins) & (instant < local.c.ends)


# --- Now --------------------------------------------------------------------------------------------------------------


def longest_waiting(*conditions: Any) -> Ticket | None:
    """Return the open ticket that was updated the longest time ago.

    Args:
        conditions: on tickets.
    """
    query = select(Ticket).where(Ticket.status == TicketStatus.OPEN, *conditions).order_by(Ticket.updated_at, Ticket.id)
    return db.session.scalar(query.limit(1))


def due_next(limit: int, *conditions: Any) -> list[Ticket]:
    """Return the open tickets that are due first."""
    query = (
        select(Ticket)
        .options(joinedload(Ticket.customer).load_only(Customer.name))
        .where(Ticket.is_open.is_(True), Ticket.due_at < NO_DUE, *conditions)
        .order_by(Ticket.due_at, Ticket.id)
        .limit(limit)
    )
    return list(db.session.scalars(query))


@dataclass(frozen=True)
class Load:
    """The workload of one colleague; ``agent_id`` is ``None`` for unassigned tickets."""

    agent_id: int | None
    name: str
    open: int
    waiting: int
    late: int


def workload(now: datetime) -> list[Load]:
    """Return the open tickets of each agent, the most first. One statement."""
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
