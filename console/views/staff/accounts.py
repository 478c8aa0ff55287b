"""Staff accounts, for admins. Everything that changes goes through the verbs of ``console.staff``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from sqlalchemy import select

from console.core.db import db
from console.core.edit_conflicts import CHANGED
from console.core.errors import Invalid, NotFound, Refusal
from console.core.passwords import hash_password
from console.core.texts import gettext, lazy_gettext, lazy_pgettext
from console.core.transaction import transaction
from console.staff import service, sessions, totp
from console.staff.forms import ROLE_NAMES, NewStaffForm, StaffForm
from console.staff.models import Staff
from console.staff.passwords import temporary_password
from console.staff.queries import last_seen, live_sessions
from console.staff.roles import Permission, Role
from console.views.shared import formatters
from console.views.shared.base import BaseModelView
from console.views.shared.filters import Choice, Flag
from console.views.shared.labels.states import Label
from console.views.shared.per_request import cached_per_request
from console.web.answers import local_time, wants_json
from console.web.filters import ago
from console.web.identity import current_actor

ACTIVE = {
    True: Label(lazy_pgettext("staff account", "active"), "ok", "ok"),
    False: Label(lazy_pgettext("staff account", "disabled"), "ban", "void"),
}
SECOND_STEP = {True: Label(lazy_gettext("on"), "lock"), False: Label(lazy_gettext("off"), "minus", "void")}


def views() -> list[BaseModelView]:
    """Return the list and its account pages."""
    return [StaffList()]


def _role(_view: Any, _context: Any, row: Staff, _name: str) -> str:
    return str(ROLE_NAMES[row.role])


def _second_step(_view: Any, _context: Any, row: Staff, _name: str) -> Markup:
    return SECOND_STEP[row.totp_secret is not None].status()


def _seen(_view: Any, _context: Any, row: Staff, _name: str) -> Markup:
    seen = _last_seen().get(row.id)
    return ago(seen) if seen else Markup('<span class="muted">{}</span>').format(gettext("never"))


@cached_per_request
def _last_seen() -> dict[int, datetime]:
    return last_seen(db.session.scalars(select(Staff.id)).all())  # of all rows in one query; staff are few


class StaffList(BaseModelView):
    """Who works here, with which role."""

    permission = Permission.MANAGE_STAFF
    group = "system"
    parent = "settings"
    settings_group = "people"
    settings_lead = lazy_gettext("Accounts, roles, passwords and two-step sign-in.")
    can_create = True
    form = StaffForm

    column_list = ("name", "email", "role", "active", "second_step", "last_seen")
    column_labels = {
        "name": lazy_gettext("Name"),
        "email": lazy_gettext("E-mail"),
        "role": lazy_gettext("Role"),
        "active": lazy_gettext("State"),
        "second_step": lazy_gettext("Two-step sign-in"),
        "last_seen": lazy_gettext("Last active"),
    }
    column_formatters = {
        "role": _role,
        "active": formatters.state(ACTIVE),
        "second_step": _second_step,
        "last_seen": _seen,
    }
    sort_columns = {"name": Staff.name_key, "email": Staff.email}
    list_filters = (
        Choice("role", lazy_gettext("Role"), Staff.role, {role.value: name for role, name in ROLE_NAMES.items()}),
        Flag("disabled", lazy_gettext("Disabled only"), lambda: Staff.active.is_(False)),
    )
    create_label = lazy_gettext("New account")
    lead = lazy_gettext(
        "Staff accounts and their roles. Changing a role or disabling an account signs the person out at once."
    )
    empty_icon = "users"
    empty_title = lazy_gettext("No results")

    def __init__(self) -> None:
        # Not "staff": that is the blueprint of signing in.
        super().__init__(
            Staff, name=lazy_gettext("Staff"), endpoint="staff_accounts", url="staff", menu_icon_value="badge"
        )

    # --- the list

    def row_link(self, row: Any) -> str:
        return str(self.get_url(".account", key=row.id))

    def row_state(self, row: Any) -> str:
        return "" if row.active else "is-void"

    def as_json(self, row: Any) -> dict[str, Any]:
        return {
            "id": row.id,
            "name": row.name,
            "email": row.email,
            "role": row.role.value,
            "active": row.active,
            "second_step": row.totp_secret is not None,
        }

    # --- a new account

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> ResponseReturnValue:
        """Show the form for a new account, or open it. Without a chosen password a temporary one is shown once."""
        form = NewStaffForm()
        if request.method == "GET":
            return self._new_page(form)
        try:
            if not form.validate():
                raise Invalid(fields=form.errors)
            staff, password = self._open_account(form)
        except Invalid as refusal:
            self._mark(refusal, form)
            return self._new_page(form, refusal)
        if wants_json():
            return jsonify(staff=self.as_json(staff), password=password), 201
        return self._password_page(staff, password, created=True)

    def _open_account(self, form: NewStaffForm) -> tuple[Staff, str]:
        """Open the account; whatever the password is, the admin knows it, so it serves once."""
        password = form.password.data or temporary_password()
        hashed = hash_password(password)
        with transaction():
            staff = service.add_staff(
                current_actor(),
                email=form.email.data or "",
                name=form.name.data or "",
                role=Role(form.role.data),
                password_hash=hashed,
                temporary=True,
            )
        return staff, password

    def _new_page(self, form: NewStaffForm, refusal: Refusal | None = None) -> ResponseReturnValue:
        page = self.render("admin/staff/new.html", form=form)
        return page, refusal.status if refusal else 200

    # --- one account

    @expose("/<id:key>/", methods=("GET", "POST"))
    def account(self, key: int) -> ResponseReturnValue:
        """Show one account, or change its name, e-mail and role."""
        staff = self.find_row(key)
        form = StaffForm(
            data={"name": staff.name, "email": staff.email, "role": staff.role.value, "seen": service.mark(staff)}
        )
        if request.method == "GET":
            return jsonify(self._account_json(staff)) if wants_json() else self._account_page(staff, form)
        try:
            if not form.validate():
                raise Invalid(fields=form.errors)
            with transaction():
                staff = service.change_staff(
                    current_actor(),
                    key,
                    name=form.name.data,
                    email=form.email.data,
                    role=Role(form.role.data),
                    seen=form.seen.data if "seen" in request.form else None,
                )
        except Refusal as refusal:
            if isinstance(refusal, NotFound):
                raise
            self._mark(refusal, form)
            staff = self.find_row(key)
            if refusal.code == CHANGED:  # saving again is meant: the page says what was changed
                form.seen.data = service.mark(staff)
            return self._account_page(staff, form, refusal)
        return self._done(staff, gettext("Saved."))

    @expose("/<id:key>/disable", methods=("POST",))
    def disable(self, key: int) -> ResponseReturnValue:
        """Disable the account; a session of it ends with its next click."""
        with transaction():
            staff = service.change_staff(current_actor(), key, active=False)
        return self._done(staff, gettext("The account is disabled and signed out everywhere."))

    @expose("/<id:key>/enable", methods=("POST",))
    def enable(self, key: int) -> ResponseReturnValue:
        """Open a disabled account again."""
        with transaction():
            staff = service.change_staff(current_actor(), key, active=True)
        return self._done(staff, gettext("The account is active again."))

    @expose("/<id:key>/password", methods=("POST",))
    def new_password(self, key: int) -> ResponseReturnValue:
        """Make a temporary password and show it once."""
        self.find_row(key)
        password = temporary_password()
        hashed = hash_password(password)
        with transaction():
            staff = service.set_password(current_actor(), key, hashed, temporary=True)
        if wants_json():
            return jsonify(staff=self.as_json(staff), password=password)
        return self._password_page(staff, password)

    @expose("/<id:key>/second-step-off", methods=("POST",))
    def second_step_off(self, key: int) -> ResponseReturnValue:
        """Switch the second step off for a person who lost the phone."""
        with transaction():
            staff = totp.disable_totp(current_actor(), key)
        return self._done(staff, gettext("Two-step sign-in is off and all sessions have ended."))

    @expose("/<id:key>/sign-out", methods=("POST",))
    def sign_out(self, key: int) -> ResponseReturnValue:
        """End all sessions of the account."""
        with transaction():
            staff = self.find_row(key)
            sessions.revoke_others(current_actor(), staff)
        return self._done(staff, gettext("All sessions of this account have ended."))

    def _account_page(self, staff: Staff, form: StaffForm, refusal: Refusal | None = None) -> ResponseReturnValue:
        page = self.render(
            "admin/staff/account.html",
            staff=staff,
            form=form,
            refusal=refusal,
            role_name=ROLE_NAMES[staff.role],
            state=ACTIVE[staff.active],
            seen=last_seen([staff.id]).get(staff.id),
            live=live_sessions(staff.id),
            own=current_actor().id == staff.id,
        )
        return page, refusal.status if refusal else 200

    def _password_page(self, staff: Staff, password: str, *, created: bool = False) -> ResponseReturnValue:
        page: str = self.render("admin/staff/password.html", staff=staff, password=password, created=created)
        return page

    def _account_json(self, staff: Staff) -> dict[str, Any]:
        seen = last_seen([staff.id]).get(staff.id)
        return self.as_json(staff) | {"last_seen": local_time(seen), "sessions": len(live_sessions(staff.id))}

    def _done(self, staff: Staff, message: str) -> ResponseReturnValue:
        if wants_json():
            return jsonify(staff=self._account_json(staff))
        flash(message, "success")
        return redirect(self.get_url(".account", key=staff.id), 303)

    def _mark(self, refusal: Refusal, form: StaffForm) -> None:
        """Show the errors at their fields; programs get them as an error."""
        if wants_json():
            raise refusal
        for name, texts in refusal.fields.items():
            if name in form:
                form[name].errors = [str(text) for text in texts]
