"""What stands beside a ticket: who watches it, what it is linked with, how its verification stands. One statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    JSON,
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Integer,
    Row,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import contains_eager, joinedload

from console.core import clock
from console.core.actor import Actor
from console.core.db import Instant, db
from console.customers.cards import TRIES
from console.customers.models import (
    Customer,
    CustomerStatus,
    MemberRole,
    Membership,
    Person,
    Verification,
    VerificationCard,
    VerificationKind,
)
from console.customers.rights import Right
from console.hosting.models import Service
from console.staff.models import Department, DepartmentMember, Staff
from console.staff.roles import PERMISSIONS, Permission, Role
from console.tickets import identity
from console.tickets.models import LinkKind, Ticket, TicketLink, TicketStatus, TicketWatcher
from console.tickets.promises.models import TicketPromise
from console.tickets.promises.queries import MOST_SHOWN, PromiseView, explain, in_order
from console.tickets.promises.rules import PromiseKind
from console.tickets.queries import visible
from console.tickets.reviews.models import Review, ReviewState, TicketRating
from console.tickets.view_queries import KEPT

OTHERS = 5  # further tickets of the requester that are shown
# What the statement is about, by name.
TICKET: BindParameter[int] = bindparam("ticket", type_=Integer())
CUSTOMER: BindParameter[int] = bindparam("customer", type_=Integer())
CHANNEL: BindParameter[str] = bindparam("channel", type_=String())
NOW: BindParameter[datetime] = bindparam("now", type_=Instant())


@dataclass(frozen=True)
class Other:
    """Another ticket, in a line."""

    id: int
    number: str
    subject: str
    status: TicketStatus
    is_merged: bool
    link: LinkKind = LinkKind.RELATED
    is_origin: bool = False  # this ticket came from that one, not the other way round


@dataclass(frozen=True)
class Card:
    """The newest sealed card that was sent for this ticket."""

    by: str
    asked_at: datetime
    expires_at: datetime
    failures: int
    state: str  # open, failed, ended, used


@dataclass(frozen=True)
class Held:
    """A live verification that opens nothing here: a colleague's, or through another channel."""

    id: int
    by: str
    channel: str
    until: datetime
    is_mine: bool


@dataclass(frozen=True)
class Live:
    """The verification made for this ticket, of this reader. Only what the person holds now is among ``rights``."""

    id: int
    person: str
    role: MemberRole
    rights: frozenset[Right]
    started_at: datetime
    until: datetime
    customer_id: int
    customer_number: str
    customer_name: str


@dataclass
class Around:
    """Everything that is known of a ticket's surroundings before anything of the account is opened."""

    watchers: dict[int, str] = field(default_factory=dict)
    into: Other | None = None
    merged: list[Other] = field(default_factory=list)
    links: list[Other] = field(default_factory=list)
    others: list[Other] = field(default_factory=list)
    promises: list[PromiseView] = field(default_factory=list)
    card: Card | None = None
    live: Live | None = None
    service: str | None = None  # what its service is called; to be shown only where that is opened
    held: list[Held] = field(default_factory=list)
    score: int | None = None
    comment: str = ""
    rated_at: datetime | None = None
    reviews: dict[int, ReviewState] = field(default_factory=dict)


def around(actor: Actor, ticket: Ticket) -> Around:
    """Read the surroundings of a ticket, as far as ``actor`` may see them, in one statement."""
    now = clock.now()
    shape = (ticket.merged_into_id is not None, ticket.customer_id is not None, ticket.service_id is not None)
    asked = {
        "ticket": ticket.id,
        "into": ticket.merged_into_id,
        "customer": ticket.customer_id,
        "service": ticket.service_id,
        "email": ticket.requester_email,
        "channel": identity.channel(ticket),
        "now": now,
    }
    rows = db.session.execute(_statement(actor, *shape), asked).all()
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.kind].append(row)
    return _told(found, now)


def verification_for(actor: Actor, ticket: Ticket) -> Verification | None:
    """Return the live verification that ``actor`` has for this ticket and no other, with the person and the account."""
    return db.session.scalar(
        select(Verification)
        .join(Verification.customer)
        .where(*_mine_here(actor, identity.channel(ticket), clock.now()))
        .options(
            contains_eager(Verification.customer), joinedload(Verification.membership).joinedload(Membership.person)
        )
        .order_by(Verification.id.desc())
        .limit(1)
    )


