"""Storing a request: its ticket, opened in the department that is set for its kind, and the row beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from console.audit.service import record
from console.billing.quotes.models import Quote
from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.text import paragraphs
from console.core.texts import lazy_gettext
from console.customers.access import membership_behind
from console.customers.masking import mask_pins
from console.customers.models import Customer, Membership
from console.hosting.models import Service, ServiceStatus
from console.staff.models import Department
from console.tickets.models import MAX_SUBJECT, TicketSource
from console.tickets.queries import departments
from console.tickets.service.opening import NewTicket, open_ticket
from console.tickets.service_requests.models import RequestKind, RequestState, ServiceRequest

MAX_REMARK = 2_000


@dataclass(frozen=True)
class Draft:
    """A request before it is stored. ``lines``: what the ticket says, in the requester's language."""

    kind: RequestKind
    subject: str
    lines: tuple[str, ...]
    service: Service | None = None
    quote: Quote | None = None
    product: str = ""
    data: dict[str, Any] = field(default_factory=dict)


def submit(
    actor: Actor, customer: Customer, draft: Draft, remark: str, *, field_name: str = "remark"
) -> dict[str, Any]:
    """Open the ticket and store the request beside it.

    Args:
        draft: what is asked for.
        remark: what the person writes; what looks like a PIN in it is masked.
        field_name: the form's field of the remark.

    Raises:
        NotFound: ``actor`` is no person on the account.
        Invalid: the remark is too long.
        Conflict: ``open_request``, ``ended`` or ``no_department``.
    """
    membership = membership_behind(actor, customer.id)
    if actor.kind != "person" or membership is None:
        raise NotFound(code="not_allowed")
    remark = mask_pins(paragraphs(remark))[0]
    if len(remark) > MAX_REMARK:
        raise Invalid(fields={field_name: [lazy_gettext("This is too long.")]})
    _check_free(draft)
    ticket = open_ticket(actor, _ticket(membership, customer, draft, remark))
    request = ServiceRequest(
        kind=draft.kind,
        state=RequestState.OPEN,
        customer_id=customer.id,
        ticket_id=ticket.id,
        service_id=None if draft.service is None else draft.service.id,
        quote_id=None if draft.quote is None else draft.quote.id,
        requested_by_id=membership.id,
        data=draft.data | ({"remark": remark} if remark else {}),
        product=draft.product,
        requested_at=clock.now(),
    )
    db.session.add(request)
    try:
        db.session.flush()
    except IntegrityError as error:  # the index on open ones: another was faster
        raise _taken() from error
    record(
        actor,
        "request.sent",
        ticket.number,
        customer_id=customer.id,
        kind=draft.kind.value,
        service=None if draft.service is None else draft.service.number,
        request=request.id,
    )
    return {"id": request.id, "kind": draft.kind.value, "state": request.state.value, "ticket": ticket.number}


def _ticket(membership: Membership, customer: Customer, draft: Draft, remark: str) -> NewTicket:
    person = membership.person
    body = "\n".join(draft.lines) + (f"\n\n{remark}" if remark else "")
    return NewTicket(
        subject=draft.subject[:MAX_SUBJECT],
        body=body,
        requester_email=person.email,
        requester_name=person.name,
        person_id=person.id,
        language=person.language or customer.language,
        customer_id=customer.id,
        service_id=None if draft.service is None else draft.service.id,
        department_id=_department(draft.kind).id,
        source=TicketSource.PORTAL,
        masked=True,
    )


def _department(kind: RequestKind) -> Department:
    """Return the department that is set for this kind of request, else the first that is open to the public."""
    places = departments()
    key = settings().request_departments.get(kind.value, "")
    place = next((one for one in places if one.key == key), None)
    place = place or next((one for one in places if not one.private), None)
    if place is None:
        raise Conflict(lazy_gettext("Requests cannot be sent at the moment. Write to support."), code="no_department")
    return place


def _check_free(draft: Draft) -> None:
    if draft.service is None:
        return
    if draft.service.status is ServiceStatus.CANCELLED:
        raise Conflict(lazy_gettext("This service was cancelled."), code="ended")
    waiting = select(ServiceRequest.id).where(
        ServiceRequest.service_id == draft.service.id,
        ServiceRequest.kind == draft.kind,
        ServiceRequest.state == RequestState.OPEN,
    )
    if db.session.scalar(waiting) is not None:
        raise _taken()


def _taken() -> Conflict:
    return Conflict(
        lazy_gettext("A request of this kind is already waiting for this service. We will answer it first."),
        code="open_request",
    )
