"""Signing customers' people in and out."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from flask import Response, g, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import generate_csrf

from console.core.db import db
from console.core.emails import normal_email
from console.core.errors import Invalid, Refusal, SignInNeeded
from console.core.one_time_codes import wrong_code
from console.core.text import is_blank
from console.core.texts import lazy_gettext
from console.core.transaction import transaction
from console.customers import signin
from console.customers.forms import SignInForm
from console.customers.models import Person
from console.identity.oidc.applications import target_of
from console.identity.queries import passkeys_of
from console.identity.service import signin as steps
from console.identity.service.signin import Browser, Outcome, Pending
from console.portal import second_step
from console.portal.blueprint import portal, signed_in
from console.portal.forms import CodeForm
from console.web import answers, devices, known_devices, limits
from console.web.identity import PERSON_TOKEN, PORTAL, STAFF_TOKEN, current_actor
from console.web.known_devices import TryLimits
from console.web.limits import Limit
from console.web.navigation import local_path
from console.web.password_tries import WRONG, check_password
from console.web.security import allow_form_action

SSO_ASKED = "sso_asked"  # the key in the cookie: which request of an application waits for a sign-in, and since when
PRESERVED = (STAFF_TOKEN, "language", "theme", SSO_ASKED)  # what a sign-in leaves in the cookie
AUTHORIZE = "/oauth/authorize?"
MAX_EMAIL, MAX_PASSWORD = 254, 1_000

# Failures only, see console.web.limits and TryLimits.
BY_ADDRESS = Limit("portal-address", 60, 15 * limits.MINUTE, shared=True)
BY_ACCOUNT = Limit("portal-account", 10, 15 * limits.MINUTE)
EVERYWHERE = Limit("portal-everywhere", 60, 15 * limits.MINUTE)
BY_DEVICE = Limit("portal-device", 10, 15 * limits.MINUTE)


@portal.get("/login")
def login() -> ResponseReturnValue:
    """Show the step that is next."""
    if current_user.is_authenticated:
        return redirect(target())
    if "again" in request.args:
        second_step.discard()
    if answers.wants_json():
        needs = "code" if second_step.person() is not None else "password"
        return jsonify(signed_in=False, needs=needs, csrf_token=generate_csrf())
    return _page(SignInForm(formdata=None), None)


@portal.post("/login")
def log_in() -> ResponseReturnValue:
    """Take e-mail and password, or the code that follows them, or all three."""
    form = SignInForm()
    code = (request.form.get("code") or "").strip() or None
    try:
        form.refuse_spoiled()
        pending = second_step.read()
        if pending is not None and not form.email.data and not form.password.data:
            return _second(pending, code)
        if code and not form.email.data:
            raise second_step.lapsed()
        return _first(form, code)
    except Refusal as refusal:
        if isinstance(refusal, SignInNeeded):
            second_step.discard()
        if answers.wants_json():
            return answers.refuse(refusal)
        # The form itself is what one signs in with.
        status = Invalid.status if isinstance(refusal, SignInNeeded) else refusal.status
        answer = Response(_page(form, refusal), status)
        if refusal.retry_after is not None:
            answer.headers["Retry-After"] = str(refusal.retry_after)
        return answer


def _first(form: SignInForm, code: str | None) -> ResponseReturnValue:
    proof = check_sign_in(form.email.data or "", form.password.data or "")
    device = known_devices.device_of(_account(normal_email(form.email.data or "")))
    tried = second_step.count_code(proof.person_id, device) if code else ()
    with transaction():
        outcome = steps.sign_in(proof, browser(normal_email(form.email.data or "")), code=code)
    return _go_on(outcome, tried)


def _second(pending: Pending, code: str | None) -> ResponseReturnValue:
    if code is None:
        text = lazy_gettext("Enter the code.")
        raise Invalid(text, fields={"code": [text]}, code="code")
    person = second_step.person()
    if person is None:
        raise second_step.lapsed()
    tried = second_step.count_code(person.id, known_devices.device_of(_account(person.email)))
    with transaction():
        outcome = steps.go_on(pending, browser(person.email), code)
    return _go_on(outcome, tried)


def _go_on(outcome: Outcome, tried: tuple[str, ...]) -> ResponseReturnValue:
    """Enter, or ask for what is missing; only wrong codes add up."""
    if outcome.wrong_code:
        if outcome.pending is not None:
            second_step.remember(outcome.pending)
        raise wrong_code()
    if tried:
        second_step.forgive(tried)
    if outcome.token is None and outcome.pending is not None:
        second_step.remember(outcome.pending)
        if answers.wants_json():
            return jsonify(signed_in=False, needs="code")
        return redirect(url_for("portal.login", next=requested_page()), 303)
    return entered(outcome)


def entered(outcome: Outcome) -> ResponseReturnValue:
    """Answer a sign-in that was opened."""
    address = target()
    keep_session(outcome)
    if answers.wants_json():
        return jsonify(signed_in=True, next=address, csrf_token=generate_csrf())
    return redirect(address, 303)


@portal.post("/logout")
@signed_in
def logout() -> ResponseReturnValue:
    """End this session. A staff session in the same browser stays."""
    end_session_here()
    if answers.wants_json():
        return jsonify(signed_out=True)
    return redirect(url_for("portal.login", bye=1), 303)


def end_session_here() -> None:
    """End the session of this browser, and begin a new cookie."""
    token = _own_token()
    if token is not None:
        with transaction():
            signin.sign_out(current_actor(), token)
    _renew_cookie()


def open_session_of(proof: signin.PasswordProof, email: str) -> None:
    """Sign the person in on this browser, which is known to them from now on.

    Raises:
        SignInNeeded: the password was changed since it was compared.
        Invalid: ``second_step``: it asks for a code too, which only the sign-in page takes.
    """
    with transaction():
        outcome = steps.sign_in(proof, browser(normal_email(email)))
    if outcome.token is None:
        raise Invalid(
            lazy_gettext("Two-factor authentication is on. Sign in first, then open the link in the e-mail again."),
            code="second_step",
        )
    keep_session(outcome)


def browser(email: str) -> Browser:
    """Return where someone with ``email`` signs in from."""
    agent = request.user_agent.string
    known = known_devices.device_of(_account(email)) is not None
    return Browser(request.remote_addr, agent, devices.device(agent).name, known, _own_token())


def keep_session(outcome: Outcome) -> None:
    """Put a session that was opened into the cookie, and let this browser be known from now on."""
    _renew_cookie()
    session[PERSON_TOKEN] = outcome.token
    person = db.session.get_one(Person, outcome.person_id)
    known_devices.remember(_account(person.email))


def check_sign_in(email: str, password: str) -> signin.PasswordProof:
    """Compare the password, counting the try unless it succeeds.

    Raises:
        Invalid: ``sign_in``: the e-mail or the password is wrong.
        TooMany: too many were.
    """
    if is_blank(email) or not password or len(email) > MAX_EMAIL or len(password) > MAX_PASSWORD:
        raise Invalid(WRONG, code="sign_in")
    email = normal_email(email)
    return check_password(
        _account(email),
        email,
        password,
        TryLimits(BY_DEVICE, BY_ADDRESS, BY_ACCOUNT, EVERYWHERE),
        compare=signin.check_password,
        record_failure=signin.record_failure,
    )


def _account(email: str) -> str:
    return f"portal:{email}"


def _page(form: SignInForm, refusal: Refusal | None) -> str:
    _let_through_to_application()
    person = second_step.person()
    if person is not None:
        code_form = CodeForm(formdata=None)
        code_form.show(refusal)
        return render_template(
            "portal/login_code.html",
            form=code_form,
            refusal=refusal,
            next=requested_page(),
            recovery="recovery" in request.args,
            has_passkey=bool(passkeys_of(person.id)),
        )
    return render_template(
        "portal/login.html", form=form, refusal=refusal, next=requested_page(), bye="bye" in request.args
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


def requested_page() -> str | None:
    """Return the page of the portal to go to after the sign-in, or the request of an application that waits for it."""
    path = local_path(request.values.get("next"), "")
    return path if path.startswith((PORTAL, AUTHORIZE)) else None


def _let_through_to_application() -> None:
    """Let the form lead to the application that waits for the sign-in.

    Chromium holds every redirect after a form against the content policy of the form's page.
    """
    path = requested_page() or ""
    if not path.startswith(AUTHORIZE):
        return
    named = dict(parse_qsl(urlsplit(path).query))
    origin = target_of(named.get("client_id", ""), named.get("redirect_uri", ""))
    if origin is not None:
        allow_form_action(origin)


def target() -> str:
    """Return the same, the home page where none is named."""
    return requested_page() or url_for("portal.home")
