"""The second step at sign-in: one-time codes of an authenticator (RFC 6238) and recovery codes."""

from __future__ import annotations

from console.audit.service import record
from console.core import clock, one_time_codes
from console.core.actor import Actor
from console.core.context import sealer, settings
from console.core.db import db
from console.core.errors import Conflict
from console.core.one_time_codes import clean_code, is_one_time, matching_step, unused_step, wrong_code
from console.core.recovery_codes import RecoveryCodes
from console.core.texts import lazy_gettext
from console.staff.access import is_own, require_own, require_own_or_manage
from console.staff.models import RecoveryCode, Staff
from console.staff.queries import lock_staff
from console.staff.reauthentication import PasswordProof, require_proof
from console.staff.sessions import revoke_all, totp_obligatory

RECOVERY_CODES = RecoveryCodes(RecoveryCode, RecoveryCode.staff_id, "staff-recovery")


def provisioning_uri(secret: str, email: str) -> str:
    """Return what the QR code says to an authenticator."""
    return one_time_codes.provisioning_uri(secret, email, settings().brand)


def confirm_totp(
    actor: Actor, staff_id: int, secret: str, code: str, *, proof: PasswordProof | None, keep_session: int | None = None
) -> list[str]:
    """Switch the second step on, once a code shows that the authenticator has the secret.

    Every other session ends. Returns the recovery codes: they are shown now and never again.

    Args:
        proof: that the present password was given: else a session left open could lock its owner out.

    Raises:
        NotFound: not the actor's own account.
        Conflict: it is already on.
        Invalid: the code is wrong, or the present password was not given.
    """
    require_own(actor, staff_id)
    staff = lock_staff(staff_id)
    require_proof(actor, staff, proof)
    if staff.totp_secret is not None:
        raise Conflict(lazy_gettext("Two-step sign-in is already on."), code="totp_on")
    step = matching_step(secret, clean_code(code), clock.machine_now())
    if step is None:
        raise wrong_code()
    staff.totp_secret = sealer().seal(secret.encode())
    staff.totp_last_step = step  # the code just typed serves no sign-in
    record(actor, "staff.totp_on", staff.email)
    revoke_all(staff.id, keep=keep_session)
    return RECOVERY_CODES.replace(staff.id)


def disable_totp(actor: Actor, staff_id: int, *, proof: PasswordProof | None = None) -> Staff:
    """Switch the second step off: one's own, or (a lost telephone) another person's by an admin.

    An admin's reset ends all sessions of the account, so that a thief of the telephone is out.

    Args:
        proof: that the present password was given, where it is the actor's own.

    Raises:
        NotFound: another person's account and ``actor`` may not manage staff.
        Conflict: the role demands it, and it is the actor's own.
        Invalid: it is the actor's own, and the present password was not given.
    """
    require_own_or_manage(actor, staff_id)
    staff = lock_staff(staff_id)
    own = is_own(actor, staff.id)
    require_proof(actor, staff, proof)
    if own and totp_obligatory(staff):
        raise Conflict(
            lazy_gettext("Your role requires two-step sign-in, so it cannot be switched off."), code="totp_obligatory"
        )
    if staff.totp_secret is None:
        return staff
    staff.totp_secret = staff.totp_last_step = None
    RECOVERY_CODES.delete(staff.id)
    db.session.flush()
    if not own:
        revoke_all(staff.id)
    record(actor, "staff.totp_off", staff.email)
    return staff


def renew_recovery_codes(actor: Actor, staff_id: int, *, proof: PasswordProof | None) -> list[str]:
    """Replace one's recovery codes; the old ones stop serving.

    Raises:
        NotFound: not the actor's own account.
        Conflict: the second step is off.
        Invalid: the present password was not given.
    """
    require_own(actor, staff_id)
    staff = lock_staff(staff_id)
    require_proof(actor, staff, proof)
    if staff.totp_secret is None:
        raise Conflict(lazy_gettext("Switch two-step sign-in on first."), code="totp_off")
    record(actor, "staff.recovery_codes_made", staff.email)
    return RECOVERY_CODES.replace(staff.id)


def take_code(staff: Staff, code: str) -> str | None:
    """Use a one-time or a recovery code up.

    ``staff`` is locked in the open transaction (``lock_staff``), so that two tries with
    one code come one after the other and the second finds it used.

    Returns:
        ``totp`` or ``recovery``, ``None`` if it does not serve.
    """
    cleaned = clean_code(code)
    if staff.totp_secret is None or not cleaned:
        return None
    if is_one_time(cleaned):
        return "totp" if _take_step(staff, cleaned) else None
    return "recovery" if RECOVERY_CODES.use(staff.id, cleaned) else None


def _take_step(staff: Staff, code: str) -> bool:
    step = unused_step(staff.totp_secret or "", staff.totp_last_step, code, staff=staff.id)
    if step is None:
        return False
    staff.totp_last_step = step
    db.session.flush()
    return True
