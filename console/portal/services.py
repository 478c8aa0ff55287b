"""An account's services and domains: the list, and the page of one with what concerns its owner."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import jsonify, render_template, request
from flask.typing import ResponseReturnValue

from console.billing.queries import open_proformas_of, paid_proformas_of
from console.billing.tax import TaxRule, rule_for
from console.core.context import settings
from console.core.errors import NotFound
from console.core.ids import read_key
from console.core.text import one_line
from console.customers.models import Customer, Membership
from console.customers.rights import Right
from console.hosting.models import Service
from console.hosting.queries import (
    ListedService,
    ServiceQuery,
    find_service,
    linked_services,
    list_services,
    ownerships_of,
    right_to_see,
)
from console.portal.accounts import chosen, own_accounts
from console.portal.blueprint import portal, signed_in
from console.tickets.service_requests.labels import KINDS
from console.tickets.service_requests.queries import kinds_for, open_requests_of
from console.web.answers import wants_json

PAGE_SIZE = 25
MAX_SEARCH = 100
VIEWS = ("active", "ended")


@portal.get("/services/")
@signed_in
def services() -> ResponseReturnValue:
    """List the services of the chosen account, what ends first before the rest."""
    accounts = own_accounts(Right.PRODUCTS, Right.DOMAINS)
    mine = chosen(accounts)
    search = one_line(request.args.get("search", ""))[:MAX_SEARCH]
    view = request.args.get("state", "")
    view = view if view in VIEWS else VIEWS[0]
    after = _read_cursor(request.args.get("next", ""))
    query = ServiceQuery(search, ended=view == "ended", after=after)
    found = list_services(mine.customer_id, mine.held_rights().__contains__, query, PAGE_SIZE + 1)
    rows = found[:PAGE_SIZE]
    cursor = _write_cursor(rows[-1].service) if len(found) > PAGE_SIZE else None
    if wants_json():
        return jsonify(items=[_line(row, mine.customer) for row in rows], next=cursor)
    return render_template(
        "portal/services/list.html",
        accounts=accounts,
        mine=mine,
        rows=rows,
        gross=lambda service: gross(service, mine.customer),
        search=search,
        view=view,
        next=cursor,
        first=after is None,
    )


@portal.get("/services/<id:service_id>")
@signed_in
def service(service_id: int) -> ResponseReturnValue:
    """Show one service: its price, what is linked to it, its history, and what can be done about it."""
    accounts, mine, found = own_service(service_id)
    held = mine.held_rights()
    reads_documents = Right.INVOICES in held
    host, hosted = linked_services(found, held.__contains__)
    due = open_proformas_of(found) if reads_documents else []
    if wants_json():
        return jsonify(
            service=_line(ListedService(found, host), mine.customer)
            | {"hosts": [one.number for one in hosted], "open_proformas": [one.number for one in due]}
        )
    return render_template(
        "portal/services/service.html",
        accounts=accounts,
        mine=mine,
        held=held,
        Right=Right,
        service=found,
        gross=gross(found, mine.customer),
        taxed=_rule(mine.customer).charged,
        host=host,
        hosted=hosted,
        due=due,
        paid=paid_proformas_of(found) if reads_documents else [],
        ownerships=ownerships_of(found),
        open_requests=open_requests_of(found.id, kinds_for(held)),
        request_kinds=KINDS,
    )


def own_service(service_id: int, right: Right | None = None) -> tuple[list[Membership], Membership, Service]:
    """Return the reader's accounts, their membership of the one that has a service, and the service.

    Args:
        right: what they need besides the right to see it.

    Raises:
        NotFound: there is no such service, or they may not see it, or do not hold ``right``.
    """
    accounts = list(own_accounts(Right.PRODUCTS, Right.DOMAINS))
    found = find_service(service_id, [one.customer_id for one in accounts])
    mine = next((one for one in accounts if found is not None and one.customer_id == found.customer_id), None)
    if found is None or mine is None:
        raise NotFound
    needed = {right_to_see(found.product.kind)} | ({right} if right is not None else set())
    if not needed <= mine.held_rights():
        raise NotFound
    return accounts, mine, found


def gross(service: Service, customer: Customer) -> int:
    """Return what a period of a service costs this customer, PDV included where it is charged."""
    return service.price + _rule(customer).on(service.price, service.product.tax_bp)


def _rule(customer: Customer) -> TaxRule:
    return rule_for(customer.tax_status, issuer_in_vat_system=settings().issuer.in_vat_system)


def _line(row: ListedService, customer: Customer) -> dict[str, Any]:
    service, domain = row.service, row.service.domain
    return {
        "id": service.id,
        "number": service.number,
        "label": service.label,
        "product": service.product.name,
        "kind": service.product.kind.value,
        "state": service.status.value,
        "suspension": None if service.suspension is None else service.suspension.value,
        "price": service.price,
        "price_with_tax": gross(service, customer),
        "currency": service.currency,
        "period_months": service.period_months,
        "paid_until": service.paid_until.isoformat(),
        "auto_renew": service.auto_renew,
        "transfer_locked": service.transfer_locked,
        "started_on": service.started_on.isoformat(),
        "domain": None if domain is None else domain.name,
        "hosted_with": None if row.host is None else row.host.number,
    }


def _write_cursor(service: Service) -> str:
    return f"{service.paid_until.isoformat()}.{service.id}"


def _read_cursor(text: str) -> tuple[date, int] | None:
    """Return the place that a cursor names, ``None`` for what names none: the list then begins at its start."""
    day, _, key = text.partition(".")
    try:
        return (date.fromisoformat(day), read_key(key) or 0) if text else None
    except ValueError:
        return None
