"""Reading a migration and what its plan is made of, under lock when a decision is about to be carried out.

Order of locks everywhere: idempotency key, migration, customers, services, pro-formas, number series, audit head. Of
several migrations the older first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import BindParameter, Select, bindparam, inspect, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from console.billing.migration.obstacles import (
    Obstacle,
    account_obstacles,
    check_four_eyes,
    check_right,
    check_state,
    refusal,
    service_obstacles,
)
from console.billing.migration.plan import Cut, Former, Line, MovingService, Party, Plan, Source, Terms, build
from console.billing.models import ACTIVE_STATUSES, Migration, MigrationItem, MigrationState, Proforma, ProformaLine
from console.billing.service import today
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import NotFound
from console.core.ids import read_number
from console.customers.models import Customer, TaxStatus, Verification
from console.hosting.models import Service

T = TypeVar("T")
# Queries are made once: naming every column again took a fifth of the time of an execution.
_HOSTED, _HOST, _REVERSAL = aliased(Service), aliased(Service), aliased(Migration)
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)


def _to_hold(query: Select[T], of: type[T]) -> Select[T]:
    """Return a query that holds what it finds until the transaction ends, as it is now."""
    # An account is held against changes, but not against rows that merely point at it (KEY SHARE):
    # who issues a document meanwhile holds the service first and the account after.
    return query.with_for_update(of=of, key_share=of is Customer).execution_options(populate_existing=True)


_PARTIES = select(Customer).where(Customer.id.in_(_IDS)).order_by(Customer.id)
_SERVICES = (
    select(Service)
    .where(Service.id.in_(_IDS))
    .order_by(Service.id)
    .options(joinedload(Service.product), joinedload(Service.domain))
)
_ACTIVE_PROFORMAS = (
    select(Proforma)
    .where(
        Proforma.id.in_(select(ProformaLine.proforma_id).where(ProformaLine.service_id.in_(_IDS))),
        Proforma.status.in_(ACTIVE_STATUSES),
    )
    .order_by(Proforma.id)
)
_HELD_PARTIES, _HELD_SERVICES = _to_hold(_PARTIES, Customer), _to_hold(_SERVICES, Service)
_HELD_ACTIVE_PROFORMAS = _to_hold(_ACTIVE_PROFORMAS.options(selectinload(Proforma.lines)), Proforma)
_READ_ACTIVE_PROFORMAS = _ACTIVE_PROFORMAS.options(joinedload(Proforma.lines))
_SOURCES = select(Proforma).where(Proforma.id.in_(_IDS)).options(joinedload(Proforma.lines))


@dataclass(frozen=True)
class Link:
    """One service and the one it is hosted with."""

    hosted: Service
    host: Service

    def other(self, ids: Collection[int]) -> Service:
        """Return the end that is not among ``ids``, the host where neither is."""
        return self.hosted if self.host.id in ids else self.host


def plan_for(migration: Migration, day: date | None = None, *, links: Sequence[Link] | None = None) -> Plan:
    """Work out what executing ``migration`` now would do, or on a day to come.

    Args:
        links: :func:`crossing_links` of its services, where they were read already; so are accounts and services that
            were loaded with the migration.
    """
    return _plan(migration, lock=False, day=day, links=links)[0]


def locked_plan(migration: Migration) -> tuple[Plan, list[Proforma]]:
    """Work the same out with the plan's documents, and hold all that it rests on until the transaction ends."""
    return _plan(migration, lock=True)


def lock_step(
    actor: Actor, ref: str, expected: MigrationState, seen: str, *, lose_exemption: bool, day: date | None = None
) -> tuple[Migration, Plan, list[Proforma]]:
    """Return a migration that waits for a step of ``actor``, its plan as of now and the plan's documents, all locked.

    Args:
        expected: the state in which it waits for this step.
        seen: the digest of the plan that was looked at. A yes to a lost exemption counts for this plan alone.
        day: when it is to be executed, where that is not now.

    Raises:
        NotFound: there is none.
        Conflict, Invalid: it is in another state, it is not the plan that was seen, something is in its way, it needs a
            yes it did not get, or another person has to take this step.
    """
    migration = lock_migration(ref)
    check_state(migration, expected)
    check_right(migration)
    plan, documents = _plan(migration, lock=True, day=day)
    if plan.obstacles:
        raise refusal(plan.obstacles[0].code, plan.obstacles[0].concerns)
    if plan.digest != seen:
        raise refusal("stale_plan")
    if plan.loses_exemption and not lose_exemption:
        raise refusal("exemption_lost", plan.exemptions_lost)
    check_four_eyes(actor, migration, plan.totals())
    return migration, plan, documents


