"""kill -9 while a batch is executed: it goes on where it was, and no service moves twice."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.billing.migration.batches import queries, service, work
from console.billing.migration.models import BatchState, ItemState, MigrationBatch
from console.billing.models import Migration, NumberSeries, Proforma, ProformaStatus, Storno
from console.core.transaction import transaction
from console.customers.models import Customer
from console.hosting.models import Ownership
from console.staff.roles import Role
from tests import factories
from tests.billing.batch_worker import run
from tests.billing.many import csv_of, make_many

# Each process is forked off one that has imported the application already.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.support.warmed", "tests.billing.batch_worker"])
MOST_MEMORY = 400  # MB, of the whole process, however many rows


@pytest.mark.both
def test_many_services_are_killed_and_go_on_without_a_double(
    session: Session,
    database: str,
    samples: Callable[[int, int], int],
    rng: random.Random,
    proof: Callable[[str], None],
) -> None:
    count = samples(10_000, 40)
    kills = samples(8, 2)
    owner, target = factories.make_customer(), factories.novi().customer
    batch = _started(owner, target, count)
    for number in range(1, kills + 1):
        _work_and_die(database, batch, number, rng.uniform(0.02, samples(800, 15) / 100))
    memory = _work(database, batch, kills + 1)

    session.expire_all()
    assert session.get_one(MigrationBatch, batch).state is BatchState.DONE
    assert queries.counts_of(batch)[ItemState.DONE] == count
    assert _count(session, Migration.id) == count
    assert _count(session, Storno.id) == count
    moved = select(func.count()).select_from(Ownership).where(Ownership.customer_id == target.id)
    assert session.scalar(moved) == session.scalar(moved.where(Ownership.to_at.is_(None))) == count
    active = select(func.count()).select_from(Proforma).where(Proforma.status == ProformaStatus.OPEN)
    assert session.scalar(active.where(Proforma.customer_id == target.id)) == count
    assert session.scalar(active.where(Proforma.customer_id == owner.id)) == 0
    for name, last in session.execute(select(NumberSeries.series, NumberSeries.last)):
        assert last == count, name  # no number without its document
    assert memory < MOST_MEMORY
    proof(f"{count} services from a file, {kills} times killed with -9: none twice, none missing; {memory} MB at most")


def _started(owner: Customer, target: Customer, count: int) -> int:
    billing = factories.actor_of(factories.make_staff(Role.BILLING))
    numbers = make_many(owner, factories.make_product(), count)
    with transaction():
        batch = service.create_from_file(billing, "portfelj.csv", csv_of(numbers, target.number), "Nalog 1").id
    work.work_due()
    assert queries.counts_of(batch)[ItemState.READY] == count
    with transaction():
        service.start(billing, batch)
    return batch


def _process(database: str, batch: int, number: int) -> tuple[Any, Any]:
    here, there = PROCESSES.Pipe()
    job = {"database": database, "batch": batch, "ahead": number * work.LEASE * 2}
    process = PROCESSES.Process(target=run, args=(job, there))
    process.start()
    assert here.poll(60)
    assert here.recv() == "ready"
    return process, here


def _work_and_die(database: str, batch: int, number: int, seconds: float) -> None:
    process, here = _process(database, batch, number)
    here.poll(seconds)
    process.kill()
    process.join()


def _work(database: str, batch: int, number: int) -> int:
    process, here = _process(database, batch, number)
    assert here.poll(1_800)
    memory = int(here.recv())
    process.join()
    return memory


def _count(session: Session, column: Any) -> int:
    return session.scalar(select(func.count(column))) or 0
