"""Reading what a plan is made of, under lock when it is about to be carried out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from console.billing.migration.obstacles import Obstacle, account_obstacles, service_obstacles
from console.billing.migration.plan import Cut, Former, Line, MovingService, Party, Plan, Source, build
from console.billing.models import ACTIVE_STATUSES, Migration, MigrationItem, Proforma, ProformaLine
from console.billing.service import today
from console.core.context import settings
from console.core.db import db
from console.customers.models import Customer, TaxStatus
from console.hosting.links import Link, crossing
from console.hosting.models import Service

T = TypeVar("T")


def plan_for(migration: Migration) -> Plan:
    """Work out what executing ``migration`` now would do."""
    return _plan(migration, lock=False)[0]


def locked_plan(migration: Migration) -> tuple[Plan, list[Proforma]]:
    """Do the same, holding all it rests on until the transaction ends, and return its documents too.

    Locks are taken in the one order that all follow: customers, services, pro-formas.
    """
    return _plan(migration, lock=True)


def _plan(migration: Migration, *, lock: bool) -> tuple[Plan, list[Proforma]]:
    service_ids = [item.service_id for item in migration.items]
    old, new = _parties(migration, lock)
    services = _services(migration, lock)
    links = crossing(service_ids)
    documents = _active_proformas(service_ids, lock)
    issuer = settings().issuer
    plan = build(
        day=today(),
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
        ],
    )
    return plan, documents


def _parties(migration: Migration, lock: bool) -> tuple[Customer, Customer]:
    ids = (migration.from_customer_id, migration.to_customer_id)
    query = select(Customer).where(Customer.id.in_(ids)).order_by(Customer.id)
    found = {customer.id: customer for customer in _read(query, lock, Customer)}
    return found[ids[0]], found[ids[1]]


def _services(migration: Migration, lock: bool) -> dict[int, Service]:
    """Return what moves and what stays behind of it, by id: the link between them is written on one or the other."""
    ids = [*(item.service_id for item in migration.items), *migration.left_behind]
    query = select(Service).where(Service.id.in_(ids)).order_by(Service.id).options(joinedload(Service.product))
    return {service.id: service for service in _read(query, lock, Service)}


def _link_obstacles(migration: Migration, links: Sequence[Link]) -> list[Obstacle]:
    """Return what would be torn off without having been named in the request."""
    moving = {item.service_id for item in migration.items}
    others = {link.other(moving).id: link.other(moving).number for link in links}
    unnamed = tuple(number for key, number in others.items() if key not in migration.left_behind)
    return [Obstacle("hosted_together", unnamed)] if unnamed else []


def _read(query: Select[T], lock: bool, of: type[T]) -> list[T]:
    if lock:
        # An account is held against changes, but not against rows that merely point at it (KEY SHARE):
        # who issues a document meanwhile holds the service first and the account after.
        query = query.with_for_update(of=of, key_share=of is Customer).execution_options(populate_existing=True)
    return list(db.session.scalars(query))


def _active_proformas(service_ids: Sequence[int], lock: bool) -> list[Proforma]:
    """Return every active pro-forma with a line of one of the services, whole."""
    with_line = select(ProformaLine.proforma_id).where(ProformaLine.service_id.in_(service_ids))
    query = (
        select(Proforma)
        .where(Proforma.id.in_(with_line), Proforma.status.in_(ACTIVE_STATUSES))
        .order_by(Proforma.id)
        .options(selectinload(Proforma.lines))
    )
    return _read(query, lock, Proforma)


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
    )


def _moving(item: MigrationItem, services: Mapping[int, Service]) -> MovingService:
    service = services[item.service_id]
    return MovingService(
        id=service.id,
        number=service.number,
        label=service.label,
        product=service.product.name,
        status=service.status.value,
        along=item.along,
    )


def services_in_migration(service_ids: Sequence[int]) -> list[Service]:
    """Return those of the services that an open migration already holds."""
    query = select(Service).join(MigrationItem, MigrationItem.service_id == Service.id)
    return list(db.session.scalars(query.where(MigrationItem.open, Service.id.in_(service_ids)).order_by(Service.id)))
