"""The trail, for those who read it."""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup, escape
from sqlalchemy import Select
from sqlalchemy.orm import joinedload

from console.audit import sealing
from console.audit.models import AuditEntry
from console.core.ids import CUSTOMER_BASE
from console.core.series import Series
from console.core.texts import gettext, lazy_gettext
from console.staff.roles import Permission
from console.views.audit.filters import FILTERS
from console.views.shared.base import BaseModelView
from console.views.shared.labels.audit import ACTOR_KINDS, SUBJECT_KINDS, action_name
from console.web import filters


def views() -> list[BaseModelView]:
    """Return the list."""
    return [AuditList()]


def _place(_view: Any, _context: Any, row: AuditEntry, _name: str) -> Markup:
    return Markup('<span class="ref">{}</span>').format(row.id)


def _at(_view: Any, _context: Any, row: AuditEntry, _name: str) -> Markup:
    return filters.ago(row.at)


def _actor(_view: Any, _context: Any, row: AuditEntry, _name: str) -> Markup:
    kind = ACTOR_KINDS.get(row.actor_kind, row.actor_kind)
    return Markup('{} <span class="muted">{}</span>').format(sealing.name_of(row), kind)


def _address(_view: Any, _context: Any, row: AuditEntry, _name: str) -> str:
    return sealing.address_of(row) or "—"


def _action(_view: Any, _context: Any, row: AuditEntry, _name: str) -> Markup:
    words = action_name(row.action)
    return Markup("<code>{}</code>").format(words) if words == row.action else escape(words)


def _action_in_full(view: Any, context: Any, row: AuditEntry, name: str) -> Markup:
    """Write an action with its key, as programs and the export know it."""
    return _action(view, context, row, name) + Markup(' <code class="muted">{}</code>').format(row.action)


def _subject(_view: Any, _context: Any, row: AuditEntry, _name: str) -> Markup:
    """Write what an entry is about; a key, as of a person or a digest of an address, with the word for its kind."""
    kind, colon, key = row.subject.partition(":")
    if not colon or kind not in SUBJECT_KINDS:
        return escape(row.subject)
    return Markup('{} <span class="muted ref">{}</span>').format(SUBJECT_KINDS[kind], key)


def _customer(_view: Any, _context: Any, row: AuditEntry, _name: str) -> str:
    return "—" if row.customer_id is None else Series.CUSTOMER.number(CUSTOMER_BASE + row.customer_id)


def _data(_view: Any, _context: Any, row: AuditEntry, _name: str) -> Markup:
    data = sealing.data_of(row)
    if not data:
        return Markup("—")
    facts = Markup("").join(
        Markup("<dt>{}</dt><dd>{}</dd>").format(name, value if isinstance(value, str) else _written(value))
        for name, value in data.items()
    )
    return Markup('<dl class="facts">{}</dl>').format(facts)


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


class AuditList(BaseModelView):
    """Who did what to whom, when."""

    permission = Permission.READ_AUDIT
    group = "oversight"
    letter = "t"
    can_export = True
    can_view_details = True

    column_list = ("id", "at", "actor_name", "action", "subject", "customer_id")
    column_details_list = (
        "id", "at", "actor_name", "address", "action", "subject", "customer_id", "data", "key_id", "previous", "digest",
    )  # fmt: skip
    column_export_list = ("id", "at", "actor_kind", "actor_name", "address", "action", "subject", "customer_id", "data")
    column_labels = {
        "id": lazy_gettext("Number"),
        "at": lazy_gettext("When"),
        "actor_kind": lazy_gettext("Kind"),
        "actor_name": lazy_gettext("Who"),
        "address": lazy_gettext("From address"),
        "action": lazy_gettext("What"),
        "subject": lazy_gettext("Affected item"),
        "customer_id": lazy_gettext("Account"),
        "data": lazy_gettext("Details"),
        "key_id": lazy_gettext("Key"),
        "previous": lazy_gettext("Previous hash"),
        "digest": lazy_gettext("Hash"),
    }
    column_formatters = {
        "id": _place,
        "at": _at,
        "actor_name": _actor,
        "address": _address,
        "action": _action,
        "subject": _subject,
        "customer_id": _customer,
        "data": _data,
    }
    column_formatters_detail = column_formatters | {"action": _action_in_full}
    column_options = (joinedload(AuditEntry.person_key),)
    list_filters = FILTERS
    lead = lazy_gettext(
        "Each entry is chained to the previous one; the command “console audit verify” checks the whole log."
    )
    empty_icon = "history"
    empty_title = lazy_gettext("No entries yet")
    empty_text = lazy_gettext("Every sign-in, verification and change is recorded here.")

    def __init__(self) -> None:
        super().__init__(
            AuditEntry, name=lazy_gettext("Audit log"), endpoint="audit", url="audit", menu_icon_value="log"
        )

    def read_rows(self, query: Select[Any]) -> list[Any]:
        rows = super().read_rows(query)
        sealing.open_all(rows)
        return rows

    def row_link(self, row: Any) -> str:
        return self.get_url(".details_view", id=row.id)

    def row_name(self, row: Any) -> str:
        return gettext("entry %(place)s", place=row.id)

    def as_json(self, row: Any) -> dict[str, Any]:
        return super().as_json(row) | {
            "actor_kind": row.actor_kind,
            "actor_name": sealing.name_of(row),
            "customer": None if row.customer_id is None else Series.CUSTOMER.number(CUSTOMER_BASE + row.customer_id),
            "data": sealing.data_of(row),
        }

    def export_cell(self, row: Any, name: str) -> Any:
        if name in ("actor_name", "address"):
            return sealing.name_of(row) if name == "actor_name" else sealing.address_of(row)
        return _written(sealing.data_of(row)) if name == "data" else super().export_cell(row, name)