def lock_migration(ref: str) -> Migration:
    """Return the migration, locked together with the one that it reverses, whose tasks at the registry it drops.

    Raises:
        NotFound: there is none.
    """
    key = migration_id(ref)
    reversed_by = select(_REVERSAL.reverses_id).where(_REVERSAL.id == key).scalar_subquery()
    query = (
        select(Migration)
        .where(or_(Migration.id == key, Migration.id == reversed_by))
        .order_by(Migration.id)
        .options(
            joinedload(Migration.verification).joinedload(Verification.membership),
            selectinload(Migration.items),
        )
        .with_for_update(of=Migration)
        .execution_options(populate_existing=True)
    )
    found = {migration.id: migration for migration in db.session.scalars(query)}
    if key not in found:
        raise NotFound
    return found[key]


def migration_id(ref: str) -> int:
    """Read ``M-0317``.

    Raises:
        NotFound: it is no reference.
    """
    number = read_number(ref, "M-")
    if number is None:
        raise NotFound
    return number


def key_content(plan: str, *, lose_exemption: bool) -> dict[str, Any]:
    """Return the content that the idempotency key of a step covers."""
    return {"plan": plan} | ({"lose_exemption": True} if lose_exemption else {})


def _plan(
    migration: Migration, *, lock: bool, day: date | None = None, links: Sequence[Link] | None = None
) -> tuple[Plan, list[Proforma]]:
    """Work a plan out, and return its documents too.

    With a lock all it rests on is held until the transaction ends: customers, services, pro-formas, in this order.
    """
    service_ids = [item.service_id for item in migration.items]
    old, new = _parties(migration, lock)
    set_committed_value(migration, "from_customer", old)  # held with it: its steps need not read them again
    set_committed_value(migration, "to_customer", new)
    services = _services(migration, lock)
    for item in migration.items:
        set_committed_value(item, "service", services[item.service_id])
    links = crossing_links(service_ids) if links is None else links
    documents = _active_proformas(service_ids, lock)
    _load_sources(documents, new.tax_status.value)
    issuer = settings().issuer
    plan = build(
        day=day or today(),
        terms_days=issuer.terms_days,
        old=Party(old.id, old.buyer()),
        new=Party(new.id, new.buyer()),
        issuer={**issuer.snapshot("RSD"), "accounts": dict(issuer.accounts)},
        services=[_moving(item, services) for item in migration.items],
        sources=[_source(proforma, new.tax_status) for proforma in documents],
        cuts=[Cut(link.hosted.number, link.host.number, link.other(service_ids).number) for link in links],
        obstacles=[
            *service_obstacles([services[key] for key in service_ids], old.id),
            *account_obstacles(old, new),
            *_link_obstacles(migration, links),
            *(paid_since(migration.reverses_id, old.id) if migration.reverses_id is not None else ()),
        ],
    )
    accepted = migration.accepted_terms
    if accepted is not None and not _are_covered(plan.new_terms, accepted):
        plan = replace(plan, obstacles=(*plan.obstacles, Obstacle("terms_changed")))
    return plan, documents


def _are_covered(terms: Terms, accepted: Terms) -> bool:
    """Return whether everything in ``terms`` was accepted; less may come, never more."""
    return not Counter(map(tuple, terms)) - Counter(map(tuple, accepted))


def _parties(migration: Migration, lock: bool) -> tuple[Customer, Customer]:
    if not lock and inspect(migration).unloaded.isdisjoint({"from_customer", "to_customer"}):
        return migration.from_customer, migration.to_customer
    ids = (migration.from_customer_id, migration.to_customer_id)
    found = {customer.id: customer for customer in _read(_HELD_PARTIES if lock else _PARTIES, ids)}
    return found[ids[0]], found[ids[1]]


def _services(migration: Migration, lock: bool) -> dict[int, Service]:
    """Return what moves, by id, and where it is held what stays behind: the link is written on one or the other."""
    if not lock and all("service" not in inspect(item).unloaded for item in migration.items):
        return {item.service_id: item.service for item in migration.items}
    ids = [*(item.service_id for item in migration.items), *migration.left_behind]
    return {service.id: service for service in _read(_HELD_SERVICES if lock else _SERVICES, ids)}


def _link_obstacles(migration: Migration, links: Sequence[Link]) -> list[Obstacle]:
    """Return linked services that the request does not name."""
    moving = {item.service_id for item in migration.items}
    others = {link.other(moving).id: link.other(moving).number for link in links}
    unnamed = tuple(number for key, number in others.items() if key not in migration.left_behind)
    return [Obstacle("hosted_together", unnamed)] if unnamed else []


def paid_since(migration_id: int, customer_id: int) -> list[Obstacle]:
    """Return what the new owner has paid of the documents that a migration made to them: it is not taken back then."""
    paid = tuple(db.session.scalars(select_paid_since(migration_id, customer_id)))
    return [Obstacle("paid_since", paid)] if paid else []


