"""The versions of a zone: who saved what and when, and putting one back."""

from __future__ import annotations

from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from console.core.errors import NotFound
from console.core.ids import read_count, read_key
from console.hosting.dns import queries, service, zone_files
from console.hosting.dns.models import Version
from console.hosting.dns.queries import HISTORY_SIZE
from console.portal.blueprint import portal, signed_in
from console.portal.dns.zones import change_zone, changeable_zone, draw, own_zone
from console.web.answers import local_time, wants_json
from console.web.identity import current_actor


@portal.get("/domains/<domain>/history")
@signed_in
def dns_history(domain: str) -> ResponseReturnValue:
    """List the versions of a zone, newest first."""
    mine, state = own_zone(domain)
    before = read_key(request.args.get("before") or request.args.get("next"))
    found = queries.list_versions(state.zone, before)
    rows = found[:HISTORY_SIZE]
    older = rows[-1].number if len(found) > HISTORY_SIZE else None
    if wants_json():
        items = [_payload(one) for one in rows]
        return jsonify(items=items, version=state.version, next=None if older is None else str(older))
    return draw("portal/dns/history.html", mine, state, versions=rows, older=older, before=before)


@portal.get("/domains/<domain>/history/<id:version_number>")
@signed_in
def dns_version(domain: str, version_number: int) -> ResponseReturnValue:
    """Show what one version changed, and what putting it back would change now."""
    mine, state = own_zone(domain)
    version = queries.find_version(state.zone, version_number)
    added, removed = ([queries.to_record(one) for one in values] for values in (version.added, version.removed))
    if wants_json():
        lines = {"added": list(map(zone_files.line, added)), "removed": list(map(zone_files.line, removed))}
        return jsonify(version=_payload(version) | lines)
    difference = service.difference_to(state, version_number) if version_number < state.version else None
    return draw(
        "portal/dns/version.html", mine, state, version=version, added=added, removed=removed, difference=difference
    )


@portal.post("/domains/<domain>/history/<version_number>/restore")
@signed_in
def restore_dns_version(domain: str, version_number: str) -> ResponseReturnValue:
    """Put a version back, as a new one; 0 is the zone before its first record."""
    _mine, state = changeable_zone(domain)
    key = read_count(version_number)
    if key is None:
        raise NotFound
    return change_zone(state, lambda version: service.restore_version(current_actor(), state.domain.id, key, version))


def _payload(version: Version) -> dict[str, Any]:
    return {
        "number": version.number,
        "serial": version.serial,
        "at": local_time(version.saved_at),
        "by": version.actor_name,
        "cause": version.cause.value,
        "restored": version.restored,
        "added_count": version.added_count,
        "removed_count": version.removed_count,
    }
