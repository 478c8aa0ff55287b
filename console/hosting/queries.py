"""Reading services."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Select, and_, select, tuple_
from sqlalchemy.orm import aliased, contains_eager, joinedload

from console.core.db import db
from console.customers.rights import Right
from console.hosting.models import SERVICE_SEARCH, Ownership, Product, ProductKind, Service, ServiceStatus

MAX_SERVICES = 200  # on one page
Opened = Callable[[Right], bool]


@dataclass(frozen=True)
class ServiceQuery:
    """What a list of an account's services is asked for.

    Args:
        search: words of a number or a label.
        ended: those that were cancelled, instead of those in use.
        after: the last service of the page before: until when it is paid, and its key.
    """

    search: str = ""
    ended: bool = False
    after: tuple[date, int] | None = None


@dataclass(frozen=True)
class ListedService:
    """A service in a list, with the one that it is hosted with, where the reader may see that."""

    service: Service
    host: Service | None


def right_to_see(kind: ProductKind) -> Right:
    """Return the right that opens a service of this kind: domains are a right of their own."""
    return Right.DOMAINS if kind is ProductKind.DOMAIN else Right.PRODUCTS


def services_of(customer_id: int, opened: Opened) -> list[Service] | None:
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
    return list(db.session.scalars(query.where(_may_see(opened, Product))))


def list_services(customer_id: int, opened: Opened, query: ServiceQuery, limit: int) -> list[ListedService]:
    """Return a page of an account's services that its reader may see, what ends first before the rest."""
    host, its_product = aliased(Service), aliased(Product)
    rows = (
        select(Service, host)
        .join(Service.product)
        .outerjoin(Service.domain)
        .outerjoin(host, host.id == Service.hosted_with_id)
        .outerjoin(its_product, its_product.id == host.product_id)
        .options(contains_eager(Service.product), contains_eager(Service.domain))
        .options(contains_eager(host.product.of_type(its_product)))
        .where(Service.customer_id == customer_id, _may_see(opened, Product), _state(ended=query.ended))
        .order_by(Service.paid_until, Service.id)
        .limit(limit)
    )
    hits = SERVICE_SEARCH.matches(db.session(), Service.id, query.search, whole=True)
    if hits is not None:
        rows = rows.where(hits)
    if query.after is not None:
        rows = rows.where(tuple_(Service.paid_until, Service.id) > tuple_(*query.after))
    return [ListedService(service, _seen(opened, its_host)) for service, its_host in db.session.execute(rows)]


def find_service(service_id: int, customer_ids: Sequence[int]) -> Service | None:
    """Return a service of one of these accounts with its product and domain."""
    return db.session.scalar(_whole().where(Service.id == service_id, Service.customer_id.in_(customer_ids)).limit(1))


def linked_services(service: Service, opened: Opened) -> tuple[Service | None, list[Service]]:
    """Return what a service is hosted with, and what is hosted with it, as far as the reader may see them."""
    near = _whole().where(
        Service.customer_id == service.customer_id,
        (Service.id == service.hosted_with_id) | (Service.hosted_with_id == service.id),
        _may_see(opened, Product),
    )
    found = list(db.session.scalars(near.order_by(Service.id)))
    host = next((one for one in found if one.id == service.hosted_with_id), None)
    return host, [one for one in found if one is not host]


def ownerships_of(service: Service) -> list[Ownership]:
    """Return when the account that has a service now came to have it: others' times are none of its business."""
    query = select(Ownership).where(Ownership.service_id == service.id, Ownership.customer_id == service.customer_id)
    return list(db.session.scalars(query.order_by(Ownership.id.desc())))


def products_on_sale(currency: str | None = None) -> list[Product]:
    """Return what can be ordered, in the order of its kinds and prices; in one currency, where it is given."""
    query = select(Product).where(Product.active)
    if currency is not None:
        query = query.where(Product.currency == currency)
    kinds = list(ProductKind)
    return sorted(db.session.scalars(query), key=lambda product: (kinds.index(product.kind), product.price, product.id))


def _whole() -> Select[Service]:
    return select(Service).join(Service.product).options(contains_eager(Service.product), joinedload(Service.domain))


def _may_see(opened: Opened, product: type[Product]) -> ColumnElement[bool]:
    """Return the condition "the reader may see services of this product"."""
    kinds = [kind for kind in ProductKind if opened(right_to_see(kind))]
    return product.kind.in_(kinds)


def _seen(opened: Opened, host: Service | None) -> Service | None:
    return host if host is not None and opened(right_to_see(host.product.kind)) else None


def _state(*, ended: bool) -> ColumnElement[bool]:
    over = Service.status == ServiceStatus.CANCELLED
    return and_(over) if ended else ~over
