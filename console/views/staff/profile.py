"""One's own account: password, second step, sessions, signature, language, theme, keys."""

from __future__ import annotations

from typing import Any, cast

from flask import flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.base import BaseView
from flask_login import current_user

from console.core.errors import Invalid, Refusal, TooMany
from console.core.forms import Form
from console.core.passwords import hash_password
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.staff import reauthentication, service, sessions, totp
from console.staff.forms import ROLE_NAMES, ChangePasswordForm, ConfirmForm, SetUpForm, SignatureForm
from console.staff.models import Staff
from console.staff.queries import live_sessions, recovery_codes_left
from console.staff.reauthentication import PasswordProof
from console.staff.sessions import totp_obligatory
from console.staff.signature import set_signature
from console.views.shared.base import Page
from console.web import limits
from console.web.answers import local_time, refuse, wants_json
from console.web.devices import device
from console.web.identity import Identity, current_actor, current_staff
from console.web.limits import Limit
from console.web.qr import qr_image
from console.web.staff_signin import discard_setup_secret, setup_secret

PRESENT = Limit("present-password", 10, 15 * limits.MINUTE)
CODES = Limit("setup-code", 10, 15 * limits.MINUTE)


def views() -> list[BaseView]:
    """Return the page."""
    return [Profile()]


class Profile(Page):
    """One's own account: what everyone may see and change."""

    command = lazy_gettext("Profile and sign-in")

    def __init__(self) -> None:
        super().__init__(
            name=lazy_gettext("Profile and sign-in"), endpoint="profile", url="profile", menu_icon_value="user"
        )

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Show it all."""
        return jsonify(_as_json(current_staff())) if wants_json() else self._page()

    @expose("/password", methods=("POST",))
    def password(self) -> ResponseReturnValue:
        """Change the password; every other session ends."""
        staff = current_staff()
        form = ChangePasswordForm(email=staff.email, name=staff.name)
        try:
            _validate(form)
            proof = _show_present(staff, form.current.data or "")
            hashed = hash_password(form.password.data or "")
            with transaction():
                service.set_password(current_actor(), _own_id(), hashed, proof=proof, keep_session=_this_session())
        except (Invalid, TooMany) as refusal:
            return self._again(refusal, form, "password")
        return self._done(gettext("The password is changed. All other sessions have ended."))

    @expose("/signature", methods=("POST",))
    def signature(self) -> ResponseReturnValue:
        """Set the signature under one's replies by mail."""
        form = SignatureForm()
        try:
            _validate(form)
            with transaction():
                set_signature(current_actor(), form.signature_sr.data or "", form.signature_en.data or "")
        except Invalid as refusal:
            return self._again(refusal, form, "signature")
        return self._done(gettext("The signature is saved."))

    @expose("/sessions/<id:key>/end", methods=("POST",))
    def end_session(self, key: int) -> ResponseReturnValue:
        """End one session of the person."""
        with transaction():
            sessions.revoke_session(current_actor(), key)
        return self._done(gettext("That session has ended."))

    @expose("/sessions/end-others", methods=("POST",))
    def end_others(self) -> ResponseReturnValue:
        """End all sessions but this one."""
        with transaction():
            sessions.revoke_others(current_actor(), current_staff(), keep=_this_session())
        return self._done(gettext("All other sessions have ended."))

    @expose("/second-step/", methods=("GET", "POST"))
    def second_step(self) -> ResponseReturnValue:
        """Show the QR code, or switch the second step on, after the present password, and show the recovery codes."""
        staff = current_staff()
        if staff.totp_secret is not None:
            return redirect(self.get_url(".index"))
        form = SetUpForm()
        if request.method == "GET":
            return self._setup_page(form)
        try:
            _validate(form)
            limits.count(CODES, str(staff.id))
            secret = setup_secret(staff.id)
            proof = _show_present(staff, form.current.data or "")
            with transaction():
                codes = totp.confirm_totp(
                    current_actor(), _own_id(), secret, form.code.data or "", proof=proof, keep_session=_this_session()
                )
        except (Invalid, TooMany) as refusal:
            return self._again(refusal, form, "second_step")
        discard_setup_secret()
        return self._codes_page(codes, switched_on=True)

    @expose("/second-step/off", methods=("POST",))
    def second_step_off(self) -> ResponseReturnValue:
        """Switch the second step off, after the present password."""
        form = ConfirmForm()
        try:
            _validate(form)
            proof = _show_present(current_staff(), form.current.data or "")
            with transaction():
                totp.disable_totp(current_actor(), _own_id(), proof=proof)
        except (Invalid, TooMany) as refusal:
            return self._again(refusal, form, "off")
        return self._done(gettext("Two-step sign-in is off."))

    @expose("/recovery-codes", methods=("POST",))
    def recovery_codes(self) -> ResponseReturnValue:
        """Replace the recovery codes, after the present password, and show them once."""
        form = ConfirmForm()
        try:
            _validate(form)
            proof = _show_present(current_staff(), form.current.data or "")
            with transaction():
                codes = totp.renew_recovery_codes(current_actor(), _own_id(), proof=proof)
        except (Invalid, TooMany) as refusal:
            return self._again(refusal, form, "codes")
        return self._codes_page(codes)

    # --- pages

    def _page(self, **forms: Form) -> str:
        staff = current_staff()
        all_forms: dict[str, Form] = {
            "password_form": ChangePasswordForm(formdata=None, email=staff.email),
            "signature_form": SignatureForm(formdata=None, obj=staff),
            "off_form": ConfirmForm(formdata=None),
            "codes_form": ConfirmForm(formdata=None),
        } | forms
        page: str = self.render(
            "admin/staff/profile.html",
            staff=staff,
            role_name=ROLE_NAMES[staff.role],
            obligatory=totp_obligatory(staff),
            codes_left=recovery_codes_left(staff.id) if staff.totp_secret else 0,
            live=[(row, device(row.user_agent)) for row in live_sessions(staff.id)],
            this_session=_this_session(),
            **all_forms,
        )
        return page

    def _setup_page(self, form: Form) -> str:
        staff = current_staff()
        secret = setup_secret(staff.id)
        image = qr_image(totp.provisioning_uri(secret, staff.email))
        page: str = self.render("admin/staff/profile_second_step.html", form=form, secret=secret, image=image)
        return page

    def _codes_page(self, codes: list[str], *, switched_on: bool = False) -> ResponseReturnValue:
        """Show recovery codes in this answer and keep them nowhere."""
        if wants_json():
            return jsonify(recovery_codes=codes)
        email = current_staff().email
        page: str = self.render("admin/staff/profile_codes.html", codes=codes, email=email, switched_on=switched_on)
        return page

    def _again(self, refusal: Refusal, form: Form, name: str) -> ResponseReturnValue:
        """Show the form again with what was wrong; passwords are never shown again."""
        if wants_json():
            return refuse(refusal)
        for field, texts in refusal.fields.items():
            if field in form:
                form[field].errors = [str(text) for text in texts]
        if isinstance(refusal, TooMany):
            form["current"].errors = [str(refusal.message)]
        page = self._setup_page(form) if name == "second_step" else self._page(**{f"{name}_form": form})
        headers = {"Retry-After": str(refusal.retry_after)} if isinstance(refusal, TooMany) else {}
        return page, refusal.status, headers

    def _done(self, message: str) -> ResponseReturnValue:
        if wants_json():
            return jsonify(_as_json(current_staff()))
        flash(message, "success")
        return redirect(self.get_url(".index"), 303)


