"""Signing staff in and out. The steps' rules are ``console.staff.signin``; here are their pages.

Until the last step the cookie holds a :class:`Pending` and no session. It is
signed by Flask, names no secret and lapses within minutes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import generate_csrf

from console.core.actor import Actor
from console.core.db import db
from console.core.emails import normal_email
from console.core.errors import Invalid, Refusal, SignInNeeded, TooMany
from console.core.forms import Form
from console.core.one_time_codes import wrong_code
from console.core.passwords import hash_password
from console.core.texts import lazy_gettext
from console.core.transaction import transaction
from console.identity.service import outside
from console.staff import signin, totp
from console.staff.forms import CodeForm, NewPasswordForm, SignInForm
from console.staff.models import Staff
from console.staff.signin import Browser, Need, Outcome, Pending
from console.web import answers, known_devices, limits, setup_secrets
from console.web.identity import PERSON_TOKEN, STAFF_TOKEN, current_actor
from console.web.known_devices import TryLimits
from console.web.limits import Limit
from console.web.navigation import local_path
from console.web.password_tries import check_password
from console.web.qr import qr_image

blueprint = Blueprint("staff", __name__)

PENDING, SECRET = "staff_pending", "staff_totp"  # keys in the cookie
LANDING = "console.landing"  # the extension that says where one begins: the pages' own menu knows
PRESERVED = (PERSON_TOKEN, "language", "theme")  # what a sign-in leaves in it

# Failures only, see console.web.limits and TryLimits.
BY_ADDRESS = Limit("login-address", 60, 15 * limits.MINUTE, shared=True)
BY_ACCOUNT = Limit("login-account", 10, 15 * limits.MINUTE)
EVERYWHERE = Limit("login-everywhere", 60, 15 * limits.MINUTE)
BY_DEVICE = Limit("login-device", 10, 15 * limits.MINUTE)
CODES = Limit("login-code", 10, 15 * limits.MINUTE)


@blueprint.get("/login")
def login() -> ResponseReturnValue:
    """Show the step that is next."""
    if current_user.is_authenticated:
        return redirect(_target(current_actor()))
    if "again" in request.args:
        _discard_pending()
    if answers.wants_json():
        step = _open_step()
        return jsonify(signed_in=False, needs=step[1] if step else "password", csrf_token=generate_csrf())
    return _page()


@blueprint.post("/login")
def log_in() -> ResponseReturnValue:
    """Take e-mail and password, or the code that follows them, or all three."""
    return _take(_first_step)


@blueprint.post("/login/password")
def new_password() -> ResponseReturnValue:
    """Take the password that replaces a temporary one."""
    return _take(_password_step)


@blueprint.post("/login/setup")
def set_up() -> ResponseReturnValue:
    """Take the code that shows the authenticator was set up."""
    return _take(_setup_step)


@blueprint.get("/logout")
def leave() -> ResponseReturnValue:
    """Ask before signing out: a link from elsewhere must not do it."""
    if not current_user.is_authenticated:
        return redirect(url_for("staff.login"))
    return render_template("auth/logout.html")


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """End this session. The portal's, in the same browser, goes on."""
    token = session.get(STAFF_TOKEN)
    if isinstance(token, str) and current_user.is_authenticated:
        with transaction():
            signin.sign_out(current_actor(), token)
    _renew_cookie()
    if answers.wants_json():
        return jsonify(signed_out=True)
    return redirect(url_for("staff.login", bye=1), 303)


# --- steps ---------------------------------------------------------------------------------------------------------


def go_on(pending: Pending) -> ResponseReturnValue:
    """Go on from what stands for a right password."""
    return _take(lambda: _go_on(pending, None))


def refused(refusal: Refusal) -> ResponseReturnValue:
    """Answer a refusal with the sign-in page."""
    if answers.wants_json():
        return answers.refuse(refusal)
    return _page(refusal)


def _take(step: Any) -> ResponseReturnValue:
    """Answer a step; a refusal shows the form again with what was typed."""
    try:
        response: ResponseReturnValue = step()
    except Refusal as refusal:
        if isinstance(refusal, SignInNeeded):
            _discard_pending()
        if answers.wants_json():
            return answers.refuse(refusal)
        return _page(refusal)
    return response


def _first_step() -> ResponseReturnValue:
    pending = _read_pending()
    form = SignInForm()
    code = (request.form.get("code") or "").strip() or None
    if pending is not None and not form.email.data and not form.password.data:
        _validate(CodeForm())
        return _go_on(pending, code)
    if pending is None and code and not form.email.data:
        raise _lapsed()
    _validate(form)
    return _go_on(_check(form.email.data or "", form.password.data or ""), code)


def _check(email: str, password: str) -> Pending:
    email = normal_email(email)
    return check_password(
        _account(email),
        email,
        password,
        TryLimits(BY_DEVICE, BY_ADDRESS, BY_ACCOUNT, EVERYWHERE),
        compare=signin.check_password,
        record_failure=signin.record_failure,
    )


def _go_on(pending: Pending, code: str | None) -> ResponseReturnValue:
    """Go as far as what was shown leads."""
    tried = _code_key(pending.staff_id) if code else ()
    if code:
        limits.count(CODES, *tried)
    with transaction():
        outcome = signin.sign_in(pending, _browser(), code=code)
    if outcome.wrong_code:
        _remember(outcome.pending)
        raise wrong_code()
    if code:
        limits.give_back(CODES, *tried)
    return _answer(outcome)


def _code_key(staff_id: int) -> tuple[str, ...]:
    """Return what tries of a code count as: of the account, in a browser that it knows of that alone."""
    staff = db.session.get(Staff, staff_id)
    device = known_devices.device_of(_account(staff.email)) if staff is not None else None
    return (str(staff_id), device) if device else (str(staff_id),)


