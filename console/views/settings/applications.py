"""Applications that sign people in through the portal, for administrators, and the keys that sign."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, jsonify, make_response, redirect
from flask.typing import ResponseReturnValue
from flask_admin import expose
from wtforms import BooleanField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from console.core.db import db
from console.core.errors import Invalid, NotFound, Refusal
from console.core.forms import Form
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.identity.oidc import applications, keys
from console.identity.oidc.applications import SCOPES, ApplicationData, Registered
from console.identity.oidc.metadata import issuer
from console.identity.oidc.models import SsoApplication
from console.staff.roles import Permission
from console.views.shared.base import Page
from console.web.answers import local_time, refuse, wants_json
from console.web.identity import current_actor
from console.web.security import keep_private


def views() -> list[Page]:
    """Return the page."""
    return [
        ApplicationsPage(
            name=lazy_gettext("Applications"), endpoint="applications", url="applications", menu_icon_value="key"
        )
    ]


class ApplicationForm(Form):
    """An application."""

    name = StringField(lazy_gettext("Name"), description=lazy_gettext("As customers know it, for example Webmail."))
    redirect_uris = TextAreaField(
        lazy_gettext("Addresses after the sign-in"),
        description=lazy_gettext("One a line, https://. They are compared character by character."),
    )
    post_logout_uris = TextAreaField(
        lazy_gettext("Addresses after signing out"), description=lazy_gettext("One a line. May be empty.")
    )
    scopes = SelectMultipleField(
        lazy_gettext("What it may ask for"),
        choices=[
            SelectChoice("email", lazy_gettext("the e-mail address")),
            SelectChoice("profile", lazy_gettext("name, language and account number")),
            SelectChoice("offline_access", lazy_gettext("access while the person is away")),
        ],
    )
    is_public = BooleanField(
        lazy_gettext("Public: cannot hold a secret"),
        description=lazy_gettext("A program on phones or computers, or one that runs in the browser."),
    )
    active = BooleanField(
        lazy_gettext("In use"), default=True, description=lazy_gettext("Otherwise it signs no one in.")
    )

    def application_data(self) -> ApplicationData:
        """Return what was filled in."""
        return ApplicationData(
            name=self.name.data or "",
            redirect_uris=(self.redirect_uris.data or "").splitlines(),
            post_logout_uris=(self.post_logout_uris.data or "").splitlines(),
            scopes=("openid", *(self.scopes.data or ())),
            is_public=bool(self.is_public.data),
            active=bool(self.active.data),
        )


class ApplicationsPage(Page):
    """The applications, and the keys that sign what they get."""

    permission = Permission.MANAGE_SETTINGS
    group = "system"
    parent = "settings"
    settings_group = "people"
    settings_lead = lazy_gettext("Single Sign-On: which applications customers sign in to with their account.")

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """List them."""
        rows = applications.all_applications()
        if wants_json():
            return jsonify(items=[_as_json(one) for one in rows], next=None, issuer=issuer())
        page: str = self.render(
            "admin/settings/applications.html",
            rows=rows,
            keys=keys.all_keys(),
            signing=keys.signing_row(),
            issuer=issuer(),
        )
        return page

    @expose("/new")
    def new(self) -> ResponseReturnValue:
        """Show the form of another one."""
        if wants_json():
            return jsonify(scopes=list(SCOPES))
        form = ApplicationForm(formdata=None, scopes=["email", "profile"])
        return self._form(form, None)

    @expose("/new", methods=["POST"])
    def register(self) -> ResponseReturnValue:
        """Register one, and show its secret once."""
        form = ApplicationForm()
        try:
            form.refuse_spoiled()
            with transaction():
                made = applications.register(current_actor(), form.application_data())
        except Invalid as refusal:
            return self._form(form, None, refusal)
        return self._secret(made, created=True)

    @expose("/<id:key>")
    def application(self, key: int) -> ResponseReturnValue:
        """Show one in its form."""
        row = _find(key)
        if wants_json():
            return jsonify(application=_as_json(row))
        return self._form(_filled_in(row), row)

    @expose("/<id:key>", methods=["POST"])
    def change(self, key: int) -> ResponseReturnValue:
        """Save one."""
        form = ApplicationForm()
        try:
            form.refuse_spoiled()
            with transaction():
                row = applications.change(current_actor(), key, form.application_data())
        except Invalid as refusal:
            return self._form(form, _find(key), refusal)
        if wants_json():
            return jsonify(application=_as_json(row))
        flash(gettext("Saved."), "success")
        return redirect(self.get_url(".application", key=key), 303)

    @expose("/<id:key>/renew", methods=["POST"])
    def renew_secret(self, key: int) -> ResponseReturnValue:
        """Give one another secret, and show it once."""
        with transaction():
            made = applications.renew_secret(current_actor(), key)
        return self._secret(made, created=False)

    @expose("/keys", methods=["POST"])
    def rotate(self) -> ResponseReturnValue:
        """Sign with a new key from now on."""
        made = keys.make_key()
        with transaction():
            row = keys.rotate(current_actor(), made)
        if wants_json():
            return jsonify(key=row.kid)
        flash(gettext("A new key signs from now on. The one before still verifies for 30 days."), "success")
        return redirect(self.get_url(".index"), 303)

    def _secret(self, made: Registered, *, created: bool) -> ResponseReturnValue:
        """Show a secret in this answer and keep it nowhere."""
        if wants_json():
            return keep_private(jsonify(application=_as_json(made.application), client_secret=made.secret))
        page = self.render(
            "admin/settings/application_secret.html", row=made.application, secret=made.secret, created=created
        )
        return keep_private(make_response(page))

    def _form(
        self, form: ApplicationForm, row: SsoApplication | None, refusal: Refusal | None = None
    ) -> ResponseReturnValue:
        if refusal is not None and wants_json():
            return refuse(refusal)
        for name, texts in (refusal.fields if refusal else {}).items():
            form[name].errors = [str(text) for text in texts]
        page = self.render("admin/settings/application.html", form=form, row=row, refusal=refusal, issuer=issuer())
        return Response(page, refusal.status if refusal else 200)


def _find(key: int) -> SsoApplication:
    row = db.session.get(SsoApplication, key)
    if row is None:
        raise NotFound
    return row


def _filled_in(row: SsoApplication) -> ApplicationForm:
    return ApplicationForm(
        formdata=None,
        name=row.name,
        redirect_uris="\n".join(row.redirect_uris),
        post_logout_uris="\n".join(row.post_logout_uris),
        scopes=row.scopes,
        is_public=row.is_public,
        active=row.active,
    )


def _as_json(row: SsoApplication) -> dict[str, Any]:
    return {
        "id": row.id,
        "client_id": row.client_id,
        "name": row.name,
        "redirect_uris": row.redirect_uris,
        "post_logout_uris": row.post_logout_uris,
        "scopes": row.scopes,
        "public": row.is_public,
        "active": row.active,
        "created_at": local_time(row.created_at),
    }
