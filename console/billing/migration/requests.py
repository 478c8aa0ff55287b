"""Asking for a migration: only under a live verification of a person who may give services away."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from console.audit.service import record
from console.billing.migration import mails
from console.billing.migration.acceptance import offer
from console.billing.migration.obstacles import account_obstacles, refusal, service_obstacles
from console.billing.migration.plan_data import crossing, services_in_migration
from console.billing.migration.reversal import find_executed, reversal_obstacles
from console.billing.models import Migration, MigrationItem
from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.emails import normal_email
from console.core.errors import Refusal
from console.core.idempotency import once
from console.core.ids import CUSTOMER_BASE, read_number
from console.core.text import paragraphs
from console.core.transaction import after_refusal
from console.customers.masking import mask_pins
from console.customers.models import (
    Customer,
    CustomerStatus,
    Membership,
    Person,
    Verification,
    VerificationKind,
)
from console.customers.rights import Right
from console.hosting.links import with_linked
from console.hosting.models import Service, service_number
from console.staff.roles import Permission

MAX_REASON = 1_000
MAX_TARGET = 254


@dataclass(frozen=True)
class Request:
    """The request: which services, to whom (number or e-mail), under which verification, why.

    Args:
        leave: services that stay although they are linked to one that moves. All other linked services move too.
        reverses: the reference of an executed migration that this one takes back. It moves just what that one moved,
            to where it came from: ``services`` and ``to_customer`` may be left empty.
    """

    services: tuple[int, ...]
    to_customer: str
    verification: int
    reason: str
    leave: tuple[int, ...] = ()
    reverses: str = ""


def request_migration(actor: Actor, request: Request, key: str) -> dict[str, Any]:
    """Ask for a migration.

    Services linked to a chosen one move too, unless they are named to be left behind.

    Args:
        key: the caller's idempotency key.

    Returns:
        ``ref``, ``state``, and the numbers of all ``services`` that move, of those that come ``along``
        without having been chosen, and of those ``left_behind``.

    Raises:
        NotFound: the role does not ask for migrations.
        Invalid, Conflict: one of ``console.billing.migration.obstacles``.
    """
    actor.require(Permission.REQUEST_MIGRATION)
    content = content_of(request) | {"verification": request.verification}
    return once(f"migration.request:{actor.id}", key, content, lambda: carry_out(actor, request))


def content_of(request: Request) -> dict[str, Any]:
    """Return what an idempotency key covers of a request, but for the verification it is made under."""
    return {
        "services": sorted(set(request.services)),
        "to": normal_email(request.to_customer),
        "reason": paragraphs(request.reason),
        **({"leave": sorted(set(request.leave))} if request.leave else {}),
        **({"reverses": request.reverses} if request.reverses else {}),
    }


def carry_out(actor: Actor, request: Request) -> dict[str, Any]:
    """Make the migration that is asked for; its two entries check who asks and that they ask once."""
    verification = _verification(actor, request.verification)
    reason = paragraphs(request.reason)
    if not reason:
        raise refusal("no_reason")
    reversed_one = find_executed(request.reverses) if request.reverses else None
    if reversed_one is not None:
        request = _reversing(request, reversed_one, verification)
    if not request.services:
        raise refusal("no_service")
    old, new = lock_parties(verification.customer_id, request.to_customer)
    now = _lock_live(actor, verification)
    chosen = set(request.services)
    # A reversal moves exactly what was moved, whatever is linked to it by now.
    moving = chosen if reversed_one is not None else with_linked(old.id, chosen, set(request.leave) - chosen)
    services = _services(moving, old)
    if services is None or new is None:
        raise _no_match(actor, request, old)
    left = sorted({link.other(moving).id for link in crossing(moving)})
    obstacles = [*account_obstacles(old, new), *service_obstacles(services, old.id)]
    if obstacles:
        raise refusal(obstacles[0].code, obstacles[0].concerns)
    _check_free(services)
    migration = Migration(
        from_customer_id=old.id,
        to_customer_id=new.id,
        verification_id=verification.id,
        reason=mask_pins(reason)[0][:MAX_REASON],
        requested_at=now,
        requested_by_id=actor.id if actor.kind == "staff" else None,
        expires_at=now + timedelta(days=settings().migration_days),
        needs_acceptance=settings().migration_acceptance,
        reverses_id=reversed_one.id if reversed_one is not None else None,
        items=[MigrationItem(service_id=service.id, open=True, along=service.id not in chosen) for service in services],
        left_behind=left,
    )
    _store(migration, services)
    answer: dict[str, Any] = {
        "ref": migration.ref,
        "state": migration.state.value,
        "services": [service.number for service in services],
        "along": [service.number for service in services if service.id not in chosen],
        "left_behind": [service_number(key) for key in left],
    }
    facts: dict[str, Any] = {name: answer[name] for name in ("services", "along", "left_behind")}
    if reversed_one is not None:
        facts["reverses"] = reversed_one.ref
    record(
        actor,
        "migration.requested",
        migration.ref,
        customer_id=old.id,
        to=new.number,
        verification=verification.id,
        **facts,
    )
    mails.notify_requested(migration, old, services)
    if migration.needs_acceptance:
        offer(actor, migration)
    else:
        mails.notify_new(migration, "requested")
    return answer


def _reversing(request: Request, migration: Migration, verification: Verification) -> Request:
    """Return what is asked for where a migration is taken back; who may is the new owner's side.

    Raises:
        Invalid, Conflict: what has happened since forbids it, or something else than its services is asked for.
    """
    if verification.customer_id != migration.to_customer_id:
        raise refusal("not_theirs")
    obstacles = reversal_obstacles(migration)
    if obstacles:
        raise refusal(obstacles[0].code, obstacles[0].concerns)
    moved = tuple(item.service_id for item in migration.items)
    former = migration.from_customer.number
    if (request.services and set(request.services) != set(moved)) or request.to_customer not in ("", former):
        raise refusal("not_the_same")
    return replace(request, services=moved, to_customer=former)


def _verification(actor: Actor, verification_id: int, *, lock: bool = False) -> Verification:
    """Return the live verification of a person who holds ``transfer`` and is on no hold; an override never counts."""
    verification = db.session.get(Verification, verification_id, populate_existing=True, with_for_update=lock or None)
    if (
        verification is None
        or verification.membership is None
        or verification.kind is not VerificationKind.PIN
        or not _is_own(actor, verification)
        or not verification.is_live(clock.now())
    ):
        raise refusal("unverified")
    if Right.TRANSFER not in verification.opened_rights():
        raise refusal("no_right")
    if verification.membership.person.is_held(clock.now()):
        raise refusal("held")
    return verification


def live_verification_of(actor: Actor, verification_id: int) -> Verification:
    """Return the live verification that ``actor`` made of a person who may give services away, locked.

    Raises:
        Invalid, Conflict: ``unverified``, ``no_right`` or ``held``.
    """
    return _verification(actor, verification_id, lock=True)


def _is_own(actor: Actor, verification: Verification) -> bool:
    """Return whether ``actor`` made the verification: as the agent, or in the portal as the person it names."""
    if actor.kind == "staff":
        return verification.staff_id == actor.id
    membership = verification.membership
    return verification.staff_id is None and membership is not None and membership.person_id == actor.id


def _lock_live(actor: Actor, verification: Verification) -> datetime:
    """Let the verification end only after this request, or not make it; return the instant at which it is live.

    After the accounts: who closes one, or takes a person off it, locks them in this order.
    """
    _verification(actor, verification.id, lock=True)
    now = clock.now()
    if not verification.is_live(now):
        raise refusal("unverified")
    return now


def _no_match(actor: Actor, request: Request, old: Customer) -> Refusal:
    """Return one answer to a service that is another's and to a new owner who is not found, and put it on the record.

    Told apart, a foreign service would ask whether an address owns an account here, and leave no trace.
    """
    data: dict[str, Any] = {
        "services": [service_number(key) for key in sorted(set(request.services))],
        "to": mask_pins(request.to_customer[:MAX_TARGET])[0],
        "verification": request.verification,
    }
    after_refusal(partial(record, actor, "migration.refused", old.number, customer_id=old.id, **data))
    return refusal("no_match")


def lock_parties(customer_id: int, to_customer: str) -> tuple[Customer, Customer | None]:
    """Return both accounts, locked in the order of their ids; no new owner where none is found."""
    target_id = _target_id(normal_email(to_customer))
    query = (
        select(Customer)
        .where(Customer.id.in_([customer_id, target_id or customer_id]))
        .order_by(Customer.id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    found = {customer.id: customer for customer in db.session.scalars(query)}
    return found[customer_id], found.get(target_id or 0)


def _target_id(to_customer: str) -> int | None:
    """Find the new owner's account by number, or by its owner's e-mail where that names one open account alone."""
    owned = select(Membership.customer_id).where(Membership.is_owner)
    if "@" in to_customer:
        named = (
            owned.join(Person)
            .join(Membership.customer)
            .where(Person.email == to_customer, Customer.status == CustomerStatus.ACTIVE)
        )
        ids = db.session.scalars(named.limit(2)).all()
        return ids[0] if len(ids) == 1 else None
    number = read_number(to_customer, "K-")
    return None if number is None else db.session.scalar(owned.where(Membership.customer_id == number - CUSTOMER_BASE))


def _services(ids: Collection[int], owner: Customer) -> list[Service] | None:
    """Return the services, locked; ``None`` where one is not the owner's, whether it exists or not."""
    query = (
        select(Service)
        .where(Service.id.in_(ids), Service.customer_id == owner.id)
        .order_by(Service.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    services = list(db.session.scalars(query))
    return services if len(services) == len(ids) else None


def _check_free(services: Sequence[Service]) -> None:
    ids = [service.id for service in services]
    taken = services_in_migration(ids)
    if taken:
        raise refusal("in_migration", [service.number for service in taken])


def _store(migration: Migration, services: Sequence[Service]) -> None:
    db.session.add(migration)
    try:
        db.session.flush()
    except IntegrityError as error:  # the indexes on open items and on reversals: another request was faster
        raise refusal("in_migration", [service.number for service in services]) from error
