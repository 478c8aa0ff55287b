"""Asking for something about a service. Each request is one row and one ticket of the department that carries it out.

Nothing changes by a request itself: staff do it, then say so (``console.tickets.service_requests.decisions``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from console.audit.service import record
from console.billing.quotes import service as quotes
from console.billing.quotes.models import Quote
from console.core import clock, money
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Text
from console.core.idempotency import once
from console.core.text import one_line, paragraphs
from console.core.texts import gettext, lazy_gettext, ngettext, of_reader
from console.customers.access import membership_behind, require_right
from console.customers.masking import mask_pins
from console.customers.models import Customer, Membership
from console.hosting.models import Product, ProductKind, Service, ServiceStatus
from console.hosting.queries import right_to_see
from console.hosting.service import ascii_domain
from console.staff.models import Department
from console.tickets.models import MAX_SUBJECT, TicketSource
from console.tickets.queries import departments
from console.tickets.service.opening import NewTicket, open_ticket
from console.tickets.service_requests.models import RIGHTS, RequestKind, RequestState, ServiceRequest

MAX_REMARK = 2_000
WHENS = ("end", "now")  # of a cancellation: at the end of what is paid, or at once


@dataclass(frozen=True)
class _Draft:
    """A request before it is stored. ``lines``: what the ticket says, in the requester's language."""

    kind: RequestKind
    subject: str
    lines: tuple[str, ...]
    service: Service | None = None
    quote: Quote | None = None
    product: str = ""
    data: dict[str, Any] = field(default_factory=dict)


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
        Conflict: ``open_request``: one waits already; ``ended``: the service was cancelled.
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
        draft = _Draft(
            RequestKind.CHANGE,
            gettext("Change of product: %(name)s", name=service.label),
            lines,
            service,
            product=product.name,
            data=_product_data(product) | {"from": service.product.name},
        )
        return _submit(actor, service.customer, draft, remark)

    return _once(actor, RequestKind.CHANGE, key, request, work)


def cancel(actor: Actor, service_id: int, *, when: str, reason: str, key: str) -> dict[str, Any]:
    """Ask for a service to be cancelled.

    Args:
        when: one of :data:`WHENS`.

    Raises:
        NotFound: there is no such service for ``actor``, or they may not order.
        Invalid: no reason, or no such time.
        Conflict: ``open_request``: one waits already; ``ended``: the service was cancelled.
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
        draft = _Draft(
            RequestKind.CANCELLATION,
            gettext("Cancellation: %(name)s", name=service.label),
            lines,
            service,
            data={"when": when, "paid_until": until},
        )
        return _submit(actor, service.customer, draft, reason, field_name="reason")

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
        return _submit(actor, service.customer, _Draft(RequestKind.PASSWORD, subject, lines, service), remark)

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
    draft = _Draft(RequestKind.QUOTE, subject, lines, quote=quote, data={"quote": quote.number, "total": quote.total})
    _submit(actor, quote.customer, draft, "")


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
    draft = _Draft(
        RequestKind.ORDER,
        gettext("Order: %(product)s", product=product.name),
        tuple(lines),
        product=product.name,
        data=_product_data(product) | ({"domain": name} if name else {}),
    )
    return _submit(actor, customer, draft, remark)


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
    return service


def _submit(
    actor: Actor, customer: Customer, draft: _Draft, remark: str, *, field_name: str = "remark"
) -> dict[str, Any]:
    """Open the ticket and store the request beside it."""
    membership = membership_behind(actor, customer.id)
    if actor.kind != "person" or membership is None:
        raise NotFound(code="not_allowed")
    remark = mask_pins(paragraphs(remark))[0]
    if len(remark) > MAX_REMARK:
        raise Invalid(fields={field_name: [lazy_gettext("This is too long.")]})
    _check_free(draft)
    ticket = open_ticket(actor, _ticket(membership, customer, draft, remark))
    request = ServiceRequest(
        kind=draft.kind,
        state=RequestState.OPEN,
        customer_id=customer.id,
        ticket_id=ticket.id,
        service_id=None if draft.service is None else draft.service.id,
        quote_id=None if draft.quote is None else draft.quote.id,
        requested_by_id=membership.id,
        data=draft.data | ({"remark": remark} if remark else {}),
        product=draft.product,
        requested_at=clock.now(),
    )
    db.session.add(request)
    try:
        db.session.flush()
    except IntegrityError as error:  # the index on open ones: another was faster
        raise _taken() from error
    record(
        actor,
        "request.sent",
        ticket.number,
        customer_id=customer.id,
        kind=draft.kind.value,
        service=None if draft.service is None else draft.service.number,
        request=request.id,
    )
    return {"id": request.id, "kind": draft.kind.value, "state": request.state.value, "ticket": ticket.number}


def _ticket(membership: Membership, customer: Customer, draft: _Draft, remark: str) -> NewTicket:
    person = membership.person
    body = "\n".join(draft.lines) + (f"\n\n{remark}" if remark else "")
    return NewTicket(
        subject=draft.subject[:MAX_SUBJECT],
        body=body,
        requester_email=person.email,
        requester_name=person.name,
        language=person.language or customer.language,
        customer_id=customer.id,
        service_id=None if draft.service is None else draft.service.id,
        department_id=_department(draft.kind).id,
        source=TicketSource.WEB,
        masked=True,
    )


def _department(kind: RequestKind) -> Department:
    """Return the department that is set for this kind of request, else the first that is open to the public."""
    places = departments()
    key = settings().request_departments.get(kind.value, "")
    place = next((one for one in places if one.key == key), None)
    place = place or next((one for one in places if not one.private), None)
    if place is None:
        raise Conflict(lazy_gettext("Requests cannot be sent at the moment. Write to support."), code="no_department")
    return place


def _check_free(draft: _Draft) -> None:
    if draft.service is None:
        return
    if draft.service.status is ServiceStatus.CANCELLED:
        raise Conflict(lazy_gettext("This service was cancelled."), code="ended")
    waiting = select(ServiceRequest.id).where(
        ServiceRequest.service_id == draft.service.id,
        ServiceRequest.kind == draft.kind,
        ServiceRequest.state == RequestState.OPEN,
    )
    if db.session.scalar(waiting) is not None:
        raise _taken()


def _taken() -> Conflict:
    return Conflict(
        lazy_gettext("A request of this kind is already waiting for this service. We will answer it first."),
        code="open_request",
    )


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
    return gettext("When: at the end of what is paid, %(day)s", day=f"{service.paid_until:%d.%m.%Y.}")


def _item(quantity: int, description: str, net: int, currency: str) -> str:
    return f"– {quantity} × {description}: {money.write(net, currency, _language())}"


def _language() -> str:
    """Return the language in which the ticket's text is written: the requester's, who reads the page."""
    return "en" if of_reader().language == "en" else "sr_Latn"