# --- The statement ----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=KEPT)  # making it took longer than asking it
def _statement(actor: Actor, has_parent: bool, has_account: bool, has_service: bool) -> CompoundSelect[Any]:
    """Select everything, for a ticket of this shape; what it is comes in by name."""
    return union_all(
        _card(),
        _watchers(),
        _near(actor, "merged", Ticket.merged_into_id == TICKET),
        *([_near(actor, "into", Ticket.id == bindparam("into"))] if has_parent else []),
        *_links(actor),
        *_others(actor, has_account=has_account),
        *_verifications(actor, has_account=has_account),
        _promises(),
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


def _mine_here(actor: Actor, channel: Any, now: Any) -> tuple[ColumnElement[bool], ...]:
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
        .where(*_mine_here(actor, CHANNEL, NOW), Membership.removed_at.is_(None))
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


def _promises() -> Select[Any]:
    promise = TicketPromise
    columns = _part(
        "promise",
        promise.id,
        a=cast(promise.kind, String),
        at=promise.started_at,
        until=promise.due_at,
        n=promise.goal,
        risk=promise.risk_at,
        met=promise.met_at,
        paused=promise.paused_since,
        spent=promise.spent,
        data=promise.pauses,
    )
    query = select(*columns).where(promise.ticket_id == TICKET)
    runs_first = case((promise.met_at.is_(None), 0), else_=1)
    return _limited(query.order_by(runs_first, promise.started_at.desc(), promise.id.desc()).limit(MOST_SHOWN))


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


# --- What it says -----------------------------------------------------------------------------------------------------


def _told(found: dict[str, list[Row[Any]]], now: datetime) -> Around:
    told = Around()
    told.watchers = {row.id: row.a for row in sorted(found["watcher"], key=lambda row: str(row.a))}
    told.merged = _sorted(_other(row) for row in found["merged"])
    told.into = next((_other(row) for row in found["into"]), None)
    told.links = _sorted(
        _other(row, link=kind, is_origin=way == "to" and kind is not LinkKind.RELATED)
        for way in ("to", "from")
        for kind in LinkKind
        for row in found[f"{way}:{kind.value}"]
    )
    near = {other.id for other in [*told.merged, *told.links, *([told.into] if told.into else [])]}
    others = {row.id: _other(row) for row in found["other"]}
    told.others = [others[key] for key in sorted(others.keys() - near, reverse=True)]
    told.card = next((_card_of(row, now) for row in found["card"]), None)
    told.live = next((_live(row) for row in found["live"]), None)
    told.service = next((row.a for row in found["service"]), None)
    told.held = [Held(row.id, row.a, row.b, row.until, bool(row.n)) for row in found["held"]]
    told.promises = in_order(explain(_promise(row), now) for row in found["promise"])
    for row in found["rating"]:
        told.score, told.comment, told.rated_at = row.n, row.a, row.at
    told.reviews = {row.id: ReviewState(row.b) for row in found["review"]}
    return told


def _live(row: Row[Any]) -> Live:
    member = Membership(id=row.spent, role=MemberRole(row.role), rights=row.held)  # only asked for its rights
    rights = frozenset(Right(key) for key in row.data) & member.held_rights()
    number = Customer(id=row.n).number
    return Live(row.id, row.a, member.role, rights, row.at, row.until, row.n, number, row.b)


def _promise(row: Row[Any]) -> TicketPromise:
    """Return a promise to explain; never in the session."""
    return TicketPromise(
        id=row.id,
        kind=PromiseKind(row.a),
        goal=row.n,
        started_at=row.at,
        due_at=row.until,
        risk_at=row.risk,
        met_at=row.met,
        paused_since=row.paused,
        spent=row.spent,
        pauses=row.data,
    )


def _sorted(others: Any) -> list[Other]:
    return sorted(others, key=lambda other: other.id)


def _other(row: Row[Any], **more: Any) -> Other:
    ticket = Ticket(id=row.id)  # only for its number; never in the session
    return Other(row.id, ticket.number, row.a, TicketStatus(row.b), bool(row.n), **more)


def _card_of(row: Row[Any], now: datetime) -> Card:
    state = "ended" if row.b == "open" and row.until <= now else row.b
    return Card(row.a, row.at, row.until, row.n, state)


# --- For choosing -----------------------------------------------------------------------------------------------------


def candidates(actor: Actor, ticket: Ticket, limit: int = 20) -> Sequence[Ticket]:
    """Return the tickets of the same address or account that may be merged or linked with this one, open ones first."""
    whose: ColumnElement[bool] = Ticket.requester_email == ticket.requester_email
    if ticket.customer_id is not None:
        whose = or_(whose, Ticket.customer_id == ticket.customer_id)
    query = (
        select(Ticket)
        .where(whose, Ticket.id != ticket.id, Ticket.merged_into_id.is_(None), visible(actor))
        .options(joinedload(Ticket.department))
        .order_by(Ticket.is_open.desc(), Ticket.id.desc())
        .limit(limit)
    )
    return db.session.scalars(query).all()


@dataclass(frozen=True)
class Colleague:
    """Somebody a ticket may be given to, and how many open ones they have."""

    id: int
    name: str
    open: int


def colleagues(ticket: Ticket) -> list[Colleague]:
    """Return who may take the ticket: works on tickets, and is in its department where that is private."""
    busy = (
        select(Ticket.assignee_id.label("id"), func.count().label("open"))
        .where(Ticket.is_open.is_(True), Ticket.assignee_id.is_not(None))
        .group_by(Ticket.assignee_id)
        .subquery()
    )
    member = exists().where(DepartmentMember.staff_id == Staff.id, DepartmentMember.department_id == Department.id)
    query = (
        select(Staff.id, Staff.name, func.coalesce(busy.c.open, 0).label("open"))
        .select_from(Staff)
        .join(Department, Department.id == ticket.department_id)
        .outerjoin(busy, busy.c.id == Staff.id)
        .where(
            Staff.active.is_(True),
            Staff.role.in_(_roles(Permission.WORK_TICKETS)),
            or_(Department.private.is_(False), Staff.role.in_(_roles(Permission.REVIEW)), member),
        )
        .order_by(Staff.name, Staff.id)
    )
    return [Colleague(row.id, row.name, row.open) for row in db.session.execute(query)]


def _roles(permission: Permission) -> list[Role]:
    return [role for role, held in PERMISSIONS.items() if permission in held]
