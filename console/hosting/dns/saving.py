"""What every change of a zone goes through: who may, on which version, and what one save leaves behind."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import delete, insert, select, update

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Text
from console.core.texts import lazy_gettext
from console.core.upsert import insert_missing
from console.customers.access import require_right
from console.customers.owners import owner_of
from console.customers.rights import Right
from console.hosting.dns import mails
from console.hosting.dns.consistency import align_ttls, find_problems
from console.hosting.dns.models import Cause, Publication, Record, RecordType, Version, Zone
from console.hosting.dns.queries import all_records, count_records, records_around
from console.hosting.dns.rules import RecordData
from console.hosting.models import Domain, Service, ServiceStatus, SuspensionReason

MAX_PROBLEMS = 10  # that are named
MAX_RECORDED = 20  # records of a save that the audit log names
_CHUNK = 500  # keys in one statement
ACTIONS = {
    Cause.ADDED: "dns.record_added",
    Cause.CHANGED: "dns.record_changed",
    Cause.DELETED: "dns.record_deleted",
    Cause.DRAFT: "dns.zone_replaced",
    Cause.IMPORTED: "dns.zone_imported",
    Cause.RESTORED: "dns.version_restored",
}


@dataclass(frozen=True)
class Difference:
    """What is added to a zone and removed from it, each in order. A record that changes is in both."""

    added: list[RecordData] = field(default_factory=list)
    removed: list[RecordData] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


@dataclass(frozen=True)
class Change:
    """What a save did. Without a difference there is no new version.

    Args:
        version: the zone's present one.
        record_id: the record that was added or changed.
    """

    zone: Zone
    version: int
    difference: Difference
    record_id: int | None = None


@dataclass(frozen=True)
class OpenZone:
    """A zone, locked, with its records as they are now by their keys.

    Args:
        rows: all of them, or those that a change of one can concern.
        others: how many there are besides.
    """

    actor: Actor
    domain: Domain
    zone: Zone
    rows: dict[int, RecordData] = field(default_factory=dict)
    others: int = 0

    @property
    def name(self) -> str:
        return self.domain.name


def open_zone(actor: Actor, domain_id: int, version: int) -> OpenZone:
    """Lock a zone for a change of any of its records.

    Raises:
        NotFound, Conflict: as :func:`lock_zone`.
    """
    opened = lock_zone(actor, domain_id, version)
    return replace(opened, rows=dict(all_records(opened.zone)))


def open_around(opened: OpenZone, *changed: RecordData) -> OpenZone:
    """Return a locked zone with the records that one record can be wrong with, as it was and as it will be.

    The others were checked when they were saved and are what they were: a large zone is as quick as a small one. A name
    server decides over all that is below its name: then it is the whole zone.
    """
    if any(one.type is RecordType.NS for one in changed):
        return replace(opened, rows=dict(all_records(opened.zone)))
    rows = records_around(opened.zone, opened.name, {one.name for one in changed})
    return replace(opened, rows=rows, others=count_records(opened.zone) - len(rows))


def lock_zone(actor: Actor, domain_id: int, version: int) -> OpenZone:
    """Lock a zone for a change, without its records.

    Args:
        version: the one that ``actor`` looked at.

    Raises:
        NotFound: there is no such domain, or ``actor`` may not manage the account's domains.
        Conflict: ``suspended``, or ``version``: it was changed since.
    """
    domain = db.session.get(Domain, domain_id)
    if domain is None:
        raise NotFound
    # Held still: a migration that is just giving it away comes before this or after it.
    service = db.session.scalars(
        select(Service)
        .where(Service.id == domain.service_id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    ).one()
    require_right(actor, service.customer_id, Right.MANAGE_DOMAINS)
    _require_usable(service)
    insert_missing(Zone, [{"domain_id": domain.id, "version": 0, "serial": 0}], Zone.domain_id)
    query = select(Zone).where(Zone.domain_id == domain.id).with_for_update()
    zone = db.session.scalars(query.execution_options(populate_existing=True)).one()
    if version != zone.version:
        raise Conflict(
            lazy_gettext(
                "The zone was changed in the meantime. Nothing was saved; look at it again and repeat your change."
            ),
            code="version",
            details={"version": zone.version},
        )
    return OpenZone(actor, domain, zone)


def save(
    opened: OpenZone,
    records: Sequence[tuple[int | None, RecordData]],
    cause: Cause,
    *,
    first: RecordData | None = None,
    restored: int | None = None,
) -> Change:
    """Make ``records`` the zone's: a version, its audit entry, its place in the outbox, a mail where staff did it.

    Args:
        records: all that were opened, with the key of the row that each continues.
        first: the record that was added or changed.
        restored: the version that is put back.

    Raises:
        Invalid: they cannot be in one zone.
    """
    checked = check([one for _key, one in records], opened.name, first, others=opened.others)
    rows = list(zip((key for key, _one in records), checked, strict=True))
    difference = compare(opened.rows.values(), checked)
    zone = opened.zone
    if not difference:
        return Change(zone, zone.version, difference)
    _write_rows(opened, rows)
    zone.version += 1
    zone.serial = next_serial(zone.serial)
    _note_version(opened, cause, difference, restored)
    _enqueue(zone)
    _record(opened, cause, difference, restored)
    mails.tell_account(opened.actor, opened.domain, difference.added, difference.removed)
    return Change(zone, zone.version, difference)


def empty_zones(customer_ids: Collection[int]) -> int:
    """Take everything out of the zones of accounts, with their history, as part of an erasure; return how many.

    The name servers get them without records, as a version that follows on the last one.
    """
    owned = select(Domain.id).join(Domain.service).where(Service.customer_id.in_(customer_ids))
    query = select(Zone).where(Zone.domain_id.in_(owned)).order_by(Zone.id).with_for_update(of=Zone)
    zones = db.session.scalars(query.execution_options(populate_existing=True)).all()
    for zone in zones:
        for part in (Record, Version):
            db.session.execute(delete(part).where(part.zone_id == zone.id))
        zone.version += 1
        zone.serial = next_serial(zone.serial)
        db.session.flush()
        _enqueue(zone)
        db.session.execute(update(Publication).where(Publication.zone_id == zone.id).values(last_error=""))
    return len(zones)


def compare(before: Iterable[RecordData], after: Iterable[RecordData]) -> Difference:
    """Return what leads from the one to the other."""
    old, new = set(before), set(after)
    return Difference(sorted(new - old), sorted(old - new))


def check(
    records: Sequence[RecordData], zone: str, first: RecordData | None = None, *, others: int = 0
) -> list[RecordData]:
    """Return records as a zone may have them, with one TTL for each name and type.

    Args:
        first: the record that was added or changed: messages are at its form's fields, and its TTL counts.
        others: how many more the zone has.

    Raises:
        Invalid: they cannot be in one zone; at ``text`` for a whole zone.
    """
    aligned = align_ttls(records, first)
    _require_consistent(aligned, zone, first, others)
    return aligned


def next_serial(serial: int) -> int:
    """Return the serial after ``serial``: the day and a number where it can be (RFC 1912, 2.2), always a larger one."""
    return max(serial + 1, int(f"{clock.now():%Y%m%d}00"))


def with_keys(opened: OpenZone, records: Iterable[RecordData]) -> list[tuple[int | None, RecordData]]:
    """Return records with the keys of the rows that they continue."""
    keys = {one.key: key for key, one in opened.rows.items()}
    return [(keys.get(one.key), one) for one in records]


def _require_usable(service: Service) -> None:
    if service.status is ServiceStatus.CANCELLED or service.suspension is SuspensionReason.ABUSE:
        raise Conflict(
            lazy_gettext(
                "This domain is suspended or cancelled, so its DNS records cannot be changed. Contact support."
            ),
            code="suspended",
        )


def _require_consistent(records: Sequence[RecordData], zone: str, first: RecordData | None, others: int) -> None:
    """Refuse records that cannot be in one zone.

    Raises:
        Invalid: at the field of the record's form, or at ``text`` for a whole zone.
    """
    wrong: dict[str, list[Text]] = {}
    for problem in find_problems(records, zone, others)[:MAX_PROBLEMS]:
        one = problem.record
        if first is not None and one.name == first.name:
            wrong.setdefault(problem.field, []).append(problem.message)
        else:
            name = lazy_gettext(
                "%(name)s %(type)s: %(problem)s", name=one.name, type=one.type.value, problem=problem.message
            )
            wrong.setdefault("text" if first is None else "value", []).append(name)
    if wrong:
        raise Invalid(fields={name: list(dict.fromkeys(map(str, found))) for name, found in wrong.items()})


def _write_rows(opened: OpenZone, rows: Sequence[tuple[int | None, RecordData]]) -> None:
    zone_id = opened.zone.id
    present = {key: one for key, one in rows if key is not None}
    gone = [key for key in opened.rows if key not in present]
    for start in range(0, len(gone), _CHUNK):
        chunk = gone[start : start + _CHUNK]
        statement = delete(Record).where(Record.id.in_(chunk))
        db.session.execute(statement.execution_options(synchronize_session=False))
    for key, one in present.items():
        if opened.rows[key] != one:
            values = {"name": one.name, "type": one.type, "ttl": one.ttl, "value": one.value}
            db.session.execute(update(Record).where(Record.id == key).values(values))
    fresh = [_to_row(zone_id, one) for key, one in rows if key is None]
    if fresh:
        db.session.execute(insert(Record), fresh)


def _to_row(zone_id: int, one: RecordData) -> dict[str, Any]:
    return {"zone_id": zone_id, "name": one.name, "type": one.type, "ttl": one.ttl, "value": one.value}


def _note_version(opened: OpenZone, cause: Cause, difference: Difference, restored: int | None) -> None:
    zone, actor = opened.zone, opened.actor
    db.session.add(
        Version(
            zone_id=zone.id,
            number=zone.version,
            serial=zone.serial,
            saved_at=clock.now(),
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_name=actor.name[:120],
            cause=cause,
            restored=restored,
            added_count=len(difference.added),
            removed_count=len(difference.removed),
            added=list(map(_to_values, difference.added)),
            removed=list(map(_to_values, difference.removed)),
        )
    )
    db.session.flush()


def _to_values(one: RecordData) -> list[object]:
    return [one.name, one.type.value, one.ttl, one.value]


def _enqueue(zone: Zone) -> None:
    """Let the zone be published: at once, also where an earlier try has failed."""
    row = {"zone_id": zone.id, "version": 0, "published_version": 0, "failures": 0, "last_error": ""}
    insert_missing(Publication, [row], Publication.zone_id)
    values = {"version": zone.version, "due_at": clock.now()}
    db.session.execute(update(Publication).where(Publication.zone_id == zone.id).values(values))


def _record(opened: OpenZone, cause: Cause, difference: Difference, restored: int | None) -> None:
    added, removed = difference.added, difference.removed
    data: dict[str, Any] = {
        "version": opened.zone.version,
        "added_count": len(added),
        "removed_count": len(removed),
    }
    if restored is not None:
        data["restored"] = restored
    customer_id = opened.domain.service.customer_id
    record(
        opened.actor,
        ACTIONS[cause],
        opened.name,
        customer_id=customer_id,
        about=owner_of(customer_id),
        # What a record says is its owner's, as a TXT with their address is.
        personal={
            "added": [_to_values(one) for one in added[:MAX_RECORDED]],
            "removed": [_to_values(one) for one in removed[:MAX_RECORDED]],
        },
        **data,
    )
