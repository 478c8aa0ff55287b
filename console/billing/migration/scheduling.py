"""Executing a migration on a chosen day: billing looks at that day's preview, a worker carries it out.

On the day everything is looked at again: the preview of that day, who asked, the 72 hours after a changed sign-in, the
four-eyes rule, and whether the person who chose the day may still decide. If anything no longer holds, nothing is done
and billing is told why.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select

from console.audit.service import record
from console.billing.migration import mails
from console.billing.migration.execution import execute
from console.billing.migration.obstacles import refusal
from console.billing.migration.plan_data import key_content, lock_migration, lock_step
from console.billing.models import Migration, MigrationState
from console.billing.service import today
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import Busy, NoSpace, Refusal, Unavailable
from console.core.idempotency import once
from console.core.logging import get_logger
from console.core.transaction import transaction
from console.staff.models import Staff
from console.staff.roles import Permission

log = get_logger(__name__)

AT_HOUR = 7  # local time: before people work, after the night's renewals
MOST_DAYS = 90
AT_ONCE = 50


def schedule(actor: Actor, ref: str, plan: str, on: date, key: str, *, lose_exemption: bool = False) -> dict[str, Any]:
    """Let an approved migration be executed in the morning of a day.

    Args:
        plan: the digest of that day's preview (``plan_for(migration, on)``).
        on: from tomorrow, at most ninety days ahead.

    Raises:
        Invalid, Conflict: no such day, or one of ``console.billing.migration.obstacles``.
    """
    actor.require(Permission.DECIDE_MIGRATION)

    def work() -> dict[str, Any]:
        if not today() < on <= today() + timedelta(days=MOST_DAYS):
            raise refusal("no_such_day")
        migration, _checked, _documents = lock_step(
            actor, ref, MigrationState.APPROVED, plan, lose_exemption=lose_exemption, day=on
        )
        at = _morning(on)
        migration.plan = plan
        migration.scheduled_for, migration.scheduled_by_id = at, actor.id
        migration.scheduled_lose_exemption = lose_exemption
        migration.stopped_at = migration.stopped_code = None
        migration.expires_at = max(migration.expires_at, at + timedelta(days=1))
        db.session.flush()
        record(actor, "migration.scheduled", migration.ref, customer_id=migration.from_customer_id, on=on.isoformat())
        mails.notify_both(migration, "scheduled", at=at)
        return {
            "migration": {"ref": migration.ref, "state": migration.state.value, "scheduled_for": at.isoformat()},
            "cancelled": [],
            "issued": [],
        }

    content = key_content(plan, lose_exemption=lose_exemption) | {"on": on.isoformat()}
    return once(f"migration.schedule:{ref}", key, content, work)


def unschedule(actor: Actor, ref: str) -> Migration:
    """Take the chosen day back; the migration stays approved.

    Raises:
        NotFound: the role decides no migrations.
        Conflict: ``wrong_state``: no day is chosen.
    """
    actor.require(Permission.DECIDE_MIGRATION)
    migration = lock_migration(ref)
    if migration.state is not MigrationState.APPROVED or migration.scheduled_for is None:
        raise refusal("wrong_state")
    migration.clear_schedule()
    db.session.flush()
    record(actor, "migration.unscheduled", migration.ref, customer_id=migration.from_customer_id)
    mails.notify_both(migration, "unscheduled")
    return migration


def execute_due() -> int:
    """Execute the migrations whose day has come, each in its own transaction; return how many were."""
    due = (
        select(Migration.id)
        .where(Migration.state == MigrationState.APPROVED, Migration.scheduled_for <= clock.now())
        .order_by(Migration.id)
        .limit(AT_ONCE)
    )
    return sum(_execute(key) for key in list(db.session.scalars(due)))


def _execute(key: int) -> bool:
    migration = db.session.get_one(Migration, key, populate_existing=True)
    ref, at = migration.ref, migration.scheduled_for
    if at is None or migration.plan is None:
        return False
    plan, lose_exemption, staff_id = migration.plan, migration.scheduled_lose_exemption, migration.scheduled_by_id
    try:
        with transaction():
            still = lock_migration(ref)
            if still.scheduled_for != at or still.state is not MigrationState.APPROVED:
                return False  # another worker did it, or its day was taken back
            execute(_scheduler(staff_id), ref, plan, f"scheduled:{at.isoformat()}", lose_exemption=lose_exemption)
    except (Busy, Unavailable, NoSpace):
        raise  # it is tried again
    except Refusal as error:
        with transaction():
            _stop(ref, at, error.code)
        return False
    return True


def _scheduler(staff_id: int | None) -> Actor:
    """Return who chose the day, as they are now: who may no longer decide lets nothing be done."""
    staff = db.session.get(Staff, staff_id, populate_existing=True) if staff_id is not None else None
    if staff is None or not staff.active or not staff.actor().may(Permission.DECIDE_MIGRATION):
        raise refusal("scheduler_gone")
    return staff.actor()


def _stop(ref: str, at: datetime, code: str) -> None:
    migration = lock_migration(ref)
    if migration.scheduled_for != at or migration.state is not MigrationState.APPROVED:
        return
    migration.clear_schedule()
    migration.stopped_at, migration.stopped_code = clock.now(), code
    db.session.flush()
    record(SYSTEM, "migration.stopped", migration.ref, customer_id=migration.from_customer_id, code=code)
    log.warning("a scheduled migration was not executed", ref=ref, code=code)
    mails.notify_billing_stopped(migration, code)
    mails.notify_both(migration, "postponed")


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(AT_HOUR), tzinfo=settings().zone)
