"""The periods of a service: which comes next, and renewing by a payment, each period once.

``service.paid_until`` is the last day paid; the next period starts the day after. A period begins on the day of the
month on which the service began, or the month's last.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from console.billing.models import BilledPeriod, Proforma, ProformaLine
from console.core import clock
from console.core.db import db
from console.core.errors import Conflict
from console.core.texts import lazy_gettext
from console.hosting.models import Service, ServiceStatus, SuspensionReason

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """Days of a service, both included."""

    starts_on: date
    ends_on: date


def next_period(service: Service, periods: int = 1) -> Period:
    """Return the first days of a service that no document bills yet.

    Args:
        periods: how many of the service's own together.
    """
    taken = select(BilledPeriod.starts_on, BilledPeriod.ends_on).where(
        BilledPeriod.service_id == service.id, BilledPeriod.ends_on > service.paid_until
    )
    start = service.paid_until + _DAY
    for starts_on, ends_on in db.session.execute(taken.order_by(BilledPeriod.starts_on)):
        if starts_on > _end(service, start, periods):
            break
        start = ends_on + _DAY
    return Period(start, _end(service, start, periods))


def period_from(service: Service, starts_on: date, periods: int = 1) -> Period:
    """Return the period of a service that begins on a day."""
    return Period(starts_on, _end(service, starts_on, periods))


def _end(service: Service, start: date, periods: int) -> date:
    """Return the last day: the one before the day of the month on which the service began, or on which this does."""
    anchor = service.started_on.day
    if start.day != min(anchor, monthrange(start.year, start.month)[1]):
        anchor = start.day
    count = start.year * 12 + start.month - 1 + service.period_months * periods
    year, month = divmod(count, 12)
    return date(year, month + 1, min(anchor, monthrange(year, month + 1)[1])) - _DAY


def services_of(proforma_ids: Collection[int]) -> list[int]:
    """Return the services that paying documents would renew: they are locked before the documents are."""
    query = (
        select(BilledPeriod.service_id)
        .join(ProformaLine, ProformaLine.id == BilledPeriod.proforma_line_id)
        .where(ProformaLine.proforma_id.in_(proforma_ids))
        .distinct()
    )
    return list(db.session.scalars(query))


def renew(proforma_ids: Collection[int]) -> list[int]:
    """Renew what documents that are now paid in full bill, each period once; the services are locked.

    Returns:
        The renewed services' ids.
    """
    if not proforma_ids:
        return []
    query = (
        select(BilledPeriod)
        .join(ProformaLine, ProformaLine.id == BilledPeriod.proforma_line_id)
        .options(joinedload(BilledPeriod.service))
        .where(ProformaLine.proforma_id.in_(proforma_ids), BilledPeriod.paid_at.is_(None))
        .order_by(BilledPeriod.service_id, BilledPeriod.starts_on)
    )
    periods = list(db.session.scalars(query))
    now = clock.now()
    for period in periods:
        service = period.service
        period.paid_at = now
        period.paid_until_before = service.paid_until
        service.paid_until = max(service.paid_until, period.ends_on)
        if _is_restored_by_payment(service):
            period.status_before = service.status
            service.status, service.suspension = ServiceStatus.ACTIVE, None
    db.session.flush()
    return list(dict.fromkeys(period.service_id for period in periods))


def _is_restored_by_payment(service: Service) -> bool:
    """Return whether paying sets a service going again: not one that was suspended for something else, or has ended."""
    if service.status is ServiceStatus.SUSPENDED:
        return service.suspension is SuspensionReason.UNPAID
    return service.status is ServiceStatus.EXPIRED


def undo_renewal(proforma: Proforma) -> list[Service]:
    """Take back what paying a document renewed; its services are locked.

    Raises:
        Conflict: ``renewed_since``: a later period of a service is paid.
    """
    query = (
        select(BilledPeriod)
        .join(ProformaLine, ProformaLine.id == BilledPeriod.proforma_line_id)
        .where(ProformaLine.proforma_id == proforma.id, BilledPeriod.paid_at.is_not(None))
        .order_by(BilledPeriod.service_id, BilledPeriod.starts_on.desc())
        .execution_options(populate_existing=True)
    )
    services = []
    for period in db.session.scalars(query).all():
        services.append(_undo_period(period))
        db.session.flush()
    return services


def _undo_period(period: BilledPeriod) -> Service:
    service = period.service
    others = select(BilledPeriod.starts_on, BilledPeriod.ends_on).where(
        BilledPeriod.service_id == service.id, BilledPeriod.paid_at.is_not(None), BilledPeriod.id != period.id
    )
    paid = db.session.execute(others).all()
    before = period.paid_until_before or service.paid_until
    later = any(starts_on > period.starts_on for starts_on, _ends_on in paid)
    if later or service.paid_until > max(period.ends_on, before):
        raise Conflict(
            lazy_gettext("A service of this pro-forma has since been renewed again. Undo the later payment first."),
            code="renewed_since",
            details={"concerns": [service.number]},
        )
    # What was paid after it for earlier days stays.
    service.paid_until = max([before, *(ends_on for _starts_on, ends_on in paid)])
    if service.status is ServiceStatus.ACTIVE and period.status_before is not None:
        service.status = period.status_before
        if service.status is ServiceStatus.SUSPENDED:
            service.suspension = SuspensionReason.UNPAID
    period.paid_at = period.paid_until_before = period.status_before = None
    return service
