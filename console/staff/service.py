"""Staff accounts: adding, changing, passwords.

Signing in is ``signin``, its sessions ``sessions``, the second step ``totp``.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from console.audit.service import record
from console.core import clock, edit_conflicts
from console.core.actor import Actor
from console.core.db import db
from console.core.emails import NoAddress, email_problem, read_email
from console.core.errors import Conflict, Invalid, Text
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.staff.access import is_own, require_own_or_manage
from console.staff.mails import notify_password_changed
from console.staff.models import Staff
from console.staff.queries import lock_staff
from console.staff.reauthentication import PasswordProof, require_proof
from console.staff.roles import Permission, Role
from console.staff.sessions import revoke_all
from console.tokens import service as tokens

RESET = "staff.password"  # what a token that changes a password is for


def add_staff(
    actor: Actor,
    *,
    email: str,
    name: str,
    role: Role,
    password_hash: str,
    temporary: bool = False,
    language: str | None = None,
) -> Staff:
    """Open an account for a person who works here.

    ``password_hash`` comes from ``hash_password``, worked out before the transaction. Where another person
    else knows the password it is ``temporary`` and must be replaced at the first sign-in.

    Raises:
        NotFound: ``actor`` may not manage staff.
        Invalid: the e-mail is none or is taken, or no name was given.
    """
    actor.require(Permission.MANAGE_STAFF)
    staff = Staff(
        **_checked(email=email, name=name),
        role=role,
        password_hash=password_hash,
        password_temporary=temporary,
        language=language,
        created_at=clock.now(),
    )
    _refuse_taken(staff.email)
    db.session.add(staff)
    _flush_email()
    record(actor, "staff.added", staff.email, name=staff.name, role=role.value)
    return staff


def change_staff(
    actor: Actor,
    staff_id: int,
    *,
    email: str | None = None,
    name: str | None = None,
    role: Role | None = None,
    active: bool | None = None,
    seen: str | None = None,
) -> Staff:
    """Change an account; what is ``None`` stays. A new role or a disabled account ends all its sessions.

    Args:
        seen: the :func:`mark` of what was looked at.

    Raises:
        NotFound: no such account, or ``actor`` may not manage staff.
        Invalid: the e-mail is none or is taken, or the name is blank.
        Conflict: it is the actor's own role or activity, or the last active admin's; or a colleague has changed the
            account meanwhile.
    """
    actor.require(Permission.MANAGE_STAFF)
    admins = _lock_active_admins()
    staff = lock_staff(staff_id)
    edit_conflicts.check(seen, _facts(staff))
    fields: dict[str, Any] = _checked(email=email, name=name) | {"role": role, "active": active}
    changes = {field: new for field, new in fields.items() if new is not None and new != getattr(staff, field)}
    if not changes:
        return staff
    if changes.keys() & {"role", "active"}:
        _keep_an_admin(actor, staff, admins)
    if "email" in changes:
        _refuse_taken(changes["email"])
    before = {field: getattr(staff, field) for field in changes}
    for field, new in changes.items():
        setattr(staff, field, new)
    _flush_email()
    record(actor, "staff.changed", staff.email, before=before, after=changes)
    if changes.keys() & {"role", "active"}:
        revoke_all(staff.id)
    if changes.keys() & {"email", "active"}:
        tokens.revoke(RESET, token_subject(staff.id))
    return staff


def mark(staff: Staff) -> str:
    """Return the mark of an account as it is now."""
    return edit_conflicts.mark(_facts(staff))


def _facts(staff: Staff) -> dict[str, Any]:
    return {"email": staff.email, "name": staff.name, "role": staff.role.value, "active": staff.active}


def set_password(
    actor: Actor,
    staff_id: int,
    password_hash: str,
    *,
    proof: PasswordProof | None = None,
    temporary: bool = False,
    keep_session: int | None = None,
) -> Staff:
    """Give an account a new password; every other session ends, and links that would change it are void.

    Where another person knows it, it is ``temporary`` and must be replaced at the next sign-in; else its owner is told
    by mail. ``keep_session`` is the session it is changed from, which goes on.

    Args:
        proof: that the present password was given, where it is the actor's own.

    Raises:
        NotFound: no such account, or it is another person's and ``actor`` may not manage staff.
        Invalid: it is the actor's own, and the present password was not given.
    """
    require_own_or_manage(actor, staff_id)
    staff = lock_staff(staff_id)
    require_proof(actor, staff, proof)
    return put_password(actor, staff, password_hash, temporary=temporary, keep_session=keep_session)


def put_password(
    actor: Actor, staff: Staff, password_hash: str, *, temporary: bool = False, keep_session: int | None = None
) -> Staff:
    """Give a locked account a new password as part of another verb, which requires its proof."""
    staff.password_hash = password_hash
    staff.password_temporary = temporary
    db.session.flush()
    revoke_all(staff.id, keep=keep_session)
    tokens.revoke(RESET, token_subject(staff.id))
    if not temporary:
        notify_password_changed(staff, clock.now())
    record(actor, "staff.password_set", staff.email, temporary=temporary)
    return staff


def _checked(*, email: str | None, name: str | None) -> dict[str, str]:
    """Return both, as far as there are any, in its one form."""
    wrong: dict[str, list[Text]] = {}
    checked: dict[str, str] = {}
    if email is not None:
        try:
            checked["email"] = read_email(email)
        except NoAddress as error:
            wrong["email"] = [email_problem(error)]
    if name is not None:
        checked["name"] = one_line(name)
        if not checked["name"]:
            wrong["name"] = [lazy_gettext("Enter the name that colleagues and customers will see.")]
    if wrong:
        raise Invalid(fields=wrong)
    return checked


def token_subject(staff_id: int) -> str:
    """Return whose a token is, as tokens know it."""
    return f"staff:{staff_id}"


def _lock_active_admins() -> list[int]:
    """Lock all active admins in one order, so that two cannot disable each other at the same time."""
    query = (
        select(Staff)
        .where(Staff.role == Role.ADMIN, Staff.active)
        .order_by(Staff.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return [admin.id for admin in db.session.scalars(query)]


def _keep_an_admin(actor: Actor, staff: Staff, admins: list[int]) -> None:
    if is_own(actor, staff.id):
        raise Conflict(
            lazy_gettext("You cannot change your own role or disable your own account. Ask another administrator."),
            code="own_account",
        )
    if admins == [staff.id]:
        raise Conflict(
            lazy_gettext("This is the last active administrator. Give the role to another person first."),
            code="last_admin",
        )


def _refuse_taken(email: str) -> None:
    if db.session.scalar(select(Staff.id).where(Staff.email == email)) is not None:
        raise _taken()


def _flush_email() -> None:
    """Flush; another request may have taken the e-mail since we looked."""
    try:
        db.session.flush()
    except IntegrityError as error:
        raise _taken() from error


def _taken() -> Invalid:
    return Invalid(fields={"email": [lazy_gettext("This e-mail address is already in use.")]}, code="email_taken")
