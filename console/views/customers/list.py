"""The list of accounts: what all of the desk may see without a verification, and nothing more."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import load_only

from console.core.texts import lazy_gettext, lazy_pgettext
from console.customers.models import CUSTOMER_SEARCH, Customer
from console.staff.roles import Permission
from console.views.shared import formatters
from console.views.shared.base import BaseModelView
from console.views.shared.filters import Choice
from console.views.shared.labels.states import CUSTOMER_KIND, CUSTOMER_STATUS
from console.views.shared.menu import customer_url


def views() -> list[BaseModelView]:
    """Return the list."""
    return [CustomerList()]


class CustomerList(BaseModelView):
    """Accounts by number and name."""

    permission = Permission.FIND_CUSTOMERS
    group = "customers"
    letter = "k"

    column_list = ("number", "name", "kind", "status")
    column_labels = {
        "number": lazy_gettext("Number"),
        "name": lazy_pgettext("account", "Name"),
        "kind": lazy_gettext("Kind"),
        "status": lazy_gettext("State"),
    }
    column_formatters = {
        "kind": formatters.state(CUSTOMER_KIND),
        "status": formatters.state(CUSTOMER_STATUS),
    }
    # The rest of the row is not even read.
    column_options = (load_only(Customer.id, Customer.name, Customer.name_key, Customer.kind, Customer.status),)
    sort_columns = {"name": Customer.name_key}
    search_index = CUSTOMER_SEARCH
    search_hint = lazy_gettext("Number or name")
    list_filters = (
        Choice("kind", lazy_gettext("Kind"), Customer.kind, {k.value: v.text for k, v in CUSTOMER_KIND.items()}),
        Choice("status", lazy_gettext("State"), Customer.status, {k.value: v.text for k, v in CUSTOMER_STATUS.items()}),
    )
    lead = lazy_gettext("Find an account by number or name. Personal data opens after verification.")
    empty_icon = "users"
    empty_title = lazy_gettext("No customers yet")
    empty_text = lazy_gettext("Customers appear after an import or their first order.")

    def __init__(self) -> None:
        super().__init__(
            Customer, name=lazy_gettext("Customers"), endpoint="customers", url="customers", menu_icon_value="users"
        )

    def row_link(self, row: Any) -> str:
        return customer_url(row.number)

    def row_state(self, row: Any) -> str:
        return "is-void" if row.status == "closed" else ""
