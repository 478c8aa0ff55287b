"""The switch of an account, and what people let applications know.

Only the owner turns single sign-on on or off; besides them, those who hold ``productsso`` may use it. A grant counts as
long as the switch is on, the application is active, and the person still holds what they held: asked at each use.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import and_, select, update
from sqlalchemy.orm import contains_eager, joinedload

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound
from console.core.upsert import insert_missing
from console.customers import holds, passwords
from console.customers.account.hooks import HandedOver, register_handed_over
from console.customers.models import Customer, CustomerStatus, Membership, Person
from console.customers.people.hooks import register_reduced
from console.customers.rights import Right
from console.identity import mails
from console.identity.access import lock_own
from console.identity.oidc.families import end_of_grants, end_of_person
from console.identity.oidc.models import SsoApplication, SsoGrant, SsoSwitch


def turn(actor: Actor, session_id: int, customer_id: int, *, on: bool) -> bool:
    """Turn single sign-on of an account on or off; return whether that changed anything. Off ends every grant at once.

    Raises:
        NotFound: ``actor`` is not the owner.
        ConfirmationNeeded: as in :func:`~console.identity.access.lock_own`.
        Conflict: ``held``: it cannot be turned on for now, because the sign-in may have changed hands.
    """
    person = lock_own(actor, session_id)
    customer = _lock_owned(person, customer_id)
    switch = db.session.get(SsoSwitch, customer_id, populate_existing=True)
    if on == (switch is not None):
        return False
    if on:
        holds.require_none(person)
        values = {"customer_id": customer_id, "person_id": person.id, "switched_on_at": clock.now()}
        insert_missing(SsoSwitch, [values], SsoSwitch.customer_id)
        record(actor, "sso.switched_on", customer.number, customer_id=customer_id)
    else:
        _switch_off(actor, customer)
    mails.notify(person, "sso_on" if on else "sso_off", account=customer.number)
    return True


def eligible(person_id: int) -> Sequence[Membership]:
    """Return for which of their accounts a person may sign in to applications now."""
    query = (
        select(Membership)
        .join(Membership.customer)
        .join(SsoSwitch, SsoSwitch.customer_id == Membership.customer_id)
        .join(Membership.person)
        .where(
            Membership.person_id == person_id,
            Membership.removed_at.is_(None),
            Customer.status != CustomerStatus.CLOSED,
            Person.password_hash.is_not(None),
        )
        .options(contains_eager(Membership.customer), contains_eager(Membership.person))
        .order_by(Membership.id)
    )
    return [one for one in db.session.scalars(query) if Right.PRODUCT_SSO in one.held_rights()]


def open_grants(application_id: int, memberships: Iterable[Membership]) -> dict[int, SsoGrant]:
    """Return what an application was granted, by membership."""
    query = select(SsoGrant).where(
        SsoGrant.application_id == application_id,
        SsoGrant.membership_id.in_([one.id for one in memberships]),
        SsoGrant.ended_at.is_(None),
    )
    return {grant.membership_id: grant for grant in db.session.scalars(query)}


def allow(
    actor: Actor, session_id: int, application: SsoApplication, membership: Membership, scopes: Sequence[str]
) -> SsoGrant:
    """Record the consent of a person for an application and one account, until it is revoked.

    Raises:
        NotFound: it is not their own account, or single sign-on is off there or not theirs to use.
        ConfirmationNeeded: something new is granted, and the sign-in is not fresh.
    """
    person = lock_own_for_use(actor)
    membership = require_usable(person.id, membership.id)
    # Who turns it off meanwhile waits, and then ends this one too.
    if db.session.get(SsoSwitch, membership.customer_id, with_for_update=True, populate_existing=True) is None:
        raise NotFound(code="not_allowed")
    grant = open_grants(application.id, [membership]).get(membership.id)
    if grant is not None and set(scopes) <= set(grant.scopes):
        grant.used_at = clock.now()
        db.session.flush()
        return grant
    lock_own(actor, session_id)
    if grant is None:
        grant = SsoGrant(application=application, membership=membership, scopes=[], granted_at=clock.now())
        db.session.add(grant)
    grant.scopes = sorted({*grant.scopes, *scopes})
    grant.used_at = clock.now()
    db.session.flush()
    customer = membership.customer
    record(
        actor,
        "sso.granted",
        customer.number,
        customer_id=customer.id,
        application=application.name,
        person=person.id,
        scopes=grant.scopes,
    )
    for receiver in {one.id: one for one in (person, customer.owner) if one is not None}.values():
        mails.notify(receiver, "sso_granted", application=application.name, account=customer.number)
    return grant


def refuse(actor: Actor, application: SsoApplication, memberships: Sequence[Membership], reason: str) -> None:
    """Record that an application was refused.

    Args:
        memberships: the accounts that are concerned; without one only the person is named.
        reason: ``person`` said no; ``off``: it is on for none of their accounts, or not theirs to use.
    """
    customers: list[Customer | None] = [one.customer for one in memberships]
    for customer in customers or [None]:
        record(
            actor,
            "sso.refused",
            customer.number if customer is not None else f"person:{actor.id}",
            customer_id=customer.id if customer is not None else None,
            application=application.name,
            reason=reason,
        )


def revoke(actor: Actor, session_id: int, grant_id: int) -> SsoGrant:
    """Revoke one grant: the person's own, or any on the account as its owner.

    Raises:
        NotFound: there is no such grant, or it is not theirs to end.
        ConfirmationNeeded: as in :func:`~console.identity.access.lock_own`.
    """
    person = lock_own(actor, session_id)
    grant = db.session.get(SsoGrant, grant_id, with_for_update=True, populate_existing=True)
    if grant is None or grant.ended_at is not None:
        raise NotFound
    if grant.membership.person_id != person.id and not _owns(person, grant.membership.customer_id):
        raise NotFound
    _end(actor, [grant], "revoked")
    return grant


def state_of(customer_id: int, person_id: int | None) -> tuple[SsoSwitch | None, Sequence[SsoGrant]]:
    """Return the switch of an account, which is there where it is on, and what was granted, the last one first.

    Args:
        person_id: whose grants; without it everyone's.
    """
    whose = (Membership.person_id == person_id,) if person_id is not None else ()
    query = (
        select(SsoSwitch, SsoGrant)
        .outerjoin(
            Membership,
            and_(Membership.customer_id == SsoSwitch.customer_id, Membership.removed_at.is_(None), *whose),
        )
        .outerjoin(SsoGrant, and_(SsoGrant.membership_id == Membership.id, SsoGrant.ended_at.is_(None)))
        .where(SsoSwitch.customer_id == customer_id)
        .options(joinedload(SsoGrant.application), joinedload(SsoGrant.membership).joinedload(Membership.person))
        .order_by(SsoGrant.id.desc())
    )
    rows = db.session.execute(query).all()
    return (rows[0][0] if rows else None), [grant for _switch, grant in rows if grant is not None]


def is_live(grant: SsoGrant) -> bool:
    """Return whether what a grant gave still counts."""
    membership = grant.membership
    return (
        grant.ended_at is None
        and grant.application.active
        and Right.PRODUCT_SSO in membership.held_rights()
        and membership.customer.status is not CustomerStatus.CLOSED
        and membership.person.password_hash is not None
        and db.session.get(SsoSwitch, membership.customer_id, populate_existing=True) is not None
    )


def require_usable(person_id: int, membership_id: int) -> Membership:
    """Return one of a person's accounts where they may sign in to applications.

    Raises:
        NotFound: it is none.
    """
    found = next((one for one in eligible(person_id) if one.id == membership_id), None)
    if found is None:
        raise NotFound(code="not_allowed")
    return found


def lock_own_for_use(actor: Actor) -> Person:
    """Return the person who asks, locked: two consents at once come one after the other.

    Raises:
        NotFound: ``actor`` is no customer's person.
    """
    if actor.kind != "person":
        raise NotFound(code="not_allowed")
    return db.session.get_one(Person, actor.id, with_for_update=True, populate_existing=True)


def end_for_erasure(actor: Actor, person: Person) -> int:
    """End what a person granted, as part of their erasure; return how many there were."""
    count = _end_of_person(actor, person, "erased")
    theirs = select(Membership.id).where(Membership.person_id == person.id)
    db.session.execute(update(SsoGrant).where(SsoGrant.membership_id.in_(theirs)).values(scopes=[]))
    return count


def _lock_owned(person: Person, customer_id: int) -> Customer:
    """Return an account, locked, that the person owns."""
    customer = db.session.get(Customer, customer_id, with_for_update=True, populate_existing=True)
    if customer is None or customer.status is CustomerStatus.CLOSED or not _owns(person, customer_id):
        raise NotFound(code="not_allowed")
    return customer


def _owns(person: Person, customer_id: int) -> bool:
    query = select(Membership.id).where(
        Membership.customer_id == customer_id, Membership.person_id == person.id, Membership.is_owner
    )
    return db.session.scalar(query) is not None


def _switch_off(actor: Actor, customer: Customer, reason: str = "switched_off") -> None:
    switch = db.session.get(SsoSwitch, customer.id, populate_existing=True)
    if switch is None:
        return
    db.session.delete(switch)
    db.session.flush()
    record(actor, "sso.switched_off", customer.number, customer_id=customer.id, reason=reason)
    query = select(SsoGrant).join(SsoGrant.membership).where(Membership.customer_id == customer.id)
    _end(actor, db.session.scalars(query.where(SsoGrant.ended_at.is_(None)).order_by(SsoGrant.id)).all(), reason)


def _end(actor: Actor, grants: Sequence[SsoGrant], reason: str) -> None:
    for grant in grants:
        grant.ended_at, grant.end_reason = clock.now(), reason
        customer = grant.membership.customer
        record(
            actor,
            "sso.revoked",
            customer.number,
            customer_id=customer.id,
            application=grant.application.name,
            person=grant.membership.person_id,
            reason=reason,
        )
    if grants:
        end_of_grants([grant.id for grant in grants])


def _end_of_person(actor: Actor, person: Person, reason: str) -> int:
    query = select(SsoGrant).join(SsoGrant.membership).where(Membership.person_id == person.id)
    grants = db.session.scalars(query.where(SsoGrant.ended_at.is_(None)).order_by(SsoGrant.id)).all()
    _end(actor, grants, reason)
    return len(grants)


def _after_hold(actor: Actor, person: Person, reason: str) -> None:
    _end_of_person(actor, person, reason)


def _after_reduction(actor: Actor, membership: Membership) -> None:
    if Right.PRODUCT_SSO in membership.held_rights():
        return
    query = select(SsoGrant).where(SsoGrant.membership_id == membership.id, SsoGrant.ended_at.is_(None))
    _end(actor, db.session.scalars(query).all(), "permission")


def _after_handover(actor: Actor, event: HandedOver) -> None:
    """Turn it off after a handover: the new owner decides."""
    _switch_off(actor, event.customer, "handover")


def _after_new_password(person: Person) -> None:
    end_of_person(person.id)


holds.register_begun("sso", _after_hold)
passwords.register_replaced("sso", _after_new_password)
register_reduced("sso", _after_reduction)
register_handed_over("sso", _after_handover)