def _account(email: str) -> str:
    return f"staff:{email}"


def _password_step() -> ResponseReturnValue:
    pending, staff = _expect(Need.NEW_PASSWORD)
    form = NewPasswordForm(email=staff.email, name=staff.name)
    _validate(form)
    hashed = hash_password(form.password.data or "")
    with transaction():
        outcome = signin.replace_password(pending, _browser(), hashed)
    return _answer(outcome)


def _setup_step() -> ResponseReturnValue:
    pending, staff = _expect(Need.TOTP_SETUP)
    form = CodeForm()
    _validate(form)
    limits.count(CODES, *_code_key(staff.id))
    email = staff.email
    with transaction():
        outcome, codes = signin.set_up_totp(pending, _browser(), setup_secret(staff.id), form.code.data or "")
    target = _target(staff.actor())
    _enter(outcome)
    if answers.wants_json():
        return _entered(target, recovery_codes=codes)
    # Shown in this answer and kept nowhere, so that they are seen once.
    return render_template("auth/codes.html", codes=codes, target=target, email=email)


def _answer(outcome: Outcome) -> ResponseReturnValue:
    if outcome.token is None:
        _remember(outcome.pending)
        if answers.wants_json():
            return jsonify(signed_in=False, needs=outcome.need)
        return redirect(url_for("staff.login", next=_asked_target()), 303)
    target = _target(db.session.get_one(Staff, outcome.pending.staff_id).actor())
    _enter(outcome)
    return _entered(target) if answers.wants_json() else redirect(target, 303)


def _entered(target: str, **more: Any) -> Response:
    return jsonify(signed_in=True, next=target, csrf_token=generate_csrf(), **more)


# --- pages ---------------------------------------------------------------------------------------------------------


def _page(refusal: Refusal | None = None) -> Response:
    """Show the next step's form, after a refusal with what was typed and why."""
    step = _open_step()
    if step is None:
        html = _render(
            "auth/login.html",
            SignInForm(),
            refusal,
            bye="bye" in request.args,
            changed="changed" in request.args,
            outside=outside.is_configured(),
        )
    elif step[1] is Need.CODE:
        html = _render("auth/code.html", CodeForm(), refusal, recovery="recovery" in request.args)
    elif step[1] is Need.NEW_PASSWORD:
        html = _render("auth/password.html", NewPasswordForm(email=step[0].email), refusal)
    else:
        secret = setup_secret(step[0].id)
        image = qr_image(totp.provisioning_uri(secret, step[0].email))
        html = _render("auth/setup.html", CodeForm(), refusal, secret=secret, image=image)
    response = make_response(html, refusal.status if refusal else 200)
    if refusal is not None and refusal.status == SignInNeeded.status:
        response.status_code = Invalid.status  # the form itself is what one signs in with
    if isinstance(refusal, TooMany):
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _render(template: str, form: Form, refusal: Refusal | None, **values: Any) -> str:
    for name, texts in (refusal.fields if refusal else {}).items():
        if name in form:
            form[name].errors = [str(text) for text in texts]
    return render_template(template, form=form, refusal=refusal, next=_asked_target(), **values)


def _validate(form: Form) -> None:
    if not form.validate():
        raise Invalid(fields={name: list(errors) for name, errors in form.errors.items() if name})


def setup_secret(staff_id: int) -> str:
    """Return the secret being set up in this browser, a new one if there is none."""
    return setup_secrets.secret_for(SECRET, staff_id)


def discard_setup_secret() -> None:
    """Drop the secret that was being set up."""
    setup_secrets.discard(SECRET)


# --- the cookie ----------------------------------------------------------------------------------------------------


def _browser() -> Browser:
    token = session.get(STAFF_TOKEN)
    return Browser(request.remote_addr, request.user_agent.string, token if isinstance(token, str) else None)


def _enter(outcome: Outcome) -> None:
    _renew_cookie()
    session[STAFF_TOKEN] = outcome.token
    staff = db.session.get(Staff, outcome.pending.staff_id)
    if staff is not None:
        known_devices.remember(_account(staff.email))


def _renew_cookie() -> None:
    """Begin a new session cookie, CSRF token included; the customer's part of it stays."""
    stored = {key: session[key] for key in PRESERVED if key in session}
    session.clear()
    session.update(stored)
    g.pop("csrf_token", None)


def _remember(pending: Pending) -> None:
    session[PENDING] = {
        "staff": pending.staff_id,
        "state": pending.state,
        "at": pending.at.isoformat(),
        "code": pending.code_checked,
    }


def _discard_pending() -> None:
    session.pop(PENDING, None)
    discard_setup_secret()


def _read_pending() -> Pending | None:
    stored: Any = session.get(PENDING)
    try:
        return Pending(stored["staff"], stored["state"], datetime.fromisoformat(stored["at"]), stored["code"])
    except (TypeError, KeyError, ValueError):
        return None  # there is none, or an older release wrote it


def _open_step() -> tuple[Staff, Need | None] | None:
    pending = _read_pending()
    step = signin.still_pending(pending) if pending else None
    if step is None:
        _discard_pending()
    return step


def _expect(need: Need) -> tuple[Pending, Staff]:
    pending, step = _read_pending(), _open_step()
    if pending is None or step is None or step[1] is not need:
        raise _lapsed()
    return pending, step[0]


def _lapsed() -> SignInNeeded:
    return SignInNeeded(lazy_gettext("This took too long. Sign in again."), code="sign_in_again")


def _asked_target() -> str | None:
    return local_path(request.values.get("next"), "") or None


def _target(actor: Actor) -> str:
    """Return where to go on: where one wanted to, or where one's work begins."""
    return _asked_target() or str(current_app.extensions[LANDING](actor))
