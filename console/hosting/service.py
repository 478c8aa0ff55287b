"""Verbs on products, services and domains."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import select

from console.audit.service import record
from console.core import clock, edit_conflicts
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Text
from console.core.money import BASIS_POINTS, CURRENCIES
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.core.upsert import insert_or_find
from console.customers.models import Customer
from console.hosting.models import (
    DOMAIN_SEARCH,
    SERVICE_SEARCH,
    Domain,
    Ownership,
    Product,
    ProductKind,
    Service,
    ServiceStatus,
    SuspensionReason,
)
from console.staff.roles import Permission

MAX_PRODUCT_NAME = 120
MAX_PRICE = 100_000_000_000  # a milliard, in minor units
MAX_PERIOD = 120
_CODE = re.compile(r"\S(.{0,58}\S)?")  # as an import brings it
_HOST = re.compile(r"^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$")


@dataclass(frozen=True)
class ServiceData:
    """What a new service starts with; price and period default to the product's.

    Args:
        price: net for one period, minor units.
        hosted_with: the service it belongs together with (a domain's hosting).
        cause: why it began, for the ownership history.
    """

    label: str
    started_on: date
    paid_until: date
    price: int | None = None
    currency: str | None = None
    period_months: int | None = None
    auto_renew: bool = True
    hosted_with: Service | None = None
    external_id: str | None = None
    cause: str = "order"


@dataclass(frozen=True)
class ProductData:
    """A product as a form has it. ``price`` is net, in minor units, ``tax_bp`` the PDV in basis points."""

    name: str
    kind: ProductKind
    price: int
    currency: str = "RSD"
    period_months: int = 12
    tax_bp: int = 2000
    active: bool = True


def add_product(
    actor: Actor,
    *,
    code: str,
    name: str,
    kind: ProductKind,
    price: int,
    currency: str = "RSD",
    period_months: int = 12,
    tax_bp: int = 2000,
    active: bool = True,
) -> Product:
    """Put a product on sale. ``price`` is net, in minor units.

    Raises:
        NotFound: ``actor`` may not manage products.
        Invalid: no code or one that is taken, no name, a negative price, an unknown currency, a period of no months.
    """
    actor.require(Permission.MANAGE_PRODUCTS)
    code, name = one_line(code), one_line(name)
    _check_product(ProductData(name, kind, price, currency, period_months, tax_bp, active))
    if not _CODE.fullmatch(code):
        raise Invalid(fields={"code": [lazy_gettext("At most %(count)s characters.", count=60)]})
    row = {
        "code": code, "name": name, "kind": kind, "price": price, "currency": currency,
        "period_months": period_months, "tax_bp": tax_bp, "active": active,
    }  # fmt: skip
    product, fresh = insert_or_find(Product, row, Product.code)
    if not fresh:
        raise Invalid(fields={"code": [lazy_gettext("A product with this code already exists.")]})
    record(actor, "product.added", code, name=name, price=price, currency=currency)
    return product


def change_product(actor: Actor, product_id: int, data: ProductData, *, seen: str | None = None) -> Product:
    """Change a product; its code stays, because imports name it. Services that are sold keep their price.

    Args:
        seen: the :func:`mark_product` of what was looked at.

    Raises:
        NotFound: no such product, or ``actor`` may not manage products.
        Invalid: no name, or something that :func:`add_product` would refuse.
        Conflict: a colleague has changed it meanwhile.
    """
    actor.require(Permission.MANAGE_PRODUCTS)
    data = replace(data, name=one_line(data.name))
    _check_product(data)
    product = db.session.get(Product, product_id, with_for_update=True, populate_existing=True)
    if product is None:
        raise NotFound
    edit_conflicts.check(seen, _product_facts(product))
    old = _product_facts(product)
    for name in old:
        setattr(product, name, getattr(data, name))
    new = _product_facts(product)
    changed = [name for name in old if old[name] != new[name]]
    if changed:
        db.session.flush()
        before, after = ({name: facts[name] for name in changed} for facts in (old, new))
        record(actor, "product.changed", product.code, before=before, after=after)
    return product


def mark_product(product: Product) -> str:
    """Return the mark of a product as it is now."""
    return edit_conflicts.mark(_product_facts(product))


def _product_facts(product: Product) -> dict[str, Any]:
    names = ("name", "price", "currency", "period_months", "tax_bp", "active")
    return {name: getattr(product, name) for name in names} | {"kind": product.kind}


def _check_product(data: ProductData) -> None:
    wrong: dict[str, list[Text]] = {}
    if not data.name or len(data.name) > MAX_PRODUCT_NAME:
        wrong["name"] = [lazy_gettext("Enter a name of at most %(count)d characters.", count=MAX_PRODUCT_NAME)]
    if not 0 <= data.price <= MAX_PRICE:
        wrong["price"] = [lazy_gettext("This amount is too small or too large.")]
    if data.currency not in CURRENCIES:
        wrong["currency"] = [lazy_gettext("This currency is not supported.")]
    if not 1 <= data.period_months <= MAX_PERIOD:
        wrong["period_months"] = [lazy_gettext("Enter a number from %(least)d to %(most)d.", least=1, most=MAX_PERIOD)]
    if not 0 <= data.tax_bp <= BASIS_POINTS:
        wrong["tax_bp"] = [lazy_gettext("Enter a number from %(least)d to %(most)d.", least=0, most=100)]
    if wrong:
        raise Invalid(fields=wrong)


def start_service(actor: Actor, customer: Customer, product: Product, data: ServiceData) -> Service:
    """Give ``customer`` a service, and open its ownership history.

    Raises:
        Conflict: what it should be hosted with belongs to another account.
        Invalid: nothing is said of what it is called.
    """
    actor.require(Permission.MANAGE_SERVICES)
    label = one_line(data.label)
    if not label:
        raise Invalid(fields={"label": [lazy_gettext("Enter a name for the service.")]})
    if data.hosted_with is not None:
        _hold_host(customer, data.hosted_with)
    service = Service(
        customer=customer,
        product=product,
        label=label,
        started_on=data.started_on,
        paid_until=data.paid_until,
        price=product.price if data.price is None else data.price,
        currency=data.currency or product.currency,
        period_months=data.period_months or product.period_months,
        auto_renew=data.auto_renew,
        hosted_with_id=data.hosted_with.id if data.hosted_with else None,
        external_id=data.external_id,
    )
    db.session.add(service)
    db.session.flush()
    db.session.add(
        Ownership(service_id=service.id, customer_id=customer.id, from_at=clock.now(), to_at=None, cause=data.cause)
    )
    SERVICE_SEARCH.put(db.session(), service.id, service.searchable())
    record(actor, "service.started", service.number, customer_id=customer.id, label=service.label, product=product.code)
    return service


def _hold_host(customer: Customer, host: Service) -> None:
    """Hold a host still: one that is just moving away takes no service of its former owner with it."""
    query = select(Service).where(Service.id == host.id).with_for_update(read=True)
    held = db.session.scalars(query.execution_options(populate_existing=True)).one()
    if held.customer_id != customer.id:
        raise Conflict(lazy_gettext("The linked hosting belongs to another account."))


def register_domain(actor: Actor, service: Service, name: str, registered_on: date, expires_on: date) -> Domain:
    """Tie a registered name to the service that pays for it.

    Args:
        name: may be international; it is stored as A-labels (RFC 5891).

    Raises:
        Invalid: ``name`` is no domain name.
    """
    actor.require(Permission.MANAGE_SERVICES)
    ascii_name = ascii_domain(name)
    domain = Domain(name=ascii_name, service_id=service.id, registered_on=registered_on, expires_on=expires_on)
    db.session.add(domain)
    db.session.flush()
    DOMAIN_SEARCH.put(db.session(), domain.id, domain.searchable())
    record(actor, "domain.registered", ascii_name, customer_id=service.customer_id, service=service.number)
    return domain


def ascii_domain(name: str) -> str:
    """Return ``name`` as the DNS writes it.

    Raises:
        Invalid: it is none.
    """
    try:
        ascii_name = name.strip().rstrip(".").encode("idna").decode().lower()
    except UnicodeError as error:
        raise Invalid(lazy_gettext("Enter a valid domain name.")) from error
    if not _HOST.match(ascii_name):
        raise Invalid(lazy_gettext("Enter a valid domain name."))
    return ascii_name


def suspend(actor: Actor, service: Service, reason: SuspensionReason) -> None:
    """Switch a service off, with the reason that decides what may still be done with it."""
    actor.require(Permission.MANAGE_SERVICES)
    service.status, service.suspension = ServiceStatus.SUSPENDED, reason
    record(actor, "service.suspended", service.number, customer_id=service.customer_id, reason=reason.value)


def restore(actor: Actor, service: Service, reason: str = "") -> None:
    """Undo :func:`suspend`.

    Raises:
        NotFound: the role may not: it is :func:`permission_to_restore` that is needed.
    """
    actor.require(permission_to_restore(service))
    was = service.suspension
    service.status, service.suspension = ServiceStatus.ACTIVE, None
    facts: dict[str, Any] = {"reason": reason, "was": was.value if was is not None else None} if reason else {}
    record(actor, "service.restored", service.number, customer_id=service.customer_id, **facts)


RESTORING = (Permission.MANAGE_SERVICES, Permission.SET_ACCOUNT_STATE)


def permission_to_restore(service: Service) -> Permission:
    """Return what lets a person restore a service: one suspended for abuse is a supervisor's to decide."""
    abused = service.suspension is SuspensionReason.ABUSE
    return Permission.SET_ACCOUNT_STATE if abused else Permission.MANAGE_SERVICES


def lock_transfer(actor: Actor, service: Service, *, locked: bool) -> None:
    """Set or lift the owner's transfer lock: while set, the service cannot be given away."""
    actor.require(Permission.MANAGE_SERVICES)
    service.transfer_locked = locked
    action = "service.transfer_locked" if locked else "service.transfer_unlocked"
    record(actor, action, service.number, customer_id=service.customer_id)
