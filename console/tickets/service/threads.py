"""The ticket that a requester's message belongs to, and the other requesters who get the replies.

A ticket may have been merged into another. Where that one is of the same address, the two are one conversation.
Where it is another person's, this requester's messages stay out of it: the other person would read them, and they
would count as theirs. Replies there go to both, because a merge of two people takes a confirmation.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from console.core.db import db
from console.core.errors import Conflict
from console.core.texts import lazy_gettext
from console.customers.models import Membership, Person
from console.tickets.models import LinkKind, MessageKind, Ticket, TicketLink, TicketMessage, TicketStatus
from console.tickets.queries import tree

MOST_STEPS = 50


def require_unmerged(ticket: Ticket) -> None:
    """Raise :class:`Conflict`, ``merged``, where a ticket was merged into another: it goes on there."""
    if ticket.merged_into_id is not None:
        raise Conflict(lazy_gettext("%(number)s was merged into another ticket.", number=ticket.number), code="merged")


def root_of(ticket: Ticket) -> Ticket:
    """Return the ticket that ``ticket`` was merged into, at any depth; itself where it was not."""
    for _step in range(MOST_STEPS):
        if ticket.merged_into_id is None:
            break
        ticket = db.session.get_one(Ticket, ticket.merged_into_id)
    return ticket


@dataclass(frozen=True)
class Thread:
    """Where the words of a requester go.

    Args:
        ticket: takes them, locked; a closed one where a follow-up is to be opened.
        keys: every ticket of this requester on the way there.
    """

    ticket: Ticket
    keys: frozenset[int]


def lock_thread(ticket: Ticket) -> Thread:
    """Find and lock the ticket that takes what the requester of ``ticket`` writes now.

    It is of the same address: where the ticket was merged, if that is theirs; where it is closed, the newest that
    continues it.
    """
    seen: set[int] = set()
    while True:
        where = _lock_merged(ticket)
        seen |= {ticket.id, where.id}
        later = goes_on_in(where) if where.status is TicketStatus.CLOSED else None
        if later is None or later.id in seen:
            return Thread(where, frozenset(seen))
        ticket = later


def _lock_merged(ticket: Ticket) -> Ticket:
    """Return where a ticket was merged, if that is of the same address; else the ticket itself. Both are locked."""
    root = lock_root(ticket)
    return root if root.requester_email == ticket.requester_email else ticket


def lock_root(ticket: Ticket) -> Ticket:
    """Lock a ticket and the one that it was merged into, at any depth, and return that."""
    while True:
        # In the order of their keys, as a merge locks them.
        keys = sorted({ticket.id, root_of(ticket).id})
        query = select(Ticket).where(Ticket.id.in_(keys)).order_by(Ticket.id).with_for_update(of=Ticket)
        locked = {one.id: one for one in db.session.scalars(query.execution_options(populate_existing=True))}
        root = root_of(locked[ticket.id])
        if root.id in locked:  # else it was merged on meanwhile
            return root


def goes_on_in(closed: Ticket) -> Ticket | None:
    """Return the newest ticket in which the same requester continued a closed one."""
    return db.session.scalar(
        select(Ticket)
        .join(TicketLink, TicketLink.ticket_id == Ticket.id)
        .where(
            TicketLink.other_id == closed.id,
            TicketLink.kind == LinkKind.FOLLOW_UP,
            Ticket.requester_email == closed.requester_email,
        )
        .order_by(Ticket.id.desc())
        .limit(1)
    )


def former_people(customer_id: int) -> Select[str]:
    """Select the addresses of those who were on an account and are no longer."""
    still = select(Membership.person_id).where(Membership.customer_id == customer_id, Membership.removed_at.is_(None))
    return select(Person.email).join(Membership).where(Membership.customer_id == customer_id, Person.id.not_in(still))


def has_left(customer_id: int | None, email: str) -> bool:
    """Return whether someone was on an account and is no longer: what they ask is not for its people."""
    if customer_id is None:
        return False
    return db.session.scalar(former_people(customer_id).where(Person.email == email).limit(1)) is not None


def other_requesters(ticket: Ticket) -> list[Ticket]:
    """Return, for each other address whose tickets were merged into this one, the newest of them."""
    query = (
        select(Ticket)
        .where(Ticket.id.in_(tree(ticket.id)), Ticket.requester_email != ticket.requester_email)
        .order_by(Ticket.id.desc())
    )
    found: dict[str, Ticket] = {}
    for one in db.session.scalars(query):
        found.setdefault(one.requester_email, one)
    return list(found.values())


def answers_after_merge(ticket: Ticket) -> ColumnElement[bool] | None:
    """Return the condition "a reply where ``ticket`` was merged into, since the merge"; ``None``: not merged."""
    found: list[ColumnElement[bool]] = []
    since = 0
    for _step in range(MOST_STEPS):
        if ticket.merged_into_id is None:
            break
        merged = select(func.max(TicketMessage.id)).where(
            TicketMessage.ticket_id == ticket.id, TicketMessage.event == "merged_into"
        )
        since = max(since, db.session.scalar(merged) or 0)
        found.append(
            and_(
                TicketMessage.ticket_id == ticket.merged_into_id,
                TicketMessage.kind == MessageKind.REPLY,
                TicketMessage.id > since,
            )
        )
        ticket = db.session.get_one(Ticket, ticket.merged_into_id)
    return or_(*found) if found else None
