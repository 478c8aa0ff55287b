"""Making a batch, and the word to start, stop or withdraw it. Checking and executing are a worker's.

On what it rests: a file on the authority that billing names, as an order signed by both owners, for which a permission
of its own is needed; services chosen on an account's page on a live verification of a person who may give them away as
well. Where the four-eyes rule is on, another person than who made it has to start it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import func, insert, select

from console.audit.service import record
from console.billing.migration.batches.reading import MAX_TARGET, Row, digest_of, read_file
from console.billing.migration.models import BatchState, ItemState, MigrationBatch, MigrationBatchItem
from console.billing.migration.obstacles import four_eyes_rule, refusal
from console.billing.migration.requests import live_verification_of
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.emails import normal_email
from console.core.errors import Conflict, Invalid, NotFound, Text
from console.core.ids import CUSTOMER_BASE, read_number
from console.core.series import Series
from console.core.text import one_line, paragraphs
from console.core.texts import lazy_gettext
from console.customers.masking import mask_pins
from console.customers.models import Customer, CustomerStatus, Membership, Person
from console.hosting.models import Service, service_key, service_number
from console.staff.roles import Permission

T = TypeVar("T")

AT_ONCE = 500
MAX_NAME = 200
MAX_AUTHORITY = 1_000
UNFINISHED = (BatchState.CHECKING, BatchState.CHECKED, BatchState.RUNNING, BatchState.STOPPED)
_STATES: dict[BatchState, Text] = {  # why a step that is not for this state is refused
    BatchState.CHECKING: lazy_gettext("The rows are still being checked."),
    BatchState.CHECKED: lazy_gettext("It is not running."),
    BatchState.RUNNING: lazy_gettext("It is already running."),
    BatchState.STOPPED: lazy_gettext("It has been stopped in the meantime."),
    BatchState.DONE: lazy_gettext("It has finished in the meantime."),
    BatchState.WITHDRAWN: lazy_gettext("It has been withdrawn in the meantime."),
}


def create_from_file(actor: Actor, name: str, content: bytes, authority: str, *, default: str = "") -> MigrationBatch:
    """Store a file's rows, to be checked by a worker. The same rows again, while unfinished, are the same batch.

    Args:
        name: the file's, as people will look for it.
        authority: on what the transfers rest, as "order 12/2026, signed by both owners".
        default: the authority of a new batch where none is named.

    Raises:
        NotFound: the role moves no services by a file.
        Invalid: the file cannot be read, or no authority is named.
        Conflict: ``another_authority``: an unfinished batch has the same rows on another.
    """
    actor.require(Permission.MIGRATE_MANY)
    named = bool(authority.strip()) or not default
    authority = _authority(authority if named else default)
    file = read_file(content)
    name = one_line(name)[:MAX_NAME] or "CSV"
    if not named:
        there = _unfinished(file.digest)
        authority = there.authority if there is not None else authority
    return _create(actor, name, authority, file.rows, file.digest)


def create_from_services(
    actor: Actor,
    customer: Customer,
    services: Collection[int],
    to_customer: str,
    verification_id: int,
    authority: str,
) -> MigrationBatch:
    """Make a batch of services chosen on one account's page, all to one new owner.

    Raises:
        NotFound: the role moves no services in a batch.
        Invalid, Conflict: no services, no new owner, no authority, or another than the unfinished batch of the same
            services has (``another_authority``); or one of ``console.billing.migration.obstacles``
            about the verification, which has to be live, of this account, and of a person who holds ``transfer``.
    """
    actor.require(Permission.MIGRATE_MANY)
    verification = live_verification_of(actor, verification_id)
    if verification.customer_id != customer.id:
        raise refusal("unverified")
    wrong: dict[str, list[Text]] = {}
    if not services:
        wrong["service"] = [lazy_gettext("Choose at least one service.")]
    if not to_customer.strip():
        wrong["to_customer"] = [lazy_gettext("Enter the new owner.")]
    if wrong:
        raise Invalid(fields=wrong)
    authority = _authority(authority)
    target = normal_email(to_customer)[:MAX_TARGET]
    rows = [Row(place, service_number(key), target) for place, key in enumerate(sorted(set(services)), start=2)]
    digest = digest_of([*rows, Row(1, customer.number, str(verification.id))])
    return _create(actor, customer.number, authority, rows, digest, customer, verification.id)


def start(actor: Actor, batch_id: int) -> MigrationBatch:
    """Let a worker execute the rows that are ready, now or where it was stopped.

    Raises:
        NotFound: there is no such batch, or the role may not.
        Conflict: ``wrong_state``; ``four_eyes``: the same person made it.
    """
    actor.require(Permission.MIGRATE_MANY)
    batch = lock_batch(batch_id)
    if batch.state not in (BatchState.CHECKED, BatchState.STOPPED):
        raise _wrong_state(batch)
    if four_eyes_rule().on and actor.id == batch.created_by_id:
        raise refusal("four_eyes")
    batch.state = BatchState.RUNNING
    batch.started_at, batch.started_by_id = clock.now(), actor.id
    db.session.flush()
    _record(actor, "batch.started", batch)
    return batch


def stop(actor: Actor, batch_id: int) -> MigrationBatch:
    """Stop after the row that is under way; it can go on later.

    Raises:
        NotFound: there is no such batch, or the role may not.
        Conflict: ``wrong_state``: it is not running.
    """
    actor.require(Permission.MIGRATE_MANY)
    batch = lock_batch(batch_id)
    if batch.state is not BatchState.RUNNING:
        raise _wrong_state(batch)
    batch.state = BatchState.STOPPED
    db.session.flush()
    _record(actor, "batch.stopped", batch)
    return batch


def withdraw(actor: Actor, batch_id: int) -> MigrationBatch:
    """End a batch that is not running; what it has moved stays moved.

    Raises:
        NotFound: there is no such batch, or the role may not.
        Conflict: ``wrong_state``: it runs, or has ended.
    """
    actor.require(Permission.MIGRATE_MANY)
    batch = lock_batch(batch_id)
    if batch.state not in UNFINISHED or batch.state is BatchState.RUNNING:
        raise _wrong_state(batch)
    batch.state, batch.ended_at = BatchState.WITHDRAWN, clock.now()
    batch.lease = batch.leased_until = None
    db.session.flush()
    _record(actor, "batch.withdrawn", batch)
    return batch


def _wrong_state(batch: MigrationBatch) -> Conflict:
    """Return the refusal of a step that is too late or too early, which names the state that the batch is in now."""
    return Conflict(_STATES[batch.state], code="wrong_state")


def lock_batch(batch_id: int) -> MigrationBatch:
    """Return a batch, locked.

    Raises:
        NotFound: there is none.
    """
    query = select(MigrationBatch).where(MigrationBatch.id == batch_id).with_for_update(of=MigrationBatch)
    batch = db.session.scalar(query.execution_options(populate_existing=True))
    if batch is None:
        raise NotFound
    return batch


def _authority(text: str) -> str:
    authority = mask_pins(paragraphs(text))[0][:MAX_AUTHORITY]
    if not authority:
        raise Invalid(
            fields={
                "authority": [
                    lazy_gettext("Enter the authority for this, for example the order signed by both owners.")
                ]
            }
        )
    return authority


def _create(
    actor: Actor,
    name: str,
    authority: str,
    rows: Sequence[Row],
    digest: str,
    customer: Customer | None = None,
    verification_id: int | None = None,
) -> MigrationBatch:
    there = _unfinished(digest)
    if there is not None and there.authority != authority:
        message = lazy_gettext(
            "%(batch)s has the same rows and another authority. Withdraw it first, or enter the same authority.",
            batch=there.ref,
        )
        raise Conflict(message, code="another_authority", fields={"authority": [message]}, details={"batch": there.ref})
    if there is not None:
        return there
    batch = MigrationBatch(
        name=name,
        digest=digest,
        authority=authority,
        customer_id=customer.id if customer is not None else None,
        verification_id=verification_id,
        created_at=clock.now(),
        created_by_id=actor.id,
        rows=len(rows),
    )
    db.session.add(batch)
    db.session.flush()
    for chunk in _chunks(_items(batch, rows), AT_ONCE):
        db.session.execute(insert(MigrationBatchItem), chunk)
    _record(actor, "batch.created", batch)
    return batch


def _unfinished(digest: str) -> MigrationBatch | None:
    """Return the batch with the same rows that is not over."""
    same = select(MigrationBatch).where(MigrationBatch.digest == digest, MigrationBatch.state.in_(UNFINISHED))
    return db.session.scalar(same.order_by(MigrationBatch.id).limit(1))


def _items(batch: MigrationBatch, rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Yield the items of a batch, with what they name found already where there is such a thing."""
    services = _known(Service.id, {key for row in rows if (key := _service_key(row.service)) is not None})
    targets = _targets({normal_email(row.target) for row in rows})
    seen: dict[int, int | None] = {}
    for row in rows:
        key, target = _service_key(row.service), targets.get(normal_email(row.target))
        service_id = key if key in services else None
        code = None
        if service_id is None:
            code = "unknown_service"
        elif target is None:
            code = "unknown_target"
        elif service_id in seen and seen[service_id] != target:
            code = "in_batch"
        elif service_id in seen:
            code = "twice"
        else:
            seen[service_id] = target
        yield {
            "batch_id": batch.id,
            "row": row.number,
            "state": ItemState.REFUSED if code else ItemState.NEW,
            "service": row.service,
            "target": row.target,
            "service_id": service_id,
            "to_customer_id": target,
            "code": code,
            "concerns": [],
            "effect": None,
        }


