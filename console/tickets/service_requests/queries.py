"""Reading requests."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from console.core.db import db
from console.customers.models import Membership
from console.customers.rights import Right
from console.tickets.models import Ticket
from console.tickets.service_requests.models import RIGHTS, RequestKind, RequestState, ServiceRequest


def kinds_for(rights: Collection[Right]) -> list[RequestKind]:
    """Return the kinds of requests that a person with these rights sees."""
    return [kind for kind, right in RIGHTS.items() if right in rights]


def list_requests(
    customer_id: int, kinds: Collection[RequestKind], *, before: int | None, limit: int
) -> list[ServiceRequest]:
    """Return a page of an account's requests of these kinds, the newest first."""
    query = (
        select(ServiceRequest)
        .where(ServiceRequest.customer_id == customer_id, ServiceRequest.kind.in_(kinds))
        .options(
            joinedload(ServiceRequest.service),
            joinedload(ServiceRequest.quote),
            joinedload(ServiceRequest.ticket).load_only(Ticket.id),
            joinedload(ServiceRequest.requested_by).joinedload(Membership.person),
        )
        .order_by(ServiceRequest.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(ServiceRequest.id < before)
    return list(db.session.scalars(query))


def open_requests_of(service_id: int, kinds: Collection[RequestKind]) -> list[ServiceRequest]:
    """Return the requests of these kinds that wait for a service."""
    query = (
        select(ServiceRequest)
        .where(
            ServiceRequest.service_id == service_id,
            ServiceRequest.kind.in_(kinds),
            ServiceRequest.state == RequestState.OPEN,
        )
        .options(joinedload(ServiceRequest.ticket).load_only(Ticket.id))
        .order_by(ServiceRequest.id)
    )
    return list(db.session.scalars(query))
