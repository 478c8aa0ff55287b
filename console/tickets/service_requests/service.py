"""Asking for something about a service. Each request is one row and one ticket of the department that carries it out.

Nothing changes by a request itself: staff do it, then say so (``console.tickets.service_requests.decisions``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select

from console.billing.migration.plan_data import services_in_migration
from console.billing.quotes import service as quotes
from console.billing.quotes.models import Quote
from console.core import money
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Text
from console.core.idempotency import once
from console.core.text import one_line, paragraphs
from console.core.texts import gettext, lazy_gettext, ngettext, of_reader
from console.customers.access import require_right
from console.customers.models import Customer
from console.hosting.models import Product, ProductKind, Service
from console.hosting.queries import right_to_see
from console.hosting.service import ascii_domain
from console.tickets.service_requests.models import RIGHTS, RequestKind
from console.tickets.service_requests.submission import Draft, submit

WHENS = ("end", "now")  # of a cancellation: at the end of what is paid, or at once


def order(actor: Actor, customer: Customer, *, product_id: int, domain: str, remark: str, key: str) -> dict[str, Any]:
    """Order a product.

    Args:
        domain: the name to register, or for which the product is; a domain needs one.
        key: the person's idempotency key.

    Returns:
        ``id``, ``kind``, ``state`` and the ``ticket``'s number, as every request here.

    Raises:
        NotFound: ``actor`` may not order on this account.
        Invalid: with a message for every wrong field.
    """
    require_right(actor, customer.id, RIGHTS[RequestKind.ORDER])
    request = {"customer": customer.id, "product": product_id, "domain": domain, "remark": remark}
    return _once(actor, RequestKind.ORDER, key, request, lambda: _order(actor, customer, product_id, domain, remark))


def change_product(actor: Actor, service_id: int, *, product_id: int, remark: str, key: str) -> dict[str, Any]:
    """Ask for a larger or smaller product in place of a service's own.

    Raises:
        NotFound: there is no such service for ``actor``, or they may not order.
        Invalid: the product is not one that it can be changed to.
        Conflict: ``open_request``: one waits already; ``ended``: the service was cancelled; ``in_migration``.
    """
    service = _lock_service(actor, service_id, RequestKind.CHANGE)
    request = {"service": service_id, "product": product_id, "remark": remark}

    def work() -> dict[str, Any]:
        product = next((one for one in products_for_change(service) if one.id == product_id), None)
        if product is None:
            raise Invalid(fields={"product": [lazy_gettext("Choose a product.")]})
        lines = (
            gettext("Service: %(name)s", name=f"{service.label} ({service.number})"),
            gettext("Now: %(product)s", product=service.product.name),
            gettext("Wanted: %(product)s, %(price)s", product=product.name, price=_price(product)),
        )
        draft = Draft(
            RequestKind.CHANGE,
            gettext("Change of product: %(name)s", name=service.label),
            lines,
            service,
            product=product.name,
            data=_product_data(product) | {"from": service.product.name},
        )
        return submit(actor, service.customer, draft, remark)

    return _once(actor, RequestKind.CHANGE, key, request, work)


def cancel(actor: Actor, service_id: int, *, when: str, reason: str, key: str) -> dict[str, Any]:
    """Ask for a service to be cancelled.

    Args:
        when: one of :data:`WHENS`.

    Raises:
        NotFound: there is no such service for ``actor``, or they may not order.
        Invalid: no reason, or no such time.
        Conflict: ``open_request``: one waits already; ``ended``: the service was cancelled; ``in_migration``.
    """
    service = _lock_service(actor, service_id, RequestKind.CANCELLATION)

    def work() -> dict[str, Any]:
        wrong: dict[str, list[Text]] = {}
        if when not in WHENS:
            wrong["when"] = [lazy_gettext("Choose when.")]
        if not paragraphs(reason):
            wrong["reason"] = [lazy_gettext("Enter the reason for the cancellation.")]
        if wrong:
            raise Invalid(fields=wrong)
        until = service.paid_until.isoformat()
        lines = (
            gettext("Service: %(name)s", name=f"{service.label} ({service.number})"),
            gettext("Product: %(product)s", product=service.product.name),
            _when(service, when),
        )
        draft = Draft(
            RequestKind.CANCELLATION,
            gettext("Cancellation: %(name)s", name=service.label),
            lines,
            service,
            data={"when": when, "paid_until": until},
        )
        return submit(actor, service.customer, draft, reason, field_name="reason")

    request = {"service": service_id, "when": when, "reason": reason}
    return _once(actor, RequestKind.CANCELLATION, key, request, work)


def renew_password(actor: Actor, service_id: int, *, remark: str, key: str) -> dict[str, Any]:
    """Ask for a service's password to be set again. No password is typed, shown or stored here.

    Raises:
        NotFound: there is no such service for ``actor``, or they may not manage passwords.
        Conflict: ``open_request``: one waits already; ``ended``: the service was cancelled.
    """
    service = _lock_service(actor, service_id, RequestKind.PASSWORD)

    def work() -> dict[str, Any]:
        lines = (
            gettext("Service: %(name)s", name=f"{service.label} ({service.number})"),
            gettext("Product: %(product)s", product=service.product.name),
            gettext("Set a new password and give it only to the verified person."),
        )
        subject = gettext("New password: %(name)s", name=service.label)
        return submit(actor, service.customer, Draft(RequestKind.PASSWORD, subject, lines, service), remark)

    return _once(actor, RequestKind.PASSWORD, key, {"service": service_id, "remark": remark}, work)


def products_for_change(service: Service) -> Sequence[Product]:
    """Return what a service can be changed to: products on sale of its kind and currency, cheaper ones first."""
    query = select(Product).where(
        Product.active,
        Product.kind == service.product.kind,
        Product.currency == service.currency,
        Product.id != service.product_id,
    )
    return db.session.scalars(query.order_by(Product.price, Product.id)).all()


def _open_for_quote(actor: Actor, quote: Quote) -> None:
    """Make an accepted quote the work of its department."""
    language = _language()
    lines = (
        gettext("Quote: %(number)s", number=quote.number),
        *(_item(line.quantity, line.description, line.net, quote.currency) for line in quote.lines),
        gettext("Total with PDV: %(total)s", total=money.write(quote.total, quote.currency, language)),
    )
    subject = gettext("Accepted quote %(number)s", number=quote.number)
    draft = Draft(RequestKind.QUOTE, subject, lines, quote=quote, data={"quote": quote.number, "total": quote.total})
    submit(actor, quote.customer, draft, "")


quotes.on_accepted("ticket", _open_for_quote)


def _order(actor: Actor, customer: Customer, product_id: int, domain: str, remark: str) -> dict[str, Any]:
    wrong: dict[str, list[Text]] = {}
    product = db.session.get(Product, product_id)
    if product is None or not product.active:
        raise Invalid(fields={"product": [lazy_gettext("Choose a product.")]})
    name = ""
    if domain.strip():
        try:
            name = ascii_domain(domain)
        except Invalid as refusal:
            wrong["domain"] = [refusal.message]
    elif product.kind is ProductKind.DOMAIN:
        wrong["domain"] = [lazy_gettext("Enter the domain name.")]
    if wrong:
        raise Invalid(fields=wrong)
    lines = [gettext("Product: %(product)s, %(price)s", product=product.name, price=_price(product))]
    if name:
        lines.append(gettext("Domain: %(name)s", name=one_line(domain)))
    draft = Draft(
        RequestKind.ORDER,
        gettext("Order: %(product)s", product=product.name),
        tuple(lines),
        product=product.name,
        data=_product_data(product) | ({"domain": name} if name else {}),
    )
    return submit(actor, customer, draft, remark)


def _once(
    actor: Actor, kind: RequestKind, key: str, request: dict[str, Any], work: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    return once(f"service_request.{kind.value}:{actor.kind}:{actor.id}", key, request, work)


def _lock_service(actor: Actor, service_id: int, kind: RequestKind) -> Service:
    """Return a service about which ``actor`` may ask for this, held so that two do not ask at once."""
    query = select(Service).where(Service.id == service_id).with_for_update(of=Service)
    service = db.session.scalar(query.execution_options(populate_existing=True))
    if service is None:
        raise NotFound
    require_right(actor, service.customer_id, right_to_see(service.product.kind))
    require_right(actor, service.customer_id, RIGHTS[kind])
    if kind is not RequestKind.PASSWORD and services_in_migration([service.id]):
        raise Conflict(
            lazy_gettext(
                "This service is being transferred to another customer. It can be changed or cancelled once that has "
                "ended, or after the transfer is withdrawn."
            ),
            code="in_migration",
        )
    return service


def _price(product: Product) -> str:
    months = ngettext("%(num)d month", "%(num)d months", product.period_months)
    price = money.write(product.price, product.currency, _language())
    return gettext("%(price)s without PDV for %(months)s", price=price, months=months)


def _product_data(product: Product) -> dict[str, Any]:
    names = ("code", "price", "currency", "period_months")
    return {name: getattr(product, name) for name in names}


def _when(service: Service, when: str) -> str:
    if when == "now":
        return gettext("When: at once")
    return gettext("When: at the end of the paid period, %(day)s", day=f"{service.paid_until:%d.%m.%Y.}")


def _item(quantity: int, description: str, net: int, currency: str) -> str:
    return f"– {quantity} × {description}: {money.write(net, currency, _language())}"


def _language() -> str:
    """Return the language in which the ticket's text is written: the requester's, who reads the page."""
    return "en" if of_reader().language == "en" else "sr_Latn"
