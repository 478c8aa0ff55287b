"""A migration that begins in the portal: the person who asks for it verifies themselves, by their support PIN.

The same rules, obstacles and mails as where an agent asks for a caller. What an owner sees of a migration is their own
side alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import joinedload, selectinload

from console.billing.migration.decisions import end_withdrawn
from console.billing.migration.obstacles import Obstacle, refusal
from console.billing.migration.plan import Plan, Step
from console.billing.migration.plan_data import crossing_links, lock_migration, migration_id, plan_for
from console.billing.migration.queries import whole_migration
from console.billing.migration.requests import Request, carry_out, content_of, lock_parties
from console.billing.migration.reversal import reversal_obstacles
from console.billing.models import Migration, MigrationItem
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound
from console.core.idempotency import once
from console.customers import signin
from console.customers.access import membership_behind, require_right, rights_of
from console.customers.models import Customer
from console.customers.rights import Right
from console.customers.verification.portal import verify_in_portal
from console.hosting.links import find_linked
from console.hosting.models import Service


@dataclass(frozen=True)
class OwnDocument:
    """What becomes of one pro-forma, as its owner sees it. Totals are with PDV, in minor units."""

    number: str
    currency: str
    total: int
    moves: tuple[str, ...]
    moves_total: int
    stays: tuple[str, ...]
    stays_total: int
    stays_due_on: date | None  # when the new pro-forma for the rest is due
    credited: int = 0  # what was paid on it goes to the account's credit


@dataclass(frozen=True)
class OwnPreview:
    """What a migration would do on its owner's side.

    Args:
        along: services that move because they are linked to a chosen one.
        stays: services that stay although they are linked to one that moves.
        obstacles: why it cannot be asked for, or not be executed now.
        taken: the services that another open migration holds.
    """

    services: list[Service]
    along: list[Service]
    stays: list[Service]
    documents: list[OwnDocument]
    obstacles: tuple[Obstacle, ...]
    taken: tuple[Service, ...] = ()


def request_in_portal(actor: Actor, customer: Customer, request: Request, pin: str, key: str) -> dict[str, Any] | None:
    """Verify the signed-in person by their PIN and ask for a migration, both or neither.

    Args:
        request: its ``verification`` is not looked at: it is made here. One that ``reverses`` a transfer to this
            account names neither services nor owner: who receives a service is not told whose it was.
        pin: the present support PIN of the person on this account.
        key: the person's idempotency key.

    Returns:
        What :func:`console.billing.migration.request_migration` returns; ``None`` where the PIN was wrong, which is
        counted.

    Raises:
        NotFound: the person does not hold ``transfer`` there; what is to be reversed did not come to this account.
        ConfirmationNeeded: ``reauth``: they last showed who they are more than ten minutes ago.
        Invalid, Conflict: the PIN is malformed, or one of ``console.billing.migration.obstacles``.
        TooMany: too many wrong PINs from this address.
    """
    require_right(actor, customer.id, Right.TRANSFER)
    signin.require_confirmed(actor)
    if request.reverses:
        request = replace(request, to_customer=_former_owner(request.reverses, customer))
    # The accounts first: who closes one, or takes a person off it, locks them before the memberships.
    lock_parties(customer.id, request.to_customer)
    membership = membership_behind(actor, customer.id)
    if actor.kind != "person" or membership is None:
        raise NotFound(code="not_allowed")
    verification = verify_in_portal(actor, membership, pin)
    if verification is None:
        return None
    request = replace(request, verification=verification.id)
    content = content_of(request) | {"customer": customer.id}
    return once(f"migration.portal:{actor.id}", key, content, lambda: carry_out(actor, request))


def _former_owner(ref: str, customer: Customer) -> str:
    """Return the number of the account from which a migration came to this one."""
    query = (
        select(Customer)
        .join(Migration, Migration.from_customer_id == Customer.id)
        .where(Migration.id == migration_id(ref), Migration.to_customer_id == customer.id)
    )
    found = db.session.scalar(query)
    if found is None:
        raise NotFound
    return found.number


def withdraw_in_portal(actor: Actor, ref: str, reason: str) -> Migration:
    """Take a request back, by the person in whose name it was made; they need not say why.

    Raises:
        NotFound: it is not theirs, or they may no longer transfer services.
        Conflict: it has ended.
    """
    if not may_withdraw(actor, lock_migration(ref)):
        raise NotFound(code="not_allowed")
    return end_withdrawn(actor, ref, reason, must_say=False)


def may_withdraw(actor: Actor, migration: Migration) -> bool:
    """Return whether ``actor`` is the person in whose name it was requested, and still may transfer services."""
    membership = migration.verification.membership if migration.verification is not None else None
    return (
        actor.kind == "person"
        and membership is not None
        and membership.person_id == actor.id
        and Right.TRANSFER in rights_of(actor, migration.from_customer_id)
    )


def preview_request(customer: Customer, chosen: Collection[int], leave: Collection[int]) -> OwnPreview:
    """Work out what asking for a migration would do, without knowing to whom.

    Raises:
        Invalid: ``no_service``, or ``not_theirs``: a service is not the account's.
    """
    chosen = set(chosen)
    if not chosen:
        raise refusal("no_service")
    moving, crosses = find_linked(customer.id, chosen, set(leave) - chosen)
    query = (
        select(Service, MigrationItem.id.label("taken"))
        .outerjoin(MigrationItem, and_(MigrationItem.service_id == Service.id, MigrationItem.open))
        .where(Service.id.in_(moving), Service.customer_id == customer.id)
        .order_by(Service.id)
        .options(joinedload(Service.product), joinedload(Service.domain))
    )
    rows = db.session.execute(query).all()
    services = [row.Service for row in rows]
    if len(services) != len(moving):
        raise refusal("not_theirs")
    links = crossing_links(moving) if crosses else []
    stays = list({link.other(moving).id: link.other(moving) for link in links}.values())
    draft = Migration(
        from_customer_id=customer.id,
        to_customer_id=customer.id,  # to any other, this side looks the same
        from_customer=customer,
        to_customer=customer,
        items=[
            MigrationItem(service_id=service.id, service=service, along=service.id not in chosen)
            for service in services
        ],
        left_behind=[service.id for service in stays],
    )
    plan = plan_for(draft, links=links)
    obstacles = tuple(one for one in plan.obstacles if one.code != "same_owner")
    along = [service for service in services if service.id not in chosen]
    taken = tuple(row.Service for row in rows if row.taken is not None)
    return OwnPreview(services, along, stays, own_documents(plan), obstacles, taken)


def preview_reversal(migration: Migration) -> OwnPreview:
    """Work out what taking an executed migration back would do, on the side of the one who received it."""
    ids = [item.service_id for item in migration.items]
    links = crossing_links(ids)
    stays = list({link.other(ids).id: link.other(ids) for link in links}.values())
    draft = Migration(
        from_customer_id=migration.to_customer_id,
        to_customer_id=migration.from_customer_id,
        from_customer=migration.to_customer,
        to_customer=migration.from_customer,
        items=[MigrationItem(service_id=item.service_id, service=item.service) for item in migration.items],
        left_behind=[service.id for service in stays],
    )
    in_the_way = reversal_obstacles(migration)
    if in_the_way:  # a service that is no longer theirs says so once
        return OwnPreview([item.service for item in migration.items], [], [], [], tuple(in_the_way))
    plan = plan_for(draft, links=links)
    return OwnPreview([item.service for item in migration.items], [], stays, own_documents(plan), tuple(plan.obstacles))


def own_documents(plan: Plan) -> list[OwnDocument]:
    """Return the old owner's side of a plan."""
    return [_own_document(step) for step in plan.steps]


