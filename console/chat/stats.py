"""The chat in figures, read in a fixed number of statements over the chats begun in a period.

Counted with the department and the agent a chat has now; one that no agent took, or that was put back, has none. A
question left outside of opening hours is not counted: no agent could have answered it there. Waiting counts by the
clock, because a chat is only open while we are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, select

from console.chat.models import Chat, ChatMessage, ChatStatus, MessageKind
from console.core.db import db, seconds_of
from console.tickets.stats.cells import MEDIAN, P90, BaseStats, Breakdown
from console.tickets.stats.numbers import percent, quantile
from console.tickets.stats.periods import Period, Step
from console.tickets.stats.queries import ALL_TICKETS, Scope, first_with, steps_of, within_step

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


def report(period: Period, scope: Scope = ALL_TICKETS) -> ChatReport:
    """Return the figures of a period: four statements, however many chats there are."""
    found = ChatReport(ChatStats)

    def cell(row: Any) -> ChatStats:
        return found.cell(row.department_id, row.agent_id)

    for row in db.session.execute(_counts(period, scope)):
        for name in COUNTS:
            setattr(cell(row), name, getattr(row, name))
    for name, value in (("waits", _WAIT), ("lengths", _LENGTH), ("scores", Chat.rating)):
        for row in db.session.execute(_distribution(period, scope, value)):
            getattr(cell(row), name)[row.value] = row.many
    return found


def latest_with_results(periods: Sequence[Period], scope: Scope) -> Period | None:
    """Return the first of ``periods`` in which a chat was answered, in one statement; ``None`` if there is none."""
    answered = [_begun(select(Chat.id), one, scope).where(_ANSWERED).exists() for one in periods]
    return first_with(periods, answered)


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


def _counts(period: Period, scope: Scope) -> Select[Any]:
    columns = [_count_where(condition).label(name) for name, condition in _outcomes().items()]
    return _begun(select(*_WHOSE, *columns), period, scope).group_by(*_WHOSE)


def _distribution(period: Period, scope: Scope, value: Any) -> Select[Any]:
    value = value.label("value")
    query = select(*_WHOSE, value, func.count().label("many")).where(value.is_not(None), ~_outside())
    return _begun(query, period, scope).group_by(*_WHOSE, value)


def _begun(query: Select[Any], period: Period, scope: Scope) -> Select[Any]:
    return query.where(
        Chat.created_at >= period.begin,
        Chat.created_at < period.end,
        *scope.of(Chat.department_id, Chat.assignee_id),
    )


# --- Step by step, hour by hour ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ChatFlow:
    """What came in one step of a period, and how much of it found an answer."""

    step: Step
    answered: int
    unanswered: int


def flow(period: Period, scope: Scope = ALL_TICKETS) -> list[ChatFlow]:
    """Return what was answered and what was not, a day (or a longer step) after the other. One statement."""
    steps = period.steps()
    local, outcomes = steps_of(period, steps), _outcomes()
    query: Select[Any] = (
        select(
            local.c.place,
            _count_where(outcomes["answered"]).label("answered"),
            _count_where(outcomes["missed"] | outcomes["closed"]).label("unanswered"),
        )
        .join(Chat, within_step(Chat.created_at, local))
        .where(*scope.of(Chat.department_id, Chat.assignee_id))
        .group_by(local.c.place)
    )
    found = {row.place: (row.answered, row.unanswered) for row in db.session.execute(query)}
    return [ChatFlow(step, *found.get(place, (0, 0))) for place, step in enumerate(steps)]


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


def any_chat() -> bool:
    """Return whether there ever was one."""
    return db.session.scalar(select(Chat.id).limit(1)) is not None
