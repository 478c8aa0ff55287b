"""Reading reviews: the queue, one review for either side, whose work a ticket is, the figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import joinedload, selectinload

from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound
from console.staff.models import Staff
from console.staff.roles import PERMISSIONS, Permission
from console.tickets.models import MessageKind, Ticket, TicketMessage
from console.tickets.reviews.models import (
    HEAD,
    Review,
    ReviewAnswer,
    ReviewCriterion,
    ReviewQuote,
    ReviewSettings,
    ReviewState,
    TicketRating,
)

SHOWN = 50
_REVIEWERS = [role for role, held in PERMISSIONS.items() if Permission.REVIEW in held]


# --- Whose work -------------------------------------------------------------------------------------------------------


def handlers(ticket_ids: Iterable[int]) -> dict[int, int]:
    """Return whose work each ticket is: who wrote the most replies (of equals the last), else its assignee.

    A ticket that nobody answered or took is left out.
    """
    keys = list(ticket_ids)
    if not keys:
        return {}
    taken = select(Ticket.id, Ticket.assignee_id).where(Ticket.id.in_(keys), Ticket.assignee_id.is_not(None))
    whose = {row.id: row.assignee_id for row in db.session.execute(taken) if row.assignee_id is not None}
    wrote = (
        select(TicketMessage.ticket_id, TicketMessage.staff_id)
        .where(TicketMessage.ticket_id.in_(keys), *real_reply())
        .group_by(TicketMessage.ticket_id, TicketMessage.staff_id)
        .order_by(TicketMessage.ticket_id, func.count(), func.max(TicketMessage.id))
    )
    return whose | {row.ticket_id: row.staff_id for row in db.session.execute(wrote)}  # the last one stays


def handler_of(ticket: Ticket) -> int | None:
    """Return whose work a ticket is; see :func:`handlers`."""
    return handlers([ticket.id]).get(ticket.id)


def real_reply() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on messages "a colleague's reply, not taken back"."""
    return (
        TicketMessage.kind == MessageKind.REPLY,
        TicketMessage.taken_back_at.is_(None),
        TicketMessage.staff_id.is_not(None),
    )


# --- The queue --------------------------------------------------------------------------------------------------------


def count_waiting(most: int) -> int:
    """Count what waits to be reviewed, no further than ``most``."""
    keys = select(Review.id).where(Review.state == ReviewState.WAITING).limit(most)
    return db.session.scalar(select(func.count()).select_from(keys.subquery())) or 0


def next_waiting(actor: Actor, *, after: int = 0) -> Review | None:
    """Return what this supervisor should look at next: the oldest behind ``after``, else the oldest of all."""
    query = select(Review).where(Review.state == ReviewState.WAITING).order_by(Review.id).limit(1)
    if has_colleague(actor):
        query = query.where(Review.agent_id != actor.id)
    return db.session.scalar(query.where(Review.id > after)) or db.session.scalar(query.where(Review.id != after))


def has_colleague(actor: Actor) -> bool:
    """Tell whether somebody else reviews here, who can judge this supervisor's own work."""
    other = select(Staff.id).where(Staff.role.in_(_REVIEWERS), Staff.active.is_(True), Staff.id != actor.id)
    return db.session.scalar(select(other.exists())) or False


def with_everything(query: Select[Review]) -> Select[Review]:
    """Load what the page of a review shows, in a fixed number of statements."""
    return query.options(
        joinedload(Review.ticket).options(joinedload(Ticket.department), joinedload(Ticket.customer)),
        joinedload(Review.verification),
        joinedload(Review.agent, innerjoin=True),
        joinedload(Review.reviewer),
        selectinload(Review.scores),
        selectinload(Review.quotes).joinedload(ReviewQuote.message, innerjoin=True).joinedload(TicketMessage.ticket),
        selectinload(Review.answers),
    )


def find_review(actor: Actor, key: int) -> Review:
    """Return a review for a supervisor.

    Raises:
        NotFound: no such review, or no supervisor.
    """
    actor.require(Permission.REVIEW)
    return _one(with_everything(select(Review).where(Review.id == key)))


def lock_review(key: int) -> Review:
    """Return a review, locked until the transaction ends.

    Raises:
        NotFound: no such review.
    """
    query = select(Review).where(Review.id == key).with_for_update(of=Review)
    return _one(query.execution_options(populate_existing=True))


