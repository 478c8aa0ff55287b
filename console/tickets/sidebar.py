"""What a ticket's sidebar shows, in four statements: facts, verifications, SLA targets, related tickets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Integer, Select, and_, bindparam, false, func, or_, select, union
from sqlalchemy.orm import aliased, contains_eager, joinedload

from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.sorting import sort_key
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
from console.customers.verification.cards import TRIES
from console.hosting.models import Service
from console.mail.receiving.models import StoppedAddress
from console.staff.models import Staff
from console.staff.roles import Permission
from console.tickets.list_queries import CACHED
from console.tickets.mail_in.models import TicketParticipant
from console.tickets.models import LinkKind, Ticket, TicketLink, TicketStatus, TicketWatcher, ticket_number
from console.tickets.queries import visible
from console.tickets.reviews.models import Review, ReviewState, TicketRating
from console.tickets.service import verification as ticket_verification
from console.tickets.service_requests.models import ServiceRequest
from console.tickets.sla.queries import TargetView, for_ticket

SAME_REQUESTER = 5  # further tickets of the requester on the page


@dataclass(frozen=True)
class RelatedTicket:
    """Another ticket, in a line."""

    id: int
    number: str
    subject: str
    status: TicketStatus
    is_merged: bool
    link: LinkKind = LinkKind.RELATED
    is_origin: bool = False  # this ticket came from that one, not the other way round


@dataclass
class RelatedTickets:
    """The visible tickets that have to do with one. ``same_requester``: without those under the other names."""

    merged_into: RelatedTicket | None = None
    merged: list[RelatedTicket] = field(default_factory=list)
    links: list[RelatedTicket] = field(default_factory=list)
    same_requester: list[RelatedTicket] = field(default_factory=list)


@dataclass(frozen=True)
class CardView:
    """The newest verification card of the ticket."""

    sender: str
    sent_at: datetime
    expires_at: datetime
    failures: int
    state: str  # open, failed, ended, used


@dataclass
class Facts:
    """What the ticket has one of, its watchers, and the reviews the reader may open."""

    service: str | None = None  # its label; for those who may see the account's services
    card: CardView | None = None
    rating: TicketRating | None = None
    request: ServiceRequest | None = None  # what the customer asks for on it
    watchers: dict[int, str] = field(default_factory=dict)
    participants: list[str] = field(default_factory=list)  # whose mail enters it besides its requester's
    stopped: str | None = None  # why automatic mail does not go to its requester
    reviews: dict[int, ReviewState] = field(default_factory=dict)


@dataclass(frozen=True)
class LiveVerification:
    """The reader's own verification for this ticket. ``rights``: those that the person still has."""

    id: int
    person: str
    role: MemberRole
    rights: frozenset[Right]
    started_at: datetime
    expires_at: datetime
    customer_id: int
    customer_number: str
    customer_name: str


@dataclass(frozen=True)
class OtherVerification:
    """A live verification that opens nothing here: a colleague's, or the reader's through another channel."""

    id: int
    staff: str
    channel: str
    expires_at: datetime
    is_mine: bool


@dataclass(frozen=True)
class Sidebar:
    """Everything in the sidebar but what a verification opens."""

    facts: Facts
    live: LiveVerification | None
    other_verifications: list[OtherVerification]
    sla_targets: list[TargetView]
    related: RelatedTickets


def load_sidebar(actor: Actor, ticket: Ticket) -> Sidebar:
    """Read the sidebar of a ticket, as far as ``actor`` may see it."""
    now = clock.now()
    live, others = _load_verifications(actor, ticket, now)
    return Sidebar(
        facts=_load_facts(actor, ticket, now),
        live=live,
        other_verifications=others,
        sla_targets=for_ticket(ticket, now),
        related=load_related(actor, ticket),
    )


# --- Facts ------------------------------------------------------------------------------------------------------------


def _load_facts(actor: Actor, ticket: Ticket, now: datetime) -> Facts:
    facts = Facts()
    # The channel is a value of its own: a card names the ticket as people see it.
    values = {"ticket": ticket.id, "channel": ticket_verification.channel(ticket), "reader": actor.id}
    for row in db.session.execute(_facts(reviews=actor.may(Permission.REVIEW)), values):
        facts.service = row.service
        facts.rating = row.TicketRating
        facts.request = row.ServiceRequest
        if row.VerificationCard is not None:
            facts.card = _card_view(row.VerificationCard, row.card_sender, now)
        if row.watcher_id is not None:
            facts.watchers[row.watcher_id] = row.watcher
        if row.participant is not None and row.participant not in facts.participants:
            facts.participants.append(row.participant)
        facts.stopped = row.stopped
        if row.review_id is not None:
            facts.reviews[row.review_id] = row.review_state
    facts.watchers = dict(sorted(facts.watchers.items(), key=lambda watcher: sort_key(watcher[1])))
    return facts


