"""Statistics of the desk, read in a fixed number of statements over indexed ranges.

A ticket counts for its present assignee (a rating: for the agent of that time). Created and reopened tickets, first
answers and SLA targets belong to the day of the question; solved tickets, and the time to the solution, to the day
they were solved. Times are working minutes without pauses, as in the SLA targets.

A merged ticket does not count as created or solved: it continues in the other one. Its targets that were met or
missed before the merge do count, so that no merge hides a missed one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
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
    union_all,
    values,
)

from console.core.db import Instant, db
from console.tickets.models import Ticket, TicketStatus
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


def count_where(condition: Any) -> Any:
    """Return the number of rows for which a condition holds."""
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _open(scope: Scope) -> Select[Any]:
    open_, waiting = (
        count_where(Ticket.status != TicketStatus.WAITING),
        count_where(Ticket.status == TicketStatus.WAITING),
    )
    query: Select[Any] = select(*_CELL, open_.label("open"), waiting.label("waiting")).group_by(*_CELL)
    return query.where(Ticket.is_open.is_(True), *scope.tickets)


_NOT_MERGED = Ticket.merged_into_id.is_(None)


def _volume(local: Any, scope: Scope, *cell: Any) -> CompoundSelect[Any]:
    """Select created and solved tickets by step and ``cell``: two selects of the same columns, each by its index."""
    ended, reopened = or_(Ticket.solved_at.is_not(None), Ticket.reopened > 0), Ticket.reopened > 0
    parts = [
        _by_step(local, literal(name).label("what"), *cell, func.count().label("many"))
        .add_columns(count_where(ended).label("ended"), count_where(reopened).label("reopened"))
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
        _by_step(local, *_CELL, count_where(_MET).label("met"), count_where(_MISSED).label("missed"))
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
