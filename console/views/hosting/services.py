"""The list of services, for those who read documents by role."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import joinedload, load_only

from console.core.texts import lazy_gettext
from console.customers.models import Customer
from console.hosting.labels import SUSPENSION
from console.hosting.models import SERVICE_SEARCH, Product, Service, ServiceStatus
from console.staff.roles import Permission
from console.views.shared import formatters
from console.views.shared.base import BaseModelView
from console.views.shared.filters import Choice, CustomerNumber, Day
from console.views.shared.labels.states import SERVICE_STATUS
from console.views.shared.menu import customer_url


def views() -> list[BaseModelView]:
    """Return the list."""
    return [ServiceList()]


class ServiceList(BaseModelView):
    """Every service and its owner."""

    permission = Permission.READ_DOCUMENTS
    group = "customers"
    letter = "u"
    can_export = True

    column_list = ("number", "label", "product", "customer", "status", "paid_until")
    # What `console import --services` needs to read it back.
    column_export_list = (
        "number", "external_id", "label", "product", "customer", "status", "suspension", "started_on", "paid_until",
        "price", "currency", "period_months", "auto_renew",
    )  # fmt: skip
    column_labels = {
        "number": lazy_gettext("Number"),
        "label": lazy_gettext("Service"),
        "product": lazy_gettext("Product"),
        "customer": lazy_gettext("Customer"),
        "status": lazy_gettext("State"),
        "started_on": lazy_gettext("From"),
        "paid_until": lazy_gettext("Paid until"),
        "external_id": lazy_gettext("External id"),
        "suspension": lazy_gettext("Suspension reason"),
        "price": lazy_gettext("Price without PDV"),
        "currency": lazy_gettext("Currency"),
        "period_months": lazy_gettext("Months"),
        "auto_renew": lazy_gettext("Renews"),
    }
    amount_columns = ("price",)
    state_columns = {"status": SERVICE_STATUS, "suspension": SUSPENSION}
    column_formatters = {
        "product": lambda _view, _context, row, _name: row.product.name,
        "customer": formatters.customer,
        "status": formatters.state(SERVICE_STATUS),
        "paid_until": formatters.day,
    }
    column_options = (
        joinedload(Service.product).load_only(Product.name),
        joinedload(Service.customer).load_only(Customer.name),
        load_only(
            Service.customer_id,
            Service.product_id,
            Service.label,
            Service.status,
            Service.started_on,
            Service.paid_until,
            Service.external_id,
            Service.suspension,
            Service.price,
            Service.currency,
            Service.period_months,
            Service.auto_renew,
        ),
    )
    search_index = SERVICE_SEARCH
    search_hint = lazy_gettext("Number, domain or host name")
    list_filters = (
        Choice("status", lazy_gettext("State"), Service.status, {k.value: v.text for k, v in SERVICE_STATUS.items()}),
        CustomerNumber("customer", lazy_gettext("Customer number"), Service.customer_id),
        Day("paid_until", lazy_gettext("Paid until, at the latest"), Service.paid_until, compare="until"),
    )
    empty_icon = "server"
    empty_title = lazy_gettext("No services yet")
    empty_text = lazy_gettext("Customers appear after an import or their first order.")

    def __init__(self) -> None:
        super().__init__(
            Service, name=lazy_gettext("Services"), endpoint="services", url="services", menu_icon_value="server"
        )

    def row_link(self, row: Any) -> str:
        return customer_url(row.customer.number)

    def row_state(self, row: Any) -> str:
        return "is-void" if row.status is ServiceStatus.CANCELLED else ""

    def as_json(self, row: Any) -> dict[str, Any]:
        return super().as_json(row) | {"id": row.id, "product": row.product.name, "customer": row.customer.number}

    def export_cell(self, row: Any, name: str) -> Any:
        if name == "product":
            return row.product.name
        return row.customer.number if name == "customer" else super().export_cell(row, name)
