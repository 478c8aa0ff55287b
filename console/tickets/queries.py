"""Reading tickets: what a member of staff may see, one ticket, its timeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import BindParameter, ColumnElement, Select, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound
from console.core.ids import read_number
from console.staff.department_access import in_visible_department
from console.staff.models import Department
from console.staff.roles import Permission
from console.tickets.models import TICKET_BASE, Ticket, TicketMessage

MOST_AT_ONCE = 100  # tickets that one verb takes
_BIG = 2**31


def visible(actor: Actor, ticket: type[Ticket] = Ticket) -> ColumnElement[bool]:
    """Return the condition "this ticket is for ``actor`` to see".

    Those of a private department are hidden from others, see ``console.staff.department_access``.

    Args:
        actor: the reader.
        ticket: an alias, where the statement has one.
    """
    actor.require(Permission.READ_TICKETS)
    return in_visible_department(actor, ticket.department_id)


def ticket_key(number: str) -> int | None:
    """Return the row's key of a number as people type it (``T-20418``, ``t-20418``, ``20418``)."""
    read = read_number(number, "T-")
    key = 0 if read is None else read - TICKET_BASE
    return key if 0 < key < _BIG else None


def find_ticket(actor: Actor, number: str) -> Ticket:
    """Return the ticket called ``number`` with its account, department and assignee.

    Raises:
        NotFound: no such ticket, or not for this reader.
    """
    query = select(Ticket).where(Ticket.id == (ticket_key(number) or 0), visible(actor))
    ticket = db.session.scalar(with_names(query))
    if ticket is None:
        raise NotFound
    return ticket


def with_names(query: Select[Ticket]) -> Select[Ticket]:
    """Load in the same statement what every line about a ticket names."""
    return query.options(
        joinedload(Ticket.customer), joinedload(Ticket.department, innerjoin=True), joinedload(Ticket.assignee)
    )


def lock_tickets(actor: Actor, ids: Iterable[int]) -> list[Ticket]:
    """Return the tickets, locked in the order of their keys until the transaction ends.

    Raises:
        NotFound: one of them is not there, or not for this person, or they are too many.
    """
    keys = sorted(set(ids))
    query = (
        select(Ticket)
        .where(Ticket.id.in_(keys), visible(actor))
        .order_by(Ticket.id)
        .with_for_update(of=Ticket)
        .execution_options(populate_existing=True)
    )
    tickets = list(db.session.scalars(query))
    if len(tickets) != len(keys) or not 0 < len(keys) <= MOST_AT_ONCE:
        raise NotFound
    return tickets


def lock_ticket(actor: Actor, ticket_id: int) -> Ticket:
    """Return one ticket, locked; see :func:`lock_tickets`."""
    return lock_tickets(actor, [ticket_id])[0]


def tree(ticket_id: int | BindParameter[int]) -> Select[int]:
    """Select the keys of a ticket and of all that were merged into it, at any depth."""
    root = select(Ticket.id).where(Ticket.id == ticket_id).cte("tree", recursive=True)
    child = aliased(Ticket)
    whole = root.union_all(select(child.id).where(child.merged_into_id == root.c.id))
    return select(whole.c.id)


def timeline(
    ticket_id: int, *, after: int = 0, before: int | None = None, last: int | None = None
) -> list[TicketMessage]:
    """Return a ticket's entries, those of merged tickets among them, in the order they were made.

    Args:
        ticket_id: the ticket's key.
        after: only entries with a greater key.
        before: only entries with a smaller key.
        last: no more than so many, the newest.
    """
    query = (
        select(TicketMessage)
        .where(TicketMessage.ticket_id.in_(tree(ticket_id)), TicketMessage.id > after)
        .options(selectinload(TicketMessage.attachments))
        .order_by(TicketMessage.id.desc())
    )
    if before is not None:
        query = query.where(TicketMessage.id < before)
    if last is not None:
        query = query.limit(last)
    return list(db.session.scalars(query))[::-1]


def find_message(ticket_id: int, message_id: int) -> TicketMessage:
    """Return one entry of the ticket (or of one merged into it).

    Raises:
        NotFound: it is none of its entries.
    """
    message = db.session.scalar(
        select(TicketMessage).where(TicketMessage.id == message_id, TicketMessage.ticket_id.in_(tree(ticket_id)))
    )
    if message is None:
        raise NotFound
    return message


_IN_USE = select(Department).where(Department.active.is_(True)).order_by(Department.position, Department.id)


def departments() -> Sequence[Department]:
    """Return the departments in use, in their order."""
    return db.session.scalars(_IN_USE).all()


def same_requester(ticket: Ticket, limit: int = 10) -> Sequence[Ticket]:
    """Return other tickets of the same address or account, newest first. For those who may see them all."""
    whose = Ticket.requester_email == ticket.requester_email
    if ticket.customer_id is not None:
        whose = or_(whose, Ticket.customer_id == ticket.customer_id)
    query = select(Ticket).where(whose, Ticket.id != ticket.id).order_by(Ticket.id.desc()).limit(limit)
    return db.session.scalars(query).all()
