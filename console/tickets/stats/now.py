"""What waits on the desk now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, literal, select, true
from sqlalchemy.orm import aliased, joinedload

from console.core.db import db
from console.core.sorting import sort_key
from console.customers.models import Customer
from console.staff.models import Staff
from console.tickets.models import NO_DUE, Ticket, TicketStatus
from console.tickets.stats.queries import count_where


@dataclass(frozen=True)
class Waiting:
    """What waits now.

    Args:
        due: the open tickets that are due first.
        oldest: the open ticket that was updated the longest time ago.
        values: the values read in the same statement, by name.
    """

    due: list[Ticket]
    oldest: Ticket | None
    values: dict[str, Any]


def waiting(limit: int, *conditions: Any, scalars: Mapping[str, Select[Any]]) -> Waiting:
    """Return the tickets that wait now, in one statement.

    Args:
        limit: so many of those that are due first.
        conditions: on tickets.
        scalars: selects of one value each, by name, to be read in the same statement.
    """
    open_tickets = select(Ticket.id).where(*conditions)
    due = open_tickets.where(Ticket.is_open.is_(True), Ticket.due_at < NO_DUE)
    first = due.order_by(Ticket.due_at, Ticket.id).limit(limit).subquery("first")
    longest = open_tickets.where(Ticket.status == TicketStatus.OPEN).order_by(Ticket.updated_at, Ticket.id)
    last, oldest = longest.limit(1).subquery("last"), aliased(Ticket, name="oldest")
    one = select(literal(1).label("one")).subquery("one")  # the values are read where nothing waits, too
    query = (
        select(Ticket, oldest, *(query.scalar_subquery().label(f"value_{name}") for name, query in scalars.items()))
        .select_from(one)
        .outerjoin(last, true())
        .outerjoin(oldest, oldest.id == last.c.id)
        .outerjoin(first, true())
        .outerjoin(Ticket, Ticket.id == first.c.id)
        .options(joinedload(Ticket.customer).load_only(Customer.name))
        .order_by(Ticket.due_at, Ticket.id)
    )
    rows = db.session.execute(query).all()
    values = {name: getattr(rows[0], f"value_{name}") for name in scalars}
    return Waiting([row.Ticket for row in rows if row.Ticket is not None], rows[0].oldest, values)


@dataclass(frozen=True)
class Load:
    """The workload of one colleague; ``agent_id`` is ``None`` for unassigned tickets."""

    agent_id: int | None
    name: str
    open: int
    waiting: int
    late: int


def workload(now: datetime) -> list[Load]:
    """Return the open tickets of each agent, the most first. One statement."""
    query = (
        select(
            Ticket.assignee_id,
            Staff.name,
            count_where(Ticket.status != TicketStatus.WAITING).label("open"),
            count_where(Ticket.status == TicketStatus.WAITING).label("waiting"),
            count_where(Ticket.due_at < now).label("late"),
        )
        .outerjoin(Staff, Staff.id == Ticket.assignee_id)
        .where(Ticket.is_open.is_(True))
        .group_by(Ticket.assignee_id, Staff.name)
    )
    found = [
        Load(row.assignee_id, row.name or "", row.open, row.waiting, row.late) for row in db.session.execute(query)
    ]
    return sorted(found, key=lambda one: (one.agent_id is None, -(one.open + one.waiting), sort_key(one.name)))
