"""Reading zones, their history, and how far they are published."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select, true
from sqlalchemy.orm import contains_eager, undefer

from console.core.context import settings
from console.core.db import db
from console.core.errors import NotFound
from console.core.ids import read_key
from console.hosting.dns.consistency import inside
from console.hosting.dns.models import Publication, Record, RecordType, Version, Zone
from console.hosting.dns.names import APEX, BadName, to_ascii
from console.hosting.dns.rules import RecordData
from console.hosting.dns.zone_files import Authority
from console.hosting.models import DOMAIN_SEARCH, Domain, Service

PAGE_SIZE = 100
MAX_FILTER = 100
MAX_DOMAINS = 200
HISTORY_SIZE = 50


@dataclass(frozen=True)
class ZoneState:
    """A domain with its zone. Before the first record there is none: version 0."""

    domain: Domain
    zone: Zone | None
    publication: Publication | None

    @property
    def version(self) -> int:
        return self.zone.version if self.zone else 0

    @property
    def serial(self) -> int:
        return self.zone.serial if self.zone else 0

    @property
    def customer_id(self) -> int:
        return self.domain.service.customer_id

    @property
    def failing_since(self) -> datetime | None:
        """Since when the name servers do not take what is saved here."""
        return self.publication.failing_since if self.publication and self.is_waiting else None

    @property
    def is_waiting(self) -> bool:
        """Return whether the name servers do not have the newest version yet."""
        return self.publication is not None and self.publication.published_version < self.publication.version


@dataclass(frozen=True)
class RecordPage:
    """A part of a zone's records. ``total``: how many the filter leaves."""

    records: Sequence[Record]
    page: int
    total: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE_SIZE))


@dataclass(frozen=True)
class RecordFilter:
    """Which of a zone's records a list shows."""

    text: str
    kind: str
    page: int

    @classmethod
    def of(cls, query: Mapping[str, str]) -> RecordFilter:
        """Read it from the query of an address."""
        text = query.get("q", "").strip()[:MAX_FILTER]
        return cls(text, query.get("type", ""), read_key(query.get("page")) or 1)


def authority() -> Authority:
    """Return what the zones of this installation say of themselves."""
    now = settings()
    return Authority(now.dns_servers, now.dns_mailbox or now.mail_from)


def list_zones(customer_id: int, text: str = "") -> list[ZoneState]:
    """Return the domains of an account with their zones, by name.

    Args:
        text: a part of the name as the DNS has it, or words of it as people write them.
    """
    query = (
        select(Domain, Zone, Publication)
        .join(Domain.service)
        .outerjoin(Zone, Zone.domain_id == Domain.id)
        .outerjoin(Publication, Publication.zone_id == Zone.id)
        .options(contains_eager(Domain.service))
        .where(Service.customer_id == customer_id)
        .order_by(Domain.name_key, Domain.id)
        .limit(MAX_DOMAINS)
    )
    if text:
        query = query.where(_is_called(text))
    return [ZoneState(*row) for row in db.session.execute(query)]


def _is_called(text: str) -> ColumnElement[bool]:
    """Return the condition on a domain's name. Of an international one the DNS has the IDNA form alone."""
    parts = {text.lower()}
    with suppress(BadName):  # it is found by what was typed alone
        parts.add(to_ascii(text))
    conditions = [Domain.name.contains(part, autoescape=True) for part in sorted(parts)]
    found = DOMAIN_SEARCH.matches(db.session(), Domain.id, text, whole=True)
    return or_(*conditions, found) if found is not None else or_(*conditions)


def find_zone(name: str, customer_ids: Collection[int] | None = None) -> ZoneState:
    """Return a domain with its zone.

    Args:
        name: the domain in ASCII.
        customer_ids: the accounts that it may belong to; any where not given.

    Raises:
        NotFound: there is none, or it belongs to another account.
    """
    query = (
        select(Domain, Zone, Publication)
        .join(Domain.service)
        .outerjoin(Zone, Zone.domain_id == Domain.id)
        .outerjoin(Publication, Publication.zone_id == Zone.id)
        .options(contains_eager(Domain.service))
        .where(Domain.name == name.lower())
    )
    if customer_ids is not None:
        query = query.where(Service.customer_id.in_(customer_ids))
    row = db.session.execute(query).first()
    if row is None:
        raise NotFound
    return ZoneState(*row)


