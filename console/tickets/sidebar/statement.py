"""The one statement by which everything beside a ticket is read: a union of small selects with the same columns."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    JSON,
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    false,
    literal,
    null,
    or_,
    select,
    union_all,
)

from console.core.actor import Actor
from console.core.db import Instant
from console.customers.models import (
    Customer,
    CustomerStatus,
    Membership,
    Person,
    Verification,
    VerificationCard,
    VerificationKind,
)
from console.customers.verification.cards import TRIES
from console.hosting.models import Service
from console.staff.models import Staff
from console.staff.roles import Permission
from console.tickets.list_queries import KEPT
from console.tickets.models import Ticket, TicketLink, TicketWatcher
from console.tickets.queries import visible
from console.tickets.reviews.models import Review, ReviewState, TicketRating
from console.tickets.sla.models import SlaTarget
from console.tickets.sla.queries import MOST_SHOWN

OTHERS = 5  # further tickets of the requester that are shown
# What the statement is about, by name.
TICKET: BindParameter[int] = bindparam("ticket", type_=Integer())
CUSTOMER: BindParameter[int] = bindparam("customer", type_=Integer())
CHANNEL: BindParameter[str] = bindparam("channel", type_=String())
NOW: BindParameter[datetime] = bindparam("now", type_=Instant())


@lru_cache(maxsize=KEPT)  # making it took longer than asking it
def statement(actor: Actor, has_parent: bool, has_account: bool, has_service: bool) -> CompoundSelect[Any]:
    """Select everything, for a ticket of this shape; what it is comes in by name."""
    return union_all(
        _card(),
        _watchers(),
        _near(actor, "merged", Ticket.merged_into_id == TICKET),
        *([_near(actor, "into", Ticket.id == bindparam("into"))] if has_parent else []),
        *_links(actor),
        *_others(actor, has_account=has_account),
        *_verifications(actor, has_account=has_account),
        _targets(),
        _rating(),
        _reviews(actor),
        *([_service()] if has_service else []),
    )


# --- The parts of the statement ---------------------------------------------------------------------------------------


_EMPTY: dict[str, Any] = {
    "a": String(), "b": String(), "at": Instant(), "until": Instant(), "n": Integer(),
    "risk": Instant(), "met": Instant(), "paused": Instant(), "spent": Integer(), "data": JSON(),
    "role": String(), "held": JSON(),
}  # fmt: skip


def _part(kind: Any, key: Any, **more: Any) -> list[Any]:
    """Return the columns that every part has; what it has none of is null, of the column's type."""
    columns = {name: more.get(name) for name in _EMPTY}
    return [
        (literal(kind) if isinstance(kind, str) else kind).label("kind"),
        key.label("id"),
        *((cast(null(), _EMPTY[name]) if one is None else one).label(name) for name, one in columns.items()),
    ]


def _limited(query: Select[Any]) -> Select[Any]:
    """Wrap a part that has an order or a limit of its own: SQLite takes neither inside a union."""
    inner = query.subquery()
    return select(*inner.c)


def _card() -> Select[Any]:
    card = VerificationCard
    state = case(
        (card.verification_id.is_not(None), "used"),
        (and_(card.ended_at.is_not(None), card.failures >= TRIES), "failed"),
        (card.ended_at.is_not(None), "ended"),
        else_="open",
    )
    query = (
        select(
            *_part("card", card.id, a=Staff.name, b=state, at=card.created_at, until=card.expires_at, n=card.failures)
        )
        .join(Staff, Staff.id == card.staff_id)
        .where(card.channel == CHANNEL)
        .order_by(card.id.desc())
        .limit(1)
    )
    return _limited(query)


def _watchers() -> Select[Any]:
    return (
        select(*_part("watcher", Staff.id, a=Staff.name))
        .join(TicketWatcher, TicketWatcher.staff_id == Staff.id)
        .where(TicketWatcher.ticket_id == TICKET)
    )


def _near(actor: Actor, kind: Any, *conditions: ColumnElement[bool]) -> Select[Any]:
    """Select other tickets, the visible ones."""
    merged = case((Ticket.merged_into_id.is_not(None), 1), else_=0)
    columns = _part(kind, Ticket.id, a=Ticket.subject, b=cast(Ticket.status, String), at=Ticket.updated_at, n=merged)
    return select(*columns).where(*conditions, visible(actor))


