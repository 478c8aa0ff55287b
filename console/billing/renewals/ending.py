"""What happens to services that are not paid: requests to suspend them, and expiry; and to renewals that are void."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import TypeVar

from sqlalchemy import ColumnElement, and_, exists, or_, select

from console.audit.service import record
from console.billing import mails
from console.billing.issuing.service import settle
from console.billing.locks import lock_customers, lock_proformas, lock_services
from console.billing.models import ACTIVE_STATUSES, BilledPeriod, MigrationItem, Proforma, ProformaLine
from console.billing.renewals.generating import is_in_use
from console.billing.renewals.models import SuspensionRequest, SuspensionState
from console.billing.service import cancel_proforma, compose_document, number_documents, today
from console.core import clock
from console.core.actor import SYSTEM
from console.core.context import settings
from console.core.db import db
from console.core.logging import get_logger
from console.core.texts import gettext, in_language
from console.core.transaction import transaction
from console.customers.models import CustomerStatus
from console.hosting.models import Service, ServiceStatus

log = get_logger(__name__)
Key = TypeVar("Key")


def expire_due() -> int:
    """Let services expire that are past their last day paid by more than the grace; return how many."""
    if not settings().renewals:
        return 0
    query = select(Service.id).where(_has_expired(today())).order_by(Service.id)
    return _one_by_one(db.session.scalars(query).all(), _expire, "service not expired")


def request_suspensions() -> int:
    """Ask staff to suspend services whose documents are overdue for too long; return how many requests were made."""
    if not settings().renewals:
        return 0
    _close_settled()
    pairs = db.session.execute(_overdue_services(today())).all()
    return _one_by_one(pairs, _request, "suspension not requested")


def cancel_void() -> int:
    """Cancel renewals of services that were cancelled or have left the account; return how many documents."""
    if not settings().renewals:
        return 0
    query = (
        select(Proforma.id)
        .distinct()
        .join(ProformaLine, ProformaLine.proforma_id == Proforma.id)
        .join(BilledPeriod, BilledPeriod.proforma_line_id == ProformaLine.id)
        .join(Service, Service.id == BilledPeriod.service_id)
        .where(Proforma.status.in_(ACTIVE_STATUSES), BilledPeriod.paid_at.is_(None), _has_left())
        .order_by(Proforma.id)
    )
    return _one_by_one(db.session.scalars(query).all(), _cancel, "void renewal not cancelled")


def _one_by_one(keys: Sequence[Key], work: Callable[[Key], bool], failure: str) -> int:
    done = 0
    for key in keys:
        try:
            with transaction():
                done += work(key)
        except Exception:
            log.exception(failure, key=key)
    return done


# Expiry ------------------------------------------------------------------------------------------------------------


def _has_expired(day: date) -> ColumnElement[bool]:
    """Return the condition of a service that expires: late by more than the grace, and not waiting for anything.

    What renews automatically expires only with a bill that was not paid: none was sent while a migration is open. A
    document that was made late gives the same grace after its own due date.
    """
    grace = timedelta(days=settings().grace_days)
    unpaid = (
        select(Proforma.due_on)
        .join(ProformaLine, ProformaLine.proforma_id == Proforma.id)
        .join(BilledPeriod, BilledPeriod.proforma_line_id == ProformaLine.id)
        .where(
            BilledPeriod.service_id == Service.id,
            BilledPeriod.paid_at.is_(None),
            Proforma.status.in_(ACTIVE_STATUSES),
        )
        .correlate(Service)
    )
    return and_(
        is_in_use(),
        Service.paid_until < day - grace,
        ~exists().where(MigrationItem.service_id == Service.id, MigrationItem.open),
        or_(~Service.auto_renew, unpaid.exists()),
        ~unpaid.where(Proforma.due_on >= day - grace).exists(),
    )


def _expire(service_id: int) -> bool:
    (service,) = lock_services([service_id])
    still = db.session.scalar(select(Service.id).where(Service.id == service_id, _has_expired(today())))
    if still is None:
        return False
    service.status, service.suspension = ServiceStatus.EXPIRED, None
    record(
        SYSTEM,
        "service.expired",
        service.number,
        customer_id=service.customer_id,
        paid_until=service.paid_until.isoformat(),
    )
    return True


# Suspension requests -----------------------------------------------------------------------------------------------


def _overdue_services(day: date):  # type: ignore[no-untyped-def]  # a select of pairs
    since = day - timedelta(days=settings().suspension_days)
    requested = exists().where(SuspensionRequest.service_id == Service.id, SuspensionRequest.proforma_id == Proforma.id)
    return (
        select(Service.id, Proforma.id)
        .join(BilledPeriod, BilledPeriod.service_id == Service.id)
        .join(ProformaLine, ProformaLine.id == BilledPeriod.proforma_line_id)
        .join(Proforma, Proforma.id == ProformaLine.proforma_id)
        .where(
            Service.status == ServiceStatus.ACTIVE,
            BilledPeriod.paid_at.is_(None),
            Proforma.status.in_(ACTIVE_STATUSES),
            Proforma.due_on < since,
            ~requested,
        )
        .order_by(Proforma.due_on, Service.id)
    )


def _request(pair: tuple[int, int]) -> bool:
    service_id, proforma_id = pair
    (service,) = lock_services([service_id])
    (proforma,) = lock_proformas([proforma_id])
    earlier = select(SuspensionRequest.id).where(
        SuspensionRequest.service_id == service_id, SuspensionRequest.proforma_id == proforma_id
    )
    over = service.status is not ServiceStatus.ACTIVE or proforma.status not in ACTIVE_STATUSES
    if over or db.session.scalar(earlier) is not None:
        return False
    request = SuspensionRequest(
        service_id=service_id, proforma_id=proforma_id, state=SuspensionState.OPEN, requested_at=clock.now()
    )
    db.session.add(request)
    db.session.flush()
    record(SYSTEM, "suspension.requested", service.number, customer_id=service.customer_id, proforma=proforma.number)
    return True


def _close_settled() -> None:
    """Close requests that no longer apply: the document is paid or cancelled, or the service is not active.

    No reason is stored: that no person decided says it, and each reader's page in their language.
    """
    settled = (
        select(SuspensionRequest)
        .join(SuspensionRequest.service)
        .join(SuspensionRequest.proforma)
        .where(
            SuspensionRequest.state == SuspensionState.OPEN,
            or_(Proforma.status.not_in(ACTIVE_STATUSES), Service.status != ServiceStatus.ACTIVE),
        )
    )
    if db.session.scalar(settled.with_only_columns(SuspensionRequest.id).limit(1)) is None:
        return
    with transaction():
        for request in db.session.scalars(settled.with_for_update(of=SuspensionRequest)):
            request.state, request.decided_at = SuspensionState.DECLINED, clock.now()


# Renewals that are void --------------------------------------------------------------------------------------------


def _has_left() -> ColumnElement[bool]:
    return or_(Service.status == ServiceStatus.CANCELLED, Service.customer_id != Proforma.customer_id)


def _cancel(proforma_id: int) -> bool:
    """Cancel a document with a line of a service that has ended or moved; issue its other lines again unchanged."""
    found = db.session.get_one(Proforma, proforma_id)
    customer = lock_customers([found.customer_id])[0]
    services = lock_services([line.service_id for line in found.lines if line.service_id is not None])
    (proforma,) = lock_proformas([proforma_id])
    ended_ids = {one.id for one in services if one.status is ServiceStatus.CANCELLED or one.customer_id != customer.id}
    void = [line for line in proforma.lines if line.service_id in ended_ids and line.period_from is not None]
    if proforma.status not in ACTIVE_STATUSES or not void:
        return False
    credited = proforma.paid
    numbers = ", ".join(one.number for one in services if one.id in {line.service_id for line in void})
    with in_language(proforma.language):  # it is printed on the storno, which is in this language
        reason = gettext("The service is no longer on this account: %(services)s", services=numbers)
    storno = cancel_proforma(SYSTEM, proforma, reason)
    rest = [line for line in proforma.lines if line not in void]
    successor = _issue_again(proforma, rest) if rest and customer.status is not CustomerStatus.CLOSED else None
    if successor is not None:
        settle(SYSTEM, successor, credit=min(credited, successor.total))
    db.session.flush()
    mails.write_cancelled(
        proforma,
        storno,
        credited=max(credited - (successor.paid if successor else 0), 0),
        replaced_by=successor.number if successor else "",
    )
    if successor is not None:
        mails.write_issued(successor)
    return True


def _issue_again(proforma: Proforma, lines: Sequence[ProformaLine]) -> Proforma:
    """Issue lines that stay, to the para as they were."""
    late = proforma.due_on < today()
    document = compose_document(
        proforma.customer,
        [_copy(line, place) for place, line in enumerate(lines, start=1)],
        currency=proforma.currency,
        due_on=today() + timedelta(days=settings().issuer.terms_days) if late else proforma.due_on,
        tax_note=proforma.tax_note,
        note=proforma.note,
        source_id=proforma.id,
    )
    number_documents([document])
    record(SYSTEM, "proforma.corrected", document.number, customer_id=proforma.customer_id, replaces=proforma.number)
    return document


def _copy(line: ProformaLine, place: int) -> ProformaLine:
    names = (
        "service_id", "description", "quantity", "net", "discount", "discount_bp", "tax_bp", "tax", "total",
        "period_from", "period_to",
    )  # fmt: skip
    facts = {name: getattr(line, name) for name in names}
    return ProformaLine(position=place, source_line_id=line.id, **facts)
