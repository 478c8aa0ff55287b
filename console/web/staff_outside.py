"""Staff who come from an OpenID provider outside: sent there, and taken back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from console.core.addresses import source
from console.core.errors import Refusal, TooMany
from console.core.transaction import transaction
from console.identity.service import outside
from console.identity.service.outside import Begun
from console.web import limits, staff_signin
from console.web.limits import Limit

blueprint = Blueprint("staff_outside", __name__)

BEGUN = "staff_outside"  # the key in the cookie
BY_ADDRESS = Limit("login-outside", 60, 15 * limits.MINUTE, shared=True)


@blueprint.get("/login/oidc")
def begin() -> ResponseReturnValue:
    """Send the visitor to the provider. A link: it changes nothing here but this browser's cookie."""
    if not outside.is_configured() or current_user.is_authenticated:
        return redirect(url_for("staff.login"))
    try:
        limits.count(BY_ADDRESS, source(request.remote_addr))
        begun = outside.begin()
    except Refusal as refusal:
        return staff_signin.refused(refusal)
    session[BEGUN] = {"state": begun.state, "nonce": begun.nonce, "verifier": begun.verifier}
    return redirect(begun.url)


@blueprint.get(outside.CALLBACK)
def back() -> ResponseReturnValue:
    """Take who comes back as far as a right password would."""
    if not outside.is_configured():
        return redirect(url_for("staff.login"))
    stored: Any = session.pop(BEGUN, None)
    try:
        limits.count(BY_ADDRESS, source(request.remote_addr))
        if not isinstance(stored, dict):
            raise outside.lapsed()
        email = outside.finish(Begun("", stored["state"], stored["nonce"], stored["verifier"]), request.args)
        with transaction():
            pending = outside.enter(email, request.remote_addr)
        limits.give_back(BY_ADDRESS, source(request.remote_addr))
    except Refusal as refusal:
        if not isinstance(refusal, TooMany):
            with transaction():
                outside.note_failure(request.remote_addr)
        return staff_signin.refused(refusal)
    return staff_signin.go_on(pending)
