"""Podešavanja bezbednosti, Sigurnost naloga: what protects a person's sign-in, and two-step sign-in as the FAQ has it.

Aktiviraj, Kreni, then the QR code with its key, six digits and Pošalji. What is dangerous asks for a fresh sign-in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, g, jsonify, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from console.core.errors import Refusal
from console.core.texts import gettext
from console.core.transaction import transaction
from console.customers.models import Membership
from console.customers.queries import sessions_of
from console.identity.queries import authenticator_of, open_recovery, passkeys_of, recovery_codes_left
from console.identity.service import factors
from console.identity.service.passkeys import relying_party
from console.portal import confirmation, second_step
from console.portal.accounts import chosen, own_accounts
from console.portal.answers import show_again
from console.portal.blueprint import portal, signed_in
from console.portal.forms import CodeForm, PasskeyForm, PortalForm, SsoForm
from console.web import setup_secrets
from console.web.answers import local_time, wants_json
from console.web.identity import current_actor, current_person
from console.web.qr import qr_image

SECRET = "person_totp"  # noqa: S105  (the key in the cookie)
# Templates of further sections of the page, as of single sign-on.
SECTIONS: list[str] = []
# What they add to the JSON of the page, by its key.
PAYLOADS: dict[str, Callable[[], Any]] = {}


@portal.get("/security")
@signed_in
def security() -> ResponseReturnValue:
    """Show what is on, and since when."""
    if wants_json():
        person = current_person()
        row = authenticator_of(person.id)
        return jsonify(
            two_step=row is not None,
            since=local_time(row.created_at) if row else None,
            recovery_codes=recovery_codes_left(person.id) if row else 0,
            passkeys=[
                {
                    "id": one.id,
                    "name": one.name,
                    "created_at": local_time(one.created_at),
                    "used_at": local_time(one.used_at),
                }
                for one in passkeys_of(person.id)
            ],
            **{name: payload() for name, payload in PAYLOADS.items()},
        )
    return overview()


@portal.get("/security/totp")
@signed_in
def totp() -> ResponseReturnValue:
    """Say what two-step sign-in is and what it takes."""
    if authenticator_of(current_person().id) is not None:
        return redirect(url_for("portal.security"))
    return _page("portal/security_totp.html", form=PortalForm(formdata=None))


@portal.post("/security/totp")
@signed_in
def start_totp() -> ResponseReturnValue:
    """Go on to the QR code, from a fresh sign-in."""
    form = PortalForm()
    try:
        confirmation.require()
    except Refusal as refusal:
        return show_again(refusal, form, lambda: _page("portal/security_totp.html", form=form))
    if wants_json():
        secret = setup_secrets.secret_for(SECRET, current_person().id)
        return jsonify(secret=secret, uri=factors.provisioning_uri(secret, current_person().email))
    return redirect(url_for("portal.totp_setup"), 303)


@portal.get("/security/totp/setup")
@signed_in
def totp_setup() -> ResponseReturnValue:
    """Show the QR code and the field for the six digits."""
    if authenticator_of(current_person().id) is not None:
        return redirect(url_for("portal.security"))
    return _setup_page(CodeForm(formdata=None))


@portal.post("/security/totp/setup")
@signed_in
def switch_totp_on() -> ResponseReturnValue:
    """Switch two-step sign-in on, and show the recovery codes once."""
    form = CodeForm()
    secret = setup_secrets.secret_for(SECRET, current_person().id)
    try:
        codes = _with_code(form, lambda key, code: factors.switch_on(current_actor(), key, secret, code))
    except Refusal as refusal:
        return show_again(refusal, form, lambda: _setup_page(form))
    setup_secrets.discard(SECRET)
    return _codes_page(codes, switched_on=True)


@portal.post("/security/totp/off")
@signed_in
def switch_totp_off() -> ResponseReturnValue:
    """Switch two-step sign-in off, with a code."""
    form = CodeForm()
    try:
        _with_code(form, lambda key, code: factors.switch_off(current_actor(), key, code))
    except Refusal as refusal:
        return show_again(refusal, form, lambda: overview(off=form))
    if wants_json():
        return jsonify(two_step=False)
    flash(gettext("Two-factor authentication is off."), "success")
    return redirect(url_for("portal.security"), 303)


@portal.post("/security/codes")
@signed_in
def renew_codes() -> ResponseReturnValue:
    """Replace the recovery codes, with a code, and show the new ones once."""
    form = CodeForm()
    try:
        codes = _with_code(form, lambda key, code: factors.renew_codes(current_actor(), key, code))
    except Refusal as refusal:
        return show_again(refusal, form, lambda: overview(renewal=form))
    return _codes_page(codes)


def overview(
    *,
    off: CodeForm | None = None,
    renewal: CodeForm | None = None,
    passkey: PasskeyForm | None = None,
    stop: PortalForm | None = None,
    sso: SsoForm | None = None,
) -> str:
    """Draw the page, also after one of its forms was refused."""
    person = current_person()
    row, own = authenticator_of(person.id), passkeys_of(person.id)
    g.has_passkey = bool(own)  # what the page asks each time it offers to confirm with one
    return _page(
        "portal/security.html",
        authenticator=row,
        codes_left=recovery_codes_left(person.id) if row else 0,
        passkeys=own,
        recovery=open_recovery(person.id) if row else None,
        stop=stop or PortalForm(formdata=None),
        sessions=len(sessions_of(person.id)),
        off=off or CodeForm(formdata=None),
        renewal=renewal or CodeForm(formdata=None),
        passkey=passkey or PasskeyForm(formdata=None),
        blank=PortalForm(formdata=None),
        relying_party=relying_party(),
        sso=sso or SsoForm(formdata=None),
        sections=SECTIONS,
    )


def session_id() -> int:
    """Return the session that a dangerous thing is done in."""
    key: int = current_user.row.id
    return key


def _with_code(form: CodeForm, verb: Callable[[int, str], Any]) -> Any:
    """Call a verb that takes a code, from a fresh sign-in; only wrong codes add up.

    Raises:
        Refusal: as the verb, :func:`~console.portal.confirmation.require` and the limit say.
    """
    form.require()
    key, person_id = session_id(), current_person().id
    confirmation.require()
    tried = second_step.count_code(person_id, None)
    with transaction():
        result = verb(key, form.code.data or "")
    second_step.forgive(tried)
    return result


def _setup_page(form: CodeForm) -> str:
    person = current_person()
    secret = setup_secrets.secret_for(SECRET, person.id)
    image = qr_image(factors.provisioning_uri(secret, person.email))
    return _page("portal/security_setup.html", form=form, secret=secret, image=image)


def _codes_page(codes: list[str], *, switched_on: bool = False) -> ResponseReturnValue:
    """Show recovery codes in this answer and keep them nowhere."""
    if wants_json():
        return jsonify(recovery_codes=codes)
    return make_response(_page("portal/security_codes.html", codes=codes, switched_on=switched_on))


def _page(template: str, **values: Any) -> str:
    accounts = own_accounts()
    mine: Membership | None = chosen(accounts) if accounts else None
    return render_template(template, accounts=accounts, mine=mine, confirm=confirmation.is_needed(), **values)
