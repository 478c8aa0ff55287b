"""Tickets to test with, made through the verbs; rows straight into the tables where there must be many."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import insert, select

from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.transaction import is_writing, transaction
from console.staff.models import Department, DepartmentMember, Staff
from console.tickets.models import NO_DUE, OPEN_STATUSES, TICKET_SEARCH, Priority, Ticket, TicketSource, TicketStatus
from console.tickets.service.opening import NewTicket, open_ticket

_numbers = count(1)


def make_department(
    name: str = "Tehnička podrška", *, key: str | None = None, private: bool = False, members: tuple[Staff, ...] = ()
) -> Department:
    """Make a department with its members."""
    number = next(_numbers)
    with _writing():
        department = Department(
            key=key or f"odeljenje-{number}", name_sr=name, name_en=f"Department {number}", private=private
        )
        db.session.add(department)
        db.session.flush()
        db.session.add_all(DepartmentMember(department_id=department.id, staff_id=one.id) for one in members)
        db.session.flush()
    return department


def make_ticket(actor: Actor, department: Department | None = None, **more: Any) -> Ticket:
    """Open a ticket through the verb.

    Args:
        more: what ``NewTicket`` takes.
    """
    number = next(_numbers)
    with _writing():
        values = {
            "subject": f"Pošta ne radi {number}",
            "body": "Od jutros ne stižu poruke.",
            "requester_email": f"pita{number}@example.test",
            "source": TicketSource.WEB,
            "department_id": (department or any_department()).id,
            **more,
        }
        return open_ticket(actor, NewTicket(**values))


def any_department() -> Department:
    """Return a department anybody may see; made when there is none."""
    found = db.session.scalars(select(Department).where(Department.private.is_(False)).order_by(Department.id)).first()
    return found or make_department()


def fill_tickets(
    many: int,
    *,
    department_id: int | None = None,
    assignee_id: int | None = None,
    status: TicketStatus = TicketStatus.OPEN,
    due_in: timedelta | None = None,
    now: datetime | None = None,
) -> None:
    """Write ``many`` tickets straight into the table, a minute apart, each indexed by its subject."""
    now = now or clock.now()
    with _writing() as session:
        department_id = department_id or any_department().id
        first = (session.scalar(select(Ticket.id).order_by(Ticket.id.desc()).limit(1)) or 0) + 1
        rows: list[dict[str, Any]] = [
            {
                "id": first + number,
                "subject": f"Pitanje {first + number}",
                "requester_name": f"Čovek {number}",
                "requester_email": f"covek{number}@example.test",
                "language": "sr_Latn",
                "department_id": department_id,
                "assignee_id": assignee_id,
                "priority": Priority(number % 4 + 1),
                "status": status,
                "is_open": status in OPEN_STATUSES,
                "source": TicketSource.MAIL,
                "tags": [],
                "created_at": now - timedelta(minutes=many - number),
                "updated_at": now - timedelta(minutes=many - number),
                "due_at": NO_DUE if due_in is None else now + due_in,
                "solved_at": now if status is TicketStatus.SOLVED else None,
                "last_seq": 1,
                "last_by": "requester",
                "preview": "Od jutros ne stižu poruke.",
            }
            for number in range(many)
        ]
        session.execute(insert(Ticket), rows)
        titles = [(row["id"], f"T-{20_000 + row['id']} {row['subject']}", row["requester_name"]) for row in rows]
        TICKET_SEARCH.put_titled_many(session, titles, new=True)
        if session.get_bind().dialect.name == "postgresql":
            from sqlalchemy import text

            session.execute(
                text("SELECT setval(pg_get_serial_sequence('tickets', 'id'), :last)"), {"last": first + many}
            )


def _writing() -> Any:
    from contextlib import nullcontext

    return nullcontext(db.session()) if is_writing() else transaction()
