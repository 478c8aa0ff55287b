"""Billing's decisions, and the ends that are not an execution."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from console.audit.service import record
from console.billing.migration import mails
from console.billing.migration.obstacles import refusal
from console.billing.migration.plan_data import key_content, lock_migration, lock_step
from console.billing.models import OPEN_STATES, Migration, MigrationState
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.db import db
from console.core.errors import NotFound
from console.core.idempotency import once
from console.core.text import paragraphs
from console.customers.masking import mask_pins
from console.staff.roles import Permission
from console.tokens import service as tokens

EXPIRE_AT_ONCE = 200
ACCEPTANCE = "migration.accept"  # the purpose of the links by which the new owner accepts


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
        migration, checked, _documents = lock_step(
            actor, ref, MigrationState.REQUESTED, plan, lose_exemption=lose_exemption
        )
        migration.state = MigrationState.APPROVED
        migration.approved_at, migration.approved_by_id, migration.plan = clock.now(), actor.id, plan
        record(
            actor,
            "migration.approved",
            migration.ref,
            customer_id=migration.from_customer_id,
            plan=plan,
            **checked.exemption_facts,
        )
        mails.notify_both(migration, "approved")
        return {"migration": {"ref": migration.ref, "state": migration.state.value}, "cancelled": [], "issued": []}

    return once(f"migration.approve:{ref}", key, key_content(plan, lose_exemption=lose_exemption), work)


def reject(actor: Actor, ref: str, reason: str) -> Migration:
    """Turn a request down, with a reason the account's people will read."""
    actor.require(Permission.DECIDE_MIGRATION)
    migration = end(actor, ref, MigrationState.REJECTED, reason)
    mails.notify_rejected(migration)
    mails.notify_new(migration, "rejected", reason=migration.end_reason)
    return migration


def withdraw(actor: Actor, ref: str, reason: str) -> Migration:
    """Take a request back: by the person who made it, or by billing."""
    actor.require(Permission.REQUEST_MIGRATION)
    migration = lock_migration(ref)
    if migration.requested_by_id != actor.id and not actor.may(Permission.DECIDE_MIGRATION):
        raise NotFound(code="not_allowed")
    return end_withdrawn(actor, ref, reason)


def end_withdrawn(actor: Actor, ref: str, reason: str, *, must_say: bool = True) -> Migration:
    """End a request that its side takes back, and tell both; its entries check who may.

    Args:
        must_say: a reason has to be given.
    """
    migration = end(actor, ref, MigrationState.WITHDRAWN, reason, must_say=must_say)
    mails.notify_both(migration, "withdrawn", reason=migration.end_reason)
    return migration


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
        close(SYSTEM, migration, MigrationState.EXPIRED, "")
        mails.notify_both(migration, "expired", why=migration.expiry_reason)
    return len(expired)


def end(actor: Actor, ref: str, state: MigrationState, reason: str, *, must_say: bool = True) -> Migration:
    """End an open request; its entries check who may.

    Raises:
        NotFound: there is none.
        Invalid, Conflict: no reason is given, or it has ended already.
    """
    migration = lock_migration(ref)
    if migration.state not in OPEN_STATES:
        raise refusal("wrong_state")
    reason = paragraphs(reason)
    if must_say and not reason:
        raise refusal("no_reason")
    close(actor, migration, state, mask_pins(reason)[0])
    return migration


def close(actor: Actor, migration: Migration, state: MigrationState, reason: str) -> None:
    """End a locked migration without executing it: its services are free, its link and its day are void."""
    migration.clear_schedule()
    tokens.revoke(ACCEPTANCE, f"migration:{migration.id}")
    migration.state = state
    migration.ended_at, migration.end_reason = clock.now(), reason
    migration.ended_by_id = actor.id if actor.kind == "staff" else None
    migration.release_services()
    # What a person gave as the reason is in the migration alone: others read the audit log than may know it.
    why: dict[str, Any] = {"why": migration.expiry_reason.value} if migration.expiry_reason is not None else {}
    record(actor, f"migration.{state.value}", migration.ref, customer_id=migration.from_customer_id, **why)
