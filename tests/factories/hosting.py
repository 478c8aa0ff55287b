"""Products, services and domains."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from console.core.actor import SYSTEM
from console.core.db import db
from console.customers.models import Customer
from console.hosting import service as hosting
from console.hosting.models import Domain, Product, ProductKind, Service, SuspensionReason
from console.hosting.service import ServiceData
from tests.factories.shared import next_number, today, writing


def make_product(kind: ProductKind = ProductKind.HOSTING, *, code: str | None = None, **more: Any) -> Product:
    """Make something to sell: 12,000.00 a year net, PDV 20 %.

    Args:
        more: ``name, price, currency, period_months, tax_bp``.
    """
    number = next_number()
    with writing():
        product = hosting.add_product(
            SYSTEM,
            code=code or f"{kind.value}-{number}",
            kind=kind,
            **{"name": f"Paket {number}", "price": 1_200_000, **more},
        )
        db.session.flush()
    return product


def make_service(
    customer: Customer, product: Product | None = None, *, label: str | None = None, **more: Any
) -> Service:
    """Start a service, owned by ``customer`` from now on.

    Args:
        more: what ``ServiceData`` takes, as in ``price=…``.
    """
    number = next_number()
    with writing():
        product = product or make_product(currency=customer.currency)
        data = ServiceData(
            label=label or f"sajt-{number}.example.rs",
            **{"started_on": today() - timedelta(days=100), "paid_until": today() + timedelta(days=265), **more},
        )
        service = hosting.start_service(SYSTEM, customer, product, data)
        db.session.flush()
    return service


def make_abuser(customer: Customer) -> Service:
    """Make a service that is suspended for abuse: it does not move."""
    return make_suspended(customer, SuspensionReason.ABUSE)


def make_suspended(customer: Customer, reason: SuspensionReason = SuspensionReason.UNPAID) -> Service:
    """Make a service that is suspended although no request asked for it, as an import brings one."""
    with writing():
        service = make_service(customer)
        hosting.suspend(SYSTEM, service, reason)
    return service


def make_locked(customer: Customer) -> Service:
    """Make a service whose owner has locked its transfer."""
    with writing():
        service = make_service(customer)
        hosting.lock_transfer(SYSTEM, service, locked=True)
    return service


def make_domain(service: Service, name: str | None = None) -> Domain:
    """Register a name for ``service``, one with the product kind ``domain`` as a rule."""
    with writing():
        return hosting.register_domain(
            SYSTEM,
            service,
            name or f"domen-{next_number()}.example.rs",
            registered_on=today() - timedelta(days=100),
            expires_on=today() + timedelta(days=265),
        )
