"""Deciding requests to suspend a service that is not paid."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

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
from console.hosting import service as hosting
from console.hosting.models import ServiceStatus, SuspensionReason
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
    suspended = service.status is ServiceStatus.SUSPENDED and service.suspension is SuspensionReason.UNPAID
    done = SuspensionRequest.state == SuspensionState.DONE
    of_service = select(SuspensionRequest.id).where(SuspensionRequest.service_id == service.id, done)
    latest_first = (SuspensionRequest.decided_at.desc(), SuspensionRequest.id.desc())
    newest = db.session.scalar(of_service.order_by(*latest_first).limit(1))
    if not suspended or newest != request.id:
        raise Conflict(lazy_gettext("The service is not suspended for this pro-forma."), code="not_suspended")
    hosting.restore(actor, service)
    request.reason = text
    _decide(actor, request, SuspensionState.DECLINED)
    return request


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
