"""Trying a password at a sign-in page, staff's or customers': counted unless it is right, refused in the same words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import request

from console.core.errors import Invalid
from console.core.texts import lazy_gettext
from console.core.transaction import transaction
from console.web import known_devices
from console.web.known_devices import TryLimits

Proof = TypeVar("Proof")

WRONG = lazy_gettext("Wrong e-mail or password. Check both and try again.")


def check_password(
    account: str,
    email: str,
    password: str,
    limits: TryLimits,
    *,
    compare: Callable[[str, str], Proof | None],
    record_failure: Callable[[str, str | None], None],
) -> Proof:
    """Compare a password, counting the try unless it succeeds.

    Args:
        account: its kind and its e-mail, as ``staff:mila@example.test``.
        compare: returns ``None`` where the e-mail or the password is wrong.
        record_failure: writes a failed try to the audit log.

    Raises:
        Invalid: ``sign_in``: the e-mail or the password is wrong.
        TooMany: too many were.
    """
    tries = known_devices.count_try(account, email, limits)
    proof = compare(email, password)
    if proof is None:
        with transaction():
            record_failure(email, request.remote_addr)
        raise Invalid(WRONG, code="sign_in")
    known_devices.forgive(tries)
    return proof
