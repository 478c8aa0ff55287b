"""Labels and addresses of migrations."""

from __future__ import annotations

from flask import url_for

from console.billing.migration.models import BatchState, ItemState
from console.billing.models import Migration
from console.core.texts import lazy_pgettext
from console.views.shared.labels.states import Label

BATCH_STATE = {
    BatchState.CHECKING: Label(lazy_pgettext("batch", "being checked"), "clock", "info"),
    BatchState.CHECKED: Label(lazy_pgettext("batch", "ready to start"), "clock", "warn"),
    BatchState.RUNNING: Label(lazy_pgettext("batch", "running"), "refresh", "info"),
    BatchState.STOPPED: Label(lazy_pgettext("batch", "stopped"), "pause", "warn"),
    BatchState.DONE: Label(lazy_pgettext("batch", "finished"), "ok", "ok"),
    BatchState.WITHDRAWN: Label(lazy_pgettext("batch", "withdrawn"), "ban", "void"),
}
ITEM_STATE = {
    ItemState.NEW: Label(lazy_pgettext("row", "not checked yet"), "clock"),
    ItemState.READY: Label(lazy_pgettext("row", "will move"), "arrow-right", "info"),
    ItemState.ALONG: Label(lazy_pgettext("row", "moves with another row"), "link", "info"),
    ItemState.REFUSED: Label(lazy_pgettext("row", "does not move"), "x", "danger"),
    ItemState.DONE: Label(lazy_pgettext("row", "moved"), "ok", "ok"),
}


def migration_url(ref: str) -> str:
    """Return the address of a migration's page."""
    return url_for("migration.index", ref=ref)


def origin_of(migration: Migration) -> str:
    """Return where a migration began, for programs: ``staff``, ``portal`` or ``batch``."""
    if migration.batch_id is not None:
        return "batch"
    return "portal" if migration.from_portal else "staff"
