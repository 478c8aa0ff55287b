"""The mail that tells a customer what became of a request."""

from __future__ import annotations

from console.core.context import settings
from console.mail.service import write_to
from console.tickets.models import Ticket
from console.tickets.service_requests.models import ServiceRequest


def write_end(request: ServiceRequest, ticket: Ticket) -> None:
    """Write to the person who asked, unless they are no longer on the account."""
    membership = request.requested_by
    if membership.removed_at is not None:
        return
    write_to(
        membership.person,
        request.customer,
        "request_ended",
        about=f"ticket:{ticket.id}",
        number=ticket.number,
        subject=ticket.subject,
        state=request.state.value,
        answer=request.answer,
        portal=settings().portal_brand,
        path="/moj/requests/",
    )