def _links(actor: Actor) -> list[Select[Any]]:
    kind = cast(TicketLink.kind, String)
    forth = _near(actor, literal("to:").concat(kind), TicketLink.ticket_id == TICKET)
    back = _near(actor, literal("from:").concat(kind), TicketLink.other_id == TICKET)
    return [
        forth.join(TicketLink, TicketLink.other_id == Ticket.id),
        back.join(TicketLink, TicketLink.ticket_id == Ticket.id),
    ]


def _others(actor: Actor, *, has_account: bool) -> list[Select[Any]]:
    """Select the newest tickets of the same address and of the same account, through an index each."""
    whose = [Ticket.requester_email == bindparam("email")]
    if has_account:
        whose.append(Ticket.customer_id == CUSTOMER)
    return [
        _limited(_near(actor, "other", same, Ticket.id != TICKET).order_by(Ticket.id.desc()).limit(OTHERS + 1))
        for same in whose
    ]


def mine_here(actor: Actor, channel: Any, now: Any) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions on verifications and their account "opens something here, for this reader"."""
    if actor.kind != "staff" or not actor.may(Permission.VERIFY):
        return (false(),)
    return (
        Verification.staff_id == actor.id,
        Verification.ended_at.is_(None),
        Verification.expires_at > now,
        Verification.kind == VerificationKind.PIN,
        Verification.channel == channel,
        Customer.status != CustomerStatus.CLOSED,
    )


def _verifications(actor: Actor, *, has_account: bool) -> list[Select[Any]]:
    """Select this reader's verification for the ticket, and those that open nothing here."""
    columns = _part(
        "live",
        Verification.id,
        a=Person.name,
        b=Customer.name,
        at=Verification.started_at,
        until=Verification.expires_at,
        n=Customer.id,
        data=Verification.rights,
        spent=Membership.id,
        held=Membership.rights,
        role=cast(Membership.role, String),
    )
    live = (
        select(*columns)
        .join(Verification.customer)
        .join(Verification.membership)
        .join(Membership.person)
        .where(*mine_here(actor, CHANNEL, NOW), Membership.removed_at.is_(None))
        .order_by(Verification.id.desc())
        .limit(1)
    )
    parts = [_limited(live)]
    if has_account:
        parts.append(_held(actor))
    return parts


def _held(actor: Actor) -> Select[Any]:
    mine = case((Verification.staff_id == actor.id, 1), else_=0)
    here = Verification.channel == CHANNEL
    columns = _part(
        "held", Verification.id, a=Staff.name, b=Verification.channel, until=Verification.expires_at, n=mine
    )
    return (
        select(*columns)
        .join(Staff, Staff.id == Verification.staff_id)
        .where(
            Verification.customer_id == CUSTOMER,
            Verification.ended_at.is_(None),
            Verification.expires_at > NOW,
            or_(and_(Verification.staff_id == actor.id, ~here), and_(Verification.staff_id != actor.id, here)),
        )
    )


def _service() -> Select[Any]:
    return select(*_part("service", Service.id, a=Service.label)).where(Service.id == bindparam("service"))


def _targets() -> Select[Any]:
    sla_target = SlaTarget
    columns = _part(
        "promise",
        sla_target.id,
        a=cast(sla_target.kind, String),
        at=sla_target.started_at,
        until=sla_target.due_at,
        n=sla_target.goal,
        risk=sla_target.risk_at,
        met=sla_target.met_at,
        paused=sla_target.paused_since,
        spent=sla_target.spent,
        data=sla_target.pauses,
    )
    query = select(*columns).where(sla_target.ticket_id == TICKET)
    runs_first = case((sla_target.met_at.is_(None), 0), else_=1)
    return _limited(query.order_by(runs_first, sla_target.started_at.desc(), sla_target.id.desc()).limit(MOST_SHOWN))


def _rating() -> Select[Any]:
    rating = TicketRating
    return select(*_part("rating", rating.id, a=rating.comment, at=rating.at, n=rating.score)).where(
        rating.ticket_id == TICKET
    )


def _reviews(actor: Actor) -> Select[Any]:
    """Select the reviews this reader may open: a supervisor all that were not passed over, an agent one's own."""
    whose: ColumnElement[bool] = Review.state.in_((ReviewState.WAITING, ReviewState.DONE))
    if not actor.may(Permission.REVIEW):
        whose = and_(Review.state == ReviewState.DONE, Review.agent_id == actor.id)
    return select(*_part("review", Review.id, b=cast(Review.state, String))).where(Review.ticket_id == TICKET, whose)
