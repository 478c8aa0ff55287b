"""What the records of a zone may be together. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from console.core.errors import Text
from console.core.texts import lazy_gettext
from console.hosting.dns.models import RecordType
from console.hosting.dns.names import APEX, whole
from console.hosting.dns.rules import RecordData

MAX_RECORDS = 20_000
MAX_SET = 40_000  # characters of the records with one name and type: an answer ends at 64 KB
_ADDRESSES = frozenset({RecordType.A, RecordType.AAAA})
_ByName = dict[str, list[RecordData]]


@dataclass(frozen=True)
class Problem:
    """What is wrong with a zone. ``field``: of the record's form, where it is added or changed."""

    record: RecordData
    field: str
    message: Text


def align_ttls(records: Sequence[RecordData], first: RecordData | None = None) -> list[RecordData]:
    """Give the records with one name and type one TTL: they are answered together (RFC 2181, 5.2).

    Args:
        first: the record whose TTL counts for its own; elsewhere the shortest does.
    """
    ttls: dict[tuple[str, RecordType], int] = {}
    for one in records:
        key = (one.name, one.type)
        ttls[key] = min(one.ttl, ttls.get(key, one.ttl))
    if first is not None:
        ttls[first.name, first.type] = first.ttl
    return [
        one if one.ttl == ttls[one.name, one.type] else replace(one, ttl=ttls[one.name, one.type]) for one in records
    ]


def find_problems(records: Sequence[RecordData], zone: str, others: int = 0) -> list[Problem]:
    """Return what a name server would refuse, or answer otherwise than it looks here.

    Args:
        zone: the domain in ASCII.
        others: how many more it has, which ``records`` have nothing to do with.
    """
    if len(records) + others > MAX_RECORDS:
        message = lazy_gettext("A zone can have at most %(count)d records.", count=MAX_RECORDS)
        return [Problem(records[-1], "name", message)]
    by_name: _ByName = defaultdict(list)
    for one in records:
        by_name[one.name].append(one)
    cuts = frozenset(one.name for one in records if one.type is RecordType.NS and one.name != APEX)
    return [
        *_repeated(records),
        *_aliases(by_name, zone),
        *_sets(records),
        *_name_servers(by_name, zone),
        *_delegated(records, cuts),
    ]


def _repeated(records: Iterable[RecordData]) -> Iterator[Problem]:
    seen = set()
    for one in records:
        if one.key in seen:
            yield Problem(one, "value", lazy_gettext("This record already exists."))
        seen.add(one.key)


def _aliases(by_name: _ByName, zone: str) -> Iterator[Problem]:
    """A CNAME is alone at its name (RFC 1034, 3.6.2)."""
    for name, here in by_name.items():
        alias = next((one for one in here if one.type is RecordType.CNAME), None)
        if alias is None:
            continue
        if len(here) > 1:
            message = lazy_gettext(
                "%(name)s has a CNAME, which cannot be combined with other records of that name.", name=name
            )
            yield Problem(alias, "name", message)
        if alias.value == f"{whole(name, zone)}.":
            yield Problem(alias, "value", lazy_gettext("A CNAME cannot point to itself."))


def _sets(records: Iterable[RecordData]) -> Iterator[Problem]:
    sizes: dict[tuple[str, RecordType], int] = defaultdict(int)
    exchanges: dict[str, list[RecordData]] = defaultdict(list)
    for one in records:
        key = (one.name, one.type)
        if sizes[key] <= MAX_SET < sizes[key] + len(one.value) + 16:
            message = lazy_gettext("Too many records of this type for one name: an answer would not fit.")
            yield Problem(one, "value", message)
        sizes[key] += len(one.value) + 16
        if one.type is RecordType.MX:
            exchanges[one.name].append(one)
    for here in exchanges.values():  # RFC 7505, 3
        null = next((one for one in here if one.value == "0 ."), None)
        if null is not None and len(here) > 1:
            message = lazy_gettext("“0 .” means that the name receives no mail: remove the other MX records first.")
            yield Problem(null, "value", message)


def _name_servers(by_name: _ByName, zone: str) -> Iterator[Problem]:
    """A name server of the zone within the zone has an address there: otherwise no server loads it."""
    for name, here in by_name.items():
        for one in here:
            if one.type is not RecordType.NS:
                continue
            target = inside(one.value, zone)
            if target is None:
                continue
            types = {other.type for other in by_name.get(target, ())}
            if RecordType.CNAME in types:
                yield Problem(one, "value", lazy_gettext("A name server cannot be a CNAME."))
            elif not types & _ADDRESSES and (name == APEX or _is_at_or_below(target, name)):
                message = lazy_gettext("%(name)s needs an A or AAAA record first.", name=whole(target, zone))
                yield Problem(one, "value", message)


def _delegated(records: Iterable[RecordData], cuts: frozenset[str]) -> Iterator[Problem]:
    """Below a delegation only addresses of its name servers are answered."""
    if not cuts:
        return
    for one in records:
        if one.type in _ADDRESSES or (one.type is RecordType.NS and one.name in cuts and not _above(one.name, cuts)):
            continue
        cut = one.name if one.name in cuts else _above(one.name, cuts)
        if cut:
            message = lazy_gettext(
                "%(name)s is delegated to other name servers (NS), so this record would never be answered.", name=cut
            )
            yield Problem(one, "name", message)


def _above(name: str, cuts: frozenset[str]) -> str | None:
    """Return the delegation that a name lies below."""
    while "." in name:
        name = name.partition(".")[2]
        if name in cuts:
            return name
    return None


def inside(value: str, zone: str) -> str | None:
    """Return the name in the zone that a record points to, ``None`` for one elsewhere."""
    name = value.removesuffix(".")
    if name == zone:
        return APEX
    return name.removesuffix(f".{zone}") if name.endswith(f".{zone}") else None


def _is_at_or_below(name: str, above: str) -> bool:
    return name == above or name.endswith(f".{above}")
