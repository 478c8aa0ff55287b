"""Tickets that were worked on, and reviews of them."""

from __future__ import annotations

from itertools import count
from typing import Any

from console.core.actor import SYSTEM, Actor
from console.core.db import db
from console.core.transaction import transaction
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.models import Ticket, TicketMessage, TicketStatus
from console.tickets.reviews import queries, service
from console.tickets.reviews.models import Review, ReviewReason
from console.tickets.reviews.service import Scoring
from console.tickets.service import messages as ticket_messages
from console.tickets.service import properties, ratings
from console.tickets.service.messages import Writing
from tests import factories
from tests.tickets.canned.support import make_ticket

_numbers = count(1)
VISITOR = Actor(kind="visitor", id=None, name="Ana Petrović")


def reply(staff: Staff, ticket: Ticket, body: str = "Rešeno je.") -> TicketMessage:
    """Answer as ``staff``."""
    with transaction():
        writing = Writing(body, client_id=f"c-{next(_numbers)}", anyway=True)
        return ticket_messages.reply(staff.actor(), ticket.id, writing)


def solve(ticket: Ticket) -> None:
    """Mark as solved."""
    with transaction():
        properties.set_status(SYSTEM, [ticket.id], TicketStatus.SOLVED)


def worked(staff: Staff, *bodies: str, **more: Any) -> Ticket:
    """Make a ticket that ``staff`` answered and solved."""
    ticket = make_ticket(**more)
    for body in bodies or ("Dobar dan, rešeno je.",):
        reply(staff, ticket, body)
    solve(ticket)
    return ticket


def rated(staff: Staff, score: int, comment: str = "", **more: Any) -> Ticket:
    """Make a ticket that ``staff`` solved and its requester rated."""
    ticket = worked(staff, **more)
    with transaction():
        ratings.rate(VISITOR, ticket, score, comment)
    return ticket


def waiting(staff: Staff, ticket: Ticket | None = None, reason: ReviewReason = ReviewReason.SAMPLE) -> Review:
    """Put work of ``staff`` into the queue."""
    ticket = ticket or worked(staff)
    key = f"test:{next(_numbers)}"
    with transaction():
        service.enqueue([service.about(ticket, staff.id, reason, key)])
    return db.session.query(Review).filter_by(key=key).one()


def points(value: int | None = 3, **changes: int | None) -> dict[int, int | None]:
    """Return points for every criterion in use; ``c1=None``: the criterion with this key does not apply."""
    values: dict[int, int | None] = {one.id: value for one in queries.criteria(active=True)}
    return values | {int(name.removeprefix("c")): value for name, value in changes.items()}


def done(by: Staff, review: Review, value: int | None = 3, note: str = "Lepo objašnjeno.", **more: Any) -> Review:
    """Finish a review."""
    with transaction():
        return service.score(by.actor(), review.id, Scoring(points(value), note, version=review.version, **more))


def review_values(agent: Staff) -> dict[str, Any]:
    """Make a finished review of ``agent``'s work: for the matrix of who finds what."""
    review = waiting(agent)
    done(factories.make_staff(Role.SUPERVISOR), review)
    return {"review.key": review.id, "reviews.pick.ticket": review.subject}
