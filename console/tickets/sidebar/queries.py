"""What stands beside a ticket: who watches it, what it is linked with, how its verification stands. One statement."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Row,
    select,
)
from sqlalchemy.orm import contains_eager, joinedload

from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.sorting import sort_key
from console.customers.models import (
    Customer,
    MemberRole,
    Membership,
    Verification,
)
from console.customers.rights import Right
from console.tickets.models import LinkKind, Ticket, TicketStatus
from console.tickets.reviews.models import ReviewState
from console.tickets.service import verification as ticket_verification
from console.tickets.sidebar.statement import mine_here, statement
from console.tickets.sla.models import SlaTarget
from console.tickets.sla.queries import TargetView, explain, in_order
from console.tickets.sla.rules import TargetKind


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
    sla_targets: list[TargetView] = field(default_factory=list)
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
        "channel": ticket_verification.channel(ticket),
        "now": now,
    }
    rows = db.session.execute(statement(actor, *shape), asked).all()
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.kind].append(row)
    return _told(found, now)


def verification_for(actor: Actor, ticket: Ticket) -> Verification | None:
    """Return the live verification that ``actor`` has for this ticket and no other, with the person and the account."""
    return db.session.scalar(
        select(Verification)
        .join(Verification.customer)
        .where(*mine_here(actor, ticket_verification.channel(ticket), clock.now()))
        .options(
            contains_eager(Verification.customer), joinedload(Verification.membership).joinedload(Membership.person)
        )
        .order_by(Verification.id.desc())
        .limit(1)
    )


# --- What it says -----------------------------------------------------------------------------------------------------


def _told(found: dict[str, list[Row[Any]]], now: datetime) -> Around:
    told = Around()
    told.watchers = {row.id: row.a for row in sorted(found["watcher"], key=lambda row: sort_key(str(row.a)))}
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
    told.sla_targets = in_order(explain(_target(row), now) for row in found["promise"])
    for row in found["rating"]:
        told.score, told.comment, told.rated_at = row.n, row.a, row.at
    told.reviews = {row.id: ReviewState(row.b) for row in found["review"]}
    return told


def _live(row: Row[Any]) -> Live:
    member = Membership(id=row.spent, role=MemberRole(row.role), rights=row.held)  # only asked for its rights
    rights = frozenset(Right(key) for key in row.data) & member.held_rights()
    number = Customer(id=row.n).number
    return Live(row.id, row.a, member.role, rights, row.at, row.until, row.n, number, row.b)


def _target(row: Row[Any]) -> SlaTarget:
    """Return a promise to explain; never in the session."""
    return SlaTarget(
        id=row.id,
        kind=TargetKind(row.a),
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
