"""Orders, changes, cancellations and new passwords, asked for in the portal; and the list of what was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import HiddenField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from console.billing.tax import rule_for
from console.core.context import settings
from console.core.errors import Conflict, Refusal, Reused
from console.core.ids import read_key
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers.models import Customer, Membership
from console.customers.rights import Right
from console.hosting.models import Product, Service
from console.hosting.queries import linked_services, products_on_sale
from console.portal.accounts import chosen, own_accounts
from console.portal.answers import show_again
from console.portal.blueprint import portal, signed_in
from console.portal.forms import PortalForm
from console.portal.services import own_service
from console.tickets.service_requests import service as requests_
from console.tickets.service_requests.labels import KINDS, facts_of
from console.tickets.service_requests.models import ServiceRequest
from console.tickets.service_requests.queries import kinds_for, list_requests
from console.web.answers import local_time, wants_json
from console.web.filters import language
from console.web.identity import current_actor

PAGE_SIZE = 25


class RequestForm(PortalForm):
    """A request with a remark."""

    remark = TextAreaField(lazy_gettext("Remark"))
    idempotency_key = HiddenField()


class OrderForm(RequestForm):
    """A product and, where it is for one, a domain name."""

    product = RadioField(lazy_gettext("Product"), choices=[], validate_choice=False)
    domain = StringField(lazy_gettext("Domain name"))


class ChangeForm(RequestForm):
    """Another product in place of a service's own."""

    product = RadioField(lazy_gettext("New product"), choices=[], validate_choice=False)


class CancelForm(PortalForm):
    """When a service ends, and why."""

    when = RadioField(
        lazy_gettext("When"),
        choices=[
            SelectChoice("end", lazy_gettext("At the end of the paid period")),
            SelectChoice("now", lazy_gettext("As soon as possible")),
        ],
        default="end",
        validate_choice=False,
    )
    reason = TextAreaField(lazy_gettext("Reason"))
    idempotency_key = HiddenField()


@portal.get("/requests/")
@signed_in
def requests() -> ResponseReturnValue:
    """List what was asked for on the chosen account, the newest first."""
    accounts = own_accounts(Right.ORDERS, Right.MANAGE_PRODUCTS)
    mine = chosen(accounts)
    before = read_key(request.args.get("next"))
    kinds = kinds_for(mine.held_rights())
    found = list_requests(mine.customer_id, kinds, before=before, limit=PAGE_SIZE + 1)
    rows, cursor = found[:PAGE_SIZE], str(found[PAGE_SIZE - 1].id) if len(found) > PAGE_SIZE else None
    if wants_json():
        return jsonify(items=[_line(row) for row in rows], next=cursor)
    return render_template(
        "portal/requests/list.html",
        accounts=accounts,
        mine=mine,
        rows=rows,
        kinds=KINDS,
        facts=lambda row: facts_of(row, language()),
        may_order=Right.ORDERS in mine.held_rights(),
        next=cursor,
        first=before is None,
    )


@portal.get("/orders/new")
@signed_in
def order_new() -> ResponseReturnValue:
    """Show what can be ordered."""
    mine = chosen(own_accounts(Right.ORDERS))
    form = OrderForm(formdata=None, product=request.args.get("product", ""))
    return _order_page(mine, form)


@portal.post("/orders/new")
@signed_in
def order() -> ResponseReturnValue:
    """Order a product."""
    mine, form = chosen(own_accounts(Right.ORDERS)), OrderForm()

    def verb() -> dict[str, Any]:
        return requests_.order(
            current_actor(),
            mine.customer,
            product_id=read_key(form.product.data) or 0,
            domain=form.domain.data or "",
            remark=form.remark.data or "",
            key=form.idempotency_key.data or "",
        )

    return _send(mine, form, verb, lambda: _order_page(mine, form))


@portal.get("/services/<id:service_id>/change")
@signed_in
def service_change(service_id: int) -> ResponseReturnValue:
    """Show what a service can be changed to."""
    return _change_page(service_id, ChangeForm(formdata=None))


@portal.post("/services/<id:service_id>/change")
@signed_in
def service_change_request(service_id: int) -> ResponseReturnValue:
    """Ask for another product."""
    _accounts, mine, _service = own_service(service_id, Right.ORDERS)
    form = ChangeForm()

    def verb() -> dict[str, Any]:
        return requests_.change_product(
            current_actor(),
            service_id,
            product_id=read_key(form.product.data) or 0,
            remark=form.remark.data or "",
            key=form.idempotency_key.data or "",
        )

    return _send(mine, form, verb, lambda: _change_page(service_id, form))


