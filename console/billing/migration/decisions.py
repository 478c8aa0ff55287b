"""Billing's decisions, and the ends that are not an execution."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from console.audit.service import record
from console.billing.migration import four_eyes
from console.billing.migration.obstacles import refusal
from console.billing.migration.plan import Plan
from console.billing.migration.plan_data import locked_plan
from console.billing.models import OPEN_STATES, Migration, MigrationState, Proforma
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.db import db
from console.core.errors import NotFound
from console.core.idempotency import once
from console.core.ids import read_number
from console.core.text import paragraphs
from console.customers.mails import write_to
from console.customers.masking import mask_pins
from console.customers.models import Verification, VerificationKind
from console.customers.queries import owner_of
from console.customers.rights import Right
from console.staff.roles import Permission

EXPIRE_AT_ONCE = 200


def approve(actor: Actor, ref: str, plan: str, key: str, *, lose_exemption: bool = False) -> dict[str, Any]:
    """Approve a request as previewed.

    Args:
        plan: the digest of the preview that was looked at.
        lose_exemption: the explicit yes to lines of that preview that had no PDV and get some.

    Raises:
        Invalid, Conflict: one of ``console.billing.migration.obstacles``.
    """
    actor.require(Permission.DECIDE_MIGRATION)

    def work() -> dict[str, Any]:
        migration = lock_migration(ref)
        check_state(migration, MigrationState.REQUESTED)
        decided, _documents = checked_plan(migration, plan, lose_exemption=lose_exemption)
        four_eyes.check(actor, migration, decided)
        migration.state = MigrationState.APPROVED
        migration.approved_at, migration.approved_by_id, migration.plan = clock.now(), actor.id, plan
        record(
            actor,
            "migration.approved",
            migration.ref,
            customer_id=migration.from_customer_id,
            plan=plan,
            **exemption_facts(decided),
        )
        return {"migration": {"ref": migration.ref, "state": migration.state.value}, "cancelled": [], "issued": []}

    return once(f"migration.approve:{ref}", key, decision(plan, lose_exemption=lose_exemption), work)


def reject(actor: Actor, ref: str, reason: str) -> Migration:
    """Turn a request down, with a reason the owner will read."""
    actor.require(Permission.DECIDE_MIGRATION)
    migration = _end(actor, ref, MigrationState.REJECTED, reason)
    write_to(
        owner_of(migration.from_customer_id),
        migration.from_customer,
        "migration_rejected",
        about=f"migration:{migration.ref}",
        ref=migration.ref,
        reason=migration.end_reason,
    )
    return migration


def withdraw(actor: Actor, ref: str, reason: str) -> Migration:
    """Take a request back: by the person who made it, or by billing."""
    actor.require(Permission.REQUEST_MIGRATION)
    migration = lock_migration(ref)
    if migration.requested_by_id != actor.id and not actor.may(Permission.DECIDE_MIGRATION):
        raise NotFound(code="not_allowed")
    return _end(actor, ref, MigrationState.WITHDRAWN, reason)


def expire_due(limit: int = EXPIRE_AT_ONCE) -> int:
    """End requests that were not decided in time; return how many. Safe to run twice at once."""
    due = (
        select(Migration)
        .where(Migration.state.in_(OPEN_STATES), Migration.expires_at <= clock.now())
        .order_by(Migration.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    expired = list(db.session.scalars(due))
    for migration in expired:
        _close(SYSTEM, migration, MigrationState.EXPIRED, "")
    return len(expired)


def _end(actor: Actor, ref: str, state: MigrationState, reason: str) -> Migration:
    migration = lock_migration(ref)
    if migration.state not in OPEN_STATES:
        raise refusal("wrong_state")
    reason = paragraphs(reason)
    if not reason:
        raise refusal("no_reason")
    _close(actor, migration, state, mask_pins(reason)[0])
    return migration


def _close(actor: Actor, migration: Migration, state: MigrationState, reason: str) -> None:
    migration.state = state
    migration.ended_at, migration.ended_by_id, migration.end_reason = clock.now(), actor.id, reason
    release(migration)
    # Why is in the migration alone: the audit log is read by others than those who may know it.
    record(actor, f"migration.{state.value}", migration.ref, customer_id=migration.from_customer_id)


def release(migration: Migration) -> None:
    """Let other migrations have the services again."""
    for item in migration.items:
        item.open = False


def lock_migration(ref: str) -> Migration:
    """Return the migration, locked.

    Raises:
        NotFound: there is none.
    """
    query = (
        select(Migration)
        .where(Migration.id == migration_id(ref))
        .options(
            joinedload(Migration.verification).joinedload(Verification.membership),
            selectinload(Migration.items),
        )
        .with_for_update(of=Migration)
        .execution_options(populate_existing=True)
    )
    migration = db.session.scalar(query)
    if migration is None:
        raise NotFound
    return migration


def migration_id(ref: str) -> int:
    """Read ``M-0317``.

    Raises:
        NotFound: it is no reference.
    """
    number = read_number(ref, "M-")
    if number is None:
        raise NotFound
    return number


def check_state(migration: Migration, expected: MigrationState) -> None:
    """Raise unless ``migration`` is in ``expected`` and has not expired."""
    if migration.state is not expected:
        raise refusal("expired" if migration.state is MigrationState.EXPIRED else "wrong_state")
    if migration.expires_at <= clock.now():
        raise refusal("expired")


def checked_plan(migration: Migration, seen: str, *, lose_exemption: bool) -> tuple[Plan, list[Proforma]]:
    """Return the plan as of now and its documents, under lock.

    Args:
        seen: the digest of the plan that was looked at. A yes to a lost exemption counts for this plan alone.

    Raises:
        Conflict, Invalid: it is not the plan that was seen, something is in its way, or it needs a yes it did not get.
    """
    check_right(migration)
    plan, documents = locked_plan(migration)
    if plan.obstacles:
        raise refusal(plan.obstacles[0].code, plan.obstacles[0].concerns)
    if plan.digest != seen:
        raise refusal("stale_plan")
    if plan.loses_exemption and not lose_exemption:
        raise refusal("exemption_lost", plan.exemptions_lost)
    return plan, documents


def decision(plan: str, *, lose_exemption: bool) -> dict[str, Any]:
    """Return the content that a decision's idempotency key covers."""
    return {"plan": plan} | ({"lose_exemption": True} if lose_exemption else {})


def exemption_facts(plan: Plan) -> dict[str, Any]:
    """Return what the record says of a yes to a lost exemption; nothing where none was needed."""
    return {"exemption_lost": list(plan.exemptions_lost)} if plan.loses_exemption else {}


def check_right(migration: Migration) -> None:
    """Raise unless the requester still holds ``transfer`` on the account."""
    verification = migration.verification
    membership = verification.membership
    if verification.kind is not VerificationKind.PIN or membership is None:
        raise refusal("unverified")
    if Right.TRANSFER not in membership.held_rights():
        raise refusal("no_right")
