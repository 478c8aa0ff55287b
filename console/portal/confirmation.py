"""What is dangerous asks for the password again when the person last showed it more than ten minutes ago.

A page shows :class:`ConfirmationForm`'s field where :func:`is_needed`, in the form of the thing itself, so that nothing
that was typed is lost; its view calls :func:`require` before it opens a transaction.
"""

from __future__ import annotations

from typing import cast

from flask import request
from flask_login import current_user

from console.core.addresses import source
from console.core.errors import ConfirmationNeeded
from console.core.texts import lazy_gettext
from console.core.transaction import transaction
from console.customers import signin
from console.customers.models import PersonSession
from console.portal.signin import BY_ACCOUNT, MAX_PASSWORD
from console.web import limits
from console.web.identity import current_person

FIELD = "own_password"
WRONG = lazy_gettext("Wrong password.")


def is_needed() -> bool:
    """Return whether the next dangerous thing asks for the password."""
    return not signin.is_confirmed(_session())


def require() -> None:
    """Refuse to go on with a sign-in that is not fresh, unless the form has the right password.

    Raises:
        ConfirmationNeeded: ``reauth``: no password, or a wrong one.
        TooMany: too many wrong ones.
    """
    row = _session()
    if signin.is_confirmed(row):
        return
    typed, session_id = request.form.get(FIELD, ""), row.id
    if not typed:
        raise ConfirmationNeeded(fields={FIELD: [ConfirmationNeeded.default_message]})
    proof = compare_own_password(typed)
    if proof is None:
        raise ConfirmationNeeded(fields={FIELD: [WRONG]})
    with transaction():
        signin.confirm(proof, session_id)


def compare_own_password(typed: str) -> signin.PasswordProof | None:
    """Compare the reader's password, counting the try unless it is right.

    Raises:
        TooMany: too many were wrong.
    """
    email = current_person().email
    tries = (email, source(request.remote_addr))
    limits.count(BY_ACCOUNT, *tries)
    proof = signin.check_password(email, typed[:MAX_PASSWORD])
    if proof is None:
        with transaction():
            signin.record_failure(email, request.remote_addr)
        return None
    limits.give_back(BY_ACCOUNT, *tries)
    return proof


def _session() -> PersonSession:
    return cast(PersonSession, current_user.row)
