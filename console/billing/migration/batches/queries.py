"""Reading batches: the list, one with its counts, its rows, and the file of results."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from console.audit.models import AuditEntry
from console.billing.migration.models import BatchState, ItemState, MigrationBatch, MigrationBatchItem
from console.billing.models import Migration
from console.core.db import db
from console.core.errors import NotFound
from console.core.transaction import end_reading

CHUNK = 500


def list_batches(limit: int, before: int | None = None) -> Sequence[MigrationBatch]:
    """Return batches, the newest first."""
    query = select(MigrationBatch).options(joinedload(MigrationBatch.created_by)).order_by(MigrationBatch.id.desc())
    if before is not None:
        query = query.where(MigrationBatch.id < before)
    return db.session.scalars(query.limit(limit)).all()


def find_batch(batch_id: int) -> MigrationBatch:
    """Return a batch.

    Raises:
        NotFound: there is none.
    """
    query = select(MigrationBatch).options(
        joinedload(MigrationBatch.created_by),
        joinedload(MigrationBatch.started_by),
        joinedload(MigrationBatch.customer),
    )
    batch = db.session.scalar(query.where(MigrationBatch.id == batch_id))
    if batch is None:
        raise NotFound
    return batch


@dataclass(frozen=True)
class Stop:
    """Why a batch stopped: ``by_person``, or ``starter_gone``."""

    code: str
    by: str
    at: datetime


def stop_of(batch: MigrationBatch) -> Stop | None:
    """Return why a batch that is stopped was, as the audit log has it."""
    return stops_of([batch]).get(batch.id)


def stops_of(batches: Iterable[MigrationBatch]) -> dict[int, Stop]:
    """Return of those batches that are stopped why they were, by their keys."""
    stopped = {batch.ref: batch.id for batch in batches if batch.state is BatchState.STOPPED}
    if not stopped:
        return {}
    of_batches = select(func.max(AuditEntry.id)).where(
        AuditEntry.subject.in_(stopped), AuditEntry.action == "batch.stopped"
    )
    last = select(AuditEntry).where(AuditEntry.id.in_(of_batches.group_by(AuditEntry.subject)))
    return {
        stopped[entry.subject]: Stop(entry.data.get("code", "by_person"), entry.actor_name, entry.at)
        for entry in db.session.scalars(last)
    }


def refresh(batch: MigrationBatch) -> None:
    """Read a batch as it is now, where another process may have changed it."""
    end_reading(db.session())
    db.session.refresh(batch)


def counts_of(batch_id: int) -> dict[ItemState, int]:
    """Return how many rows of a batch are in each state."""
    return counts_of_all([batch_id])[batch_id]


def counts_of_all(batch_ids: Collection[int]) -> dict[int, dict[ItemState, int]]:
    """Return of each of these batches how many rows are in each state."""
    query = (
        select(MigrationBatchItem.batch_id, MigrationBatchItem.state, func.count())
        .where(MigrationBatchItem.batch_id.in_(batch_ids))
        .group_by(MigrationBatchItem.batch_id, MigrationBatchItem.state)
    )
    counts = {batch_id: dict.fromkeys(ItemState, 0) for batch_id in batch_ids}
    for batch_id, state, count in db.session.execute(query):
        counts[batch_id][state] = count
    return counts


def list_items(
    batch_id: int, *, state: ItemState | None = None, after: int = 0, limit: int = 100
) -> Sequence[MigrationBatchItem]:
    """Return rows of a batch in the file's order."""
    query = select(MigrationBatchItem).where(MigrationBatchItem.batch_id == batch_id, MigrationBatchItem.row > after)
    if state is not None:
        query = query.where(MigrationBatchItem.state == state)
    return db.session.scalars(query.order_by(MigrationBatchItem.row).limit(limit)).all()


def each_chunk(batch_id: int) -> Iterator[Sequence[MigrationBatchItem]]:
    """Yield every row of a batch, a chunk at a time: memory does not grow with it."""
    after = 0
    while rows := list_items(batch_id, after=after, limit=CHUNK):
        after = rows[-1].row
        yield rows


def totals_of(batch_id: int) -> dict[str, int]:
    """Return what the documents to be cancelled come to, by currency: a dry run's sum."""
    totals: dict[str, int] = {}
    query = select(MigrationBatchItem.effect).where(
        MigrationBatchItem.batch_id == batch_id, MigrationBatchItem.state.in_((ItemState.READY, ItemState.DONE))
    )
    effects: Iterable[dict[str, Any] | None] = db.session.scalars(query.execution_options(yield_per=CHUNK))
    for effect in effects:
        for currency, total in (effect or {}).get("totals", {}).items():
            totals[currency] = totals.get(currency, 0) + total
    return totals


def ref_of(migration_id: int | None) -> str:
    """Return the reference of a row's migration, empty where there is none."""
    return Migration(id=migration_id).ref if migration_id is not None else ""


def progress_of(batch: MigrationBatch, counts: dict[ItemState, int]) -> int:
    """Return how far the work on a batch is, in percent."""
    if batch.state is BatchState.CHECKING:
        return 100 * (batch.rows - counts[ItemState.NEW]) // max(1, batch.rows)
    todo = counts[ItemState.READY] + counts[ItemState.ALONG]
    return 100 * (batch.rows - todo) // max(1, batch.rows)
