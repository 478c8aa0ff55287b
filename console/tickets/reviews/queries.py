"""Reading reviews: the queue, one review for either side, whose work a ticket is. Statistics: ``stats``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, bindparam, func, select
from sqlalchemy.orm import joinedload, selectinload

from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound
from console.customers.models import Verification
from console.staff.models import Staff
from console.staff.roles import PERMISSIONS, Permission
from console.tickets.models import MessageKind, Ticket, TicketMessage
from console.tickets.reviews.models import (
    HEAD,
    Review,
    ReviewCriterion,
    ReviewQuote,
    ReviewScore,
    ReviewSettings,
    ReviewState,
    TicketRating,
)

Scalars = tuple[tuple[str, Select[Any]], ...]
_REVIEWERS = [role for role, held in PERMISSIONS.items() if Permission.REVIEW in held]


# --- Whose work -------------------------------------------------------------------------------------------------------


def handlers(ticket_ids: Iterable[int]) -> dict[int, int]:
    """Return whose work each ticket is: who wrote the most replies (of equals the last), else its assignee.

    A ticket without a reply and an assignee is left out.
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


def next_waiting(actor: Actor, *, after: int = 0) -> Review | None:
    """Return what this supervisor should look at next: the oldest behind ``after``, else the oldest of all."""
    query = select(Review).where(Review.state == ReviewState.WAITING, Review.agent_id != actor.id)
    query = query.order_by(Review.id).limit(1)
    return db.session.scalar(query.where(Review.id > after)) or db.session.scalar(query.where(Review.id != after))


def has_colleague(actor: Actor) -> bool:
    """Return whether there is another supervisor to review this one's work."""
    return db.session.scalar(_colleague(actor)) or False


def _colleague(actor: Actor) -> Select[bool]:
    other = select(Staff.id).where(Staff.role.in_(_REVIEWERS), Staff.active.is_(True), Staff.id != actor.id)
    return select(other.exists())


@dataclass(frozen=True)
class ReviewView:
    """A review as its page shows it.

    Args:
        rating: by the requester of its ticket, if any.
        rubric_version: of the present rubric.
        has_colleague: there is another supervisor than the reader.
        scalars: the values read in the same statement, by name.
    """

    review: Review
    rating: TicketRating | None
    rubric_version: int
    has_colleague: bool
    scalars: dict[str, Any]


def load_review(actor: Actor, key: int, *, scalars: Scalars = ()) -> ReviewView:
    """Return a review for its reader, in three statements: any for a supervisor, else of their own work, once done.

    Args:
        actor: the reader.
        key: of the review.
        scalars: names, and selects of one value each, to be read in the same statement; the same ones every time.

    Raises:
        NotFound: there is none, or it is not for this reader.
    """
    row = db.session.execute(_review(actor, scalars), {"review": key}).unique().one_or_none()
    if row is None:
        raise NotFound
    values = {name: getattr(row, f"scalar_{name}") for name, _query in scalars}
    return ReviewView(row.Review, row.TicketRating, row.rubric_version, row.has_colleague, values)


@lru_cache(maxsize=256)
def _review(actor: Actor, scalars: Scalars) -> Select[*tuple[Any, ...]]:
    readable = select(Review) if actor.may(Permission.REVIEW) else _of(actor)
    version = select(ReviewSettings.rubric_version).where(ReviewSettings.id == HEAD)
    return (
        readable.where(Review.id == bindparam("review"))
        .outerjoin(TicketRating, TicketRating.ticket_id == Review.ticket_id)
        .add_columns(
            TicketRating,
            version.scalar_subquery().label("rubric_version"),
            _colleague(actor).scalar_subquery().label("has_colleague"),
            *(query.scalar_subquery().label(f"scalar_{name}") for name, query in scalars),
        )
        .options(
            joinedload(Review.ticket).options(joinedload(Ticket.department), joinedload(Ticket.customer)),
            joinedload(Review.verification).joinedload(Verification.customer, innerjoin=True),
            joinedload(Review.agent, innerjoin=True),
            joinedload(Review.reviewer),
            joinedload(Review.picked_by),
            joinedload(Review.department),
            joinedload(Review.scores),  # as many as the rubric has criteria; quotes and answers may be more
            selectinload(Review.quotes)
            .joinedload(ReviewQuote.message, innerjoin=True)
            .joinedload(TicketMessage.ticket),
            selectinload(Review.answers),
        )
    )


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
    """Return the rating of the requester, if any."""
    return db.session.scalar(select(TicketRating).where(TicketRating.ticket_id == ticket_id))


# --- One's own --------------------------------------------------------------------------------------------------------


def _of(actor: Actor) -> Select[Review]:
    """Select the finished reviews of this person's own work. Only their own, whatever the role."""
    if actor.kind != "staff" or actor.id is None:
        raise NotFound
    return select(Review).where(Review.agent_id == actor.id, Review.state == ReviewState.DONE)


@lru_cache(maxsize=256)  # it is on every page
def count_updates(actor: Actor, most: int) -> Select[int]:
    """Select how much waits to be read by this person, no further than ``most`` of either kind."""
    unread = _of(actor).where(Review.agent_read_at.is_(None)).with_only_columns(Review.id)
    if not actor.may(Permission.REVIEW):
        return select(_bounded(unread, most))
    return select(_bounded(unread, most) + _bounded(select(Review.id).where(*new_answers(actor)), most))


def new_answers(actor: Actor) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on reviews "the agent spoke last, and it is not this supervisor's own work"."""
    return Review.answered.is_(True), Review.agent_id != actor.id


def count_states(actor: Actor, most: int) -> dict[str, int]:
    """Count the queue by state, and what agents answered, no further than ``most`` each, in one statement."""
    parts = {state.value: select(Review.id).where(Review.state == state) for state in ReviewState}
    parts["answered"] = select(Review.id).where(*new_answers(actor))
    row = db.session.execute(select(*(_bounded(part, most).label(name) for name, part in parts.items()))).one()
    return dict(row._mapping)


def _bounded(keys: Select[int], most: int) -> ScalarSelect[int]:
    return select(func.count()).select_from(keys.limit(most).subquery()).scalar_subquery()


# --- The rubric -------------------------------------------------------------------------------------------------------


def criteria(*, active: bool = False) -> Sequence[ReviewCriterion]:
    """Return the rubric in its order; ``active``: only what is scored now."""
    query = select(ReviewCriterion).order_by(ReviewCriterion.position, ReviewCriterion.id)
    return db.session.scalars(query.where(ReviewCriterion.active.is_(True)) if active else query).all()


def used_criteria() -> dict[int, int]:
    """Return the number of reviews of each criterion; one that was never scored is left out."""
    query = select(ReviewScore.criterion_id, func.count().label("many")).group_by(ReviewScore.criterion_id)
    return {row.criterion_id: row.many for row in db.session.execute(query)}


def settings_row(*, lock: bool = False, share: bool = False) -> ReviewSettings:
    """Return the row of settings, locked for writing (``lock``) or against changes (``share``)."""
    query = select(ReviewSettings).where(ReviewSettings.id == HEAD)
    if lock or share:
        query = query.with_for_update(read=not lock).execution_options(populate_existing=True)
    return db.session.scalars(query).one()
