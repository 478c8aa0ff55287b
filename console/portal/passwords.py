"""Promeni lozinku: changing a password, and replacing a forgotten one. The rules: ``console.customers.passwords``."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from console.core.addresses import source
from console.core.errors import Invalid, NotFound, Refusal
from console.core.passwords import hash_password
from console.core.texts import gettext
from console.core.transaction import transaction
from console.customers import passwords
from console.portal import confirmation
from console.portal.accounts import chosen, in_account, own_accounts
from console.portal.answers import link_gone, show_again
from console.portal.blueprint import portal, signed_in
from console.portal.forms import ChangePasswordForm, ForgottenForm, NewPasswordForm
from console.web import limits
from console.web.answers import wants_json
from console.web.identity import current_actor, current_person
from console.web.limits import Limit
from console.web.security import keep_private

# What one network asks for, which may be a whole office. A person has no limit that answers otherwise: it would say
# that the address is known, and would let anyone keep its owner out.
BY_NETWORK = Limit("portal-forgotten", 30, 15 * limits.MINUTE)


@portal.get("/password")
@signed_in
def password() -> ResponseReturnValue:
    """Show the form."""
    return _change_page(_change_form(formdata=None))


@portal.post("/password")
@signed_in
def change_password() -> ResponseReturnValue:
    """Change the person's password; every other session ends."""
    form, session_id = _change_form(), current_user.row.id
    try:
        form.require()
        proof = confirmation.compare_own_password(form.current.data or "")
        if proof is None:
            raise Invalid(fields={"current": [confirmation.WRONG]})
        hashed = hash_password(form.password.data or "")
        with transaction():
            passwords.change_password(current_actor(), proof, hashed, keep_session=session_id)
    except Refusal as refusal:
        return show_again(refusal, form, lambda: _change_page(form))
    if wants_json():
        return jsonify(changed=True)
    flash(gettext("The password is changed. All other sessions have ended."), "success")
    return redirect(in_account("portal.password"), 303)


@portal.get("/forgotten")
def forgotten() -> ResponseReturnValue:
    """Ask for the address."""
    return render_template("portal/forgotten.html", form=ForgottenForm(formdata=None))


@portal.post("/forgotten")
def ask_reset() -> ResponseReturnValue:
    """Mail a link, if the address is a customer's; the answer is the same."""
    form = ForgottenForm()
    try:
        form.require()
        limits.count(BY_NETWORK, source(request.remote_addr))
        with transaction():
            passwords.ask(form.email.data or "", request.remote_addr)
    except Refusal as refusal:
        return show_again(refusal, form, lambda: render_template("portal/forgotten.html", form=form))
    if wants_json():
        return jsonify(sent=True)
    return render_template("portal/forgotten_sent.html", email=form.email.data)


@portal.get("/reset/<secret:reset_token>")
def reset_link(reset_token: str) -> ResponseReturnValue:
    """Show the form for the new password."""
    try:
        person = passwords.person_behind(reset_token)
    except NotFound:
        return link_gone("portal/reset_gone.html")
    if wants_json():
        return jsonify(open=True)
    return _reset_page(NewPasswordForm(formdata=None, email=person.email), person.email)


@portal.post("/reset/<secret:reset_token>")
def reset_password(reset_token: str) -> ResponseReturnValue:
    """Change the password. It signs no one in."""
    try:
        person = passwords.person_behind(reset_token)
        email, form = person.email, NewPasswordForm(email=person.email, owner_name=person.name)
        form.require()
        hashed = hash_password(form.password.data or "")
        with transaction():
            passwords.reset(reset_token, hashed, request.remote_addr)
    except NotFound:
        return link_gone("portal/reset_gone.html")
    except Refusal as refusal:
        return keep_private(show_again(refusal, form, lambda: _reset_page(form, email)))
    if wants_json():
        return jsonify(changed=True)
    return redirect(url_for("portal.login", changed=1), 303)


def _change_form(**options: Any) -> ChangePasswordForm:
    person = current_person()
    return ChangePasswordForm(email=person.email, owner_name=person.name, **options)


def _change_page(form: ChangePasswordForm) -> str:
    accounts = own_accounts()
    return render_template(
        "portal/password.html", form=form, accounts=accounts, mine=chosen(accounts) if accounts else None
    )


def _reset_page(form: NewPasswordForm, email: str) -> Response:
    return keep_private(make_response(render_template("portal/reset.html", form=form, email=email)))