def _service_key(text: str) -> int | None:
    text = text.strip().upper()
    prefix = f"{Series.SERVICE.value}-"
    return service_key(text if text.startswith(prefix) else prefix + text)


def _targets(names: Collection[str]) -> dict[str, int]:
    """Return accounts by what a file calls their owners: the number, or an address that owns one open account."""
    found: dict[str, int] = {}
    numbers = {name: number - CUSTOMER_BASE for name in names if (number := read_number(name, "K-")) is not None}
    known = _known(Customer.id, numbers.values())
    found |= {name: key for name, key in numbers.items() if key in known}
    for chunk in _chunks((name for name in names if "@" in name), AT_ONCE):
        query = (
            select(Person.email, func.min(Membership.customer_id))
            .join(Membership, Membership.person_id == Person.id)
            .join(Customer, Customer.id == Membership.customer_id)
            .where(Membership.is_owner, Person.email.in_(chunk), Customer.status == CustomerStatus.ACTIVE)
            .group_by(Person.email)
            .having(func.count() == 1)
        )
        found |= dict(db.session.execute(query).all())
    return found


def _known(column: Any, keys: Iterable[int]) -> set[int]:
    found: set[int] = set()
    for chunk in _chunks(keys, AT_ONCE):
        found.update(db.session.scalars(select(column).where(column.in_(chunk))))
    return found


def _chunks(values: Iterable[T], size: int) -> Iterator[list[T]]:
    chunk: list[T] = []
    for value in values:
        chunk.append(value)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _record(actor: Actor, action: str, batch: MigrationBatch) -> None:
    # The authority and the file's name may name people: they are in the batch alone.
    record(actor, action, batch.ref, customer_id=batch.customer_id, rows=batch.rows)