def _own_document(step: Step) -> OwnDocument:
    moves = [line for line in step.cancel.lines if line.moves]
    rest = next((issue for issue in step.issue if not issue.moved), None)
    return OwnDocument(
        number=step.cancel.number,
        currency=step.cancel.currency,
        total=step.cancel.total,
        moves=tuple(line.description for line in moves),
        moves_total=sum(line.total for line in moves),
        stays=tuple(line.description for line in rest.lines) if rest else (),
        stays_total=rest.total if rest else 0,
        stays_due_on=rest.due_on if rest else None,
        credited=step.cancel.paid,
    )


def list_migrations(customer_id: int, *, before: int | None, limit: int) -> list[Migration]:
    """Return a page of the migrations from and to an account, the newest first."""
    query = (
        select(Migration)
        .where(or_(Migration.from_customer_id == customer_id, Migration.to_customer_id == customer_id))
        .options(
            joinedload(Migration.from_customer),
            joinedload(Migration.to_customer),
            selectinload(Migration.items).joinedload(MigrationItem.service).joinedload(Service.product),
        )
        .order_by(Migration.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(Migration.id < before)
    return list(db.session.scalars(query))


def find_own_migration(ref_id: int, customer_ids: Sequence[int]) -> Migration | None:
    """Return a migration from or to one of these accounts, with the person in whose name it was requested."""
    query = (
        select(Migration)
        .where(
            Migration.id == ref_id,
            or_(Migration.from_customer_id.in_(customer_ids), Migration.to_customer_id.in_(customer_ids)),
        )
        .options(*whole_migration())
    )
    return db.session.scalars(query).unique().one_or_none()


def is_open(migration: Migration) -> bool:
    """Return whether it is still to be decided or executed."""
    return migration.is_open
