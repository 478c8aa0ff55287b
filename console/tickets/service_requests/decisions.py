"""Ending a request: done, or refused with a reason. The customer is told by mail and sees it in the portal."""

from __future__ import annotations

from sqlalchemy import select

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.text import paragraphs
from console.core.texts import lazy_gettext
from console.customers.masking import mask_pins
from console.staff.roles import Permission
from console.tickets.models import Ticket
from console.tickets.queries import lock_tickets
from console.tickets.service import timeline
from console.tickets.service_requests import mails
from console.tickets.service_requests.models import RequestState, ServiceRequest

MAX_ANSWER = 1_000


def complete(actor: Actor, ticket_id: int, note: str = "") -> ServiceRequest:
    """Say that what was asked for on a ticket is done.

    Args:
        note: what the customer should know; never a password.

    Raises:
        NotFound: the role does not work on tickets, the ticket is not visible, or it carries no request.
        Invalid: the note is too long.
        Conflict: ``ended``: it has an end already.
    """
    return _end(actor, ticket_id, RequestState.DONE, note)


def refuse(actor: Actor, ticket_id: int, reason: str) -> ServiceRequest:
    """Say that what was asked for will not be done, and why.

    Raises:
        NotFound, Conflict: see :func:`complete`.
        Invalid: no reason is given, or it is too long.
    """
    if not paragraphs(reason):
        raise Invalid(fields={"answer": [lazy_gettext("Enter the reason; the customer reads it.")]})
    return _end(actor, ticket_id, RequestState.REFUSED, reason)


def end_for_erasure(actor: Actor, request: ServiceRequest) -> None:
    """Close a request of someone who is erased, as part of that: no one waits for it any more, and no one is mailed."""
    request.state, request.ended_at = RequestState.REFUSED, clock.now()
    db.session.flush()
    _record(actor, request, request.ticket)


def _end(actor: Actor, ticket_id: int, state: RequestState, text: str) -> ServiceRequest:
    actor.require(Permission.WORK_TICKETS)
    (ticket,) = lock_tickets(actor, [ticket_id])
    request = _lock(ticket)
    if request.state is not RequestState.OPEN:
        raise Conflict(lazy_gettext("This request has already been closed."), code="ended")
    text = mask_pins(paragraphs(text))[0]
    if len(text) > MAX_ANSWER:
        raise Invalid(fields={"answer": [lazy_gettext("This is too long.")]})
    request.state, request.answer = state, text
    request.ended_at, request.ended_by_id = clock.now(), actor.id if actor.kind == "staff" else None
    db.session.flush()
    timeline.note_event(actor, ticket, f"request_{state.value}")
    mails.write_end(request, ticket)
    _record(actor, request, ticket)
    return request


def _record(actor: Actor, request: ServiceRequest, ticket: Ticket) -> None:
    record(
        actor,
        f"request.{request.state.value}",
        ticket.number,
        customer_id=request.customer_id,
        kind=request.kind.value,
        request=request.id,
    )


def _lock(ticket: Ticket) -> ServiceRequest:
    query = select(ServiceRequest).where(ServiceRequest.ticket_id == ticket.id).with_for_update(of=ServiceRequest)
    request = db.session.scalar(query.execution_options(populate_existing=True))
    if request is None:
        raise NotFound
    return request
