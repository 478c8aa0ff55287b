"""How SLA targets follow from a ticket's history. Pure: history, goals, calendar and ``now`` in, targets out.

**First answer** runs from the opening to our first public reply; a ticket that staff opened with a reply has none.
**Next answer** runs from the oldest unanswered question after the first answer to the next reply.
**Solution** runs from the opening until the ticket is solved.

While the ticket waits for the customer every target is paused. On hold, while a registrar or the data centre
works on it, the solution is paused and the answers are not: the customer may still ask and expects an answer.
Solving ends every running target, because the requester gets a mail about it. A reopened ticket continues its
solution where it stopped; its unanswered question too where staff reopened it, while a new question starts a
next answer of its own. A reply that was taken back is ignored.

Only working time counts. A target is met up to and including the instant it is due at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from console.tickets.models import OPEN_STATUSES, TicketStatus

WARN_AT = 0.75  # of the working time


class TargetKind(StrEnum):
    FIRST_ANSWER = "first_answer"
    NEXT_ANSWER = "next_answer"
    SOLUTION = "solution"


class TargetState(StrEnum):
    """``NONE``: there is no goal, the time is only measured."""

    NONE = "none"
    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    OVERDUE = "overdue"


ANSWERS = (TargetKind.FIRST_ANSWER, TargetKind.NEXT_ANSWER)
PAUSING = {
    TargetKind.FIRST_ANSWER: (TicketStatus.WAITING,),
    TargetKind.NEXT_ANSWER: (TicketStatus.WAITING,),
    TargetKind.SOLUTION: (TicketStatus.WAITING, TicketStatus.HOLD),
}

Interval = tuple[datetime, datetime]
Goals = Mapping[TargetKind, int | None]  # working minutes; None: no target


class Calendar(Protocol):
    """The opening hours, as far as targets need them."""

    def add(self, start: datetime, time: timedelta, pauses: Sequence[Interval] = ..., /) -> datetime | None:
        """Return when ``time`` of work has passed since ``start``; ``None`` where it never does."""

    def between(self, start: datetime, end: datetime, pauses: Sequence[Interval] = ..., /) -> timedelta:
        """Return the working time of an interval without its pauses."""


class StepKind(StrEnum):
    QUESTION = "question"
    REPLY = "reply"
    STATUS = "status"


@dataclass(frozen=True)
class Step:
    """A step in a ticket's history that targets depend on. ``status``: the new one."""

    at: datetime
    kind: StepKind
    status: TicketStatus | None = None


@dataclass(frozen=True)
class Pause:
    """A time that does not count. ``end``: ``None`` while it lasts. ``reason``: the status that caused it."""

    start: datetime
    end: datetime | None
    reason: TicketStatus


@dataclass(frozen=True)
class Span:
    """From when to when a target runs, with or without a goal."""

    kind: TargetKind
    started_at: datetime
    met_at: datetime | None = None
    pauses: tuple[Pause, ...] = ()

    @property
    def paused_since(self) -> datetime | None:
        return self.pauses[-1].start if self.pauses and self.pauses[-1].end is None else None

    def closed_pauses(self) -> list[Interval]:
        """Return the pauses that are over."""
        return [(pause.start, pause.end) for pause in self.pauses if pause.end is not None]


@dataclass(frozen=True)
class Target:
    """A span measured in working time.

    Args:
        goal: working minutes; ``None``: the time is only measured.
        due_at: ``None`` while paused before it was due, or where the calendar never gets there.
        risk_at: from when it is at risk.
        broken_at: when it was due, if it was missed.
        until: when it was met or paused, or now.
    """

    span: Span
    goal: int | None
    due_at: datetime | None
    risk_at: datetime | None
    broken_at: datetime | None
    until: datetime
    calendar: Calendar = field(repr=False, compare=False)

    @property
    def elapsed(self) -> timedelta:
        """Return the working time used; computed on access."""
        return self.calendar.between(self.span.started_at, self.until, self.span.closed_pauses())

    @property
    def state(self) -> TargetState:
        if self.goal is None:
            return TargetState.NONE
        if self.broken_at is not None:
            return TargetState.OVERDUE
        if self.span.met_at is not None:
            return TargetState.MET
        return TargetState.RUNNING if self.span.paused_since is None else TargetState.PAUSED


def derive(
    opened_at: datetime, history: Iterable[Step], goals: Goals, calendar: Calendar, now: datetime
) -> list[Target]:
    """Return a ticket's targets in the order they began."""
    return [measure(span, goals.get(span.kind), calendar, now) for span in spans(opened_at, history)]


