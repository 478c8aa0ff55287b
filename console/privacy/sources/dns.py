"""The zones of domains: as files of every version, and emptied at an erasure, at the name servers too."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, select, update

from console.core.db import db
from console.customers.models import Customer, Person
from console.hosting.dns import zone_files
from console.hosting.dns.models import Version, Zone
from console.hosting.dns.queries import all_records, authority, list_zones, records_at
from console.hosting.dns.saving import empty_zones
from console.privacy.parts import ANONYMOUS, Erased, Part, Source, dump


def _of_person(person: Person) -> Iterator[Part]:
    """Yield what they saved, on the accounts of others too, where what a zone says is the account's."""
    query = select(Version, Zone).join(Zone, Zone.id == Version.zone_id).where(*_saved_by(person)).order_by(Version.id)
    yield Part(
        "dns-versions",
        [
            dump(version, "added", "removed", "actor_id") | {"domain": zone.domain.name}
            for version, zone in db.session.execute(query)
        ],
    )


def _of_account(customer: Customer) -> Iterator[Part]:
    for state in list_zones(customer.id):
        if state.zone is not None:
            yield Part(f"accounts/{customer.number}/dns/{state.domain.name}", _versions(state.domain.name, state.zone))


def _versions(name: str, zone: Zone) -> list[dict[str, object]]:
    """Return every version of a zone as a file. Who saved it is called by what they are."""
    now = [one for _key, one in all_records(zone)]
    rows = db.session.scalars(select(Version).where(Version.zone_id == zone.id).order_by(Version.number.desc()))
    return [
        dump(row, "added", "removed", "actor_id", "actor_name")
        | {"zone_file": zone_files.write(name, row.serial, records_at(zone, row.number, now), authority())}
        for row in rows
    ]


def _erase(person: Person) -> Erased:
    """Empty the zones of their accounts with all versions; a version that they saved elsewhere names no one."""
    count = empty_zones([row.customer_id for row in person.memberships if row.is_owner])
    db.session.execute(update(Version).where(*_saved_by(person)).values(actor_name=ANONYMOUS))
    return Erased({"zones": count})


def _saved_by(person: Person) -> tuple[ColumnElement[bool], ...]:
    return Version.actor_kind == "person", Version.actor_id == person.id


SOURCE = Source("dns", _of_person, _of_account, _erase)