def select_paid_since(migration_id: int, customer_id: int) -> Select[str]:
    """Select the numbers of :func:`paid_since`.

    A corrected copy stands for its original, however often it was corrected.
    """
    theirs = Proforma.customer_id == customer_id
    made = select(Proforma.id).where(Proforma.migration_id == migration_id, theirs).cte(recursive=True)
    made = made.union(select(Proforma.id).join(made, Proforma.source_id == made.c.id).where(theirs))
    query = select(Proforma.number).where(Proforma.id.in_(select(made.c.id)), Proforma.paid > 0)
    return query.order_by(Proforma.id)


def _read(query: Select[T], ids: Sequence[int]) -> list[T]:
    return list(db.session.scalars(query, {"ids": list(ids)}).unique())


def _active_proformas(service_ids: Sequence[int], lock: bool) -> list[Proforma]:
    """Return every active pro-forma with a line of one of the services, whole."""
    return _read(_HELD_ACTIVE_PROFORMAS if lock else _READ_ACTIVE_PROFORMAS, service_ids)


def _load_sources(documents: Sequence[Proforma], status: str) -> None:
    """Load what ``documents`` were made from as far back as :func:`_former` looks: each step back in one statement."""
    level = [document for document in documents if _tax_status(document) != status]
    while level:
        ids = {document.source_id for document in level if document.source_id is not None}
        sources = {source.id: source for source in _read(_SOURCES, sorted(ids))} if ids else {}
        for document in level:
            set_committed_value(document, "source", sources.get(document.source_id or 0))
        level = [source for source in sources.values() if _tax_status(source) != status]


def _source(proforma: Proforma, new_status: TaxStatus) -> Source:
    status = _tax_status(proforma)
    return Source(
        id=proforma.id,
        number=proforma.number,
        customer_id=proforma.customer_id,
        currency=proforma.currency,
        due_on=proforma.due_on,
        paid=proforma.paid,
        tax_status=status,
        tax_note=proforma.tax_note,
        lines=tuple(_line(line) for line in proforma.lines),
        note=proforma.note,
        former=None if status == new_status.value else _former(proforma, new_status.value),
    )


def _tax_status(proforma: Proforma) -> str:
    """Return the tax status of the buyer a document was issued to."""
    return str(proforma.buyer["tax_status"])


def _former(proforma: Proforma, status: str) -> Former | None:
    """Return the nearest document that ``proforma`` was made from whose buyer had the tax ``status``."""
    came_from = {line.id: line for line in proforma.lines}
    document = proforma.source
    while document is not None:
        above = {line.id: line for line in document.lines}
        came_from = {key: above[line.source_line_id] for key, line in came_from.items() if line.source_line_id in above}
        if _tax_status(document) == status:
            return Former(document.number, document.tax_note, {key: line.tax for key, line in came_from.items()})
        document = document.source
    return None


def _line(line: ProformaLine) -> Line:
    return Line(
        id=line.id,
        position=line.position,
        service_id=line.service_id,
        description=line.description,
        quantity=line.quantity,
        net=line.net,
        tax_bp=line.tax_bp,
        tax=line.tax,
        total=line.total,
        moves=False,
        discount=line.discount,
        discount_bp=line.discount_bp,
        period_from=line.period_from,
        period_to=line.period_to,
    )


def _moving(item: MigrationItem, services: Mapping[int, Service]) -> MovingService:
    service = services[item.service_id]
    return MovingService(
        id=service.id,
        number=service.number,
        label=service.label,
        product=service.product.name,
        status=service.status.value,
        domain=service.domain.name if service.domain is not None else None,
        price=service.price,
        currency=service.currency,
        period_months=service.period_months,
        paid_until=service.paid_until,
        auto_renew=service.auto_renew,
        along=item.along,
    )


def services_in_migration(service_ids: Sequence[int]) -> list[Service]:
    """Return those of the services that an open migration already holds."""
    query = select(Service).join(MigrationItem, MigrationItem.service_id == Service.id)
    return list(db.session.scalars(query.where(MigrationItem.open, Service.id.in_(service_ids)).order_by(Service.id)))


_CROSSING = (
    select(_HOSTED, _HOST)
    .join(_HOST, _HOST.id == _HOSTED.hosted_with_id)
    .where(or_(_HOSTED.id.in_(_IDS), _HOSTED.hosted_with_id.in_(_IDS)))  # of one table: an index answers each
    .where(or_(_HOSTED.id.not_in(_IDS), _HOSTED.hosted_with_id.not_in(_IDS)))
    .order_by(_HOSTED.id)
    .options(joinedload(_HOSTED.product), joinedload(_HOST.product))
)


def crossing_links(ids: Collection[int]) -> list[Link]:
    """Return the links of which one end alone is among ``ids``: what moving just these would tear apart."""
    return [Link(*pair) for pair in db.session.execute(_CROSSING, {"ids": list(ids)})]
