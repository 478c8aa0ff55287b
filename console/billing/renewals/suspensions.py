"""Deciding requests to suspend a service that is not paid."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from console.audit.service import record
from console.billing.locks import lock_services
from console.billing.models import ACTIVE_STATUSES
from console.billing.renewals.models import SuspensionRequest, SuspensionState
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.customers.masking import mask_pins
from console.customers.models import Customer
from console.hosting import service as hosting
from console.hosting.models import Service, ServiceStatus, SuspensionReason
from console.staff.roles import Permission

MAX_REASON = 500


def carry_out(actor: Actor, request_id: int) -> SuspensionRequest:
    """Suspend the service of a request as unpaid.

    Raises:
        NotFound: the role does not manage services, or there is none.
        Conflict: ``decided``; ``settled``: it was paid or the service is not active any more.
    """
    actor.require(Permission.MANAGE_SERVICES)
    request = _lock_open(request_id)
    service = request.service
    if service.status is not ServiceStatus.ACTIVE or request.proforma.status not in ACTIVE_STATUSES:
        raise Conflict(
            lazy_gettext("The pro-forma was paid or cancelled, or the service is no longer active."), code="settled"
        )
    hosting.suspend(actor, service, SuspensionReason.UNPAID)
    _decide(actor, request, SuspensionState.DONE)
    return request


def decline(actor: Actor, request_id: int, reason: str) -> SuspensionRequest:
    """Leave the service of a request active; its document asks no second time.

    Raises:
        NotFound: the role does not manage services, or there is none.
        Invalid: no reason, or one that is too long.
        Conflict: ``decided``.
    """
    actor.require(Permission.MANAGE_SERVICES)
    text = check_reason(reason)
    request = _lock_open(request_id)
    request.reason = text
    _decide(actor, request, SuspensionState.DECLINED)
    return request


def restore(actor: Actor, request_id: int, reason: str) -> SuspensionRequest:
    """Undo :func:`carry_out`: the service is active again although it is not paid, as if the request was declined.

    Raises:
        NotFound: the role does not manage services, or there is none.
        Invalid: no reason, or one that is too long.
        Conflict: ``not_suspended``: the service is active again, was suspended for another pro-forma, or has ended.
    """
    actor.require(Permission.MANAGE_SERVICES)
    text = check_reason(reason)
    request = _lock(request_id)
    service = request.service
    if _carried_out(service) != request.id:
        raise Conflict(lazy_gettext("The service is not suspended for this pro-forma."), code="not_suspended")
    hosting.restore(actor, service)
    request.reason = text
    _decide(actor, request, SuspensionState.DECLINED)
    return request


def restore_service(actor: Actor, service_id: int, reason: str) -> Service:
    """Let a suspended service work again, also one of which no request is on record: an import brings such.

    Raises:
        NotFound: there is none, or the role may not: a service suspended for abuse is a supervisor's to restore.
        Invalid: no reason, or one that is too long.
        Conflict: ``not_suspended``: who may restore any service at all is told so, whatever it was suspended for.
    """
    found = lock_services([service_id])
    if not found or not may_see_restoring(actor, found[0]):
        raise NotFound
    (service,) = found
    if service.status is not ServiceStatus.SUSPENDED:
        raise Conflict(lazy_gettext("The service is not suspended."), code="not_suspended")
    text = check_reason(reason)
    key = _carried_out(service)
    if key is not None:
        restore(actor, key, text)
    else:
        hosting.restore(actor, service, text)
        db.session.flush()
    return service


def may_restore(actor: Actor, service: Service) -> bool:
    """Return whether ``actor`` may let a service work again that is suspended."""
    return service.status is ServiceStatus.SUSPENDED and actor.may(hosting.permission_to_restore(service))


def may_see_restoring(actor: Actor, service: Service) -> bool:
    """Return whether ``actor`` may restore a service, or may know that it is not suspended any more.

    Why it was suspended is then gone: a second click by the one who restored it is to find what has become of it.
    """
    if service.status is ServiceStatus.SUSPENDED:
        return may_restore(actor, service)
    return any(actor.may(permission) for permission in hosting.RESTORING)


def suspended_without_request(limit: int) -> list[Service]:
    """Return services that are suspended, not for abuse, although no request on record asked for it."""
    carried_out = select(SuspensionRequest.id).where(
        SuspensionRequest.service_id == Service.id, SuspensionRequest.state == SuspensionState.DONE
    )
    query = (
        select(Service)
        .options(joinedload(Service.customer).load_only(Customer.name))
        .where(
            Service.status == ServiceStatus.SUSPENDED,
            Service.suspension != SuspensionReason.ABUSE,
            ~carried_out.exists(),
        )
        .order_by(Service.id)
    )
    return list(db.session.scalars(query.limit(limit)))


def _carried_out(service: Service) -> int | None:
    """Return the request by which a service is suspended as unpaid; ``None`` where none is on record."""
    if service.status is not ServiceStatus.SUSPENDED or service.suspension is not SuspensionReason.UNPAID:
        return None
    done = SuspensionRequest.state == SuspensionState.DONE
    of_service = select(SuspensionRequest.id).where(SuspensionRequest.service_id == service.id, done)
    latest_first = (SuspensionRequest.decided_at.desc(), SuspensionRequest.id.desc())
    return db.session.scalar(of_service.order_by(*latest_first).limit(1))


def check_reason(reason: str) -> str:
    """Return a reason as it is stored.

    Raises:
        Invalid: there is none, or it is too long.
    """
    text = mask_pins(one_line(reason))[0]
    if not text or len(text) > MAX_REASON:
        raise Invalid(fields={"reason": [lazy_gettext("Enter a reason.")]})
    return text


def _decide(actor: Actor, request: SuspensionRequest, state: SuspensionState) -> None:
    request.state, request.decided_at = state, clock.now()
    request.decided_by_id = actor.id if actor.kind == "staff" else None
    db.session.flush()
    facts: dict[str, Any] = {"reason": request.reason} if request.reason else {}
    record(
        actor,
        f"suspension.{state.value}",
        request.service.number,
        customer_id=request.service.customer_id,
        proforma=request.proforma.number,
        **facts,
    )


def _lock_open(request_id: int) -> SuspensionRequest:
    request = _lock(request_id)
    if request.state is not SuspensionState.OPEN:
        raise Conflict(lazy_gettext("This request was already decided."), code="decided")
    return request


def _lock(request_id: int) -> SuspensionRequest:
    service_id = db.session.scalar(select(SuspensionRequest.service_id).where(SuspensionRequest.id == request_id))
    if service_id is None:
        raise NotFound
    lock_services([service_id])
    return db.session.get_one(
        SuspensionRequest, request_id, with_for_update={"of": SuspensionRequest}, populate_existing=True
    )
