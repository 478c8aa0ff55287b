"""The pages of a forgotten password: asking for a link, and the link. The rules: ``console.staff.password_reset``."""

from __future__ import annotations

from functools import wraps
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from console.core.addresses import source
from console.core.errors import Invalid, NotFound, Refusal, TooMany
from console.core.forms import Form
from console.core.passwords import hash_password
from console.core.transaction import transaction
from console.staff import password_reset
from console.staff.forms import ForgottenForm, NewPasswordForm
from console.web import answers, limits
from console.web.limits import Limit
from console.web.security import keep_private

blueprint = Blueprint("password_reset", __name__)
blueprint.after_request(keep_private)

# What one network asks for, which may be a whole office. An account has no limit that answers otherwise: it would say
# that the account is there, and would let anybody keep its owner out.
BY_NETWORK = Limit("forgotten-network", 30, 15 * limits.MINUTE)


@blueprint.get("/login/forgotten")
def forgotten() -> ResponseReturnValue:
    """Show the form."""
    return _page("auth/forgotten.html", ForgottenForm(formdata=None))


@blueprint.post("/login/forgotten")
def ask() -> ResponseReturnValue:
    """Mail a link, if the address is of one of us; the answer is the same."""
    form = ForgottenForm()
    try:
        _validate(form)
        limits.count(BY_NETWORK, source(request.remote_addr))
    except (Invalid, TooMany) as refusal:
        return _refused("auth/forgotten.html", form, refusal)
    email = form.email.data or ""
    with transaction():
        password_reset.ask(email, request.remote_addr)
    if answers.wants_json():
        return jsonify(sent=True)
    return _page("auth/forgotten_sent.html", form, email=email, lasts=password_reset.LASTS)


def _or_gone(view: Any) -> Any:
    """Guard a route: where the link serves no more, a page says so and how to go on."""

    @wraps(view)
    def guarded(token: str) -> ResponseReturnValue:
        try:
            answer: ResponseReturnValue = view(token)
        except NotFound:
            if answers.wants_json():
                raise
            return make_response(render_template("auth/reset_gone.html"), NotFound.status)
        return answer

    return guarded


@blueprint.get("/reset/<secret:token>")
@_or_gone
def link(token: str) -> ResponseReturnValue:
    """Show the form for the new password."""
    staff = password_reset.account_behind(token)
    if answers.wants_json():
        return jsonify(open=True)
    return _page("auth/reset.html", NewPasswordForm(formdata=None, email=staff.email), email=staff.email)


@blueprint.post("/reset/<secret:token>")
@_or_gone
def reset(token: str) -> ResponseReturnValue:
    """Change the password. It signs no one in: those with a second step show it next."""
    staff = password_reset.account_behind(token)
    email, form = staff.email, NewPasswordForm(email=staff.email, name=staff.name)
    try:
        _validate(form)
    except Invalid as refusal:
        return _refused("auth/reset.html", form, refusal, email=email)
    hashed = hash_password(form.password.data or "")
    with transaction():
        password_reset.reset(token, hashed, request.remote_addr)
    if answers.wants_json():
        return jsonify(changed=True)
    return redirect(url_for("staff.login", again=1, changed=1), 303)


def _validate(form: Form) -> None:
    if not form.validate():
        raise Invalid(fields={name: list(errors) for name, errors in form.errors.items() if name})


def _refused(template: str, form: Form, refusal: Refusal, **values: Any) -> Response:
    """Show the form again, or tell a program."""
    if answers.wants_json():
        return answers.refuse(refusal)
    response = _page(template, form, refusal=refusal, **values)
    response.status_code = refusal.status
    if isinstance(refusal, TooMany):
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _page(template: str, form: Form, *, refusal: Refusal | None = None, **values: Any) -> Response:
    return make_response(render_template(template, form=form, refusal=refusal, **values))
