"""Verbs on the records of a domain. Each makes one new version, or changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select

from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound
from console.customers.access import require_right
from console.customers.rights import Right
from console.hosting.dns.models import Cause, Record
from console.hosting.dns.queries import ZoneState, all_records, record_data, records_at
from console.hosting.dns.rules import RecordData, RecordInput, read_record
from console.hosting.dns.saving import (
    Change,
    Difference,
    check,
    compare,
    lock_zone,
    open_around,
    open_zone,
    save,
    with_keys,
)


def add_record(actor: Actor, domain_id: int, typed: RecordInput, version: int) -> Change:
    """Add a record to a domain.

    Args:
        version: of the zone as ``actor`` saw it.

    Raises:
        NotFound: there is no such domain, or ``actor`` may not manage the account's domains.
        Conflict: ``version``: the zone was changed since; ``suspended``.
        Invalid: with a message for each wrong field.
    """
    opened = lock_zone(actor, domain_id, version)
    one = read_record(typed, opened.name)
    opened = open_around(opened, one)
    change = save(opened, [*opened.rows.items(), (None, one)], Cause.ADDED, first=one)
    return _with_record(change, one)


def change_record(actor: Actor, domain_id: int, record_id: int, typed: RecordInput, version: int) -> Change:
    """Change a record; it keeps its key.

    Raises:
        NotFound, Conflict, Invalid: as :func:`add_record`; there is no such record.
    """
    opened = lock_zone(actor, domain_id, version)
    before = record_data(opened.zone, record_id)
    one = read_record(typed, opened.name)
    opened = open_around(opened, before, one)
    rows = [(key, one if key == record_id else other) for key, other in opened.rows.items()]
    return _with_record(save(opened, rows, Cause.CHANGED, first=one), one)


def delete_record(actor: Actor, domain_id: int, record_id: int, version: int) -> Change:
    """Delete a record. Putting back the version before undoes it.

    Raises:
        NotFound, Conflict: as :func:`add_record`; there is no such record.
        Invalid: a name server of the zone would lose its address.
    """
    opened = lock_zone(actor, domain_id, version)
    opened = open_around(opened, record_data(opened.zone, record_id))
    rows = [(key, one) for key, one in opened.rows.items() if key != record_id]
    return save(opened, rows, Cause.DELETED)


def replace_zone(
    actor: Actor, domain_id: int, records: Sequence[RecordData], version: int, *, imported: bool = False
) -> Change:
    """Make ``records`` all that a domain has.

    Args:
        records: as :func:`console.hosting.dns.zone_files.read` returns them.
        imported: they came from elsewhere, and were not edited here.

    Raises:
        NotFound, Conflict: as :func:`add_record`.
        Invalid: at ``text``: they cannot be in one zone.
    """
    opened = open_zone(actor, domain_id, version)
    return save(opened, with_keys(opened, records), Cause.IMPORTED if imported else Cause.DRAFT)


def restore_version(actor: Actor, domain_id: int, number: int, version: int) -> Change:
    """Put an earlier version of a zone back, as a new one.

    Args:
        number: the version to put back; 0 is the zone before its first record.

    Raises:
        NotFound, Conflict: as :func:`add_record`; there is no such version.
    """
    opened = open_zone(actor, domain_id, version)
    if not 0 <= number < opened.zone.version:
        raise NotFound
    records = records_at(opened.zone, number, list(opened.rows.values()))
    return save(opened, with_keys(opened, records), Cause.RESTORED, restored=number)


def preview(actor: Actor, state: ZoneState, records: Sequence[RecordData]) -> Difference:
    """Return what :func:`replace_zone` would do with ``records``, without doing it.

    Raises:
        NotFound: ``actor`` may not manage the account's domains.
        Invalid: at ``text``: they cannot be in one zone.
    """
    require_right(actor, state.customer_id, Right.MANAGE_DOMAINS)
    before = [one for _key, one in all_records(state.zone)]
    return compare(before, check(records, state.domain.name))


def difference_to(state: ZoneState, number: int) -> Difference:
    """Return what putting an earlier version back would do."""
    before = [one for _key, one in all_records(state.zone)]
    return compare(before, records_at(state.zone, number, before) if state.zone else [])


def _with_record(change: Change, one: RecordData) -> Change:
    query = select(Record.id).where(
        Record.zone_id == change.zone.id, Record.name == one.name, Record.type == one.type, Record.value == one.value
    )
    return replace(change, record_id=db.session.scalars(query).one())
