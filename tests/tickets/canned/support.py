"""A ticket to answer."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from console.core.actor import SYSTEM
from console.core.db import db
from console.core.transaction import transaction
from console.customers.models import Customer
from console.staff.models import Department
from console.tickets.models import Ticket, TicketSource
from console.tickets.service.opening import NewTicket, open_ticket


def department(key: str) -> Department:
    return db.session.scalars(select(Department).where(Department.key == key)).one()


def make_ticket(*, customer: Customer | None = None, department: str = "sales", **more: Any) -> Ticket:
    """Open a ticket, as by the web form."""
    with transaction():
        where = db.session.scalars(select(Department).where(Department.key == department)).one()
        return open_ticket(
            SYSTEM,
            NewTicket(
                **{
                    "subject": "Sajt ne radi",
                    "body": "Dobar dan, sajt ne radi od jutros.",
                    "requester_email": "ana.petrovic@example.test",
                    "requester_name": "Ana Petrović",
                    "department_id": where.id,
                    "source": TicketSource.WEB,
                    "customer_id": customer.id if customer else None,
                    **more,
                }
            ),
        )