def _one(query: Select[Review]) -> Review:
    found = db.session.scalar(query)
    if found is None:
        raise NotFound
    return found


def rating_of(ticket_id: int) -> TicketRating | None:
    """Return what the requester said, if anything yet."""
    return db.session.scalar(select(TicketRating).where(TicketRating.ticket_id == ticket_id))


# --- One's own --------------------------------------------------------------------------------------------------------


def _of(actor: Actor) -> Select[Review]:
    """Select the reviews of this person's own work that are done. Nobody else's, whatever the role."""
    if actor.kind != "staff" or actor.id is None:
        raise NotFound
    return select(Review).where(Review.agent_id == actor.id, Review.state == ReviewState.DONE)


def mine(actor: Actor) -> Sequence[Review]:
    """Return the newest reviews of this person's work."""
    query = _of(actor).options(joinedload(Review.ticket), joinedload(Review.reviewer)).order_by(Review.id.desc())
    return db.session.scalars(query.limit(SHOWN)).all()


def find_mine(actor: Actor, key: int) -> Review:
    """Return a review of this person's own work, once it is done.

    Raises:
        NotFound: there is none, it is not done, or it is of somebody else's work.
    """
    return _one(with_everything(_of(actor).where(Review.id == key)))


def count_unread(actor: Actor, most: int) -> int:
    """Count the reviews of this person's work that they have not opened, no further than ``most``."""
    keys = _of(actor).where(Review.agent_read_at.is_(None)).with_only_columns(Review.id).limit(most)
    return db.session.scalar(select(func.count()).select_from(keys.subquery())) or 0


# --- The rubric -------------------------------------------------------------------------------------------------------


def criteria(*, active: bool = False) -> Sequence[ReviewCriterion]:
    """Return the rubric in its order; ``active``: only what is scored now."""
    query = select(ReviewCriterion).order_by(ReviewCriterion.position, ReviewCriterion.id)
    return db.session.scalars(query.where(ReviewCriterion.active.is_(True)) if active else query).all()


def settings_row(*, lock: bool = False) -> ReviewSettings:
    """Return the one row of settings."""
    query = select(ReviewSettings).where(ReviewSettings.id == HEAD)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return db.session.scalars(query).one()


# --- Figures ----------------------------------------------------------------------------------------------------------


@dataclass
class Tally:
    """Reviews of one agent, department or month."""

    reviews: int = 0
    scored: int = 0
    points: int = 0  # sum of the totals
    answered: int = 0

    @property
    def average(self) -> float | None:
        """Return the mean total in percent."""
        return self.points / self.scored / 100 if self.scored else None


@dataclass(frozen=True)
class Tallies:
    """The reviews of a period, told in four ways."""

    whole: Tally
    by_agent: dict[int, Tally]
    by_department: dict[int | None, Tally]
    by_month: dict[str, Tally]  # ``2026-11``, the oldest first
    by_agent_month: dict[tuple[int, str], Tally]


def tallies(begin: datetime, end: datetime, zone: ZoneInfo) -> Tallies:
    """Count the reviews that were written in a period, through the index of states and times."""
    spoke = exists().where(ReviewAnswer.review_id == Review.id, ReviewAnswer.staff_id == Review.agent_id)
    query = (
        select(Review.agent_id, Review.department_id, Review.reviewed_at, Review.total, spoke.label("spoke"))
        .where(Review.state == ReviewState.DONE, Review.reviewed_at >= begin, Review.reviewed_at < end)
        .order_by(Review.reviewed_at)
    )
    whole = Tally()
    agents: dict[int, Tally] = defaultdict(Tally)
    departments: dict[int | None, Tally] = defaultdict(Tally)
    months: dict[str, Tally] = defaultdict(Tally)
    both: dict[tuple[int, str], Tally] = defaultdict(Tally)
    for row in db.session.execute(query):
        month = f"{clock.local_date(row.reviewed_at, zone):%Y-%m}"
        for tally in (
            whole,
            agents[row.agent_id],
            departments[row.department_id],
            months[month],
            both[row.agent_id, month],
        ):
            tally.reviews += 1
            tally.answered += bool(row.spoke)
            if row.total is not None:
                tally.scored += 1
                tally.points += row.total
    return Tallies(whole, dict(agents), dict(departments), dict(months), dict(both))
