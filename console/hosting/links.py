"""Linked services: a domain or a certificate and the hosting it is hosted with. One account owns a whole chain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, bindparam, or_, select
from sqlalchemy.orm import aliased

from console.core.db import db
from console.hosting.models import Service

_EDGE: BindParameter[Any] = bindparam("edge", expanding=True)
# Whose they are is asked of what was found: named here, SQLite would read all services of the account.
_NEAR = select(Service.id, Service.hosted_with_id, Service.customer_id).where(
    or_(Service.id.in_(_EDGE), Service.hosted_with_id.in_(_EDGE))
)


class Linked(NamedTuple):
    """Services by id, and whether one of them is linked to a service that is not among them."""

    ids: set[int]
    crosses: bool


def with_linked(customer_id: int, chosen: Iterable[int], leave: Collection[int] = ()) -> set[int]:
    """Return the ids of :func:`find_linked`."""
    return find_linked(customer_id, chosen, leave).ids


def find_linked(customer_id: int, chosen: Iterable[int], leave: Collection[int] = ()) -> Linked:
    """Return the chosen services of an account and all services linked to them.

    Args:
        leave: services that are left out; so is what is linked to the chosen ones only through them.
    """
    found = set(chosen)
    edge, ends = set(found), set[int]()
    while edge:
        near = db.session.execute(_NEAR, {"edge": list(edge)}).all()
        ends |= {key for row in near if row.hosted_with_id is not None for key in (row.id, row.hosted_with_id)}
        ids = {key for (*pair, owner) in near if owner == customer_id for key in pair if key is not None}
        edge = ids - found - set(leave)
        found |= edge
    return Linked(found, crosses=not ends <= found)


def broken_links() -> list[tuple[Service, Service]]:
    """Return services whose host is another account's, with that host.

    There are none, unless a database was written around us.
    """
    hosted, host = aliased(Service), aliased(Service)
    query = (
        select(hosted, host)
        .join(host, host.id == hosted.hosted_with_id)
        .where(hosted.customer_id != host.customer_id)
        .order_by(hosted.id)
    )
    return [(service, its_host) for service, its_host in db.session.execute(query)]


def groups(services: Sequence[Service]) -> list[list[Service]]:
    """Put linked services side by side, each group in the order given."""
    root = {service.id: service.id for service in services}

    def find(key: int) -> int:
        while root[key] != key:
            key = root[key]
        return key

    for service in services:
        if service.hosted_with_id in root:
            root[find(service.id)] = find(service.hosted_with_id)
    found: dict[int, list[Service]] = defaultdict(list)
    for service in services:
        found[find(service.id)].append(service)
    return list(found.values())
