"""Lost devices that wait out their 24 hours: refused or let go on, whichever account their person is on."""

from __future__ import annotations

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue
from flask_admin import expose

from console.core.texts import lazy_gettext
from console.identity.queries import WaitingRecovery, waiting_recoveries
from console.staff.roles import Permission
from console.views.shared.base import Page
from console.web.answers import local_time, wants_json

MOST = 100  # a row waits four days at most


def views() -> list[Page]:
    """Return the list."""
    return [
        RecoveriesPage(
            name=lazy_gettext("Lost devices"), endpoint="recoveries", url="recoveries", menu_icon_value="phone"
        )
    ]


class RecoveriesPage(Page):
    """Each with who asked, from where, and until when nothing happens. The customer's page takes the decision."""

    permission = Permission.REVIEW_RECOVERY
    group = "customers"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """List what waits, the first to be ready first."""
        found = waiting_recoveries(MOST)
        if wants_json():
            return jsonify(items=[_payload(one) for one in found], next=None)
        rendered: str = self.render("admin/customers/recoveries.html", recoveries=found)
        return rendered


def _payload(one: WaitingRecovery) -> dict[str, Any]:
    row = one.recovery
    return {
        "id": row.id,
        "person": row.person.name,
        "customers": [account.number for account in one.accounts],
        "started_at": local_time(row.started_at),
        "ready_at": local_time(row.ready_at),
        "expires_at": local_time(row.expires_at),
        "address": row.address,
        "reviewed_by": row.reviewed_by.name if row.reviewed_by else None,
    }
