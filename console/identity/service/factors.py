"""Two-step sign-in of a customer's person: one-time codes of an authenticator, and recovery codes."""

from __future__ import annotations

from sqlalchemy import delete

from console.audit.service import record
from console.core import clock, one_time_codes
from console.core.actor import Actor
from console.core.context import sealer, settings
from console.core.db import db
from console.core.errors import Conflict
from console.core.one_time_codes import clean_code, is_one_time, matching_step, unused_step, wrong_code
from console.core.recovery_codes import RecoveryCodes
from console.core.texts import lazy_gettext
from console.customers import signin
from console.customers.models import Person
from console.identity import mails
from console.identity.access import lock_own, subject_of
from console.identity.models import Authenticator, PersonRecoveryCode
from console.identity.queries import authenticator_of

RECOVERY_CODES = RecoveryCodes(PersonRecoveryCode, PersonRecoveryCode.person_id, "person-recovery")


def provisioning_uri(secret: str, email: str) -> str:
    """Return what the QR code says to an authenticator."""
    return one_time_codes.provisioning_uri(secret, email, settings().portal_brand)


def switch_on(actor: Actor, session_id: int, secret: str, code: str) -> list[str]:
    """Switch two-step sign-in on, once a code shows that the authenticator has the secret; other sessions end.

    Returns:
        The recovery codes: they are shown now and never again.

    Raises:
        NotFound, ConfirmationNeeded: as in :func:`~console.identity.access.lock_own`.
        Conflict: it is already on.
        Invalid: the code is wrong.
    """
    person = lock_own(actor, session_id)
    if authenticator_of(person.id) is not None:
        raise Conflict(lazy_gettext("Two-factor authentication is already on."), code="totp_on")
    step = matching_step(secret, clean_code(code), clock.machine_now())
    if step is None:
        raise wrong_code()
    row = Authenticator(
        person_id=person.id,
        sealed_secret=sealer().seal(secret.encode()),
        last_step=step,  # the code just typed serves no sign-in
        created_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    record(actor, "person.totp_on", subject_of(person))
    signin.revoke_others(actor, session_id)
    mails.notify(person, "totp_on")
    return RECOVERY_CODES.replace(person.id)


def switch_off(actor: Actor, session_id: int, code: str) -> None:
    """Switch two-step sign-in off, with a one-time code or a recovery code.

    Raises:
        NotFound, ConfirmationNeeded: as in :func:`~console.identity.access.lock_own`.
        Conflict: it is off.
        Invalid: the code is wrong.
    """
    person = lock_own(actor, session_id)
    _require_code(person, code)
    _remove(person)
    record(actor, "person.totp_off", subject_of(person))
    mails.notify(person, "totp_off")


def renew_codes(actor: Actor, session_id: int, code: str) -> list[str]:
    """Replace the recovery codes, with a one-time code or one of the old ones; return the new ones.

    Raises:
        NotFound, ConfirmationNeeded: as in :func:`~console.identity.access.lock_own`.
        Conflict: two-step sign-in is off.
        Invalid: the code is wrong.
    """
    person = lock_own(actor, session_id)
    _require_code(person, code)
    record(actor, "person.recovery_codes_made", subject_of(person))
    mails.notify(person, "codes_renewed")
    return RECOVERY_CODES.replace(person.id)


def take_code(person: Person, code: str) -> str | None:
    """Use a one-time or a recovery code up.

    Args:
        person: locked in the open transaction, so that the second of two tries with one code finds it used.

    Returns:
        ``totp`` or ``recovery``, ``None`` if it does not serve.
    """
    cleaned, row = clean_code(code), authenticator_of(person.id)
    if row is None or not cleaned:
        return None
    if is_one_time(cleaned):
        return "totp" if _take_step(row, cleaned) else None
    return "recovery" if RECOVERY_CODES.use(person.id, cleaned) else None


def remove(person: Person) -> bool:
    """Remove a lost authenticator; return whether there was one. ``person`` is locked."""
    existed = authenticator_of(person.id) is not None
    _remove(person)
    return existed


def _require_code(person: Person, code: str) -> None:
    if authenticator_of(person.id) is None:
        raise Conflict(lazy_gettext("Two-factor authentication is off."), code="totp_off")
    if take_code(person, code) is None:
        raise wrong_code()


def _remove(person: Person) -> None:
    RECOVERY_CODES.delete(person.id)
    db.session.execute(delete(Authenticator).where(Authenticator.person_id == person.id))
    db.session.flush()


def _take_step(row: Authenticator, code: str) -> bool:
    step = unused_step(row.sealed_secret, row.last_step, code, person=row.person_id)
    if step is None:
        return False
    row.last_step = step
    db.session.flush()
    return True
