"""A lost device: a wait of 24 hours with every notification we have, then second factors are removed and a hold begins.

Who asks knows the password; the link is in the registered mailbox; in the hours between, the person and the owners of
the accounts they are on can stop it. A supervisor can refuse it or let it go on, and nothing else.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Select, select, update

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import Conflict, NotFound
from console.core.texts import lazy_gettext
from console.customers import holds, signin
from console.customers.account.hooks import HandedOver, register_address_changed, register_handed_over
from console.customers.models import Customer, Person, PersonSession
from console.identity import mails
from console.identity.access import lock_person, subject_of
from console.identity.models import DeviceRecovery, RecoveryEnd
from console.identity.queries import account_to_stop, open_recovery
from console.identity.service import factors, passkeys
from console.mail.links import SecretLink
from console.staff.models import Staff
from console.staff.queries import staff_who_may
from console.staff.roles import Permission
from console.tokens import service as tokens

WAIT = timedelta(hours=24)
SERVES = timedelta(hours=72)  # after the wait
REMOVE, CANCEL = "person.recovery", "person.recovery_stop"  # what the links are for


def ask(actor: Actor, person: Person) -> DeviceRecovery:
    """Start the waiting period, or return the one that is running: then nothing is mailed again.

    Args:
        actor: the person, who showed their password and has no code.
        person: locked (``signin.lock_pending``).
    """
    found = db.session.scalar(_open(person.id))
    if found is not None and found.is_open(clock.now()):
        return found
    if found is not None:
        _end(found, RecoveryEnd.EXPIRED)
    now = clock.now()
    recovery = DeviceRecovery(
        person=person, started_at=now, ready_at=now + WAIT, expires_at=now + WAIT + SERVES, address=actor.address
    )
    db.session.add(recovery)
    db.session.flush()
    link = SecretLink(f"{settings().base_url}/moj/recovery/", tokens.issue(REMOVE, _subject(recovery), WAIT + SERVES))
    mails.write_recovery(recovery, link, _cancel_link(recovery))
    for account in mails.accounts_of_others(person):
        mails.write_recovery_notice(recovery, account, _cancel_link(recovery))
    for supervisor in staff_who_may(Permission.REVIEW_RECOVERY):
        mails.notify_supervisor_of_recovery(supervisor, recovery)
    record(actor, "person.recovery_asked", subject_of(person), until=recovery.ready_at.isoformat())
    return recovery


def recovery_behind(token: str, purpose: str) -> DeviceRecovery:
    """Return what a mailed link is about. Looking uses nothing up.

    Args:
        purpose: ``REMOVE`` or ``CANCEL``.

    Raises:
        NotFound: ``link_gone``: the link was used, is too old, or what it was for has ended.
    """
    subject = tokens.subject_of(purpose, token)
    recovery = db.session.get(DeviceRecovery, int(subject.partition(":")[2])) if subject else None
    if recovery is None or not recovery.is_open(clock.now()):
        raise tokens.gone()
    return recovery


def finish(token: str, address: str | None) -> Person:
    """Remove the second factors after the wait: every session ends, and the hold of 72 hours begins.

    Raises:
        NotFound: as in :func:`recovery_behind`.
        Conflict: ``waiting``: the 24 hours are not over.
    """
    recovery = _lock(recovery_behind(token, REMOVE).id)
    person = recovery.person
    if not recovery.is_ready(clock.now()):
        raise Conflict(lazy_gettext("The 24 hours are not over yet."), code="waiting")
    if tokens.use(REMOVE, token) != _subject(recovery):
        raise tokens.gone()
    actor = Actor(kind="person", id=person.id, name=person.name, address=address)
    factors.remove(person)
    passkeys.remove_all(person)
    _end(recovery, RecoveryEnd.DONE)
    open_ones = update(PersonSession).where(PersonSession.person_id == person.id, PersonSession.revoked_at.is_(None))
    db.session.execute(open_ones.values(revoked_at=clock.now()))
    record(actor, "person.recovery_done", subject_of(person))
    mails.notify(person, "recovery_done", until=holds.begin(actor, person, "lost_device"))
    return person


def cancel(token: str, address: str | None) -> Person:
    """Stop it by a link in one of the mails.

    Raises:
        NotFound: as in :func:`recovery_behind`.
    """
    recovery = _lock(recovery_behind(token, CANCEL).id)
    if tokens.use(CANCEL, token) != _subject(recovery):
        raise tokens.gone()
    _end(recovery, RecoveryEnd.CANCELLED)
    visitor = Actor(kind="visitor", id=None, name="", address=address)
    record(visitor, "person.recovery_cancelled", subject_of(recovery.person))
    mails.notify(recovery.person, "recovery_cancelled")
    return recovery.person


def stop(actor: Actor, session_id: int, recovery_id: int | None = None) -> None:
    """Stop a recovery from a fresh sign-in: one's own, or that of a user of an account that one owns, who is told.

    Args:
        recovery_id: one's own where it is not given.

    Raises:
        NotFound: there is none that is theirs to stop, or the session is not theirs.
        ConfirmationNeeded: ``reauth``.
    """
    if actor.kind != "person" or actor.id is None:
        raise NotFound(code="not_allowed")
    found = db.session.get(DeviceRecovery, recovery_id) if recovery_id else open_recovery(actor.id)
    if found is None:
        raise NotFound
    account = None if found.person_id == actor.id else _owned(actor.id, found)
    recovery = _lock(found.id)
    signin.require_confirmed_session(actor, session_id)
    if not recovery.is_open(clock.now()):
        raise NotFound
    _end(recovery, RecoveryEnd.CANCELLED)
    record(
        actor,
        "person.recovery_cancelled",
        subject_of(recovery.person),
        customer_id=account.id if account is not None else None,
    )
    if account is None:
        mails.notify(recovery.person, "recovery_cancelled")
    else:
        mails.notify(recovery.person, "recovery_stopped_by_owner", account=account.number)


def _owned(person_id: int, recovery: DeviceRecovery) -> Customer:
    key = account_to_stop(person_id, recovery)
    if key is None:
        raise NotFound
    return db.session.get_one(Customer, key)


def end_by_sign_in(actor: Actor, person: Person) -> None:
    """End the waiting period of a locked person who signed in with a code or a passkey: the device is not lost."""
    _end_open(actor, person, RecoveryEnd.SIGNED_IN)


def end_with_sign_in(actor: Actor, person: Person) -> None:
    """Remove the second factors of a person whose sign-in ends, as part of that; a waiting period ends with them."""
    _end_open(actor, person, RecoveryEnd.CANCELLED)
    factors.remove(person)
    passkeys.remove_all(person)


def review(actor: Actor, recovery_id: int, customer_id: int, *, refuse: bool) -> DeviceRecovery:
    """Refuse a waiting period or allow it; allowing does not shorten it.

    Args:
        customer_id: an account that the person is on.

    Raises:
        NotFound: ``actor`` is no supervisor, or there is none for this account.
        Conflict: ``ended``: it has ended meanwhile.
    """
    actor.require(Permission.REVIEW_RECOVERY)
    found = db.session.get(DeviceRecovery, recovery_id)
    if found is None or not any(
        one.customer_id == customer_id and one.removed_at is None for one in found.person.memberships
    ):
        raise NotFound
    recovery = _lock(recovery_id)
    if not recovery.is_open(clock.now()):
        raise Conflict(lazy_gettext("This recovery has already ended."), code="ended")
    recovery.reviewed_at, recovery.reviewed_by = clock.now(), db.session.get(Staff, actor.id or 0)
    action = "person.recovery_refused" if refuse else "person.recovery_allowed"
    record(actor, action, subject_of(recovery.person), customer_id=customer_id)
    if refuse:
        _end(recovery, RecoveryEnd.REFUSED)
        mails.notify(recovery.person, "recovery_refused")
    return recovery


def _open(person_id: int) -> Select[DeviceRecovery]:
    return select(DeviceRecovery).where(DeviceRecovery.person_id == person_id, DeviceRecovery.ended_at.is_(None))


def _lock(recovery_id: int) -> DeviceRecovery:
    """Return a wait, its person locked first, as a sign-in locks them.

    Raises:
        NotFound: ``link_gone``: it ended meanwhile.
    """
    person_id = db.session.scalar(select(DeviceRecovery.person_id).where(DeviceRecovery.id == recovery_id))
    lock_person(person_id)
    recovery = db.session.get(DeviceRecovery, recovery_id, with_for_update=True, populate_existing=True)
    if recovery is None:
        raise tokens.gone()
    return recovery


def _end_open(actor: Actor, person: Person, how: RecoveryEnd) -> None:
    recovery = db.session.scalar(_open(person.id))
    if recovery is not None:
        _end(recovery, how)
        record(actor, "person.recovery_cancelled", subject_of(person))


def _end(recovery: DeviceRecovery, how: RecoveryEnd) -> None:
    recovery.ended_at, recovery.end = clock.now(), how
    for purpose in (REMOVE, CANCEL):
        tokens.revoke(purpose, _subject(recovery))
    db.session.flush()


def _cancel_link(recovery: DeviceRecovery) -> SecretLink:
    token = tokens.issue(CANCEL, _subject(recovery), WAIT + SERVES)
    return SecretLink(f"{settings().base_url}/moj/recovery/stop/", token)


def _subject(recovery: DeviceRecovery) -> str:
    return f"recovery:{recovery.id}"


def _after_handover(actor: Actor, event: HandedOver) -> None:
    """Leave the old owner no way in, where they are on no other account: a passkey needs no password."""
    if not event.keeps_sign_in:
        end_with_sign_in(actor, lock_person(event.old.id))


def _after_address_change(actor: Actor, person: Person, _old: str) -> None:
    """End the waiting period: its link is in a mailbox that is the person's no longer. They can ask again."""
    _end_open(actor, person, RecoveryEnd.CANCELLED)


register_handed_over("factors", _after_handover)
register_address_changed("recovery", _after_address_change)