def list_records(zone: Zone | None, text: str = "", kind: str = "", page: int = 1) -> RecordPage:
    """Return a page of a zone's records: those of the domain itself first, then by name.

    Args:
        text: what name or value contain.
        kind: a type.
    """
    if zone is None:
        return RecordPage((), 1, 0)
    condition = and_(Record.zone_id == zone.id, _matches(text, kind))
    total = db.session.scalar(select(func.count()).select_from(Record).where(condition)) or 0
    page = max(1, min(page, -(-total // PAGE_SIZE)))
    query = select(Record).where(condition).order_by(*_ORDER).limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)
    return RecordPage(db.session.scalars(query).all(), page, total)


def all_records(zone: Zone | None) -> list[tuple[int, RecordData]]:
    """Return every record of a zone with its key, in the order of :func:`list_records`."""
    if zone is None:
        return []
    return list(_records(zone, true()).items())


def count_records(zone: Zone) -> int:
    """Return how many records a zone has."""
    return db.session.scalar(select(func.count()).select_from(Record).where(Record.zone_id == zone.id)) or 0


def records_around(zone: Zone, domain: str, names: Collection[str]) -> dict[int, RecordData]:
    """Return the records of some names by their keys, the zone's name servers, and what is at those within it.

    Args:
        domain: the zone's name in ASCII.
    """
    found = _records(zone, or_(Record.name.in_(names), Record.type == RecordType.NS))
    servers = {inside(one.value, domain) for one in found.values() if one.type is RecordType.NS}
    return found | _records(zone, Record.name.in_(servers - {None, *names}))


def _records(zone: Zone, condition: ColumnElement[bool]) -> dict[int, RecordData]:
    query = select(Record.id, Record.name, Record.type, Record.ttl, Record.value)
    rows = db.session.execute(query.where(Record.zone_id == zone.id, condition).order_by(*_ORDER))
    return {key: RecordData(name, kind, ttl, value) for key, name, kind, ttl, value in rows}


def find_record(zone: Zone | None, key: int) -> Record:
    """Return one record of a zone.

    Raises:
        NotFound: it has no such record.
    """
    query = select(Record).where(Record.id == key, Record.zone_id == (zone.id if zone else 0))
    record = db.session.scalar(query)
    if record is None:
        raise NotFound
    return record


def record_data(zone: Zone, key: int) -> RecordData:
    """Return what one record of a zone says now.

    Raises:
        NotFound: it has no such record.
    """
    found = _records(zone, Record.id == key)
    if not found:
        raise NotFound
    return found[key]


def find_saved(state: ZoneState, number: object) -> Version | None:
    """Return the version that an address says was just saved, while it is the present one: it can be undone."""
    key = read_key(number)
    return find_version(state.zone, key) if key is not None and key == state.version else None


def list_versions(zone: Zone | None, before: int | None = None) -> Sequence[Version]:
    """Return a zone's versions, newest first, one more than a page shows.

    Args:
        before: only those with a lower number.
    """
    if zone is None:
        return ()
    query = select(Version).where(Version.zone_id == zone.id).order_by(Version.number.desc()).limit(HISTORY_SIZE + 1)
    if before is not None:
        query = query.where(Version.number < before)
    return db.session.scalars(query).all()


def find_version(zone: Zone | None, number: int) -> Version:
    """Return one version of a zone with what it changed.

    Raises:
        NotFound: there is none.
    """
    version = db.session.scalar(
        select(Version)
        .options(undefer(Version.added), undefer(Version.removed))
        .where(Version.zone_id == (zone.id if zone else 0), Version.number == number)
    )
    if version is None:
        raise NotFound
    return version


def records_at(zone: Zone, number: int, now: Sequence[RecordData]) -> list[RecordData]:
    """Return the records that a zone had in one of its versions; version 0 had none.

    Args:
        now: those it has now, from which the saves since are taken back.
    """
    query = (
        select(Version.added, Version.removed)
        .where(Version.zone_id == zone.id, Version.number > number)
        .order_by(Version.number.desc())
    )
    records = dict.fromkeys(now)
    for row in db.session.execute(query):
        added: list[Any] = row.added
        removed: list[Any] = row.removed
        for values in added:
            records.pop(to_record(values), None)
        records.update(dict.fromkeys(map(to_record, removed)))
    return list(records)


def to_record(values: Sequence[object]) -> RecordData:
    """Return a record as a version stores it."""
    name, kind, ttl, value = values
    return RecordData(str(name), RecordType(str(kind)), int(str(ttl)), str(value))


def _matches(text: str, kind: str) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [true()]
    if text:
        found = [Record.name.icontains(text, autoescape=True), Record.value.icontains(text, autoescape=True)]
        conditions.append(or_(*found))
    if kind in RecordType.__members__:
        conditions.append(Record.type == RecordType(kind))
    return and_(*conditions)


_ORDER = (case((Record.name == APEX, 0), else_=1), Record.name, Record.type, Record.id)
