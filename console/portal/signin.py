"""Signing customers' people in and out."""

from __future__ import annotations

from flask import Response, g, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import generate_csrf

from console.core.emails import normal_email
from console.core.errors import Invalid, Refusal
from console.core.text import is_blank
from console.core.texts import lazy_gettext
from console.core.transaction import transaction
from console.customers import signin
from console.customers.forms import SignInForm
from console.portal.blueprint import portal, signed_in
from console.web import answers, known_devices, limits
from console.web.identity import PERSON_TOKEN, PORTAL, STAFF_TOKEN, current_actor
from console.web.limits import Limit
from console.web.navigation import local_path

PRESERVED = (STAFF_TOKEN, "language", "theme")  # what a sign-in leaves in the cookie
MAX_EMAIL, MAX_PASSWORD = 254, 1_000

# Failures only, as for staff (console.web.staff_signin): by address, by account from there, by account from everywhere;
# and a browser that the person was signed in to before by itself alone, so that they cannot be kept out there.
BY_ADDRESS = Limit("portal-address", 60, 15 * limits.MINUTE, shared=True)
BY_ACCOUNT = Limit("portal-account", 10, 15 * limits.MINUTE)
EVERYWHERE = Limit("portal-everywhere", 60, 15 * limits.MINUTE)
BY_DEVICE = Limit("portal-device", 10, 15 * limits.MINUTE)

WRONG = lazy_gettext("Wrong e-mail or password. Check both and try again.")


@portal.get("/login")
def login() -> ResponseReturnValue:
    """Show the form."""
    if current_user.is_authenticated:
        return redirect(_target())
    if answers.wants_json():
        return jsonify(signed_in=False, csrf_token=generate_csrf())
    return _page(SignInForm(formdata=None), None)


@portal.post("/login")
def log_in() -> ResponseReturnValue:
    """Take e-mail and password."""
    form = SignInForm()
    try:
        form.refuse_spoiled()
        proof = check_sign_in(form.email.data or "", form.password.data or "")
        target = _target()
        open_session_of(proof, form.email.data or "")
    except Refusal as refusal:
        if answers.wants_json():
            return answers.refuse(refusal)
        answer = Response(_page(form, refusal), refusal.status)
        if refusal.retry_after is not None:
            answer.headers["Retry-After"] = str(refusal.retry_after)
        return answer
    if answers.wants_json():
        return jsonify(signed_in=True, next=target, csrf_token=generate_csrf())
    return redirect(target, 303)


@portal.post("/logout")
@signed_in
def logout() -> ResponseReturnValue:
    """End this session. A staff member's, in the same browser, goes on."""
    token = _own_token()
    if token is not None:
        with transaction():
            signin.sign_out(current_actor(), token)
    _renew_cookie()
    if answers.wants_json():
        return jsonify(signed_out=True)
    return redirect(url_for("portal.login", bye=1), 303)


def open_session_of(proof: signin.PasswordProof, email: str) -> None:
    """Sign the person in on this browser, which is known to them from now on.

    Raises:
        SignInNeeded: the password was changed since it was compared.
    """
    with transaction():
        token = signin.sign_in(
            proof, address=request.remote_addr, user_agent=request.user_agent.string, old_token=_own_token()
        )
    _renew_cookie()
    session[PERSON_TOKEN] = token
    known_devices.remember(_account(normal_email(email)))


def check_sign_in(email: str, password: str) -> signin.PasswordProof:
    """Compare the password, counting the try unless it succeeds.

    Raises:
        Invalid: ``sign_in``: the e-mail or the password is wrong.
        TooMany: too many were.
    """
    if is_blank(email) or not password or len(email) > MAX_EMAIL or len(password) > MAX_PASSWORD:
        raise Invalid(WRONG, code="sign_in")
    email = normal_email(email)
    tries = known_devices.count_try(
        _account(email),
        email,
        by_device=BY_DEVICE,
        by_address=BY_ADDRESS,
        by_account=BY_ACCOUNT,
        everywhere=EVERYWHERE,
    )
    proof = signin.check_password(email, password)
    if proof is None:
        with transaction():
            signin.record_failure(email, request.remote_addr)
        raise Invalid(WRONG, code="sign_in")
    known_devices.forgive(tries)
    return proof


def _account(email: str) -> str:
    return f"portal:{email}"


def _page(form: SignInForm, refusal: Refusal | None) -> str:
    return render_template(
        "portal/login.html", form=form, refusal=refusal, next=_requested_page(), bye="bye" in request.args
    )


def _own_token() -> str | None:
    token = session.get(PERSON_TOKEN)
    return token if isinstance(token, str) else None


def _renew_cookie() -> None:
    """Begin a new session cookie, CSRF token included; the staff's part of it stays."""
    preserved = {key: session[key] for key in PRESERVED if key in session}
    session.clear()
    session.update(preserved)
    g.pop("csrf_token", None)


def _requested_page() -> str | None:
    path = local_path(request.values.get("next"), "")
    return path if path.startswith(PORTAL) else None


def _target() -> str:
    return _requested_page() or url_for("portal.home")
