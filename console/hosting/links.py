"""What hangs together: a domain or a certificate and the hosting it is hosted with. One account owns a whole chain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import aliased, joinedload

from console.core.db import db
from console.hosting.models import Service


@dataclass(frozen=True)
class Link:
    """One service and the one it is hosted with."""

    hosted: Service
    host: Service

    def other(self, ids: Collection[int]) -> Service:
        """Return the end that is not among ``ids``, the host where neither is."""
        return self.hosted if self.host.id in ids else self.host


def with_linked(customer_id: int, chosen: Iterable[int], leave: Collection[int] = ()) -> set[int]:
    """Return the chosen services of an account with all that hangs together with them, as ids.

    Args:
        leave: services that are not taken along; nor is what hangs on the chosen ones only through them.
    """
    found = set(chosen)
    edge = set(found)
    while edge:
        near = select(Service.id, Service.hosted_with_id).where(
            Service.customer_id == customer_id, or_(Service.id.in_(edge), Service.hosted_with_id.in_(edge))
        )
        ids = {key for pair in db.session.execute(near) for key in pair if key is not None}
        edge = ids - found - set(leave)
        found |= edge
    return found


def crossing(ids: Collection[int]) -> list[Link]:
    """Return the links of which one end alone is among ``ids``: what moving just these would tear apart."""
    hosted, host = aliased(Service), aliased(Service)
    query = (
        select(hosted, host)
        .join(host, host.id == hosted.hosted_with_id)
        .where(
            or_(
                and_(hosted.id.in_(ids), host.id.not_in(ids)),
                and_(host.id.in_(ids), hosted.id.not_in(ids)),
            )
        )
        .order_by(hosted.id)
        .options(joinedload(hosted.product), joinedload(host.product))
    )
    return [Link(*pair) for pair in db.session.execute(query)]


def torn() -> list[Link]:
    """Return the links between services of two accounts. There are none, unless a database was written around us."""
    hosted, host = aliased(Service), aliased(Service)
    query = (
        select(hosted, host)
        .join(host, host.id == hosted.hosted_with_id)
        .where(hosted.customer_id != host.customer_id)
        .order_by(hosted.id)
    )
    return [Link(*pair) for pair in db.session.execute(query)]


def groups(services: Sequence[Service]) -> list[list[Service]]:
    """Put services that hang together side by side, each group in the order given."""
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
