"""Erasing a person: begun by them, or for a verified caller; done by the worker after a week in which it can be undone.

What the law wants stored stays: documents with the buyer they name, the record of migrations. The rest becomes
anonymous. The audit log loses the key that opens what it has of the person.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select

from console.audit import sealing
from console.audit.service import record
from console.billing.models import OPEN_STATES, Migration
from console.chat.retention import remove_unused_files
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import Conflict, NotFound
from console.core.logging import get_logger
from console.core.texts import lazy_gettext
from console.core.transaction import transaction
from console.customers import holds, signin
from console.customers.access import membership_behind
from console.customers.models import Customer, Person
from console.hosting.models import Service, ServiceStatus
from console.mail.service import write_to
from console.privacy.models import DataExport, Erasure, ErasureState, ExportState
from console.privacy.registry import SOURCES
from console.privacy.service import exports

log = get_logger(__name__)

WAITS = timedelta(days=7)
IN_USE = (ServiceStatus.ACTIVE, ServiceStatus.SUSPENDED)


def request_erasure(actor: Actor, customer: Customer | None = None) -> Erasure:
    """Begin the erasure of a person; they are mailed, and can take it back for a week.

    Args:
        actor: the person themselves; or staff under a live verification of the account's owner.
        customer: the account whose owner is verified; a person names none.

    Raises:
        NotFound: the account is not theirs.
        ConfirmationNeeded: ``reauth``: they last showed who they are more than ten minutes ago.
        Conflict: ``waiting`` (it has begun), ``held``, ``services``, ``migrations`` (their accounts still have them).
    """
    person = _person_behind(actor, customer)
    signin.require_confirmed(actor)
    db.session.get_one(Person, person.id, with_for_update=True)
    if waiting_erasure(person) is not None:
        raise Conflict(lazy_gettext("The erasure has already been requested."), code="waiting")
    holds.require_none(person)
    _require_nothing_open(person)
    now = clock.now()
    row = Erasure(
        person_id=person.id,
        staff_id=actor.id if actor.kind == "staff" else None,
        requested_at=now,
        due_at=now + WAITS,
    )
    db.session.add(row)
    db.session.flush()
    _write(row, "erasure_requested")
    _record(actor, "erasure.requested", row)
    return row


def cancel_erasure(actor: Actor) -> Erasure:
    """Take back the erasure of oneself.

    Raises:
        NotFound: none is waiting.
    """
    person = db.session.get(Person, actor.id, with_for_update=True) if actor.kind == "person" else None
    row = waiting_erasure(person) if person is not None else None
    if row is None:
        raise NotFound
    _cancel(actor, row)
    return row


def waiting_erasure(person: Person) -> Erasure | None:
    """Return the erasure of a person that waits, if there is one."""
    query = select(Erasure).where(Erasure.person_id == person.id, Erasure.state == ErasureState.WAITING)
    return db.session.scalar(query)


def perform_due() -> int:
    """Do what has waited long enough, each in a transaction of its own; return how many were done.

    One that fails keeps no other from being done, and is tried again by the next run.

    Raises:
        ExceptionGroup: what failed, after all the others were done.
    """
    query = select(Erasure.id).where(Erasure.state == ErasureState.WAITING, Erasure.due_at <= clock.now())
    keys = list(db.session.scalars(query.order_by(Erasure.id)))
    done, failures = 0, list[Exception]()
    for key in keys:
        try:
            done += _perform(key)
        except Exception as error:
            log.exception("an erasure failed", erasure=key)
            failures.append(error)
    if failures:
        raise ExceptionGroup("erasures failed", failures)
    return done


def _perform(key: int) -> bool:
    digests: set[str] = set()
    with transaction() as session:
        row = session.get_one(Erasure, key, with_for_update=True, populate_existing=True)
        if row.state is not ErasureState.WAITING:
            return False
        try:
            _require_nothing_open(row.person)
        except Conflict as refusal:
            log.warning("an erasure was cancelled", person=row.person_id, reason=refusal.code)
            _cancel(SYSTEM, row)
            return False
        digests = _erase(row)
    remove_unused_files(digests)
    return True


def _erase(row: Erasure) -> set[str]:
    session, person, digests = db.session(), row.person, set[str]()
    for made in session.scalars(select(DataExport).where(DataExport.person_id == person.id)).all():
        if made.state in (ExportState.READY, ExportState.QUEUED):
            exports.discard(made)
    counts: dict[str, int] = {}
    for source in SOURCES:
        erased = source.erase(person)
        counts |= erased.counts
        digests |= erased.digests
    sealing.destroy_key(session, person.id)
    row.state, row.ended_at, row.counts = ErasureState.DONE, clock.now(), counts
    session.flush()
    _record(SYSTEM, "person.erased", row, **counts)
    return digests


def _cancel(actor: Actor, row: Erasure) -> None:
    row.state, row.ended_at = ErasureState.CANCELLED, clock.now()
    db.session.flush()
    _write(row, "erasure_cancelled")
    _record(actor, "erasure.cancelled", row)


def _require_nothing_open(person: Person) -> None:
    """Refuse while accounts of their own have services or migrations.

    Raises:
        Conflict: ``services`` or ``migrations``.
    """
    owned = [member.customer_id for member in person.memberships if member.is_owner]
    services = select(Service.id).where(Service.customer_id.in_(owned), Service.status.in_(IN_USE)).limit(1)
    if db.session.scalar(services) is not None:
        raise Conflict(
            lazy_gettext("This account still has services. Cancel them, transfer them or hand the account over first."),
            code="services",
        )
    sides = or_(Migration.from_customer_id.in_(owned), Migration.to_customer_id.in_(owned))
    if db.session.scalar(select(Migration.id).where(sides, Migration.state.in_(OPEN_STATES)).limit(1)) is not None:
        raise Conflict(lazy_gettext("A migration of this account is still open."), code="migrations")


def _person_behind(actor: Actor, customer: Customer | None) -> Person:
    if customer is None:
        person = db.session.get(Person, actor.id) if actor.kind == "person" else None
        if person is None:
            raise NotFound
        return person
    member = membership_behind(actor, customer.id)
    if member is None or not member.is_owner:
        raise NotFound(code="not_allowed")
    return member.person


def _write(row: Erasure, template: str) -> None:
    write_to(
        row.person,
        None,
        template,
        due=row.due_at,
        by_support=row.staff_id is not None,
        portal=settings().portal_brand,
    )


def _record(actor: Actor, action: str, row: Erasure, **data: Any) -> None:
    record(actor, action, f"person:{row.person_id}", erasure=row.id, **data)
