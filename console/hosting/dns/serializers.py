"""Records for programs, on the customers' pages and on an agent's."""

from __future__ import annotations

from typing import Any

from console.hosting.dns import queries
from console.hosting.dns.models import Record
from console.hosting.dns.rules import RecordData, to_display
from console.hosting.dns.saving import Change


def record_payload(key: int | None, record: Record | RecordData) -> dict[str, Any]:
    """Return a record; its value as people type it."""
    return {
        "id": key,
        "name": record.name,
        "type": record.type.value,
        "ttl": record.ttl,
        "value": to_display(record.type, record.value),
    }


def change_payload(change: Change) -> dict[str, Any]:
    """Return what became of a record that was added or changed, and the version that it is part of."""
    record = queries.find_record(change.zone, change.record_id or 0)
    return {"record": record_payload(record.id, record), "version": change.version}
