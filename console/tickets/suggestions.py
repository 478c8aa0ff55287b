"""Suggestions on a ticket's page: other tickets to merge or link, colleagues to assign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    func,
    or_,
    select,
)
from sqlalchemy.orm import joinedload

from console.core.actor import Actor
from console.core.db import db
from console.staff.department_access import sees_joined_department
from console.staff.models import Department, Staff
from console.staff.roles import PERMISSIONS, Permission, Role
from console.tickets.models import Ticket
from console.tickets.queries import visible


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
    """A possible assignee, and how many open tickets they have."""

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
    query = (
        select(Staff.id, Staff.name, func.coalesce(busy.c.open, 0).label("open"))
        .select_from(Staff)
        .join(Department, Department.id == ticket.department_id)
        .outerjoin(busy, busy.c.id == Staff.id)
        .where(
            Staff.active.is_(True),
            Staff.role.in_(_roles(Permission.WORK_TICKETS)),
            sees_joined_department(),
        )
        .order_by(Staff.name_key, Staff.id)
    )
    return [Colleague(row.id, row.name, row.open) for row in db.session.execute(query)]


def _roles(permission: Permission) -> list[Role]:
    return [role for role, held in PERMISSIONS.items() if permission in held]