@cache  # building it took a tenth of a page
def _facts(*, reviews: bool) -> Select[*tuple[Any, ...]]:
    """Select one row for each watcher and review; there are few of either.

    Args:
        reviews: for a supervisor, who opens all of them but those that were skipped; an agent opens their own.
    """
    newest_card = select(func.max(VerificationCard.id)).where(VerificationCard.channel == bindparam("channel"))
    readable = (
        Review.state.in_((ReviewState.WAITING, ReviewState.DONE))
        if reviews
        else and_(Review.state == ReviewState.DONE, Review.agent_id == bindparam("reader"))
    )
    sender, watcher = aliased(Staff), aliased(Staff)
    return (
        select(
            Service.label.label("service"),
            TicketRating,
            ServiceRequest,
            VerificationCard,
            sender.name.label("card_sender"),
            watcher.id.label("watcher_id"),
            watcher.name.label("watcher"),
            Review.id.label("review_id"),
            Review.state.label("review_state"),
            TicketParticipant.address.label("participant"),
            StoppedAddress.diagnostic.label("stopped"),
        )
        .select_from(Ticket)
        .outerjoin(Service, Service.id == Ticket.service_id)
        .outerjoin(TicketRating, TicketRating.ticket_id == Ticket.id)
        .outerjoin(ServiceRequest, ServiceRequest.ticket_id == Ticket.id)
        .outerjoin(VerificationCard, VerificationCard.id == newest_card.scalar_subquery())
        .outerjoin(sender, sender.id == VerificationCard.staff_id)
        .outerjoin(TicketWatcher, TicketWatcher.ticket_id == Ticket.id)
        .outerjoin(watcher, watcher.id == TicketWatcher.staff_id)
        .outerjoin(TicketParticipant, TicketParticipant.ticket_id == Ticket.id)
        .outerjoin(StoppedAddress, StoppedAddress.address == Ticket.requester_email)
        .outerjoin(Review, and_(Review.ticket_id == Ticket.id, readable))
        .where(Ticket.id == bindparam("ticket"))
    )


def _card_view(card: VerificationCard, sender: str, now: datetime) -> CardView:
    if card.verification_id is not None:
        state = "used"
    elif card.ended_at is not None:
        state = "failed" if card.failures >= TRIES else "ended"
    else:
        state = "open" if now < card.expires_at else "ended"
    return CardView(sender, card.created_at, card.expires_at, card.failures, state)


# --- Verifications ----------------------------------------------------------------------------------------------------


def find_verification(actor: Actor, ticket: Ticket) -> Verification | None:
    """Return the live verification of ``actor`` for this ticket and no other, with the person and the account."""
    return db.session.scalar(
        select(Verification)
        .join(Verification.customer)
        .where(*_opens_here(actor, ticket, clock.now()), Customer.status != CustomerStatus.CLOSED)
        .options(
            contains_eager(Verification.customer), joinedload(Verification.membership).joinedload(Membership.person)
        )
        .order_by(Verification.id.desc())
        .limit(1)
    )


def _opens_here(actor: Actor, ticket: Ticket, now: datetime) -> tuple[ColumnElement[bool], ...]:
    if actor.kind != "staff" or not actor.may(Permission.VERIFY):
        return (false(),)
    return (
        Verification.staff_id == actor.id,
        Verification.ended_at.is_(None),
        Verification.expires_at > now,
        Verification.kind == VerificationKind.PIN,
        Verification.channel == ticket_verification.channel(ticket),
    )


# The live verifications of the reader for this ticket, and all of its account, newest first; made once, as it is
# on every ticket.
_VERIFICATIONS = (
    select(Verification, Staff.name)
    .join(Staff, Staff.id == Verification.staff_id)
    .where(
        or_(
            and_(Verification.staff_id == bindparam("reader"), Verification.channel == bindparam("channel")),
            Verification.customer_id == bindparam("account"),
        ),
        Verification.ended_at.is_(None),
        Verification.expires_at > bindparam("now"),
    )
    .options(
        joinedload(Verification.customer, innerjoin=True).load_only(Customer.name, Customer.status),
        joinedload(Verification.membership)
        .load_only(Membership.role, Membership.rights, Membership.removed_at, Membership.contact_name)
        .joinedload(Membership.person)
        .load_only(Person.name),
    )
    .order_by(Verification.id.desc())
)


