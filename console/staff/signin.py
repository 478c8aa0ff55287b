"""Signing in, step by step: password, code, and what a first sign-in asks for.

Between two steps the person is not signed in. What was proven so far is a
:class:`Pending`, which the entry point keeps signed and for minutes only; it is
void as soon as anything it depends on changes. Only the last step opens a session.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.context import sealer, settings
from console.core.db import db
from console.core.errors import SignInNeeded
from console.core.ids import token_digest
from console.core.passwords import match_password
from console.core.sessions import open_session
from console.core.texts import lazy_gettext
from console.staff import notifications
from console.staff.models import Staff, StaffSession
from console.staff.queries import lock_staff, staff_by_email
from console.staff.reauthentication import PasswordProof
from console.staff.service import put_password
from console.staff.sessions import totp_obligatory
from console.staff.totp import confirm_totp, take_code

STEP_LASTS = timedelta(minutes=5)
# Thinking of a password or fetching a telephone takes longer.
SETUP_LASTS = timedelta(minutes=15)


class Need(StrEnum):
    """The step that is still missing before the session opens, in this order."""

    CODE = "code"
    NEW_PASSWORD = "new_password"  # noqa: S105
    TOTP_SETUP = "totp_setup"


@dataclass(frozen=True)
class Browser:
    """Where a person signs in from. ``old_token``: the session this browser had, which ends."""

    address: str | None
    user_agent: str | None
    old_token: str | None = None


@dataclass(frozen=True)
class Pending:
    """A right password, and what was proven since.

    Args:
        state: a keyed digest of all that sign-in depends on.
        code_checked: the second step is done.
        new_hash: the password hashed with today's parameters, where the stored hash is older.
    """

    staff_id: int
    state: str
    at: datetime
    code_checked: bool = False
    new_hash: str | None = None


@dataclass(frozen=True)
class Outcome:
    """Either a session (``token``), or what is needed next and the state to go on with."""

    pending: Pending
    token: str | None = None
    need: Need | None = None
    wrong_code: bool = False


def check_password(email: str, password: str) -> Pending | None:
    """Compare a password; call outside of a transaction, because Argon2 is slow on purpose.

    An unknown e-mail, a disabled account and a wrong password cost the same
    and answer the same.
    """
    staff = staff_by_email(email)
    known = (staff.id, staff.password_hash, _state(staff)) if staff is not None and staff.active else None
    db.session.rollback()  # no connection is held while Argon2 works
    match = match_password(known[1] if known is not None else None, password)
    if match is None or known is None:
        return None
    return Pending(known[0], known[2], clock.now(), new_hash=match.new_hash)


def pending_of(staff: Staff) -> Pending:
    """Return the sign-in of someone whom another provider vouches for, as after a right password."""
    return Pending(staff.id, _state(staff), clock.now())


def record_failure(email: str, address: str | None) -> None:
    """Write a refused sign-in to the audit log.

    What was typed is recorded only where it is a colleague's e-mail: people also type their password into that field.
    """
    staff = staff_by_email(email)
    visitor = Actor(kind="visitor", id=None, name="", address=address)
    record(visitor, "staff.sign_in_failed", staff.email if staff else "unknown")


def sign_in(pending: Pending, browser: Browser, *, code: str | None = None) -> Outcome:
    """Go on from a right password: use ``code`` up if one is needed, then open the session or say what is missing.

    A wrong code is an outcome, not an error, so that it stays on the record.

    Raises:
        SignInNeeded: it took too long, or the account changed meanwhile.
    """
    staff = _lock_pending(pending)
    if pending.new_hash is not None:
        staff.password_hash = pending.new_hash
        pending = replace(pending, state=_state(staff), new_hash=None)
    if next_need(staff, pending) is Need.CODE and code:
        how = take_code(staff, code)
        if how is None:
            record(staff.actor(browser.address), "staff.code_refused", staff.email)
            return Outcome(pending, need=Need.CODE, wrong_code=True)
        if how == "recovery":
            record(staff.actor(browser.address), "staff.recovery_code_used", staff.email)
        pending = replace(pending, code_checked=True)
    need = next_need(staff, pending)
    if need is not None:
        return Outcome(pending, need=need)
    return Outcome(pending, token=_enter(staff, browser))


def replace_password(pending: Pending, browser: Browser, password_hash: str) -> Outcome:
    """Put one's own password in place of the temporary one, then go on.

    Raises:
        SignInNeeded: it took too long, the account changed, or this is not the next step.
    """
    staff = _lock_pending(pending)
    _expect(staff, pending, Need.NEW_PASSWORD)
    put_password(staff.actor(browser.address), staff, password_hash)
    return sign_in(Pending(staff.id, _state(staff), clock.now(), pending.code_checked), browser)


def set_up_totp(pending: Pending, browser: Browser, secret: str, code: str) -> tuple[Outcome, list[str]]:
    """Switch the obligatory second step on, then open the session; return the recovery codes with it.

    Raises:
        SignInNeeded: it took too long, the account changed, or this is not the next step.
        Invalid: the code is wrong.
    """
    staff = _lock_pending(pending)
    _expect(staff, pending, Need.TOTP_SETUP)
    proof = PasswordProof(staff.id, staff.password_hash)  # in the first step, and nothing has changed since
    codes = confirm_totp(staff.actor(browser.address), staff.id, secret, code, proof=proof)
    return sign_in(Pending(staff.id, _state(staff), clock.now(), code_checked=True), browser), codes


def sign_out(actor: Actor, token: str) -> None:
    """End the session behind ``token``. Without one nothing happens."""
    row = db.session.scalar(select(StaffSession).where(StaffSession.token_digest == token_digest(token)))
    if row is None or row.revoked_at is not None:
        return
    row.revoked_at = clock.now()
    db.session.flush()
    notifications.sessions_ended([row.id])
    record(actor, "staff.signed_out", row.staff.email)


def next_need(staff: Staff, pending: Pending) -> Need | None:
    """Return the next step for ``staff``."""
    if staff.totp_secret is not None and not pending.code_checked:
        return Need.CODE
    if staff.password_temporary:
        return Need.NEW_PASSWORD
    if staff.totp_secret is None and totp_obligatory(staff):
        return Need.TOTP_SETUP
    return None


def still_pending(pending: Pending) -> tuple[Staff, Need | None] | None:
    """Return whose sign-in is open and what it needs; ``None`` once it lapsed. For showing the step's page."""
    staff = db.session.get(Staff, pending.staff_id)
    if staff is None or not _holds(staff, pending):
        return None
    return staff, next_need(staff, pending)


