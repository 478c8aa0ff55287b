"""Opening an account: the form, and the link that confirms its address (``console.customers.registration``)."""

from __future__ import annotations

from flask import Response, flash, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from console.core.addresses import source
from console.core.errors import Invalid, NotFound, Refusal
from console.core.passwords import hash_password, password_matches
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers import registration, signin
from console.portal.answers import link_gone, show_again
from console.portal.blueprint import portal
from console.portal.forms import PortalForm, RegisterForm
from console.portal.signin import MAX_PASSWORD, open_session_of
from console.web import limits
from console.web.answers import wants_json
from console.web.limits import Limit
from console.web.locale import choose_language
from console.web.security import keep_private

BY_NETWORK = Limit("portal-register", 20, 60 * limits.MINUTE)  # a network may be an office
CONFIRMATIONS = Limit("portal-register-confirm", 10, 15 * limits.MINUTE)  # passwords tried at one link


@portal.get("/register")
def register() -> ResponseReturnValue:
    """Show the form."""
    return render_template("portal/register.html", form=RegisterForm(formdata=None))


@portal.post("/register")
def ask_registration() -> ResponseReturnValue:
    """Mail the link that confirms the address; the answer is the same for one that is known."""
    form = RegisterForm()
    try:
        _require(form)
        data = registration.check(form.data_of(choose_language()))
        limits.count(BY_NETWORK, source(request.remote_addr))
        hashed = hash_password(form.password.data or "")
        with transaction():
            registration.ask(data, hashed, request.remote_addr)
    except Refusal as refusal:
        return show_again(refusal, form, lambda: render_template("portal/register.html", form=form))
    if wants_json():
        return jsonify(sent=True)
    return render_template("portal/register_sent.html", email=data.email)


@portal.get("/register/<secret:registration_token>")
def confirm_page(registration_token: str) -> ResponseReturnValue:
    """Ask for the password that was chosen. Looking uses nothing up: mail scanners look first."""
    try:
        email = registration.registration_behind(registration_token).email
    except NotFound:
        return link_gone("portal/register_gone.html")
    if wants_json():
        return jsonify(open=True)
    return _confirm_page(PortalForm(formdata=None), email)


@portal.post("/register/<secret:registration_token>")
def confirm_registration(registration_token: str) -> ResponseReturnValue:
    """Open the account and sign its owner in."""
    form = PortalForm()
    try:
        row = registration.registration_behind(registration_token)
        email, stored = row.email, row.password_hash
        limits.count(CONFIRMATIONS, email)
        if not password_matches(stored, (form.own_password.data or "")[:MAX_PASSWORD]):
            raise Invalid(fields={"own_password": [lazy_gettext("Wrong password.")]})
        with transaction():
            membership = registration.confirm(registration_token, stored, request.remote_addr)
    except NotFound:
        return link_gone("portal/register_gone.html")
    except Refusal as refusal:
        return keep_private(show_again(refusal, form, lambda: _confirm_page(form, email)))
    open_session_of(signin.PasswordProof(membership.person_id, stored), email)
    if wants_json():
        return jsonify(registered=True, account=membership.customer.number)
    flash(gettext("Your account is open. Its number is %(number)s.", number=membership.customer.number), "success")
    return redirect(url_for("portal.home"), 303)


def _require(form: RegisterForm) -> None:
    """Refuse what is wrong: of the form's own fields and the account's, all at once."""
    wrong = {}
    for check in (form.require, lambda: registration.check(form.data_of(choose_language()))):
        try:
            check()
        except Invalid as refusal:
            wrong.update(refusal.fields)
    if wrong:
        raise Invalid(fields=wrong)


def _confirm_page(form: PortalForm, email: str) -> Response:
    return keep_private(make_response(render_template("portal/register_confirm.html", form=form, email=email)))
