"""What a worker does for batches: it checks what each row would do, and executes the rows of those that were started.

A batch is worked on by one worker at a time, who has its lease. Each row is a transaction of its own, in which the row
is marked done: a worker that is killed leaves a row done or not begun, and the next one goes on with the rest.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from console.audit.service import record
from console.billing.migration.execution import carry_out_plan
from console.billing.migration.models import BatchState, ItemState, MigrationBatch, MigrationBatchItem
from console.billing.migration.obstacles import REASONS, check_right, refusal
from console.billing.migration.plan import Plan, to_json
from console.billing.migration.plan_data import locked_plan, plan_for, services_in_migration
from console.billing.models import Migration, MigrationItem, MigrationState
from console.core import clock, leases
from console.core.actor import SYSTEM
from console.core.context import settings
from console.core.db import db
from console.core.errors import Busy, NoSpace, Refusal, Unavailable
from console.core.logging import get_logger
from console.core.outages import as_refusal
from console.core.transaction import transaction
from console.hosting.links import with_linked
from console.hosting.models import Service, service_number
from console.staff.models import Staff

log = get_logger(__name__)

LEASE = timedelta(seconds=60)
CHECKED_AT_ONCE = 100
WORKED_ON = (BatchState.CHECKING, BatchState.RUNNING)
OUTAGES = (Busy, Unavailable, NoSpace)

Progress = Callable[[], object]


def work_due() -> int:
    """Check and execute what waits, one batch after the other; return how many rows were done."""
    done = 0
    while (claimed := claim()) is not None:
        done += work(*claimed)
    return done


def claim(batch_id: int | None = None) -> tuple[int, str] | None:
    """Take the oldest batch that waits for a worker, or this one; return it and the lease, ``None`` if none is free."""
    waiting: ColumnElement[bool] = MigrationBatch.state.in_(WORKED_ON)
    if batch_id is not None:
        waiting = and_(waiting, MigrationBatch.id == batch_id)
    return leases.claim(MigrationBatch, waiting, LEASE)


def work(batch_id: int, lease: str, progress: Progress = lambda: None) -> int:
    """Check or execute a claimed batch to its end, until it is stopped or the lease is lost; return the rows done."""
    done = 0
    try:
        state = db.session.scalar(select(MigrationBatch.state).where(MigrationBatch.id == batch_id))
        step = _check_some if state is BatchState.CHECKING else _execute_next
        while (count := step(batch_id, lease)) is not None:
            done += count
            progress()
            time.sleep(0)  # on one machine the greenlets that serve pages go first
    finally:
        _release(batch_id, lease)
    return done


# --- checking


def _check_some(batch_id: int, lease: str) -> int | None:
    """Work out the next rows, without a lock, and store what they would do; ``None`` where there are no more."""
    query = (
        select(MigrationBatchItem)
        .where(MigrationBatchItem.batch_id == batch_id, MigrationBatchItem.state == ItemState.NEW)
        .order_by(MigrationBatchItem.row)
        .limit(CHECKED_AT_ONCE)
    )
    items = list(db.session.scalars(query))
    batch = db.session.get_one(MigrationBatch, batch_id)
    found: list[dict[str, Any]] = []
    checked: dict[int, tuple[int, int | None]] = {}  # of this chunk: row and new owner by service
    for item in items:
        values = _check_safely(batch, item, checked)
        if values["state"] is not ItemState.REFUSED and item.service_id is not None:
            checked[item.service_id] = (item.row, item.to_customer_id)
        found.append({"id": item.id, **values})
    with transaction() as session:
        if not _holds(batch_id, lease, BatchState.CHECKING):
            return None
        if found:
            session.execute(update(MigrationBatchItem), found)
        else:
            _end(batch_id, BatchState.CHECKED)
    return len(found) or None


def _check_safely(
    batch: MigrationBatch, item: MigrationBatchItem, checked: dict[int, tuple[int, int | None]]
) -> dict[str, Any]:
    """Check a row; one that cannot be checked is refused, so that the batch goes on."""
    try:
        return _check(batch, item, checked)
    except Exception as error:
        if isinstance(error, OUTAGES) or as_refusal(error) is not None:
            raise  # it is tried again
        log.exception("a row of a batch failed", batch=batch.id, item=item.id)
        return _refused("fault")


def _check(
    batch: MigrationBatch, item: MigrationBatchItem, checked: dict[int, tuple[int, int | None]]
) -> dict[str, Any]:
    """Return what a row would do, or why it does nothing."""
    service = db.session.get(Service, item.service_id)
    if service is None or item.to_customer_id is None:
        return _refused("unknown_service")
    if batch.customer_id is not None and service.customer_id != batch.customer_id:
        return _refused("not_theirs", [service.number])
    moving = with_linked(service.customer_id, [service.id])
    earlier = _earlier(item, moving, checked)
    if earlier is not None:
        row, target = earlier
        if target != item.to_customer_id:
            return _refused("in_batch", [str(row)])
        return {"state": ItemState.ALONG, "code": None, "concerns": [], "effect": {"row": row}}
    taken = services_in_migration(sorted(moving))
    if taken:
        return _refused("in_migration", [one.number for one in taken])
    with db.session.no_autoflush:
        plan = plan_for(_draft(batch, item, service.customer_id, service.id, moving))
    if plan.obstacles:
        return _refused(plan.obstacles[0].code, plan.obstacles[0].concerns)
    if plan.loses_exemption:
        return _refused("exemption_lost", plan.exemptions_lost)
    return {"state": ItemState.READY, "code": None, "concerns": [], "effect": _effect(plan)}


def _earlier(
    item: MigrationBatchItem, moving: set[int], checked: dict[int, tuple[int, int | None]]
) -> tuple[int, int | None] | None:
    """Return the first row before this one that moves a service of the same kind together, and to whom."""
    here = [checked[key] for key in moving if key in checked]
    query = (
        select(MigrationBatchItem.row, MigrationBatchItem.to_customer_id)
        .where(
            MigrationBatchItem.batch_id == item.batch_id,
            MigrationBatchItem.service_id.in_(moving),
            MigrationBatchItem.row < item.row,
            MigrationBatchItem.state.in_((ItemState.READY, ItemState.ALONG)),
        )
        .order_by(MigrationBatchItem.row)
        .limit(1)
    )
    there = [(row, target) for row, target in db.session.execute(query)] if len(moving) > 1 else []
    return min([*here, *there], default=None, key=lambda one: one[0])


def _draft(
    batch: MigrationBatch, item: MigrationBatchItem, owner_id: int, service_id: int, moving: set[int]
) -> Migration:
    """Return the migration that a row makes, executed at once and by no acceptance but the one its authority names."""
    now = clock.now()
    return Migration(
        from_customer_id=owner_id,
        to_customer_id=item.to_customer_id,
        state=MigrationState.APPROVED,
        verification_id=batch.verification_id,
        batch_id=batch.id,
        reason=batch.authority,
        requested_at=now,
        requested_by_id=batch.created_by_id,
        approved_at=now,
        approved_by_id=batch.started_by_id,
        expires_at=now + timedelta(days=settings().migration_days),
        needs_acceptance=False,
        left_behind=[],
        items=[MigrationItem(service_id=key, open=True, along=key != service_id) for key in sorted(moving)],
    )


def _effect(plan: Plan) -> dict[str, Any]:
    issues = [issue for step in plan.steps for issue in step.issue]
    return {
        "services": [service.number for service in plan.services],
        "cancel": [step.cancel.number for step in plan.steps],
        "issue": len(issues),
        "totals": plan.totals(),
        "digest": _digest(plan),
    }


def _digest(plan: Plan) -> str:
    """Return the fingerprint of what a row was found to do: what moves from whom, and every line that goes with it.

    Whose the service was is in it: another owner of today signed nothing. Numbers and days of documents are not: an
    earlier row of the same batch may have made the document again, and the batch may be started on another day.
    """
    facts = {
        "services": plan.services,
        "old": plan.old.id,
        "new": plan.new.buyer,
        "terms": sorted(map(str, plan.new_terms)),
        "notes": sorted({str(issue.tax_note) for issue in plan.new_documents}),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=to_json).encode()).hexdigest()


def _refused(code: str, concerns: Sequence[str] = ()) -> dict[str, Any]:
    return {"state": ItemState.REFUSED, "code": code, "concerns": list(concerns), "effect": None}


# --- executing


def _execute_next(batch_id: int, lease: str) -> int | None:
    """Execute the next row that is ready, in its own transaction; ``None`` where the batch is over or was stopped."""
    key: int | None = None
    try:
        with transaction():
            found = _next_item(batch_id) if _holds(batch_id, lease, BatchState.RUNNING) else None
            if found is None:
                return None
            item, owner_id = found
            key = item.id
            batch = db.session.get_one(MigrationBatch, batch_id, options=[joinedload(MigrationBatch.started_by)])
            if batch.is_starter_gone:
                _stop(batch)
                return None
            _execute(batch, item, owner_id)
    except OUTAGES:
        raise  # the row is tried again
    except Exception as error:
        if isinstance(error, Refusal) and error.code in REASONS:
            return _refuse(batch_id, lease, key, error.code, error.details.get("concerns", ()))
        if key is None:
            raise
        log.exception("a row of a batch failed", batch=batch_id, item=key)
        return _refuse(batch_id, lease, key, "fault")
    return 1


def _refuse(batch_id: int, lease: str, key: int | None, code: str, concerns: Iterable[Any] = ()) -> int | None:
    """Settle a row that did not move, so that the batch goes on."""
    with transaction():
        if not _holds(batch_id, lease, BatchState.RUNNING):
            return None
        item = db.session.get_one(MigrationBatchItem, key, populate_existing=True)
        item.state, item.code, item.concerns = ItemState.REFUSED, code, [str(one) for one in concerns]
    return 1


# Made once, as the reads of a plan are.
_NEXT = (
    select(MigrationBatchItem, Service.customer_id)
    .join(Service, Service.id == MigrationBatchItem.service_id)
    .where(MigrationBatchItem.batch_id == bindparam("batch_id"), MigrationBatchItem.state == ItemState.READY)
    .order_by(MigrationBatchItem.row)
    .limit(1)
)


def _next_item(batch_id: int) -> tuple[MigrationBatchItem, int] | None:
    """Return the next row that is ready and who owns its service; where there is none, the batch ends."""
    found = db.session.execute(_NEXT, {"batch_id": batch_id}).first()
    if found is None:
        _finish(batch_id)
        return None
    item, owner_id = found
    return item, owner_id


def _execute(batch: MigrationBatch, item: MigrationBatchItem, owner_id: int) -> None:
    starter = batch.started_by
    actor = starter.actor() if starter is not None else SYSTEM
    service_id = item.service_id or 0
    migration = _draft(batch, item, owner_id, service_id, with_linked(owner_id, [service_id]))
    db.session.add(migration)
    try:
        db.session.flush()
    except IntegrityError as error:  # the index on open items
        raise refusal("in_migration", [service_number(service_id)]) from error
    if migration.verification_id is not None:
        check_right(migration)
    plan, documents = locked_plan(migration)
    if plan.obstacles:
        raise refusal(plan.obstacles[0].code, plan.obstacles[0].concerns)
    if plan.loses_exemption:
        raise refusal("exemption_lost", plan.exemptions_lost)
    if _digest(plan) != (item.effect or {}).get("digest"):
        raise refusal("stale_plan")
    carry_out_plan(actor, migration, plan, documents)
    item.state, item.migration_id, item.done_at = ItemState.DONE, migration.id, migration.ended_at


def _stop(batch: MigrationBatch) -> None:
    """Stop a batch whose starter may no longer move services: who may can go on with the rest."""
    batch.state = BatchState.STOPPED
    db.session.flush()
    record(SYSTEM, "batch.stopped", batch.ref, customer_id=batch.customer_id, rows=batch.rows, code="starter_gone")


def _finish(batch_id: int) -> None:
    """Mark what moved along as done, and end the batch."""
    along = select(MigrationBatchItem).where(
        MigrationBatchItem.batch_id == batch_id, MigrationBatchItem.state == ItemState.ALONG
    )
    for item in db.session.scalars(along.execution_options(yield_per=CHECKED_AT_ONCE)):
        moved = db.session.scalar(
            select(MigrationItem.migration_id)
            .join(Migration)
            .where(Migration.batch_id == batch_id, MigrationItem.service_id == item.service_id)
        )
        item.state, item.migration_id = (ItemState.DONE if moved else ItemState.REFUSED), moved
        item.code, item.done_at = (None if moved else "with_refused"), (clock.now() if moved else None)
    _end(batch_id, BatchState.DONE)


def _end(batch_id: int, state: BatchState) -> None:
    batch = db.session.get_one(MigrationBatch, batch_id, populate_existing=True)
    batch.state = state
    if state is BatchState.DONE:
        batch.ended_at = clock.now()
        starter = db.session.get(Staff, batch.started_by_id) if batch.started_by_id is not None else None
        actor = starter.actor() if starter is not None else SYSTEM
        record(actor, "batch.ended", batch.ref, customer_id=batch.customer_id, rows=batch.rows)


# --- the lease


_RENEWED = (
    update(MigrationBatch)
    .where(
        MigrationBatch.id == bindparam("batch_id"),
        MigrationBatch.lease == bindparam("ours"),
        MigrationBatch.state == bindparam("working"),
    )
    .values(leased_until=bindparam("until"))
    .returning(MigrationBatch.id)
    .execution_options(synchronize_session=False)
)


def _holds(batch_id: int, lease: str, state: BatchState) -> bool:
    """Return whether the lease is still ours and the batch still waits for this, and make it last on."""
    values = {"batch_id": batch_id, "ours": lease, "working": state, "until": clock.now() + LEASE}
    return db.session.scalar(_RENEWED, values) is not None


def _release(batch_id: int, lease: str) -> None:
    with transaction() as session:
        mine = and_(MigrationBatch.id == batch_id, MigrationBatch.lease == lease)
        session.execute(
            update(MigrationBatch)
            .where(mine)
            .values(lease=None, leased_until=None)
            .execution_options(synchronize_session=False)
        )