def measure(span: Span, goal: int | None, calendar: Calendar, now: datetime) -> Target:
    """Measure the working time of a span against its goal."""
    since, over = span.paused_since, span.closed_pauses()
    until = span.met_at or since or max(now, span.started_at)
    if goal is None:
        return Target(span, None, None, None, None, until, calendar)
    due = calendar.add(span.started_at, timedelta(minutes=goal), over)
    risk = calendar.add(span.started_at, timedelta(minutes=goal) * WARN_AT, over)
    if since is not None and due is not None and due > since:
        due = risk = None  # the rest of the time starts when the pause ends
    missed_at = due if due is not None and due < (span.met_at or now) else None
    return Target(span, goal, due, risk, missed_at, until, calendar)


def spans(opened_at: datetime, history: Iterable[Step]) -> list[Span]:
    """Return the spans of a ticket in the order they began.

    Args:
        opened_at: nothing counts before, although a split or merged ticket may hold older messages.
        history: in order of time; a ticket is open until its first status change.
    """
    steps = [replace(step, at=max(step.at, opened_at)) for step in history]
    first = next((step.kind for step in steps if step.kind is not StepKind.STATUS), StepKind.QUESTION)
    clocks = _Clocks(opened_at, ours=first is StepKind.REPLY)
    for step in steps:
        clocks.take(step)
    return clocks.spans()


class _Clocks:
    """The running spans of one ticket while its history is read."""

    def __init__(self, opened_at: datetime, *, ours: bool) -> None:
        self.status = TicketStatus.OPEN
        self.answered = ours  # the first answer was written, or is not due
        self.ended: list[Span] = []
        self.solution = self._start(TargetKind.SOLUTION, opened_at)
        self.answer: Span | None = None if ours else self._start(TargetKind.FIRST_ANSWER, opened_at)

    def take(self, step: Step) -> None:
        if step.kind is StepKind.QUESTION:
            self._question(step.at)
        elif step.kind is StepKind.REPLY:
            self._reply(step.at)
        elif step.status is not None and step.status is not self.status:
            self.status = step.status
            self.solution = self._after_status_change(self.solution, step.at)
            if self.answer is not None:
                self.answer = self._after_status_change(self.answer, step.at)

    def spans(self) -> list[Span]:
        """Return all spans. Of several that began in one instant the last one counts."""
        everything = [*self.ended, self.solution, *([self.answer] if self.answer else [])]
        last = {(span.kind, span.started_at): span for span in everything}
        return sorted(last.values(), key=lambda span: (span.started_at, list(TargetKind).index(span.kind)))

    def _question(self, at: datetime) -> None:
        if self.answer is not None and self.answer.met_at is not None:
            self.ended.append(self.answer)  # solving ended it, and this is a new question
            self.answer, self.answered = None, True
        if self.answer is None:
            self.answer = self._start(TargetKind.NEXT_ANSWER if self.answered else TargetKind.FIRST_ANSWER, at)

    def _reply(self, at: datetime) -> None:
        if self.answer is not None:
            self.ended.append(self.answer if self.answer.met_at is not None else _met(self.answer, at))
        self.answer, self.answered = None, True

    def _start(self, kind: TargetKind, at: datetime) -> Span:
        """Start a span; in a ticket that is paused or solved it begins paused."""
        paused = self.status in PAUSING[kind] or self.status not in OPEN_STATUSES
        return Span(kind, at, pauses=(Pause(at, None, self.status),) if paused else ())

    def _after_status_change(self, span: Span, at: datetime) -> Span:
        """Return the span after the ticket has changed to ``self.status``."""
        if self.status not in OPEN_STATUSES:
            return span if span.met_at is not None else _met(span, at)
        if span.met_at is not None:  # reopened: the time it was solved does not count
            solved = Pause(span.met_at, at, TicketStatus.SOLVED)
            span = replace(span, met_at=None, pauses=(*span.pauses, *([solved] if at > span.met_at else [])))
        span = _resumed(span, at)
        if self.status in PAUSING[span.kind]:
            span = replace(span, pauses=(*span.pauses, Pause(at, None, self.status)))
        return span


def _met(span: Span, at: datetime) -> Span:
    return replace(_resumed(span, at), met_at=at)


def _resumed(span: Span, at: datetime) -> Span:
    """End the pause that lasts, if one does; one of no length is dropped."""
    if span.paused_since is None:
        return span
    *before, last = span.pauses
    ended = [replace(last, end=at)] if at > last.start else []
    return replace(span, pauses=(*before, *ended))