def _lock_pending(pending: Pending) -> Staff:
    staff = lock_staff(pending.staff_id)
    if not _holds(staff, pending):
        raise SignInNeeded(
            lazy_gettext("That took too long, or your account has changed. Sign in again."), code="sign_in_again"
        )
    return staff


def _holds(staff: Staff, pending: Pending) -> bool:
    lasts = STEP_LASTS if next_need(staff, pending) is Need.CODE else SETUP_LASTS
    return staff.active and pending.state == _state(staff) and clock.now() < pending.at + lasts


def _expect(staff: Staff, pending: Pending, need: Need) -> None:
    if next_need(staff, pending) is not need:
        raise SignInNeeded


def _state(staff: Staff) -> str:
    parts = (staff.id, staff.password_hash, staff.password_temporary, staff.totp_secret, staff.role.value)
    return sealer().keyed_digest("staff-pending", "|".join(str(part) for part in parts))


def _enter(staff: Staff, browser: Browser) -> str:
    if browser.old_token is not None:
        sign_out(staff.actor(browser.address), browser.old_token)
    token = open_session(
        db.session(),
        StaffSession(staff=staff),
        now=clock.now(),
        lasts=timedelta(hours=settings().session_hours),
        address=browser.address,
        user_agent=browser.user_agent,
    )
    record(staff.actor(browser.address), "staff.signed_in", staff.email)
    return token
