"""The list of registered names, for those who read documents by role."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from sqlalchemy.orm import joinedload

from console.core.texts import lazy_gettext
from console.customers.models import Customer
from console.hosting.models import DOMAIN_SEARCH, Domain, Service
from console.staff.roles import Permission
from console.views.shared import formatters
from console.views.shared.base import BaseModelView
from console.views.shared.filters import Day
from console.views.shared.labels.states import expires, today
from console.views.shared.menu import customer_url
from console.web import filters


def views() -> list[BaseModelView]:
    """Return the list."""
    return [DomainList()]


def _expiry(_view: Any, _context: Any, row: Domain, _name: str) -> Markup:
    return Markup('{} <span class="muted">{}</span>').format(filters.day(row.expires_on), expires(row.expires_on))


class DomainList(BaseModelView):
    """Every domain, its owner and its expiry."""

    permission = Permission.READ_DOCUMENTS
    group = "customers"
    letter = "o"
    can_export = True

    column_list = ("name", "customer", "registered_on", "expires_on")
    column_export_list = ("name", "service", "customer", "registered_on", "expires_on")
    column_labels = {
        "name": lazy_gettext("Domain"),
        "service": lazy_gettext("Service"),
        "customer": lazy_gettext("Customer"),
        "registered_on": lazy_gettext("Registered"),
        "expires_on": lazy_gettext("Expires"),
    }
    column_formatters = {
        "customer": lambda view, context, row, name: formatters.customer(view, context, row.service, name),
        "registered_on": formatters.day,
        "expires_on": _expiry,
    }
    column_options = (
        joinedload(Domain.service).load_only(Service.customer_id).joinedload(Service.customer).load_only(Customer.name),
    )
    search_index = DOMAIN_SEARCH
    search_hint = lazy_gettext("Name contains")
    sort_columns = {"expires_on": Domain.expires_on, "name": Domain.name_key}
    list_filters = (
        Day("expires_from", lazy_gettext("Expires from"), Domain.expires_on, compare="from"),
        Day("expires_until", lazy_gettext("Expires until"), Domain.expires_on, compare="until"),
    )
    empty_icon = "globe"
    empty_title = lazy_gettext("No domains yet")
    empty_text = lazy_gettext("Domains appear after an import or the first registration.")

    def __init__(self) -> None:
        super().__init__(
            Domain, name=lazy_gettext("Domains"), endpoint="domains", url="domains", menu_icon_value="globe"
        )

    def row_link(self, row: Any) -> str:
        return customer_url(row.service.customer.number)

    def row_state(self, row: Any) -> str:
        return "is-late" if row.expires_on < today() else ""

    def as_json(self, row: Any) -> dict[str, Any]:
        return {
            "id": row.id,
            "name": row.name,
            "service": row.service.number,
            "customer": row.service.customer.number,
            "registered_on": row.registered_on.isoformat(),
            "expires_on": row.expires_on.isoformat(),
        }

    def export_cell(self, row: Any, name: str) -> Any:
        if name == "customer":
            return row.service.customer.number
        return row.service.number if name == "service" else super().export_cell(row, name)