def _load_verifications(
    actor: Actor, ticket: Ticket, now: datetime
) -> tuple[LiveVerification | None, list[OtherVerification]]:
    channel = ticket_verification.channel(ticket)
    live: LiveVerification | None = None
    others: list[OtherVerification] = []
    values = {"channel": channel, "reader": actor.id, "account": ticket.customer_id, "now": now}
    for verification, staff in db.session.execute(_VERIFICATIONS, values):
        is_mine, is_here = verification.staff_id == actor.id, verification.channel == channel
        if live is None and is_mine and is_here and _opens(actor, verification):
            live = _live_view(verification)
        if verification.customer_id == ticket.customer_id and is_mine is not is_here:
            others.append(
                OtherVerification(verification.id, staff, verification.channel, verification.expires_at, is_mine)
            )
    return live, others


def _opens(actor: Actor, verification: Verification) -> bool:
    """Return whether a verification of the reader for this ticket opens the account."""
    return (
        actor.kind == "staff"
        and actor.may(Permission.VERIFY)
        and verification.kind is VerificationKind.PIN
        and verification.customer.status is not CustomerStatus.CLOSED
        and verification.membership is not None
        and verification.membership.removed_at is None
    )


def _live_view(verification: Verification) -> LiveVerification:
    member, customer = verification.membership, verification.customer
    assert member is not None  # noqa: S101  # see _opens
    return LiveVerification(
        id=verification.id,
        person=member.name,
        role=member.role,
        rights=verification.opened_rights(),
        started_at=verification.started_at,
        expires_at=verification.expires_at,
        customer_id=customer.id,
        customer_number=customer.number,
        customer_name=customer.name,
    )


# --- Related tickets --------------------------------------------------------------------------------------------------


def load_related(actor: Actor, ticket: Ticket) -> RelatedTickets:
    """Return the visible tickets that were merged or linked with this one, or come from the same requester."""
    merged: dict[int, RelatedTicket] = {}
    found = RelatedTickets()
    values = {
        "ticket": ticket.id, "parent": ticket.merged_into_id,
        "requester": ticket.requester_email, "account": ticket.customer_id,
    }  # fmt: skip
    query = _related(actor, merged=ticket.merged_into_id is not None, account=ticket.customer_id is not None)
    for row in db.session.execute(query, values):
        line = RelatedTicket(row.id, ticket_number(row.id), row.subject, row.status, row.merged_into_id is not None)
        if row.merged_into_id == ticket.id:
            merged[row.id] = line
        elif row.id == ticket.merged_into_id:
            found.merged_into = line
        elif row.link is None:
            found.same_requester.append(line)
        if row.link is not None:
            is_origin = row.link_from == ticket.id and row.link is not LinkKind.RELATED
            found.links.append(replace(line, link=row.link, is_origin=is_origin))
    found.merged = list(merged.values())
    found.same_requester.reverse()
    return found


@lru_cache(maxsize=CACHED)
def _related(actor: Actor, *, merged: bool, account: bool) -> Select[*tuple[Any, ...]]:
    """Select one row for each related ticket and each of its links to this one, in the order of their numbers.

    Args:
        merged: the ticket was merged into another.
        account: it has an account.
    """
    link = TicketLink
    here: BindParameter[int] = bindparam("ticket")
    keys = union(
        select(link.other_id).where(link.ticket_id == here),
        select(link.ticket_id).where(link.other_id == here),
        select(Ticket.id).where(Ticket.merged_into_id == here),
        *([select(bindparam("parent", type_=Integer))] if merged else []),
        *_same_requester(actor, account=account),
    )
    between = or_(
        and_(link.ticket_id == here, link.other_id == Ticket.id),
        and_(link.other_id == here, link.ticket_id == Ticket.id),
    )
    return (
        select(
            Ticket.id,
            Ticket.subject,
            Ticket.status,
            Ticket.merged_into_id,
            link.kind.label("link"),
            link.ticket_id.label("link_from"),
        )
        .outerjoin(link, between)
        .where(Ticket.id.in_(keys), visible(actor))
        .order_by(Ticket.id)
    )


def _same_requester(actor: Actor, *, account: bool) -> list[Select[int]]:
    """Select the newest tickets of the same address and of the same account, through an index each."""
    same = [Ticket.requester_email == bindparam("requester")]
    if account:
        same.append(Ticket.customer_id == bindparam("account"))
    newest = [
        select(Ticket.id)
        .where(condition, Ticket.id != bindparam("ticket"), visible(actor))
        .order_by(Ticket.id.desc())
        .limit(SAME_REQUESTER + 1)
        .subquery()
        for condition in same
    ]
    return [select(keys.c.id) for keys in newest]  # SQLite takes no limit inside a union itself
