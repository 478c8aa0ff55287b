"""Reading SLA policies and targets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, bindparam, case, or_, select

from console.core.db import db
from console.hours.calendar import Piece, PieceKind
from console.tickets.models import NO_DUE, Priority, Ticket, TicketStatus
from console.tickets.sla import calendar as sla_calendar
from console.tickets.sla.models import HEAD, SlaPolicy, SlaRevision, SlaTarget
from console.tickets.sla.rules import Goals, Interval, TargetKind, TargetState

NO_GOALS: Goals = dict.fromkeys(TargetKind)
AT_RISK = timedelta(hours=1)  # before it is due, where nothing else is known
MAX_TARGETS = 12


# --- Policies ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """The goals of a ticket. ``revision``: of the policies, and of hours not older than ``hours_revision``."""

    goals: Goals
    revision: int
    hours_revision: int


# Made once: it is read for every ticket that is opened.
_RULE = (
    select(SlaRevision.revision, SlaRevision.hours_revision, *(getattr(SlaPolicy, kind.value) for kind in TargetKind))
    .select_from(SlaRevision)
    .outerjoin(
        SlaPolicy,
        and_(
            SlaPolicy.priority == bindparam("priority"),
            or_(SlaPolicy.department_id == bindparam("department"), SlaPolicy.department_id.is_(None)),
        ),
    )
    .where(SlaRevision.id == HEAD)
    .order_by(SlaPolicy.department_id.is_(None))  # the department's own first
)


def rule_for(ticket: Ticket) -> Rule:
    """Return the goals of the ticket's priority: its department's own, else those of all departments."""
    values = {"priority": ticket.priority, "department": ticket.department_id}
    first = db.session.execute(_RULE, values).all()[0]
    goals = {kind: getattr(first, kind.value) for kind in TargetKind}  # all empty without a policy
    return Rule(goals, first.revision, first.hours_revision)


def all_rules() -> dict[tuple[int | None, Priority], Goals]:
    """Return every policy by department (``None``: all of them) and priority."""
    return {(rule.department_id, rule.priority): rule.goals() for rule in db.session.scalars(select(SlaPolicy))}


# --- Lists ------------------------------------------------------------------------------------------------------------


def at_risk(now: datetime) -> ColumnElement[bool]:
    """Return the condition on tickets "a target is due soon, and none is overdue".

    Through the index of running targets by ``risk_at``: few are so near.
    """
    near = select(SlaTarget.ticket_id).where(
        SlaTarget.met_at.is_(None), SlaTarget.risk_at <= now, SlaTarget.due_at >= now
    )
    return and_(Ticket.is_open.is_(True), Ticket.due_at >= now, Ticket.id.in_(near))


def overdue(now: datetime) -> ColumnElement[bool]:
    """Return the condition on tickets "a running target is overdue"."""
    return and_(Ticket.is_open.is_(True), Ticket.due_at < now)


# --- One ticket -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """A part of a target's time: open, closed or paused. ``paused``: the status that paused it."""

    piece: Piece
    paused: TicketStatus | None = None


@dataclass(frozen=True)
class TargetView:
    """A target on a ticket's page.

    Args:
        goal: in working minutes; ``None``: there is no target.
        elapsed: working time used so far.
        at_risk: most of it is used.
        until: when it was met, or now.
        pauses: when it was paused, and by which status of the ticket.
    """

    kind: TargetKind
    state: TargetState
    goal: int | None
    started_at: datetime
    due_at: datetime | None
    met_at: datetime | None
    paused_since: datetime | None
    elapsed: timedelta
    at_risk: bool
    until: datetime
    pauses: tuple[tuple[Interval, TicketStatus], ...] = ()

    def parts(self, start: datetime | None = None, end: datetime | None = None) -> list[Part]:
        """Return the parts of ``elapsed``, or of an interval: each opening and each closing."""
        pauses = [interval for interval, _ in self.pauses]
        pieces = sla_calendar.calendar().explain(start or self.started_at, end or self.until, pauses)
        return [Part(piece, _reason(piece, self.pauses)) for piece in pieces]

    @property
    def is_over(self) -> bool:
        return self.met_at is not None


# Made once, as it is on every ticket.
_OF_TICKET = (
    select(SlaTarget)
    .where(SlaTarget.ticket_id == bindparam("ticket"))
    .order_by(case((SlaTarget.met_at.is_(None), 0), else_=1), SlaTarget.started_at.desc(), SlaTarget.id.desc())
    .limit(MAX_TARGETS)
)


def for_ticket(ticket: Ticket, now: datetime) -> list[TargetView]:
    """Return a ticket's targets: running ones by when they are due, then the newest that are met."""
    found = db.session.scalars(_OF_TICKET, {"ticket": ticket.id})
    return in_order(explain(sla_target, now) for sla_target in found)


def in_order(views: Iterable[TargetView]) -> list[TargetView]:
    """Put running targets first, by when they are due; the others keep their order."""
    return sorted(views, key=lambda view: (view.is_over, view.due_at or NO_DUE if not view.is_over else NO_DUE))


def explain(sla_target: SlaTarget, now: datetime) -> TargetView:
    """Return a target for the page. One that is met was measured by the hours of its time; they may differ now."""
    until = sla_target.met_at or max(now, sla_target.started_at)
    pauses = tuple(_pauses(sla_target, until))
    if sla_target.met_at is not None and sla_target.spent is not None:
        elapsed = timedelta(minutes=sla_target.spent)
    else:
        elapsed = sla_calendar.calendar().between(sla_target.started_at, until, [interval for interval, _ in pauses])
    return TargetView(
        kind=sla_target.kind,
        state=_state(sla_target, now),
        goal=sla_target.goal,
        started_at=sla_target.started_at,
        due_at=sla_target.due_at,
        met_at=sla_target.met_at,
        paused_since=sla_target.paused_since,
        elapsed=elapsed,
        at_risk=sla_target.met_at is None and sla_target.risk_at is not None and sla_target.risk_at <= now,
        until=until,
        pauses=pauses,
    )


def _state(sla_target: SlaTarget, now: datetime) -> TargetState:
    if sla_target.goal is None:
        return TargetState.NONE
    if sla_target.due_at is not None and sla_target.due_at < (sla_target.met_at or now):
        return TargetState.OVERDUE
    if sla_target.met_at is not None:
        return TargetState.MET
    return TargetState.RUNNING if sla_target.paused_since is None else TargetState.PAUSED


def _pauses(sla_target: SlaTarget, until: datetime) -> list[tuple[Interval, TicketStatus]]:
    return [
        ((datetime.fromisoformat(start), datetime.fromisoformat(end) if end else until), TicketStatus(status))
        for start, end, status in sla_target.pauses
    ]


def _reason(piece: Piece, pauses: Sequence[tuple[Interval, TicketStatus]]) -> TicketStatus | None:
    if piece.kind is not PieceKind.PAUSED:
        return None
    return next((status for (start, end), status in pauses if start <= piece.start < end), None)
