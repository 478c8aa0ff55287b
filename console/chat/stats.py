"""The chat in figures, read in a fixed number of statements over the chats begun in a period.

Counted with the department and the agent a chat has now; one that no agent took, or that was put back, has none. A
question left outside of opening hours is not counted: no agent could have answered it there. Waiting counts by the
clock, because a chat is only open while we are.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, select

from console.chat.models import Chat, ChatMessage, ChatStatus, MessageKind
from console.core.db import db, seconds_of
from console.tickets.stats.cells import MEDIAN, P90, BaseStats, Breakdown
from console.tickets.stats.numbers import percent, quantile
from console.tickets.stats.periods import Period, Step
from console.tickets.stats.queries import ALL_TICKETS, Scope, Span, spans_of, steps_of, within_step

COUNTS = ("begun", "answered", "missed", "closed", "outside", "handed", "verified")
QUARTER = 900  # seconds


@dataclass
class ChatStats(BaseStats):
    """Figures of some chats: a department's, an agent's, or all.

    Args:
        begun: while we were open.
        answered: of these, by one of us.
        missed: of these, that became a ticket without an answer: no agent came in time, it was closing time, or the
            visitor left.
        closed: of these, that were taken and ended without one.
        outside: questions left while we were closed; not among ``begun``.
        handed: answered ones that went on as a ticket.
        verified: in which a customer was verified.
        waits: seconds to the first answer, and how often.
        lengths: seconds of answered chats from beginning to end.
    """

    begun: int = 0
    answered: int = 0
    missed: int = 0
    closed: int = 0
    outside: int = 0
    handed: int = 0
    verified: int = 0
    waits: Counter[int] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)

    @property
    def unanswered(self) -> int:
        """Return how many ended without an answer."""
        return self.missed + self.closed

    @property
    def answered_percent(self) -> float | None:
        """Return how many were answered of those that are no longer waiting."""
        return percent(self.answered, self.answered + self.unanswered)

    @property
    def handed_percent(self) -> float | None:
        """Return how many of the answered went on as a ticket."""
        return percent(self.handed, self.answered)

    @property
    def wait(self) -> tuple[float | None, float | None]:
        """Return median and 90th percentile of the seconds to the first answer."""
        return quantile(self.waits, MEDIAN), quantile(self.waits, P90)

    @property
    def length(self) -> tuple[float | None, float | None]:
        """Return median and 90th percentile of the seconds that answered chats lasted."""
        return quantile(self.lengths, MEDIAN), quantile(self.lengths, P90)


ChatReport = Breakdown[ChatStats]


@dataclass(frozen=True)
class ChatFlow:
    """What came in one step of a period, and how much of it found an answer."""

    step: Step
    answered: int
    unanswered: int


@dataclass(frozen=True)
class ChatComparison:
    """The figures of a period, also step by step, and of the period before it."""

    now: ChatReport
    before: ChatReport
    flow: list[ChatFlow]


def compare(period: Period, scope: Scope = ALL_TICKETS) -> ChatComparison:
    """Return the figures of a period and of the one before it: four statements, however many chats there are."""
    steps = period.steps()
    found = {span: ChatReport(ChatStats) for span in Span}
    by_step = [ChatStats() for _step in steps]
    for row in db.session.execute(_counts(steps_of(period, steps, before=True), scope)):
        stats = ChatStats(**{name: getattr(row, name) for name in COUNTS})
        found[Span(row.span)].cell(row.department_id, row.agent_id).add(stats)
        if row.span == Span.NOW:
            by_step[row.place].add(stats)
    whole = spans_of(period)
    for name, value in (("waits", _WAIT), ("lengths", _LENGTH), ("scores", Chat.rating)):
        for row in db.session.execute(_distribution(whole, scope, value)):
            cell = found[Span(row.span)].cell(row.department_id, row.agent_id)
            getattr(cell, name)[row.value] = row.many
    flow = [ChatFlow(step, one.answered, one.unanswered) for step, one in zip(steps, by_step, strict=True)]
    return ChatComparison(found[Span.NOW], found[Span.BEFORE], flow)


def has_results(period: Period, scope: Scope) -> ColumnElement[bool]:
    """Return the condition "a chat of ``period`` was answered"."""
    return _begun(select(Chat.id), period, scope).where(_ANSWERED).exists()


_ANSWERED = Chat.first_answered_at.is_not(None)
_WAIT = seconds_of(Chat.first_answered_at) - seconds_of(Chat.created_at)
_LENGTH = case((_ANSWERED, seconds_of(Chat.ended_at) - seconds_of(Chat.created_at)))
_WHOSE = (Chat.department_id, Chat.assignee_id.label("agent_id"))


def _outside() -> ColumnElement[bool]:
    """Return the condition "was asked while we were closed", which its entry tells."""
    event = exists().where(
        ChatMessage.chat_id == Chat.id,
        ChatMessage.kind == MessageKind.EVENT,
        ChatMessage.data["event"].as_string() == "ticketed",
        ChatMessage.data["why"].as_string() == "closed_hours",
    )
    return and_(Chat.status == ChatStatus.TICKETED, event)


def _outcomes() -> dict[str, ColumnElement[bool]]:
    """Return the conditions that are counted."""
    outside, ticketed = _outside(), Chat.status == ChatStatus.TICKETED
    return {
        "begun": ~outside,
        "answered": _ANSWERED,
        "missed": and_(~_ANSWERED, ticketed, ~outside),
        "closed": and_(~_ANSWERED, Chat.status == ChatStatus.CLOSED),
        "outside": outside,
        "handed": and_(_ANSWERED, ticketed),
        "verified": and_(Chat.verified_name.is_not(None), ~outside),
    }


def _count_where(condition: ColumnElement[bool]) -> Any:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _counts(local: Any, scope: Scope) -> Select[Any]:
    columns = [_count_where(condition).label(name) for name, condition in _outcomes().items()]
    return _by_step(local, scope, *_WHOSE, local.c.place).add_columns(*columns)


def _distribution(local: Any, scope: Scope, value: Any) -> Select[Any]:
    value = value.label("value")
    query = _by_step(local, scope, *_WHOSE, value).add_columns(func.count().label("many"))
    return query.where(value.is_not(None), ~_outside())


def _by_step(local: Any, scope: Scope, *columns: Any) -> Select[Any]:
    """Select the chats begun in each step, by its span and ``columns``."""
    return (
        select(local.c.span, *columns)
        .select_from(local)
        .join(Chat, within_step(Chat.created_at, local))
        .where(*scope.of(Chat.department_id, Chat.assignee_id))
        .group_by(local.c.span, *columns)
    )


def _begun(query: Select[Any], period: Period, scope: Scope) -> Select[Any]:
    return query.where(
        Chat.created_at >= period.begin,
        Chat.created_at < period.end,
        *scope.of(Chat.department_id, Chat.assignee_id),
    )


def by_hour(period: Period, scope: Scope = ALL_TICKETS) -> Counter[int]:
    """Return how many questions came in which hour of the local day, those outside of opening hours too. One statement.

    The database counts by quarters of an hour since 1970: every zone is whole ones apart from UTC.
    """
    quarter: Any = (seconds_of(Chat.created_at) // QUARTER).label("quarter")
    query = _begun(select(quarter, func.count().label("many")), period, scope).group_by(quarter)
    found: Counter[int] = Counter()
    for row in db.session.execute(query):
        found[datetime.fromtimestamp(row.quarter * QUARTER, UTC).astimezone(period.zone).hour] += row.many
    return found
