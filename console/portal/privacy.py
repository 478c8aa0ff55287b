"""The person's data in the portal: a copy and its erasure. Both need a fresh sign-in; erasure waits for a week."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from console.core.errors import NotFound, Refusal
from console.core.texts import gettext
from console.core.transaction import transaction
from console.customers.models import Customer
from console.portal import confirmation
from console.portal.accounts import chosen, own_accounts
from console.portal.answers import link_gone, show_again
from console.portal.blueprint import portal, signed_in
from console.portal.forms import PortalForm
from console.privacy.models import DataExport, Erasure
from console.privacy.service import erasure, exports
from console.web.answers import local_time, wants_json
from console.web.downloads import download as as_download
from console.web.identity import current_actor, current_person
from console.web.security import keep_private


@portal.get("/privacy")
@signed_in
def privacy() -> ResponseReturnValue:
    """Show the copies that were asked for, and whether an erasure waits."""
    person = current_person()
    if wants_json():
        waiting = erasure.waiting_erasure(person)
        return jsonify(
            exports=[_export(row) for row in exports.exports_of(person)],
            erasure=_erasure(waiting) if waiting is not None else None,
        )
    return _page()


@portal.post("/privacy/export")
@signed_in
def ask_export() -> ResponseReturnValue:
    """Request a copy of the person's data; with ``account``, of that account only."""

    def act() -> dict[str, Any]:
        with transaction():
            return {"export": _export(exports.request_export(current_actor(), _account()))}

    return _do(act, gettext("We are preparing the copy. You will get an e-mail with a link to it."), "export")


@portal.post("/privacy/erase")
@signed_in
def ask_erasure() -> ResponseReturnValue:
    """Begin the erasure of oneself."""

    def act() -> dict[str, Any]:
        with transaction():
            return {"erasure": _erasure(erasure.request_erasure(current_actor()))}

    return _do(act, gettext("The erasure was requested. You can cancel it here until it happens."), "erase")


@portal.post("/privacy/keep")
@signed_in
def cancel_erasure() -> ResponseReturnValue:
    """Take the erasure back."""
    with transaction():
        row = erasure.cancel_erasure(current_actor())
    if wants_json():
        return jsonify(erasure=_erasure(row))
    flash(gettext("The erasure was cancelled. Nothing was erased."), "success")
    return redirect(url_for("portal.privacy"), 303)


@portal.get("/export/<secret:export_token>")
@signed_in
def export_link(export_token: str) -> ResponseReturnValue:
    """Show what can be downloaded. A look does not use the link up: mail scanners look first."""
    try:
        row = exports.export_behind(current_actor(), export_token)
    except NotFound:
        return link_gone("portal/export_gone.html", **_frame())
    if wants_json():
        return jsonify(export=_export(row))
    return keep_private(make_response(render_template("portal/export.html", row=row, **_frame())))


@portal.post("/export/<secret:export_token>")
@signed_in
def download_export(export_token: str) -> ResponseReturnValue:
    """Download the copy, once."""
    try:
        with transaction():
            content = exports.download(current_actor(), export_token)
    except NotFound:
        return link_gone("portal/export_gone.html", **_frame())
    return keep_private(as_download("data.zip", content))


def _do(act: Callable[[], dict[str, Any]], message: str, which: str) -> ResponseReturnValue:
    """Do something that asks for the password again."""
    form = PortalForm()
    try:
        form.require()
        confirmation.require()
        answer = act()
    except Refusal as refusal:
        return show_again(refusal, form, lambda: _page(form, which))
    if wants_json():
        return jsonify(answer)
    flash(message, "success")
    return redirect(url_for("portal.privacy"), 303)


def _account() -> Customer | None:
    return chosen(own_accounts()).customer if request.form.get("account") else None


def _page(form: PortalForm | None = None, which: str = "") -> str:
    person = current_person()
    owned = [one.customer for one in own_accounts() if one.is_owner]
    return render_template(
        "portal/privacy.html",
        form=form or PortalForm(formdata=None),
        blank=PortalForm(formdata=None),
        which=which,
        owned=owned,
        exports=exports.exports_of(person),
        erasure=erasure.waiting_erasure(person),
        waits=erasure.WAITS.days,
        confirm=confirmation.is_needed(),
        **_frame(),
    )


def _frame() -> dict[str, Any]:
    accounts = own_accounts()
    return {"accounts": accounts, "mine": chosen(accounts) if accounts else None}


def _export(row: DataExport) -> dict[str, Any]:
    return {
        "id": row.id,
        "state": row.state.value,
        "account": row.customer.number if row.customer is not None else None,
        "requested_at": local_time(row.requested_at),
        "expires_at": local_time(row.expires_at),
        "size": row.size,
    }


def _erasure(row: Erasure) -> dict[str, Any]:
    return {"state": row.state.value, "requested_at": local_time(row.requested_at), "due_at": local_time(row.due_at)}
