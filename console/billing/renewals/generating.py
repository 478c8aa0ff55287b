"""Billing what recurs ahead of time, for its owner at that moment, once for each period.

A service is billed one period ahead: while a document bills days that are not paid yet, no further one is made for it.
The unique key of billed periods is what holds whatever happens: two workers, a crash, a payment in between.

While a service is in an open migration its renewal waits. A document that is made meanwhile would change what was
previewed and approved, and its line would be cancelled and made again for the new owner at once. After the migration,
or when it ends without being executed, the next run bills the owner of that day; a service that waited does
not expire before that document is due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from sqlalchemy import ColumnElement, and_, exists, or_, select

from console.billing import mails
from console.billing.issuing.service import settle
from console.billing.locks import lock_customers, lock_services
from console.billing.migration.scheduling import MOST_DAYS
from console.billing.models import (
    ACTIVE_STATUSES,
    BilledPeriod,
    Migration,
    MigrationItem,
    Proforma,
    ProformaLine,
)
from console.billing.periods import Period, period_from
from console.billing.service import EXTERNAL, LineDraft, issue_proforma, today
from console.core import clock
from console.core.actor import SYSTEM
from console.core.context import settings
from console.core.db import db
from console.core.errors import Refusal
from console.core.logging import get_logger
from console.core.texts import gettext, in_language
from console.core.transaction import transaction
from console.customers.models import Customer, CustomerStatus
from console.hosting.models import Product, Service, ServiceStatus, SuspensionReason

log = get_logger(__name__)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Due:
    """A service whose next period is to be billed."""

    service_id: int
    customer_id: int
    currency: str
    due_on: date


def generate() -> int:
    """Issue what is due, each document in its own transaction, and return how many were issued."""
    if not settings().renewals:
        return 0
    return sum(_attempt(group) for group in grouped(find_due(), together=settings().renewals_together))


def find_due() -> list[Due]:
    """Return the services whose next period is to be billed now, in the order of their documents."""
    day = today()
    rows = db.session.execute(
        select(Service.id, Service.customer_id, Service.currency, Service.paid_until)
        .join(Customer, Customer.id == Service.customer_id)
        .where(_is_due(day))
    )
    found = [
        Due(key, customer_id, currency, due_on(paid_until, day)) for key, customer_id, currency, paid_until in rows
    ]
    return sorted(found, key=lambda one: (one.due_on, one.customer_id, one.currency, one.service_id))


def due_on(paid_until: date, day: date) -> date:
    """Return when a renewal is due: on the last day paid, or by the usual term where that is nearly or already over."""
    return paid_until if paid_until > day else day + timedelta(days=settings().issuer.terms_days)


def grouped(due: Iterable[Due], *, together: bool) -> list[list[Due]]:
    """Put on one document what one account has due on one day in one currency, where that is set."""

    def key(one: Due) -> tuple[object, ...]:
        return (one.due_on, one.customer_id, one.currency, 0 if together else one.service_id)

    return [list(group) for _key, group in groupby(sorted(due, key=key), key)]


def _is_due(day: date) -> ColumnElement[bool]:
    """Return the condition of a service whose next period is billed on ``day``.

    What ran out long ago is not billed: it expired elsewhere, or was imported so. It may have waited for a migration,
    which may have waited for its day besides.
    """
    span = timedelta(days=settings().grace_days + settings().migration_days)
    first, earliest = day - span, day - span - timedelta(days=MOST_DAYS)
    last = day + timedelta(days=settings().renewal_days)
    waited = exists().where(
        MigrationItem.service_id == Service.id,
        MigrationItem.migration_id == Migration.id,
        Migration.ended_at >= clock.now() - span,
    )
    return and_(
        Service.auto_renew,
        is_in_use(),
        Service.paid_until.between(earliest, last),
        or_(Service.paid_until >= first, waited),
        Customer.status != CustomerStatus.CLOSED,
        ~exists().where(BilledPeriod.service_id == Service.id, BilledPeriod.ends_on > Service.paid_until),
        ~exists().where(MigrationItem.service_id == Service.id, MigrationItem.open),
        ~_is_billed_elsewhere(),
    )


def is_in_use() -> ColumnElement[bool]:
    """Return the condition of a service that runs, or that will once it is paid: its bill may have been cancelled."""
    return or_(
        Service.status == ServiceStatus.ACTIVE,
        and_(Service.status == ServiceStatus.SUSPENDED, Service.suspension == SuspensionReason.UNPAID),
    )


def _is_billed_elsewhere() -> ColumnElement[bool]:
    """Return the condition "an open document that came from another system has a line for it": those name no period."""
    return (
        exists()
        .where(
            ProformaLine.service_id == Service.id,
            ProformaLine.proforma_id == Proforma.id,
            Proforma.series == EXTERNAL,
            Proforma.status.in_(ACTIVE_STATUSES),
        )
        .correlate(Service)
    )


def _attempt(group: Sequence[Due]) -> bool:
    """Issue one document. An error in one does not stop the others."""
    try:
        with transaction():
            return bill(group)
    except Refusal as refusal:
        log.warning("renewal not billed", services=[one.service_id for one in group], reason=refusal.code)
    except Exception:
        log.exception("renewal not billed", services=[one.service_id for one in group])
    return False


def bill(group: Sequence[Due], then: Callable[[Proforma], object] = mails.write_issued) -> bool:
    """Issue one document for those of a group that are still due, and tell whether there were any.

    Args:
        then: what is done with it after credit was used; it is mailed as a rule.
    """
    customer = lock_customers([group[0].customer_id])[0]
    lock_services([one.service_id for one in group])
    services = _still_due(customer, [one.service_id for one in group])
    if not services:
        return False
    drafts = [_line(customer, service, product) for service, product in services]
    document = issue_proforma(SYSTEM, customer, drafts, currency=group[0].currency, due_on=group[0].due_on)
    settle(SYSTEM, document)
    then(document)
    return True


def _still_due(customer: Customer, ids: Sequence[int]) -> list[tuple[Service, Product]]:
    """Read again, under their locks, which services are due: another worker or a migration may have been faster."""
    query = (
        select(Service, Product)
        .join(Customer, Customer.id == Service.customer_id)
        .join(Product, Product.id == Service.product_id)
        .where(Service.id.in_(ids), Service.customer_id == customer.id, _is_due(today()))
        .order_by(Service.paid_until, Service.id)
    )
    return list(db.session.execute(query))


def _line(customer: Customer, service: Service, product: Product) -> LineDraft:
    period = period_from(service, service.paid_until + DAY)
    return LineDraft(
        describe(product.name, service.label, period, customer.language),
        service.price,
        product.tax_bp,
        service.id,
        period=period,
    )


def describe(product: str, label: str, period: Period, language: str) -> str:
    """Return what a line says that renews a service."""
    with in_language(language):
        return gettext(
            "Renewal: %(product)s, %(label)s (%(first)s – %(last)s)",
            product=product,
            label=label,
            first=_day(period.starts_on, language),
            last=_day(period.ends_on, language),
        )[:300]


def _day(day: date, language: str) -> str:
    return f"{day.day}.{day.month}.{day.year}." if language.startswith("sr") else f"{day.day} {day:%b %Y}"
