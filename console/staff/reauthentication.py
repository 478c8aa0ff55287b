"""The present password, typed before something serious is done to one's own account.

Comparing it is slow on purpose (Argon2), so it comes before the transaction; the verb then asks for what came of it and
holds that against the locked account. Without it no verb does its work, whichever page or program calls.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from console.core.actor import Actor
from console.core.errors import Invalid
from console.core.passwords import password_matches
from console.core.texts import lazy_gettext
from console.staff.access import is_own
from console.staff.models import Staff


@dataclass(frozen=True)
class PasswordProof:
    """The present password of an account was given. Only :func:`show` and the steps of a sign-in make one."""

    staff_id: int
    password_hash: str = field(repr=False)


def show(staff: Staff, password: str) -> PasswordProof:
    """Compare the present password, outside of a transaction.

    Raises:
        Invalid: it is another.
    """
    proof = PasswordProof(staff.id, staff.password_hash)
    if not password_matches(proof.password_hash, password):
        raise _another()
    return proof


def require_proof(actor: Actor, staff: Staff, proof: PasswordProof | None) -> None:
    """Raise :class:`Invalid` where ``staff``, locked, is the actor's own account and its password was not given."""
    if is_own(actor, staff.id) and proof != PasswordProof(staff.id, staff.password_hash):
        raise _another()


def _another() -> Invalid:
    return Invalid(fields={"current": [lazy_gettext("The current password is wrong.")]}, code="present_password")
