"""The list of service migrations."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from sqlalchemy import case
from sqlalchemy.orm import joinedload, selectinload

from console.billing.migration.registry import tasks_due
from console.billing.models import Migration, MigrationItem, MigrationState
from console.core.texts import gettext, lazy_gettext, lazy_pgettext
from console.customers.models import Customer
from console.staff.roles import Permission
from console.views.migrations.registry import TaskRow, due_rows
from console.views.shared import formatters
from console.views.shared.base import BaseModelView
from console.views.shared.filters import Choice, CustomerNumber
from console.views.shared.labels.migrations import migration_url, origin_of
from console.views.shared.labels.states import MIGRATION_STATE, SCHEDULED, migration_label
from console.views.shared.menu import customer_url
from console.web.answers import local_time
from console.web.identity import current_actor

MOST_OVERDUE = 5
_WAITS_FOR_DAY = (Migration.state == MigrationState.APPROVED) & Migration.scheduled_for.is_not(None)
_HAS_DAY = case((_WAITS_FOR_DAY, "yes"), else_="no")
_NO_DAY = lazy_pgettext("migration", "not scheduled")


def views() -> list[BaseModelView]:
    """Return the list; a request is ``new``, one migration ``page``."""
    return [MigrationList()]


def _party(customer: Customer) -> Markup:
    return Markup('<a class="plain" href="{}">{}</a> <span class="muted ref">{}</span>').format(
        customer_url(customer.number), customer.name, customer.number
    )


def _requested(view: Any, context: Any, row: Migration, name: str) -> Markup:
    at = formatters.ago(view, context, row, name)
    if row.batch_id is not None:
        return Markup('{} <span class="muted">· {}</span>').format(at, gettext("bulk migration"))
    if not row.from_portal:
        return at
    return Markup('{} <span class="muted">· {}</span>').format(at, gettext("from the portal"))


class MigrationList(BaseModelView):
    """Every migration."""

    permission = Permission.SEE_MIGRATIONS
    group = "billing"
    letter = "m"
    list_template = "admin/migrations/list.html"

    column_list = ("ref", "state", "from_customer", "to_customer", "services", "requested_at")
    column_labels = {
        "ref": lazy_gettext("Number"),
        "state": lazy_gettext("State"),
        "from_customer": lazy_gettext("Old owner"),
        "to_customer": lazy_gettext("New owner"),
        "services": lazy_gettext("Services"),
        "requested_at": lazy_gettext("Requested"),
    }
    column_formatters = {
        "state": lambda _v, _c, row, _n: migration_label(row).status(),
        "from_customer": lambda _v, _c, row, _n: _party(row.from_customer),
        "to_customer": lambda _v, _c, row, _n: _party(row.to_customer),
        "services": lambda _v, _c, row, _n: str(len(row.items)),
        "requested_at": _requested,
    }
    column_options = (
        joinedload(Migration.from_customer).load_only(Customer.name),
        joinedload(Migration.to_customer).load_only(Customer.name),
        selectinload(Migration.items).load_only(MigrationItem.id),
    )
    list_filters = (
        Choice("state", lazy_gettext("State"), Migration.state, {k.value: v.text for k, v in MIGRATION_STATE.items()}),
        Choice("scheduled", lazy_gettext("Day of execution"), _HAS_DAY, {"yes": SCHEDULED.text, "no": _NO_DAY}),
        CustomerNumber("from", lazy_gettext("Old owner’s number"), Migration.from_customer_id),
        CustomerNumber("to", lazy_gettext("New owner’s number"), Migration.to_customer_id),
    )
    lead = lazy_gettext("A service and its open pro-formas always move together.")
    empty_icon = "migrate"
    empty_title = lazy_gettext("No migrations yet")
    empty_text = lazy_gettext("Start one from the page of a verified customer.")

    def __init__(self) -> None:
        super().__init__(
            Migration,
            name=lazy_gettext("Migrations"),
            endpoint="migrations",
            url="migrations",
            menu_icon_value="migrate",
        )

    @property
    def may_request(self) -> bool:
        """Return whether this person may request migrations."""
        return current_actor().may(Permission.REQUEST_MIGRATION)

    @property
    def may_move_many(self) -> bool:
        """Return whether this person may move services by a file."""
        return current_actor().may(Permission.MIGRATE_MANY)

    def overdue_tasks(self) -> list[TaskRow]:
        """Return what of the registry's part is late, the latest first."""
        return due_rows(tasks_due(overdue=True, limit=MOST_OVERDUE))

    def row_link(self, row: Any) -> str:
        return migration_url(row.ref)

    def row_name(self, row: Any) -> str:
        return str(row.ref)

    def as_json(self, row: Any) -> dict[str, Any]:
        return super().as_json(row) | {
            "from_customer": row.from_customer.number,
            "to_customer": row.to_customer.number,
            "services": len(row.items),
            "origin": origin_of(row),
            "scheduled_for": local_time(row.scheduled_for),
            "expiry_reason": row.expiry_reason,
        }
