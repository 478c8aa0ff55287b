"""Passkeys in the portal: added, removed, signed in with, shown before something dangerous. A script asks for JSON."""

from __future__ import annotations

from secrets import token_hex

from flask import flash, g, jsonify, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from console.core.addresses import source
from console.core.errors import Invalid, Refusal
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers import signin
from console.identity.access import lock_person
from console.identity.queries import passkeys_of
from console.identity.service import passkeys
from console.identity.service import signin as steps
from console.identity.service.passkeys import CONFIRM, SECOND_STEP, SIGN_IN
from console.portal import confirmation, second_step
from console.portal.answers import show_again
from console.portal.blueprint import portal, signed_in
from console.portal.forms import PasskeyForm
from console.portal.security import overview, session_id
from console.portal.signin import browser, entered
from console.web import limits
from console.web.answers import wants_json
from console.web.identity import current_actor, current_person
from console.web.limits import Limit

BINDING = "passkey_browser"  # the key in the cookie: which browser a challenge is for
MOST_JSON = 20_000  # characters of what a browser answers
BY_NETWORK = Limit("portal-passkey", 60, 15 * limits.MINUTE, shared=True)


@portal.post("/login/passkey/options")
def passkey_options() -> ResponseReturnValue:
    """Ask a browser for a passkey: of the person in the second step, or of anyone."""
    limits.count(BY_NETWORK, source(request.remote_addr))
    person = second_step.person() if _is_second() else None
    if _is_second() and person is None:
        raise second_step.lapsed()
    with transaction():
        purpose = SECOND_STEP if person is not None else SIGN_IN
        options = passkeys.options(purpose, _holder(), person.id if person is not None else None)
    return jsonify(publicKey=options)


@portal.post("/login/passkey")
def log_in_with_passkey() -> ResponseReturnValue:
    """Take a passkey in the place of a password, or of a code."""
    limits.count(BY_NETWORK, source(request.remote_addr))
    person = second_step.person() if _is_second() else None
    if _is_second() and person is None:
        raise second_step.lapsed()
    purpose, expected = (SECOND_STEP, person.id) if person is not None else (SIGN_IN, None)
    with transaction():
        person_id = passkeys.take(purpose, _holder(), _credential(), request.remote_addr, expected)
        outcome = None
        if person_id is not None:
            if person is not None and (pending := second_step.read()) is not None:
                steps.lock_pending(pending)
            outcome = steps.enter_with_passkey(person_id, browser(lock_person(person_id).email))
    if outcome is None:
        raise _not_accepted()
    return entered(outcome)


@portal.post("/security/passkeys/options")
@signed_in
def new_passkey_options() -> ResponseReturnValue:
    """Ask a browser to make a passkey, from a fresh sign-in."""
    key = session_id()
    confirmation.require()
    with transaction():
        options = passkeys.registration_options(current_actor(), key)
    return jsonify(publicKey=options)


@portal.post("/security/passkeys")
@signed_in
def add_passkey() -> ResponseReturnValue:
    """Store a passkey that a browser made."""
    form, key = PasskeyForm(), session_id()
    form.refuse_spoiled()
    with transaction():
        passkey = passkeys.register(current_actor(), key, form.name.data or "", _credential())
    flash(gettext("The passkey “%(name)s” was added.", name=passkey.name), "success")
    return jsonify(passkey={"id": passkey.id, "name": passkey.name}, next=url_for("portal.security"))


@portal.post("/security/passkeys/<id:passkey_id>/remove")
@signed_in
def remove_passkey(passkey_id: int) -> ResponseReturnValue:
    """Remove a passkey, from a fresh sign-in."""
    form, key = PasskeyForm(), session_id()
    form.removed = passkey_id
    try:
        confirmation.require()
        with transaction():
            passkey = passkeys.remove(current_actor(), key, passkey_id)
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return show_again(refusal, form, lambda: overview(passkey=form))
    if wants_json():
        return jsonify(removed=passkey_id)
    flash(gettext("The passkey “%(name)s” was removed.", name=passkey.name), "success")
    return redirect(url_for("portal.security"), 303)


@portal.post("/security/confirm/options")
@signed_in
def confirm_options() -> ResponseReturnValue:
    """Ask a browser for one of the reader's passkeys."""
    limits.count(BY_NETWORK, source(request.remote_addr))
    key, person_id = session_id(), current_person().id
    with transaction():
        options = passkeys.options(CONFIRM, passkeys.session_holder(key), person_id)
    return jsonify(publicKey=options)


@portal.post("/security/confirm")
@signed_in
def confirm_with_passkey() -> ResponseReturnValue:
    """Take a passkey in the place of the password that something dangerous asks for."""
    limits.count(BY_NETWORK, source(request.remote_addr))
    key, person_id = session_id(), current_person().id
    with transaction():
        holder = passkeys.session_holder(key)
        found = passkeys.take(CONFIRM, holder, _credential(), request.remote_addr, person_id)
        if found is not None:
            signin.confirm_otherwise(person_id, key)
    if found is None:
        raise _not_accepted()
    return jsonify(confirmed=True)


def has_passkey() -> bool:
    """Return whether the reader has a passkey, for the pages that ask for the password again; looked up once a page."""
    if "has_passkey" not in g:
        g.has_passkey = bool(passkeys_of(current_person().id))
    found: bool = g.has_passkey
    return found


def _is_second() -> bool:
    return request.form.get("step") == "second"


def _holder() -> str:
    """Return this browser, before anyone is signed in on it."""
    binding = session.get(BINDING)
    if not isinstance(binding, str):
        binding = session[BINDING] = token_hex(16)
    return passkeys.browser_holder(binding)


def _credential() -> str:
    return request.form.get("credential", "")[:MOST_JSON]


def _not_accepted() -> Invalid:
    text = lazy_gettext("This passkey was not accepted. Try again, or sign in with your password.")
    return Invalid(text, code="passkey")
