"""The tickets of one account as its people see them: which are theirs to read, a list of them, what they have not read.

Who holds ``tickets`` reads what the account's people asked about it; everyone reads what they asked themselves. A
ticket that names the account and was opened by an outsider, as a complaint about it, is none of theirs. The search
index holds our notes too, so that it is not asked here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select
from sqlalchemy.orm import aliased, joinedload

from console.core import clock, folding
from console.core.db import db
from console.core.ids import read_number
from console.customers.models import Membership, Person
from console.customers.rights import Right
from console.tickets.models import (
    PUBLIC_KINDS,
    TICKET_BASE,
    MessageKind,
    Ticket,
    TicketMessage,
    TicketPersonRead,
    TicketStatus,
)

STATES = ("open", "solved")
_BIG = 2**31


@dataclass(frozen=True)
class ListQuery:
    """What a person's list of tickets is asked for.

    Args:
        state: ``open`` or ``solved``; anything else is all of them.
        search: words, or a number.
        before: only tickets with a smaller key.
        limit: no more than so many.
    """

    state: str = ""
    search: str = ""
    before: int | None = None
    limit: int = 20


@dataclass(frozen=True)
class TicketLine:
    """One ticket in the list. ``unread``: there is a reply that this person has not opened here."""

    ticket: Ticket
    unread: bool


def readable(mine: Membership) -> ColumnElement[bool]:
    """Return the condition "this person may read the ticket through this account"."""
    own = and_(
        Ticket.requester_email == mine.person.email,
        or_(Ticket.customer_id == mine.customer_id, Ticket.customer_id.is_(None)),
    )
    if Right.TICKETS not in mine.held_rights():
        return own
    # Who has left the account meanwhile asked for it then.
    people = select(Person.email).join(Membership).where(Membership.customer_id == mine.customer_id)
    return or_(own, and_(Ticket.customer_id == mine.customer_id, Ticket.requester_email.in_(people)))


def is_own(mine: Membership, ticket: Ticket) -> bool:
    """Return whether this person asked it themselves: then they read what the link in their mail opens."""
    return ticket.requester_email == mine.person.email


def find_ticket(memberships: Sequence[Membership], key: int | None) -> tuple[Membership, Ticket] | None:
    """Return a ticket with the membership through which it is read; ``None`` where there is none."""
    if not memberships or key is None:
        return None
    query = (
        select(Ticket)
        .options(joinedload(Ticket.department, innerjoin=True))
        .where(Ticket.id == key, or_(false(), *(readable(mine) for mine in memberships)))
    )
    ticket = db.session.scalar(query)
    if ticket is None:
        return None
    return next(mine for mine in memberships if ticket.customer_id in (mine.customer_id, None)), ticket


def list_tickets(mine: Membership, query: ListQuery) -> list[TicketLine]:
    """Return the tickets of an account that this person may read, newest first."""
    statement = (
        select(Ticket, _unread(mine, clock.now()))
        .options(joinedload(Ticket.department, innerjoin=True))
        .where(readable(mine), ~_shown_elsewhere())
        .order_by(Ticket.id.desc())
        .limit(query.limit)
    )
    if query.state in STATES:
        statement = statement.where(Ticket.is_open.is_(query.state == "open"))
    if query.before is not None:
        statement = statement.where(Ticket.id < query.before)
    for term in folding.terms_of(query.search):
        statement = statement.where(_has(term))
    return [TicketLine(ticket, unread) for ticket, unread in db.session.execute(statement)]


def _unread(mine: Membership, now: datetime) -> ColumnElement[bool]:
    """Return "we replied after this person last opened it"; what is closed is settled."""
    seen = (
        select(TicketPersonRead.seq)
        .where(TicketPersonRead.ticket_id == Ticket.id, TicketPersonRead.person_id == mine.person_id)
        .correlate(Ticket)  # of the list: by itself SQLAlchemy looks no further than the select around this one
        .scalar_subquery()
    )
    newer = exists().where(
        TicketMessage.ticket_id == Ticket.id,
        TicketMessage.kind == MessageKind.REPLY,
        TicketMessage.seq > func.coalesce(seen, 0),
        *_public(now),
    )
    return and_(Ticket.status != TicketStatus.CLOSED, newer).label("unread")


def _shown_elsewhere() -> ColumnElement[bool]:
    """Return "it was merged into another of the same requester, which is in the list and shows both"."""
    target = aliased(Ticket)
    return exists().where(
        target.id == Ticket.merged_into_id,
        target.requester_email == Ticket.requester_email,
        target.customer_id.is_not_distinct_from(Ticket.customer_id),
    )


def _has(term: str) -> ColumnElement[bool]:
    said = exists().where(
        TicketMessage.ticket_id == Ticket.id,
        TicketMessage.kind.in_(PUBLIC_KINDS),
        folding.contains(TicketMessage.body, term),
        *_public(clock.now()),
    )
    number = read_number(term, "T-")
    key = 0 if number is None else number - TICKET_BASE
    return or_(folding.contains(Ticket.subject, term), said, *([Ticket.id == key] if 0 < key < _BIG else []))


def _public(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        TicketMessage.taken_back_at.is_(None),
        or_(TicketMessage.held_until.is_(None), TicketMessage.held_until <= now),
    )