def _show_present(staff: Staff, password: str) -> PasswordProof:
    """Compare the present password, outside of a transaction; too many tries must wait.

    Raises:
        Invalid: it is another.
        TooMany: it was tried too often.
    """
    key = str(staff.id)
    limits.count(PRESENT, key)
    proof = reauthentication.show(staff, password)
    limits.give_back(PRESENT, key)
    return proof


def _validate(form: Form) -> None:
    if not form.validate():
        raise Invalid(fields={name: list(errors) for name, errors in form.errors.items() if name})


def _own_id() -> int:
    return current_staff().id


def _this_session() -> int:
    return cast("Identity", current_user).row.id


def _as_json(staff: Staff) -> dict[str, Any]:
    here = _this_session()
    return {
        "name": staff.name,
        "email": staff.email,
        "role": staff.role.value,
        "language": staff.language,
        "theme": staff.theme,
        "single_keys": staff.single_keys,
        "signature": {"sr_Latn": staff.signature_sr, "en": staff.signature_en},
        "second_step": staff.totp_secret is not None,
        "sessions": [
            {
                "id": row.id,
                "here": row.id == here,
                "address": row.address,
                "user_agent": row.user_agent,
                "seen_at": local_time(row.seen_at),
            }
            for row in live_sessions(staff.id)
        ],
    }
