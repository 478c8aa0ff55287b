"""Reading services."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from console.core.db import db
from console.customers.rights import Right
from console.hosting.models import Product, ProductKind, Service

MAX_SERVICES = 200  # on one page


def services_of(customer_id: int, opened: Callable[[Right], bool]) -> list[Service] | None:
    """Return the services of an account that its reader may see: those in use first, then what ends first.

    Args:
        customer_id: the account.
        opened: tells whether the reader has a right. Domains are a right of their own.

    Returns:
        ``None`` where neither services nor domains are open to the reader.
    """
    products, domains = opened(Right.PRODUCTS), opened(Right.DOMAINS)
    if not products and not domains:
        return None
    query = (
        select(Service)
        .join(Service.product)
        .options(joinedload(Service.product), joinedload(Service.domain))
        .where(Service.customer_id == customer_id)
        .order_by(Service.status, Service.paid_until, Service.id)
        .limit(MAX_SERVICES)
    )
    if not domains:
        query = query.where(Product.kind != ProductKind.DOMAIN)
    if not products:
        query = query.where(Product.kind == ProductKind.DOMAIN)
    return list(db.session.scalars(query))
