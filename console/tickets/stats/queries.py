"""Statistics of the desk, read in a fixed number of statements over indexed ranges.

A ticket counts for its present assignee (a rating: for the agent of that time). Created and reopened tickets, first
answers and SLA targets belong to the day of the question; solved tickets, and the time to the solution, to the day
they were solved. Times are working minutes without pauses, as in the SLA targets.

A merged ticket does not count as created or solved: it continues in the other one. Its targets that were met or
missed before the merge do count, so that no merge hides a missed one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    String,
    case,
    column,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
    values,
)
from sqlalchemy.orm import aliased, joinedload

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


class Span(StrEnum):
    """Which of two periods a row counts for."""

    NOW = "now"
    BEFORE = "before"


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


@dataclass(frozen=True)
class Comparison:
    """The statistics of a period, also step by step, and of the period before it."""

    now: Report
    before: Report
    flow: list[Flow]
    outcomes: list[Outcomes]


def compare(period: Period, scope: Scope = ALL_TICKETS, *, steps: list[Step] | None = None) -> Comparison:
    """Return the statistics of a period and of the one before it: five statements, however many tickets there are.

    Tickets that are open now count in the period alone.

    Args:
        period: compared with its :meth:`Period.before`.
        scope: whose tickets count.
        steps: the parts of the period; by default those of its charts.
    """
    steps = period.steps() if steps is None else steps
    found = {span: Report(Stats) for span in Span}
    by_step = [Stats() for _step in steps]

    def cells_of(row: Any) -> list[Stats]:
        """Return what a row by step counts for: its cell, and the step of the present period."""
        cell = found[Span(row.span)].cell(row.department_id, row.agent_id)
        return [cell, by_step[row.place]] if row.span == Span.NOW else [cell]

    for row in db.session.execute(_open(scope)):
        cell = found[Span.NOW].cell(row.department_id, row.agent_id)
        cell.open, cell.waiting = row.open, row.waiting
    parts, whole = steps_of(period, steps, before=True), spans_of(period)
    for row in db.session.execute(_volume(parts, scope, *_CELL)):
        for stats in cells_of(row):
            _add_volume(stats, row)
    for row in db.session.execute(_outcomes(parts, scope)):
        for stats in cells_of(row):
            stats.met, stats.missed = stats.met + row.met, stats.missed + row.missed
    for row in db.session.execute(_times(whole, scope)):
        times = getattr(found[Span(row.span)].cell(row.department_id, row.agent_id), row.what)
        times[row.spent] = row.many
    for row in db.session.execute(_scores(whole, scope)):
        found[Span(row.span)].cell(row.department_id, row.agent_id).scores[row.score] = row.many
    return Comparison(
        found[Span.NOW],
        found[Span.BEFORE],
        [Flow(step, one.created, one.solved) for step, one in zip(steps, by_step, strict=True)],
        [Outcomes(step, one.met, one.missed) for step, one in zip(steps, by_step, strict=True)],
    )


def flow(period: Period, scope: Scope = ALL_TICKETS) -> list[Flow]:
    """Return created and solved tickets, day by day (or in longer steps). One statement."""
    steps = period.steps()
    by_step = [Stats() for _step in steps]
    for row in db.session.execute(_volume(steps_of(period, steps), scope)):
        _add_volume(by_step[row.place], row)
    return [Flow(step, one.created, one.solved) for step, one in zip(steps, by_step, strict=True)]


def brief(period: Period, scope: Scope) -> Stats:
    """Return first answers and SLA targets alone, in two statements: for the dashboard."""
    stats, whole = Stats(), steps_of(period, [Step(period.first, period.last)])
    for row in db.session.execute(_first_answers(whole, scope)):
        stats.first_answers[row.spent] += row.many
    for row in db.session.execute(_outcomes(whole, scope)):
        stats.met, stats.missed = stats.met + row.met, stats.missed + row.missed
    return stats


def _add_volume(stats: Stats, row: Any) -> None:
    if row.what == "solved":
        stats.solved += row.many
        return
    stats.created, stats.ended, stats.reopened = (
        stats.created + row.many,
        stats.ended + row.ended,
        stats.reopened + row.reopened,
    )


def has_results(period: Period, scope: Scope) -> ColumnElement[bool]:
    """Return the condition "a ticket was solved in ``period``"."""
    return exists().where(Ticket.solved_at >= period.begin, Ticket.solved_at < period.end, *scope.tickets)


_CELL = (Ticket.department_id, Ticket.assignee_id.label("agent_id"))
_MET = SlaTarget.met_at.is_not(None) & SlaTarget.broken_at.is_(None)
_MISSED = SlaTarget.broken_at.is_not(None)


def _sum(condition: Any) -> Any:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _open(scope: Scope) -> Select[Any]:
    open_, waiting = _sum(Ticket.status != TicketStatus.WAITING), _sum(Ticket.status == TicketStatus.WAITING)
    query: Select[Any] = select(*_CELL, open_.label("open"), waiting.label("waiting")).group_by(*_CELL)
    return query.where(Ticket.is_open.is_(True), *scope.tickets)


_NOT_MERGED = Ticket.merged_into_id.is_(None)


def _volume(local: Any, scope: Scope, *cell: Any) -> CompoundSelect[Any]:
    """Select created and solved tickets by step and ``cell``: two selects of the same columns, each by its index."""
    ended, reopened = or_(Ticket.solved_at.is_not(None), Ticket.reopened > 0), Ticket.reopened > 0
    parts = [
        _by_step(local, literal(name).label("what"), *cell, func.count().label("many"))
        .add_columns(_sum(ended).label("ended"), _sum(reopened).label("reopened"))
        .join(Ticket, within_step(instant, local))
        .where(_NOT_MERGED, *scope.tickets)
        .group_by(*cell)
        for name, instant in (("created", Ticket.created_at), ("solved", Ticket.solved_at))
    ]
    return union_all(*parts)


def _by_step(local: Any, *columns: Any) -> Select[Any]:
    return select(local.c.span, local.c.place, *columns).select_from(local).group_by(local.c.span, local.c.place)


def _outcomes(local: Any, scope: Scope) -> Select[Any]:
    """Count the targets with an outcome: met in time, or missed, even if met later."""
    return (
        _by_step(local, *_CELL, _sum(_MET).label("met"), _sum(_MISSED).label("missed"))
        .join(SlaTarget, within_step(SlaTarget.started_at, local))
        .join(Ticket, Ticket.id == SlaTarget.ticket_id)
        # The index begins with the kind.
        .where(SlaTarget.kind.in_(list(TargetKind)), SlaTarget.goal.is_not(None), *scope.tickets)
        .group_by(*_CELL)
    )


def _times(local: Any, scope: Scope) -> CompoundSelect[Any]:
    """Select how often each working time occurs: two selects of the same columns, of one kind of target each."""
    return union_all(_first_answers(local, scope), _solutions(local, scope))


def _first_answers(local: Any, scope: Scope) -> Select[Any]:
    return (
        _times_of(SlaTarget.spent, "first_answers", local, scope)
        .join(SlaTarget, within_step(SlaTarget.started_at, local))
        .join(Ticket, Ticket.id == SlaTarget.ticket_id)
        .where(SlaTarget.kind == TargetKind.FIRST_ANSWER, SlaTarget.met_at.is_not(None))
    )


def _solutions(local: Any, scope: Scope) -> Select[Any]:
    # From the tickets to their targets: by the kind, SQLite would read the targets of every year.
    is_met = (SlaTarget.kind == TargetKind.SOLUTION) & SlaTarget.met_at.is_not(None)
    return (
        _times_of(case((is_met, SlaTarget.spent)), "solutions", local, scope)
        .join(Ticket, within_step(Ticket.solved_at, local))
        .join(SlaTarget, SlaTarget.ticket_id == Ticket.id)
        .where(_NOT_MERGED)
    )


def _times_of(spent: Any, name: str, local: Any, scope: Scope) -> Select[Any]:
    spent = spent.label("spent")
    query = _by_step(local, literal(name).label("what"), *_CELL, spent, func.count().label("many"))
    return query.where(spent.is_not(None), *scope.tickets).group_by(*_CELL, spent)


def _scores(local: Any, scope: Scope) -> Select[Any]:
    cell: tuple[Any, ...] = (TicketRating.department_id, TicketRating.agent_id, TicketRating.score)
    return (
        _by_step(local, *cell, func.count().label("many"))
        .join(TicketRating, within_step(TicketRating.at, local))
        .where(*scope.of(TicketRating.department_id, TicketRating.agent_id))
        .group_by(*cell)
    )


# --- Step by step -----------------------------------------------------------------------------------------------------


def steps_of(period: Period, steps: list[Step], *, before: bool = False) -> Any:
    """Return the steps as rows with their bounds: SQL cannot compute the local day of an instant.

    Args:
        period: whose steps they are.
        steps: each has its position as its ``place``.
        before: one more row is the period before, as a whole, in another ``span``.
    """
    columns = (column("span", String), column("place", Integer), column("begins", Instant()), column("ends", Instant()))
    rows = [(Span.NOW.value, place, *pair) for place, pair in enumerate(period.bounds(steps))]
    if before:
        earlier = period.before()
        rows.append((Span.BEFORE.value, 0, earlier.begin, earlier.end))
    return values(*columns, name="steps").data(rows).cte("steps")


def spans_of(period: Period) -> Any:
    """Return a period and the one before it as rows with their bounds, like :func:`steps_of`."""
    return steps_of(period, [Step(period.first, period.last)], before=True)


def within_step(instant: Any, local: Any) -> Any:
    """Return the condition "at ``instant`` the step lasted"."""
    return (instant >= local.c.begins) & (instant < local.c.ends)


# --- Now --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Waiting:
    """What waits now.

    Args:
        due: the open tickets that are due first.
        oldest: the open ticket that was updated the longest time ago.
        values: the values read in the same statement, by name.
    """

    due: list[Ticket]
    oldest: Ticket | None
    values: dict[str, Any]


def waiting(limit: int, *conditions: Any, scalars: Mapping[str, Select[Any]]) -> Waiting:
    """Return the tickets that wait now, in one statement.

    Args:
        limit: so many of those that are due first.
        conditions: on tickets.
        scalars: selects of one value each, by name, to be read in the same statement.
    """
    open_tickets = select(Ticket.id).where(*conditions)
    due = open_tickets.where(Ticket.is_open.is_(True), Ticket.due_at < NO_DUE)
    first = due.order_by(Ticket.due_at, Ticket.id).limit(limit).subquery("first")
    longest = open_tickets.where(Ticket.status == TicketStatus.OPEN).order_by(Ticket.updated_at, Ticket.id)
    last, oldest = longest.limit(1).subquery("last"), aliased(Ticket, name="oldest")
    one = select(literal(1).label("one")).subquery("one")  # the values are read where nothing waits, too
    query = (
        select(Ticket, oldest, *(query.scalar_subquery().label(f"value_{name}") for name, query in scalars.items()))
        .select_from(one)
        .outerjoin(last, true())
        .outerjoin(oldest, oldest.id == last.c.id)
        .outerjoin(first, true())
        .outerjoin(Ticket, Ticket.id == first.c.id)
        .options(joinedload(Ticket.customer).load_only(Customer.name))
        .order_by(Ticket.due_at, Ticket.id)
    )
    rows = db.session.execute(query).all()
    values = {name: getattr(rows[0], f"value_{name}") for name in scalars}
    return Waiting([row.Ticket for row in rows if row.Ticket is not None], rows[0].oldest, values)


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
