"""The new owner's acceptance: by the link in a mail or in the portal, of what they were told that they take over.

They see the services, the documents that will be made to them and the amounts; of the old owner nothing. What they
accept is stored line by line: where more than that would come to them, they are asked again.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from console.audit.service import record
from console.billing.migration import mails
from console.billing.migration.decisions import ACCEPTANCE, close
from console.billing.migration.obstacles import refusal
from console.billing.migration.plan_data import lock_migration, locked_plan, plan_for
from console.billing.models import Migration, MigrationState
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound
from console.core.text import paragraphs
from console.customers.access import membership_behind
from console.customers.masking import mask_pins
from console.customers.models import Membership
from console.customers.rights import Right
from console.staff.roles import Permission
from console.tokens import service as tokens

MAX_REASON = 1_000


def offer(actor: Actor, migration: Migration) -> None:
    """Ask the new owner, as part of a verb that locks the migration. Earlier links are void.

    Raises:
        TooMany: their address got enough of these within the hour.
    """
    tokens.revoke(ACCEPTANCE, subject_of(migration))
    token = tokens.issue(ACCEPTANCE, subject_of(migration), migration.expires_at - clock.now())
    documents = [
        {"currency": issue.currency, "total": issue.total, "due_on": issue.due_on, "lines": len(issue.lines)}
        for issue in plan_for(migration).new_documents
    ]
    owner = _owner(migration)
    if owner is not None:
        mails.offer(actor, migration, owner, token, documents)


def migration_behind(token: str) -> Migration:
    """Return the migration that a link is for. Looking uses nothing up.

    Raises:
        NotFound: ``link_gone``: it was answered, has ended, or is too old.
    """
    subject = tokens.subject_of(ACCEPTANCE, token)
    migration = db.session.get(Migration, int(subject.partition(":")[2])) if subject else None
    if migration is None or not migration.waits_for_new_owner or migration.expires_at <= clock.now():
        raise tokens.gone()
    return migration


def accept_by_link(token: str, address: str | None, *, terms: str = "") -> Migration:
    """Accept as who reads the new owner's mail; the link is used up.

    Args:
        terms: the :attr:`~console.billing.migration.plan.Plan.terms_digest` of what was looked at.

    Raises:
        NotFound: as in :func:`migration_behind`.
        Conflict: ``stale_plan``: they would take over something else than they looked at.
    """
    migration, owner, actor = _use_link(token, address)
    return _accept(actor, migration, owner, terms)


def accept(actor: Actor, ref: str, *, terms: str = "") -> Migration:
    """Accept in the portal, as a person who owns the new account or holds ``transfer`` on it.

    Raises:
        NotFound: they do neither, or there is no such migration.
        Conflict: ``wrong_state``: it does not wait for the new owner; ``stale_plan`` as by the link.
    """
    migration, member = _lock_for(actor, ref)
    return _accept(actor, migration, member, terms)


def decline_by_link(token: str, reason: str, address: str | None) -> Migration:
    """Decline as who reads the new owner's mail.

    Raises:
        NotFound: as in :func:`migration_behind`.
        Invalid: no reason is given.
    """
    migration, owner, actor = _use_link(token, address)
    return _decline(actor, migration, owner, reason)


def decline(actor: Actor, ref: str, reason: str) -> Migration:
    """Decline in the portal; what was accepted can be declined until billing has approved it.

    Raises:
        NotFound, Conflict: as in :func:`accept`.
        Invalid: no reason is given.
    """
    migration, member = _lock_for(actor, ref, MigrationState.ACCEPTED)
    return _decline(actor, migration, member, reason)


def ask_again(actor: Actor, ref: str) -> Migration:
    """Ask the new owner again, with another link: what they accepted has changed, or the mail was lost.

    Raises:
        NotFound: the role decides no migrations.
        Conflict: ``wrong_state``: it is over, or needs no acceptance; ``expired``.
    """
    actor.require(Permission.DECIDE_MIGRATION)
    migration = lock_migration(ref)
    if not migration.is_open or not migration.needs_acceptance:
        raise refusal("wrong_state")
    if migration.expires_at <= clock.now():
        raise refusal("expired")
    was_waiting = migration.waits_for_new_owner
    migration.state = MigrationState.REQUESTED
    migration.accepted_at = migration.accepted_by_id = migration.accepted_terms = None
    migration.approved_at = migration.approved_by_id = migration.plan = None
    migration.clear_schedule()
    db.session.flush()
    offer(actor, migration)
    if not was_waiting:  # what the old owner was told of an acceptance, an approval or a day is no longer so
        mails.notify_old(migration, "asked_again")
    record(actor, "migration.asked_again", migration.ref, customer_id=migration.to_customer_id)
    return migration


def may_accept(actor: Actor, migration: Migration) -> bool:
    """Return whether ``actor`` is a person of the new account who may accept it now."""
    if not migration.waits_for_new_owner:
        return False
    member = membership_behind(actor, migration.to_customer_id) if actor.kind == "person" else None
    return member is not None and Right.TRANSFER in member.held_rights()


def subject_of(migration: Migration) -> str:
    """Return what the tokens of a migration are about."""
    return f"migration:{migration.id}"


def _use_link(token: str, address: str | None) -> tuple[Migration, Membership, Actor]:
    migration = lock_migration(migration_behind(token).ref)
    _check_waits(migration)
    owner = _owner(migration)
    if owner is None or tokens.use(ACCEPTANCE, token) != subject_of(migration):
        raise tokens.gone()
    return migration, owner, Actor(kind="person", id=owner.person_id, name=owner.name, address=address)


def _lock_for(actor: Actor, ref: str, *more: MigrationState) -> tuple[Migration, Membership]:
    migration = lock_migration(ref)
    member = membership_behind(actor, migration.to_customer_id) if actor.kind == "person" else None
    if member is None or Right.TRANSFER not in member.held_rights():
        raise NotFound(code="not_allowed")
    _check_waits(migration, *more)
    return migration, member


def _check_waits(migration: Migration, *more: MigrationState) -> None:
    if migration.expires_at <= clock.now():
        raise refusal("expired")
    if not migration.needs_acceptance or migration.state not in (MigrationState.REQUESTED, *more):
        raise refusal("wrong_state")


def _accept(actor: Actor, migration: Migration, member: Membership, seen: str) -> Migration:
    plan, _documents = locked_plan(migration)
    if seen and seen != plan.terms_digest:
        raise refusal("stale_plan")
    migration.state = MigrationState.ACCEPTED
    migration.accepted_at, migration.accepted_by_id, migration.accepted_terms = clock.now(), member.id, plan.new_terms
    tokens.revoke(ACCEPTANCE, subject_of(migration))
    db.session.flush()
    for customer_id in (migration.from_customer_id, migration.to_customer_id):
        record(actor, "migration.accepted", migration.ref, customer_id=customer_id)
    mails.notify_both(migration, "accepted")
    return migration


def _decline(actor: Actor, migration: Migration, member: Membership, reason: str) -> Migration:
    reason = paragraphs(reason)
    if not reason:
        raise refusal("no_decline_reason")
    migration.declined_by_id = member.id
    close(actor, migration, MigrationState.REJECTED, mask_pins(reason)[0][:MAX_REASON])
    mails.notify_both(migration, "declined", reason=migration.end_reason)
    return migration


def _owner(migration: Migration) -> Membership | None:
    query = select(Membership).options(joinedload(Membership.person))
    return db.session.scalar(query.where(Membership.customer_id == migration.to_customer_id, Membership.is_owner))


def terms_json(documents: Any) -> list[dict[str, Any]]:
    """Return what the new owner takes over, for programs."""
    return [
        {
            "currency": one.currency,
            "total": one.total,
            "net": one.net,
            "tax": one.tax,
            "due_on": one.due_on.isoformat(),
            "lines": [{"description": line.description, "total": line.total} for line in one.lines],
        }
        for one in documents
    ]