@portal.get("/services/<id:service_id>/cancel")
@signed_in
def service_cancel(service_id: int) -> ResponseReturnValue:
    """Say what is lost with a service, before it is cancelled."""
    return _cancel_page(service_id, CancelForm(formdata=None))


@portal.post("/services/<id:service_id>/cancel")
@signed_in
def service_cancel_request(service_id: int) -> ResponseReturnValue:
    """Ask for a cancellation."""
    _accounts, mine, _service = own_service(service_id, Right.ORDERS)
    form = CancelForm()

    def verb() -> dict[str, Any]:
        return requests_.cancel(
            current_actor(),
            service_id,
            when=form.when.data or "",
            reason=form.reason.data or "",
            key=form.idempotency_key.data or "",
        )

    return _send(mine, form, verb, lambda: _cancel_page(service_id, form))


@portal.get("/services/<id:service_id>/password")
@signed_in
def service_password(service_id: int) -> ResponseReturnValue:
    """Say how a service gets a new password."""
    return _password_page(service_id, RequestForm(formdata=None))


@portal.post("/services/<id:service_id>/password")
@signed_in
def service_password_request(service_id: int) -> ResponseReturnValue:
    """Ask for a new password; none is typed or shown here."""
    _accounts, mine, _service = own_service(service_id, Right.MANAGE_PRODUCTS)
    form = RequestForm()

    def verb() -> dict[str, Any]:
        return requests_.renew_password(
            current_actor(), service_id, remark=form.remark.data or "", key=form.idempotency_key.data or ""
        )

    return _send(mine, form, verb, lambda: _password_page(service_id, form))


def _send(
    mine: Membership, form: PortalForm, verb: Callable[[], dict[str, Any]], page: Callable[[], Any]
) -> ResponseReturnValue:
    number = mine.customer.number
    try:
        form.require()
        with transaction():
            answer = verb()
    except (Reused, Conflict) as refusal:
        form["idempotency_key"].data = uuid4().hex
        return show_again(refusal, form, page)
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return show_again(refusal, form, page)
    if wants_json():
        return jsonify(request=answer), 201
    flash(gettext("Request %(ticket)s was sent. We will write to you.", ticket=answer["ticket"]), "success")
    return redirect(url_for("portal.requests", account=number), 303)


def _order_page(mine: Membership, form: OrderForm) -> str:
    products = products_on_sale(mine.customer.currency)
    return _page("order", own_accounts(Right.ORDERS), mine, form, products=_priced(products, mine.customer))


def _change_page(service_id: int, form: ChangeForm) -> str:
    accounts, mine, service = own_service(service_id, Right.ORDERS)
    products = _priced(list(requests_.products_for_change(service)), mine.customer)
    return _page("change", accounts, mine, form, service=service, products=products)


def _cancel_page(service_id: int, form: CancelForm) -> str:
    accounts, mine, service = own_service(service_id, Right.ORDERS)
    return _page("cancel", accounts, mine, form, service=service, hosted=_hosted(mine, service))


def _password_page(service_id: int, form: RequestForm) -> str:
    accounts, mine, service = own_service(service_id, Right.MANAGE_PRODUCTS)
    return _page("password", accounts, mine, form, service=service)


def _page(name: str, accounts: Any, mine: Membership, form: Any, **values: Any) -> str:
    form.idempotency_key.data = form.idempotency_key.data or uuid4().hex
    return render_template(f"portal/requests/{name}.html", accounts=accounts, mine=mine, form=form, **values)


def _hosted(mine: Membership, service: Service) -> list[Service]:
    """Return what is hosted with a service and is still in use, as far as the reader sees it."""
    found = linked_services(service, mine.held_rights().__contains__)[1]
    return [one for one in found if one.status.value != "cancelled"]


def _priced(products: list[Product], customer: Customer) -> list[tuple[Product, int]]:
    """Return products with what a period of them costs this customer, PDV included where it is charged."""
    rule = rule_for(customer.tax_status, issuer_in_vat_system=settings().issuer.in_vat_system)
    return [(product, product.price + rule.on(product.price, product.tax_bp)) for product in products]


def _line(row: ServiceRequest) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind.value,
        "state": row.state.value,
        "ticket": row.ticket.number,
        "service": None if row.service is None else row.service.number,
        "product": row.product or None,
        "requested_at": local_time(row.requested_at),
        "ended_at": local_time(row.ended_at),
        "answer": row.answer or None,
    }
