"""The registry's part of a ``.rs`` or ``.срб`` domain: ours moves at once, its registrant changes at RNIDS afterwards.

Executing a migration opens the tasks of each such domain (``console.billing.migration.execution``); a person ticks
each, and can undo that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import joinedload

from console.audit.service import record
from console.billing.migration import mails
from console.billing.migration.models import RegistryTask, TaskKind
from console.billing.models import Migration, MigrationState
from console.billing.service import today
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, NotFound
from console.core.text import paragraphs
from console.core.texts import lazy_gettext
from console.customers.masking import mask_pins
from console.hosting.models import Domain, readable_domain
from console.staff.roles import Permission

MAX_NOTE = 500


def tick(actor: Actor, task_id: int, note: str = "") -> RegistryTask:
    """Note that a task is done.

    Raises:
        NotFound: there is none, or the role does not work on migrations.
        Conflict: it is over, or it is the last one and others are still open.
    """
    actor.require(Permission.REQUEST_MIGRATION)
    task = _lock(task_id)
    if task.ended_at is not None:
        raise Conflict(lazy_gettext("This task is already done."), code="wrong_state")
    if task.kind is TaskKind.DONE and _others_open(task):
        raise Conflict(
            lazy_gettext("The other tasks of this domain are still open. Tick them first."), code="tasks_open"
        )
    task.done_at = task.ended_at = clock.now()
    task.done_by_id = actor.id
    task.note = mask_pins(paragraphs(note))[0][:MAX_NOTE]
    db.session.flush()
    _record(actor, "registry.ticked", task)
    if task.kind is TaskKind.DONE:
        mails.notify_both(task.migration, "registry", domains=[task.domain.readable_name])
    return task


def untick(actor: Actor, task_id: int) -> RegistryTask:
    """Undo :func:`tick`.

    Raises:
        NotFound: there is none, or the role does not work on migrations.
        Conflict: it is not done, the domain is reported as done at the registry, or the migration was reversed.
    """
    actor.require(Permission.REQUEST_MIGRATION)
    task = _lock(task_id)
    if task.done_at is None:
        raise Conflict(lazy_gettext("This task is not done."), code="wrong_state")
    if _is_reversed(task.migration_id):
        raise Conflict(
            lazy_gettext("The migration was reversed, so its tasks can no longer be changed."), code="reversed"
        )
    last = select(RegistryTask.id).where(*_siblings(task), RegistryTask.kind == TaskKind.DONE)
    if task.kind is not TaskKind.DONE and db.session.scalar(last.where(RegistryTask.done_at.is_not(None))):
        raise Conflict(
            lazy_gettext("The domain is marked as changed at the registry. Undo that first."), code="registry_done"
        )
    task.done_at = task.ended_at = task.done_by_id = None
    task.note = ""
    db.session.flush()
    _record(actor, "registry.unticked", task)
    return task


def tasks_of(migration: Migration) -> list[RegistryTask]:
    """Return the tasks of a migration, domain by domain, in the order in which they are done."""
    query = _loaded().where(RegistryTask.migration_id == migration.id)
    return _sorted(db.session.scalars(query))


def tasks_due(*, overdue: bool = False, limit: int = 200) -> Sequence[RegistryTask]:
    """Return the open tasks, the most urgent first."""
    query = _loaded().where(RegistryTask.ended_at.is_(None)).order_by(RegistryTask.due_on, RegistryTask.id)
    if overdue:
        query = query.where(RegistryTask.due_on < today())
    return db.session.scalars(query.options(joinedload(RegistryTask.migration)).limit(limit)).all()


def open_domains(customer_id: int) -> list[tuple[str, str]]:
    """Return what of the registry's part is open for an account, on either side: migration's reference and domain."""
    query = (
        select(RegistryTask.migration_id, Domain.name)
        .join(RegistryTask.domain)
        .join(RegistryTask.migration)
        .where(
            RegistryTask.ended_at.is_(None),
            (Migration.from_customer_id == customer_id) | (Migration.to_customer_id == customer_id),
        )
        .distinct()
        .order_by(RegistryTask.migration_id, Domain.name)
        .limit(20)
    )
    return [(Migration(id=key).ref, readable_domain(name)) for key, name in db.session.execute(query)]


def _lock(task_id: int) -> RegistryTask:
    migration_id = db.session.scalar(select(RegistryTask.migration_id).where(RegistryTask.id == task_id))
    if migration_id is None:
        raise NotFound
    # One lock for all tasks of a migration: the last one looks at the others.
    db.session.get_one(Migration, migration_id, with_for_update=True, populate_existing=True)
    return db.session.get_one(RegistryTask, task_id, populate_existing=True)


def _is_reversed(migration_id: int) -> bool:
    """Return whether a migration was taken back: its open tasks are dropped then, and none is opened again."""
    query = select(Migration.id).where(
        Migration.reverses_id == migration_id, Migration.state == MigrationState.EXECUTED
    )
    return db.session.scalar(query) is not None


def _siblings(task: RegistryTask) -> tuple[ColumnElement[bool], ...]:
    return RegistryTask.migration_id == task.migration_id, RegistryTask.domain_id == task.domain_id


def _others_open(task: RegistryTask) -> bool:
    query = select(RegistryTask.id).where(*_siblings(task), RegistryTask.id != task.id, RegistryTask.ended_at.is_(None))
    return db.session.scalar(query.limit(1)) is not None


def _loaded() -> Select[RegistryTask]:
    return select(RegistryTask).options(joinedload(RegistryTask.domain), joinedload(RegistryTask.done_by))


def _sorted(tasks: Iterable[RegistryTask]) -> list[RegistryTask]:
    order = {kind: place for place, kind in enumerate(TaskKind)}
    return sorted(tasks, key=lambda task: (task.domain.name, task.domain_id, order[task.kind]))


def _record(actor: Actor, action: str, task: RegistryTask) -> None:
    for customer_id in (task.migration.from_customer_id, task.migration.to_customer_id):
        record(
            actor, action, task.migration.ref, customer_id=customer_id, domain=task.domain.name, task=task.kind.value
        )
